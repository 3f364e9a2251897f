"""The level of the vacuum, and frames that show nothing."""

from __future__ import annotations

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.numerics.blocks import unless_stopped
from tomojupyter.numerics.images.filters import bin_mean, checked_images

FLAT = 0.1  # a frame with less than this fraction of the usual contrast is blank
STRUCTURED = 0.7  # of the spread of block means, what is common to both colours of the board
BLOCK = 4  # px, block over which pixels are averaged before their distribution is judged
SAMPLES = 200_000  # block means that describe a stack well enough


def blank_frames(images: np.ndarray) -> np.ndarray:
    """Tell which frames have no contrast.

    Parameters
    ----------
    images
        Array (n, ny, nx) of any dtype.

    Returns
    -------
    np.ndarray
        bool (n,). True where a frame is constant, has no finite pixel, or has less than a
        tenth of the contrast that most frames have, unless it is brighter than these and its
        contrast is more than noise.

    Raises
    ------
    DataError
        If `images` is not a stack (n, ny, nx) of real numbers.

    Notes
    -----
    Contrast is the covariance, over blocks, of the means of the two colours of a
    checkerboard: noise that differs from pixel to pixel does not count. Where no frame has any
    such contrast (images of white noise), the plain spread of the block means is compared.
    Single hot pixels are clipped at the level that is usual in the stack.
    """
    pixels = checked_images(images)
    if pixels.ndim != 3:
        raise DataError(f"a stack (n, ny, nx) is needed, got an array of shape {pixels.shape}.")
    if not pixels.size:
        return np.ones(len(pixels), bool)
    constant, spread, common = _contrasts(pixels)
    if constant.all():
        return constant
    measure = spread if _structureless(constant, spread, common, pixels[0].size) else common
    # The upper quartile: up to three quarters of the frames may be blank.
    typical = np.percentile(measure[~constant], 75)
    faint = measure < FLAT * typical
    # A slab seen steeply is thick and smooth: brighter than the others, and more than noise.
    usual = np.median([np.nanmean(pixels[i]) for i in np.flatnonzero(~constant & ~faint)])
    for i in np.flatnonzero(faint & ~constant):
        if np.nanmean(pixels[i]) > usual:
            _, (own,), (shared,) = _contrasts([pixels[i]])  # by levels of its own
            faint[i] = shared < STRUCTURED * own
    return constant | faint


