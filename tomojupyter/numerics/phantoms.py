"""Specimens whose projections are known exactly.

A phantom is a sum of ellipsoids. Their line integrals are closed formulas, taken on a grid
finer than the pixels and averaged over each pixel's area, so that projections at any tilt,
shift, axis angle and axis offset are made without interpolation. The geometry is that of
:mod:`tomojupyter.numerics.geometry`.

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

if TYPE_CHECKING:
    from collections.abc import Sequence

ACROSS = 40  # samples across the smallest diameter of a body, at least
FINEST = 24  # samples along the edge of a pixel, at most


@dataclass(frozen=True)
class Ellipsoid:
    """A solid of uniform density.

    Parameters
    ----------
    middle
        (3,) position (x, y, z) of its centre, measured from the rotation centre, in units of
        the field of view.
    spread
        (3, 3) matrix ``R diag(semi_axes ** 2) R.T``, in units of the field of view squared.
    density
        What it adds to the density where it is; negative for a pore.
    """

    middle: np.ndarray
    spread: np.ndarray
    density: float

    @classmethod
    def from_axes(
        cls,
        middle: Sequence[float] | np.ndarray,
        semi_axes: Sequence[float] | np.ndarray,
        density: float,
        turn: np.ndarray | None = None,
    ) -> Ellipsoid:
        """Return the ellipsoid with `semi_axes` (3,) along the columns of `turn` (3, 3)."""
        axes = np.eye(3) if turn is None else turn
        spread = axes @ np.diag(np.square(np.asarray(semi_axes, float))) @ axes.T
        return cls(np.asarray(middle, float), spread, float(density))

    @property
    def mass(self) -> float:
        """Density times volume."""
        return self.density * 4 / 3 * math.pi * math.sqrt(np.linalg.det(self.spread))


@dataclass(frozen=True)
class Phantom:
    """A specimen made of ellipsoids, in units of the field of view.

    The field of view is the shorter edge of the images: one unit is ``min(ny, nx)`` px, so the
    specimen has the same shape in images that are not square.
    """

    bodies: tuple[Ellipsoid, ...]

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
            view = np.array([[1, 0, 0], [0, math.cos(tilt), math.sin(tilt)]], float)
            for body in self.bodies:
                ideal = unit * (view @ body.middle) - (0, shift)
                shadow = turn @ view @ body.spread @ view.T @ turn.T * unit**2
                _add_shadow(image, middle + turn @ ideal - move[::-1], shadow, body, unit)
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
            _add_solid(out, body, unit)
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
    turn = _random_turn(rng)
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
                bodies.append(Ellipsoid.from_axes(place, axes, density, _random_turn(rng)))
                break
        else:
            raise ParameterError(
                f"{particles} particles and {pores} pores do not fit into the support; ask for "
                "fewer."
            )
    return Phantom(tuple(bodies))


def _random_turn(rng: np.random.Generator) -> np.ndarray:
    """Return a random orthogonal (3, 3) matrix, each orientation as likely as any other."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def _samples(semi_axis: float) -> int:
    """Return into how many parts a pixel's edge is cut, for a body of `semi_axis` px."""
    return int(np.clip(math.ceil(ACROSS / (2 * semi_axis)), 2, FINEST))


def _window(at: float, reach: float, n: int) -> tuple[int, int]:
    """Return the range of pixels that ``at - reach`` to ``at + reach`` touches."""
    return max(0, math.floor(at - reach + 0.5)), min(n, math.floor(at + reach + 0.5) + 1)


def _fine(first: int, end: int, parts: int) -> np.ndarray:
    """Return the midpoints of the parts of the pixels `first` to `end`."""
    return first - 0.5 + (np.arange((end - first) * parts) + 0.5) / parts


def _add_shadow(
    image: np.ndarray, at: np.ndarray, shadow: np.ndarray, body: Ellipsoid, unit: int
) -> None:
    """Add to `image` the projection of a body.

    `at` is the position (x, y) of its centre in px, `shadow` the (2, 2) matrix that its
    `spread` becomes in the plane of the image, in px squared. The chord at distance w from the
    centre is ``2 sqrt(det spread / det shadow) sqrt(1 - w' inv(shadow) w)``.
    """
    reach = np.sqrt(np.diag(shadow))
    left, right = _window(at[0], reach[0], image.shape[1])
    top, bottom = _window(at[1], reach[1], image.shape[0])
    if left >= right or top >= bottom:
        return
    parts = _samples(math.sqrt(np.linalg.eigvalsh(shadow)[0]))
    x, y = _fine(left, right, parts) - at[0], (_fine(top, bottom, parts) - at[1])[:, None]
    inverse = np.linalg.inv(shadow)
    inside = 1 - (inverse[0, 0] * x * x + inverse[1, 1] * y * y) - 2 * inverse[0, 1] * x * y
    chord = np.sqrt(np.maximum(inside, 0, out=inside), out=inside)
    area = chord.reshape(bottom - top, parts, right - left, parts).mean((1, 3))
    depth = math.sqrt(np.linalg.det(body.spread) * unit**6 / np.linalg.det(shadow))
    image[top:bottom, left:right] += (2 * depth * body.density) * area


def _add_solid(volume: np.ndarray, body: Ellipsoid, unit: int) -> None:
    """Add a body to `volume` (x, z, y); exact along z, finely sampled across it."""
    nx, nz, ny = volume.shape
    spread = body.spread * unit**2
    at = body.middle * unit + (centre(nx), centre(ny), 0)
    at[2] = centre(nz) - body.middle[2] * unit
    reach = np.sqrt(np.diag(spread))
    (left, right), (top, bottom) = (_window(at[k], reach[k], n) for k, n in ((0, nx), (1, ny)))
    low, high = _window(at[2], reach[2], nz)
    if left >= right or top >= bottom or low >= high:
        return
    shadow = spread[:2, :2]
    inverse = np.linalg.inv(shadow)
    lean = inverse @ spread[:2, 2]
    half = math.sqrt(np.linalg.det(spread) / np.linalg.det(shadow))
    parts = _samples(math.sqrt(np.linalg.eigvalsh(shadow)[0]))
    y = _fine(top, bottom, parts) - at[1]
    planes = np.arange(low, high)[:, None] - at[2]
    for ix in range(left, right):
        x = (_fine(ix, ix + 1, parts) - at[0])[:, None]
        inside = 1 - (inverse[0, 0] * x * x + inverse[1, 1] * y * y) - 2 * inverse[0, 1] * x * y
        chord = half * np.sqrt(np.maximum(inside, 0))
        # Rows count down z: the middle of the chord is at minus its z.
        middle = -(lean[0] * x + lean[1] * y)
        upper = np.minimum(middle + chord, planes[..., None] + 0.5)
        lower = np.maximum(middle - chord, planes[..., None] - 0.5)
        part = np.maximum(upper - lower, 0).reshape(high - low, parts, bottom - top, parts)
        volume[ix, low:high, top:bottom] += body.density * part.mean((1, 3))


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
