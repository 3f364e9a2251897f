"""Turn and move the images so that the tilt axis lies along x through their middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.numerics import tiltaxis
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import usable

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("tilt_align", "CoM")
class CentreOfMassAxis(Step):
    """Fit the axis to the paths of the centres of mass of many slices; refuses if it cannot."""

    needs_tilts = True
    in_memory = True
    slices: tuple[int, ...] | None = param(
        None, "columns (x) to use", unit="px", auto="all with enough mass", advanced=True
    )
    nslices: int | None = param(
        None, "use this many columns, evenly spaced", ge=3, auto="all", advanced=True
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        good, mask = usable(signal)
        fit = tiltaxis.centre_of_mass_axis(
            signal.data,
            signal.tilts.data.ravel(),
            slices=self.slices,
            nslices=self.nslices,
            vacuum=signal.vacuum(),
            weights=mask & good[:, None, None],
        )
        scalars = {
            "angle_deg": fit.angle_deg,
            "shift_px": fit.shift_px,
            "angle_sigma_deg": fit.angle_sigma_deg,
            "shift_sigma_px": fit.shift_sigma_px,
            "residual_px": fit.residual_px,
        }
        return Outcome(signal._moved(signal._frame.tilted(fit.angle_deg, fit.shift_px)), scalars)


@step("tilt_align", "manual")
class ManualAxis(Step):
    """Rotate by an angle, then move by a shift, both set by a person."""

    shift: float = param(0.0, "move the images along y, after the rotation", unit="px")
    angle: float = param(
        0.0, "rotate the images; positive turns +x to +y", unit="deg", ge=-90, le=90
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        return Outcome(signal._moved(signal._frame.tilted(self.angle, self.shift)))
