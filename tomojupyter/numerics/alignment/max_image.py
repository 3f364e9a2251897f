"""The direction of the tilt axis from the maximum-intensity image.

While the specimen turns, every feature of it moves across the axis. In the maximum over all
projections it leaves a streak in that direction. The direction of the streaks is then refined by
the series that made them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.numerics.alignment.axis_refinement import refined_angle
from tomojupyter.numerics.alignment.mass import masses
from tomojupyter.numerics.images.filters import bin_mean

FINE = 192  # px; images twice as large are binned
SMOOTH = 1.0  # px, of the deviation from the mean
DETAIL = 1.5, 3.0  # px, of the difference of Gaussians that shows details
BANDWIDTH = 1.5  # degrees, of the density of directions
SHARE = 0.8  # of the density of directions, against the sharpness of profiles
UNEVEN = 0.15  # relative brightness, against the neighbours in tilt, that is a fault
TILES = 3  # the image is divided into 3 x 3 for the standard error
MAX_SIGMA = 4.0  # degrees
ALIKE = 0.2  # correlation of neighbours that images of one specimen exceed by far
RIM = 8  # px at edges and gaps that are not looked at


@dataclass(frozen=True)
class MaxImageFit:
    """What the maximum-intensity image tells.

    Parameters
    ----------
    angle_deg
        Rotate the images by this to bring the axis along x; positive turns +x towards +y.
    angle_sigma_deg
        Standard error.
    image
        float32 (ny, nx), the maximum over the projections, vacuum at 0.
    rule
        What the angle rests on in the end: ``"mass"``, ``"paths"``, or ``"streaks"`` where the
        series told no more than its maximum.
    streaks_deg
        The angle by the streaks alone.
    """

    angle_deg: float
    angle_sigma_deg: float
    image: np.ndarray
    rule: str = "streaks"
    streaks_deg: float = 0.0


def max_image_axis(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    limit: float = 10.0,
    delta: float = 0.1,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    refine: bool = True,
) -> MaxImageFit:
    """Find the direction of the axis from streaks in the maximum-intensity image.

    Parameters
    ----------
    images
        (n, ny, nx), registered, any real dtype. Not modified.
    tilts_deg
        (n,) degrees, any order.
    limit
        Largest angle that is tried, in degrees.
    delta
        Distance of the angles that are tried, in degrees; a parabola gives what is between.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.
    refine
        Go on from the direction of the streaks to what the whole series tells.

    Raises
    ------
    AlignmentRefused
        If fewer than three projections have contrast or neighbours have nothing in common, no
        direction stands out within `limit`, or its standard error is above 4 degrees.
    ParameterError
        If `limit` and `delta` leave fewer than five angles.

    Notes
    -----
    Two measures are multiplied, the second to the power of 0.8. Along the streaks, sums over
    the image have the sharpest profile: the squares of the profile's slope are summed, on the
    (second) largest deviation of any projection from the mean, in which the specimen's own
    still outlines have no part. And the edges of the streaks are parallel to each other: the
    density of directions of the gradient is taken, on the maximum over projections of a
    difference of Gaussians, which shows details. The standard error is a jackknife over nine
    parts of the image; what all parts have in common is not in it. Interfaces of the specimen
    that are turned against the axis look like streaks, so this alone is worth a degree or two
    on a layered needle.

    From there the angle is refined. Where the specimen is seen whole between the upper and the
    lower edge, it is the one at which every column keeps its mass. Where it is not, the details
    that made the streaks are followed from tilt to tilt, and their paths are square to the axis.
    The standard error is then a jackknife over parts of the image or over details. The direction
    of the streaks stays where neither tells the angle to half a degree.
    """
    angles = np.arange(-limit, limit + delta / 2, delta)
    if not delta > 0 or len(angles) < 5:
        raise ParameterError(
            f"limit and delta must leave at least 5 angles to try, got {limit:g} and {delta:g}"
        )
    found = masses(np.asarray(images), np.asarray(tilts_deg, float).ravel(), mask=mask,
                   vacuum=vacuum)  # fmt: skip
    stack = found.images * _evenness(found.images)[:, None, None]
    window = _window(np.asarray(found.covered.all(axis=0)))
    factor = max(1, min(stack.shape[1:]) // FINE)
    small = bin_mean(stack, factor) if factor > 1 else stack
    weight = bin_mean(window, factor) if factor > 1 else window
    _refuse_unrelated(small, weight)
    streaks, sigma = _streaks(small, weight, angles)
    if abs(streaks) > limit - 1.5 * delta:
        raise AlignmentRefused(
            f"no direction stands out within ±{limit:g}°: the maximum-intensity image has no "
            "streaks, or the axis is turned further; raise the limit, or use another method"
        )
    image = found.images.max(axis=0)
    better = None
    if refine:
        seen = bin_mean(found.covered.astype(np.float32), factor) > 0.999
        known = np.where(seen, small, np.nan)
        better = refined_angle(known, found.tilts_deg, found.film, -streaks)
    if better is not None and abs(better.angle_deg) <= limit:
        return MaxImageFit(better.angle_deg, better.sigma_deg, image, better.rule, -streaks)
    if not sigma <= MAX_SIGMA:
        raise AlignmentRefused(
            f"parts of the maximum-intensity image disagree on the direction of the axis "
            f"(standard error {sigma:.1f}°, allowed is {MAX_SIGMA}°); register the images "
            "better, or use another method"
        )
    return MaxImageFit(-streaks, sigma, image, streaks_deg=-streaks)


def _streaks(images: np.ndarray, weight: np.ndarray, angles: np.ndarray) -> tuple[float, float]:
    """Return the direction of the streaks in degrees, and its standard error."""
    profiles = _profiles(_deviation(images), weight, angles)
    density = _directions(_details(images), weight, angles)
    n = len(density)
    curves = [_curve(profiles.sum(axis=0), density.sum(axis=0), angles)]
    for k in range(n):
        kept = np.arange(n) != k
        curves.append(_curve(profiles[kept].sum(axis=0), density[kept].sum(axis=0), angles))
    best = np.array([_peak(angles, curve) for curve in curves])
    rest = best[1:]
    return float(best[0]), float(np.sqrt((n - 1) / n * np.sum((rest - rest.mean()) ** 2)))


def _refuse_unrelated(images: np.ndarray, window: np.ndarray) -> None:
    """Refuse images whose neighbours in tilt show nothing in common, such as noise."""
    total = max(float(window.sum()), 1e-12)
    before, found = np.zeros_like(window, np.float64), []
    for image in images:
        smooth = ndimage.gaussian_filter(image, DETAIL[0]).astype(np.float64)
        flat = smooth - (smooth * window).sum() / total
        both, squares = (
            (flat * before * window).sum(),
            [(f**2 * window).sum() for f in (flat, before)],
        )
        found.append(both / np.sqrt(max(squares[0] * squares[1], 1e-30)))
        before = flat
    alike = float(np.median(found[1:]))
    if not alike > ALIKE:
        raise AlignmentRefused(
            f"neighbouring projections have nothing in common (correlation {alike:.2f}, needed "
            f"is {ALIKE}); register the images first, or use the manual alignment"
        )


def _evenness(images: np.ndarray) -> np.ndarray:
    """Return factors (k,) that give a dim or bright image the brightness of its neighbours."""
    total = images.sum(axis=(1, 2), dtype=np.float64)
    usual = ndimage.median_filter(total, 7, mode="nearest")
    # Of particles on a film not much is left above the "vacuum" of a dim image: no factor then.
    safe = (usual > 0) & (total > 0.2 * usual) & (total < 5 * usual)
    factor = np.where(safe, usual / np.where(safe, total, 1), 1)
    return np.where(np.abs(np.log(factor)) > UNEVEN, factor, 1).astype(np.float32)


def _window(covered: np.ndarray) -> np.ndarray:
    """Return 1 inside a circle, and away from what no image covers, falling softly to 0."""
    ny, nx = covered.shape
    rim = min(RIM, min(ny, nx) / 8)
    distance = ndimage.distance_transform_edt(np.pad(covered, 1))[1:-1, 1:-1]
    rows, columns = np.ogrid[:ny, :nx]
    radius = min(ny, nx) / 2 - 2
    from_middle = np.hypot(rows - (ny - 1) / 2, columns - (nx - 1) / 2)
    inside = np.clip((radius - from_middle) / (0.2 * radius), 0, 1)
    return np.asarray(inside * np.clip((distance - 1) / rim, 0, 1), np.float32)


def _deviation(images: np.ndarray) -> np.ndarray:
    """Return the second largest deviation from the mean, which one bad image cannot make."""
    smooth = ndimage.gaussian_filter(images, (0, SMOOTH, SMOOTH))
    off = np.abs(smooth - smooth.mean(axis=0))
    return np.asarray(np.partition(off, -2, axis=0)[-2])


def _details(images: np.ndarray) -> np.ndarray:
    """Return the largest difference of Gaussians."""
    fine, coarse = (ndimage.gaussian_filter(images, (0, s, s)) for s in DETAIL)
    return np.asarray((fine - coarse).max(axis=0))


def _tiles(shape: tuple[int, int]) -> np.ndarray:
    """Return the number (ny, nx) of the part of the image that each pixel belongs to."""
    rows, columns = (np.arange(n) * TILES // n for n in shape)
    return np.asarray(rows[:, None] * TILES + columns)


def _profiles(image: np.ndarray, window: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return sums across the axis (9, len(angles), bins), for each part of the image."""
    ny, nx = image.shape
    flat = ((image - np.average(image, weights=window + 1e-9)) * window).ravel()
    rows, columns = np.mgrid[:ny, :nx]
    y, x = (rows - (ny - 1) / 2).ravel(), (columns - (nx - 1) / 2).ravel()
    radius = int(np.ceil(np.hypot(ny, nx) / 2)) + 2
    bins = 2 * radius + 2
    part = _tiles(image.shape).ravel() * bins
    out = np.empty((TILES**2, len(angles), bins))
    for k, angle in enumerate(np.deg2rad(angles)):
        place = x * np.cos(angle) + y * np.sin(angle) + radius
        low = place.astype(int)
        share = flat * (place - low)
        size = TILES**2 * bins
        total = np.bincount(part + low, flat - share, size)
        total += np.bincount(part + low + 1, share, size)
        out[:, k] = total.reshape(TILES**2, bins)
    return out


