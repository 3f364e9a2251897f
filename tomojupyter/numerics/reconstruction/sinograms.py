"""What filtered back-projection needs to know of a series: spacing of tilts, and no gaps."""

from __future__ import annotations

import numpy as np

from tomojupyter.errors import TiltsError


def angular_weights(tilts_deg: np.ndarray) -> np.ndarray:
    """Return the share of the half circle that each projection stands for.

    Parameters
    ----------
    tilts_deg
        (n,) degrees, any order.

    Returns
    -------
    numpy.ndarray
        (n,), in radians; their sum is pi.

    Notes
    -----
    Half of the gaps on both sides of a tilt. The missing wedge is not a gap: at its edges the
    gap on the other side counts twice, so even spacing gives even weights. Projections at one
    tilt (also 180 degrees apart, within 0.001 degrees) share its weight.
    """
    tilts = np.asarray(tilts_deg, dtype=float).ravel()
    if not tilts.size or not np.isfinite(tilts).all():
        raise TiltsError("weights need at least one tilt, all of them finite")
    wrapped = np.mod(np.round(tilts, 3), 180.0)
    unique, index, counts = np.unique(wrapped, return_inverse=True, return_counts=True)
    gaps = np.diff(unique, append=unique[0] + 180.0)  # gaps[i] lies after unique[i]
    before = np.roll(gaps, 1)
    after = gaps.copy()
    widest = int(np.argmax(gaps))
    inner = np.delete(gaps, widest)
    in_range = np.ptp(np.round(tilts, 3)) > 180.0 - gaps[widest] + 1e-6
    if inner.size and not in_range and gaps[widest] > 1.5 * inner.max():
        after[widest] = before[widest]
        edge = (widest + 1) % len(unique)
        before[edge] = after[edge]
    weights = ((before + after) / counts)[index]
    return np.asarray(np.pi * weights / weights.sum())


def fill_gaps(
    sinograms: np.ndarray, weights: np.ndarray | None, tilts_deg: np.ndarray
) -> np.ndarray:
    """Return a float32 copy of (k, n, ny) sinograms with unknown pixels interpolated."""
    # In rows, for the Fourier transforms; what is given may be a view of images.
    filled = np.array(sinograms, dtype=np.float32, order="C")
    known = np.isfinite(filled)
    if weights is not None:
        known &= weights > 0
    if known.all():
        return filled
    columns = np.arange(filled.shape[2])
    order = np.argsort(tilts_deg, kind="stable")
    for sinogram, good in zip(filled, known, strict=True):
        rows = good.any(axis=1)
        for row in np.flatnonzero(rows & ~good.all(axis=1)):
            there = good[row]
            sinogram[row] = np.interp(columns, columns[there], sinogram[row, there])
        if not rows.any():
            sinogram[:] = 0
        elif not rows.all():
            _fill_rows(sinogram, rows, tilts_deg, order)
    return filled


def _fill_rows(
    sinogram: np.ndarray, rows: np.ndarray, tilts_deg: np.ndarray, order: np.ndarray
) -> None:
    """Interpolate rows without any pixel between the nearest tilts that have some."""
    there = order[rows[order]]
    for row in np.flatnonzero(~rows):
        place = float(np.interp(tilts_deg[row], tilts_deg[there], np.arange(len(there))))
        low = int(place)
        high = min(low + 1, len(there) - 1)
        part = np.float32(place - low)
        sinogram[row] = (1 - part) * sinogram[there[low]] + part * sinogram[there[high]]
