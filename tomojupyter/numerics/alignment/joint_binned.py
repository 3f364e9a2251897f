"""Large series are binned before the joint alignment begins, as far as it would bin them anyway."""

from __future__ import annotations

import numpy as np

from tomojupyter.numerics.images.filters import bin_mean

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


def enlarged(shifts: np.ndarray, shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return shifts (n, 2) of images of `shape` from those of their binned ones.

    Rows and columns that fill no block are left out, so that the middle is another.
    """
    return np.asarray(factor * shifts + _rest(shape, factor))


def as_given(shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return the shifts (n, 2) of binned images that leave those of `shape` where they are."""
    return np.tile(-_rest(shape, factor) / factor, (shape[0], 1))


def _rest(shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return how far the middle of the blocks lies from that of the images, (y, x) in px."""
    return np.array([size % factor for size in shape[1:]]) / 2
