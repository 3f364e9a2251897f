"""Register by matching with the projections of the volume itself: shifts and axis in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.alignment import joint as numerics
from tomojupyter.numerics.geometry import common_box
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import usable

# What follows joins an operation that another module begins with its own methods.
from tomojupyter.steps.stack_register import check_cuda

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("stack_register", "joint")
class JointRegistration(Step):
    """Align shifts, axis angle and axis offset together, on projections of the volume itself."""

    needs_tilts = True
    in_memory = True
    specimen: str = param(
        "auto",
        "compact: seen whole at every tilt; slab: goes on beyond the edges; auto: told by itself",
        choices=numerics.SPECIMENS,
    )
    thickness: float = param(
        0.0, "thickness of a slab; 0: measured", unit="px", ge=0, advanced=True
    )
    crop: bool = param(False, "cut off what is not covered in every projection")
    shift_type: str = param(
        "interp",
        "how pixels are moved: cubic spline, or a phase ramp while all moves are translations",
        choices=("interp", "fourier"),
        advanced=True,
    )
    cuda: bool | None = param(False, "use a GPU; joint does not use one", advanced=True)

    def resolve(self, signal: Any) -> JointRegistration:
        """Refuse a GPU that is not there; the kind of specimen is told while aligning."""
        check_cuda(self.cuda)
        return self.replace(cuda=False)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        good, mask = usable(signal)
        found = numerics.joint(
            signal.data,
            signal.tilts.data.ravel(),
            mask=mask,
            vacuum=signal.vacuum(),
            use=good,
            specimen=self.specimen,
            thickness=self.thickness or None,
            monitor=monitor,
            ncores=options.get("ncores"),
        )
        frame = signal._frame.registered(found.shifts).tilted(found.angle_deg, 0.0)
        result = signal._moved(frame, shift_type=self.shift_type)
        for i, reason in found.reasons.items():
            if not signal.excluded[i]:
                placed = "its shift is interpolated over tilt" if found.blank[i] else "still placed"
                result._exclude(i, f"{reason} ({placed})")
        if self.crop:
            box = common_box(result.covered()[~result.excluded])
            result = result._moved(result._frame.cropped(*box), shift_type=self.shift_type)
        return Outcome(result, _scalars(found))


def _scalars(found: numerics.Joint) -> dict[str, Any]:
    """Return what the record keeps."""
    return {
        "specimen": found.specimen,
        "thickness_px": found.thickness or None,
        "flat_deg": found.flat_deg if found.specimen == "slab" else None,
        "angle_deg": found.angle_deg,
        "residual": [None if np.isnan(r) else round(float(r), 5) for r in found.misfit],
        "residual_history": [round(r, 6) for r in found.history],
        "left_out": sorted(found.reasons),
        "shifts": np.round(found.shifts, 4).tolist(),
    }
