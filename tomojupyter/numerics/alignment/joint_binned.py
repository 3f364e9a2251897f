"""Large series are binned before the joint alignment begins, as far as it would bin them anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.images.filters import bin_mean

if TYPE_CHECKING:
    from tomojupyter.numerics.alignment.joint_score import Score

LEAST = 32  # px; images are not binned to less
MOST = 1.5e9  # voxels times tilts of one iteration that are done at all


def work(shape: tuple[int, ...]) -> float:
    """Return the voxels times tilts of one iteration over a series (n, ny, nx)."""
    return float(np.prod([float(k) for k in (*shape, shape[1])]))


def worth(shape: tuple[int, ...]) -> int:
    """Return the least binning, a power of 2, of a series whose volume can be afforded."""
    factor = 1
    while work(shape) / factor**3 > MOST and min(shape[1:]) // (2 * factor) >= LEAST:
        factor *= 2
    return factor


def binned(images: np.ndarray, mask: np.ndarray | None, factor: int) -> np.ndarray:
    """Return the means (n, ny // factor, nx // factor) of blocks, NaN where one is not known.

    Parameters
    ----------
    images
        (n, ny, nx), any real dtype; one at a time is copied.
    mask
        bool, broadcastable to `images`; True marks measured pixels. None: all.
    factor
        Edge of a block in px.
    """
    known = np.broadcast_to(True if mask is None else mask, images.shape)
    small = [
        bin_mean(np.where(seen & np.isfinite(image), image, np.nan).astype(np.float32), factor)
        for image, seen in zip(images, known, strict=True)
    ]
    if mask is not None:
        for image, seen in zip(small, known, strict=True):
            image[bin_mean(seen, factor) < 1] = np.nan
    return np.array(small)


def enlarged_shifts(shifts: np.ndarray, shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return shifts (n, 2) of images of `shape` from those of their binned ones.

    Rows and columns that fill no block are left out, so that the middle is another.
    """
    rest = np.array([size % factor for size in shape[1:]]) / 2
    return np.asarray(factor * shifts + rest)


def enlarged_score(score: Score, factor: int) -> Score:
    """Return what a score of binned images says in px of those that were given."""
    low, high = score.interval_px
    offset, half = score.offset_px
    return replace(
        score,
        expected_px=factor * score.expected_px,
        interval_px=(factor * low, factor * high),
        moves_px=factor * score.moves_px,
        sigma_px=factor * score.sigma_px,
        offset_px=(factor * offset, factor * half),
        noise_px=factor * score.noise_px,
    )
