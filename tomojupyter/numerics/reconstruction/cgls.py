"""CGLS: conjugate gradients for least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.iterative import Iterated, State, iterate
from tomojupyter.numerics.reconstruction.problem import Given, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
REFRESH = 20  # iterations between two residuals computed from the iterate: rounding adds up


def cgls(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    **given: Unpack[Given],
) -> Iterated:
    """Reconstruct by conjugate gradients for weighted least squares.

    Parameters
    ----------
    projector, sinograms, monitor, ncores, **given
        As for :func:`tomojupyter.numerics.reconstruction.sirt.sirt`, but for limits and
        relaxation, which the method cannot keep.
    iterations
        Steps, each with one projection and one back-projection, at least 1.

    Returns
    -------
    Iterated
        The last iterate, the residual after each iteration, the iterations done.

    Raises
    ------
    ParameterError
        If a parameter is out of range, shapes do not match, or limits are asked for.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    Minimises ``sum W (b - A x)^2`` over the voxels of the mask, for each slice alone. In as many
    iterations no other method whose steps are combinations of back-projected residuals comes
    closer; noise is fitted as soon, so that few iterations are right: about the square root of
    SIRT's. Limits would end the conjugacy of the directions, on which all of this rests, so
    they are refused. The directions are not part of the result: k iterations from a start begin
    with the steepest descent there, and are a little behind n + k.

    References
    ----------
    M. R. Hestenes and E. Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409,
    doi:10.6028/jres.049.044.
    """
    problem = Problem(projector, sinograms, **given)
    if problem.constrain or problem.upper is not None or problem.relaxation != 1:
        raise ParameterError(
            "CGLS takes no limits (constrain, thresh, upper) and no relaxation, which would end "
            "the conjugacy of its directions: OS-SIRT keeps limits and is as fast"
        )
    return iterate(_Cgls, problem, iterations, monitor, ncores)


class _Cgls(State):
    """Directions, and the squared length of the gradients that led to them: of each slice."""

    def __init__(self, problem: Problem, workers: Workers) -> None:
        super().__init__(problem, workers)
        self.directions, self.lengths = self._parts(), self._parts()
        self.counts = [0] * len(self.blocks)

    def start(self, beat: Callable[[int], None]) -> None:
        """Do nothing: the first direction is found like the others."""

    def _gradient(self, i: int) -> np.ndarray:
        residual, weights = self.residuals[i], self.weights[i]
        found = self.projector.back(residual if weights is None else residual * weights)
        mask = self.masks[i]
        if mask is not None:
            found *= mask
        return found

    def change(self, i: int) -> None:
        """Turn to the next direction, and take one step."""
        gradient = self._gradient(i)
        length = _squares(gradient)
        if self.counts[i]:
            _add(gradient, _ratio(length, self.lengths[i]), self.directions[i])
        self.directions[i], self.lengths[i] = gradient, length
        if self.workers.stop.is_set():
            return
        weights = self.weights[i]
        seen = self.projector.forward(gradient)
        step = _ratio(length, _squares(seen, weights))
        _add(self.volumes[i], step, gradient)
        if weights is not None:
            seen[weights == 0] = 0
        _add(self.residuals[i], -step, seen)
        self.counts[i] += 1

    def take_residual(self, i: int) -> None:
        """Do nothing but now and then: a step brings the residual along."""
        if self.counts[i] % REFRESH == 0:
            super().take_residual(i)


def _squares(block: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the weighted sum of squares of each slice, in float64."""
    total = np.zeros(len(block))
    for row in range(block.shape[1]):  # fits into the cache
        one = block[:, row]
        total += np.sum(one * one if weights is None else one * one * weights[:, row], axis=1)
    return total


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return above / below, and 0 where nothing is left to do."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _add(block: np.ndarray, factors: np.ndarray, other: np.ndarray) -> None:
    """Add another block to a block, each slice times its factor."""
    column = factors.astype(np.float32)[:, None]
    for row in range(block.shape[1]):
        block[:, row] += column * other[:, row]
