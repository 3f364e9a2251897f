"""Paths of details through a tilt series, followed from tilt to tilt.

Whatever turns about the axis moves across it only. So the direction in which details move is
square to the axis, whatever their height, and however much matter enters and leaves the images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.alignment.moments import Estimate

DETAIL = 1.0, 5.0  # px, of the difference of Gaussians that shows details
STARTS = -35.0, 0.0, 35.0  # degrees, of the projections in which details are looked for
HALF, WIDTH = 9, 4.5  # px: half of the window of a detail, and the sigma of its weights
APART = 6  # px, between details at the start
MOST = 60  # details of each of them
FAINT = 0.02  # of the texture of the clearest detail
STEPS = 4  # of Gauss-Newton, per projection
FARTHEST = 1.5  # px, of one of them
ALIKE = 0.6  # correlation with what the detail looked like before
MEMORY = 0.7  # of what it looked like before, in the average that the next is compared with
LOST = 3  # projections in which a detail is not found again
STEEPEST = 75.0  # degrees
SPAN = 30.0  # degrees over which a path must be known to tell the angle,
WIDE_SPAN = 90.0  # and to tell the offset
FEWEST = 6  # paths
SWEEPS = 30  # of taking means of paths and of projections off in turn
ROUNDS = 6  # of reweighting


def path_angle(images: np.ndarray, tilts_deg: np.ndarray) -> Estimate:
    """Return the small angle in radians by which the axis is turned from x to y.

    Parameters
    ----------
    images
        float32 (n, ny, nx), ascending in tilt, NaN where nothing is known. The axis lies along
        x to a few degrees.
    tilts_deg
        (n,) degrees.

    Returns
    -------
    Estimate
        Angle, its standard error (infinite where fewer than 6 details can be followed over 30
        degrees), and scatter of the details about their paths in px.

    Notes
    -----
    Details are windows of 19 px with structure in two directions, in the projections nearest to
    -35, 0 and 35 degrees. Each is found again in the next tilt by Gauss-Newton on its position and
    brightness, starting from where the turn of a film puts it, in a window that is foreshortened
    with it. The positions (x, y) along all paths are fitted by ``x = a + s - p y``: `a` for each
    path, `s` for each projection (what registration left over), one `p` for all, robustly. The
    standard error is a jackknife over paths, taken as if details that are followed from several
    projections were the same.

    References
    ----------
    B. D. Lucas and T. Kanade, Proc. IJCAI 1981, 674: registration of windows by their gradients.
    """
    paths, tilts, repeats = _paths(images, tilts_deg)
    found = _direction(paths[:, _spans(paths, tilts) >= SPAN])
    return replace(found, sigma=found.sigma * np.sqrt(repeats))


def path_offset(images: np.ndarray, tilts_deg: np.ndarray) -> Estimate:
    """Return how far below the middle row the axis lies, in px.

    Parameters
    ----------
    images, tilts_deg
        As for :func:`path_angle`; the axis lies along x, and the images are registered.

    Returns
    -------
    Estimate
        Offset, its standard error (infinite where fewer than 6 details can be followed over 90
        degrees), and median scatter of the details about their paths in px.

    Notes
    -----
    A detail at (y, z) moves as ``y cos t + z sin t + c``, and `c` is the same for all. Matter
    that enters and leaves has no part in it. It is the mean over details, weighted by how well
    each tells `c` and how little it scatters, and robust against those that changed their looks
    on the way. The standard error is taken as for the angle.
    """
    paths, tilts, repeats = _paths(images, tilts_deg)
    y = paths[:, _spans(paths, tilts) >= WIDE_SPAN, 0] - (images.shape[1] - 1) / 2
    if y.shape[1] < FEWEST:
        return Estimate(0.0, np.inf)
    t = np.deg2rad(tilts)
    told = np.array([_constant(y[:, k], t) for k in range(y.shape[1])])
    value, stiffness, scatter = told.T
    typical = max(float(np.median(scatter)), 1e-6)
    clear = stiffness / (1 + (scatter / typical) ** 2)
    centre = float(np.median(value))
    for _ in range(ROUNDS):
        spread = max(1.4826 * float(np.median(np.abs(value - centre))), 1e-6)
        weights = clear / (1 + ((value - centre) / (2 * spread)) ** 2)
        centre = float((weights * value).sum() / weights.sum())
    variance = float((weights**2 * (value - centre) ** 2).sum()) / float(weights.sum()) ** 2
    return Estimate(centre, float(np.sqrt(variance * repeats)), typical)


def _constant(y: np.ndarray, tilts_rad: np.ndarray) -> tuple[float, float, float]:
    """Return the constant of one path, how well it is told, and the scatter about the path."""
    known = np.isfinite(y)
    t = tilts_rad[known]
    waves = np.stack([np.cos(t), np.sin(t)], axis=1)
    both = np.stack([np.ones_like(t), y[known]], axis=1)
    one, rest = (both - waves @ np.linalg.lstsq(waves, both, rcond=None)[0]).T
    stiffness = max(float(one @ one), 1e-12)
    value = float(one @ rest) / stiffness
    return value, stiffness, float(np.sqrt(np.mean((rest - value * one) ** 2)))


def _paths(images: np.ndarray, tilts_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return paths (n, k, 2) of details, the tilts (n,), and from how many tilts they start."""
    use = np.flatnonzero(np.abs(tilts_deg) <= STEEPEST)
    tilts = np.asarray(tilts_deg, float)[use]
    if len(use) < 3 or min(images.shape[1:]) < 4 * HALF:
        return np.empty((len(use), 0, 2)), tilts, 1
    pictures = _Pictures(images[use], np.cos(np.deg2rad(tilts)))
    starts = sorted({int(np.argmin(np.abs(tilts - s))) for s in STARTS})
    paths = [follow(pictures, i, pictures.details(i)) for i in starts]
    return np.concatenate(paths, axis=1), tilts, len(starts)


