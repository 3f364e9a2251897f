"""SART: the simultaneous algebraic reconstruction technique."""

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


def sart(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    **given: Unpack[Given],
) -> Iterated:
    """Reconstruct by the simultaneous algebraic reconstruction technique.

    Parameters
    ----------
    projector, sinograms, monitor, ncores, **given
        As for :func:`tomojupyter.numerics.reconstruction.sirt.sirt`.
    iterations
        Full sweeps over all tilts, at least 1: each projection is used once in each.

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
    For one projection after the other: ``x <- x + C_i A_i' W_i R_i (b_i - A_i x)`` with
    ``R_i = 1 / A_i m`` for the mask m (all 1 without one) and ``C_i = m / A_i' W_i 1``. Nothing
    but x goes from one iteration to the next. Projections that follow each other lie far
    apart in tilt, always in the same order. The noise of the data goes into the volume much
    sooner than in SIRT; a smaller `relaxation` holds it back.

    References
    ----------
    A. H. Andersen and A. C. Kak, Ultrason. Imaging 6 (1984) 81,
    doi:10.1177/016173468400600107.
    """
    return iterate(_Sart, Problem(projector, sinograms, **given), iterations, monitor, ncores)


class _Sart(State):
    """One projection after the other."""

    def start(self, beat: Callable[[int], None]) -> None:
        """Make a projector of each tilt, and its C."""
        self.order = far_apart(self.projector.tilts_deg)
        self.parts, self.columns = [], []
        for i in self.order:
            part = self.projector.subset([i])
            part.prepare()
            ones = np.ones((1, *part.sinogram_shape), np.float32)
            self.parts.append(part)
            self.columns.append(
                inverse_of(part.back(ones))[0] * np.float32(self.problem.relaxation)
            )
            beat(0)

    def change(self, i: int) -> None:
        """Take a step for each projection."""
        volume, weights = self.volumes[i], self.weights[i]
        for tilt, part, whole in zip(self.order, self.parts, self.columns, strict=True):
            if self.workers.stop.is_set():
                return
            line = slice(tilt, tilt + 1)
            residual = self.sinograms[i][:, line] - part.forward(volume)
            column = whole
            if weights is not None:
                known = weights[:, line]
                if not known.any():
                    continue
                residual = np.where(known > 0, residual, 0) * known
                column = inverse_of(part.back(known)) * np.float32(self.problem.relaxation)
            residual *= self.rows[i][..., line, :]
            self.correct(i, residual, self.masked(column, i), part)


def far_apart(tilts_deg: np.ndarray) -> list[int]:
    """Return an order of the projections in which neighbours lie far apart in tilt.

    Parameters
    ----------
    tilts_deg
        (n,) degrees, any order.

    Returns
    -------
    list[int]
        Every index once: steps of about 0.38 of the sorted tilts, the golden section, so that
        each projection lies in the largest gap that those before have left.
    """
    by_tilt = np.argsort(tilts_deg, kind="stable")
    n = len(by_tilt)
    places = (np.arange(n) * (3 - np.sqrt(5)) / 2) % 1
    # The rank of each place in the sorted places is a permutation without gaps.
    return [int(by_tilt[k]) for k in np.argsort(np.argsort(places))]
