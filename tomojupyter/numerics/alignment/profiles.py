"""Shifts between one-dimensional profiles: correlation, then least squares on the overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SMOOTH = 1.0  # px, Gaussian that all profiles get before least squares
STEPS = 20  # of the least squares; 4 are usual
OVERLAP = 0.35  # of the columns that must be common at least
WALK = 8  # lines on whose mean the next one is laid at first
RAMP = 4.0  # px over which columns at the edges gain weight


@dataclass(frozen=True)
class Lines:
    """Profiles (k, nx) and the weights (k, nx) of their columns, 0 to 1."""

    values: np.ndarray
    weights: np.ndarray


def made_lines(values: np.ndarray, known: np.ndarray) -> Lines:
    """Return smoothed profiles whose columns weigh less towards edges and gaps."""
    nx = values.shape[1]
    good = known > 0.5
    padded = np.pad(good, ((0, 0), (1, 1)))
    distance = np.array([ndimage.distance_transform_edt(row)[1:-1] for row in padded])
    ramp = np.clip((distance - 1) / min(RAMP, max(nx / 8, 1)), 0, 1)
    weight = np.where(good, ramp, 0)
    share = np.where(good, values, 0)
    blurred = ndimage.gaussian_filter1d(share, SMOOTH, axis=1, mode="nearest")
    norm = ndimage.gaussian_filter1d(good.astype(float), SMOOTH, axis=1, mode="nearest")
    return Lines(np.where(good, blurred / np.maximum(norm, 1e-6), 0), weight)


def moved(lines: Lines, shifts: np.ndarray) -> Lines:
    """Return lines moved by (k,) px towards larger x; weight 0 beyond their ends."""
    nx = lines.values.shape[1]
    x = np.arange(nx)
    values, weights = np.empty_like(lines.values), np.empty_like(lines.weights)
    for i, shift in enumerate(shifts):
        values[i] = ndimage.shift(lines.values[i], shift, order=3, mode="nearest")
        weights[i] = ndimage.shift(lines.weights[i], shift, order=1, mode="constant", cval=0)
        weights[i] *= np.clip(np.minimum(x - shift, nx - 1 - x + shift) + 0.5, 0, 1)
    return Lines(values, weights)


def coarse_shift(
    line: np.ndarray, weight: np.ndarray, mean: np.ndarray, known: np.ndarray, reach: float
) -> float:
    """Return the whole-pixel shift of `line` that fits `mean` best, within `reach` px.

    The measure is the part of the variance on the overlap that a free gain and offset leave,
    raised for a small overlap, which fits by chance.
    """
    nx = len(line)
    limit = int(min(reach, (1 - OVERLAP) * nx))
    best, at = np.inf, 0
    total = max(float((known * weight).sum()), 1e-12)
    for shift in range(-limit, limit + 1):
        target = slice(max(0, shift), nx + min(0, shift))
        source = slice(max(0, -shift), nx + min(0, -shift))
        w = known[target] * weight[source]
        common = float(w.sum())
        if common <= OVERLAP * total:
            continue
        a, b = line[source], mean[target]
        da, db = a - (w @ a) / common, b - (w @ b) / common
        aa, ab, bb = w @ (da * da), w @ (da * db), w @ (db * db)
        if aa <= 0 or bb <= 0 or ab <= 0:
            continue
        left = (1 - ab * ab / (aa * bb)) * total / common
        if left < best - 1e-12 or (abs(left - best) <= 1e-12 and abs(shift) < abs(at)):
            best, at = left, shift
    return float(at)


def fine_shift(
    line: np.ndarray, weight: np.ndarray, mean: np.ndarray, known: np.ndarray, start: float
) -> tuple[float, float]:
    """Return the shift of `line` that fits `mean` best near `start`, and its standard error.

    Gauss-Newton steps for the shift, a gain and an offset, on the columns that both have.
    """
    nx = len(line)
    x = np.arange(nx)
    spline = ndimage.spline_filter1d(line, 3, mode="nearest")
    shift, sigma = start, np.inf
    for _ in range(STEPS):
        now = ndimage.shift(spline, shift, order=3, mode="nearest", prefilter=False)
        w = known * ndimage.shift(weight, shift, order=1, mode="constant", cval=0)
        w = w * np.clip(np.minimum(x - shift, nx - 1 - x + shift), 0, 1)
        columns = np.stack([np.gradient(0.5 * (now + mean)), now, np.ones(nx)])
        matrix = (columns * w) @ columns.T
        scale = np.sqrt(np.diag(matrix))
        if not (scale > 0).all() or np.linalg.cond(matrix / np.outer(scale, scale)) > 1e10:
            return start, np.inf
        inverse = np.linalg.inv(matrix / np.outer(scale, scale)) / np.outer(scale, scale)
        slope, gain, offset = inverse @ ((columns * w) @ mean)
        if not gain > 0.05:
            return start, np.inf
        step = float(np.clip(-slope / gain, -2, 2))
        left = mean - slope * columns[0] - gain * now - offset
        freedom = max(float(w.sum()) - 3, 1.0)
        sigma = float(np.sqrt((w * left**2).sum() / freedom * max(inverse[0, 0], 0)) / gain)
        shift += step
        if abs(shift - start) > 8:
            return start, np.inf
        if abs(step) < 1e-4:
            break
    return shift, sigma


def correlation(
    line: np.ndarray, weight: np.ndarray, mean: np.ndarray, known: np.ndarray, shift: float
) -> float:
    """Return the weighted correlation of a line after its shift with the mean, 0 if undefined."""
    now = ndimage.shift(line, shift, order=3, mode="nearest")
    w = known * ndimage.shift(weight, shift, order=1, mode="constant", cval=0)
    total = float(w.sum())
    if not total > 0:
        return 0.0
    a, b = now - (w @ now) / total, mean - (w @ mean) / total
    norm = float((w @ a**2) * (w @ b**2))
    return float(w @ (a * b) / np.sqrt(norm)) if norm > 0 else 0.0


def mean_line(lines: Lines, shifts: np.ndarray, trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of lines after their shifts, (nx,), and its weight, 0 to 1.

    Each line is scaled to the brightness that most have first; `trust` (k,) weighs lines.
    """
    used = trust > 0
    now = moved(Lines(lines.values[used], lines.weights[used]), shifts[used])
    trust = trust[used]
    w = now.weights * trust[:, None]
    common = w.sum(axis=0)
    start = (w * now.values).sum(axis=0) / np.maximum(common, 1e-9)
    scaled = np.empty_like(now.values)
    for i, (line, weight) in enumerate(zip(now.values, now.weights, strict=True)):
        square = weight @ line**2
        gain = weight @ (line * start) / square if square > 0 else 1.0
        scaled[i] = line * (gain if gain > 0 else 1.0)
    mean = (w * scaled).sum(axis=0) / np.maximum(common, 1e-9)
    known = np.clip(common / max(float(trust.sum()), 1e-9), 0, 1)
    return mean, np.where(known > 0.2, known, 0)


