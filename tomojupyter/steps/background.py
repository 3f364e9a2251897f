"""Take the level of the vacuum off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tomojupyter.numerics.images.background import subtract_plane, subtract_region
from tomojupyter.numerics.images.filters import subtract_constant
from tomojupyter.steps.base import param, step
from tomojupyter.steps.filter import IntensityStep
from tomojupyter.steps.trim import ends

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


@step("background", "plane")
class PlaneBackground(IntensityStep):
    """Subtract from every image the plane that its vacuum lies on: for a level that slopes."""

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the images less their planes."""
        return subtract_plane(images)


@step("background", "region")
class RegionBackground(IntensityStep):
    """Subtract from every image its own mean in a box of vacuum; negative ends as in Python."""

    left: int | None = param(None, "first column of the box", unit="px", auto="the left edge")
    right: int | None = param(None, "column after its last", unit="px", auto="the right edge")
    top: int | None = param(None, "first row of the box", unit="px", auto="the top edge")
    bottom: int | None = param(None, "row after its last", unit="px", auto="the bottom edge")

    def resolve(self, signal: Any) -> Self:
        """Turn missing and negative ends into columns and rows."""
        ny, nx = signal._frame.shape
        left, right = ends("column", self.left, self.right, nx)
        top, bottom = ends("row", self.top, self.bottom, ny)
        return self.replace(left=left, right=right, top=top, bottom=bottom)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the images less the mean of their boxes."""
        ny, nx = images.shape[-2:]
        left, right = ends("column", self.left, self.right, nx)
        top, bottom = ends("row", self.top, self.bottom, ny)
        return subtract_region(images, left, right, top, bottom)
