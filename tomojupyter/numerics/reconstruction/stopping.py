"""How many iterations suit the noise of a series, found on some of its slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.problem import check_counts
from tomojupyter.numerics.reconstruction.sinograms import fill_gaps

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.iterative import Iterated
    from tomojupyter.numerics.reconstruction.problem import Problem

SILENT = Silent()
RUNS, LENGTH = 4, 8  # runs of adjacent slices that are tried, and slices in each
HELD = 7  # one projection in so many is held out
FEWEST = 4  # projections that one can be held out of
GAIN = 1e-3  # a prediction that gets better by less than this part gets better no more
CLOSE = 3e-3  # the first prediction that is worse than the best by less than this part will do
BINS = 16  # of intensity, each with a noise of its own
ENOUGH = 30  # pixels that tell the noise of a bin
GAUSS = 0.6745  # median of |x| of a normal distribution with standard deviation 1


@dataclass(frozen=True)
class Choice:
    """How many iterations to do, and why.

    Parameters
    ----------
    iterations
        Their number.
    why
        A sentence.
    figures
        What the sentence rests on: how many slices were tried, which projections were held out,
        the misfit of these in % of their norm, and both numbers (None: never reached).
    """

    iterations: int
    why: str
    figures: dict[str, Any]


def choose_iterations(
    solver: Callable[..., Iterated],
    problem: Problem,
    *,
    most: int,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Choice:
    """Choose the number of iterations of a solver.

    Parameters
    ----------
    solver
        ``solver(projector, sinograms, iterations=..., monitor=..., ncores=..., **given)``.
    problem
        What it is to work on.
    most
        The largest number that may be chosen, at least 1.
    monitor
        Called as ``monitor(0, most)``: how far the choice has come is no progress of the volume.
    ncores
        Threads. None: one per core.

    Returns
    -------
    Choice
        The same for any number of threads.

    Raises
    ------
    ParameterError
        If a number is below 1.
    Cancelled
        From the monitor.

    Notes
    -----
    At most 32 slices are tried, in 4 runs of 8: all slices share the geometry and, mostly, the
    noise. One projection in seven is held out, and two numbers are found. At the first, the
    residual of the others falls to the norm of the noise (Morozov's discrepancy), which
    :func:`noise_variance` estimates; stopping there is known to smooth too much. At the second,
    the prediction of those held out stops getting better; noise comes into a volume sooner than
    into its projections, so this is late. The geometric mean of both is taken, or the second
    alone where it comes first: where the volume cannot explain the data, as with matter outside
    of the view, or where interpolation has smoothed the noise, which is underestimated then.

    References
    ----------
    V. A. Morozov, Sov. Math. Dokl. 7 (1966) 414. P. C. Hansen, Discrete Inverse Problems, SIAM
    2010, chapters 5 and 6, doi:10.1137/1.9780898718836.
    """
    check_counts(most, ncores)
    runs = tried_slices(len(problem.sinograms))
    part = problem.of_slices(np.concatenate(runs))
    tilts = problem.projector.tilts_deg
    by_tilt = np.argsort(tilts, kind="stable")
    held = np.sort(by_tilt[HELD // 2 :: HELD]) if len(tilts) >= FEWEST else by_tilt[:0]
    kept = np.setdiff1d(np.arange(len(tilts)), held)
    seen = _of_tilts(part, kept)
    known = np.isfinite(seen.sinograms)
    if seen.weights is not None:
        known &= seen.weights > 0
    certain = np.where(known, seen.sinograms, np.nan)
    lengths = np.cumsum([len(run) for run in runs])[:-1]
    variance = [noise_variance(one, tilts[kept]) for one in np.split(certain, lengths)]
    counts = known if seen.weights is None else known * seen.weights.astype(np.float64)
    noise = float(np.linalg.norm(counts * np.sqrt(np.concatenate(variance))))
    watch = _Watch(_of_tilts(part, held) if len(held) else None, noise, monitor, most)
    solver(
        seen.projector, seen.sinograms, iterations=most, monitor=watch, ncores=ncores,
        weights=seen.weights, start=seen.start, mask=seen.mask, **_limits(problem),
    )  # fmt: skip
    figures = {"slices_tried": len(part.sinograms), "held_out": [int(i) for i in held]}
    return watch.choice(figures)


def tried_slices(nx: int) -> list[np.ndarray]:
    """Return runs of adjacent slices of nx, spread evenly."""
    if nx <= RUNS * LENGTH:
        return [np.arange(nx)]
    starts = np.round((np.arange(RUNS) + 0.5) * nx / RUNS - LENGTH / 2).astype(int)
    return [start + np.arange(LENGTH) for start in starts]


def noise_variance(sinograms: np.ndarray, tilts_deg: np.ndarray) -> np.ndarray:
    """Return the variance of the noise at each pixel of adjacent sinograms.

    Parameters
    ----------
    sinograms
        (k, n, ny) of adjacent slices; NaN are left out.
    tilts_deg
        (n,) degrees.

    Returns
    -------
    numpy.ndarray
        float64, (k, n, ny): one value for each sixteenth of the pixels by intensity, as counting
        noise needs it. All 0 where there are fewer than 3 pixels across.

    Notes
    -----
    From second differences in y and, of 3 slices or more, in x, which leave of the specimen
    little but its edges; a median of their size passes over those. Noise that was smoothed by
    interpolation is underestimated.

    References
    ----------
    J. Immerkaer, Comput. Vis. Image Underst. 64 (1996) 300, doi:10.1006/cviu.1996.0060, with a
    median in place of the mean.
    """
    known = np.isfinite(sinograms)
    values = fill_gaps(sinograms, None, tilts_deg).astype(np.float64)
    if values.shape[2] < 3:
        return np.zeros(values.shape)
    axes = (0, 2) if len(values) >= 3 else (2,)
    differences, means, good = values, values, known
    for axis in axes:
        one, two, three = _triple(differences, axis)
        differences = one - 2 * two + three
        means = np.mean(_triple(means, axis), axis=0)
        good = np.logical_and.reduce(_triple(good, axis))
    edges = np.unique(np.quantile(means, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.digitize(means, edges)
    size = np.abs(differences) / (GAUSS * 6 ** (len(axes) / 2))
    whole = float(np.median(size[good])) if good.any() else 0.0
    of_bin = np.full(len(edges) + 1, whole)
    for i in range(len(of_bin)):
        inside = size[good & (place == i)]
        if inside.size >= ENOUGH:
            of_bin[i] = np.median(inside)
    spread = [(1, 1) if axis in axes else (0, 0) for axis in range(3)]
    return np.asarray(of_bin[np.pad(place, spread, mode="edge")] ** 2)


def _triple(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each value with both neighbours along an axis, but for those at its ends."""
    moved = np.moveaxis(values, axis, 0)
    one, two, three = (moved[i : len(moved) - 2 + i] for i in range(3))
    return np.moveaxis(one, 0, axis), np.moveaxis(two, 0, axis), np.moveaxis(three, 0, axis)


def _of_tilts(problem: Problem, index: np.ndarray) -> Problem:
    weights = problem.weights
    return replace(
        problem,
        projector=problem.projector.subset([int(i) for i in index]),
        sinograms=np.ascontiguousarray(problem.sinograms[:, index]),
        weights=None if weights is None else np.ascontiguousarray(weights[:, index]),
    )


def _limits(problem: Problem) -> dict[str, Any]:
    return {
        "constrain": problem.constrain,
        "thresh": problem.thresh,
        "upper": problem.upper,
        "relaxation": problem.relaxation,
    }


class _Watch:
    """A monitor that follows the residual and the prediction, and ends when both have told."""

    def __init__(self, held: Problem | None, noise: float, monitor: Monitor, most: int) -> None:
        self.finish_early = False
        self._noise = noise
        self._monitor, self._most, self._held = monitor, most, held
        self._misfits: list[float] = []
        self._reached: int | None = None
        self._done, self._best, self._best_at = 0, np.inf, 0
        if held is not None:
            known = np.isfinite(held.sinograms)
            self._weights = known if held.weights is None else known * held.weights
            self._data = np.where(known, held.sinograms, 0)
            self._norm = float(np.linalg.norm(self._weights * self._data))

    def __call__(self, done: int, total: int, **values: Any) -> None:  # noqa: ARG002  a protocol
        """Look at the iterate."""
        self._monitor(0, self._most)
        if "volume" not in values:
            return
        self._done = done
        if self._reached is None and values["residual"] <= self._noise:
            self._reached = done
        if self._held is None:
            self.finish_early = self._reached is not None
            return
        made = self._held.projector.forward(np.asarray(values["volume"]))
        self._misfits.append(float(np.linalg.norm(self._weights * (made - self._data))))
        if self._misfits[-1] < self._best * (1 - GAIN):
            self._best, self._best_at = self._misfits[-1], done
        self.finish_early = done - self._best_at >= max(3, self._best_at // 3)

    def choice(self, figures: dict[str, Any]) -> Choice:
        """Return the number, when the solver has ended."""
        predicted = self._done
        if self._misfits:
            limit = min(self._misfits) * (1 + CLOSE)
            predicted = 1 + next(i for i, m in enumerate(self._misfits) if m <= limit)
            if self._norm:
                figures["held_out_percent"] = round(100 * min(self._misfits) / self._norm, 3)
        figures |= {"noise_reached": self._reached, "prediction_best": predicted}
        least = self._reached
        if least is not None and (least < predicted or not self._misfits):
            number = round(np.sqrt(least * predicted))
            why = f"{number}: at {least} the residual is that of the estimated noise"
            if self._misfits:
                why += f", after {predicted} projections held out are predicted no better"
        elif self.finish_early:
            number = predicted
            why = f"after {number} projections held out are predicted no better"
        else:
            number = predicted
            why = f"{number}: with {self._done}, the most that is tried, it would fit no worse"
        return Choice(int(number), why, figures)
