"""Register the images of a series to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.alignment import registration
from tomojupyter.numerics.alignment.centre_of_mass import centre_of_mass
from tomojupyter.numerics.alignment.common_line import COARSEST, common_line
from tomojupyter.numerics.geometry import common_box
from tomojupyter.numerics.reconstruction.backends import cuda_available
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import seen_by, usable

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


def check_cuda(cuda: bool | None) -> None:
    """Raise if CUDA is asked for and not there."""
    if cuda and not cuda_available():
        raise ParameterError(
            "cuda=True, but ASTRA finds no CUDA device here; leave cuda out or use cuda=False"
        )


def check_projection(name: str, index: int | None, signal: Any) -> None:
    """Raise if there is no such projection."""
    if index is not None and index >= signal._n:
        raise ParameterError(
            f"{name} is projection {index}, but they count from 0 to {signal._n - 1}"
        )


@dataclass(frozen=True, kw_only=True)
class RegistrationStep(Step):
    """Base of registrations; `estimate` returns the shifts to apply."""

    needs_tilts = True
    in_memory = True
    start: int | None = param(
        None, "projection that stays where it is", ge=0, auto="the middle of the tilts"
    )
    crop: bool = param(False, "cut off what is not covered in every projection")
    shift_type: str = param(
        "interp",
        "how pixels are moved: cubic spline, or a phase ramp while all moves are translations",
        choices=("interp", "fourier"),
        advanced=True,
    )
    cuda: bool | None = param(False, "use a GPU; registration has no need of one", advanced=True)

    def estimate(
        self, images: np.ndarray, tilts_deg: np.ndarray, **keywords: Any
    ) -> registration.Registration:
        """Return the registration of (n, ny, nx) images."""
        raise TypeError(f"{type(self).__name__} does not register: give it an estimate()")

    def resolve(self, signal: Any) -> Self:
        """Choose the projection in the middle of the tilts."""
        check_cuda(self.cuda)
        start = self.start
        if start is None:
            order = np.argsort(signal.tilts.data.ravel(), kind="stable")
            good = [i for i in order if not signal.excluded[i]] or list(order)
            start = int(good[len(good) // 2])
        check_projection("start", start, signal)
        return self.replace(start=start, cuda=False)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the registered stack."""
        seen = seen_by(self, signal)
        good, mask = usable(seen)
        found = self.estimate(
            seen.data,
            signal.tilts.data.ravel(),
            mask=mask & good[:, None, None],
            vacuum=seen.vacuum(),
            monitor=monitor,
        )
        frame = signal._frame.registered(found.shifts)
        result = signal._moved(frame, shift_type=self.shift_type)
        left_out = np.flatnonzero(found.left_out & ~signal.excluded)
        for i in left_out:
            result._exclude(int(i), "blank: its shift is interpolated from its neighbours")
        if self.crop:
            box = common_box(result.covered()[~result.excluded])
            result = result._moved(result._frame.cropped(*box), shift_type=self.shift_type)
        used = ~found.left_out
        scalars = {
            "start": self.start,
            "median_residual_px": float(np.median(found.residual[used])),
            "residual_px": [round(float(r), 4) for r in found.residual],
            "left_out": [int(i) for i in np.flatnonzero(found.left_out)],
            "by_mass": found.by_mass,
            "shifts": np.round(found.shifts, 4).tolist(),
        }
        return Outcome(result, scalars)


@dataclass(frozen=True, kw_only=True)
class NeighbourStep(RegistrationStep):
    """Base of registrations that compare neighbours in tilt."""

    conserve_mass: bool = param(
        True,
        "set shifts along the axis so that columns keep their mass, where that can be seen",
        advanced=True,
    )


