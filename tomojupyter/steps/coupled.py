"""Reconstruct several series of one specimen together: their edges lie in the same places."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.spectral.joint import Finer, Joint, joint
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.columns import Sinograms
from tomojupyter.steps.figures import iterative_bytes
from tomojupyter.steps.memory import allowed_bytes, bytes_text, free_bytes
from tomojupyter.steps.reconstruct import ReconstructionStep, check_ncores
from tomojupyter.steps.reconstructed import warn_of_vacuum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.reconstruction.projector import Projector

FINER = 2  # how many times finer than those of the maps the pixels of a guide may be
HELD = (11.0, 6.0)  # arrays as large as the volume, and as the sinograms, of one series


@step("reconstruct", "TNV")
class TotalNuclearVariation(ReconstructionStep):
    """Positive, for counts, smooth but for edges, which several series together may share."""

    together = True
    finished_by = "steps"
    decides = ("steps",)
    whole = True  # the noise that the weight is relative to is that of all slices
    weight: float = param(
        1.0, "of the smoothness, in standard deviations of what noise leaves in a gradient", ge=0
    )
    iterations: int = param(80, "of the first descent", ge=1)
    refinements: int = param(
        0, "how often contrast that the smoothness took is given back", ge=0, advanced=True
    )
    steps: int | None = param(
        None, "ends after so many iterations in all", ge=1, auto="all of them", advanced=True
    )
    guide: str = param(
        "",
        "name of a series that shows the same edges with less noise, such as HAADF images",
        advanced=True,
    )

    def apply(
        self, signal: Any, monitor: Monitor, *, ncores: int | None = None, **options: Any
    ) -> Outcome:
        """Return the RecStack of one series by itself."""
        if self.guide:
            raise DataError(
                f"guide={self.guide!r} names another series, and this one is by itself: "
                "use tomo.spectral.reconstruct_all(stacks, guide=...)"
            )
        return super().apply(signal, monitor, ncores=ncores, **options)

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the volume of one series, figures for the record, and the Step as done."""
        values, known = _known(sinograms, weights)
        found = self._joint(projector, values[None], known[None], **options)
        return found.volumes[0], _figures(found), self.replace(steps=found.iterations)

    def apply_together(
        self,
        signals: Mapping[str, Any],
        monitor: Monitor,
        *,
        ncores: int | None = None,
        max_memory: int | str | None = None,
        **options: Any,
    ) -> Outcome:
        """Return one RecStack for each series but the guide."""
        if self.guide and self.guide not in signals:
            raise ParameterError(
                f"guide must name one of the series ({', '.join(signals)}), got {self.guide!r}"
            )
        finer = _same_geometry(signals, self.guide)
        check_ncores(ncores)
        series = {name: Sinograms(signal) for name, signal in signals.items()}
        common = reduce(np.intersect1d, [one.index for one in series.values()])
        if len(common) < 2:
            raise ParameterError(
                f"only {len(common)} projection can be used; at least 2 are needed"
            )
        if self.guide:
            warn_of_vacuum(signals[self.guide])
        series = {name: one.among(common) for name, one in series.items()}
        first = next(iter(series.values()))
        projector = self.projector(first.tilts, first.shape[1])
        finest = self._finest(projector) if finer else projector
        self._check_memory(first.shape, len(series), finest, max_memory)
        parts = {name: _known(*one.columns(slice(None))) for name, one in series.items()}
        if finer:
            fine = _binned(*parts[self.guide], axis=0)
            parts[self.guide] = _binned(*fine, axis=2)
        found = self._joint(
            projector,
            *(np.stack(arrays) for arrays in zip(*parts.values(), strict=True)),
            guide=list(series).index(self.guide) if self.guide else None,
            finer=Finer(finest, np.where(fine[1] > 0, fine[0], np.nan)) if finer else None,
            monitor=monitor, ncores=ncores,
        )  # fmt: skip
        outputs = {
            name: signal._volume(volume)
            for (name, signal), volume in zip(signals.items(), found.volumes, strict=True)
            if name != self.guide
        }
        done = self.replace(steps=found.iterations)
        return Outcome(None, _figures(found), done, outputs=outputs)

    def _check_memory(
        self,
        shape: tuple[int, int, int],
        count: int,
        projector: Projector,
        max_memory: int | str | None,
    ) -> None:
        """Refuse series that are too many, or too large, to be held together."""
        n, ny, nx = shape
        fine = (n, projector.ny, nx)
        each = self.state_bytes(fine, projector.thickness, projector, None)
        each += 4 * nx * projector.ny * (projector.thickness + 4 * n)
        allowed = allowed_bytes(max_memory, free_bytes())
        if allowed is not None and count * each > allowed:
            finer = "bin the guide to the pixels of the maps, " if projector.ny > ny else ""
            raise ParameterError(
                f"{count} series of {n} x {ny} x {nx} px together take {bytes_text(count * each)} "
                f"of memory, but may take {bytes_text(allowed)}: {finer}bin or crop the maps, "
                "reduce the thickness, take fewer, or a method that takes each by itself, such as "
                "SIRT"
            )

    def _finest(self, projector: Projector) -> Projector:
        """Return the projector of the same slices in voxels as fine as a guide's pixels."""
        nz, ny = (FINER * size for size in projector.slice_shape)
        return self.replace(thickness=nz).projector(projector.tilts_deg, ny)

    def state_bytes(
        self,
        shape: tuple[int, int, int],
        thickness: int,
        projector: Projector,
        ncores: int | None,
        *,
        gaps: bool = False,
    ) -> int:
        """Return what `solve` holds at most beyond its input and result, in bytes."""
        return iterative_bytes(shape, thickness, projector, HELD)

    def _joint(
        self, projector: Projector, sinograms: np.ndarray, weights: np.ndarray, **options: Any
    ) -> Joint:
        return joint(
            projector,
            sinograms,
            weight=self.weight,
            iterations=self.iterations,
            refinements=self.refinements,
            steps=self.steps,
            weights=weights,
            **options,
        )


