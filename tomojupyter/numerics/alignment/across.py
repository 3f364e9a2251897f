"""Shifts across the tilt axis, from centres of mass, or from profiles where a film has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.alignment.mass import Masses, soft_window
from tomojupyter.numerics.alignment.profiles import align_lines, made_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

LIGHT = 0.05  # of the heaviest slice: below, a slice has no centre of mass worth the name
MARGIN = 6.0  # px of vacuum that are kept on both sides of the specimen
TAIL = 0.002  # of the mass, on either side, that does not mark where the specimen ends
TOLD = 30.0  # degrees; below, a turned axis cannot be told from slices that lie apart
HELD = 0.4  # of a column that an image must hold
PASSES = 3
STEEP = 75.0  # degrees; a film seen at a steeper tilt has no profile
NEAR = 2  # neighbours by tilt on either side, whose profiles are alike
SLOW = 0.25  # of the image; slower changes of a film's profile do not count


@dataclass(frozen=True)
class Paths:
    """Centres of mass (k, m) of m slices in k images, px from the middle row; NaN unknown.

    `weights` (m,) are the slices' masses, `x` (m,) their places from the middle column.
    """

    centres: np.ndarray
    weights: np.ndarray
    x: np.ndarray


def paths(found: Masses, along: np.ndarray, columns: tuple[int, int], nslices: int) -> Paths:
    """Measure the centres of mass of slices of the specimen.

    Parameters
    ----------
    found
        The images.
    along
        (k,) shifts along x, in px, that align the images in that direction.
    columns
        First and last (exclusive) column to use.
    nslices
        Into how many slices they are divided.

    Raises
    ------
    AlignmentRefused
        If no slice has mass in most of the images.
    """
    known = _moved(found.covered.mean(axis=1), along, order=1)
    first, last = _common_columns(known, columns)
    edges = np.linspace(first, last, min(nslices, last - first) + 1).round().astype(int)
    middle = np.zeros(len(found.images))
    window = np.ones(found.images.shape[:2])
    for _ in range(PASSES):
        total = np.einsum("ky,kyx->kx", window, found.images)
        moment = np.einsum("ky,ky,kyx->kx", window, found.rows - middle[:, None], found.images)
        parts = [
            np.add.reduceat(_moved(m, along)[:, first:last], edges[:-1] - first, axis=1)
            for m in (total, moment)
        ]
        mass = np.median(parts[0], axis=0)
        seen = np.minimum.reduceat(known[:, first:last], edges[:-1] - first, axis=1) > HELD
        good = seen & (parts[0] > 0.3 * mass) & (mass > LIGHT * max(mass.max(), 1e-30))
        kept = good.mean(axis=0) > 0.7
        if not kept.any():
            break
        centres = np.where(good, middle[:, None] + parts[1] / np.where(good, parts[0], 1), np.nan)
        weights = np.where(kept, mass, 0)
        middle = _weighted(centres, weights, middle)
        window = _specimen(found, middle)
    if not kept.any():
        raise AlignmentRefused(
            "no slice has mass within the images in most of the projections; check the data "
            "and the vacuum level, or choose other columns (xrange)"
        )
    x = 0.5 * (edges[:-1] + edges[1:] - 1) - (found.images.shape[2] - 1) / 2
    return Paths(centres[:, kept], mass[kept], x[kept])


def _common_columns(known: np.ndarray, columns: tuple[int, int]) -> tuple[int, int]:
    """Return first and last (exclusive) of the columns that nearly all images hold."""
    everywhere = np.flatnonzero((known > HELD).mean(axis=0) >= 0.95)
    inside = everywhere[(everywhere >= columns[0]) & (everywhere < columns[1])]
    if len(inside) < 2:
        raise AlignmentRefused(
            "no columns are common to the projections: they lie too far apart along the tilt "
            "axis; use another method, or align by hand."
        )
    return int(inside[0]), int(inside[-1]) + 1


def _moved(values: np.ndarray, shifts: np.ndarray, order: int = 3) -> np.ndarray:
    """Return rows (k, nx) moved by (k,) px towards larger x, 0 beyond their ends."""
    return np.array(
        [ndimage.shift(v, s, order=order, cval=0) for v, s in zip(values, shifts, strict=True)]
    )


def _weighted(centres: np.ndarray, weights: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the mean centre (k,) of the slices, as before where there is none."""
    share = np.where(np.isfinite(centres), weights, 0)
    total = share.sum(axis=1)
    mean = (share * np.nan_to_num(centres)).sum(axis=1) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, before)


