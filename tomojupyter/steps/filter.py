"""Filters of every image by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images import filters, smoothing, spikes
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

FINEST_PX, COARSEST_PX = 10.0, 20.0  # of the band-pass unless given, as ETSpy's


class IntensityStep(Step):
    """A Step that changes values only; `transform` takes and returns (n, ny, nx) images."""

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the filtered images, float32, same shape; `images` stays untouched."""
        raise TypeError(f"{type(self).__name__} does not filter: give it a transform()")

    def image(self, image: np.ndarray, index: int) -> np.ndarray:
        """Return image `index` filtered; one that depends on the index overrides this."""
        return self.transform(image[None])[0]

    def scalars(self, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
        """Return figures for the record."""
        return {}

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with filtered images."""
        images = signal.data
        n = len(images)
        out = np.empty(images.shape, np.float32)
        for i in range(n):
            out[i] = self.image(np.asarray(images[i]), i)
            monitor(i + 1, n)
        return Outcome(signal._replaced(out), self.scalars(images, out))


@dataclass(frozen=True, kw_only=True)
class AlignableStep(IntensityStep):
    """A Step that may also be used for alignment only, and leaves the pixels as they are then."""

    lossy: ClassVar[bool] = False
    """Takes detail away, so that a volume is better made of what was there before."""
    keeps_mass: ClassVar[bool] = True
    """Its pixels are still amounts of matter."""
    each: ClassVar[tuple[str, ...]] = ()
    """Parameters with one value a projection, which follow when projections are left out."""
    alignment_only: bool = param(
        False,
        "registration and tilt axis see the result; the series itself stays as it is",
        last=True,
    )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with filtered images, or one whose alignment will see such."""
        if self.alignment_only:
            return Outcome(signal._to_be_seen_through(self))
        return super().apply(signal, monitor, **options)

    def seen(self, signal: Any) -> Any:
        """Return the series that it will work on: what alignment sees so far, or the pixels."""
        return signal.for_alignment() if self.alignment_only else signal

    def binned(self, factors: tuple[float, float]) -> Self:
        """Return the Step for pixels that were made larger by `factors` (y, x) since."""
        return self


SIZE = "side of the square neighbourhood"
TAPER = "part of the image at each edge that fades to its mean"


@step("filter", "median")
class Median(AlignableStep):
    """Replace every pixel by the median of its neighbourhood: takes out noise and spikes."""

    lossy: ClassVar[bool] = True
    size: int = param(5, SIZE, unit="px", ge=1)
    taper: float = param(0.0, TAPER, ge=0, le=0.5, advanced=True)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the medians."""
        return smoothing.taper(filters.median(images, self.size), self.taper)


@step("filter", "bpf")
class BandPass(AlignableStep):
    """Keep details of some sizes (band-pass): takes out noise and slow changes of level."""

    lossy: ClassVar[bool] = True
    keeps_mass: ClassVar[bool] = False
    smallest: float | None = param(
        None, "period of the finest detail, in units of the axes", gt=0, auto="10 px"
    )
    largest: float | None = param(
        None, "period of the coarsest detail, in units of the axes", gt=0, auto="20 px"
    )
    order: float = param(1.5, "steepness of the limits", gt=0, advanced=True)
    taper: float = param(0.0, TAPER, ge=0, le=0.5, advanced=True)
    pixel: tuple[float, ...] | None = param(
        None, "size of a pixel along y and x, in units of the axes", auto="the series' own",
        advanced=True,
    )  # fmt: skip

    def check(self) -> None:
        """Refuse sizes in the wrong order, and pixels that are none."""
        if self.pixel is not None and (len(self.pixel) != 2 or min(self.pixel) <= 0):
            raise ParameterError(
                f"pixel must be two sizes above 0, along y and x, got {list(self.pixel)}"
            )
        if self.smallest and self.largest and self.smallest >= self.largest:
            raise ParameterError(
                f"smallest must be below largest, got {self.smallest:g} and {self.largest:g}"
            )

    def resolve(self, signal: Any) -> Self:
        """Take the pixel size of the series."""
        y, x = signal.axes_manager._axes[1:3]
        pixel = self.pixel or (abs(float(y.scale)), abs(float(x.scale)))
        coarse = max(pixel)
        smallest = self.smallest or min(FINEST_PX * coarse, (self.largest or np.inf) / 2)
        largest = self.largest or max(COARSEST_PX * coarse, 2 * smallest)
        return self.replace(smallest=smallest, largest=largest, pixel=pixel)

    def binned(self, factors: tuple[float, float]) -> Self:
        """Keep the periods, in pixels that are larger now."""
        old = self.pixel or (1.0, 1.0)
        return self.replace(pixel=(old[0] * factors[0], old[1] * factors[1]))

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the band-passed images."""
        assert self.smallest is not None
        assert self.largest is not None
        passed = smoothing.band_pass(
            images, self.smallest, self.largest, self.pixel or (1.0, 1.0), self.order
        )
        return smoothing.taper(passed, self.taper)


@step("filter", "both")
class MedianAndSobel(AlignableStep):
    """Take the median, then the magnitude of the gradient: edges of noisy images."""

    lossy: ClassVar[bool] = True
    keeps_mass: ClassVar[bool] = False
    size: int = param(5, SIZE, unit="px", ge=1)
    taper: float = param(0.0, TAPER, ge=0, le=0.5, advanced=True)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the gradient magnitudes of the medians."""
        edges = filters.sobel(filters.median(images, self.size))
        return smoothing.taper(edges, self.taper)


@step("filter", "sobel")
class Sobel(AlignableStep):
    """Replace every pixel by the magnitude of the gradient: shows edges, for alignment."""

    lossy: ClassVar[bool] = True
    keeps_mass: ClassVar[bool] = False
    taper: float = param(0.0, TAPER, ge=0, le=0.5, advanced=True)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the gradient magnitudes."""
        return smoothing.taper(filters.sobel(images), self.taper)


@step("filter", "gaussian")
class Gaussian(AlignableStep):
    """Smooth every image with a Gaussian: less noise, and edges as much less sharp."""

    lossy: ClassVar[bool] = True
    sigma: float = param(1.0, "standard deviation", unit="px", gt=0)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the smoothed images."""
        return smoothing.gaussian(images, self.sigma)


@step("filter", "despike")
class Despike(AlignableStep):
    """Replace hot, dead and missing pixels by the median of their neighbours, and no others."""

    size: int = param(3, "side of the neighbourhood, odd", unit="px", ge=3)
    threshold: float = param(
        6.0, "how far a pixel must stand out, in standard deviations of the noise", gt=0
    )

    def check(self) -> None:
        """Refuse an even size."""
        if self.size % 2 != 1:
            raise ParameterError(f"size must be odd, such as 3 or 5 px, got {self.size}")

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the images without spikes."""
        return spikes.despike(images, self.size, self.threshold)

    def scalars(self, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
        """Return how many pixels were replaced."""
        changed = 0
        for a, b in zip(before, after, strict=True):
            old = np.asarray(a, np.float32)
            changed += int(np.count_nonzero((old != b) & ~(np.isnan(old) & np.isnan(b))))
        return {"replaced": changed}
