"""Specimens of several elements, each a phantom of its own in the same place.

An amount of 1 is a voxel full of the pure element. Lengths are in units of the field of view.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation.phantoms import Phantom, random_turn
from tomojupyter.numerics.simulation.solids import Ellipsoid, block, frustum
from tomojupyter.numerics.simulation.specimens import scattered, turned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomojupyter.numerics.simulation.solids import Convex

    Body = Ellipsoid | Convex
    Amounts = Mapping[str, float]

OXIDE = {"Si": 0.5, "O": 1.0}


class Composition:
    """Bodies of several elements, collected into one phantom an element."""

    def __init__(self) -> None:
        self._bodies: dict[str, list[Body]] = {}

    def add(self, body: Body, amounts: Amounts, instead_of: Amounts | None = None) -> None:
        """Add a body of density 1 with these amounts, in place of what was there."""
        gone = instead_of or {}
        for element in {**amounts, **gone}:
            amount = amounts.get(element, 0) - gone.get(element, 0)
            if amount:
                self._bodies.setdefault(element, []).append(replace(body, density=amount))

    def turned(self, turn: np.ndarray, by: np.ndarray) -> dict[str, Phantom]:
        """Return one phantom an element, turned and moved."""
        return {
            element: Phantom(tuple(body.moved(turn, by) for body in bodies))
            for element, bodies in self._bodies.items()
        }


def layered_needle(seed: int = 0) -> dict[str, Phantom]:
    """Return a pillar of nickel and chromium layers on oxide and silicon, capped by platinum.

    One layer is a mixture, the silicon holds grains of a silicide. It leaves the images at
    large x, and leans by up to 4 degrees.
    """
    rng = np.random.default_rng([seed, 20])
    tip, taper, semi = -0.4, 0.35, np.array([0.2, 0.185])
    plan = [({"Pt": 0.75, "C": 0.25}, rng.uniform(0.1, 0.13))]
    mixed = int(rng.integers(2, 5))
    for k in range(7):
        pure = {"Ni": 1.0} if k % 2 else {"Cr": 1.0}
        amounts = {"Ni": 0.5, "Cr": 0.5} if k == mixed else pure
        plan.append((amounts, rng.uniform(0.045, 0.085)))
    plan += [(OXIDE, rng.uniform(0.04, 0.06)), ({"Si": 1.0}, 1.0)]
    made, left = Composition(), tip
    for amounts, width in plan:
        made.add(frustum(left, left + width, semi, taper, 1.0), amounts)
        left += width
    start = left - 1.0

    def grain() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.025, 0.05)
        x = rng.uniform(start + radius + 0.01, max(start + radius + 0.02, 0.48))
        free = semi * (1 + taper * x) - radius - 0.012
        angle = rng.uniform(0, 2 * math.pi)
        y, z = math.sqrt(rng.uniform()) * free * (math.cos(angle), math.sin(angle))
        return np.array([x, y, z]), radius

    for place, radius in scattered(4, grain, 0.004):
        body = Ellipsoid.from_axes(place, radius * rng.uniform(0.7, 1, 3), 1.0, random_turn(rng))
        made.add(body, {"Ni": 0.6, "Si": 0.4}, instead_of={"Si": 1.0})
    lean = turned(2, rng.uniform(-4, 4)) @ turned(1, rng.uniform(-4, 4))
    return made.turned(lean, np.array([0.0, *rng.uniform(-0.03, 0.03, 2)]))


def shelled_particles(seed: int = 0) -> dict[str, Phantom]:
    """Return particles of two kinds on a flake of carbon: Ni in Pt, and oxide in Cr."""
    rng = np.random.default_rng([seed, 21])
    half = 0.03
    made = Composition()
    made.add(block((-0.42, -0.34, -half), (0.42, 0.34, half), 1.0), {"C": 1.0})

    def particle() -> tuple[np.ndarray, float]:
        radius = rng.uniform(0.055, 0.11)
        x, y = rng.uniform(-0.36, 0.36), rng.uniform(-0.28, 0.28)
        return np.array([x, y, rng.choice([-1, 1]) * (half + radius)]), radius

    kinds = (({"Ni": 1.0}, {"Pt": 1.0}), (OXIDE, {"Cr": 1.0}))
    for k, (place, radius) in enumerate(scattered(10, particle, 0.015)):
        core, shell = kinds[k % 2]
        axes, turn = radius * rng.uniform(0.8, 1, 3), random_turn(rng)
        made.add(Ellipsoid.from_axes(place, axes, 1.0, turn), shell)
        inner = axes * rng.uniform(0.5, 0.7)
        made.add(Ellipsoid.from_axes(place, inner, 1.0, turn), core, instead_of=shell)
    lean = turned(0, rng.uniform(-5, 5)) @ turned(1, rng.uniform(-3, 3))
    return made.turned(lean, np.zeros(3))


COMPOSITIONS: dict[str, Callable[[int], dict[str, Phantom]]] = {
    "needle": layered_needle,
    "coreshell": shelled_particles,
}


def make_composition(name: str, seed: int = 0) -> dict[str, Phantom]:
    """Return one of the specimens of several elements by its name, in any case.

    Raises
    ------
    ParameterError
        If there is no such specimen.
    """
    maker = COMPOSITIONS.get(str(name).lower())
    if maker is None:
        raise ParameterError(f"phantom must be one of {', '.join(COMPOSITIONS)}, got {name!r}")
    return maker(seed)
