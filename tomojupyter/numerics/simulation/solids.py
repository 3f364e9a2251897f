"""Solids of uniform density, whose line integrals are closed formulas.

A solid is measured from the rotation centre, in units of the field of view. It is cast into
images and volumes on a grid finer than the pixels, averaged over each pixel's area. The
geometry is that of :mod:`tomojupyter.numerics.geometry`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import centre

if TYPE_CHECKING:
    from collections.abc import Sequence

ACROSS = 40  # samples across the smallest diameter of an ellipsoid, at least
FINEST = 24  # samples along the edge of a pixel, at most
EDGE = 5  # samples along the edge of a pixel for solids with edges; odd
BAND = 16  # rows of pixels worked on at a time, so that their samples stay in the cache
FAR = 1e6  # of a ray that nothing bounds yet, in units of the field of view


class Solid(Protocol):
    """What a phantom is made of."""

    @property
    def mass(self) -> float:
        """Density times volume, in units of the field of view."""

    def cast(self, image: np.ndarray, view: np.ndarray, origin: np.ndarray) -> None:
        """Add the projection to `image` (ny, nx), density times px.

        A point p appears at ``origin + view @ p``, in px (x, y); the rows of `view` (2, 3) are
        orthogonal and as long as the field of view in px.
        """

    def fill(self, volume: np.ndarray, unit: int) -> None:
        """Add the density to `volume` (x, z, y), whose field of view is `unit` voxels."""


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

    def moved(self, turn: np.ndarray, by: np.ndarray) -> Ellipsoid:
        """Return it turned by the (3, 3) matrix `turn`, then moved by `by` (3,)."""
        return replace(self, middle=turn @ self.middle + by, spread=turn @ self.spread @ turn.T)

    def cast(self, image: np.ndarray, view: np.ndarray, origin: np.ndarray) -> None:
        """Add the projection to `image`; see :class:`Solid`.

        The chord at distance w from the centre of the shadow is
        ``2 sqrt(det spread / det shadow) sqrt(1 - w' inv(shadow) w)``, lengths in px.
        """
        at = origin + view @ self.middle
        shadow = view @ self.spread @ view.T
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
        unit = np.linalg.norm(view[0])
        depth = math.sqrt(np.linalg.det(self.spread) * unit**6 / np.linalg.det(shadow))
        image[top:bottom, left:right] += (2 * depth * self.density) * area

    def fill(self, volume: np.ndarray, unit: int) -> None:
        """Add the density to `volume`; exact along z, finely sampled across it."""
        nx, nz, ny = volume.shape
        spread = self.spread * unit**2
        at = self.middle * unit + (centre(nx), centre(ny), 0)
        at[2] = centre(nz) - self.middle[2] * unit
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
        planes = np.arange(low, high) - at[2]
        for ix in range(left, right):
            x = (_fine(ix, ix + 1, parts) - at[0])[:, None]
            inside = 1 - (inverse[0, 0] * x * x + inverse[1, 1] * y * y) - 2 * inverse[0, 1] * x * y
            chord = half * np.sqrt(np.maximum(inside, 0))
            # Rows count down z: the middle of the chord is at minus its z.
            middle = -(lean[0] * x + lean[1] * y)
            part = _overlap(middle - chord, middle + chord, planes, parts)
            volume[ix, low:high, top:bottom] += self.density * part


@dataclass(frozen=True)
class Convex:
    """A solid within a quadric surface and any number of planes.

    Parameters
    ----------
    quadric
        (4, 4) symmetric matrix: inside is ``p' quadric p <= 0`` for ``p = (x, y, z, 1)``.
        Zeros: no such surface.
    faces
        (k, 4) planes: inside is ``faces @ p <= 0``. Their normals have unit length.
    density
        What it adds to the density where it is.
    volume
        In units of the field of view.
    middle, radius
        Of a ball that holds it.
    """

    quadric: np.ndarray
    faces: np.ndarray
    density: float
    volume: float
    middle: np.ndarray
    radius: float

    @property
    def mass(self) -> float:
        """Density times volume."""
        return self.density * self.volume

    def moved(self, turn: np.ndarray, by: np.ndarray) -> Convex:
        """Return it turned by the (3, 3) matrix `turn`, then moved by `by` (3,)."""
        back = np.eye(4)
        back[:3, :3], back[:3, 3] = turn.T, -turn.T @ by
        return replace(
            self,
            quadric=back.T @ self.quadric @ back,
            faces=self.faces @ back,
            middle=turn @ self.middle + by,
        )

    def cast(self, image: np.ndarray, view: np.ndarray, origin: np.ndarray) -> None:
        """Add the projection to `image`; see :class:`Solid`."""
        unit = float(np.linalg.norm(view[0]))
        at, reach = origin + view @ self.middle, self.radius * unit
        left, right = _window(at[0], reach, image.shape[1])
        top, bottom = _window(at[1], reach, image.shape[0])
        x = _fine(left, right, EDGE)
        for first in range(top, bottom, BAND) if left < right else ():
            end = min(first + BAND, bottom)
            # Rows of samples are set off as in a lattice: an edge along y meets them at EDGE^2
            # places, one that leans at nearly as many, and the error is a third.
            off = np.tile(_fine(0, 1, EDGE)[2 * np.arange(EDGE) % EDGE] / EDGE, end - first)
            y = _fine(first, end, EDGE)[:, None]
            enter, leave = self.crossing(x + off[:, None], y, view, origin)
            chord = np.maximum(leave - enter, 0)
            area = chord.reshape(end - first, EDGE, right - left, EDGE).mean((1, 3))
            image[first:end, left:right] += (self.density * unit) * area

    def fill(self, volume: np.ndarray, unit: int) -> None:
        """Add the density to `volume`; exact along z, finely sampled across it."""
        nx, nz, ny = volume.shape
        view = unit * np.eye(2, 3)
        origin = np.array([centre(nx), centre(ny)])
        at, reach = origin + view @ self.middle, self.radius * unit
        left, right = _window(at[0], reach, nx)
        top, bottom = _window(at[1], reach, ny)
        low, high = _window(centre(nz) - self.middle[2] * unit, reach, nz)
        if top >= bottom or low >= high:
            return
        planes = np.arange(low, high) - centre(nz)
        y = _fine(top, bottom, EDGE)
        for ix in range(left, right):
            enter, leave = self.crossing(_fine(ix, ix + 1, EDGE)[:, None], y, view, origin)
            # Rows count down z.
            part = _overlap(-unit * leave, -unit * enter, planes, EDGE)
            volume[ix, low:high, top:bottom] += self.density * part

    def crossing(
        self, x: np.ndarray, y: np.ndarray, view: np.ndarray, origin: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where rays enter and leave the solid; no more than entered: they miss it.

        Parameters
        ----------
        x, y
            Where the rays meet the image, in px; broadcast against each other.
        view, origin
            As for :meth:`Solid.cast`.

        Returns
        -------
        enter, leave
            Along the ray, from the plane of the image through the rotation centre, in units of
            the field of view; at 0 degrees they are z.

        Raises
        ------
        ParameterError
            If the quadric is open along the rays, as a cylinder is along its axis.
        """
        along = np.zeros(4)
        unit = np.linalg.norm(view[0])
        along[:3] = np.cross(view[0], view[1]) / unit**2
        lift = np.zeros((4, 3))  # from (x, y, 1) px to the ray's point in the plane
        lift[:3, :2] = view.T / unit**2
        lift[:3, 2] = -lift[:3, :2] @ origin
        lift[3, 2] = 1
        shape = np.broadcast_shapes(x.shape, y.shape)
        enter, leave = np.full(shape, -FAR), np.full(shape, FAR)
        if self.quadric.any():
            enter, leave = _within(self.quadric, along, lift, x, y)
        for face in self.faces:
            slope, (px, py, p1) = face @ along, face @ lift
            height = px * x + (py * y + p1)
            if slope > 1e-9:
                np.minimum(leave, height / -slope, out=leave)
            elif slope < -1e-9:
                np.maximum(enter, height / -slope, out=enter)
            else:
                np.copyto(leave, -FAR, where=height > 0)
        return enter, leave


def frustum(
    left: float,
    right: float,
    semi_axes: Sequence[float] | np.ndarray,
    taper: float,
    density: float,
) -> Convex:
    """Return a piece of an elliptic cone about the x axis.

    Parameters
    ----------
    left, right
        Its ends in x.
    semi_axes
        Along y and z, at x = 0.
    taper
        How much they grow, relative to those at x = 0, for every unit of x; 0: a cylinder.
    density
        What it adds to the density.

    Returns
    -------
    Convex

    Raises
    ------
    ParameterError
        If the ends are not in order, or the cone comes to its tip between them.
    """
    first, last = 1 + taper * left, 1 + taper * right
    if not left < right or min(first, last) <= 0 or min(semi_axes) <= 0:
        raise ParameterError(
            f"a frustum goes from left to a larger right, and is wider than 0 all along, got "
            f"left={left}, right={right}, semi_axes={tuple(semi_axes)} and taper={taper}."
        )
    quadric = np.diag([-(taper**2), *(1 / np.square(np.asarray(semi_axes, float))), -1.0])
    quadric[0, 3] = quadric[3, 0] = -taper
    widest = max(semi_axes) * max(first, last)
    return Convex(
        quadric=quadric,
        faces=np.array([[-1.0, 0, 0, left], [1.0, 0, 0, -right]]),
        density=float(density),
        volume=math.pi
        * semi_axes[0]
        * semi_axes[1]
        * (right - left)
        * (first * first + first * last + last * last)
        / 3,
        middle=np.array([(left + right) / 2, 0.0, 0.0]),
        radius=math.hypot((right - left) / 2, widest),
    )


def block(low: Sequence[float], high: Sequence[float], density: float) -> Convex:
    """Return a rectangular block between two corners (x, y, z)."""
    corners = np.array([low, high], float)
    size = corners[1] - corners[0]
    if not (size > 0).all():
        raise ParameterError(f"a block goes from low to a larger high, got {low} and {high}.")
    return Convex(
        quadric=np.zeros((4, 4)),
        faces=np.vstack(
            [np.column_stack([-np.eye(3), corners[0]]), np.column_stack([np.eye(3), -corners[1]])]
        ),
        density=float(density),
        volume=float(size.prod()),
        middle=corners.mean(0),
        radius=float(np.linalg.norm(size) / 2),
    )


def _within(
    quadric: np.ndarray, along: np.ndarray, lift: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays enter and leave a quadric, which is closed along them.

    On a ray the quadric is ``a s^2 + 2 b s + c``; b is linear in (x, y, 1) and the
    discriminant ``b^2 - a c`` a quadratic form, of which only the root is taken per sample.
    """
    a = along @ quadric @ along
    if not a > 0:
        raise ParameterError(
            "a cone or cylinder cannot be projected along its axis; turn it away from the beam."
        )
    b = lift.T @ quadric @ along / a
    form = np.outer(b, b) - lift.T @ quadric @ lift / a
    square = (form[0, 0] * x + 2 * form[0, 2]) * x + (form[1, 1] * y + 2 * form[1, 2]) * y
    square = square + (2 * form[0, 1] * y) * x + form[2, 2]
    root = np.sqrt(np.maximum(square, 0, out=square), out=square)
    middle = -b[0] * x + (-b[1] * y - b[2])
    return middle - root, middle + root


def _overlap(upper: np.ndarray, lower: np.ndarray, planes: np.ndarray, parts: int) -> np.ndarray:
    """Return how much of each voxel lies between two surfaces, (planes, y).

    `upper` and `lower` (parts, y parts) and `planes` count down z, in voxels.
    """
    end = np.minimum(lower, planes[:, None, None] + 0.5)
    begin = np.maximum(upper, planes[:, None, None] - 0.5)
    part = np.maximum(end - begin, 0)
    return part.reshape(len(planes), parts, -1, parts).mean((1, 3))


def _samples(semi_axis: float) -> int:
    """Return into how many parts a pixel's edge is cut, for a body of `semi_axis` px."""
    return int(np.clip(math.ceil(ACROSS / (2 * semi_axis)), 2, FINEST))


def _window(at: float, reach: float, n: int) -> tuple[int, int]:
    """Return the range of pixels that ``at - reach`` to ``at + reach`` touches."""
    return max(0, math.floor(at - reach + 0.5)), min(n, math.floor(at + reach + 0.5) + 1)


def _fine(first: int, end: int, parts: int) -> np.ndarray:
    """Return the midpoints of the parts of the pixels `first` to `end`."""
    return first - 0.5 + (np.arange((end - first) * parts) + 0.5) / parts
