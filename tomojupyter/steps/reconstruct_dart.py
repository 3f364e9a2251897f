"""DART as a Step: a specimen of few grey levels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.problem import Problem
from tomojupyter.steps.base import Step, param, step
from tomojupyter.steps.reconstruct import UnlimitedStep

if TYPE_CHECKING:
    import numpy as np

    from tomojupyter.numerics.reconstruction.projector import Projector


@step("reconstruct", "DART")
class Dart(UnlimitedStep):
    """Discrete reconstruction: for a specimen of few materials, whose grey levels are known."""

    halo = 8  # slices beside a slab, whose boundaries and smoothing reach into it
    decides = ("smoothing",)
    volumes = 6.0
    sinograms = 3.0
    iterations: int = param(20, "how often the volume is segmented and its boundaries solved", ge=1)
    dart_iterations: int = param(5, "sweeps of SIRT over the free voxels in each iteration", ge=1)
    p: float = param(
        0.99, "probability that a voxel away from boundaries stays fixed", ge=0, le=1, advanced=True
    )
    gray_levels: tuple[float, ...] = param(
        help="levels of the materials and of vacuum, in units of the volume, such as 0, 1, 2"
    )
    smoothing: float | None = param(
        None, "of the free voxels: much against noise, little for small curved parts",
        unit="px", ge=0, le=2, auto="chosen by projections held out", advanced=True,
    )  # fmt: skip
    seed: int = param(0, "of the random choice of free voxels", ge=0, advanced=True)

    def check(self) -> None:
        """Ask for at least two levels."""
        super().check()
        if len(set(self.gray_levels)) < max(2, len(self.gray_levels)):
            raise ParameterError(
                "gray_levels must be at least two different levels, got "
                f"{', '.join(map(str, self.gray_levels)) or 'none'}"
            )

    def given(self, columns: slice | np.ndarray) -> dict[str, Any]:
        """Return as for the others, and the number of the first column, for what is random."""
        first = columns.start or 0 if isinstance(columns, slice) else int(columns[0])
        return {**super().given(columns), "first": first}

    def solver_of(self) -> Any:
        """Return the solver with the parameters of DART."""
        options = self._options()
        if self.smoothing is not None:
            options["smoothing"] = self.smoothing
        return partial(solvers.dart, **options)

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the volume of grey levels; choose the smoothing first, where none is given."""
        given = (projector, sinograms, tilts_deg, weights)
        if self.smoothing is not None:
            return super().solve(*given, **options)
        known = {"first": 0, **options}
        running = {name: known.pop(name) for name in ("monitor", "ncores", "first")}
        problem = Problem(projector, sinograms, weights, **known)
        smoothing, tried = solvers.choose_smoothing(problem, **running, **self._options())
        volume, scalars, done = self.replace(smoothing=smoothing).solve(*given, **options)
        chosen = {"held_out_percent_by_smoothing": tried}
        return volume, {**scalars, "chosen": chosen}, done

    def _options(self) -> dict[str, Any]:
        return {
            "gray_levels": self.gray_levels,
            "dart_iterations": self.dart_iterations,
            "p": self.p,
            "seed": self.seed,
        }
