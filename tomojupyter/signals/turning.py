"""Quarter turns of a TomoStack, and the angle of its tilt axis as the microscope gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.signals import state

if TYPE_CHECKING:
    from tomojupyter.numerics.geometry import Frame


class StackTurning:
    """What brings a tilt axis near to x without a loss."""

    def _axis_angle(self: Any, of_file: bool = False) -> float | None:
        """Return the angle of the tilt axis that was entered, or that the file gives."""
        return state.read_axis(self.metadata, of_file)

    def _note_axis(self: Any, angle: float, of_file: bool = False) -> None:
        """Remember the angle of the tilt axis."""
        state.write_axis(self.metadata, angle, of_file)

    def _turned(self: Any, turns: int) -> Any:
        """Return the stack turned by quarter turns (x towards y); values and type stay."""
        frame = self._frame.turned(turns)
        pixels = self.data
        for _ in range(turns % 4):
            # Rows count along +y, so x towards y is a transposition and then a mirror in x.
            pixels = pixels.swapaxes(1, 2)[:, :, ::-1]
        pixels = np.array(pixels) if isinstance(pixels, np.ndarray) else pixels
        result = self._shell(pixels, _turned_axes(self, frame, turns))
        state.write_frame(result.metadata, frame)
        return result


def _turned_axes(signal: Any, frame: Frame, turns: int) -> list[dict[str, Any]]:
    """Return the axes of the turned images: sizes, scales and units change places."""
    axes = signal.axes_manager._get_axes_dicts()
    old = signal._frame
    # Position of the first acquired pixel along y and x; a turn may make it the last one.
    first = [axes[i]["offset"] + axes[i]["scale"] * old.offset[2 - i] for i in (1, 2)]
    length = [axes[i]["scale"] * old.scale[2 - i] * (old.upright[i - 1] - 1) for i in (1, 2)]
    given = any(first)
    scales = [(axes[i]["scale"], axes[i]["units"]) for i in (1, 2)]
    for _ in range(turns % 4):
        # New x runs against old y, new y along old x.
        last = -(first[0] + length[0]) if given else 0.0
        first, length, scales = [first[1], last], length[::-1], scales[::-1]
    for i in (1, 2):
        scale, units = scales[i - 1]
        offset = first[i - 1] - scale * frame.offset[2 - i]
        axes[i] |= {"scale": scale, "units": units, "offset": offset, "size": frame.shape[i - 1]}
    return axes
