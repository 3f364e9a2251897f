"""The direction and the place of the tilt axis, from moments of the columns.

In an aligned series (see :mod:`tomojupyter.numerics.geometry`) a column of pixels shows the
same slice of the specimen at every tilt. So its mass does not change, and its centre of mass
moves as ``a cos t + b sin t`` about the axis. Both rules are used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.numerics.alignment.moments import Moments, angle_step, measure, offset_step
from tomojupyter.numerics.geometry import resample, rotation, translation
from tomojupyter.numerics.images.vacuum import estimate_vacuum

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ANGLE = 20.0  # degrees
MAX_ANGLE_SIGMA = 0.3  # degrees
MAX_SHIFT_SIGMA = 1.0  # px
MIN_RANGE = 40.0  # degrees; below, a cos t cannot be told from a constant
MIN_FRAMES = 7
MIN_COLUMNS = 8
MIN_SEEN = 0.75  # of the columns; a film passes for single particles in up to half of them
ROUNDS = 20
UNDAMPED = 8  # rounds; whatever has not settled by then overshoots
FINE = 192  # px: moments need no finer pixels
CLOSE_DEG, CLOSE_PX = 0.003, 0.003  # a last change below these is none,
CLOSE = 0.1  # nor one below this part of the standard error


@dataclass(frozen=True)
class AxisFit:
    """How to turn and move the images so that the tilt axis lies where it should.

    Parameters
    ----------
    angle_deg
        Rotate the images by this about the pixel-grid centre; positive turns +x towards +y.
    shift_px
        Then move them by this along +y.
    angle_sigma_deg, shift_sigma_px
        Standard errors.
    residual_px
        RMS distance of the centres of mass of the columns from their fitted paths.
    """

    angle_deg: float
    shift_px: float
    angle_sigma_deg: float
    shift_sigma_px: float
    residual_px: float


def centre_of_mass_axis(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    slices: Sequence[int] | None = None,
    nslices: int | None = None,
    vacuum: float | None = None,
    weights: np.ndarray | None = None,
    fine: int = FINE,
) -> AxisFit:
    """Fit the tilt axis to the centres of mass of many columns.

    Parameters
    ----------
    images
        (n, ny, nx), registered, any real dtype. Not modified.
    tilts_deg
        (n,) degrees, any order.
    slices
        Columns (x) to use, in px. None: all that have enough mass.
    nslices
        Use this many of them, evenly spaced. None: all.
    vacuum
        Level of the vacuum, in units of the images. None: estimated.
    weights
        Broadcastable to `images`; where 0 (or where the image is NaN) a pixel is unknown. A
        projection of nothing but unknown pixels is left out.
    fine
        px. Images whose shorter side is at least twice this are binned, for speed.

    Returns
    -------
    AxisFit
        The rotation and the shift to apply, with their standard errors.

    Raises
    ------
    AlignmentRefused
        If the answer would not be trustworthy: too few projections or tilts, too little mass,
        mass that crosses the upper or lower edge, no convergence, an angle beyond 20 degrees,
        a standard error above 0.3 degrees or 1 px.
    ParameterError
        If shapes do not match or `slices` are not columns.

    Notes
    -----
    The images are turned and moved, the rest of angle and offset is estimated, and so on until
    the rest vanishes; so the estimate needs to be
    right near zero only. There, an axis turned by a small ``p`` changes the mass of a column by
    ``p dM1/dx`` and its first moment by ``p (dM2/dx + x M0)``, M2 the second moment. Both are
    regressed on `p`, with masses, paths, and a common shift and brightness of every projection
    as unknowns, weighted by the scatter
    of each column and robust against single projections. Derivatives are taken from fitted
    moments, because errors in the regressor would bias a regression. Standard errors come from
    a jackknife over blocks of columns (angle) and the scatter of projections (offset).
    """
    images = np.asarray(images)
    tilts = np.asarray(tilts_deg, dtype=float).ravel()
    if images.ndim != 3 or len(tilts) != len(images):
        raise ParameterError(
            f"images need the shape (n, ny, nx) with one tilt each, got {images.shape} "
            f"and {len(tilts)} tilts"
        )
    columns = _columns(images.shape[2], slices)
    known = np.isfinite(images)
    if weights is not None:
        known &= np.broadcast_to(weights, images.shape) > 0
    use = known.any(axis=(1, 2))
    _check_tilts(tilts[use])
    if vacuum is None:
        vacuum = estimate_vacuum(images, known)
    factor = max(1, min(images.shape[1:]) // fine)
    lifted = np.stack([_lifted(images[i], known[i], vacuum, factor) for i in np.flatnonzero(use)])
    if factor > 1:
        parts = columns[: lifted.shape[2] * factor].reshape(-1, factor)
        columns = np.asarray(parts.any(axis=1))
    fit = _iterate(lifted, np.deg2rad(tilts[use]), columns, nslices)
    return fit if factor == 1 else _unbinned(fit, factor, images.shape[1:], lifted.shape[1:])


def _lifted(image: np.ndarray, known: np.ndarray, vacuum: float, factor: int) -> np.ndarray:
    """Return one image in float32, binned, its vacuum at 0, NaN where little is known."""
    lifted = np.where(known, image, 0).astype(np.float32) - np.float32(vacuum) * known
    ny, nx = (n // factor for n in image.shape)
    blocks = (ny, factor, nx, factor)
    cut = np.s_[: ny * factor, : nx * factor]
    count = known[cut].reshape(blocks).sum(axis=(1, 3))
    total = lifted[cut].reshape(blocks).sum(axis=(1, 3))
    seen = count > factor**2 / 2
    return np.where(seen, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _unbinned(fit: AxisFit, factor: int, shape: Sequence[int], binned: Sequence[int]) -> AxisFit:
    """Return the fit in full pixels, about the centre of the full image."""
    # Rows and columns that did not fill a block were cut off, which moves the centre.
    dy, dx = ((b * factor - n) / 2 for n, b in zip(shape, binned, strict=True))
    a = math.radians(fit.angle_deg)
    turned = dy - (dx * math.sin(a) + dy * math.cos(a))
    return replace(
        fit,
        shift_px=factor * fit.shift_px + turned - dy,
        shift_sigma_px=factor * fit.shift_sigma_px,
        residual_px=factor * fit.residual_px,
    )


def _columns(nx: int, slices: Sequence[int] | None) -> np.ndarray:
    """Return which columns may be used."""
    if slices is None:
        return np.ones(nx, bool)
    index = np.asarray(slices, dtype=int).ravel()
    if not index.size or index.min() < 0 or index.max() >= nx:
        raise ParameterError(f"slices are columns from 0 to {nx - 1}, got {list(slices)}")
    columns = np.zeros(nx, bool)
    columns[index] = True
    return columns


def _check_tilts(tilts: np.ndarray) -> None:
    if len(tilts) < MIN_FRAMES:
        raise AlignmentRefused(
            f"only {len(tilts)} projections can be used, and the axis needs {MIN_FRAMES}; "
            "use the manual alignment"
        )
    if np.ptp(tilts) < MIN_RANGE:
        raise AlignmentRefused(
            f"the tilts span {np.ptp(tilts):.1f}°, and below {MIN_RANGE:.0f}° the axis cannot be "
            "told from the paths of the specimen; use the manual alignment"
        )


def displaced(images: np.ndarray, angle: float, shift: float) -> np.ndarray:
    """Return images as they are with this rotation and shift; NaN where nothing is known."""
    if not angle and not shift:
        return images
    shape = images.shape[1:]
    matrix = translation(0, shift) @ rotation(angle, shape)
    return resample(images, np.tile(matrix, (len(images), 1, 1)), shape, fill=np.nan)


def _iterate(
    images: np.ndarray, tilts_rad: np.ndarray, columns: np.ndarray, nslices: int | None
) -> AxisFit:
    """Turn, move, estimate the rest, until it vanishes."""
    angle = shift = 0.0
    for done in range(ROUNDS):
        moved = displaced(images, angle, shift)
        moments = usable_columns(measure(moved, tilts_rad, columns), nslices)
        turn = angle_step(moments, tilts_rad)
        offset = offset_step(moments, tilts_rad)
        angle -= math.degrees(turn.value) * (1 if done < UNDAMPED else 0.5)
        shift -= offset.value
        if abs(angle) > MAX_ANGLE or abs(shift) > images.shape[1] / 2:
            raise AlignmentRefused(
                f"the fit ran to {angle:.1f}° and {shift:.1f} px, beyond {MAX_ANGLE:.0f}° or half "
                "of the image; register the images first, or use the manual alignment"
            )
        settled = abs(turn.value) < max(math.radians(CLOSE_DEG), CLOSE * turn.sigma)
        if settled and abs(offset.value) < max(CLOSE_PX, CLOSE * offset.sigma):
            break
    else:
        raise AlignmentRefused(
            f"the fit of the axis did not settle (last change {math.degrees(turn.value):.3f}°, "
            f"{offset.value:.3f} px); use the manual alignment"
        )
    sigma = math.degrees(turn.sigma)
    if not sigma <= MAX_ANGLE_SIGMA or not offset.sigma <= MAX_SHIFT_SIGMA:
        raise AlignmentRefused(
            f"the axis is known to {sigma:.2f}° and {offset.sigma:.2f} px only (allowed are "
            f"{MAX_ANGLE_SIGMA}° and {MAX_SHIFT_SIGMA} px): the specimen shows no clear path, or "
            "the images are not registered; register them better, or use the manual alignment"
        )
    return AxisFit(angle, shift, sigma, offset.sigma, offset.residual)


def usable_columns(moments: Moments, nslices: int | None) -> Moments:
    """Keep the columns that have enough mass inside the image; refuse if they are too few."""
    massive = moments.massive
    if massive.sum() < MIN_COLUMNS:
        raise AlignmentRefused(
            f"only {massive.sum()} columns have enough mass, and the axis needs {MIN_COLUMNS}; "
            "use more columns, filter the images, or use the manual alignment"
        )
    good = massive & (moments.valid.mean(axis=0) >= 0.7)
    if good.sum() < max(MIN_COLUMNS, MIN_SEEN * massive.sum()):
        raise AlignmentRefused(
            f"in {massive.sum() - good.sum()} of {massive.sum()} columns the specimen crosses the "
            "upper or lower edge, so its centre of mass is not seen; this method needs vacuum on "
            "both sides: use the manual alignment"
        )
    index = np.flatnonzero(good)
    if nslices is not None and nslices < len(index):
        if nslices < 3:
            raise ParameterError(f"nslices must be at least 3, got {nslices}")
        index = index[np.round(np.linspace(0, len(index) - 1, nslices)).astype(int)]
    return moments.selected(index)
