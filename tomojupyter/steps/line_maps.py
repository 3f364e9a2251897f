"""Maps of X-ray lines, one series of images a line, from a series of spectrum images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.fit import Shapes, amounts, find_shapes, linear_filter
from tomojupyter.numerics.spectral.passes import products, total_spectrum
from tomojupyter.numerics.spectral.windows import window_row
from tomojupyter.steps.base import Outcome, param, step
from tomojupyter.steps.spectra import SpectralStep, lines_in_range
from tomojupyter.steps.xray_lines import line

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.steps.spectra import Spectra


class Fitted(NamedTuple):
    """Shapes of lines and background, and the counts (n, ny, nx, k) of each in every pixel."""

    shapes: Shapes
    amounts: np.ndarray


@step("line_maps", "windows")
class LineWindows(SpectralStep):
    """Counts in a window about each line, less the background in the windows beside it."""

    lines: tuple[str, ...] | None = param(
        None, "lines, such as Ni_Ka", auto="the main line of each of the signal's elements"
    )
    widths: float = param(2.0, "width of the window, in widths of the line", gt=0)
    background: tuple[tuple[float, ...], ...] | None = param(
        None,
        "for each line two windows: left, right, left, right",
        unit="keV",
        auto="beside the line's window",
    )

    def check(self) -> None:
        """Refuse windows that are not four energies for each line."""
        if self.background is None:
            return
        rows = [row if isinstance(row, tuple) else (row,) for row in self.background]
        if any(len(row) not in (0, 4) for row in rows) or (
            self.lines is not None and len(rows) != len(self.lines)
        ):
            raise ParameterError(
                "background must be four energies (left, right, left, right) for each line, got "
                f"{self.background}"
            )

    def resolve(self, signal: Spectra) -> Self:
        """Decide on tilts and lines."""
        return self.replace(tilts=signal.tilts(self.tilts), lines=_lines(self.lines, signal))

    def apply(self, signal: Spectra, monitor: Monitor, **options: Any) -> Outcome:
        """Return one TomoStack a line."""
        assert self.lines is not None
        assert self.tilts is not None
        energies = signal.energies
        _in_range(self.lines, energies)
        beside = self.background or (None,) * len(self.lines)
        rows = [
            window_row(energies, line(name)[2], signal.resolution, self.widths, windows)
            for name, windows in zip(self.lines, beside, strict=True)
        ]
        maps = products(signal.data, np.stack(rows), monitor)
        return Outcome(None, outputs=_stacks(signal, self.lines, self.tilts, maps))


@step("line_maps", "fit")
class LineFit(SpectralStep):
    """Fit of the known shapes of all lines and a smooth background to every spectrum."""

    lines: tuple[str, ...] | None = param(
        None,
        "lines or elements, such as Ni_Ka or Ni; each map counts all lines of its element",
        auto="the main line of each of the signal's elements",
    )
    others: tuple[str, ...] | None = param(
        None,
        "elements without a map whose lines are in the spectra too, such as Cu of the holder",
        auto="the signal's elements",
    )
    positive: bool = param(
        False, "no negative counts: nicer to see, but too high on average where counts are few"
    )

    def resolve(self, signal: Spectra) -> Self:
        """Decide on tilts, lines and the elements that are fitted besides."""
        lines = _lines(self.lines, signal)
        others = signal.elements if self.others is None else self.others
        mapped = {name.partition("_")[0] for name in lines}
        return self.replace(
            tilts=signal.tilts(self.tilts),
            lines=lines,
            others=tuple(e for e in others if e not in mapped),
        )

    def apply(self, signal: Spectra, monitor: Monitor, **options: Any) -> Outcome:
        """Return one TomoStack a line."""
        assert self.lines is not None
        assert self.tilts is not None
        found = self.fitted(signal, monitor)
        left = found.shapes.total - found.shapes.fitted
        scalars = {
            "misfit_percent": float(100 * np.abs(left).sum() / found.shapes.total.sum()),
            "counts": float(found.shapes.total.sum()),
        }
        kept = found.amounts[..., : len(self.lines)]
        return Outcome(None, scalars, outputs=_stacks(signal, self.lines, self.tilts, kept))

    def fitted(self, signal: Spectra, monitor: Monitor) -> Fitted:
        """Return the shapes that were fitted and their amounts, lines first and background last."""
        assert self.lines is not None
        energies = signal.energies
        _in_range([n for n in self.lines if "_" in n], energies)
        elements = [name.partition("_")[0] for name in self.lines]
        if len(set(elements)) < len(elements):
            raise ParameterError(
                f"lines name an element twice ({', '.join(self.lines)}): a fit counts all lines "
                "of an element in one map"
            )
        families = lines_in_range(dict.fromkeys((*elements, *(self.others or ()))), energies)
        shapes = find_shapes(
            total_spectrum(signal.data, monitor),
            energies,
            {e: [(f.energies_kev, f.weights) for f in found] for e, found in families.items()},
            signal.resolution,
        )
        rows, gram = linear_filter(shapes)
        found = amounts(products(signal.data, rows, monitor), gram, self.positive)
        return Fitted(shapes, found)


def _lines(given: tuple[str, ...] | None, signal: Spectra) -> tuple[str, ...]:
    """Return the lines, the strongest above 1 keV of each of the signal's elements by default."""
    if given:
        return tuple(dict.fromkeys(given))
    energies = signal.energies
    if not signal.elements:
        raise ParameterError(
            'the signal names no elements: give lines, such as lines=["Ni_Ka", "Cr_Ka"]'
        )
    found = []
    for element, families in lines_in_range(dict.fromkeys(signal.elements), energies).items():
        above = [f for f in families if f.energies_kev[0] > 1.0] or families
        family = min(above, key=lambda f: f.energies_kev[int(np.argmax(f.weights))])
        found.append(f"{element}_{family.names[int(np.argmax(family.weights))]}")
    return tuple(found)


def _in_range(names: Any, energies: np.ndarray) -> None:
    for name in names:
        energy = line(name)[2]
        if not energies[0] < energy < energies[-1]:
            raise ParameterError(
                f"{name} lies at {energy:.3g} keV, but the spectra go from {energies[0]:.3g} to "
                f"{energies[-1]:.3g} keV: take another line of the element, or leave it out"
            )


def _stacks(
    signal: Spectra, names: tuple[str, ...], tilts: tuple[float, ...], maps: np.ndarray
) -> dict[str, Any]:
    return {name: signal.stack(maps[..., k], tilts, name) for k, name in enumerate(names)}
