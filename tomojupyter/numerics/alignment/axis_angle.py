"""From the angle of a tilt axis, as microscopes give it, to the turns that bring it to x."""

from __future__ import annotations


def to_tilt_axis(angle_deg: float) -> tuple[int, float]:
    """Return the quarter turns, then the degrees, that bring a tilt axis to x.

    Parameters
    ----------
    angle_deg
        From y to the axis, in the sense that turns x towards y. The axis is taken as a line:
        files do not agree on which way it points.

    Returns
    -------
    tuple
        -1 quarter turns if the axis lies within 45 degrees of y, else 0; and the rest, from
        -45 to 45 degrees. All axes near y turn the same way.

    Examples
    --------
    >>> to_tilt_axis(-90.0), to_tilt_axis(5.0), to_tilt_axis(86.5)
    ((0, 0.0), (-1, -5.0), (0, 3.5))
    """
    from_y = (angle_deg + 90) % 180 - 90
    if abs(from_y) <= 45:
        return -1, 0.0 - from_y
    return 0, (90 if from_y > 0 else -90) - from_y
