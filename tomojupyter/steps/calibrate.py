"""What a person enters about a series: tilt angles, pixel size, and how the tilt axis lay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import TiltsError
from tomojupyter.numerics.alignment.axis_angle import to_tilt_axis
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

ALONG_X = -90.0


@step("set_tilts", "list")
class SetTiltsList(Step):
    """Give every projection its tilt angle."""

    tilts: tuple[float, ...] = param(help="tilt angles, one a projection", unit="deg")

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with these tilts."""
        values = np.asarray(self.tilts, float).ravel()
        if len(values) != signal._n:
            raise TiltsError(
                f"{signal._n} projections but {len(values)} tilts: "
                "give one tilt angle a projection, in the order of the file"
            )
        return Outcome(signal._calibrated(tilts=values))


@step("set_tilts", "range")
class SetTiltsRange(Step):
    """Give evenly spaced tilt angles, in the order of the projections."""

    start: float = param(help="tilt angle of the first projection", unit="deg")
    increment: float = param(help="step from one projection to the next", unit="deg")

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with these tilts."""
        return Outcome(signal._calibrated(tilts=self.start + self.increment * np.arange(signal._n)))


@step("set_scale", "pixel")
class SetScale(Step):
    """Enter the size of a pixel."""

    size: float = param(help="size of a current pixel along x and y", gt=0)
    units: str = param("nm", "its unit of length")

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with this pixel size."""
        return Outcome(signal._calibrated(pixel=self.size, units=self.units))


@step("set_axis", "angle")
class SetAxis(Step):
    """Turn the images so that the tilt axis, which lay at an angle as acquired, lies along x.

    Turns of 90° copy the pixels, the rest of less than 45° is a rotation. What an earlier
    set_axis did is replaced, not added to.
    """

    angle: float | None = param(
        None,
        "angle of the tilt axis as SerialEM and FEI give it: 0 lies along y, 90 and -90 along x, "
        "and a positive angle turns x towards y",
        unit="deg",
        ge=-360,
        le=360,
        auto="that of the file, or along x where it gives none",
    )

    def resolve(self, signal: Any) -> Self:
        """Take the file's angle where none is given."""
        if self.angle is not None:
            return self
        angle = signal._axis_angle(of_file=True)
        return self.replace(angle=ALONG_X if angle is None else angle)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with its tilt axis along x."""
        assert self.angle is not None
        before = signal._axis_angle()
        old = to_tilt_axis(ALONG_X if before is None else before)
        new = to_tilt_axis(self.angle)
        turns, rest = (new[0] - old[0]) % 4, new[1] - old[1]
        result = signal._turned(turns) if turns else signal
        if rest:
            result = result._moved(result._frame.tilted(rest, 0.0))
        elif result is signal:
            result = signal.deepcopy()
        result._note_axis(self.angle)
        return Outcome(result)
