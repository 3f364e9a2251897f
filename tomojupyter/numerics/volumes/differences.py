"""How much two arrays of pixels differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """What `difference` finds.

    Parameters
    ----------
    count
        Pixels that differ.
    size
        Pixels there are.
    largest
        Largest difference, in units of the pixels; infinite where only one of two is finite.
    rms
        Root of the mean square of the differences, over pixels that are finite in both.
    spread
        Largest less smallest finite value of the first array.
    """

    count: int
    size: int
    largest: float
    rms: float
    spread: float

    def __str__(self) -> str:
        if not self.count:
            return f"all {self.size} pixels are identical"
        share = f" ({100 * self.largest / self.spread:.2g} % of the range)" if self.spread else ""
        return (
            f"{self.count} of {self.size} pixels differ, by {self.largest:.3g} at most{share} "
            f"and {self.rms:.3g} in the mean square root"
        )


def difference(one: np.ndarray, other: np.ndarray) -> Difference:
    """Compare two arrays of the same shape.

    Parameters
    ----------
    one, other
        Arrays of at least one axis, NumPy or dask. A NaN equals a NaN.

    Returns
    -------
    Difference

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> print(difference(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 2.0])))
    1 of 3 pixels differ, by 2 at most (50 % of the range) and 1.15 in the mean square root
    """
    if one.shape != other.shape:
        raise ValueError(f"arrays of the shapes {one.shape} and {other.shape} cannot be compared")
    count, total, finite, largest = 0, 0.0, 0, 0.0
    low, high = math.inf, -math.inf
    # One image at a time: of two large volumes, a third must not be made.
    for a, b in zip(one, other, strict=True):
        x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
        both = np.isfinite(x) & np.isfinite(y)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        count += int(np.count_nonzero(~same))
        gaps = np.abs(x[both] - y[both])
        if np.any(~both & ~same):
            largest = math.inf
        if gaps.size:
            largest = max(largest, float(gaps.max()))
            total += float(np.sum(gaps**2))
            finite += gaps.size
        seen = x[np.isfinite(x)]
        if seen.size:
            low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    return Difference(
        count,
        int(np.prod(one.shape)),
        largest,
        math.sqrt(total / finite) if finite else 0.0,
        high - low if high >= low else 0.0,
    )
