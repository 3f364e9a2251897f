"""What iterative solvers share: the loop, the residual, the limits, which pixels count.

Solvers are written against a
:class:`~tomojupyter.numerics.reconstruction.projector.Projector`. They work on blocks of slices in
threads; the monitor is called on the calling thread only. Blocks do not depend on the number of
threads and sums are taken in their order, so neither do the results.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.projector import Projector

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


class Live:
    """The current iterate, (nx, nz, ny), of which monitors may take what they show.

    It lies in blocks that the solver goes on with: ``live[x]`` is a view of one slice,
    ``np.array(live)`` puts a copy of the whole together.
    """

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, blocks: list[slice], parts: list[np.ndarray]) -> None:
        self._blocks, self._parts = blocks, parts
        self.shape = (blocks[-1].stop, *parts[0].shape[1:])

    def __len__(self) -> int:
        """Return the number of slices."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return a view of one slice, or what the key takes out of a copy of the whole."""
        if not isinstance(key, (int, np.integer)):
            return np.asarray(np.asarray(self)[key])
        x = range(len(self))[key]
        block, rest = divmod(x, self._blocks[0].stop)
        return np.asarray(self._parts[block][rest])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Put a copy together."""
        if copy is False:
            raise ValueError("the iterate lies in blocks: an array of it is a copy")
        whole = np.empty(self.shape, dtype or self.dtype)
        for block, part in zip(self._blocks, self._parts, strict=True):
            whole[block] = part[: block.stop - block.start]
        return whole


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
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), iterations)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        state = kind(projector, sinograms, weights, limits, workers)
        blocks = range(len(state.blocks))
        workers.run(state.load, blocks, beat)
        ones = np.ones((1, *projector.slice_shape), np.float32)
        state.rows = inverse_of(workers.run(projector.forward, [ones], beat)[0][0])
        state.start(beat)
        live = Live(state.blocks, state.volumes)
        while len(residuals) < iterations:
            squares = workers.run(state.sweep, blocks, beat)
            residuals.append(float(np.sqrt(np.sum(squares))))
            monitor(len(residuals), iterations, residual=residuals[-1], volume=live)
            if monitor.finish_early:
                break
        return Iterated(state.result(), np.array(residuals), len(residuals))


class State(ABC):
    """The iterate, its residual, and which pixels count: of each block, as `projector` likes it.

    An array of a block may have more slices than the block: those are padding.
    """

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
        self.blocks = projector.blocks(len(sinograms))
        self._given = sinograms, weights
        self.volumes = self._parts()
        self.sinograms = self._parts()
        self.residuals = self._parts()  # b - A x, and x = 0
        self.weights: list[np.ndarray | None] = [None] * len(self.blocks)
        self.rows = np.empty(0, np.float32)

    def _parts(self) -> list[np.ndarray]:
        return [np.empty((0, 0, 0), np.float32)] * len(self.blocks)

    def load(self, i: int) -> None:
        """Take a block of the data and its weights; unknown pixels become 0."""
        block = self.blocks[i]
        k = block.stop - block.start
        data, weights = self._given
        self.volumes[i] = self.projector.slices(k)
        self.sinograms[i] = self.projector.sinograms(k)
        values = self.sinograms[i][:k]
        values[...] = data[block]
        known = np.isfinite(values)
        if weights is not None:
            known &= weights[block] > 0
        gaps = not known.all()
        if gaps:
            values[~known] = 0
        if gaps or not (weights is None or bool((weights[block] == 1).all())):
            part = self.projector.sinograms(k)
            part[:k] = known if weights is None else np.where(known, weights[block], 0)
            self.weights[i] = part
        self.residuals[i] = self.sinograms[i].copy(order="K")

    @abstractmethod
    def start(self, beat: Callable[[int], None]) -> None:
        """Compute what all sweeps need."""

    @abstractmethod
    def change(self, i: int) -> None:
        """Take one iteration for a block of slices."""

    def sweep(self, i: int) -> float:
        """Take one iteration for a block of slices; return its squared residual."""
        self.change(i)
        if self.workers.stop.is_set():
            return 0.0
        residual, weights = self.residuals[i], self.weights[i]
        self.projector.residual(self.volumes[i], self.sinograms[i], residual)
        if weights is not None:
            residual[weights == 0] = 0
        k = self.blocks[i].stop - self.blocks[i].start
        squares = 0.0
        for tilt in range(residual.shape[1]):  # a copy of one tilt at a time, in float64
            seen = residual[:k, tilt].astype(np.float64)
            if weights is not None:
                seen *= weights[:k, tilt]
            squares += float(np.vdot(seen, seen))
        return squares

    def result(self) -> np.ndarray:
        """Return the iterate as one array; its parts are given up one by one."""
        _, ny = self.projector.sinogram_shape
        volume = np.empty((self.blocks[-1].stop, self.projector.thickness, ny), np.float32)

        def one(i: int) -> None:
            block = self.blocks[i]
            for row in range(volume.shape[1]):  # the layouts differ: one row fits into the cache
                volume[block, row] = self.volumes[i][: block.stop - block.start, row]
            self.volumes[i] = volume[block]  # what monitors still show, without the old part

        for part in (self.sinograms, self.residuals, self.weights):
            part.clear()
        # The monitor has heard of the last iterate: nothing can be cancelled any more.
        self.workers.run(one, range(len(self.blocks)), lambda _: None)
        return volume


def inverse_of(sums: np.ndarray) -> np.ndarray:
    """Return 1 / sums, and 0 where nothing is crossed."""
    crossed = sums > TINY
    return np.where(crossed, 1 / np.where(crossed, sums, 1), 0).astype(np.float32)


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
