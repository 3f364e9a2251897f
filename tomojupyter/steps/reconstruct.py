"""Turn an aligned series into a volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.backends import (
    BACKENDS,
    CUDA,
    cuda_available,
    make_projector,
)
from tomojupyter.numerics.reconstruction.problem import Problem
from tomojupyter.numerics.reconstruction.stopping import choose_iterations
from tomojupyter.steps.arrays import GivenArray
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import usable, warn
from tomojupyter.steps.stack_register import check_cuda

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.reconstruction.projector import Projector


@dataclass(frozen=True, kw_only=True)
class ReconstructionStep(Step):
    """Base of reconstructions; `solve` turns sinograms into a volume."""

    needs_tilts = True
    in_memory = True
    cuda: bool | None = param(
        None, "use a GPU through ASTRA", auto="if there is one", advanced=True
    )
    thickness: int | None = param(
        None, "height of the volume along z", unit="px", ge=1, auto="the height of the images"
    )
    backend: str = param(
        "numba",
        "what projects: our own kernels, ASTRA's matrix (slower; the reference), or its GPU code",
        choices=BACKENDS,
        advanced=True,
    )

    def resolve(self, signal: Any) -> Self:
        """Decide on the GPU and the thickness."""
        check_cuda(self.cuda)
        cuda = self.cuda
        if self.backend == CUDA and not cuda_available():
            raise ParameterError(
                f'backend="{CUDA}", but ASTRA finds no CUDA device here; use backend="numba"'
            )
        if cuda is None:
            cuda = self.backend == CUDA or cuda_available()
        return self.replace(
            cuda=cuda,
            backend=CUDA if cuda else self.backend,
            thickness=self.thickness or signal._frame.shape[0],
        )

    def check(self) -> None:
        """Refuse a GPU that is asked for and forbidden."""
        if self.cuda is False and self.backend == CUDA:
            raise ParameterError(
                f'cuda=False never uses a GPU, but backend="{CUDA}" does: leave one of them out'
            )

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return (nx, nz, ny) volume, figures for the record, and the Step as done."""
        raise TypeError(f"{type(self).__name__} does not reconstruct: give it a solve()")

    def apply(
        self, signal: Any, monitor: Monitor, *, ncores: int | None = None, **options: Any
    ) -> Outcome:
        """Return the RecStack."""
        warn_of_vacuum(signal)
        volume, scalars, done = self.on_columns(
            signal, slice(None), monitor, ncores=ncores, **options
        )
        return Outcome(signal._volume(volume), scalars, done)

    def projector(self, tilts_deg: np.ndarray, ny: int) -> Projector:
        """Return the projector for some tilts and images of a height."""
        return make_projector(
            tilts_deg, ny, self.thickness or ny, cuda=bool(self.cuda), backend=self.backend
        )

    def on_columns(
        self,
        signal: Any,
        columns: slice | np.ndarray,
        monitor: Monitor,
        *,
        ncores: int | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return what `solve` makes of some columns of a stack."""
        if ncores is not None and ncores < 1:
            raise ParameterError(f"ncores must be at least 1, got {ncores}")
        good, mask = usable(signal)
        if good.sum() < 2:
            raise ParameterError(f"only {good.sum()} projection can be used; at least 2 are needed")
        sinograms, weights, tilts = sinograms_of(signal, good, mask, columns)
        return self.solve(
            self.projector(tilts, sinograms.shape[2]),
            sinograms,
            tilts,
            weights,
            monitor=monitor,
            ncores=ncores,
            **options,
        )


def sinograms_of(
    signal: Any, good: np.ndarray, mask: np.ndarray, columns: slice | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sinograms and weights (nx, n, ny) and the tilts of the projections to use."""
    images = signal.data[good][..., columns]
    keep = mask[good][..., columns]
    sinograms = np.ascontiguousarray(
        np.where(keep, images, 0).astype(np.float32).transpose(2, 0, 1)
    )
    weights = np.ascontiguousarray(keep.transpose(2, 0, 1), dtype=np.float32)
    return sinograms, weights, signal.tilts.data.ravel()[good]


def warn_of_vacuum(signal: Any) -> None:
    """Warn if the vacuum is not near zero."""
    level = signal.vacuum()
    sample = signal.data.ravel()[:: max(1, signal.data.size // 1_000_000)]
    sample = sample[np.isfinite(sample)]
    spread = float(np.percentile(sample, 99.5) - level) if sample.size else math.nan
    if spread > 0 and abs(level) > 0.1 * spread:
        warn(
            f"the vacuum lies at {level:.4g}, not near 0, and is reconstructed as matter; "
            "take it off with background() first"
        )


@step("reconstruct", "BP")
class BackProjection(ReconstructionStep):
    """Back-projection without a filter: blurred; a first look at where matter is."""

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the back-projection."""
        return solvers.bp(projector, sinograms, tilts_deg, weights=weights, **options), {}, self


@step("reconstruct", "FBP")
class FilteredBackProjection(ReconstructionStep):
    """Filtered back-projection: seconds, and sharp, with streaks where tilts are missing."""

    sino_filter: str = param(
        "shepp-logan", "filter of the projections", choices=solvers.FBP_FILTERS
    )

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the filtered back-projection."""
        volume = solvers.fbp(
            projector,
            sinograms,
            tilts_deg,
            sino_filter=self.sino_filter,
            weights=weights,
            **options,
        )
        return volume, {}, self


CHOSEN = "chosen by the noise and by projections held out"
VOLUMES = {"start_volume": "start", "mask": "mask"}
"""Parameters that are volumes, and what the solvers call them."""


@dataclass(frozen=True, kw_only=True)
class UnlimitedStep(ReconstructionStep):
    """Base of iterative reconstructions; `solver` is a function of numerics."""

    solver: ClassVar[Any]
    most: ClassVar[int] = 30
    iterations: int | None = param(20, "full sweeps over all tilts", ge=1, auto=CHOSEN)
    start_volume: GivenArray | None = param(
        None, "volume to begin with, or to go on from", auto="zeros", advanced=True
    )
    mask: GivenArray | None = param(
        None, "volume that is 0 where voxels must stay 0", auto="all voxels count", advanced=True
    )

    def resolve(self, signal: Any) -> Self:
        """Read the volumes, and see whether they have the shape of the result."""
        decided = super().resolve(signal)
        ny, nx = signal._frame.shape
        shape = (nx, decided.thickness, ny)
        found = {}
        for name in VOLUMES:
            given = getattr(decided, name)
            if given is not None:
                found[name] = given.found(name)
                if found[name].values.shape != shape:
                    raise ParameterError(
                        f"{name} has the shape {found[name].values.shape}, but the result will "
                        f"have {shape}, its axes are (x, z, y); thickness sets the second"
                    )
        return decided.replace(**found) if found else decided

    def on_columns(
        self,
        signal: Any,
        columns: slice | np.ndarray,
        monitor: Monitor,
        *,
        ncores: int | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return what `solve` makes of some columns of a stack and of the volumes given."""
        for name, key in VOLUMES.items():
            given = getattr(self, name)
            if given is not None:
                options[key] = given.found(name).values[columns]
        return super().on_columns(signal, columns, monitor, ncores=ncores, **options)

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return the iterate after `iterations`, or after Finish."""
        solver, count = self.solver_of(), self.iterations
        running = {name: options.pop(name) for name in ("monitor", "ncores")}
        known: dict[str, Any] = {"weights": weights, **self.keywords(), **options}
        chosen: dict[str, Any] = {}
        if count is None:
            problem = Problem(projector, sinograms, **known)
            choice = choose_iterations(solver, problem, most=self.most, **running)
            count, chosen = choice.iterations, {"why": choice.why, **choice.figures}
        found = solver(projector, sinograms, iterations=count, **known, **running)
        start = float(np.sqrt(np.sum((weights * sinograms).astype(np.float64) ** 2)))
        scalars = {
            "residuals": [float(r) for r in found.residuals],
            "residual_percent": 100 * float(found.residuals[-1]) / start if start else 0.0,
            **({"chosen": chosen} if chosen else {}),
        }
        return found.volume, scalars, self.replace(iterations=found.iterations)

    def keywords(self) -> dict[str, Any]:
        """Return what the problem is told of the Step."""
        return {}

    def solver_of(self) -> Any:
        """Return the solver, with the parameters that are its own."""
        return type(self).solver


@dataclass(frozen=True, kw_only=True)
class IterativeStep(UnlimitedStep):
    """Base of iterative reconstructions that keep limits."""

    constrain: bool = param(False, "no value below `thresh`")
    thresh: float = param(0.0, "lowest value allowed with `constrain`", advanced=True)
    upper: float | None = param(None, "highest value allowed", auto="no limit", advanced=True)
    relaxation: float = param(1.0, "factor of every step, below 2", gt=0, le=1.99, advanced=True)

    def keywords(self) -> dict[str, Any]:
        """Return the limits and the relaxation."""
        return {
            "constrain": self.constrain,
            "thresh": self.thresh,
            "upper": self.upper,
            "relaxation": self.relaxation,
        }


@step("reconstruct", "SIRT")
class Sirt(IterativeStep):
    """Simultaneous iterative reconstruction: smoother than FBP, with fewer streaks."""

    solver = staticmethod(solvers.sirt)
    most = 200


@step("reconstruct", "SART")
class Sart(IterativeStep):
    """Algebraic reconstruction, one tilt after the other: fewer sweeps than SIRT, more noise."""

    solver = staticmethod(solvers.sart)
    iterations: int | None = param(5, "full sweeps over all tilts", ge=1, auto=CHOSEN)


@step("reconstruct", "CGLS")
class Cgls(UnlimitedStep):
    """Conjugate gradients: few iterations, without limits; noise comes in as soon."""

    solver = staticmethod(solvers.cgls)
    iterations: int | None = param(8, "steps, each as long as a sweep", ge=1, auto=CHOSEN)


@step("reconstruct", "OS-SIRT")
class OsSirt(IterativeStep):
    """SIRT with ordered subsets and momentum: 8 sweeps go as far as 100 of SIRT."""

    solver = staticmethod(solvers.os_sirt)
    iterations: int | None = param(5, "full sweeps over all tilts", ge=1, auto=CHOSEN)
    subsets: int = param(8, "groups of projections used one after the other", ge=1, advanced=True)

    def solver_of(self) -> Any:
        """Return the solver with its subsets."""
        return partial(solvers.os_sirt, subsets=self.subsets)
