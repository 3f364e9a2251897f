"""Shifts along the tilt axis from the conservation of mass.

In an aligned series a column across the axis shows the same matter at every tilt, so the sum
over it is the same in all projections. A comparison with the profile of all projections does
not add up its errors as a chain of neighbours does.
"""

from __future__ import annotations

import math

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.alignment.moments import measure
from tomojupyter.numerics.alignment.profiles import align_lines, made_lines
from tomojupyter.numerics.alignment.tiltaxis import centre_of_mass_axis
from tomojupyter.numerics.geometry import resample, rotation, translation

FINE = 64  # px, for the direction of the axis
REACH = 2.0  # px, between neighbours: the chain errs by less
FAR = 4.0  # px; a chain does not err by more, so mass is not conserved


def shifts_by_mass(
    images: np.ndarray, tilts_deg: np.ndarray, shifts: np.ndarray
) -> np.ndarray | None:
    """Return shifts whose parts along the tilt axis keep the mass of every column.

    Parameters
    ----------
    images
        (n, ny, nx), the vacuum at 0, NaN where unknown.
    tilts_deg
        (n,), degrees, any order.
    shifts
        (n, 2), (dy, dx) in px to be applied to each image, right to a few px.

    Returns
    -------
    numpy.ndarray or None
        float64, (n, 2). None where mass is not seen to be conserved: the specimen crosses the
        upper or lower edge, its axis cannot be found, or the answer is more than 4 px off.

    Notes
    -----
    The direction of the axis comes from
    :func:`~tomojupyter.numerics.alignment.tiltaxis.centre_of_mass_axis`; the images are turned by
    it for the measurement only. Across the axis the shifts stay what they are.
    """
    shape = images.shape[1:]
    moves = np.stack([translation(dx, dy) for dy, dx in shifts])
    moved = resample(images, moves, shape, fill=np.nan)
    try:
        fit = centre_of_mass_axis(moved, tilts_deg, vacuum=0.0, fine=FINE)
    except AlignmentRefused:
        return None
    turned = translation(0, fit.shift_px) @ rotation(fit.angle_deg, shape) @ moves
    straight = resample(images, turned, shape, fill=np.nan)
    moments = measure(straight, np.deg2rad(tilts_deg), np.ones(shape[1], bool))
    lines = made_lines(moments.mass, moments.valid.astype(float))
    along, sigma, _ = align_lines(lines, len(images) // 2, REACH)
    known = np.isfinite(sigma)
    if not known.any() or np.abs(along[known]).max() > FAR:
        return None
    along = np.where(known, along - along[known].mean(), 0)
    a = math.radians(fit.angle_deg)
    return np.asarray(shifts + along[:, None] * [-math.sin(a), math.cos(a)])
