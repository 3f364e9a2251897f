"""Reconstruction with total variation, as a Step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.numerics.reconstruction.tv import tv
from tomojupyter.steps.base import Step, param, step
from tomojupyter.steps.figures import norm_of
from tomojupyter.steps.reconstruct import IterativeStep

if TYPE_CHECKING:
    import numpy as np

    from tomojupyter.numerics.reconstruction.projector import Projector


@step("reconstruct", "TV")
class TotalVariation(IterativeStep):
    """Smooth within grains and sharp at their borders, by total variation in three dimensions."""

    halo = 24  # slices beside a slab: see docs/benchmarks.md for what they leave
    decides = ("weight", "iterations", "tolerance")
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

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the iterate, with the weight that was chosen and the iterations done."""
        found = tv(
            projector,
            sinograms,
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
        start = norm_of(sinograms, weights)
        scalars: dict[str, Any] = {
            "residuals": [float(r) for r in found.residuals],
            "residual_percent": 100 * float(found.residuals[-1]) / start if start else 0.0,
        }
        if found.tried:
            scalars["chosen"] = {"weights_tried": [list(pair) for pair in found.tried]}
        # What is left to decide is decided: a replay, and other slabs, do as many iterations.
        done = self.replace(iterations=found.iterations, weight=found.weight, tolerance=0.0)
        return found.volume, scalars, done

    @property
    def undecided(self) -> bool:
        """Whether the weight or the number of iterations is still to be found."""
        return super().undecided or self.tolerance > 0
