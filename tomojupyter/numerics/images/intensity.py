"""Brightness of the images of a series, and the factors that make it follow a rule."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.images.filters import bin_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIDE = 512  # px, to which large images are binned
HOT = 99.9  # percentile above which pixels are cut before they are summed up
DARK = 0.05  # of the usual brightness: an image with less has no beam
RULES = ("total", "slab", "smooth")


def brightness(
    images: np.ndarray | Sequence[np.ndarray], level: float, mask: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean of every image above a level.

    Parameters
    ----------
    images
        (n, ny, nx) of any real type, or a list of images.
    level
        Level of the vacuum.
    mask
        bool, shape of `images`: pixels that count. None: all.

    Returns
    -------
    numpy.ndarray
        float64 (n,), in units of the pixels. Hot pixels count as the 99.9th percentile; NaN
        for an image with no finite pixel.
    """
    found = np.full(len(images), np.nan)
    for i in range(len(images)):
        values = _values(images[i], None if mask is None else mask[i])
        if len(values):
            found[i] = np.minimum(values, np.percentile(values, HOT)).mean() - level
    return found


def _values(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the finite pixels of the mask, float64; means over blocks of a large image."""
    block = max(1, min(image.shape) // SIDE)
    if block > 1:
        # A block outlasts the missing pixels in it; that of the mask alone must be whole.
        whole = None if mask is None else bin_mean(mask, block) == 1
        image, mask = bin_mean(image, block), whole
    use = np.isfinite(image) if mask is None else np.isfinite(image) & mask
    return image[use].astype(np.float64)


def factors(
    bright: np.ndarray, tilts_deg: np.ndarray, rule: str, neighbours: int = 7
) -> np.ndarray:
    """Return what to multiply every image with.

    Parameters
    ----------
    bright
        (n,) brightness above the vacuum. NaN does not count, nor does less than a twentieth
        of the median: an image without beam.
    tilts_deg
        (n,) in degrees, any order.
    rule
        ``"total"``: the brightness is the same at all tilts, as for a specimen that lies
        wholly in the field. ``"slab"``: it grows with the thickness, as one over the cosine,
        for a slab that fills the field. ``"smooth"``: it follows a line through its neighbours
        in tilt; only what jumps is changed.
    neighbours
        For ``"smooth"``: images on the line, at least 3.

    Returns
    -------
    numpy.ndarray
        float64 (n,), with a median near 1; exactly 1 for images that do not count.

    Raises
    ------
    ParameterError
        If the rule is not known, or `neighbours` too few.
    DataError
        If most images are not brighter than the vacuum, or a slab is tilted by 90 degrees.
    """
    if rule not in RULES:
        raise ParameterError(f"the rule must be one of {', '.join(RULES)}, got {rule!r}")
    if neighbours < 3:
        raise ParameterError(f"neighbours must be at least 3, got {neighbours}")
    usual = np.median(bright[bright > 0]) if (bright > 0).any() else np.inf
    good = np.isfinite(bright) & (bright > DARK * usual)
    if np.count_nonzero(good) < max(1, len(bright) // 2):
        raise DataError(
            f"only {np.count_nonzero(good)} of {len(bright)} images are brighter than the vacuum: "
            "their brightness says nothing; check the level"
        )
    values = np.where(good, bright, 1.0)
    found = np.ones(len(values))
    if rule == "smooth":
        found[good] = np.exp(robust_line(np.log(values[good]), tilts_deg[good], neighbours))
        found[good] /= values[good]
        return found
    if rule == "slab":
        shorter = np.cos(np.deg2rad(tilts_deg))
        if (shorter < 0.01).any():
            raise DataError("a slab cannot be seen edge on: leave out tilts beyond 89 degrees")
        values = values * shorter
    found[good] = np.median(values[good]) / values[good]
    return found


def robust_line(values: np.ndarray, tilts: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the value at each tilt of a robust line through its neighbours.

    Parameters
    ----------
    values
        (n,), finite.
    tilts
        (n,) in degrees, any order.
    neighbours
        Values on each line, the nearest in the order of tilt, its own included.

    Returns
    -------
    numpy.ndarray
        float64 (n,).

    Notes
    -----
    The slope is the median of those of all pairs, the level the median of what is left
    (Theil-Sen): nearly a third of the values may be off.
    """
    order = np.argsort(tilts, kind="stable")
    n = len(order)
    count = min(neighbours, n)
    out = np.empty(n)
    for k, i in enumerate(order):
        first = int(np.clip(k - count // 2, 0, n - count))
        near = order[first : first + count]
        pairs = [
            (values[b] - values[a]) / (tilts[b] - tilts[a])
            for a, b in itertools.combinations(near, 2)
            if tilts[b] != tilts[a]
        ]
        slope = float(np.median(pairs)) if pairs else 0.0
        out[i] = np.median(values[near] - slope * (tilts[near] - tilts[i]))
    return out


def stretch(images: np.ndarray, width: float) -> np.ndarray:
    """Bring every image to a like contrast, each by itself.

    Parameters
    ----------
    images
        (..., ny, nx) of any real type.
    width
        Standard deviations above the mean that become 1.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`: less the minimum, over mean plus `width` standard
        deviations of that. A constant image becomes 0.

    Raises
    ------
    ParameterError
        If `width` is negative.
    """
    if not 0 <= width < np.inf:
        raise ParameterError(f"width must be at least 0, got {width}")
    pixels = np.asarray(images)
    out = np.empty(pixels.shape, np.float32)
    flat = out.reshape(-1, *pixels.shape[-2:])
    for result, original in zip(flat, pixels.reshape(flat.shape), strict=True):
        image = original.astype(np.float64)
        values = image[np.isfinite(image)]
        low = values.min() if len(values) else 0.0
        full = values.mean() - low + width * values.std() if len(values) else 0.0
        result[...] = (image - low) / full if full > 0 else image - low
    return out


def turn_over(images: np.ndarray, level: float) -> np.ndarray:
    """Mirror the values at a level: what was bright becomes dark.

    Parameters
    ----------
    images
        Array of any shape and real type.
    level
        Value that stays as it is.

    Returns
    -------
    numpy.ndarray
        float32, shape of `images`: twice the level less the values; NaN stays.
    """
    return np.subtract(2.0 * level, images, dtype=np.float64).astype(np.float32)


def middle(images: Iterable[np.ndarray]) -> float:
    """Return the value halfway between the smallest and the largest of all images.

    Parameters
    ----------
    images
        Images of any real type; NaN and infinity do not count.

    Returns
    -------
    float
        0 where there is no value at all.
    """
    ends: list[float] = []
    for image in images:
        values = np.asarray(image, np.float64)
        values = values[np.isfinite(values)]
        ends += [values.min(), values.max()] if values.size else []
    return float(min(ends) + max(ends)) / 2 if ends else 0.0
