"""Filters of projections, and binning.

All functions take arrays whose last two axes are (y, x), return new arrays, leave the input
untouched and carry NaN as "no measurement".
"""

from __future__ import annotations

import operator

import numpy as np
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError


def median(images: np.ndarray, size: int) -> np.ndarray:
    """Return the running median of each image.

    Parameters
    ----------
    images
        Array (..., ny, nx) of any dtype.
    size
        Edge length of the square neighbourhood in px, at least 1. An odd size is centred.

    Returns
    -------
    np.ndarray
        float32, shape of `images`. Images are mirrored at their edges. A NaN pixel stays NaN
        and takes no part in its neighbours' medians.

    Raises
    ------
    ParameterError
        If `size` is not a whole number of at least 1, or more than the longer edge.
    DataError
        If `images` has fewer than two axes or no real numbers.
    """
    size = _whole(size, "size", "px")
    pixels = _float32(images)
    within_image(size, "size", pixels)
    flat = pixels.reshape(-1, *pixels.shape[-2:])
    for image in flat:
        image[...] = _median_image(image, size)
    return pixels


def sobel(images: np.ndarray) -> np.ndarray:
    """Return the magnitude of the Sobel gradient of each image.

    Parameters
    ----------
    images
        Array (..., ny, nx) of any dtype; unsigned integers do not wrap around.

    Returns
    -------
    np.ndarray
        float32, shape of `images`, ``hypot`` of SciPy's two Sobel derivatives (a ramp of slope
        1 gives 8). Images are mirrored at their edges; a NaN reaches its 3 x 3 neighbours only.

    Raises
    ------
    DataError
        If `images` has fewer than two axes or no real numbers.
    """
    pixels = _float32(images)
    flat = pixels.reshape(-1, *pixels.shape[-2:])
    for image in flat:
        image[...] = np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1))
    return pixels


def subtract_constant(images: np.ndarray, level: float) -> np.ndarray:
    """Return ``images - level`` as float32.

    Parameters
    ----------
    images
        Array (..., ny, nx) of any dtype.
    level
        What to subtract, a finite number in units of the pixels.

    Raises
    ------
    ParameterError
        If `level` is not finite.
    DataError
        If `images` has fewer than two axes or no real numbers.
    """
    if not np.isfinite(level):
        raise ParameterError(f"level must be a finite number, got {level}; give a number.")
    pixels = checked_images(images)
    # Subtract in double precision: large integers lose their last digits as float32.
    return np.subtract(pixels, float(level), dtype=np.float64).astype(np.float32)


def bin_mean(images: np.ndarray, factor: int) -> np.ndarray:
    """Return the mean over blocks of `factor` x `factor` pixels.

    Parameters
    ----------
    images
        Array (..., ny, nx) of any dtype.
    factor
        Edge length of a block in px, from 1 to the shorter edge of the image.

    Returns
    -------
    np.ndarray
        float32 (..., ny // factor, nx // factor). Rows and columns that do not fill a block
        are left out. A block's mean is that of its finite pixels, NaN where it has none.

    Raises
    ------
    ParameterError
        If `factor` is not a whole number in that range.
    DataError
        If `images` has fewer than two axes or no real numbers.
    """
    factor = _whole(factor, "factor", "px")
    pixels = checked_images(images)
    ny, nx = pixels.shape[-2] // factor, pixels.shape[-1] // factor
    if ny < 1 or nx < 1:
        raise ParameterError(
            f"factor must be at most the shorter edge of the images, {min(pixels.shape[-2:])} px, "
            f"got {factor}; choose a smaller one."
        )
    blocks = pixels[..., : ny * factor, : nx * factor].reshape(
        *pixels.shape[:-2], ny, factor, nx, factor
    )
    if not np.issubdtype(pixels.dtype, np.floating) or np.isfinite(blocks).all():
        return blocks.mean(axis=(-3, -1), dtype=np.float64).astype(np.float32)
    good = np.isfinite(blocks)
    count = good.sum(axis=(-3, -1))
    total = np.where(good, blocks, 0).sum(axis=(-3, -1), dtype=np.float64)
    means = np.full(total.shape, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return means.astype(np.float32)


def _whole(value: int, name: str, unit: str) -> int:
    """Return `value` as int, or refuse it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ParameterError(f"{name} must be a whole number of at least 1 {unit}, got {value!r}.")
    return number


def within_image(value: float, name: str, images: np.ndarray) -> None:
    """Refuse a length in px that exceeds the images: it would take memory and time for nothing."""
    longest = max(images.shape[-2:])
    if value > longest:
        raise ParameterError(
            f"{name} must be at most the longer edge of the images, {longest} px, got {value:.10g}"
        )


def checked_images(images: np.ndarray) -> np.ndarray:
    """Return `images` as an array of at least two axes of real numbers."""
    pixels = np.asarray(images)
    if pixels.ndim < 2 or pixels.dtype.kind not in "buif":
        raise DataError(
            "images must be real numbers with the axes (..., y, x), got "
            f"{pixels.dtype} of shape {pixels.shape}."
        )
    return pixels


def _float32(images: np.ndarray) -> np.ndarray:
    """Return a float32 copy of `images`."""
    return checked_images(images).astype(np.float32, order="C")


def _median_image(image: np.ndarray, size: int) -> np.ndarray:
    """Return the running median of one float32 image."""
    gaps = np.isnan(image)
    if not gaps.any():
        return ndimage.median_filter(image, size, mode="reflect")
    result = ndimage.median_filter(np.where(gaps, 0, image), size, mode="reflect")
    before, after = size // 2, size - 1 - size // 2
    padded = np.pad(image, (before, after), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    touched = ndimage.maximum_filter(gaps, size, mode="reflect") & ~gaps
    rows, columns = np.nonzero(touched)
    # In pieces, so that a large hole does not need size**2 copies of the image at once.
    piece = max(1, 4_000_000 // size**2)
    for first in range(0, len(rows), piece):
        at = rows[first : first + piece], columns[first : first + piece]
        result[at] = np.nanmedian(windows[at], axis=(-2, -1))
    result[gaps] = np.nan
    return result
