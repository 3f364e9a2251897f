"""A line over a slice: its profile and the width of its peak."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def line_profile(
    image: np.ndarray, x0: float, y0: float, x1: float, y1: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances in px and values along a line, a sample a pixel, by linear interpolation."""
    length = float(np.hypot(x1 - x0, y1 - y0))
    part = np.linspace(0, 1, max(2, round(length) + 1))
    places = [y0 + part * (y1 - y0), x0 + part * (x1 - x0)]
    values = ndimage.map_coordinates(image.astype(np.float32), places, order=1, mode="nearest")
    return part * length, values


def half_width(distance: np.ndarray, values: np.ndarray) -> tuple[float, float, float] | None:
    """Return where the highest peak passes half its height, left and right, and that height.

    Parameters
    ----------
    distance, values
        Of the profile, shape (n,).

    Returns
    -------
    tuple or None
        Left, right (units of `distance`) and the value at half height; None where the peak is
        cut off by an end of the line or the profile is flat.

    Notes
    -----
    The base is the lower of the two ends, so that the peak of a line drawn from vacuum to vacuum,
    or from support to support, is measured above what lies around it.
    """
    if len(values) < 3 or not np.isfinite(values).all():
        return None
    top = int(values.argmax())
    base = float(min(values[0], values[-1]))
    half = base + (float(values[top]) - base) / 2
    if not values[top] > base:
        return None
    below = values < half
    left, right = np.flatnonzero(below[:top]), np.flatnonzero(below[top:])
    if not len(left) or not len(right):
        return None
    i, j = int(left[-1]), top + int(right[0])

    def crossing(a: int, b: int) -> float:
        part = (half - values[a]) / (values[b] - values[a])
        return float(distance[a] + part * (distance[b] - distance[a]))

    return crossing(i, i + 1), crossing(j - 1, j), half
