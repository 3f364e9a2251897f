"""SIRT: the simultaneous iterative reconstruction technique."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.iterative import Iterated, State, inverse_of, iterate
from tomojupyter.numerics.reconstruction.problem import Given, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()


def sirt(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    **given: Unpack[Given],
) -> Iterated:
    """Reconstruct by the simultaneous iterative reconstruction technique.

    Parameters
    ----------
    projector, sinograms, **given
        As for :class:`~tomojupyter.numerics.reconstruction.problem.Problem`: weights, start,
        mask, constrain, thresh, upper and relaxation.
    iterations
        Full sweeps over all tilts, at least 1.
    monitor
        Called after each iteration as ``monitor(i, iterations, residual=r, volume=array)``
        with the current iterate, which it must not change, and about every 0.1 s as
        ``monitor(i, iterations)``. ``finish_early`` ends after the current iteration.
    ncores
        Threads. None: one per core.

    Returns
    -------
    Iterated
        The last iterate, the residual after each iteration, the iterations done.

    Raises
    ------
    ParameterError
        If a parameter is out of range or shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    From ``x = 0`` or the start: ``x <- x + C A' W R (b - A x)`` with ``R = 1 / A m`` for the mask
    m (all 1 without one) and ``C = m / A' W 1``. Nothing but x goes from one iteration to the
    next: n iterations and k more from their result are n + k. Memory beyond input and output: the
    projector's, the data, the residuals and, where not all are 1, the weights (each as large as
    the sinograms in float32), and one slice of factors for each block of slices, or as many as
    slices where their weights or masks differ; the masks then, and 1 / A m for each pixel.

    References
    ----------
    J. Gregor and T. Benson, IEEE Trans. Med. Imaging 27 (2008) 918,
    doi:10.1109/TMI.2008.923696.
    """
    return iterate(_Sirt, Problem(projector, sinograms, **given), iterations, monitor, ncores)


class _Sirt(State):
    """All projections at a time."""

    def start(self, beat: Callable[[int], None]) -> None:
        """Compute C: one slice for a block whose slices have the same weights, else all."""
        ones = np.ones((1, *self.projector.sinogram_shape), np.float32)
        whole = self.workers.run(self._factors, [ones], beat)[0][0]
        self.columns = [whole] * len(self.blocks)
        self.workers.run(self._weigh, range(len(self.blocks)), beat)

    def _weigh(self, i: int) -> None:
        weights = self.weights[i]
        if weights is not None:
            k = self.blocks[i].stop - self.blocks[i].start
            if bool((weights[:k] == weights[:1]).all()):
                self.columns[i] = self._factors(np.ascontiguousarray(weights[:1]))[0]
            else:
                self.columns[i] = self._factors(weights)
        self.columns[i] = self.masked(self.columns[i], i)

    def _factors(self, weights: np.ndarray) -> np.ndarray:
        factors = inverse_of(self.projector.back(weights))
        factors *= np.float32(self.problem.relaxation)
        return factors

    def change(self, i: int) -> None:
        """Take one step along the whole residual."""
        weighted, weights = self.residuals[i], self.weights[i]
        weighted *= self.rows[i]  # in place: the sweep computes the residual again
        if weights is not None:
            weighted *= weights
        self.correct(i, weighted, self.columns[i], self.projector)
