"""Hot and dead pixels: found by their neighbours, and replaced by their median."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.gaps import filled
from tomojupyter.numerics.images.filters import within_image

BINS = 16  # levels of brightness whose noise is measured apart
FEWEST = 500  # pixels that a level must have
QUANTILE, QUANTILE_SIGMAS = 98, 2.326  # of the noise: up to 2 % of the pixels may be hot
STEP = 0.6  # noise that whole numbers have at least: one count more is no spike
FLOOR = 1e-3  # of the contrast of an image: noise that it has at least


def despike(images: np.ndarray, size: int = 3, threshold: float = 6.0) -> np.ndarray:
    """Replace hot, dead and missing pixels by the median of their neighbours.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    size
        Side of the square neighbourhood in px, odd and at least 3. Clusters of up to a quarter
        of it are taken for spikes.
    threshold
        How far above all but the brightest quarter of its neighbours, or below all but the
        darkest, a pixel must lie, in standard deviations of the noise at that brightness.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`; other pixels are unchanged. A pixel that is not finite is
        replaced where most of its neighbours are, else it becomes NaN.

    Raises
    ------
    ParameterError
        If `size` is not odd, at least 3 and at most the longer edge, or `threshold` not above 0.
    DataError
        If `images` has fewer than two axes or no real numbers.
    """
    pixels = np.asarray(images)
    if pixels.ndim < 2 or pixels.dtype.kind not in "buif":
        raise DataError(
            "images must be real numbers with the axes (..., y, x), got "
            f"{pixels.dtype} of shape {pixels.shape}"
        )
    out = pixels.astype(np.float32)
    for image in out.reshape(-1, *pixels.shape[-2:]):
        spikes, medians = find_spikes(image, size, threshold)
        image[spikes] = medians[spikes]
    return out


def find_spikes(
    image: np.ndarray, size: int = 3, threshold: float = 6.0
) -> tuple[np.ndarray, np.ndarray]:
    """Find the hot, dead and missing pixels of one image.

    Parameters
    ----------
    image
        (ny, nx).
    size, threshold
        As for :func:`despike`.

    Returns
    -------
    spikes
        bool (ny, nx).
    medians
        float32 (ny, nx), what to put there; NaN where too few neighbours are finite.

    Notes
    -----
    A pixel is compared with the brightest but a quarter of its neighbourhood, not with the
    median: corners and thin lines of the specimen have neighbours as bright as themselves. The
    noise is measured as a function of brightness, from the difference to the local median, as
    counts are noisier where it is bright.
    """
    if size < 3 or size % 2 != 1:
        raise ParameterError(f"size must be odd and at least 3 px, got {size}")
    if not threshold > 0:
        raise ParameterError(f"threshold must be above 0, got {threshold}")
    image = np.asarray(image, np.float32)
    within_image(size, "size", image)
    gaps = ~np.isfinite(image)
    if gaps.all():
        return np.zeros(image.shape, bool), image
    work = filled(image, gaps if gaps.any() else None)
    quarter = size * size // 4
    medians = ndimage.median_filter(work, size)
    limit = threshold * _noise(work, medians)
    spikes = work - ndimage.rank_filter(work, -1 - quarter, size) > limit
    spikes |= ndimage.rank_filter(work, quarter, size) - work > limit
    if gaps.any():
        there = ndimage.uniform_filter((~gaps).astype(np.float32), size)
        medians[gaps & (there < 0.5)] = np.nan
        spikes |= gaps
    return spikes, medians


def _noise(image: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the noise of each pixel, by its brightness."""
    deviation = np.abs(image - medians).ravel()
    order = np.argsort(medians, axis=None, kind="stable")
    bins = int(np.clip(image.size // FEWEST, 1, BINS))
    levels, noises = [], []
    for part in np.array_split(order, bins):
        levels.append(float(np.median(medians.flat[part])))
        noises.append(float(np.percentile(deviation[part], QUANTILE)) / QUANTILE_SIGMAS)
    contrast = float(medians.max() - medians.min())
    whole = bool((image == np.round(image)).all())
    floor = max(FLOOR * contrast, STEP if whole else 0.0)
    return np.interp(medians, levels, np.maximum(noises, floor)).astype(np.float32)
