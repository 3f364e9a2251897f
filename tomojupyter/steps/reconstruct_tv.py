"""Reconstruction with total variation, as a Step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.numerics.reconstruction.extent import leaves_images, looked_at, rows_of_matter
from tomojupyter.numerics.reconstruction.margin import (
    check_rows,
    seen_within,
    wider,
    with_margin,
)
from tomojupyter.numerics.reconstruction.tv import tv
from tomojupyter.steps.base import Step, param, step
from tomojupyter.steps.columns import some_columns
from tomojupyter.steps.figures import norm_of
from tomojupyter.steps.reconstruct import IterativeStep

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector


@step("reconstruct", "TV")
class TotalVariation(IterativeStep):
    """Smooth within grains and sharp at their borders, by total variation in three dimensions."""

    halo = 24  # slices beside a slab: see docs/benchmarks.md for what they leave
    decides = ("weight", "iterations", "tolerance", "rows", "margin")
    volumes = 5.0
    gap_volumes = 0.0
    sinograms = 3.0
    iterations: int = param(120, "iterations at most, each little longer than one of SIRT", ge=1)
    constrain: bool = param(True, "no value below `thresh`")
    relaxation: float = param(1.0, "factor of every step", gt=0, le=1, advanced=True)
    weight: float | None = param(
        None,
        "how much smoothness counts against the data, in units of the images",
        ge=0,
        auto="the one that predicts projections best that it was not shown",
    )
    tolerance: float = param(
        0.0005, "ends where an iteration changes the volume by less than this part",
        ge=0, advanced=True,
    )  # fmt: skip
    rows: tuple[int, ...] | None = param(
        None, "first and last row along z that may hold matter, from 0", advanced=True,
        auto="found, where the specimen leaves the images across the tilt axis; else all",
    )  # fmt: skip
    margin: int | None = param(
        None, "volume beside the images along y, while it is reconstructed", unit="px", ge=0,
        auto="half the images' height where the specimen leaves them; else 0", advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """Refuse rows that are no rows."""
        super().check()
        if self.rows is not None:
            check_rows(self.rows, self.thickness or max([*self.rows, 0]) + 1)

    def resolve(self, signal: Any) -> Self:
        """Look where the specimen lies, if the images are there; a lazy run looks later."""
        decided = super().resolve(signal)
        if signal._lazy or (decided.rows is not None and decided.margin is not None):
            return decided
        index = looked_at(signal._frame.shape[1])
        tilts, sinograms, weights = some_columns(signal, index)
        if not len(tilts) or not np.isfinite(tilts).all():
            return decided  # the run says so
        projector = decided.projector(tilts, sinograms.shape[2])
        return decided.located(projector, sinograms, weights)

    def located(
        self, projector: Projector, sinograms: np.ndarray, weights: np.ndarray | None
    ) -> Self:
        """Decide on rows and margin by some slices."""
        if self.rows is not None and self.margin is not None:
            return self
        leaves = leaves_images(sinograms, weights)
        rows, margin = self.rows, self.margin
        if rows is None:
            found = rows_of_matter(projector, sinograms, weights) if leaves else None
            rows = found or (0, projector.thickness - 1)
        if margin is None:
            margin = projector.ny // 2 if leaves else 0
        return self.replace(rows=rows, margin=margin)

    def state_bytes(
        self,
        shape: tuple[int, int, int],
        thickness: int,
        projector: Projector,
        ncores: int | None,
        *,
        gaps: bool = False,
    ) -> int:
        """Return what `solve` holds at most, with the margin; half the height if undecided."""
        n, ny, nx = shape
        margin = ny // 2 if self.margin is None else self.margin
        limited = self.rows is None or tuple(self.rows) != (0, thickness - 1)
        own = 4 * nx * thickness * (ny + 2 * margin)  # a mask, and the result with its margin
        needed = own * (limited and self.mask is None)
        if margin:
            needed += own + limited * 4 * nx * n * ny
            projector, gaps = wider(projector, margin), gaps or limited
        return needed + super().state_bytes(shape, thickness, projector, ncores, gaps=gaps)

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the iterate, with the weight that was chosen and the iterations done."""
        here = self.located(projector, sinograms, weights)
        found = with_margin(
            tv,
            projector,
            sinograms,
            rows=check_rows(here.rows, projector.thickness),
            margin=here.margin or 0,
            weight=self.weight,
            iterations=self.iterations,
            tolerance=self.tolerance,
            constrain=self.constrain,
            thresh=self.thresh,
            upper=self.upper,
            relaxation=self.relaxation,
            weights=weights,
            **options,
        )
        start = norm_of(here.counted(projector, sinograms), weights)
        scalars: dict[str, Any] = {
            "residuals": [float(r) for r in found.residuals],
            "residual_percent": 100 * float(found.residuals[-1]) / start if start else 0.0,
        }
        if found.tried:
            scalars["chosen"] = {"weights_tried": [list(pair) for pair in found.tried]}
        # What is left to decide is decided: a replay, and other slabs, do as many iterations.
        done = here.replace(iterations=found.iterations, weight=found.weight, tolerance=0.0)
        return found.volume, scalars, done

    def counted(self, projector: Projector, sinograms: np.ndarray) -> np.ndarray:
        """Return sinograms, 0 where their rays leave the volume with its margin."""
        rows = check_rows(self.rows, projector.thickness)
        if not self.margin or rows in (None, (0, projector.thickness - 1)):
            return sinograms
        return np.where(seen_within(wider(projector, self.margin), *rows), sinograms, 0)

    @property
    def undecided(self) -> bool:
        """Whether the weight or the number of iterations is still to be found."""
        return super().undecided or self.tolerance > 0
