"""SIRT: the simultaneous iterative reconstruction technique."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.iterative import (
    Iterated,
    Limits,
    State,
    inverse_of,
    iterate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()


def sirt(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    constrain: bool = False,
    thresh: float = 0.0,
    upper: float | None = None,
    relaxation: float = 1.0,
    weights: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Iterated:
    """Reconstruct by the simultaneous iterative reconstruction technique.

    Parameters
    ----------
    projector
        Of the geometry.
    sinograms
        (nx, n, ny) line integrals, any real dtype. Not modified.
    iterations
        Full sweeps over all tilts, at least 1.
    constrain
        Keep voxels at `thresh` or above after each iteration.
    thresh
        Lowest value allowed with `constrain`, in units of the sinograms per px.
    upper
        Highest value allowed, in the same units. None: no limit.
    relaxation
        Factor of every step, above 0 and below 2.
    weights
        (nx, n, ny), 0 or more, or None (all 1). A pixel with weight 0, and a NaN, has no
        influence at all.
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
    From ``x = 0``: ``x <- x + C A' W R (b - A x)`` with ``R = 1 / A 1`` and
    ``C = 1 / A' W 1``. Memory beyond input and output: the projector's, the data, the residuals
    and, where not all are 1, the weights (each as large as the sinograms in float32), and one
    slice of factors for each block of slices, or as many as slices where their weights differ.

    References
    ----------
    J. Gregor and T. Benson, IEEE Trans. Med. Imaging 27 (2008) 918,
    doi:10.1109/TMI.2008.923696.
    """
    limits = Limits.of(constrain, thresh, upper, relaxation)
    return iterate(_Sirt, projector, sinograms, weights, limits, iterations, monitor, ncores)


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
        if weights is None:
            return
        k = self.blocks[i].stop - self.blocks[i].start
        if bool((weights[:k] == weights[:1]).all()):
            self.columns[i] = self._factors(np.ascontiguousarray(weights[:1]))[0]
        else:
            self.columns[i] = self._factors(weights)

    def _factors(self, weights: np.ndarray) -> np.ndarray:
        factors = inverse_of(self.projector.back(weights))
        factors *= np.float32(self.limits.relaxation)
        return factors

    def change(self, i: int) -> None:
        """Take one step along the whole residual."""
        weighted, weights = self.residuals[i], self.weights[i]
        weighted *= self.rows  # in place: the sweep computes the residual again
        if weights is not None:
            weighted *= weights
        lowest, highest = self.limits.lowest, self.limits.highest
        self.projector.correct(self.volumes[i], weighted, self.columns[i], lowest, highest)
