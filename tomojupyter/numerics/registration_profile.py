"""Shifts along the tilt axis from the conservation of mass.

In an aligned series a column across the axis shows the same matter at every tilt, so the sum
over it is the same in all projections. A comparison with the profile of all projections does
not add up its errors as a chain of neighbours does.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.geometry import resample, rotation, translation
from tomojupyter.numerics.moments import measure
from tomojupyter.numerics.tiltaxis import centre_of_mass_axis

FINE = 64  # px, for the direction of the axis
ROUNDS = 20
CLOSE = 1e-3  # px, of a last step
SMOOTH = 1.0  # px, Gaussian over the profiles, whose derivative is taken
EDGE = 3  # px beside unknown columns, where the smoothed profile is not to be trusted
STEP = 1.0  # px, at most, in one round
FAR = 4.0  # px; neighbours do not err by more, so mass is not conserved
MIN_COLUMNS = 16  # that a projection and the common profile share
MIN_SEEN = 0.5  # of the projections, for a column of the common profile
MIN_GAIN = 0.05


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
    :func:`~tomojupyter.numerics.tiltaxis.centre_of_mass_axis`; the images are turned by it
    for the measurement only. Across the axis the shifts stay what they are.
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
    along = profile_shifts(moments.mass, moments.valid)
    if np.abs(along).max() > FAR:
        return None
    a = math.radians(fit.angle_deg)
    return np.asarray(shifts + along[:, None] * [-math.sin(a), math.cos(a)])


def profile_shifts(profiles: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the shifts that bring profiles into agreement.

    Parameters
    ----------
    profiles
        (n, nx), of unlike gain and offset.
    valid
        (n, nx) bool, where a profile is known.

    Returns
    -------
    numpy.ndarray
        float64, (n,), px, to be applied; their mean is 0. A profile that shares too little
        with the others is not moved.

    Notes
    -----
    Gauss-Newton steps towards the median of all moved profiles, each with its gain and offset.
    """
    smooth = ndimage.gaussian_filter1d(_filled(profiles, valid), SMOOTH, axis=1, mode="nearest")
    valid = ndimage.binary_erosion(valid, np.ones((1, 2 * EDGE + 1), bool), border_value=1)
    shifts = np.zeros(len(profiles))
    gains, offsets = np.ones((len(profiles), 1)), np.zeros((len(profiles), 1))
    for _ in range(ROUNDS):
        moved, seen = _moved((smooth - offsets) / gains, valid, shifts)
        often = seen.mean(axis=0) > MIN_SEEN
        if often.sum() < MIN_COLUMNS:
            return np.zeros(len(profiles))
        common = np.zeros(profiles.shape[1])
        common[often] = np.nanmedian(np.where(seen, moved, np.nan)[:, often], axis=0)
        design = np.stack([common, np.gradient(common), np.ones_like(common)], axis=1)
        inner = often & np.roll(often, 1) & np.roll(often, -1)  # the derivative is right there
        fits = [_fit(design[use], one[use]) for one, use in zip(moved, seen & inner, strict=True)]
        gain, slope, offset = np.array(fits).T[..., None]
        offsets, gains = offsets + gains * offset, gains * gain
        steps = (slope / gain)[:, 0]
        shifts += np.clip(steps, -STEP, STEP)
        if np.abs(steps).max() < CLOSE:
            break
    return np.asarray(shifts - shifts.mean())


def _filled(profiles: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return profiles interpolated where they are unknown, so that a spline does not ring."""
    filled, x = np.zeros(profiles.shape), np.arange(profiles.shape[1])
    for out, profile, known in zip(filled, profiles, valid, strict=True):
        if known.any():
            out[:] = np.interp(x, x[known], profile[known])
    return filled


def _moved(
    profiles: np.ndarray, valid: np.ndarray, shifts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return profiles moved by their shifts, and where they are known."""
    moved, seen = np.empty_like(profiles), np.empty_like(valid)
    for i, shift in enumerate(shifts):
        ndimage.shift(profiles[i], shift, moved[i], order=3, mode="nearest")
        seen[i] = ndimage.shift(valid[i].astype(float), shift, order=1) > 0.999
    return moved, seen


def _fit(design: np.ndarray, profile: np.ndarray) -> tuple[float, float, float]:
    """Return gain, slope and offset of a profile, those of no change where they are unknown."""
    if len(profile) < MIN_COLUMNS:
        return 1.0, 0.0, 0.0
    gain, slope, offset = np.linalg.lstsq(design, profile, rcond=None)[0]
    return (gain, slope, offset) if gain > MIN_GAIN else (1.0, 0.0, 0.0)
