"""Turn an aligned series into a volume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

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
from tomojupyter.steps.columns import Sinograms
from tomojupyter.steps.figures import (
    direct_bytes,
    iterative_bytes,
    merged_residuals,
    norm_of,
)
from tomojupyter.steps.reconstructed import reconstructed
from tomojupyter.steps.stack_register import check_cuda

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.reconstruction.projector import Projector


@dataclass(frozen=True, kw_only=True)
class ReconstructionStep(Step):
    """Base of reconstructions; `solve` turns sinograms into a volume."""

    needs_tilts = True
    halo: ClassVar[int] = 0  # neighbouring slices on either side that a slab needs
    whole: ClassVar[bool] = False  # whether all slices have to be there at a time
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
        weights: np.ndarray | None,
        **options: Any,
    ) -> tuple[np.ndarray, dict[str, Any], Step]:
        """Return (nx, nz, ny) volume, figures for the record, and the Step as done."""
        raise TypeError(f"{type(self).__name__} does not reconstruct: give it a solve()")

    def apply(
        self,
        signal: Any,
        monitor: Monitor,
        *,
        ncores: int | None = None,
        max_memory: int | str | None = None,
        output: str | Path | None = None,
        **options: Any,
    ) -> Outcome:
        """Return the RecStack: in memory, in the file `output`, or as work for dask."""
        check_ncores(ncores)
        return reconstructed(
            self, signal, monitor, ncores=ncores, max_memory=max_memory, output=output, **options
        )

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
        check_ncores(ncores)
        series = Sinograms(signal)
        sinograms, weights = series.columns(columns)
        projector = self.projector(series.tilts, sinograms.shape[2])
        options |= {"ncores": ncores, **self.given(columns)}
        return self.solve(projector, sinograms, series.tilts, weights, monitor=monitor, **options)

    def given(self, columns: slice | np.ndarray) -> dict[str, Any]:
        """Return what `solve` is given beside sinograms of some columns: of volumes, the same."""
        return {}

    def bare(self) -> Self:
        """Return the Step without what `given` returns."""
        return self

    def state_bytes(
        self,
        shape: tuple[int, int, int],
        thickness: int,
        projector: Projector,
        ncores: int | None,
        *,
        gaps: bool = False,
    ) -> int:
        """Return what `solve` holds at most beyond its input and result, in bytes.

        Parameters
        ----------
        shape
            (n, ny, nx) of the projections.
        thickness
            Height of the volume in px.
        projector
            Of the geometry.
        ncores
            Threads; None: one per core.
        gaps
            Whether pixels have weights.
        """
        return direct_bytes(shape, thickness, projector, ncores)

    @property
    def undecided(self) -> bool:
        """Whether `solve` chooses a parameter: what it took for one slab holds for the others."""
        return any(getattr(self, name) is None for name in self.decides)

    def merged(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the figures for the record of a volume made in slabs, the first decided."""
        return found[0]


def check_ncores(ncores: int | None) -> None:
    """Raise a sentence if it is no number of threads."""
    if ncores is not None and ncores < 1:
        raise ParameterError(f"ncores must be at least 1, got {ncores}")


@step("reconstruct", "BP")
class BackProjection(ReconstructionStep):
    """Back-projection without a filter: blurred; a first look at where matter is."""

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
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
        weights: np.ndarray | None,
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

    finished_by = "iterations"
    solver: ClassVar[Any]
    volumes: ClassVar[float] = 1.0  # arrays as large as the volume that the solver holds
    sinograms: ClassVar[float] = 2.0  # and as large as the sinograms
    gap_volumes: ClassVar[float] = 1.0  # and as the volume, more, where pixels have weights
    per_tilt: ClassVar[int] = 0  # and slices for each tilt, however many slices are made
    most: ClassVar[int] = 30
    decides: ClassVar[tuple[str, ...]] = ("iterations",)
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

    def given(self, columns: slice | np.ndarray) -> dict[str, Any]:
        """Return those columns of the volumes given, for `solve`."""
        found = {key: getattr(self, name) for name, key in VOLUMES.items()}
        return {k: v.found(k).values[columns] for k, v in found.items() if v is not None}

    def bare(self) -> Self:
        """Return the Step without its volumes."""
        return self.replace(**dict.fromkeys(VOLUMES))

    def solve(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        tilts_deg: np.ndarray,
        weights: np.ndarray | None,
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
        start = norm_of(sinograms, weights)
        scalars = {
            "residuals": [float(r) for r in found.residuals],
            "residual_percent": 100 * float(found.residuals[-1]) / start if start else 0.0,
            **({"chosen": chosen} if chosen else {}),
        }
        return found.volume, scalars, self.replace(iterations=found.iterations)

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
        volumes = self.volumes + gaps * self.gap_volumes + (self.mask is not None)
        held = (volumes, self.sinograms + gaps)
        factors = 4 * self.per_tilt * shape[0] * thickness * shape[1]
        return iterative_bytes(shape, thickness, projector, held) + factors

    def merged(self, found: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the figures of the whole: residuals add up in squares."""
        return merged_residuals(found)

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
    gap_volumes = 3.0
    per_tilt = 1
    iterations: int | None = param(5, "full sweeps over all tilts", ge=1, auto=CHOSEN)


@step("reconstruct", "CGLS")
class Cgls(UnlimitedStep):
    """Conjugate gradients: few iterations, without limits; noise comes in as soon."""

    solver = staticmethod(solvers.cgls)
    volumes = 2.0
    sinograms = 3.0
    iterations: int | None = param(8, "steps, each as long as a sweep", ge=1, auto=CHOSEN)


@step("reconstruct", "OS-SIRT")
class OsSirt(IterativeStep):
    """SIRT with ordered subsets and momentum: 8 sweeps go as far as 100 of SIRT."""

    solver = staticmethod(solvers.os_sirt)
    volumes = 3.0
    iterations: int | None = param(5, "full sweeps over all tilts", ge=1, auto=CHOSEN)
    subsets: int = param(8, "groups of projections used one after the other", ge=1, advanced=True)

    def solver_of(self) -> Any:
        """Return the solver with its subsets."""
        return partial(solvers.os_sirt, subsets=self.subsets)
