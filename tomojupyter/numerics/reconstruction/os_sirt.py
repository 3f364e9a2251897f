"""OS-SIRT: SIRT over ordered subsets of the projections, with Nesterov's momentum."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Unpack

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.iterative import Iterated, State, inverse_of, iterate
from tomojupyter.numerics.reconstruction.problem import Given, Problem
from tomojupyter.numerics.reconstruction.sart import far_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
SLACK = 1e-5  # by which a misfit in float32 may grow from rounding alone


def os_sirt(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    subsets: int = 8,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    **given: Unpack[Given],
) -> Iterated:
    """Reconstruct by SIRT over ordered subsets of the projections, with momentum.

    Parameters
    ----------
    projector, sinograms, monitor, ncores, **given
        As for :func:`tomojupyter.numerics.reconstruction.sirt.sirt`.
    iterations
        Full sweeps over all tilts, at least 1.
    subsets
        Groups of projections that are used one after the other in each sweep, at least 1; as
        many as projections at most. 1 is SIRT with momentum.

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
    A sweep: ``x <- P(y + l D A_m' W R (b_m - A_m y))`` for each subset m of projections far apart
    in tilt, with the limits P, ``R = 1 / A m`` for the mask m, ``D`` the smallest of the subsets'
    ``1 / A_m' max(W)`` at each voxel, and l the relaxation. Then ``y = x + (t - 1) / t' (x - x')``
    with Nesterov's t. What SIRT takes 100 sweeps for takes about 8.

    It cannot diverge: a sweep after which the misfit ``sum W R (b - A x)^2`` of a slice is larger
    is taken back in this slice and its momentum begins anew; if it had none, its l is halved.
    Subsets that contradict each other, as noise makes them, would otherwise end in a cycle; since
    D is the same for all of them, small steps go down the slope of the misfit of all. A start is
    brought within the limits first. Momentum and l are not part of the result: k iterations from
    a start are a little behind n + k. Memory: two more volumes than SIRT's.

    References
    ----------
    D. Kim, S. Ramani and J. A. Fessler, IEEE Trans. Med. Imaging 34 (2015) 167,
    doi:10.1109/TMI.2014.2350962. B. O'Donoghue and E. Candes, Found. Comput. Math. 15 (2015) 715,
    doi:10.1007/s10208-013-9150-3.
    """
    if subsets < 1:
        raise ParameterError(f"subsets must be at least 1, got {subsets}")
    kind = partial(_OsSirt, subsets=subsets)
    return iterate(kind, Problem(projector, sinograms, **given), iterations, monitor, ncores)


class _OsSirt(State):
    """The iterate x, and y ahead of it; the projections are in the order of the subsets."""

    def __init__(self, problem: Problem, workers: Workers, subsets: int) -> None:
        super().__init__(problem, workers)
        spread = far_apart(problem.projector.tilts_deg)
        count = min(subsets, len(spread))
        groups = [sorted(spread[m::count]) for m in range(count)]
        self.order = [tilt for group in groups for tilt in group]
        self.projector = problem.projector.subset(self.order)
        ends = np.cumsum([len(group) for group in groups])
        self.lines = [slice(end - len(g), end) for end, g in zip(ends, groups, strict=True)]
        self.misfits = self._parts()
        self.parts = [problem.projector.subset(group) for group in groups]

    def start(self, beat: Callable[[int], None]) -> None:
        """Compute D, and the misfit of the start."""
        columns = np.full(self.projector.slice_shape, np.inf, np.float32)
        for part in self.parts:
            part.prepare()
            ones = np.ones((1, *part.sinogram_shape), np.float32)
            found = inverse_of(part.back(ones))[0]
            np.minimum(columns, found, out=columns, where=found > 0)
            beat(0)
        columns[np.isinf(columns)] = 0
        self.columns = [columns * np.float32(self.problem.relaxation)] * len(self.blocks)
        self.ahead, self.scales = self._parts(), self._parts()
        self.momenta, self.steps = self._parts(), self._parts()
        self.workers.run(self._begin, range(len(self.blocks)), beat)

    def _begin(self, i: int) -> None:
        lowest, highest = self.problem.lowest, self.problem.highest
        if self.problem.start is not None and (lowest is not None or highest is not None):
            np.clip(self.volumes[i], lowest, highest, out=self.volumes[i])
            self.hold(i)
            self.take_residual(i)
        self.columns[i] = self.masked(self.columns[i], i)
        lanes = len(self.volumes[i])
        weights = self.weights[i]
        highest_weights = np.ones(lanes) if weights is None else weights.max(axis=(1, 2))
        self.scales[i] = 1 / np.where(highest_weights > 0, highest_weights, 1)
        self.ahead[i] = self.projector.slices(lanes)
        self.ahead[i][...] = self.volumes[i]
        self.momenta[i], self.steps[i] = np.ones(lanes), np.ones(lanes)
        self.misfits[i] = self._misfit(i)

    def _misfit(self, i: int) -> np.ndarray:
        """Return ``sum W R r^2`` of each slice of a block."""
        residual, rows, weights = self.residuals[i], self.rows[i], self.weights[i]
        total = np.zeros(len(residual))
        for tilt in range(residual.shape[1]):
            squares = residual[:, tilt] ** 2 * rows[..., tilt, :]
            if weights is not None:
                squares *= weights[:, tilt]
            total += squares.sum(axis=1, dtype=np.float64)
        return total

    def change(self, i: int) -> None:
        """Sweep over the subsets, from where the momentum leads."""
        last = self.volumes[i]
        self.volumes[i] = self.ahead[i]
        self.ahead[i] = last  # what it was, until `take_residual` has decided
        factors = (self.scales[i] * self.steps[i]).astype(np.float32)[:, None, None]
        for part, lines in zip(self.parts, self.lines, strict=True):
            if self.workers.stop.is_set():
                return
            residual = self.residuals[i][:, lines]
            part.residual(self.volumes[i], self.sinograms[i][:, lines], residual)
            residual *= self.rows[i][..., lines, :]
            residual *= factors
            weights = self.weights[i]
            if weights is not None:
                residual *= weights[:, lines]
            self.correct(i, residual, self.columns[i], part)

    def take_residual(self, i: int) -> None:
        """Compute the residual; take back the sweep where the misfit grew; move ahead."""
        super().take_residual(i)
        if not len(self.misfits[i]):
            return  # that of the start
        misfit = self._misfit(i)
        worse = misfit > self.misfits[i] * (1 + SLACK)
        if worse.any():
            self.volumes[i][worse] = self.ahead[i][worse]
            super().take_residual(i)
            misfit[worse] = self.misfits[i][worse]
            self.steps[i][worse & (self.momenta[i] == 1)] /= 2
            self.momenta[i][worse] = 1
        self.misfits[i] = misfit
        momentum = self.momenta[i]
        self.momenta[i] = np.where(worse, 1, (1 + np.sqrt(1 + 4 * momentum**2)) / 2)
        ahead = ((momentum - 1) / self.momenta[i]).astype(np.float32)
        _lead(self.volumes[i], self.ahead[i], np.where(worse, 0, ahead))


def _lead(now: np.ndarray, last: np.ndarray, factors: np.ndarray) -> None:
    """Replace `last` by ``now + factors (now - last)``, a factor for each slice."""
    column = factors[:, None]
    for row in range(now.shape[1]):  # fits into the cache
        last[:, row] = now[:, row] + column * (now[:, row] - last[:, row])
