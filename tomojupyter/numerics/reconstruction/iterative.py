"""What iterative solvers share: the loop, the residual, which pixels and voxels count.

Solvers are written against a
:class:`~tomojupyter.numerics.reconstruction.projector.Projector` and a
:class:`~tomojupyter.numerics.reconstruction.problem.Problem`. They work on blocks of slices in
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
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.problem import check_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.problem import Problem
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
    kind: Callable[[Problem, Workers], State],
    problem: Problem,
    iterations: int,
    monitor: Monitor,
    ncores: int | None,
) -> Iterated:
    """Sweep over all blocks until the iterations are done."""
    check_counts(iterations, ncores)
    projector = problem.projector
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), iterations)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        state = kind(problem, workers)
        blocks = range(len(state.blocks))
        ones = np.ones((1, *projector.slice_shape), np.float32)
        rows = inverse_of(workers.run(state.projector.forward, [ones], beat)[0][0])
        state.rows = [rows] * len(blocks)
        workers.run(state.load, blocks, beat)
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
    """The iterate, its residual, and which pixels and voxels count: of each block.

    Arrays of a block are as `projector` likes them. They may have more slices than the block:
    those are padding.

    Attributes
    ----------
    blocks : list of slice
        Which slices each block has.
    volumes, sinograms, residuals : list of numpy.ndarray
        The iterate x, the data b, and b - A x, which is 0 where the weight is.
    weights, masks : list
        Of each block, (k, n, ny) and (k, nz, ny) or, where all slices have the same mask,
        (1, nz, ny); None where all are 1.
    rows : list of numpy.ndarray
        1 / A m for the mask m: (n, ny), or (k, n, ny) where slices have masks of their own.
    """

    order: Any = slice(None)  # of the projections

    def __init__(self, problem: Problem, workers: Workers) -> None:
        self.problem = problem
        self.projector = problem.projector
        self.workers = workers
        self.blocks = self.projector.blocks(len(problem.sinograms))
        self.volumes = self._parts()
        self.sinograms = self._parts()
        self.residuals = self._parts()
        self.weights: list[np.ndarray | None] = [None] * len(self.blocks)
        self.masks: list[np.ndarray | None] = [None] * len(self.blocks)
        self.rows = self._parts()

    def _parts(self) -> list[np.ndarray]:
        return [np.empty((0, 0, 0), np.float32)] * len(self.blocks)

    def load(self, i: int) -> None:
        """Take a block of the data, its weights, mask and start; unknown pixels become 0."""
        block = self.blocks[i]
        k = block.stop - block.start
        data = self.problem.sinograms[block][:, self.order]
        weights = self.problem.weights
        weights = None if weights is None else weights[block][:, self.order]
        self.volumes[i] = self.projector.slices(k)
        self.sinograms[i] = self.projector.sinograms(k)
        values = self.sinograms[i][:k]
        values[...] = data
        known = np.isfinite(values)
        if weights is not None:
            known &= weights > 0
        gaps = not known.all()
        if gaps:
            values[~known] = 0
        if gaps or not (weights is None or bool((weights == 1).all())):
            part = self.projector.sinograms(k)
            part[:k] = known if weights is None else np.where(known, weights, 0)
            self.weights[i] = part
        self._load_mask(i, k)
        self.residuals[i] = self.projector.sinograms(k)
        self.residuals[i][...] = self.sinograms[i]
        if self.problem.start is not None:
            self._load_start(i, k, self.problem.start[block])

    def _load_mask(self, i: int, k: int) -> None:
        if self.problem.mask is None:
            return
        mask = np.asarray(self.problem.mask[self.blocks[i]]) != 0
        if mask.all():
            return
        if bool((mask == mask[:1]).all()):
            one = mask[:1].astype(np.float32)
            self.masks[i], self.rows[i] = one, inverse_of(self.projector.forward(one)[0])
            return
        part = self.projector.slices(k)
        part[:k] = mask
        self.masks[i] = part
        self.rows[i] = inverse_of(self.projector.forward(part))

    def _load_start(self, i: int, k: int, start: np.ndarray) -> None:
        if not np.isfinite(start).all():
            raise ParameterError("start must be finite everywhere: replace its NaN by 0")
        self.volumes[i][:k] = start
        self.hold(i)
        self.take_residual(i)

    def hold(self, i: int) -> None:
        """Set the voxels of a block to 0 that its mask leaves out."""
        mask = self.masks[i]
        if mask is not None:
            self.volumes[i] *= mask

    def masked(self, factors: np.ndarray, i: int) -> np.ndarray:
        """Return factors (nz, ny) or (k, nz, ny) of corrections, 0 where the mask is."""
        mask = self.masks[i]
        if mask is None:
            return factors
        if len(mask) == 1 and factors.ndim == 2:
            return factors * mask[0]
        return factors * mask

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
        self.take_residual(i)
        residual, weights = self.residuals[i], self.weights[i]
        k = self.blocks[i].stop - self.blocks[i].start
        squares = 0.0
        for tilt in range(residual.shape[1]):  # a copy of one tilt at a time, in float64
            seen = residual[:k, tilt].astype(np.float64)
            if weights is not None:
                seen *= weights[:k, tilt]
            squares += float(np.vdot(seen, seen))
        return squares

    def take_residual(self, i: int) -> None:
        """Compute the residual of a block anew."""
        residual, weights = self.residuals[i], self.weights[i]
        self.projector.residual(self.volumes[i], self.sinograms[i], residual)
        if weights is not None:
            residual[weights == 0] = 0

    def correct(
        self, i: int, residual: np.ndarray, factors: np.ndarray, projector: Projector
    ) -> None:
        """Add the back-projection of a weighted residual to a block, within mask and limits."""
        lowest, highest = self.problem.lowest, self.problem.highest
        projector.correct(self.volumes[i], residual, factors, lowest, highest)
        if (lowest or 0) > 0 or (highest or 0) < 0:
            self.hold(i)

    def result(self) -> np.ndarray:
        """Return the iterate as one array; its parts are given up one by one."""
        volume = zeros((self.blocks[-1].stop, *self.projector.slice_shape))

        def one(i: int) -> None:
            block = self.blocks[i]
            for row in range(volume.shape[1]):  # the layouts differ: one row fits into the cache
                volume[block, row] = self.volumes[i][: block.stop - block.start, row]
            self.volumes[i] = volume[block]  # what monitors still show, without the old part

        for part in (self.sinograms, self.residuals, self.weights, self.masks, self.rows):
            part.clear()
        # The monitor has heard of the last iterate: nothing can be cancelled any more.
        self.workers.run(one, range(len(self.blocks)), lambda _: None)
        return volume


def inverse_of(sums: np.ndarray) -> np.ndarray:
    """Return 1 / sums, and 0 where nothing is crossed."""
    crossed = sums > TINY
    return np.where(crossed, 1 / np.where(crossed, sums, 1), 0).astype(np.float32)
