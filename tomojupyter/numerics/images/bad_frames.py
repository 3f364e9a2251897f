"""Frames of a tilt series that are better left out, each with the reason."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft, ndimage

from tomojupyter.errors import DataError
from tomojupyter.numerics.images.filters import bin_mean
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.numerics.images.intensity import brightness, robust_line
from tomojupyter.numerics.images.spikes import QUANTILE, QUANTILE_SIGMAS, find_spikes
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COARSE = 64  # px, to which they are binned before they are correlated
SIGMAS = 6.0  # robust standard deviations from the neighbours
NEIGHBOURS = 7  # in tilt, that a frame is compared with
DIM = 0.15  # least change of brightness
DULL = 0.25  # least loss of detail
HOT = 1e-3  # least part of the pixels that are spikes
MISSING = 0.2  # least part of the pixels without a value
FAR = 0.1  # of the shorter edge: least distance of a frame that jumped


class BadFrame(NamedTuple):
    """A frame that is proposed to be left out.

    Parameters
    ----------
    frame
        Its index, in the order of the file.
    reason
        One line that begins with blank, empty, hot, dim, bright, blurred or jumped.
    """

    frame: int
    reason: str


def bad_frames(
    images: np.ndarray | Glances,
    tilts_deg: np.ndarray | None = None,
    *,
    vacuum: float | None = None,
    use: np.ndarray | None = None,
) -> list[BadFrame]:
    """Propose the frames to leave out.

    Parameters
    ----------
    images
        (n, ny, nx) of any real type, or what a look at each of them left.
    tilts_deg
        (n,), any order; None: the order of the file.
    vacuum
        Level of the vacuum; None: estimated.
    use
        bool (n,): only these are judged, and compared with. None: all.

    Returns
    -------
    list of BadFrame
        In the order of the file, at most one reason each.

    Raises
    ------
    DataError
        If `images` is no stack, or the number of tilts differs.

    Notes
    -----
    Brightness above the vacuum and the part of the contrast that is fine detail are compared
    with a robust line through the neighbours in tilt: 6 robust standard deviations and 15 %
    (brightness) or 25 % (detail) off are too far. Detail is the covariance of two pictures made
    of alternate pixels, so noise does not count. A frame jumped if it is far from the frames
    before and after it, which themselves are close; a drift or a single step is left to
    registration.
    """
    look = images if isinstance(images, Glances) else Glances.of(images)
    n = len(look)
    tilts = np.arange(n, dtype=float) if tilts_deg is None else np.asarray(tilts_deg, float)
    if len(tilts) != n:
        raise DataError(f"{n} frames but {len(tilts)} tilts: give one a frame")
    judged = np.ones(n, bool) if use is None else np.array(use, bool)
    small, middles = look.small, look.middles
    level = estimate_vacuum(small) if vacuum is None and small.size else vacuum or 0.0
    found = _empty(look, small)
    # One after the other: a hot frame is bright as well, and a dim one has less detail.
    judges: list[Callable[[np.ndarray], dict[int, str]]] = [
        lambda rest: _hot([middles[i] for i in rest]),
        lambda rest: _uneven([small[i] for i in rest], tilts[rest], level),
        lambda rest: _blurred([small[i] for i in rest], tilts[rest]),
        lambda rest: _jumped([small[i] for i in rest], tilts[rest], look.factor),
    ]
    for judge in judges:
        rest = np.array([i for i in range(n) if judged[i] and i not in found], int)
        for k, why in judge(rest).items():
            found[int(rest[k])] = why
    return [BadFrame(i, found[i]) for i in sorted(found) if judged[i]]


def displacements(
    images: Sequence[np.ndarray] | np.ndarray | Glances, order: np.ndarray
) -> np.ndarray:
    """Return how far each image is displaced from the one before it, roughly.

    Parameters
    ----------
    images
        (n, ny, nx) of any real type, a list of images, or what a look at each of them left:
        its small copies.
    order
        Indices of the images to compare, m of them, such as those in the order of tilt.

    Returns
    -------
    numpy.ndarray
        float64 (m - 1, 2), (y, x) in px of the peak of the correlation of small copies; up to
        half of the image.
    """
    if len(order) < 2:
        return np.zeros((0, 2))
    shape = images[0].shape
    factor = min(max(1, -(-max(shape) // COARSE)), *shape)
    small = np.nan_to_num([bin_mean(images[i], factor) for i in order])
    small -= small.mean(axis=(1, 2), keepdims=True)
    spectra = fft.rfft2(small)
    moves = []
    for a, b in itertools.pairwise(spectra):
        peak = fft.irfft2(b * a.conj(), s=small.shape[1:])
        place = np.unravel_index(int(np.argmax(peak)), peak.shape)
        moves.append([k - m if k > m // 2 else k for k, m in zip(place, peak.shape, strict=True)])
    return np.array(moves, float) * factor


def _empty(look: Glances, small: np.ndarray) -> dict[int, str]:
    """Return frames without contrast, and those with many missing pixels."""
    if not len(look):
        return {}
    blank = blank_frames(small)
    found = {int(i): "blank: nothing to see" for i in np.flatnonzero(blank)}
    missing = look.dead / max(1, look.images[1] * look.images[2])
    for i in np.flatnonzero(missing > MISSING):
        found[int(i)] = f"empty: {100 * missing[i]:.0f} % of its pixels have no value"
    return found


def _uneven(frames: list[np.ndarray], tilts: np.ndarray, vacuum: float) -> dict[int, str]:
    """Return frames that are dimmer or brighter than their neighbours."""
    bright = brightness(frames, vacuum)
    off = _off(bright, tilts, DIM)
    if len(bright) and np.nanmedian(bright) > 0:
        # Where a film fills the field it is taken for the vacuum, and a dim frame lies below.
        off |= {int(k): -1.0 for k in np.flatnonzero(bright <= 0)}
    return {
        k: f"bright: {100 * change:.0f} % brighter than its neighbours"
        if change > 0
        else "dim: "
        + ("darker than the vacuum" if change == -1 else f"{-100 * change:.0f} % darker")
        + (" of the others" if change == -1 else " than its neighbours")
        for k, change in off.items()
    }


def _hot(middles: list[np.ndarray]) -> dict[int, str]:
    """Return frames with many more spikes than the others, from the middle part of each."""
    part = np.array([find_spikes(m)[0].mean() if _spiky(m) else 0.0 for m in middles])
    usual = float(np.median(part)) if len(part) else 0.0
    return {
        int(k): f"hot: {100 * part[k]:.2g} % of its pixels stand out; despike repairs them"
        for k in np.flatnonzero(part > max(HOT, 5 * usual))
    }


def _spiky(image: np.ndarray) -> bool:
    """Tell quickly whether an image may have spikes: too many pixels top their neighbours."""
    pixels = np.nan_to_num(np.asarray(image, np.float32))
    if min(pixels.shape) < 3:
        return False
    middle = pixels[1:-1, 1:-1]
    beside = [pixels[:-2, 1:-1], pixels[2:, 1:-1], pixels[1:-1, :-2], pixels[1:-1, 2:]]
    noise = np.percentile(np.abs(middle - sum(beside) / 4), QUANTILE) / QUANTILE_SIGMAS
    excess = middle - np.maximum.reduce(beside)
    return bool(np.count_nonzero(excess > 4 * noise) > HOT / 2 * excess.size)


def _blurred(frames: list[np.ndarray], tilts: np.ndarray) -> dict[int, str]:
    """Return frames that show less detail than their neighbours."""
    detail = np.array([_detail(frame) for frame in frames])
    off = _off(detail, tilts, DULL)
    return {
        k: f"blurred: {-100 * change:.0f} % less detail than its neighbours"
        for k, change in off.items()
        if change < 0
    }


def _jumped(frames: list[np.ndarray], tilts: np.ndarray, pixel: int) -> dict[int, str]:
    """Return frames far from both neighbours, which are close to each other."""
    if len(frames) < 4:
        return {}
    order = np.argsort(tilts, kind="stable")
    moves = displacements(frames, order)
    usual = float(np.median(np.hypot(*moves.T)))
    far = max(FAR * min(frames[0].shape), SIGMAS * usual)
    found = {}
    for k in range(1, len(order) - 1):
        there, back = moves[k - 1], moves[k]
        least = min(np.hypot(*there), np.hypot(*back))
        if least > far and np.hypot(*(there + back)) < least / 2:
            found[int(order[k])] = f"jumped: {least * pixel:.0f} px away from the frames beside it"
    return found


def _detail(image: np.ndarray) -> float:
    """Return the part of an image's contrast that is fine detail, noise aside; NaN if none."""
    pixels = np.nan_to_num(image.astype(np.float64))
    ny, nx = (m - m % 2 for m in pixels.shape)
    if min(ny, nx) < 16:
        return float("nan")
    quads = pixels[:ny, :nx].reshape(ny // 2, 2, nx // 2, 2)
    # Alternate pixels of a checkerboard have the same centre and noise of their own.
    a = 0.5 * (quads[:, 0, :, 0] + quads[:, 1, :, 1])
    b = 0.5 * (quads[:, 0, :, 1] + quads[:, 1, :, 0])
    fine = [p - ndimage.gaussian_filter(p, 2) for p in (a, b)]
    contrast = float(np.mean((a - a.mean()) * (b - b.mean())))
    return float(np.mean(fine[0] * fine[1])) / contrast if contrast > 0 else float("nan")


def _off(values: np.ndarray, tilts: np.ndarray, least: float) -> dict[int, float]:
    """Return which values leave the line through their neighbours, and by what part of it."""
    good = np.flatnonzero(np.isfinite(values) & (values > 0))
    if len(good) < 4:
        return {}
    logs = np.log(values[good])
    off = logs - robust_line(logs, tilts[good], NEIGHBOURS)
    spread = 1.4826 * float(np.median(np.abs(off - np.median(off))))
    far = np.abs(off) > np.maximum(SIGMAS * spread, np.where(off < 0, -np.log1p(-least), least))
    return {int(good[k]): float(np.expm1(off[k])) for k in np.flatnonzero(far)}
