"""Components of a series of spectrum images: their spectra and one series of images of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from tomojupyter.numerics.spectral.factors import channel_groups, poisson_nmf, scree
from tomojupyter.numerics.spectral.fit import Shapes, amounts, linear_filter
from tomojupyter.numerics.spectral.naming import name_components, within_groups
from tomojupyter.numerics.spectral.passes import binned, products, total_spectrum
from tomojupyter.steps.base import Outcome, param, step
from tomojupyter.steps.checks import warn
from tomojupyter.steps.spectra import SpectralStep, lines_in_range

if TYPE_CHECKING:
    import numpy as np

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps.spectra import Spectra

ENOUGH = 30_000  # spectra that the components are found in; of more, blocks of pixels are summed
UNIQUE = 0.8  # cosine of components from several starts, below which they are not unique
COMPONENT = "Tomojupyter.component"


@step("decompose", "NMF")
class NonNegativeFactors(SpectralStep):
    """Non-negative components by their Poisson likelihood, named by the lines they carry."""

    components: int | None = param(
        None, "number of components", ge=1, le=20, auto="as many as stand out of the noise"
    )
    elements: tuple[str, ...] | None = param(
        None, "elements that components may be named by", auto="the signal's elements"
    )
    iterations: int = param(150, "updates of each start", ge=1, advanced=True)
    block: int | None = param(
        None,
        "edge of the blocks of pixels that components are found in; their maps have all pixels",
        unit="px",
        ge=1,
        auto=f"so that there are at most {ENOUGH} blocks",
        advanced=True,
    )
    seed: int = param(0, "of the starts that are drawn by chance", ge=0, advanced=True)

    def resolve(self, signal: Spectra) -> Self:
        """Decide on tilts, elements, blocks, and the number of components."""
        n, ny, nx, _ = signal.data.shape
        block = self.block
        if block is None:
            block = 1
            while n * (ny // block) * (nx // block) > ENOUGH and block < min(ny, nx) // 2:
                block += 1
        elements = signal.elements if self.elements is None else self.elements
        lines_in_range(dict.fromkeys(elements), signal.energies) if elements else None
        done = self.replace(tilts=signal.tilts(self.tilts), elements=tuple(elements), block=block)
        if done.components is None:
            _, _, proposed = scree(done.grouped(signal)[0])
            done = done.replace(components=min(proposed, 20))
        return done

    def grouped(self, signal: Spectra, monitor: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """Return counts (blocks, groups of channels) and the edges of the groups."""
        more = () if monitor is None else (monitor,)
        edges = channel_groups(total_spectrum(signal.data, *more))
        counts = binned(signal.data, edges, self.block or 1, *more)
        return counts.reshape(-1, counts.shape[-1]), edges

    def apply(self, signal: Spectra, monitor: Monitor, **options: Any) -> Outcome:
        """Return one TomoStack a component."""
        assert self.tilts is not None
        counts, edges = self.grouped(signal, monitor)
        found = poisson_nmf(
            counts,
            self.components,
            iterations=self.iterations,
            seed=self.seed,
            monitor=monitor,
        )
        if found.agreement < UNIQUE:
            warn(
                "the components are not unique (other starts agree by "
                f"{found.agreement:.2f} only): they may be mixtures; ask for fewer, or take "
                "line_maps"
            )
        names = self._names(signal, found.spectra, edges)
        maps = self._maps(signal, found.spectra, found.counts, edges, monitor)
        about = {
            "scree": [float(v) for v in found.scree[:40]],
            "edge": found.edge,
            "proposed": found.proposed,
            "agreement": found.agreement,
            "deviance": found.deviance,
        }
        outputs = {}
        for k, name in enumerate(names):
            stack = signal.stack(maps[..., k], self.tilts, name)
            kept = {**about, "spectrum": found.spectra[k].tolist()}
            kept["energies"] = [float(e) for e in signal.middles(edges)]
            stack.metadata.set_item(COMPONENT, json.dumps(kept))
            outputs[name] = stack
        return Outcome(None, about, outputs=outputs)

    def _names(self, signal: Spectra, spectra: np.ndarray, edges: np.ndarray) -> list[str]:
        if not self.elements:
            return [f"component {k + 1}" for k in range(len(spectra))]
        energies = signal.energies
        families = lines_in_range(dict.fromkeys(self.elements), energies)
        lines = {e: [(f.energies_kev, f.weights) for f in found] for e, found in families.items()}
        return name_components(spectra, edges, energies, lines, signal.resolution)

    @staticmethod
    def _maps(
        signal: Spectra,
        spectra: np.ndarray,
        counts: np.ndarray,
        edges: np.ndarray,
        monitor: Monitor,
    ) -> np.ndarray:
        """Return the counts of each component in every pixel, (n, ny, nx, k)."""
        mean = counts @ spectra
        shapes = Shapes(tuple(map(str, range(len(spectra)))), spectra, mean, mean)
        rows, gram = linear_filter(shapes)
        return amounts(
            products(signal.data, within_groups(rows, edges, signal.data.shape[-1]), monitor),
            gram,
            True,
        )