@step("stack_register", "PC")
class PhaseCorrelation(NeighbourStep):
    """Register neighbours in tilt by the peak of their correlation, to a fraction of a pixel."""

    upsample_factor: int = param(
        20, "positions per pixel of the correlation peak", ge=1, advanced=True
    )

    def estimate(
        self, images: np.ndarray, tilts_deg: np.ndarray, **keywords: Any
    ) -> registration.Registration:
        """Return the registration by correlation."""
        return registration.phase_correlation(
            images,
            tilts_deg,
            self.start,
            upsample_factor=self.upsample_factor,
            conserve_mass=self.conserve_mass,
            **keywords,
        )


@step("stack_register", "StackReg")
class StackReg(NeighbourStep):
    """Register neighbours in tilt by least squares on an image pyramid (StackReg)."""

    def estimate(
        self, images: np.ndarray, tilts_deg: np.ndarray, **keywords: Any
    ) -> registration.Registration:
        """Return the registration by StackReg."""
        return registration.stackreg(
            images, tilts_deg, self.start, conserve_mass=self.conserve_mass, **keywords
        )


@step("stack_register", "COM")
class CentreOfMass(RegistrationStep):
    """Register by mass: conserved along the tilt axis, on its path across it (Sanders 2015)."""

    by_mass = True
    start: int | None = param(
        None,
        "projection that stays where it is along the tilt axis",
        ge=0,
        auto="the middle of the tilts",
    )
    xrange: tuple[int, ...] | None = param(
        None, "first and last column to use", unit="px", auto="all", advanced=True
    )
    p: int = param(20, "largest shift along x between neighbours", unit="px", ge=1, advanced=True)
    nslices: int = param(
        20, "slices along x that the specimen is divided into; all are used", ge=1, advanced=True
    )

    def resolve(self, signal: Any) -> Self:
        """Choose the start and the columns."""
        columns = (0, signal._frame.shape[1]) if self.xrange is None else self.xrange
        return super().resolve(signal).replace(xrange=columns)

    def estimate(
        self, images: np.ndarray, tilts_deg: np.ndarray, **keywords: Any
    ) -> registration.Registration:
        """Return the registration by mass."""
        return centre_of_mass(
            images,
            tilts_deg,
            self.start,
            xrange=self.xrange,
            p=self.p,
            nslices=self.nslices,
            **keywords,
        )


@step("stack_register", "COM-CL")
class CommonLine(RegistrationStep):
    """Register by common lines along the tilt axis, centres of mass across it (Scott 2012)."""

    by_mass = True
    com_ref_index: int | None = param(
        None,
        "projection whose centre of mass stays where it is",
        ge=0,
        auto="start",
        advanced=True,
    )
    cl_ref_index: int | None = param(
        None, "projection whose common line stays where it is", ge=0, auto="start", advanced=True
    )
    cl_resolution: float = param(
        0.05, "width to which the common line is searched", unit="px", gt=0, advanced=True
    )
    cl_div_factor: int = param(
        8, "parts into which the search divides every width", ge=2, advanced=True
    )

    def check(self) -> None:
        """Refuse a search that is coarser than half a pixel."""
        if self.cl_resolution >= COARSEST:
            raise ParameterError(
                f"cl_resolution must be less than {COARSEST:g} px, got {self.cl_resolution:g}"
            )

    def resolve(self, signal: Any) -> Self:
        """Choose the start and the references."""
        resolved = super().resolve(signal)
        references = {}
        for name in ("com_ref_index", "cl_ref_index"):
            given = getattr(self, name)
            references[name] = resolved.start if given is None else given
            check_projection(name, references[name], signal)
        return resolved.replace(**references)

    def estimate(
        self, images: np.ndarray, tilts_deg: np.ndarray, **keywords: Any
    ) -> registration.Registration:
        """Return the registration by common lines."""
        return common_line(
            images,
            tilts_deg,
            self.start,
            com_ref_index=self.com_ref_index,
            cl_ref_index=self.cl_ref_index,
            cl_resolution=self.cl_resolution,
            cl_div_factor=self.cl_div_factor,
            **keywords,
        )
