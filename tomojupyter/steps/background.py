"""Take the level of the vacuum off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tomojupyter.numerics.filters import subtract_constant
from tomojupyter.steps.base import param, step
from tomojupyter.steps.filter import IntensityStep

if TYPE_CHECKING:
    import numpy as np


@step("background", "constant")
class ConstantBackground(IntensityStep):
    """Subtract one level from all images, so that the vacuum is zero."""

    level: float | None = param(None, "level of the vacuum", auto="estimated from the series")

    def resolve(self, signal: Any) -> Self:
        """Estimate the level."""
        return self if self.level is not None else self.replace(level=signal.vacuum())

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the images less the level."""
        return subtract_constant(images, self.level or 0.0)
