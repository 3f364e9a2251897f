"""Backgrounds of single images: a plane under the specimen, or the level of a region."""

from __future__ import annotations

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.numerics.images.filters import bin_mean, checked_images

BLOCK = 4  # px, over which pixels are averaged before a plane is fitted
LEAST = 0.05  # of an image: with less vacuum there is no plane to fit
LOWEST = 0.1  # of the blocks: the shortest interval that holds so many is the vacuum
ROUNDS = 20


def subtract_plane(images: np.ndarray) -> np.ndarray:
    """Subtract from every image the plane that its vacuum lies on.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type, with vacuum about a brighter specimen.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`; the vacuum is at 0, NaN stays NaN.

    Raises
    ------
    DataError
        If less than a twentieth of an image lies on a plane, or `images` is no image.
    """
    pixels = checked_images(images)
    out = np.empty(pixels.shape, np.float32)
    flat = out.reshape(-1, *pixels.shape[-2:])
    rows, columns = np.arange(flat.shape[1])[:, None], np.arange(flat.shape[2])
    for result, image in zip(flat, pixels.reshape(flat.shape), strict=True):
        level, slope_y, slope_x = fit_plane(image)
        result[...] = image - (level + slope_y * rows + slope_x * columns)
    return out


def fit_plane(image: np.ndarray) -> tuple[float, float, float]:
    """Fit a plane to the vacuum of one image.

    Parameters
    ----------
    image
        (ny, nx).

    Returns
    -------
    tuple of float
        Level at pixel (0, 0) and the slopes along y and x, per px. All 0 without any finite
        pixel.

    Raises
    ------
    DataError
        If less than a twentieth of it lies on a plane.

    Notes
    -----
    Means over blocks are fitted by asymmetric least squares (those above the plane weigh
    little), which gives a plane near their lower bound; then, repeatedly, by least squares to
    the blocks within three standard deviations of the densest level above it.
    """
    block = BLOCK if min(image.shape) >= 8 * BLOCK else 1
    means = bin_mean(image, block).astype(np.float64)
    centres = (np.arange(n) * block + (block - 1) / 2 for n in means.shape)
    y, x = np.meshgrid(*centres, indexing="ij")
    good = np.isfinite(means)
    if not good.any():
        return 0.0, 0.0, 0.0
    values = means[good]
    if len(values) < 4 or np.ptp(values) == 0:
        return float(values.mean()), 0.0, 0.0
    design = np.stack([np.ones(len(values)), y[good], x[good]], axis=1)
    noise = max(_noise(means), 1e-4 * float(np.ptp(values)))
    plane = _lower_plane(design, values)
    rest = values - design @ plane
    plane[0] += _densest(rest)
    for _ in range(ROUNDS):
        near = np.abs(values - design @ plane) < 3 * noise
        if near.mean() < LEAST:
            break
        new = np.linalg.lstsq(design[near], values[near], rcond=None)[0]
        if np.allclose(new, plane, rtol=0, atol=1e-3 * noise / max(image.shape)):
            break
        plane = new
    if near.mean() < LEAST:
        raise DataError(
            f"only {100 * near.mean():.0f} % of an image lies on a plane: there is too little "
            "vacuum in it to fit one; use background constant, or region with a box of vacuum"
        )
    return float(plane[0]), float(plane[1]), float(plane[2])


def subtract_region(images: np.ndarray, left: int, right: int, top: int, bottom: int) -> np.ndarray:
    """Subtract from every image its own mean in a box of vacuum.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    left, right, top, bottom
        Columns and rows of the box, ends exclusive.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`. Single hot pixels do not count; an image with no finite
        pixel in the box stays as it is.

    Raises
    ------
    DataError
        If the box is empty or lies outside, or `images` is no image.
    """
    pixels = checked_images(images)
    ny, nx = pixels.shape[-2:]
    if not (0 <= left < right <= nx and 0 <= top < bottom <= ny):
        raise DataError(
            f"the box of columns {left} to {right} and rows {top} to {bottom} is empty or lies "
            f"outside of the images of {nx} x {ny} px"
        )
    out = np.empty(pixels.shape, np.float32)
    flat = out.reshape(-1, ny, nx)
    for result, image in zip(flat, pixels.reshape(flat.shape), strict=True):
        # In double precision: large integers lose their last digits as float32.
        result[...] = np.subtract(
            image, _clipped_mean(image[top:bottom, left:right]), dtype=np.float64
        )
    return out


def _noise(means: np.ndarray) -> float:
    """Return the standard deviation of the noise of blocks, from second differences."""
    steps = np.concatenate([np.diff(means, 2, axis=k).ravel() for k in (0, 1)])
    steps = np.abs(steps[np.isfinite(steps)])
    # A slope has none; the variance of 1, -2, 1 is six times that of one block.
    return 1.4826 * float(np.median(steps)) / np.sqrt(6) if len(steps) else 0.0


def _lower_plane(design: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the plane by asymmetric least squares: values above it weigh a hundredth."""
    plane = np.linalg.lstsq(design, values, rcond=None)[0]
    for _ in range(ROUNDS):
        weight = np.sqrt(np.where(values > design @ plane, 0.01, 1.0))
        plane = np.linalg.lstsq(design * weight[:, None], values * weight, rcond=None)[0]
    return plane


def _densest(values: np.ndarray) -> float:
    """Return the middle of the shortest interval that holds a tenth of the values."""
    ranked = np.sort(values)
    count = max(3, int(LOWEST * len(ranked)))
    width = ranked[count - 1 :] - ranked[: len(ranked) - count + 1]
    first = int(np.argmin(width))
    return 0.5 * float(ranked[first] + ranked[first + count - 1])


def _clipped_mean(values: np.ndarray) -> float:
    """Return the mean without single values far off; 0 if there is none."""
    kept = values[np.isfinite(values)].astype(np.float64)
    if not len(kept):
        return 0.0
    for _ in range(3):
        mean, spread = kept.mean(), kept.std()
        # Of counts as rare as one in twenty pixels, pairs still are within twelve.
        inside = np.abs(kept - mean) <= 12 * spread
        if inside.all():
            break
        kept = kept[inside]
    return float(kept.mean())