def align_lines(
    lines: Lines,
    anchor: int,
    reach: float | np.ndarray,
    *,
    near: int | None = None,
    rounds: int = 4,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shifts that bring all lines onto their common mean.

    Parameters
    ----------
    lines
        (k, nx), of the images in the order of their tilts.
    anchor
        Index of the line that stays where it is.
    reach
        px, the largest shift between neighbours that is looked for; one for all, or (k,).
    near
        The mean is that of so many neighbours on either side, for lines that change with tilt.
        None: of all.
    rounds
        How often the mean is taken anew.

    Returns
    -------
    tuple of numpy.ndarray
        (k,) shifts in px to apply, their standard errors (infinite where a line has nothing
        to go by), and the correlation of each line with the mean.

    Notes
    -----
    The first shifts come from a walk outward from `anchor`: each line is laid on the mean of
    those before it, so a single bad line spoils no other.
    """
    k = len(lines.values)
    index = np.arange(k)
    shifts = np.zeros(k)
    far = np.broadcast_to(np.asarray(reach, float), (k,))
    done = [anchor]
    # Lines that change with tilt are like their nearest neighbours only.
    walk = WALK if near is None else near + 1
    for i in np.argsort(np.abs(index - anchor), kind="stable")[1:]:
        part = np.array(sorted(done, key=lambda j: abs(j - i))[:walk])
        mean, known = mean_line(lines, shifts, np.where(np.isin(index, part), 1.0, 0.0))
        guess = coarse_shift(lines.values[i], lines.weights[i], mean, known, far[i])
        shifts[i], _ = fine_shift(lines.values[i], lines.weights[i], mean, known, guess)
        done.append(int(i))
    sigma, likeness, trust = np.full(k, np.inf), np.zeros(k), np.ones(k)
    for _ in range(rounds):
        shifts = shifts - shifts[anchor]
        mean, known = mean_line(lines, shifts, trust)
        now = shifts.copy()
        for i in range(k):
            if near is not None:
                others = (np.abs(index - i) <= near) & (index != i)
                mean, known = mean_line(lines, now, trust * others)
            line, weight = lines.values[i], lines.weights[i]
            shifts[i], sigma[i] = fine_shift(line, weight, mean, known, shifts[i])
            likeness[i] = correlation(line, weight, mean, known, shifts[i])
        finite = sigma[np.isfinite(sigma)]
        typical = np.median(finite) if len(finite) else 1.0
        trust = 1 / (1 + (np.minimum(sigma, 1e6) / (3 * typical + 1e-9)) ** 2)
    return shifts - shifts[anchor], sigma, likeness
