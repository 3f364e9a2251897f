"""Moments of the columns of a tilt series, and what they say about the tilt axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

CUT = 0.02  # of a column's brightness: below, a pixel does not mark the specimen
EDGE = 0.1  # of a column's brightness: above, at an edge, the specimen crosses it
EDGE_MEAN = 0.25  # of a column's mean, likewise, for a film under bright particles
TAIL = 0.005  # of the mass, at each end, that does not mark the specimen either
MARGIN = 3  # rows of vacuum that are kept around the specimen
SWEEPS = 12  # of the alternating projection: by then its remainder is below 1e-4
BLOCKS = 10  # of the jackknife


@dataclass(frozen=True)
class Moments:
    """Moments over y of n projections of nx columns, y from the middle row.

    Parameters
    ----------
    mass, first, second
        (n, nx) moments of order 0, 1 and 2.
    valid
        (n, nx) bool: the whole specimen is seen there.
    massive
        (nx,) bool: columns to use that have enough mass.
    x
        (nx,) position from the middle column, in px.
    slope_first, slope_second
        (n, nx) derivatives along x of fitted moments, in the columns' own gain.
    """

    mass: np.ndarray
    first: np.ndarray
    second: np.ndarray
    valid: np.ndarray
    massive: np.ndarray
    x: np.ndarray
    slope_first: np.ndarray
    slope_second: np.ndarray

    def selected(self, index: np.ndarray) -> Moments:
        """Keep the columns in `index`."""
        parts = {name: getattr(self, name)[..., index] for name in self.__dataclass_fields__}
        return Moments(**parts)


@dataclass(frozen=True)
class Estimate:
    """A value, its standard error, and the RMS residual it leaves."""

    value: float
    sigma: float
    residual: float = 0.0


def measure(images: np.ndarray, tilts_rad: np.ndarray, columns: np.ndarray) -> Moments:
    """Measure the moments of (n, ny, nx) images with the vacuum at 0 and NaN where unknown."""
    n, ny, nx = images.shape
    negative = images[images < 0]
    noise = 1.4826 * float(np.median(-negative)) if negative.size else 0.0
    top = np.array([np.percentile(np.nan_to_num(one), 99, axis=0) for one in images])  # (n, nx)
    bright = np.median(top, axis=0)
    extents = np.array([_extent(one, noise, bright) for one in images])  # (n, 4, nx)
    low, high, valid = extents[:, 0], extents[:, 1], extents[:, 2] > 0
    some = high > low
    first_row = np.where(some, low, ny).min(axis=0) - MARGIN
    last_row = np.where(some, high, -1).max(axis=0) + MARGIN
    rows = np.arange(ny)[:, None]
    inside = (rows >= first_row) & (rows <= last_row)
    y = rows - (ny - 1) / 2
    moments = np.empty((3, n, nx))
    for i, image in enumerate(images):
        filled = np.where(inside, _filled(image), 0).astype(float)
        moments[:, i] = [(filled * y**k).sum(axis=0) for k in range(3)]
    valid &= moments[0] > 0
    mass = np.median(moments[0], axis=0)
    span = np.sqrt(np.maximum(last_row - first_row, 1))
    scale = np.percentile(mass, 95)
    massive = columns & (mass > 0.05 * scale) & (mass > 5 * noise * span) & (scale > 0)
    blank = np.zeros((n, nx))
    x = np.arange(nx) - (nx - 1) / 2
    raw = Moments(moments[0], moments[1], moments[2], valid, massive, x, blank, blank)
    return _with_slopes(raw, tilts_rad)


def _extent(image: np.ndarray, noise: float, bright: np.ndarray) -> np.ndarray:
    """Return first and last row of the specimen in each column, and whether all is seen."""
    known = np.isfinite(image)
    ny = len(image)
    seen = np.where(known, image, 0)
    seen = ndimage.uniform_filter1d(seen, 3, axis=0, mode="nearest")
    marks = np.where(seen > np.maximum(CUT * bright, 3 * noise), seen, 0)
    total = np.cumsum(marks, axis=0, dtype=float)
    whole = total[-1]
    low = (total <= TAIL * whole).sum(axis=0)
    high = (total < (1 - TAIL) * whole).sum(axis=0)
    low, high = np.minimum(low, ny - 1), np.minimum(high, ny - 1)
    top, bottom = np.argmax(known, axis=0), ny - 1 - np.argmax(known[::-1], axis=0)
    column = np.arange(image.shape[1])
    mean = np.abs(seen.sum(axis=0)) / np.maximum(known.sum(axis=0), 1)
    limit = np.maximum(np.minimum(EDGE * bright, EDGE_MEAN * mean), 4 * noise)
    crosses = (marks[top, column] > limit) | (marks[bottom, column] > limit)
    rows = np.arange(ny)[:, None]
    within = (rows >= low) & (rows <= high)
    missing = (within & ~known).sum(axis=0)
    good = (whole > 0) & ~crosses & (missing <= 0.1 * (high - low + 1))
    return np.stack([low, high, good])


def _filled(image: np.ndarray) -> np.ndarray:
    """Return an image with unknown pixels interpolated along y, and 0 beyond the known ones."""
    dead = ~np.isfinite(image)
    out = np.where(dead, 0, image)
    seen = np.cumsum(~dead, axis=0)
    holes = dead & (seen > 0) & (seen < seen[-1])
    rows = np.arange(len(image))
    for column in np.flatnonzero(holes.any(axis=0)):
        known = ~dead[:, column]
        out[:, column] = np.interp(rows, rows[known], image[known, column], left=0, right=0)
    return out


def _gains(moments: Moments) -> np.ndarray:
    """Return the brightness of each projection relative to the others, (n, 1)."""
    use = moments.valid & moments.massive
    typical = np.median(moments.mass, axis=0)
    total = np.where(use, moments.mass, 0).sum(axis=1)
    expected = np.where(use, typical, 0).sum(axis=1)
    ratio = np.divide(total, expected, out=np.ones_like(total), where=expected > 0)
    return np.maximum(ratio, 1e-3)[:, None]


def _with_slopes(moments: Moments, tilts_rad: np.ndarray) -> Moments:
    """Add derivatives along x, taken from the moments as an aligned series would have them."""
    gains = _gains(moments)
    c, s = np.cos(tilts_rad), np.sin(tilts_rad)
    first = _paths(moments.first / gains, [np.ones_like(c), c, s], moments.valid)
    waves = [np.ones_like(c), c, s, np.cos(2 * tilts_rad), np.sin(2 * tilts_rad)]
    second = _paths(moments.second / gains, waves, moments.valid)
    # One pixel of smoothing: noise of the derivative would only slow the iteration down.
    slopes = [ndimage.gaussian_filter1d(m, 1.0, axis=1, order=1) for m in (first, second)]
    return replace(moments, slope_first=slopes[0], slope_second=slopes[1])


def _paths(values: np.ndarray, waves: list[np.ndarray], valid: np.ndarray) -> np.ndarray:
    """Return the least-squares fit of each column by functions of the tilt, (n, nx)."""
    basis = np.stack(waves, axis=1)[:, None, :]
    return values - _without_columns(
        values, np.broadcast_to(basis, (*values.shape, len(waves))), valid.astype(float)
    )


def _without_columns(values: np.ndarray, basis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return values less their weighted fit by the basis (n, nx, k) within each column."""
    square = np.einsum("ix,ixa,ixb->xab", weights, basis, basis)
    right = np.einsum("ix,ixa,ix->xa", weights, basis, values)
    ridge = 1e-9 * np.trace(square, axis1=1, axis2=2)[:, None, None] + 1e-30
    fit = np.linalg.solve(square + ridge * np.eye(basis.shape[2]), right[..., None])[..., 0]
    return np.asarray(values - np.einsum("ixa,xa->ix", basis, fit))


