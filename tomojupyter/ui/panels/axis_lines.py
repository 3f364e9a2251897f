"""The tilt axis and the slices as lines on the picture, and back to shift and angle.

`tilt_align manual` turns the image by the angle about its centre, then moves it by the shift
along y. So the axis that it puts into the middle lies, before, on the line drawn here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.geometry import centre, rotation, translation

if TYPE_CHECKING:
    from collections.abc import Sequence

AXIS = "#FFD400"
COLOURS = ("#56B4E9", "#E69F00", "#CC79A7")
"""Of the slices 1, 2, 3: sky, orange, pink."""

SPAN = 0.94
"""Length of the axis, in parts of the width: its ends can be taken hold of."""


def motion(shift: float, angle: float, shape: Sequence[int]) -> np.ndarray:
    """Return the (3, 3) matrix of `tilt_align manual` for images of `shape` (ny, nx)."""
    return translation(0, shift) @ rotation(angle, shape)


def motion_parts(matrix: np.ndarray, shape: Sequence[int]) -> tuple[float, float]:
    """Return shift (px along y) and angle (degrees) of a rigid motion; the part along x aside."""
    angle = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
    rest = matrix @ np.linalg.inv(rotation(angle, shape))
    return float(rest[1, 2]), angle


def _line(name: str, ends: np.ndarray, color: str, **more: Any) -> dict[str, Any]:
    (x0, x1), (y0, y1) = ends[0].tolist(), ends[1].tolist()
    return {"kind": "line", "id": name, "x0": x0, "y0": y0, "x1": x1, "y1": y1,
            "color": color, "drag": True, **more}  # fmt: skip


def axis_line(shift: float, angle: float, shape: Sequence[int]) -> dict[str, Any]:
    """Return the yellow line: where the axis lies in the picture as it is now."""
    ny, nx = shape
    half = SPAN * nx / 2
    x, y = centre(nx), centre(ny)
    ends = np.array([[x - half, x + half], [y, y], [1, 1]])
    back = np.linalg.inv(motion(shift, angle, shape))
    return _line("axis", back @ ends, AXIS, handles=True, fix="x", width=2)


def slice_line(number: int, column: float, shift: float, angle: float,
               shape: Sequence[int]) -> dict[str, Any]:  # fmt: skip
    """Return the line of slice `number` (0, 1, 2) at a column x of the aligned images."""
    ends = np.array([[column, column], [0, shape[0] - 1], [1, 1]])
    back = np.linalg.inv(motion(shift, angle, shape))
    return _line(f"slice{number + 1}", back @ ends, COLOURS[number], fix="y", text=str(number + 1))


def _middle(line: dict[str, Any]) -> np.ndarray:
    return np.array([(line["x0"] + line["x1"]) / 2, (line["y0"] + line["y1"]) / 2, 1.0])


def angle_of(line: dict[str, Any]) -> float:
    """Return the angle in degrees that a dragged axis stands for."""
    return -math.degrees(math.atan2(line["y1"] - line["y0"], line["x1"] - line["x0"])) + 0.0


def shift_of(line: dict[str, Any], angle: float, shape: Sequence[int]) -> float:
    """Return the shift in px that a dragged axis stands for."""
    turned = rotation(angle, shape) @ _middle(line)
    return float(centre(shape[0]) - turned[1])


def column_of(line: dict[str, Any], shift: float, angle: float, shape: Sequence[int]) -> int:
    """Return the column of a dragged slice line, within the image."""
    x = float((motion(shift, angle, shape) @ _middle(line))[0])
    return min(max(0, round(x)), shape[1] - 1)
