"""From an array to the pixels that a screen shows: area means, 16 bit codes, percentiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tomojupyter.errors import DataError

NO_VALUE = 65535
"""Code of a pixel without a finite value; the codes 0 to 65534 are values."""
NO_VALUE_8 = 255
"""The same of 8 bit codes."""

COLOUR_MAPS = ("gray", "viridis", "inferno", "cividis", "berlin")
"""Maps that a picture offers; no jet. `berlin` has a dark centre, for differences."""


@dataclass(frozen=True)
class Codes:
    """A picture as 16 bit codes: ``value = offset + code * scale``, NO_VALUE for no value."""

    codes: np.ndarray
    offset: float
    scale: float
    whole: bool
    """True where the values are whole numbers and the codes give them back exactly."""


def as_picture(array: object) -> np.ndarray:
    """Return an array that can be shown: 2D, or 2D with three colours, real.

    Parameters
    ----------
    array
        Shape (ny, nx) of booleans, integers or floats, or (ny, nx, 3) of uint8 (red, green, blue).

    Returns
    -------
    numpy.ndarray
        The same values; booleans as uint8.

    Raises
    ------
    DataError
        Another number of dimensions, or complex or text values.
    """
    picture = np.asarray(array)
    colour = picture.ndim == 3 and picture.shape[-1] == 3 and picture.dtype == np.uint8
    if picture.ndim != 2 and not colour:
        raise DataError(
            f"a picture has 2 dimensions, or 3 with uint8 red, green, blue; got shape "
            f"{picture.shape} of {picture.dtype}: choose one slice"
        )
    if picture.dtype == bool:
        return picture.astype(np.uint8)
    if picture.dtype.kind not in "iuf":
        raise DataError(f"a picture shows real numbers; got {picture.dtype}: take abs() or .real")
    return picture


def binning(length: int, screen: int, limit: int = 1024) -> int:
    """Return how many pixels to average along each side.

    Parameters
    ----------
    length
        Longest side in px.
    screen
        Longest side of the place on the screen, px; 0 where it is not known yet.
    limit
        Never more px than this are sent.

    Returns
    -------
    int
        At least 1: never coarser than the screen, never finer than the limit.
    """
    needed = -(-length // limit)
    return max(1, needed, length // screen if screen else 1)


def area_mean(array: np.ndarray, factor: int) -> np.ndarray:
    """Return the mean over squares of pixels; pixels without a finite value have weight 0.

    Parameters
    ----------
    array
        Shape (ny, nx) or (ny, nx, 3).
    factor
        Side of the squares in px; those at the far edges may be cut off.

    Returns
    -------
    numpy.ndarray
        Shape (ceil(ny / factor), ceil(nx / factor), ...), float32; NaN where a square has no
        finite pixel. The input itself where factor is 1.
    """
    if factor == 1:
        return array
    with np.errstate(invalid="ignore", over="ignore"):  # of infinities, seen in the next line
        total = _block_sum(array, factor)
    if np.isfinite(total).all():  # the usual case, several times as fast
        return total / _block_count(array.shape, factor)
    valid = np.isfinite(array)
    total = _block_sum(np.where(valid, array, 0), factor)
    count = _block_sum(valid, factor)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _block_sum(array: np.ndarray, factor: int) -> np.ndarray:
    """Sum over squares, rows first: whole rows are added, which is what a processor does best."""
    ny, nx = array.shape[:2]
    rows = np.zeros((-(-ny // factor), nx, *array.shape[2:]), np.float32)
    for k in range(factor):
        part = array[k::factor]
        rows[: len(part)] += part
    total = np.zeros((rows.shape[0], -(-nx // factor), *array.shape[2:]), np.float32)
    for k in range(factor):
        part = rows[:, k::factor]
        total[:, : part.shape[1]] += part
    return total


def _block_count(shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return how many pixels each square has; those at the far edges may have fewer."""
    down, across = (np.diff(np.r_[0:n:factor, n]).astype(np.float32) for n in shape[:2])
    return (down[:, None] * across).reshape(len(down), len(across), *(1,) * (len(shape) - 2))