def _specimen(found: Masses, middle: np.ndarray) -> np.ndarray:
    """Return a window (k, ny) around the specimen, so that noise of the vacuum has no lever."""
    place = found.rows - middle[:, None]
    mass = np.maximum(found.images.sum(axis=2, dtype=np.float64), 0)
    half = 0.0
    for where, row in zip(place, mass, strict=True):
        total = np.cumsum(row)
        if total[-1] > 0:
            ends = where[np.searchsorted(total, np.array([TAIL, 1 - TAIL]) * total[-1])]
            half = max(half, float(np.abs(ends).max()))
    return np.clip((half + 2 * MARGIN - np.abs(place)) / MARGIN, 0, 1)


def onto_the_axis(found: Paths, tilts_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shifts that put every slice on a path about the middle row.

    Parameters
    ----------
    found
        Centres of mass of the slices.
    tilts_deg
        (k,) degrees.

    Returns
    -------
    tuple of numpy.ndarray
        (k,) shifts in px to apply, and the rms misfit (k,) of the slices in px.

    Notes
    -----
    In an aligned series slice `j` lies at ``a_j cos t + b_j sin t`` about the axis, plus
    ``k x_j`` where the axis is turned a little. The weighted least-squares solution for the
    images' positions is free by ``a cos t + b sin t``, because the specimen may lie anywhere;
    its centre of mass is put on the axis. No other choice leaves the images' motion along the
    axis as it is when the axis is turned.
    """
    centres, k = found.centres, len(tilts_deg)
    m = len(found.weights)
    t = np.deg2rad(tilts_deg)
    image, slice_ = np.nonzero(np.isfinite(centres))
    design = np.zeros((len(image), k + 2 * m + 1))
    each = np.arange(len(image))
    design[each, image] = 1
    design[each, k + 2 * slice_] = np.cos(t[image])
    design[each, k + 2 * slice_ + 1] = np.sin(t[image])
    if np.ptp(tilts_deg) >= TOLD:
        design[each, -1] = found.x[slice_] / max(float(np.abs(found.x).max()), 1.0)
    root = np.sqrt(found.weights[slice_] / found.weights.max())
    solution = np.linalg.lstsq(design * root[:, None], centres[image, slice_] * root, rcond=1e-10)[
        0
    ]
    left = np.zeros_like(centres)
    left[image, slice_] = centres[image, slice_] - design @ solution
    share = np.where(np.isfinite(centres), found.weights, 0)
    misfit = np.sqrt((share * left**2).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-30))
    waves = np.stack([np.cos(t), np.sin(t)])
    whole = found.weights @ solution[k:-1].reshape(m, 2) / found.weights.sum()
    return -(solution[:k] + whole @ waves), misfit


def film_shifts(
    found: Masses, along: np.ndarray, anchor: int, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shifts across the axis of a film that goes on beyond the images.

    Parameters
    ----------
    found
        The images.
    along
        (k,) shifts along x in px.
    anchor
        Image that stays where it is.
    reach
        px, the largest shift that is looked for.

    Returns
    -------
    tuple of numpy.ndarray
        (k,) shifts in px to apply, their standard errors, and the likeness of the profiles.

    Notes
    -----
    A film has no centre of mass within the images. Its sum over x, stretched by 1 / cos t,
    shows the same part of it at every tilt as far as the film is thin.
    """
    _, ny, nx = found.images.shape
    x = np.arange(nx) - (nx - 1) / 2
    place = x - along[:, None]
    window = soft_window(place / (nx / 2))
    rows = np.einsum("kx,kyx->ky", window, found.images)
    seen = np.einsum("kx,kyx->ky", window, found.covered.astype(float))
    whole = window.sum(axis=1)[:, None]
    rows = rows * whole / np.maximum(seen, 0.1 * whole)
    cosine = np.cos(np.deg2rad(np.clip(found.tilts_deg, -STEEP, STEEP)))
    middle = (ny - 1) / 2
    stretched, known = np.empty((2, len(rows), ny))
    for i, c in enumerate(cosine):
        at = [middle + (np.arange(ny) - middle) * c]
        flat = rows[i] - ndimage.gaussian_filter1d(rows[i], SLOW * ny * c, mode="nearest")
        stretched[i] = c * ndimage.map_coordinates(flat, at, order=3, mode="nearest")
        known[i] = ndimage.map_coordinates(seen[i] / whole[i], at, order=1, mode="nearest")
    lines = made_lines(stretched, known)
    shifts, sigma, likeness = align_lines(lines, anchor, reach / cosine, near=NEAR)
    return shifts * cosine, sigma * cosine, likeness


def interpolated(
    values: np.ndarray, tilts_deg: np.ndarray, order: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Return values (n,) of all images from those (k,) of the images in `order`."""
    index = np.asarray(order, int)
    whole = np.interp(tilts_deg, tilts_deg[index], values)
    whole[index] = values
    return np.asarray(whole)
