"""Volumes (x, z, y): turned in space."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.geometry import centre

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.monitor import Monitor

SLAB = 16  # planes turned at a time: progress, and one piece of work a thread


def rotation_matrix(angles_deg: Sequence[float]) -> np.ndarray:
    """Return the matrix of rotations about the axes of a volume (x, z, y).

    Parameters
    ----------
    angles_deg
        Angles in degrees about x, z and y, applied to output coordinates in this order.

    Returns
    -------
    numpy.ndarray
        (3, 3), from output to input coordinates in the order (x, z, y), about the origin.

    Raises
    ------
    ParameterError
        If these are not three finite numbers.

    Notes
    -----
    ``R = R_y R_z R_x``. A positive angle about x brings what lies at +y to +z indices, as the
    matrix maps coordinates of the output to those of the input.
    """
    angles = np.asarray(angles_deg, float)
    if angles.shape != (3,) or not np.isfinite(angles).all():
        raise ParameterError(
            f"rotation_angles must be three angles in degrees, about x, z and y, got {angles_deg!r}"
        )
    (cx, cz, cy), (sx, sz, sy) = np.cos(np.deg2rad(angles)), np.sin(np.deg2rad(angles))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_z = np.array([[cz, 0, sz], [0, 1, 0], [-sz, 0, cz]])
    about_y = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return about_y @ about_z @ about_x


def rotate(
    volume: np.ndarray,
    angles_deg: Sequence[float],
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    monitor: Monitor | None = None,
) -> np.ndarray:
    """Turn a volume about its centre.

    Parameters
    ----------
    volume
        (nx, nz, ny) of any real type; NaN marks voxels without a value.
    angles_deg
        As for :func:`rotation_matrix`.
    spacing
        Size of a voxel along each axis; only their ratios matter.
    monitor
        Told after every slab of planes.

    Returns
    -------
    numpy.ndarray
        float32, the shape of `volume`, by cubic splines. What comes from outside is 0; a NaN
        spreads over the voxels next to it at most. The centre stays where it is.

    Raises
    ------
    ParameterError
        If the angles are not three finite numbers.
    DataError
        If `volume` does not have three axes.
    """
    if volume.ndim != 3:
        raise DataError(f"a volume has the axes (x, z, y); got an array of shape {volume.shape}")
    turn = rotation_matrix(angles_deg)
    size = np.asarray(spacing, float)
    matrix = turn * size[None, :] / size[:, None]
    values = np.array(volume, np.float32)
    if np.array_equal(turn, np.eye(3)):
        return values
    dead = ~np.isfinite(values)
    values[dead] = 0
    smooth = ndimage.spline_filter(values, 3, output=np.float32)
    gaps = dead.astype(np.float32) if dead.any() else None
    middle = np.array([centre(n) for n in values.shape])
    offset = middle - matrix @ middle
    out = np.empty(values.shape, np.float32)

    def slab(first: int) -> int:
        part = out[first : first + SLAB]
        where = {"offset": offset + matrix[:, 0] * first, "output_shape": part.shape}
        ndimage.affine_transform(smooth, matrix, order=3, prefilter=False, output=part, **where)
        if gaps is not None:
            part[ndimage.affine_transform(gaps, matrix, order=1, **where) > 1e-3] = np.nan
        return first + len(part)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(slab, range(0, len(out), SLAB)):
            if monitor is not None:
                monitor(done, len(out))
    return out
