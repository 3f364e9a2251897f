"""How far each image of a series still is from where the others say that it should be."""

from __future__ import annotations

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment.joint_score import score_alignment
from tomojupyter.numerics.images.filters import bin_mean

SILENT = Silent()
SIDE = 64  # px, images are binned to about this; finer images changed the figures by under 1 %


def movement_left(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    use: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> np.ndarray:
    """Return how far each image is off the projection that the other images predict for it.

    Parameters
    ----------
    images, tilts_deg, mask, vacuum, use, monitor, ncores
        As for :func:`tomojupyter.numerics.alignment.joint_score.score_alignment`.

    Returns
    -------
    np.ndarray
        float64 (n,), px; NaN where nothing is seen, or where an image was not to be used.

    Raises
    ------
    AlignmentRefused
        If the images cannot make a volume.

    Notes
    -----
    The same measure for every method of registration, and none of them minimises it directly.
    Motions that only move the specimen as a whole are taken off: a constant along the tilt axis,
    ``b cos t + c sin t`` across it.
    """
    tilts = np.asarray(tilts_deg, float).ravel()
    factor = max(1, min(images.shape[1:]) // SIDE)
    small = bin_mean(np.asarray(images, np.float32), factor)
    seen = None
    if mask is not None:
        whole = np.broadcast_to(mask, images.shape).astype(np.float32)
        seen = bin_mean(whole, factor) > 0.99
    score = score_alignment(
        small, tilts, mask=seen, vacuum=vacuum, use=use, monitor=monitor, ncores=ncores
    )
    moves = score.moves_px * factor
    good = np.isfinite(moves).all(axis=1)
    t = np.deg2rad(tilts[good])
    waves = np.stack([np.cos(t), np.sin(t)], axis=1)
    across = moves[good, 0] - waves @ np.linalg.lstsq(waves, moves[good, 0], rcond=None)[0]
    along = moves[good, 1] - np.median(moves[good, 1])
    left = np.full(len(tilts), np.nan)
    left[good] = np.hypot(across, along)
    return left
