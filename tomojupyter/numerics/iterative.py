"""What iterative solvers share: the loop, the residual, the limits, which pixels count.

Solvers are written against a :class:`~tomojupyter.numerics.projector.Projector`. They work
on blocks of slices in threads; the monitor is called on the calling thread only. Blocks do not
depend on the number of threads and sums are taken in their order, so neither do the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.projector import LANES, Projector

if TYPE_CHECKING:
    from collections.abc import Callable

SILENT = Silent()
TINY = 1e-6  # a ray or a voxel crossed by less than this many px is not crossed


@dataclass(frozen=True)
class Iterated:
    """What an iterative solver found.

    Parameters
    ----------
    volume
        float32, (nx, nz, ny).
    residuals
        L2 norm of the weighted residual after each iteration, over the whole volume.
    iterations
        Iterations that were really done.
    """

    volume: np.ndarray
    residuals: np.ndarray
    iterations: int


@dataclass(frozen=True)
class Limits:
    """What keeps an iterate in bounds: lowest and highest value, and the factor of a step."""

    lowest: float | None
    highest: float | None
    relaxation: float

    @classmethod
    def of(cls, constrain: bool, thresh: float, upper: float | None, relaxation: float) -> Limits:
        """Return limits made of a solver's parameters, or say which cannot be."""
        lowest = thresh if constrain else None
        if not 0 < relaxation < 2:
            raise ParameterError(f"relaxation must be above 0 and below 2, got {relaxation}")
        if upper is not None and lowest is not None and not upper > lowest:
            raise ParameterError(f"upper must be above thresh, {lowest}, got {upper}")
        return cls(lowest, upper, relaxation)

    def apply(self, volume: np.ndarray) -> None:
        """Bring a volume within the limits, in place."""
        if self.lowest is not None:
            np.maximum(volume, np.float32(self.lowest), out=volume)
        if self.highest is not None:
            np.minimum(volume, np.float32(self.highest), out=volume)


def iterate(
    kind: type[State],
    projector: Projector,
    sinograms: np.ndarray,
    weights: np.ndarray | None,
    limits: Limits,
    iterations: int,
    monitor: Monitor,
    ncores: int | None,
) -> Iterated:
    """Sweep over all blocks until the iterations are done."""
    check_shapes(projector, sinograms, weights, ncores)
    if iterations < 1:
        raise ParameterError(f"iterations must be at least 1, got {iterations}")
    blocks = blocks_of(len(sinograms))
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), iterations)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        state = kind(projector, sinograms, weights, limits, workers)
        state.start(beat)
        while len(residuals) < iterations:
            squares = workers.run(state.sweep, blocks, beat)
            residuals.append(float(np.sqrt(np.sum(squares))))
            monitor(len(residuals), iterations, residual=residuals[-1], volume=state.volume)
            if monitor.finish_early:
                break
    return Iterated(state.volume, np.array(residuals), len(residuals))


class State:
    """The iterate, its residual, and which pixels count."""

    def __init__(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        weights: np.ndarray | None,
        limits: Limits,
        workers: Workers,
    ) -> None:
        self.projector = projector
        self.limits = limits
        self.workers = workers
        self.volume = np.zeros((len(sinograms), *projector.slice_shape), np.float32)
        self.sinograms = sinograms
        self.residual = np.array(sinograms, dtype=np.float32)  # b - A x, and x = 0
        known = np.isfinite(self.residual)
        if weights is not None:
            known &= weights > 0
        self.gaps = not known.all()
        if self.gaps:
            self.residual[~known] = 0
        ones = np.ones((1, *projector.slice_shape), np.float32)
        self.rows = inverse_of(projector.forward(ones)[0])
        self.weights: np.ndarray | None = None
        if self.gaps or not (weights is None or bool((weights == 1).all())):
            given = known if weights is None else np.where(known, weights, 0)
            self.weights = given.astype(np.float32)

    def start(self, beat: Callable[[int], None]) -> None:
        """Compute what all sweeps need."""
        raise NotImplementedError(f"{type(self).__name__} needs a start()")

    def change(self, block: slice) -> None:
        """Take one iteration for a block of slices."""
        raise NotImplementedError(f"{type(self).__name__} needs a change()")

    def sweep(self, block: slice) -> float:
        """Take one iteration for a block of slices; return its squared residual."""
        self.change(block)
        if self.workers.stop.is_set():
            return 0.0
        residual = self.residual[block]
        projected = self.projector.forward(self.volume[block])
        np.subtract(self.sinograms[block], projected, out=residual, casting="unsafe")
        seen = residual
        if self.weights is not None:
            if self.gaps:
                residual[self.weights[block] == 0] = 0  # a NaN times 0 is no 0
            seen = residual * self.weights[block]
        return float(np.sum(np.square(seen, dtype=np.float64)))


def inverse_of(sums: np.ndarray) -> np.ndarray:
    """Return 1 / sums, and 0 where nothing is crossed."""
    crossed = sums > TINY
    return np.where(crossed, 1 / np.where(crossed, sums, 1), 0).astype(np.float32)


def blocks_of(nx: int) -> list[slice]:
    """Return the blocks of slices that are worked on together."""
    return [slice(first, min(nx, first + LANES)) for first in range(0, nx, LANES)]


def check_shapes(
    projector: Projector, sinograms: np.ndarray, weights: np.ndarray | None, ncores: int | None
) -> None:
    """Raise a sentence where shapes do not match."""
    n, ny = projector.sinogram_shape
    if sinograms.ndim != 3 or sinograms.shape[1:] != (n, ny) or not len(sinograms):
        raise ParameterError(
            f"sinograms have the shape (slices, {n}, {ny}) here, got {sinograms.shape}"
        )
    if weights is not None and weights.shape != sinograms.shape:
        raise ParameterError(
            f"weights need the shape of the sinograms, {sinograms.shape}, got {weights.shape}"
        )
    if ncores is not None and ncores < 1:
        raise ParameterError(f"ncores must be at least 1, got {ncores}")
