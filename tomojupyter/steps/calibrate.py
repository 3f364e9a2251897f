"""What a person enters about a series: tilt angles and pixel size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import TiltsError
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


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
