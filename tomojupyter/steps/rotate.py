"""Turn a volume in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.numerics.volumes import volumes
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("rotate", "angles")
class RotateByAngles(Step):
    """Turn the volume about its centre; what comes from outside is 0."""

    on = "RecStack"
    in_memory = True
    rotation_angles: tuple[float, ...] = param(
        help="angles about the x, z and y axis, in this order", unit="deg"
    )

    def check(self) -> None:
        """Refuse all but three angles."""
        volumes.rotation_matrix(self.rotation_angles)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the turned volume."""
        spacing = [axis.scale for axis in signal.axes_manager._axes]
        turned = volumes.rotate(signal.data, self.rotation_angles, spacing, monitor)
        return Outcome(signal._replaced(turned, resampled=any(self.rotation_angles)))
