"""Specimens whose projections are known exactly.

A phantom is a sum of solids. Their line integrals are closed formulas, taken on a grid
finer than the pixels and averaged over each pixel's area, so that projections at any tilt,
shift, axis angle and axis offset are made without interpolation. The geometry is that of
:mod:`tomojupyter.numerics.geometry`. More specimens are in
:mod:`tomojupyter.numerics.simulation.specimens`.

Misalignment is stated as what a perfect alignment applies: after images are moved by
``shifts[i] = (dy, dx)`` (content moves by +dy in y, by +dx in x) and their frame is
``Frame.tilted(angle, shift)``, the series is ideal: its tilt axis runs along x through row
``(ny - 1) / 2``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import centre
from tomojupyter.numerics.simulation.solids import Ellipsoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.numerics.simulation.solids import Solid


@dataclass(frozen=True)
class Phantom:
    """A specimen made of solids, in units of the field of view.

    The field of view is the shorter edge of the images: one unit is ``min(ny, nx)`` px, so the
    specimen has the same shape in images that are not square.
    """

    bodies: tuple[Solid, ...]

    @property
    def mass(self) -> float:
        """Sum over the bodies of density times volume, in units of the field of view."""
        return sum(body.mass for body in self.bodies)

    def project(
        self,
        tilts_deg: Sequence[float] | np.ndarray,
        ny: int,
        nx: int,
        *,
        shifts: np.ndarray | None = None,
        angle: float = 0.0,
        shift: float = 0.0,
    ) -> np.ndarray:
        """Return exact projections, misaligned so that the given corrections undo it.

        Parameters
        ----------
        tilts_deg
            (n,) tilts in degrees, in any order.
        ny, nx
            Shape of the images in px.
        shifts
            (n, 2) corrections (y, x) in px; None: none. The content of image i lies off by
            ``-shifts[i]``.
        angle
            Correction of the tilt axis in degrees: the axis is drawn turned by ``-angle``
            about the centre of the image (a positive angle turns +x towards +y).
        shift
            Correction across the axis in px: before that turn, the axis lies at row
            ``(ny - 1) / 2 - shift``.

        Returns
        -------
        numpy.ndarray
            float32 (n, ny, nx), density times px, averaged over each pixel's area.

        Raises
        ------
        ParameterError
            If a size is below 1 px or the shifts do not fit the tilts.
        """
        tilts = np.deg2rad(np.atleast_1d(np.asarray(tilts_deg, float)))
        moves = checked_shifts(shifts, len(tilts))
        _check_sizes(ny=ny, nx=nx)
        unit = min(ny, nx)
        a = math.radians(angle)
        # Columns: where the ideal (x, y) axes point in the image that was acquired.
        turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
        middle = np.array([centre(nx), centre(ny)])
        out = np.zeros((len(tilts), ny, nx), np.float32)
        for image, tilt, move in zip(out, tilts, moves, strict=True):
            view = turn @ [[unit, 0, 0], [0, unit * math.cos(tilt), unit * math.sin(tilt)]]
            origin = middle - turn @ (0, shift) - move[::-1]
            for body in self.bodies:
                body.cast(image, view, origin)
        return out

    def volume(self, nx: int, nz: int, ny: int) -> np.ndarray:
        """Return the density on voxels.

        Parameters
        ----------
        nx, nz, ny
            Shape in voxels. One unit of the phantom is ``min(nx, ny)`` voxels, as in
            :meth:`project`.

        Returns
        -------
        numpy.ndarray
            float32 (x, z, y), averaged over each voxel; voxel ``[ix, iz, iy]`` is at
            ``z = (nz - 1) / 2 - iz``. Its sum over z is the projection at 0 degrees.
        """
        _check_sizes(nx=nx, nz=nz, ny=ny)
        out = np.zeros((nx, nz, ny), np.float32)
        unit = min(nx, ny)
        for body in self.bodies:
            body.fill(out, unit)
        return out


def catalyst(seed: int = 0, particles: int = 60, pores: int = 14) -> Phantom:
    """Return a porous, rounded support that carries small dense particles.

    Parameters
    ----------
    seed
        Of everything that is drawn by chance.
    particles
        Number of metal particles (density 5), two thirds of them on the surface.
    pores
        Number of empty pores in the support (density 1).

    Returns
    -------
    Phantom
        Compact (inside a radius of 0.4 of the field of view at every tilt) and without
        symmetry: axes of three lengths, off centre, more particles on one side.
    """
    rng = np.random.default_rng(seed)
    turn = random_turn(rng)
    semi = np.array([0.30, 0.255, 0.225]) * rng.uniform(0.94, 1.06, 3)
    support = Ellipsoid.from_axes(rng.uniform(-0.02, 0.02, 3), semi, 1.0, turn)
    heavy = rng.normal(size=3)
    heavy /= np.linalg.norm(heavy)
    inner = particles // 3
    plan = [(-1.0, 0.03, 0.065, False)] * pores
    plan += [(5.0, 0.012, 0.030, True)] * (particles - inner) + [(4.0, 0.010, 0.022, False)] * inner
    bodies = [support]
    taken: list[tuple[np.ndarray, float]] = []
    for density, least, most, surface in plan:
        for _ in range(2000):
            radius = rng.uniform(least, most)
            local = rng.normal(size=3)
            local /= np.linalg.norm(local)
            if surface:
                # The support is convex: a ball beyond the tangent plane only touches it.
                normal = turn @ (local / semi)
                normal /= np.linalg.norm(normal)
                place = support.middle + turn @ (semi * local) + radius * normal
                fits = rng.uniform() < 0.5 + 0.5 * float(normal @ heavy)
            else:
                depth = rng.uniform() ** (1 / 3)
                place = support.middle + turn @ ((semi - radius - 0.01) * local * depth)
                fits = True
            if fits and all(np.linalg.norm(place - p) > radius + r for p, r in taken):
                taken.append((place, radius))
                axes = radius * rng.uniform(0.75, 1.0, 3)
                bodies.append(Ellipsoid.from_axes(place, axes, density, random_turn(rng)))
                break
        else:
            raise ParameterError(
                f"{particles} particles and {pores} pores do not fit into the support; ask for "
                "fewer."
            )
    return Phantom(tuple(bodies))


def random_turn(rng: np.random.Generator) -> np.ndarray:
    """Return a random orthogonal (3, 3) matrix, each orientation as likely as any other."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def _check_sizes(**sizes: int) -> None:
    """Refuse a size below 1 px."""
    for name, size in sizes.items():
        if size < 1:
            raise ParameterError(f"{name} must be at least 1 px, got {size}.")


def checked_shifts(shifts: np.ndarray | None, n: int) -> np.ndarray:
    """Return shifts (n, 2), or say what is wrong with them."""
    if shifts is None:
        return np.zeros((n, 2))
    moves = np.asarray(shifts, float)
    if moves.shape != (n, 2) or not np.isfinite(moves).all():
        raise ParameterError(
            f"shifts must be finite numbers (y, x) for each of {n} tilts, got an array of shape "
            f"{moves.shape}."
        )
    return moves