def _directions(image: np.ndarray, window: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return the density (9, len(angles)) of directions of the gradient, by its magnitude."""
    along, across = (
        ndimage.gaussian_filter(image, DETAIL[0], order=order) for order in ((0, 1), (1, 0))
    )
    direction = np.rad2deg(np.arctan2(across, along))
    direction = (direction + 90) % 180 - 90
    weight = np.hypot(along, across) * window
    step = angles[1] - angles[0]
    extra = int(np.ceil(4 * BANDWIDTH / step))
    edges = angles[0] + (np.arange(-extra, len(angles) + extra + 1) - 0.5) * step
    tiles = _tiles(image.shape)
    out = np.empty((TILES**2, len(angles)))
    for k in range(TILES**2):
        mine = tiles == k
        count = np.histogram(direction[mine], edges, weights=weight[mine])[0]
        dense = ndimage.gaussian_filter1d(count.astype(float), BANDWIDTH / step)
        out[k] = dense[extra : extra + len(angles)]
    return out


def _curve(profiles: np.ndarray, density: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return the logarithm of both measures' product for each angle."""
    smooth = ndimage.gaussian_filter1d(profiles, SMOOTH, axis=1)
    sharp = (np.diff(smooth, axis=1) ** 2).sum(axis=1)
    product = np.log(np.maximum(sharp, 1e-300)) + SHARE * np.log(np.maximum(density, 1e-300))
    return ndimage.gaussian_filter1d(product, 0.2 / (angles[1] - angles[0]), mode="nearest")


def _peak(angles: np.ndarray, curve: np.ndarray) -> float:
    """Return the angle of the maximum, by a parabola through the best three."""
    best = int(np.argmax(curve))
    if not 0 < best < len(angles) - 1:
        return float(angles[best])
    left, middle, right = curve[best - 1 : best + 2]
    bend = left - 2 * middle + right
    step = angles[1] - angles[0]
    return float(angles[best] + (0.5 * (left - right) / bend * step if bend < 0 else 0))
