"""Filters by size of detail: band-pass, Gaussian; and the fading of an image's edges.

As in `filters`: the last two axes are (y, x), results are new float32 arrays of the same shape,
and a NaN pixel stays NaN and has no part in others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.gaps import filled
from tomojupyter.numerics.images.filters import within_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def band_pass(
    images: np.ndarray,
    smallest: float,
    largest: float,
    pixel: Sequence[float] = (1.0, 1.0),
    order: float = 1.5,
) -> np.ndarray:
    """Keep details between two sizes.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    smallest, largest
        Periods at which half of the amplitude is left, in units of `pixel`.
    pixel
        Size (y, x) of a pixel.
    order
        How steeply the pass band ends; the amplitude falls as the period to ``2 * order``.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`, with mean 0.

    Raises
    ------
    ParameterError
        If `smallest` is not above 0 and below `largest`.

    Notes
    -----
    Butterworth's response, ``1 / (1 + (f s)**2n) - 1 / (1 + (f l)**2n)`` in the frequency f,
    multiplied as two factors: that of the low-pass and one less that of the high-pass. It is
    applied to the cosine transform: images are mirrored at their edges, so opposite edges do
    not run into each other, and any size will do.
    """
    if not 0 < smallest < largest:
        raise ParameterError(
            f"smallest must be above 0 and below largest, got {smallest:g} and {largest:g}"
        )

    def one(image: np.ndarray) -> np.ndarray:
        ny, nx = image.shape
        fy = np.arange(ny) / (2 * ny * pixel[0])
        fx = np.arange(nx) / (2 * nx * pixel[1])
        f = np.hypot(fy[:, None], fx)
        low = 1 / (1 + (f * smallest) ** (2 * order))
        high = 1 - 1 / (1 + (f * largest) ** (2 * order))
        # The mean is taken off in double precision: large offsets would cost digits.
        mean = image.mean(dtype=np.float64)
        spectrum = fft.dctn((image - mean).astype(np.float32), norm="ortho")
        return fft.idctn(spectrum * (low * high).astype(np.float32), norm="ortho")

    return _each(images, lambda image, gaps: one(filled(image, gaps)))


def gaussian(images: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth every image with a Gaussian.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    sigma
        Standard deviation in px, at least 0.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`; mirrored at the edges. Next to NaN the weights of the
        pixels that are there add up to 1.

    Raises
    ------
    ParameterError
        If `sigma` is negative, not finite, or more than the longer edge.
    """
    if not 0 <= sigma < np.inf:
        raise ParameterError(f"sigma must be at least 0 px, got {sigma}")

    def one(image: np.ndarray, gaps: np.ndarray | None) -> np.ndarray:
        within_image(sigma, "sigma", image)
        if gaps is None:
            return ndimage.gaussian_filter(image, sigma)
        weight = ndimage.gaussian_filter((~gaps).astype(np.float32), sigma)
        total = ndimage.gaussian_filter(np.where(gaps, np.float32(0), image), sigma)
        return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-6)

    return _each(images, one)


def taper(images: np.ndarray, part: float) -> np.ndarray:
    """Fade the edges of every image to its mean.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    part
        Width of the fading border as a part of the image, at each edge; 0 to 0.5.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`. The border follows half a cosine; the outermost pixels are
        nearly the mean.

    Raises
    ------
    ParameterError
        If `part` is out of range.
    """
    if not 0 <= part <= 0.5:
        raise ParameterError(f"taper must be from 0 to 0.5 of the image, got {part}")

    def ramp(n: int) -> np.ndarray:
        width = int(part * n)
        inside = np.ones(n)
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(width) + 0.5) / max(width, 1))
        inside[:width] = rise
        inside[n - width :] = rise[::-1]
        return inside

    def one(image: np.ndarray, gaps: np.ndarray | None) -> np.ndarray:
        mean = image.mean(dtype=np.float64) if gaps is None else image[~gaps].mean(dtype=np.float64)
        window = ramp(image.shape[0])[:, None] * ramp(image.shape[1])
        return (image - mean) * window + mean

    return _each(images, one) if part else _each(images, lambda image, _: image)


def _each(
    images: np.ndarray, one: Callable[[np.ndarray, np.ndarray | None], np.ndarray]
) -> np.ndarray:
    """Return ``one(image, gaps)`` of every image; `gaps` is where there is no finite value."""
    pixels = np.asarray(images)
    if pixels.ndim < 2 or pixels.dtype.kind not in "buif":
        raise DataError(
            "images must be real numbers with the axes (..., y, x), got "
            f"{pixels.dtype} of shape {pixels.shape}"
        )
    out = np.empty(pixels.shape, np.float32)
    flat = out.reshape(-1, *pixels.shape[-2:])
    for result, original in zip(flat, pixels.reshape(flat.shape), strict=True):
        image = original.astype(np.float32)
        gaps = ~np.isfinite(image)
        if gaps.all():
            result[...] = np.nan
        elif gaps.any():
            result[...] = one(image, gaps)
            result[gaps] = np.nan
        else:
            result[...] = one(image, None)
    return out
