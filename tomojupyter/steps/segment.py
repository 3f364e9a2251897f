"""Tell apart what a volume is made of, by thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.volumes import segmentation
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


class ThresholdStep(Step):
    """Base of segmentations by one value; the result is 1 inside and 0 outside, uint8."""

    on = "RecStack"
    in_memory = True
    threshold: float | None
    dark: bool
    smallest: int

    def resolve(self, signal: Any) -> Self:
        """Find the threshold."""
        if self.threshold is not None:
            return self
        found = segmentation.find_threshold(np.asarray(signal.data), self.method)
        return self.replace(threshold=found)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the binary volume."""
        assert self.threshold is not None
        mask = segmentation.above(signal.data, self.threshold, self.dark)
        mask = segmentation.without_small(mask, self.smallest)
        return Outcome(
            signal._replaced(mask.astype(np.uint8)),
            {"voxels": int(mask.sum()), "fraction": float(mask.mean())},
        )


DARK = "what lies below the threshold is inside, such as pores"
SMALLEST = "pieces of fewer voxels are left out"


@step("segment", "otsu")
class Otsu(ThresholdStep):
    """Keep what is brighter than the threshold after Otsu, which makes both parts uniform."""

    threshold: float | None = param(None, "voxels above it are inside", auto="Otsu's")
    dark: bool = param(False, DARK)
    smallest: int = param(1, SMALLEST, ge=1, advanced=True)


@step("segment", "li")
class Li(ThresholdStep):
    """Keep what is brighter than the threshold after Li, which suits a small bright part."""

    threshold: float | None = param(None, "voxels above it are inside", auto="Li's")
    dark: bool = param(False, DARK)
    smallest: int = param(1, SMALLEST, ge=1, advanced=True)


@step("segment", "value")
class Value(ThresholdStep):
    """Keep what is brighter than a value."""

    threshold: float = param(help="voxels above it are inside")
    dark: bool = param(False, DARK)
    smallest: int = param(1, SMALLEST, ge=1, advanced=True)


@step("segment", "classes")
class Classes(Step):
    """Number several classes by rising value, 0 the darkest, by several thresholds after Otsu."""

    on = "RecStack"
    in_memory = True
    classes: int = param(3, "how many", ge=segmentation.CLASSES[0], le=segmentation.CLASSES[1])
    thresholds: tuple[float, ...] | None = param(
        None, "values between the classes, rising", auto="Otsu's", advanced=True
    )

    def check(self) -> None:
        """Refuse thresholds that are too few or do not rise."""
        given = self.thresholds
        if given is not None and (len(given) != self.classes - 1 or list(given) != sorted(given)):
            raise ParameterError(
                f"thresholds must be {self.classes - 1} rising values for {self.classes} classes, "
                f"got {list(given)}"
            )

    def resolve(self, signal: Any) -> Self:
        """Find the thresholds."""
        if self.thresholds is not None:
            return self
        found = segmentation.find_thresholds(np.asarray(signal.data), self.classes)
        return self.replace(thresholds=found)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the numbers of the classes, uint8."""
        labels = np.zeros(signal.data.shape, np.uint8)
        for threshold in self.thresholds or ():
            labels += segmentation.above(signal.data, threshold)
        counts = np.bincount(labels.ravel(), minlength=self.classes)
        return Outcome(signal._replaced(labels), {"fractions": (counts / labels.size).tolist()})
