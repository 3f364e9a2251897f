"""Reconstruction with a penalty on the total variation of the volume, in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.iterative import Iterated, Live
from tomojupyter.numerics.reconstruction.problem import Given, Problem, check_counts
from tomojupyter.numerics.reconstruction.tv_state import TotalVariation
from tomojupyter.numerics.reconstruction.tv_weight import choose_weight

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
CALM = 3  # iterations in a row that must change the volume by little


@dataclass(frozen=True)
class Regularised(Iterated):
    """What :func:`tv` found.

    Parameters
    ----------
    volume, residuals, iterations
        As for :class:`~tomojupyter.numerics.reconstruction.iterative.Iterated`.
    weight
        The weight that was used.
    tried
        Weights that were tried to choose it, and the mean squared misfit of each to the
        projections held out.
    """

    weight: float
    tried: tuple[tuple[float, float], ...] = ()


def tv(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    weight: float | None = None,
    iterations: int = 100,
    tolerance: float = 0.0,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    **given: Unpack[Given],
) -> Regularised:
    """Reconstruct with a penalty on total variation.

    Parameters
    ----------
    projector, sinograms, **given
        As for :class:`~tomojupyter.numerics.reconstruction.problem.Problem`: weights, start,
        mask, constrain, thresh, upper, and relaxation, which must not be above 1.
    weight
        Of the penalty, 0 or more, in units of the sinograms. None: found by
        :func:`~tomojupyter.numerics.reconstruction.tv_weight.choose_weight`.
    iterations
        Iterations at most, at least 1; each costs little more than one of SIRT.
    tolerance
        Ends where three iterations in a row change the volume by less than this part of it (L2
        norms). 0: does all iterations.
    monitor
        As for :func:`~tomojupyter.numerics.reconstruction.sirt.sirt`. While the weight is sought
        no volume is shown.
    ncores
        Threads. None: one per core.

    Returns
    -------
    Regularised
        The last iterate, the residual after each iteration, the iterations done, the weight, and
        where it was sought the weights tried and how badly each predicted the tilts held out.

    Raises
    ------
    ParameterError
        If a parameter is out of range or shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    Minimises ``sum(w (A x - b)^2) / 2 + n weight TV(x)`` for n tilts within mask and limits; TV is
    the sum of the lengths of forward differences in x, y and z, none across the border. FISTA with
    the step ``1 / max(A' W A 1)``; its proximal step is one step of projected gradient ascent
    on the dual field, which goes on from that of the iteration before. After 40 iterations the
    momentum decays, so that the iterate comes to rest; it depends on nothing but the number of the
    iteration. All blocks of slices
    advance together and exchange their faces, so the result is that of the whole volume. Memory
    beyond input and output: SIRT's, four arrays as large as the volume, and masks.

    References
    ----------
    L. I. Rudin, S. Osher and E. Fatemi, Physica D 60 (1992) 259,
    doi:10.1016/0167-2789(92)90242-F. A. Beck and M. Teboulle, IEEE Trans. Image Process. 18 (2009)
    2419, doi:10.1109/TIP.2009.2028250.
    """
    problem = Problem(projector, sinograms, **given)
    check_counts(iterations, ncores)
    if problem.relaxation > 1:
        raise ParameterError(f"relaxation must be at most 1 with TV, got {problem.relaxation}")
    if weight is not None and not 0 <= weight < np.inf:
        raise ParameterError(f"weight must be 0 or more and finite, or None, got {weight}")
    if tolerance < 0:
        raise ParameterError(f"tolerance must be 0 or more, got {tolerance}")
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), iterations)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        tried: tuple[tuple[float, float], ...] = ()
        if weight is None:
            weight, tried = choose_weight(problem, workers, beat)
        state = TotalVariation(problem, workers)
        state.begin(weight, beat)
        live, calm = Live(state.blocks, state.volumes), 0
        while len(residuals) < iterations:
            residual, change = state.advance(beat)
            residuals.append(residual)
            monitor(len(residuals), iterations, residual=residual, volume=live)
            calm = calm + 1 if change < tolerance else 0
            if monitor.finish_early or calm == CALM:
                break
        volume = state.result()
        return Regularised(volume, np.array(residuals), len(residuals), weight, tried)
