"""Make the brightness of the images follow a rule, or their contrast alike."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images import intensity
from tomojupyter.steps.base import param, step
from tomojupyter.steps.filter import AlignableStep

LEVEL = "level of the vacuum, which stays as it is"
FACTORS = "what each image is multiplied with"


class BrightnessStep(AlignableStep):
    """Base of normalisations: every image times its factor, about the level of the vacuum."""

    needs_tilts = True
    each = ("factors",)
    level: float | None
    factors: tuple[float, ...] | None

    def resolve(self, signal: Any) -> Self:
        """Estimate the level and work the factors out."""
        signal = self.seen(signal)
        level = signal.vacuum() if self.level is None else self.level
        found = self.factors
        if found is None:
            bright = signal._once(
                f"brightness above {level}",
                lambda: intensity.brightness(np.asarray(signal.data), level, signal.covered()),
            )
            bright = np.where(signal.excluded, np.nan, bright)
            found = tuple(self._factors(bright, signal.tilts.data.ravel()).tolist())
        elif len(found) != signal._n:
            raise ParameterError(
                f"{signal._n} projections but {len(found)} factors: give one a projection"
            )
        return self.replace(level=level, factors=found)

    def _factors(self, bright: np.ndarray, tilts: np.ndarray) -> np.ndarray:
        return intensity.factors(bright, tilts, self.method)

    def image(self, image: np.ndarray, index: int) -> np.ndarray:
        """Return image `index` times its factor."""
        assert self.factors is not None
        level = self.level or 0.0
        above = np.subtract(image, level, dtype=np.float64)
        return (above * self.factors[index] + level).astype(np.float32)

    def scalars(self, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
        """Return how far the factors go."""
        assert self.factors is not None
        return {"smallest_factor": min(self.factors), "largest_factor": max(self.factors)}


@step("normalise", "total")
class Total(BrightnessStep):
    """Give all images the same total: for a specimen that lies wholly in the field."""

    level: float | None = param(None, LEVEL, auto="estimated from the series")
    factors: tuple[float, ...] | None = param(
        None, FACTORS, auto="worked out from the series", advanced=True
    )


@step("normalise", "slab")
class Slab(BrightnessStep):
    """Let the total grow with the thickness, 1 / cos(tilt): for a slab that fills the field."""

    level: float | None = param(None, LEVEL, auto="estimated from the series")
    factors: tuple[float, ...] | None = param(
        None, FACTORS, auto="worked out from the series", advanced=True
    )


@step("normalise", "smooth")
class Smooth(BrightnessStep):
    """Let the total change smoothly with tilt: takes out jumps only, for any specimen."""

    neighbours: int = param(7, "images of the line through neighbours in tilt", ge=3)
    level: float | None = param(None, LEVEL, auto="estimated from the series")
    factors: tuple[float, ...] | None = param(
        None, FACTORS, auto="worked out from the series", advanced=True
    )

    def _factors(self, bright: np.ndarray, tilts: np.ndarray) -> np.ndarray:
        return intensity.factors(bright, tilts, "smooth", self.neighbours)


@step("normalise", "contrast")
class Contrast(AlignableStep):
    """Set the lowest value of each image to 0 and a bright one to 1: to look at, or to register."""

    lossy: ClassVar[bool] = True
    keeps_mass: ClassVar[bool] = False
    width: float = param(3.0, "standard deviations above the mean that become 1", ge=0)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the stretched images."""
        return intensity.stretch(images, self.width)


@step("normalise", "invert")
class Invert(AlignableStep):
    """Make bright dark and dark bright: for bright-field images, whose specimen is dark."""

    level: float | None = param(
        None, "value that stays as it is", auto="halfway between the series' extremes"
    )

    def resolve(self, signal: Any) -> Self:
        """Take the middle of the values, one for the series, so that the vacuum stays even."""
        if self.level is not None:
            return self
        seen = self.seen(signal)
        return self.replace(level=seen._once("middle", lambda: intensity.middle(seen.data)))

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the mirrored values."""
        return intensity.turn_over(images, self.level or 0.0)
