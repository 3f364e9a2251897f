"""How much noise there is in a pixel of each channel, by what a first reconstruction leaves."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

FLOOR = 1e-3  # of the mean variance: less is not believed of any pixel
ROUNDS = 3  # of weights by the variance that was fitted
SAMPLE = 200_000  # pixels that the model is fitted to


def precision(data: np.ndarray, seen: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return 1 / variance of every pixel.

    Parameters
    ----------
    data
        (c, ...) measured values of c channels.
    seen
        (c, ...) what a first reconstruction projects to.
    keep
        (c, ...) which pixels count; the others get 0.

    Returns
    -------
    numpy.ndarray
        float32 (c, ...).

    Notes
    -----
    The variance of a channel is a constant, plus a share of its own projection (its counts),
    plus a share of the sum of all (the background under its lines, and lines that overlap). The
    three are found by non-negative least squares in the squared residuals, so nothing need be
    known of how the maps were made; it is that of Poisson numbers where the maps are such.
    """
    out = np.zeros_like(data, np.float32)
    # Channels have units of their own: each counts as its share of the brightest pixel.
    peaks = [max(float(s.max()), 1e-30) for s in seen]
    total = sum(np.maximum(s, 0) / peak for s, peak in zip(seen, peaks, strict=True))
    rough = _rough(np.where(keep, data - seen, 0))
    for channel, image in enumerate(data):
        where = np.flatnonzero(keep[channel].ravel())
        own = np.maximum(seen[channel].ravel()[where], 0) / peaks[channel]
        parts = np.stack([np.ones(len(where)), own, np.asarray(total).ravel()[where]], axis=1)
        square = rough[channel].ravel()[where].astype(np.float64) ** 2
        mean = float(square.mean()) if len(square) else 0.0
        if mean <= 0:
            out[channel].ravel()[where] = 1
            continue
        few = slice(None, None, max(1, len(where) // SAMPLE))
        variance = np.full(len(square[few]), mean)
        for _ in range(ROUNDS):
            # Not 1 / variance: leaks into the vacuum, where it is least, would say it all.
            root = 1 / np.sqrt(variance)
            shares, _ = nnls(parts[few] * root[:, None], square[few] * root)
            variance = np.maximum(parts[few] @ shares, FLOOR * mean)
        flat = np.zeros(image.size, np.float32)
        flat[where] = 1 / np.maximum(parts @ shares, FLOOR * mean)
        out[channel] = flat.reshape(image.shape)
    return out


def _rough(left: np.ndarray) -> np.ndarray:
    """Return (c, nx, n, ny) residuals less the mean of their four neighbours, to their scale."""
    padded = np.pad(left, ((0, 0), (1, 1), (0, 0), (1, 1)), mode="reflect")
    beside = padded[:, :-2, :, 1:-1] + padded[:, 2:, :, 1:-1]
    beside = beside + padded[:, 1:-1, :, :-2] + padded[:, 1:-1, :, 2:]
    return np.asarray((left - beside / 4) / np.sqrt(1.25))