def _known(sinograms: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 sinograms with 0 where nothing is known, and weights that say where."""
    known = np.isfinite(sinograms)
    keep = known.astype(np.float32) if weights is None else np.where(known, weights, 0)
    return np.where(known, sinograms, 0).astype(np.float32), keep.astype(np.float32)


def _figures(found: Joint) -> dict[str, Any]:
    return {
        "residual": float(found.residuals[-1]),
        "noise": [float(v) for v in found.noise],
    }


def _binned(values: np.ndarray, known: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return means over neighbours along an axis, and weights that say where all are known."""
    shape = list(values.shape)
    shape[axis : axis + 1] = shape[axis] // FINER, FINER
    return values.reshape(shape).mean(axis + 1), known.reshape(shape).min(axis + 1)


def _same_geometry(signals: Mapping[str, Any], guide: str) -> bool:
    """Refuse series that are not of one field at the same tilts; return if the guide is finer."""
    first_name, first = next(iter(signals.items()))
    tilts = first.tilts.data.ravel()
    finer = False
    for name, signal in signals.items():
        own = signal.tilts.data.ravel()
        if len(own) != len(tilts) or not np.allclose(own, tilts, atol=0.01):
            raise DataError(
                f"{first_name} and {name} have different tilts ({len(tilts)} and {len(own)}): "
                "series that are reconstructed together need the same ones in the same order"
            )
        halves = tuple(FINER * size for size in first.data.shape[1:])
        if name == guide and signal.data.shape[1:] == halves:
            finer = True
        elif signal.data.shape != first.data.shape:
            shapes = [" x ".join(map(str, s.data.shape[1:])) for s in (first, signal)]
            raise DataError(
                f"{first_name} has images of {shapes[0]} px and {name} of {shapes[1]}: "
                "series that are reconstructed together need the same pixels; bin the finer one, "
                "or name it last where it is the guide and has half as wide ones"
            )
    return finer