def _spans(paths: np.ndarray, tilts: np.ndarray) -> np.ndarray:
    """Return over how many degrees each path is known."""
    known = np.isfinite(paths[..., 0])
    return np.array([np.ptp(tilts[k]) if k.any() else 0.0 for k in known.T])


class _Pictures:
    """The details of the images, as splines."""

    def __init__(self, images: np.ndarray, cosines: np.ndarray) -> None:
        known = np.isfinite(images)
        self.cosines = cosines
        self.shape = images.shape[1:]
        self.inside = np.stack(
            [ndimage.distance_transform_edt(np.pad(k, 1))[1:-1, 1:-1] for k in known]
        )
        self.splines = []
        for image, k in zip(images, known, strict=True):
            level = np.median(image[k]) if k.any() else 0.0
            whole = np.where(k, image, level).astype(np.float32)
            fine, coarse = (ndimage.gaussian_filter(whole, s) for s in DETAIL)
            self.splines.append(ndimage.spline_filter(fine - coarse, 3, output=np.float32))
        v, u = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].astype(float)
        self.v, self.u = v, u
        self.weights = np.exp(-(u**2 + v**2) / (2 * WIDTH**2))
        self.weights /= self.weights.sum()

    def details(self, i: int) -> np.ndarray:
        """Return the places (k, 2) (y, x) with structure in two directions."""
        rows, columns = np.mgrid[: self.shape[0], : self.shape[1]].astype(float)
        gy, gx = np.gradient(self._at(i, rows, columns))
        a, b, c = (ndimage.gaussian_filter(g, WIDTH) for g in (gx * gx, gx * gy, gy * gy))
        texture = (a + c) / 2 - np.sqrt(((a - c) / 2) ** 2 + b**2)  # the lesser eigenvalue
        texture = np.where(self.inside[i] > 0.7 * HALF, texture, 0)
        peak = (texture == ndimage.maximum_filter(texture, 2 * APART + 1)) & (texture > 0)
        places, clear = np.argwhere(peak), texture[peak]
        order = np.argsort(-clear, kind="stable")[:MOST]
        return places[order[clear[order] > FAINT * clear.max(initial=0)]].astype(float)

    def _at(self, i: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return ndimage.map_coordinates(
            self.splines[i], [rows, columns], order=3, prefilter=False, mode="nearest",
            output=np.float32,
        )  # fmt: skip

    def windows(self, i: int, places: np.ndarray, scale: float) -> np.ndarray:
        """Return the windows (k, w, w) about places (k, 2), foreshortened along y by scale."""
        rows = places[:, 0, None, None] + self.v * scale
        columns = places[:, 1, None, None] + self.u
        return self._at(i, *np.broadcast_arrays(rows, columns))

    def covered(self, i: int, places: np.ndarray) -> np.ndarray:
        """Tell which places (k, 2) have their window in the known part of an image."""
        nearest = np.round(places).astype(int)
        limits = np.array(self.shape)
        within = ((nearest >= 0) & (nearest < limits)).all(axis=1)
        y, x = np.clip(nearest, 0, limits - 1).T
        return within & (self.inside[i, y, x] > 0.7 * HALF)


def follow(pictures: _Pictures, start: int, places: np.ndarray) -> np.ndarray:
    """Return the paths (n, k, 2) of places (k, 2) in one projection; NaN where they are lost."""
    n, k = len(pictures.splines), len(places)
    c, middle = pictures.cosines, (pictures.shape[0] - 1) / 2
    paths = np.full((n, k, 2), np.nan)
    paths[start] = places
    if not k:
        return paths
    first = pictures.windows(start, places, 1.0)
    for course in (range(start + 1, n), range(start - 1, -1, -1)):
        before, last, looks = places, start, first
        missed = np.zeros(k, int)
        for i in course:
            scale = c[i] / c[start]
            guess = before.copy()
            guess[:, 0] = middle + (before[:, 0] - middle) * c[i] / c[last]
            found, shown, alike = _match(pictures, i, guess, scale, looks)
            good = (alike > ALIKE) & pictures.covered(i, found) & (missed < LOST)
            missed = np.where(good, 0, missed + 1)
            paths[i, good] = found[good]
            mixed = MEMORY * looks + (1 - MEMORY) * shown
            looks = np.where(good[:, None, None], mixed, looks)
            before, last = np.where(good[:, None], found, guess), i
            if (missed >= LOST).all():
                break
    return paths


def _match(
    pictures: _Pictures, i: int, guess: np.ndarray, scale: float, looks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where windows (k, w, w) are in an image, what is there, and the correlation."""
    places, k = guess.copy(), len(guess)
    w = pictures.weights.ravel()[None, :, None]
    for _ in range(STEPS):
        shown = pictures.windows(i, places, scale)
        gy, gx = np.gradient(shown, axis=(1, 2))
        parts = np.stack([gy, gx, looks, np.ones_like(shown)], axis=-1).reshape(k, -1, 4)
        square = np.einsum("kpa,kpb->kab", parts * w, parts).astype(float)
        right = np.einsum("kpa,kp->ka", parts * w, (looks - shown).reshape(k, -1)).astype(float)
        ridge = 1e-6 * np.trace(square, axis1=1, axis2=2)[:, None, None] / 4 + 1e-30
        move = np.linalg.solve(square + ridge * np.eye(4), right[..., None])[:, :2, 0]
        places = places + np.clip(move, -FARTHEST, FARTHEST) * [scale, 1.0]
    shown = pictures.windows(i, places, scale)
    mean = lambda a: (a * pictures.weights).sum(axis=(1, 2))  # noqa: E731  three uses below
    a, b = (p - mean(p)[:, None, None] for p in (shown, looks))
    return places, shown, mean(a * b) / np.sqrt(np.maximum(mean(a * a) * mean(b * b), 1e-30))


@dataclass
class _Fit:
    """One weighted fit of all paths."""

    slope: float
    left: np.ndarray


def _direction(paths: np.ndarray) -> Estimate:
    """Return the turn of the axis from paths (n, k, 2), its standard error and the scatter."""
    count = paths.shape[1]
    if count < FEWEST:
        return Estimate(0.0, np.inf)
    known = np.isfinite(paths[..., 0])
    weights = known.astype(float)
    for _ in range(ROUNDS):
        fit = _fitted(paths, weights)
        each = np.sqrt((known * fit.left**2).sum(axis=0) / known.sum(axis=0))
        scatter = max(1.4826 * float(np.median(np.abs(fit.left[known]))), 1e-6)
        single = 1 / (1 + (fit.left / (3 * scatter)) ** 2)
        weights = known * single / (1 + (each / (1.5 * np.median(each) + 1e-6)) ** 4)
    fit = _fitted(paths, weights)
    rest = np.array([_fitted(paths, weights * (np.arange(count) != k)).slope for k in range(count)])
    sigma = float(np.sqrt((count - 1) / count * np.sum((rest - rest.mean()) ** 2)))
    return Estimate(-fit.slope, sigma, scatter)


def _fitted(paths: np.ndarray, weights: np.ndarray) -> _Fit:
    """Fit x = a + s + slope y, `a` free for each path and `s` for each projection."""
    by_path = np.maximum(weights.sum(axis=0), 1e-12)
    by_image = np.maximum(weights.sum(axis=1), 1e-12)[:, None]
    free = []
    for values in (paths[..., 0], paths[..., 1]):
        rest = np.where(weights > 0, values, 0)
        for _ in range(SWEEPS):
            rest = rest - (weights * rest).sum(axis=0) / by_path
            rest = rest - (weights * rest).sum(axis=1)[:, None] / by_image
        free.append(rest)
    y, x = free
    slope = float((weights * x * y).sum() / max(float((weights * y * y).sum()), 1e-30))
    return _Fit(slope, x - slope * y)
