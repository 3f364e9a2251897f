"""Align by matching with the projections of the volume itself: shifts and axis, or the axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.alignment import joint as numerics
from tomojupyter.numerics.alignment.joint_axis import JointAxis, joint_axis
from tomojupyter.numerics.geometry import common_box
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.checks import frames, seen_by, usable, warn

# What follows joins operations that other modules begin with their own methods.
from tomojupyter.steps.stack_register import check_cuda
from tomojupyter.steps.tilt_align import CentreOfMassAxis  # noqa: F401

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

UNREGISTERED = 0.5  # px rms, of single images that still want to move
UNSURE = 0.5  # px, a standard error of the row of the axis that is worth a warning


@dataclass(frozen=True, kw_only=True)
class JointStep(Step):
    """What both uses of the joint alignment are told."""

    needs_tilts = True
    in_memory = True
    by_mass = True
    finished_by = "rounds"
    specimen: str = param(
        "auto",
        "compact: seen whole at every tilt; slab: goes on beyond the edges; auto: told by itself",
        choices=numerics.SPECIMENS,
    )
    thickness: float = param(
        0.0, "thickness of a slab; 0: measured", unit="px", ge=0, advanced=True
    )
    rounds: int = param(
        0, "end after so many rounds, as Finish does; 0: as many as it takes", ge=0, advanced=True
    )

    def given(self, signal: Any, monitor: Monitor, options: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords of the numerics."""
        seen = seen_by(self, signal)
        good, mask = usable(seen)
        return {
            "images": seen.data,
            "tilts_deg": signal.tilts.data.ravel(),
            "mask": mask,
            "vacuum": seen.vacuum(),
            "use": good,
            "specimen": self.specimen,
            "thickness": self.thickness or None,
            "rounds": self.rounds,
            "monitor": monitor,
            "ncores": options.get("ncores"),
        }


@step("stack_register", "joint")
class JointRegistration(JointStep):
    """Align shifts, axis angle and axis offset together, on projections of the volume itself."""

    covers = ("tilt_align",)
    refine_tilts: bool = param(
        False, "fit the error of each tilt angle too, for a goniometer that is not exact"
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
        found = numerics.joint(
            refine_tilts=self.refine_tilts, **self.given(signal, monitor, options)
        )
        frame = signal._frame.registered(found.shifts).tilted(found.angle_deg, 0.0)
        result = signal._moved(frame, shift_type=self.shift_type)
        if self.refine_tilts:
            result._refine_tilts(found.tilts_deg)
        for i, reason in found.reasons.items():
            if not signal.excluded[i]:
                placed = "its shift is interpolated over tilt" if found.blank[i] else "still placed"
                result._exclude(i, f"{reason} ({placed})")
        if self.crop:
            box = _box_about_the_axis(result.covered()[~result.excluded])
            result = result._moved(result._frame.cropped(*box), shift_type=self.shift_type)
        scalars = {**_scalars(found), "axis_row": (result._frame.shape[0] - 1) / 2}
        if self.refine_tilts:
            off = found.tilts_deg - signal.tilts.data.ravel()
            scalars["tilts_moved_deg"] = np.round(off, 4).tolist()
        return Outcome(result, scalars, self.replace(rounds=found.rounds))


@step("tilt_align", "joint")
class JointTiltAxis(JointStep):
    """Find the axis by projections of the volume itself; single images stay where they are."""

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the aligned stack."""
        tilts = signal.tilts.data.ravel()
        given = self.given(signal, monitor, options)
        found = joint_axis(**given)
        _warn_of(found, tilts, given["use"])
        scalars = {
            "angle_deg": found.angle_deg,
            "shift_px": found.shift_px,
            "angle_sigma_deg": found.angle_sigma_deg,
            "shift_sigma_px": found.shift_sigma_px,
            "rule": found.rule,
            "left_along_px": round(found.along_px, 4),
            "left_across_px": round(found.across_px, 4),
            "specimen": found.joint.specimen,
            "thickness_px": found.joint.thickness or None,
            "left_out": sorted(found.joint.reasons),
            "kept": found.joint.kept,
        }
        frame = signal._frame.tilted(found.angle_deg, found.shift_px)
        return Outcome(signal._moved(frame), scalars, self.replace(rounds=found.joint.rounds))


def _box_about_the_axis(covered: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box covered in all images, with as much cut off at the top as at the bottom."""
    left, right, top, bottom = common_box(covered)
    ny = covered.shape[1]
    cut = max(top, ny - bottom)  # the axis is the middle row, and has to stay it
    if 2 * cut >= ny:
        raise ParameterError(
            f"nothing would be left: {cut} of {ny} rows are not covered on one side of the axis; "
            "do not crop"
        )
    return left, right, cut, ny - cut


def _warn_of(found: JointAxis, tilts: np.ndarray, good: np.ndarray) -> None:
    """Warn of frames left out, of images that are not registered, and of an unsure row."""
    for i, reason in sorted(found.joint.reasons.items()):
        if good[i]:
            warn(f"projection {frames([i], tilts)} has no part in the axis: {reason}")
    sigma = found.shift_sigma_px
    if max(found.along_px, found.across_px) > UNREGISTERED:
        warn(
            f"single images still want to move by {found.along_px:.1f} px along and "
            f"{found.across_px:.1f} px across the axis (rms), and only the axis was set: "
            'stack_register("joint") on the series as it was does both'
        )
    elif sigma is None or sigma > UNSURE:
        known = "not known" if sigma is None else f"known to {sigma:.1f} px (standard error)"
        warn(
            f"the row of the axis is {known}: the volume takes up most of an offset, of slabs and "
            "films nearly all; compare shifts with test_align"
        )


def _scalars(found: numerics.Joint) -> dict[str, Any]:
    """Return what the record keeps."""
    score = found.score
    return {
        "score": str(score),
        "expected_px": round(score.expected_px, 4),
        "interval_px": [round(v, 4) for v in score.interval_px],
        "halves_correlation": round(score.halves, 5),
        "angle_interval_deg": _interval(found.angle_deg, score.angle_deg),
        "offset_interval_px": _interval(0.0, score.offset_px),
        "prediction_residual": _listed(score.residual),
        "specimen": found.specimen,
        "thickness_px": found.thickness or None,
        "flat_deg": found.flat_deg if found.specimen == "slab" else None,
        "angle_deg": found.angle_deg,
        "residual": _listed(found.misfit),
        "residual_history": [round(r, 6) for r in found.history],
        "left_out": sorted(found.reasons),
        "kept": found.kept,
        "shifts": np.round(found.shifts, 4).tolist(),
    }


def _listed(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(v) else round(float(v), 5) for v in values]


def _interval(applied: float, rest: tuple[float, float]) -> list[float] | None:
    """Return the interval of a figure of the axis, or None where it cannot be told."""
    value, half = rest
    if not np.isfinite(half):
        return None
    return [round(applied + value - half, 4), round(applied + value + half, 4)]
