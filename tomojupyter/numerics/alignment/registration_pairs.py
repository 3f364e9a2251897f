"""Shift between two images: correlation, then least squares on the overlap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft, ndimage

from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.images.filters import bin_mean, median

SMOOTH = 1.0  # px, Gaussian that both images get before least squares
TAPER = 0.1  # fraction of each edge that is apodised
COARSE = 256  # px, images are binned to about this before the correlation
WHITEN = 0.5  # 0: cross-correlation, 1: phase correlation
MANY = 0.05  # of the pixels; where more are called hot, none is
STEPS = 12  # least-squares steps at most; 3 to 5 are usual


@dataclass(eq=False)
class Picture:
    """One image made ready for registration.

    Parameters
    ----------
    pixels
        float64 (ny, nx), vacuum at 0, gaps filled with 0, hot pixels replaced.
    good
        bool (ny, nx), measured pixels; None: all.
    """

    pixels: np.ndarray
    good: np.ndarray | None = None

    @cached_property
    def weight(self) -> np.ndarray | None:
        """float64 (ny, nx), 1 for a measured pixel, towards 0 at a gap; None: all measured."""
        return None if self.good is None else _soft(self.good)

    def known(self) -> np.ndarray:
        """Return the pixels in float32, NaN where less than half is measured."""
        pixels = (
            self.pixels if self.weight is None else np.where(self.weight > 0.5, self.pixels, np.nan)
        )
        return pixels.astype(np.float32)


def prepare(
    images: np.ndarray, usable: np.ndarray, mask: np.ndarray | None, vacuum: float
) -> dict[int, Picture]:
    """Return the usable images with vacuum, gaps and hot pixels removed.

    Parameters
    ----------
    images
        Array (n, ny, nx).
    usable
        bool (n,), which images to prepare.
    mask
        bool, broadcastable to `images`, True for covered pixels; None: all.
    vacuum
        Level of the vacuum in units of the pixels.

    Returns
    -------
    dict[int, Picture]
        By index into `images`.

    Notes
    -----
    A pixel is hot if it differs from the median of its 3 x 3 neighbourhood by more than three
    times what 0.5 % of the pixels of the middle image do.
    """
    covered = None if mask is None else np.broadcast_to(mask, images.shape)
    clean: dict[int, Picture] = {}
    unlike, limits = {}, []
    frames = np.flatnonzero(usable)
    stack = zeros((len(frames), *images.shape[1:]), np.dtype(np.float64))
    for i, pixels in zip(frames.tolist(), stack, strict=True):
        np.subtract(images[i], vacuum, out=pixels)
        good = np.isfinite(pixels)
        if covered is not None:
            good &= covered[i]
        smooth = median(np.where(good, pixels, np.nan), 3)
        pixels[~good] = 0
        smooth[~good] = 0
        deviation = np.abs(pixels - smooth)
        least, most = np.percentile(deviation, [100 * (1 - MANY), 99.5])
        limits.append(most)
        # No more of them are looked at below.
        far = np.flatnonzero(deviation >= least)
        clean[i] = Picture(pixels, None if good.all() else good)
        unlike[i] = far, deviation.flat[far], smooth.flat[far]
    limit = 3 * float(np.median(limits))
    for i, (far, deviation, smooth) in unlike.items():
        hot = deviation > limit if limit > 0 else np.zeros(len(far), bool)
        # Where every pixel is "hot" the image is sharper than the others, not defective.
        if hot.sum() < MANY * clean[i].pixels.size:
            clean[i].pixels.flat[far[hot]] = smooth[hot]
    return clean


def correlate(fixed: Picture, moving: Picture) -> np.ndarray:
    """Return the whole-pixel shift (dy, dx) of `moving` that fits `fixed` best.

    Parameters
    ----------
    fixed, moving
        Pictures of one shape (ny, nx).

    Returns
    -------
    np.ndarray
        float64 (2,), in px, to be applied to `moving`; at most half the image.

    Notes
    -----
    Maxima of a plain and of a half-whitened, high-passed cross-correlation of apodised images
    are candidates; the one with the larger correlation coefficient on the overlap is taken.
    Pure phase correlation gives each frequency the same weight, and most of them hold noise.
    """
    factor = max(1, min(fixed.pixels.shape) // COARSE)
    first, second = (_binned(p, factor) for p in (fixed, moving))
    ny, nx = first.shape
    window = _window(ny, nx)
    flat = [
        np.ascontiguousarray((p - (p * window).mean() / window.mean()) * window)
        for p in (first, second)
    ]
    band = _bandpass(ny, nx)
    spectra = [fft.rfft2(p) for p in flat]
    product = spectra[0] * np.conj(spectra[1])
    passed = product * band**2
    magnitude = np.abs(passed)
    whitened = passed / np.maximum(magnitude, 1e-6 * magnitude.max() + 1e-300) ** WHITEN
    best, shift = -np.inf, np.zeros(2)
    for spectrum in (whitened, product):
        surface = fft.irfft2(spectrum, (ny, nx))
        peak = np.array(np.unravel_index(np.argmax(surface), surface.shape))
        candidate = np.where(peak > np.array([ny, nx]) // 2, peak - [ny, nx], peak)
        score = _overlap_correlation(first, second, candidate)
        if score > best:
            best, shift = score, candidate
    return shift.astype(np.float64) * factor


def refine(fixed: Picture, moving: Picture, shift: np.ndarray, tolerance: float) -> np.ndarray:
    """Refine a shift by least squares of the images' difference on their overlap.

    Parameters
    ----------
    fixed, moving
        Pictures of one shape (ny, nx).
    shift
        First guess (dy, dx) in px, right to about a pixel.
    tolerance
        px; a step shorter than this is the last.

    Returns
    -------
    np.ndarray
        float64 (2,), in px, to be applied to `moving`. The guess itself where least squares
        leaves its neighbourhood of 8 px.

    Notes
    -----
    Gauss-Newton steps for the shift and for a gain and an offset of the intensities, which
    maximises the correlation coefficient on the overlap [1]_. A correlation by FFT is biased
    where the specimen crosses the edge; this is not, since only pixels that both images hold
    count.

    References
    ----------
    .. [1] G. D. Evangelidis, E. Z. Psarakis, IEEE Trans. Pattern Anal. Mach. Intell. 30
       (2008) 1858, doi:10.1109/TPAMI.2008.113.
    """
    target = ndimage.gaussian_filter(fixed.pixels, SMOOTH)
    spline = ndimage.spline_filter(ndimage.gaussian_filter(moving.pixels, SMOOTH), 3)
    window = _window(*target.shape)
    current = np.array(shift, np.float64)
    for _ in range(STEPS):
        moved = ndimage.shift(spline, current, order=3, prefilter=False)
        weight = window * _inside(target.shape, current)
        if fixed.weight is not None:
            weight = weight * fixed.weight
        if moving.weight is not None:
            weight = weight * ndimage.shift(moving.weight, current, order=1)
        step = _step(target, moved, weight)
        if step is None:
            return np.array(shift, np.float64)
        current = current + step
        if np.abs(current - shift).max() > 8:
            return np.array(shift, np.float64)
        if np.abs(step).max() < tolerance:
            break
    return current


def _step(target: np.ndarray, moved: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
    """Return one Gauss-Newton step (dy, dx), at most 2 px, or None if there is none."""
    slopes = np.gradient(0.5 * (target + moved))
    columns = np.stack([slopes[0], slopes[1], moved, np.ones_like(moved)]).reshape(4, -1)
    weighted = columns * weight.ravel()
    matrix = weighted @ columns.T
    scale = np.sqrt(np.diag(matrix))
    if not (scale > 0).all():
        return None
    matrix = matrix / np.outer(scale, scale)
    if np.linalg.cond(matrix) > 1e10:
        return None
    solution = np.linalg.solve(matrix, weighted @ target.ravel() / scale) / scale
    if not solution[2] > 0.05:  # an inverted or vanishing gain: no common structure
        return None
    return np.clip(-solution[:2] / solution[2], -2, 2)


def _soft(good: np.ndarray) -> np.ndarray:
    """Return a weight that falls to 0 towards the gaps, over some smoothing lengths."""
    distance = ndimage.distance_transform_edt(good)
    return np.clip((distance - SMOOTH) / (3 * SMOOTH), 0, 1)


def _binned(picture: Picture, factor: int) -> np.ndarray:
    """Return weighted pixels, binned."""
    pixels = picture.pixels if picture.weight is None else picture.pixels * picture.weight
    return pixels if factor == 1 else bin_mean(pixels, factor).astype(np.float64)


def _window(ny: int, nx: int) -> np.ndarray:
    """Return the apodisation of images of (ny, nx)."""
    from scipy import signal  # half a second, which a page would wait for

    return np.outer(*(signal.windows.tukey(n + 2, 2 * TAPER)[1:-1] for n in (ny, nx)))


def _bandpass(ny: int, nx: int) -> np.ndarray:
    """Return a difference of Gaussians of 1 and 2 px, in the frequencies of ``rfft2``."""
    squared = np.add.outer(fft.fftfreq(ny) ** 2, fft.rfftfreq(nx) ** 2)
    return (1 - np.exp(-2 * (2 * np.pi) ** 2 * squared)) * np.exp(-2 * np.pi**2 * squared)


def _inside(shape: tuple[int, int], shift: np.ndarray) -> np.ndarray:
    """Return the weight of pixels that the shifted image covers, soft at its edge."""
    ramps = []
    for n, s in zip(shape, shift, strict=True):
        source = np.arange(n) - s
        ramps.append(np.clip(np.minimum(source, n - 1 - source) / (3 * SMOOTH), 0, 1))
    return np.outer(*ramps)


def _overlap_correlation(first: np.ndarray, second: np.ndarray, shift: np.ndarray) -> float:
    """Return the correlation coefficient on the overlap, less for a small overlap."""
    cuts = [
        (slice(max(0, s), n + min(0, s)), slice(max(0, -s), n + min(0, -s)))
        for n, s in zip(first.shape, shift, strict=True)
    ]
    a = first[cuts[0][0], cuts[1][0]]
    b = second[cuts[0][1], cuts[1][1]]
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    return float((a * b).sum() / norm * np.sqrt(a.size / first.size)) if norm > 0 else -1.0
