"""Filters of every image by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics import filters
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


class IntensityStep(Step):
    """A Step that changes values only; `transform` takes and returns (n, ny, nx) images."""

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the filtered images, float32, same shape; `images` stays untouched."""
        raise TypeError(f"{type(self).__name__} does not filter: give it a transform()")

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with filtered images."""
        images = signal.data
        n = len(images)
        out = np.empty(images.shape, np.float32)
        for i in range(n):
            out[i] = self.transform(images[i : i + 1])[0]
            monitor(i + 1, n)
        return Outcome(signal._replaced(out))


@step("filter", "median")
class Median(IntensityStep):
    """Replace every pixel by the median of its neighbourhood: takes out noise and spikes."""

    size: int = param(5, "side of the square neighbourhood", unit="px", ge=1)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the medians."""
        return filters.median(images, self.size)


@step("filter", "sobel")
class Sobel(IntensityStep):
    """Replace every pixel by the magnitude of the gradient: shows edges, for alignment."""

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the gradient magnitudes."""
        return filters.sobel(images)