def _without_nuisance(
    values: np.ndarray, by_column: np.ndarray, by_frame: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return values less their fit by what is free per column and per projection."""
    frames = by_frame.transpose(1, 0, 2)
    for _ in range(SWEEPS):
        values = _without_columns(values, by_column, weights)
        values = _without_columns(values.T, frames, weights.T).T
    return _without_columns(values, by_column, weights)


def _frame_weights(residual: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return weights (n, 1) that fall for projections which fit less well than most."""
    total = np.maximum(weights.sum(axis=1), 1e-30)
    rms = np.sqrt((weights * residual**2).sum(axis=1) / total)
    typical = np.median(rms[weights.sum(axis=1) > 0])
    return np.asarray(1 / (1 + (rms / max(2.5 * typical, 1e-30)) ** 4))[:, None]


def _rule(
    target: np.ndarray,
    regressor: np.ndarray,
    by_column: np.ndarray,
    by_frame: np.ndarray,
    valid: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's share of numerator and denominator of the angle."""
    weights = valid.astype(float)
    robust = np.ones((len(target), 1))
    for _ in range(3):
        left = _without_nuisance(target, by_column, by_frame, weights)
        square = (valid * robust * left**2).sum(axis=0) / np.maximum(
            (valid * robust).sum(axis=0), 1
        )
        spread = square + 0.25 * np.median(square) + 1e-30
        robust = _frame_weights(left / np.sqrt(spread), valid.astype(float))
        weights = valid * robust / spread
    left = _without_nuisance(target, by_column, by_frame, weights)
    effect = _without_nuisance(regressor, by_column, by_frame, weights)
    return (weights * left * effect).sum(axis=0), (weights * effect**2).sum(axis=0)


def angle_step(moments: Moments, tilts_rad: np.ndarray) -> Estimate:
    """Estimate the small angle, in radians, by which the axis is still turned from x to y."""
    if not moments.valid.any():
        return Estimate(0.0, np.inf)
    gains = _gains(moments)
    mass = moments.mass / gains
    typical = _typical(mass, moments.valid)
    safe = np.where(moments.valid, moments.mass, 1)
    centre = np.where(moments.valid, moments.first / safe, 0)
    shape = mass.shape
    waves = np.stack([np.cos(tilts_rad), np.sin(tilts_rad)], axis=1)[:, None, :]
    waves = np.broadcast_to(waves, (*shape, 2))
    full = np.broadcast_to(typical, shape)
    effect = moments.slope_second + moments.x * full - centre * moments.slope_first
    paths = _rule(centre * full, effect, waves, full[..., None], moments.valid)
    masses = _mass_rule(moments)
    return _estimate(paths[0] + masses[0], paths[1] + masses[1])


def mass_step(moments: Moments) -> Estimate:
    """Estimate the same angle by the masses of the columns alone."""
    if not moments.valid.any():
        return Estimate(0.0, np.inf)
    return _estimate(*_mass_rule(moments))


def _mass_rule(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's share of the angle by which masses differ between projections."""
    mass = moments.mass / _gains(moments)
    typical = _typical(mass, moments.valid)
    shape = mass.shape
    slope = np.broadcast_to(np.gradient(typical, moments.x), shape)
    return _rule(
        mass,
        moments.slope_first,
        np.ones((*shape, 1)),
        np.stack([np.broadcast_to(typical, shape), slope], axis=2),
        moments.valid,
    )


def _typical(mass: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the mean mass (nx,) of each column where it is seen whole."""
    return np.asarray(np.where(valid, mass, 0).sum(axis=0) / np.maximum(valid.sum(axis=0), 1))


def _estimate(top: np.ndarray, bottom: np.ndarray) -> Estimate:
    """Return the angle and its standard error from the shares of the columns."""
    if not bottom.sum() > 0:
        return Estimate(0.0, np.inf)
    parts = np.array_split(np.arange(len(top)), min(BLOCKS, len(top)))
    rest = np.array(
        [(top.sum() - top[p].sum()) / max(bottom.sum() - bottom[p].sum(), 1e-30) for p in parts]
    )
    sigma = np.sqrt((len(parts) - 1) / len(parts) * np.sum((rest - rest.mean()) ** 2))
    return Estimate(float(top.sum() / bottom.sum()), float(sigma))


def offset_step(moments: Moments, tilts_rad: np.ndarray) -> Estimate:
    """Estimate the row of the axis from the middle of the image, in px."""
    valid = moments.valid
    centre = np.where(valid, moments.first / np.where(valid, moments.mass, 1), 0)
    basis = np.stack([np.ones_like(tilts_rad), np.cos(tilts_rad), np.sin(tilts_rad)], axis=1)
    every = np.broadcast_to(basis[:, None, :], (*valid.shape, 3))
    robust = np.ones((len(valid), 1))
    for _ in range(5):
        weights = valid * robust
        left = _without_columns(centre, every, weights)
        square = (weights * left**2).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-30)
        share = weights / (square + 0.25 * np.median(square) + 1e-30)
        robust = _frame_weights(left / np.sqrt(square + 1e-30), valid.astype(float))
    constant = centre - _without_columns(centre, every, share)
    # The constant of each column, by a fit of the fitted paths; they are exact in the basis.
    rows = np.linalg.lstsq(basis, constant, rcond=None)[0][0]
    value = float(np.average(rows, weights=share.sum(axis=0)))
    total = np.maximum(share.sum(axis=1), 1e-30)
    common = (share * left).sum(axis=1) / total  # what all columns of a projection share
    frame = robust[:, 0] * (share.sum(axis=1) > 0)
    inverse = np.linalg.pinv(np.einsum("i,ia,ib->ab", frame, basis, basis))
    freedom = max(frame.sum() - 3, 1)
    sigma = np.sqrt(inverse[0, 0] * (frame * common**2).sum() / freedom)
    residual = np.sqrt((valid * robust * left**2).sum() / max((valid * robust).sum(), 1e-30))
    return Estimate(value, float(sigma), float(residual))
