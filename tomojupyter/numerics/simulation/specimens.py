"""Specimens of the kinds that electron tomography is done on, drawn from a seed.

Lengths are in units of the field of view, densities relative to the main material.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation.phantoms import Phantom, catalyst, random_turn
from tomojupyter.numerics.simulation.solids import Convex, Ellipsoid, block, frustum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDE = 4.0  # half width of slab and film: they fill the images to tilts of 82 degrees
LAYERS = (1.0, 1.8, 0.7, 2.2, 1.2, 1.6)


def needle(seed: int = 0) -> Phantom:
    """Return a tapered pillar of layers across x, with inclusions.

    Its tip is in the images; its foot leaves them at large x, at every tilt. It leans by up to
    4 degrees out of the tilt axis, and its section is an ellipse.
    """
    rng = np.random.default_rng([seed, 10])
    taper, semi = 0.25, np.array([0.19, 0.165])
    tip, end = -0.36, 1.0
    bodies: list[Ellipsoid | Convex] = []
    left, k = tip, int(rng.integers(len(LAYERS)))
    while left < end:
        right = left + rng.uniform(0.07, 0.14)
        bodies.append(frustum(left, right, semi, taper, LAYERS[k % len(LAYERS)]))
        left, k = right, k + 1

    def inclusion() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.018, 0.045)
        x = rng.uniform(tip + radius + 0.01, 0.48)
        turn = rng.uniform(0, 2 * math.pi)
        free = semi * (1 + taper * x) - radius - 0.012
        y, z = math.sqrt(rng.uniform()) * free * (math.cos(turn), math.sin(turn))
        return np.array([x, y, z]), radius

    for place, radius in scattered(18, inclusion, 0.004):
        axes = radius * rng.uniform(0.7, 1.0, 3)
        density = rng.choice([-0.6, 1.5, 2.5])
        bodies.append(Ellipsoid.from_axes(place, axes, density, random_turn(rng)))
    lean = turned(2, rng.uniform(-4, 4)) @ turned(1, rng.uniform(-4, 4))
    by = np.array([0.0, *rng.uniform(-0.02, 0.02, 2)])
    return Phantom(tuple(body.moved(lean, by) for body in bodies))


def slab(seed: int = 0) -> Phantom:
    """Return a lamella that fills the images: matter enters and leaves them with tilt.

    A matrix with two bands and inclusions, a quarter of the field thick, and inclined by up to
    4 degrees. The inclusions reach to what a tilt of 72 degrees brings into a square image.
    """
    rng = np.random.default_rng([seed, 11])
    half = 0.12
    bodies: list[Ellipsoid | Convex] = [block((-WIDE, -WIDE, -half), (WIDE, WIDE, half), 0.5)]
    for x, width, density in ((-0.25, 0.08, 0.25), (0.2, 0.045, 0.4)):
        at = x + rng.uniform(-0.05, 0.05)
        bodies.append(block((at, -WIDE, -half), (at + width, WIDE, half), density))

    def inclusion() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.016, 0.043)
        x, y = rng.uniform(-0.65, 0.65), rng.uniform(-2, 2)
        return np.array([x, y, rng.uniform(-1, 1) * (half - radius)]), radius

    for place, radius in scattered(320, inclusion):
        axes = radius * rng.uniform(0.6, 1.0, 3)
        density = rng.choice([-0.4, 1.0, 2.0])
        bodies.append(Ellipsoid.from_axes(place, axes, density, random_turn(rng)))
    return _inclined(bodies, rng)


def film(seed: int = 0) -> Phantom:
    """Return dense particles on both sides of a thin film that fills the images.

    The film is inclined by up to 4 degrees; particles enter and leave the images with tilt.
    """
    rng = np.random.default_rng([seed, 12])
    half = 0.016
    bodies: list[Ellipsoid | Convex] = [block((-WIDE, -WIDE, -half), (WIDE, WIDE, half), 0.3)]

    def particle() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.014, 0.04)
        side = rng.choice([-1, 1])
        x, y = rng.uniform(-0.55, 0.55), rng.uniform(-0.9, 0.9)
        return np.array([x, y, side * (half + radius)]), radius

    for place, radius in scattered(60, particle, 0.008):
        axes = radius * rng.uniform(0.75, 1.0, 3)
        bodies.append(Ellipsoid.from_axes(place, axes, 2.0, random_turn(rng)))
    return _inclined(bodies, rng)


def hollow(seed: int = 0) -> Phantom:
    """Return a body with cavities and dense cores, whose densities are 0, 1 and 2 only.

    Half of the cavities hold a core. Compact: inside a radius of 0.4 at every tilt.
    """
    rng = np.random.default_rng([seed, 13])
    turn, middle = random_turn(rng), rng.uniform(-0.015, 0.015, 3)
    semi = np.array([0.34, 0.27, 0.23])
    bodies = [Ellipsoid.from_axes(middle, semi, 1.0, turn)]

    def hole() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.04, 0.09)
        way = rng.normal(size=3)
        way *= rng.uniform() ** (1 / 3) / np.linalg.norm(way)
        return middle + turn @ ((semi - radius - 0.02) * way), radius

    for k, (place, radius) in enumerate(scattered(12, hole, 0.012)):
        # A third are cores in the body itself, the rest cavities, every other with a core.
        axes = radius * rng.uniform(0.75, 1.0, 3)
        own = random_turn(rng)
        bodies.append(Ellipsoid.from_axes(place, axes, 1.0 if k % 3 == 2 else -1.0, own))
        if k % 3 == 1:
            bodies.append(Ellipsoid.from_axes(place, 0.5 * axes, 2.0, own))
    return Phantom(tuple(bodies))


PHANTOMS: dict[str, Callable[[int], Phantom]] = {
    "catalyst": catalyst,
    "needle": needle,
    "slab": slab,
    "film": film,
    "hollow": hollow,
}


def make_phantom(name: str, seed: int = 0) -> Phantom:
    """Return one of the phantoms by its name.

    Parameters
    ----------
    name
        ``"catalyst"``, ``"needle"``, ``"slab"``, ``"film"`` or ``"hollow"``, in any case.
    seed
        Of everything that is drawn by chance.

    Returns
    -------
    Phantom

    Raises
    ------
    ParameterError
        If there is no such phantom.
    """
    maker = PHANTOMS.get(str(name).lower())
    if maker is None:
        raise ParameterError(f"phantom must be one of {', '.join(PHANTOMS)}, got {name!r}")
    return maker(seed)


def scattered(
    count: int, draw: Callable[[], tuple[np.ndarray, float]], gap: float = 0.0
) -> list[tuple[np.ndarray, float]]:
    """Return `count` balls (place, radius) as `draw` gives them, none within `gap` of another."""
    places, radii = np.empty((count, 3)), np.empty(count)
    for k in range(count):
        for _ in range(5000):
            place, radius = draw()
            apart = np.linalg.norm(places[:k] - place, axis=1) - radii[:k]
            if (apart > radius + gap).all():
                break
        else:
            raise ParameterError(f"{count} inclusions do not fit without touching; ask for fewer.")
        places[k], radii[k] = place, radius
    return list(zip(places, radii, strict=True))


def _inclined(bodies: Sequence[Ellipsoid | Convex], rng: np.random.Generator) -> Phantom:
    """Return a flat specimen as it lies in a holder, a few degrees off."""
    lean = turned(0, rng.uniform(-4, 4)) @ turned(1, rng.uniform(-2, 2))
    return Phantom(tuple(body.moved(lean, np.zeros(3)) for body in bodies))


def turned(axis: int, angle_deg: float) -> np.ndarray:
    """Return the (3, 3) rotation about one of the axes x, y, z."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out = np.eye(3)
    out[i, i] = out[j, j] = math.cos(math.radians(angle_deg))
    out[j, i] = math.sin(math.radians(angle_deg))
    out[i, j] = -out[j, i]
    return out
