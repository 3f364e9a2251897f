"""Surfaces of equal value in a volume, as triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage import measure

from tomojupyter.errors import DataError
from tomojupyter.numerics.geometry import centre
from tomojupyter.numerics.volumes.segmentation import above, two_valued

if TYPE_CHECKING:
    from collections.abc import Sequence

STAIRS_PX = 1.0  # sigma of the Gaussian that takes the steps off a binary volume


@dataclass(frozen=True)
class Mesh:
    """Triangles in space.

    Parameters
    ----------
    vertices
        (m, 3) points (x, y, z) in `units`; z points along the beam at tilt 0, as in the
        documentation's page on geometry.
    faces
        (k, 3) indices of vertices, anticlockwise as seen from outside.
    units
        Of the coordinates.
    """

    vertices: np.ndarray
    faces: np.ndarray
    units: str = ""

    @property
    def area(self) -> float:
        """Area in squared units."""
        return float(0.5 * np.linalg.norm(self._normals(), axis=1).sum())

    @property
    def volume(self) -> float:
        """Enclosed volume in cubed units; only a closed surface encloses one."""
        if not len(self.faces):
            return 0.0
        corners = self.vertices - self.vertices.mean(axis=0)
        return float((corners[self.faces[:, 0]] * self._normals()).sum() / 6)

    def _normals(self) -> np.ndarray:
        a, b, c = (self.vertices[self.faces[:, k]].astype(float) for k in range(3))
        return np.cross(b - a, c - a)

    def __repr__(self) -> str:
        return (
            f"<Mesh, {len(self.faces)} triangles, area {self.area:.4g} {self.units}²>"
            if self.units
            else f"<Mesh, {len(self.faces)} triangles, area {self.area:.4g}>"
        )


def isosurface(
    volume: np.ndarray,
    level: float,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    *,
    origin: Sequence[float] = (0.0, 0.0),
    dark: bool = False,
    closed: bool = True,
    step: int = 1,
    mask: np.ndarray | None = None,
    units: str = "",
) -> Mesh:
    """Return the surface on which a volume has one value.

    Parameters
    ----------
    volume
        (nx, nz, ny); NaN lies outside.
    level
        The value.
    spacing
        Size of a voxel along x, z and y.
    origin
        Coordinates (x, y) of voxel [0, :, 0]; z counts from the middle of the volume.
    dark
        The inside is what lies below `level`.
    closed
        Close the surface where the volume's faces cut it, half a voxel outside. False: what is
        cut has no surface there.
    step
        Voxels a triangle spans: 2 or 3 make a coarser mesh.
    mask
        bool, shape of `volume`: the surface is drawn where it is True.
    units
        Of `spacing`.

    Returns
    -------
    Mesh
        Without triangles where nothing lies above `level`.

    Raises
    ------
    DataError
        If `volume` does not have three axes.

    Notes
    -----
    Marching cubes after Lewiner et al. A binary volume would give stairs, and with them too
    large an area: it is first smoothed by a Gaussian of one voxel, which rounds edges by as
    much.

    References
    ----------
    Lewiner, Lopes, Vieira and Tavares, J. Graph. Tools 8, 1 (2003),
    doi:10.1080/10867651.2003.10487582.
    """
    if volume.ndim != 3:
        raise DataError(f"a volume has the axes (x, z, y); got an array of shape {volume.shape}")
    inside = above(volume, level, dark)
    box = _box(inside, 4)
    if box is None:
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3), int), units)
    sign = -1.0 if dark else 1.0
    values = _finite(sign * np.asarray(volume[box], np.float32), sign * level)
    parts, level = _softened(values, sign * level, closed)
    within = None if mask is None else np.pad(mask[box], int(closed))
    if parts.max() <= level or parts.min() >= level or min(parts.shape) < 2:
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3), int), units)
    points, faces, _, _ = measure.marching_cubes(
        parts, level, step_size=step, allow_degenerate=False, mask=within
    )
    points = points - int(closed) + np.array([part.start for part in box])
    middle = np.array([0, centre(volume.shape[1]), 0])
    x, z, y = ((points - middle) * np.asarray(spacing, float)).T
    # Index z runs against z; that and the order (x, z, y) turn the triangles over twice, which
    # leaves them as marching_cubes has them: clockwise.
    vertices = np.stack([x + origin[0], y + origin[1], -z], axis=1)
    return Mesh(vertices, faces[:, ::-1].astype(np.int64), units)


def _box(inside: np.ndarray, margin: int) -> tuple[slice, ...] | None:
    """Return the box about a mask, or None where it is empty."""
    found = []
    for axis in range(3):
        hit = np.flatnonzero(inside.any(axis=tuple(k for k in range(3) if k != axis)))
        if not len(hit):
            return None
        found.append(slice(max(0, int(hit[0]) - margin), int(hit[-1]) + 1 + margin))
    return tuple(slice(s.start, min(s.stop, n)) for s, n in zip(found, inside.shape, strict=True))


def _finite(values: np.ndarray, level: float) -> np.ndarray:
    """Return `values` with what is not finite put as far outside as the lowest of the others."""
    bad = ~np.isfinite(values)
    if bad.any():
        values[bad] = min(float(values[~bad].min()), level - 1e-3 * (abs(level) or 1))
    return values


def _softened(values: np.ndarray, level: float, closed: bool) -> tuple[np.ndarray, float]:
    """Return the values to draw the surface in, with a rim outside if it is to be closed."""
    binary = two_valued(values)
    if closed:
        values = np.pad(values, 1, mode="edge")
        rim = np.ones(values.shape, bool)
        rim[1:-1, 1:-1, 1:-1] = False
        values[rim & (values > level)] = 2 * level - values[rim & (values > level)]
    if binary:
        level = 0.5 * (float(values.min()) + float(values.max()))
        outside = "constant" if closed else "nearest"
        values = ndimage.gaussian_filter(
            values, STAIRS_PX, mode=outside, cval=float(values.min()), truncate=3
        )
    return values, level