def percentiles(array: np.ndarray, low: float = 0.5, high: float = 99.5) -> tuple[float, float]:
    """Return contrast limits that ignore NaN, infinities and a few extreme pixels.

    Parameters
    ----------
    array
        Any shape. At most about 65,000 pixels, evenly spread, are looked at.
    low, high
        Percentiles, 0 to 100.

    Returns
    -------
    tuple of float
        Limits with ``lo < hi``. Where the percentiles coincide, the smallest and largest value;
        for constant data half a unit about it; (0, 1) where nothing is finite.
    """
    step = max(1, int(np.sqrt(array.size / 65536)))
    some = array[::step, ::step] if array.ndim >= 2 else array
    values = some[np.isfinite(some)].astype(np.float64, copy=False)
    if not values.size:
        values = array[np.isfinite(array)].astype(np.float64, copy=False)
    if not values.size:
        return 0.0, 1.0
    lo, hi = (float(v) for v in np.percentile(values, (low, high)))
    if not lo < hi:
        lo, hi = _extremes(array)
    if not lo < hi:
        half = 0.5 * max(1.0, abs(lo) * 1e-6)
        return lo - half, lo + half
    return lo, hi


def _extremes(array: np.ndarray) -> tuple[float, float]:
    lo, hi = float(array.min()), float(array.max())
    if not np.isfinite(lo + hi):
        finite = array[np.isfinite(array)]
        lo, hi = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return lo, hi


def encode(array: np.ndarray, auto: tuple[float, float]) -> Codes:
    """Write a picture as 16 bit codes.

    Parameters
    ----------
    array
        Shape (ny, nx), real.
    auto
        Contrast limits of `percentiles`. Values further away than 50 times their distance are
        clipped, so that one hot pixel does not take the grey levels of all others.

    Returns
    -------
    Codes
        Integers that span less than 65,535 keep a scale of 1: exact to the last count.
    """
    if not array.size:
        return Codes(np.zeros(array.shape, "<u2"), 0.0, 1.0, whole=False)
    lo, hi = _extremes(array)
    whole = array.dtype.kind in "iu"
    if whole and hi - lo < NO_VALUE:
        # Wrapping around cancels out: the difference fits, whatever the type of the values.
        steps = array.astype("<u2") - array.min().astype("<u2")
        return Codes(steps, lo, 1.0, whole=True)
    reach = 50 * (auto[1] - auto[0])
    lo, hi = max(lo, auto[0] - reach), min(hi, auto[1] + reach)
    kind = np.float64 if array.dtype.itemsize > 4 or whole else np.float32
    scale = (hi - lo) / (NO_VALUE - 1)
    if not scale > float(np.finfo(kind).tiny):  # its inverse would be infinite
        scale = 1.0
    valid = np.isfinite(array)
    steps = np.where(valid, array, lo).astype(kind)
    steps -= kind(lo)
    steps *= kind(1 / scale)
    np.rint(steps, out=steps)
    np.clip(steps, 0, NO_VALUE - 1, out=steps)
    return Codes(np.where(valid, steps, NO_VALUE).astype("<u2"), lo, scale, whole=False)


def encode_quickly(array: np.ndarray, lo: float, hi: float) -> Codes:
    """Write a picture as 8 bit codes: 255 values from lo to hi, beyond which it is clipped.

    Parameters
    ----------
    array
        Shape (ny, nx), real.
    lo, hi
        Contrast limits, lo < hi.

    Returns
    -------
    Codes
        uint8; 255 stands for a pixel without a finite value.
    """
    steps = array.astype(np.float32)
    steps -= np.float32(lo)
    steps *= np.float32((NO_VALUE_8 - 1) / (hi - lo))
    np.rint(steps, out=steps)
    np.clip(steps, 0, NO_VALUE_8 - 1, out=steps)
    if array.dtype.kind == "f":
        steps[~np.isfinite(array)] = NO_VALUE_8
    return Codes(steps.astype(np.uint8), lo, (hi - lo) / (NO_VALUE_8 - 1), whole=False)


def colour_table(name: str) -> bytes:
    """Return a colour map as 256 x 3 bytes.

    Parameters
    ----------
    name
        One of matplotlib's maps, such as those in COLOUR_MAPS.

    Returns
    -------
    bytes
        Red, green, blue of 256 entries, dark end first.

    Raises
    ------
    DataError
        A name that matplotlib does not know.
    """
    ramp = np.linspace(0, 1, 256)
    if name == "gray":
        return np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()
    from matplotlib import colormaps

    if name not in colormaps:
        raise DataError(f"no colour map {name!r}: choose one of {', '.join(COLOUR_MAPS)}")
    return np.rint(255 * colormaps[name](ramp)[:, :3]).astype(np.uint8).tobytes()
