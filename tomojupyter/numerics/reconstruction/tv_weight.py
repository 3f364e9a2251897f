"""The weight of total variation that predicts projections which it was not shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction.tv_state import TotalVariation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.problem import Problem
    from tomojupyter.numerics.reconstruction.projector import Projector

SLICES = 16  # that the search looks at: the smallest block of the kernels
EVERY = 6  # one of so many projections is held out
FIRST, NEXT = 40, 25  # iterations with the first weight, and with each that follows
FACTOR = 2.0  # from weight to weight
MOST = 16  # weights at most


def choose_weight(
    problem: Problem, workers: Workers, beat: Callable[[int], None]
) -> tuple[float, tuple[tuple[float, float], ...]]:
    """Return the weight that predicts projections held out best, and all that were tried."""
    n = problem.projector.sinogram_shape[0]
    if n < 3:
        raise ParameterError(
            f"weight=None needs at least 3 projections to choose a weight by, got {n}: give one"
        )
    part = problem.of_slices(densest(problem))
    kept, held = split(problem.projector.tilts_deg)
    train, test = problem.projector.subset(kept), problem.projector.subset(held)
    shown = _of_tilts(part, train, kept)
    unseen = _of_tilts(part, test, held)
    level = noise(shown.sinograms, shown.weights)
    if not level > 0:
        return 0.0, ()
    train.prepare()
    test.prepare()
    state = TotalVariation(shown, workers)
    highest = 4 * level / np.sqrt(len(kept))
    state.begin(highest, beat)
    tried: list[tuple[float, float]] = []

    def error(weight: float) -> float:
        state.use(weight)
        for _ in range(NEXT if tried else FIRST):
            state.advance(beat)
        tried.append((weight, misfit(unseen, state, workers, beat)))
        return tried[-1][1]

    weight, best, worse = highest, np.inf, 0
    while worse < 2 and len(tried) < MOST:
        found = error(weight)
        worse = 0 if found < best else worse + 1
        best = min(best, found)
        weight /= FACTOR
    weight = highest * FACTOR
    while tried[0][1] <= best and len(tried) < MOST:  # nothing smaller was better
        found = error(weight)
        if found >= best:
            break
        best = found
        weight *= FACTOR
    tried.sort()
    chosen = vertex(tried)
    return chosen * float(np.sqrt(len(kept) / n)), tuple(tried)


def misfit(
    unseen: Problem, state: TotalVariation, workers: Workers, beat: Callable[[int], None]
) -> float:
    """Return the mean squared misfit to the projections held out."""

    def one(i: int) -> tuple[float, float]:
        block = state.blocks[i]
        k = block.stop - block.start
        left = unseen.projector.forward(state.volumes[i])[:k] - unseen.sinograms[block]
        known = np.isfinite(left)
        weights = known.astype(np.float64)
        if unseen.weights is not None:
            weights *= unseen.weights[block]
        squares = np.where(weights > 0, left, 0).astype(np.float64) ** 2
        return float((weights * squares).sum()), float(weights.sum())

    squares, count = np.sum(workers.run(one, range(len(state.blocks)), beat), axis=0)
    return float(squares / count) if count else 0.0


def _of_tilts(problem: Problem, projector: Projector, index: list[int]) -> Problem:
    """Return the problem of some projections, from zeros."""
    weights = None if problem.weights is None else problem.weights[:, index]
    return replace(
        problem,
        projector=projector,
        sinograms=problem.sinograms[:, index],
        weights=weights,
        start=None,
    )


def split(tilts_deg: np.ndarray) -> tuple[list[int], list[int]]:
    """Return which projections are kept and which held out: every sixth in the order of tilts."""
    order = np.argsort(tilts_deg, kind="stable")
    n = len(order)
    held = order[EVERY // 2 :: EVERY] if n > EVERY else order[n // 2 : n // 2 + 1]
    return [int(i) for i in range(n) if i not in set(held.tolist())], sorted(int(i) for i in held)


def densest(problem: Problem) -> slice:
    """Return the consecutive slices that show most."""
    nx = len(problem.sinograms)
    if nx <= SLICES:
        return slice(0, nx)
    shown = np.array([_square(problem, x) for x in range(nx)])
    sums = np.convolve(shown, np.ones(SLICES), "valid")
    first = int(np.argmax(sums))
    return slice(first, first + SLICES)


def _square(problem: Problem, x: int) -> float:
    seen = np.asarray(problem.sinograms[x], np.float64)
    if problem.weights is not None:
        seen = np.where(problem.weights[x] > 0, seen, 0)
    return float(np.nansum(seen**2))


def noise(sinograms: np.ndarray, weights: np.ndarray | None) -> float:
    """Return a rough level of noise, by what is neither smooth in y nor in x."""
    seen = np.asarray(sinograms, np.float64)
    if weights is not None:
        seen = np.where(weights > 0, seen, np.nan)
    gain = 1.0
    for axis in (0, 2):
        if seen.shape[axis] > 2:
            seen, gain = np.diff(seen, 2, axis), gain * 6
    seen = seen[np.isfinite(seen)]
    return float(np.sqrt(np.mean(seen**2) / gain)) if seen.size else 0.0


def vertex(tried: list[tuple[float, float]]) -> float:
    """Return where a parabola through the best weight and its neighbours is lowest."""
    errors = [error for _, error in tried]
    i = int(np.argmin(errors))
    if not 0 < i < len(tried) - 1:
        return tried[i][0]
    left, middle, right = errors[i - 1 : i + 2]
    bend = left - 2 * middle + right
    offset = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(tried[i][0] * FACTOR**offset)