def estimate_vacuum(images: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Estimate the level of the vacuum, the lowest population of pixels.

    Parameters
    ----------
    images
        Array (n, ny, nx) or (ny, nx) of any dtype.
    mask
        bool, broadcastable to `images`; True marks pixels to use. None: all.

    Returns
    -------
    float
        Level in units of the pixels. Where no population of pixels stands out at the low end
        (a specimen that fills the field), the first percentile; the median of nothing but
        noise. 0 if no pixel can be used.

    Raises
    ------
    DataError
        If `images` has fewer than two axes or no real numbers.

    Notes
    -----
    Means over 4 x 4 px are ranked; the density of these means is that of the shortest
    intervals that hold 2 % of them. The lowest peak of the density that rises at least
    twofold above its surroundings is the vacuum, and its clipped mean is returned. Averaging
    first makes the result the mean, not the mode, of counts as low as one a pixel. Blank
    frames, non-finite pixels and hot ones do not take part.
    """
    pixels = checked_images(images)
    stack = pixels.reshape(-1, *pixels.shape[-2:])
    use = None if mask is None else np.broadcast_to(mask, pixels.shape).reshape(stack.shape)
    frames = np.flatnonzero(~blank_frames(stack))
    if not len(frames):
        frames = np.arange(len(stack))
    values = _block_sample(stack, use, frames)
    if not len(values):
        return 0.0
    if _structureless(*_contrasts([stack[i] for i in frames]), stack[0].size):
        return float(np.median(values))
    low, high = np.percentile(values, [0.5, 99.5])
    level = _lowest_peak(np.sort(values))
    if level - low > 0.25 * (high - low):
        return float(np.percentile(values, 1))
    return _clipped_mean(values, level)


def reduction(shape: tuple[int, ...]) -> int:
    """Return how far images (n, ny, nx) are binned before they are judged, to save time."""
    return max(1, min(shape[1:]) // 256)


def _limits(image: np.ndarray) -> tuple[float, float]:
    """Return the level below which 0.5 % and above which 1 % of the finite pixels lie."""
    finite = image[np.isfinite(image)]
    if not len(finite) or finite.min() == finite.max():
        return 0.0, 0.0
    low, high = np.percentile(finite, [0.5, 99.0])
    if not high > low:  # fewer than 1 % of the pixels differ
        low, high = float(finite.min()), float(finite.max())
    return float(low), float(high)


def _contrasts(stack: np.ndarray | list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which frames are constant, and per frame the two measures of `_contrast`."""
    factor = reduction((len(stack), *stack[0].shape))
    if factor > 1:
        stack = [bin_mean(image, factor) for image in unless_stopped(stack)]
    limits = np.array([_limits(image) for image in unless_stopped(stack)])
    constant = ~(limits[:, 1] > limits[:, 0])
    spread, common = np.zeros((2, len(stack)))
    if not constant.all():
        low, high = np.median(limits[~constant], axis=0)
        for i in unless_stopped(np.flatnonzero(~constant)):
            spread[i], common[i] = _contrast(stack[i], 2 * low - high, 2 * high - low)
    return constant, spread, common


def _structureless(
    constant: np.ndarray, spread: np.ndarray, common: np.ndarray, pixels: int
) -> bool:
    """Tell whether most frames hold nothing but noise that differs from pixel to pixel."""
    if constant.all():
        return True
    # Five standard errors of a correlation over the blocks.
    limit = min(0.5, max(0.02, 5 * BLOCK / np.sqrt(pixels)))
    return bool(np.median(common[~constant] ** 2) < limit * np.median(spread[~constant] ** 2))


def _contrast(image: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Return the spread of the block means of an image, and the part that is not noise."""
    block = int(np.clip(min(image.shape) // 8, 1, BLOCK))
    pixels = np.clip(image.astype(np.float64), low, high)
    pixels[~np.isfinite(image)] = np.nan
    means = bin_mean(pixels, block)
    spread = float(np.nanstd(means)) if np.isfinite(means).any() else 0.0
    if block == 1:
        return spread, spread
    black = (np.indices(image.shape).sum(axis=0) % 2).astype(bool)
    pair = [bin_mean(np.where(black == colour, pixels, np.nan), block) for colour in (True, False)]
    both = np.isfinite(pair[0]) & np.isfinite(pair[1])
    if both.sum() < 2:
        return spread, 0.0
    covariance = np.cov(pair[0][both], pair[1][both])[0, 1]
    return spread, float(np.sqrt(max(covariance, 0.0)))


def _block_sample(stack: np.ndarray, use: np.ndarray | None, frames: np.ndarray) -> np.ndarray:
    """Return the finite block means of the `frames`, at most about `SAMPLES` of them."""
    block = BLOCK * reduction(stack.shape) if min(stack.shape[1:]) >= 8 * BLOCK else 1
    blocks = len(frames) * (stack.shape[1] // block) * (stack.shape[2] // block)
    step = max(1, blocks // SAMPLES)
    values = []
    for i in unless_stopped(frames):
        pixels = stack[i].astype(np.float64)
        unused = ~np.isfinite(pixels)
        if use is not None:
            unused |= ~use[i]
        pixels[unused] = np.nan
        # Blocks that are cut by a hole would be noisier than the others.
        whole = bin_mean(unused, block) <= 0.5
        means = np.where(whole, bin_mean(pixels, block), np.nan)
        values.append(means[np.isfinite(means)][::step])
    return np.concatenate(values).astype(np.float64)


def _lowest_peak(ranked: np.ndarray) -> float:
    """Return the lowest value around which sorted values crowd."""
    n = len(ranked)
    count = max(2, n // 50)
    if n < 2 * count:
        return float(ranked[0])
    width = ranked[count - 1 :] - ranked[: n - count + 1]
    middle = 0.5 * (ranked[count - 1 :] + ranked[: n - count + 1])
    # Identical values would be infinitely dense: a thousandth of the spread is dense enough.
    floor = 1e-3 * (ranked[-1] - ranked[0]) * count / n
    if not floor > 0:
        return float(ranked[0])
    density = -np.log(np.maximum(width, floor))
    lowest = density.min() - 2
    from scipy import signal  # half a second, which a page would wait for

    peaks, _ = signal.find_peaks(np.pad(density, 1, constant_values=lowest), prominence=np.log(2))
    return float(middle[peaks[0] - 1])


def _clipped_mean(values: np.ndarray, level: float) -> float:
    """Return the mean of the population around `level`, cut symmetrically."""
    for _ in range(5):
        below = values[values <= level]
        sigma = 1.4826 * float(np.median(level - below)) if len(below) else 0.0
        inside = values[np.abs(values - level) <= 1.5 * sigma]
        if len(inside) < 10 or not sigma > 0:
            break
        level = float(inside.mean())
    return float(level)
