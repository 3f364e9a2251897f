"""DART: the discrete algebraic reconstruction technique."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.iterative import Iterated
from tomojupyter.numerics.reconstruction.os_sirt import os_sirt
from tomojupyter.numerics.reconstruction.problem import Problem, check_counts
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.numerics.reconstruction.stopping import CLOSE, choose_iterations, some_held_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
SMOOTHINGS = (1.0, 0.8, 0.6, 0.4, 0.0)  # px, standard deviations that are tried
TRIAL = 5  # iterations of a trial
REACH = 3  # px that the smoothing reaches
SLAB = 32  # slices that one thread smooths at a time
MOST = 30  # sweeps to begin with


def dart(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    gray_levels: Sequence[float],
    iterations: int,
    dart_iterations: int = 5,
    p: float = 0.99,
    smoothing: float = 0.8,
    seed: int = 0,
    first: int = 0,
    weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Iterated:
    """Reconstruct a volume that has few grey levels, which are known.

    Parameters
    ----------
    projector, sinograms, weights, mask, ncores
        As for :func:`tomojupyter.numerics.reconstruction.sirt.sirt`.
    gray_levels
        The levels, at least two, in units of the sinograms per px; vacuum is one of them.
    iterations
        How often the volume is segmented and what is free solved anew, at least 1.
    dart_iterations
        Sweeps of SIRT over the free voxels in each, at least 1.
    p
        Probability from 0 to 1 that a voxel away from all boundaries stays fixed.
    smoothing
        Standard deviation in px, from 0 to 2, of what smooths the free voxels after each
        iteration. Much suits noise, little suits small curved parts; see `choose_smoothing`.
    seed
        Of the choice of those that do not stay fixed.
    first
        Number of the first slice in a larger volume: the choice in a slice depends on its number.
    start
        (nx, nz, ny): the volume that is segmented first. None: OS-SIRT between the lowest and
        the highest level, with as many sweeps as the noise allows.
    monitor
        Called after each iteration as ``monitor(i, iterations, residual=r, volume=array)``, and
        about every 0.1 s as ``monitor(i, iterations)``.

    Returns
    -------
    Iterated
        The volume, of nothing but the grey levels (and 0 outside of the mask), the residual of
        the free solution in each iteration, and the iterations done.

    Raises
    ------
    ParameterError
        If a parameter is out of range or shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    In each iteration every voxel gets the nearest level; those with another level beside them,
    and a part ``1 - p`` of the others, are free, and are solved for by SIRT, with the others
    fixed; then they are smoothed with their neighbours. Neighbours are those in all three
    dimensions, in the next slices too, unlike in the paper: what is noise in one slice is not in
    the next. A voxel that two matters share gets one of both. Memory beyond SIRT's: five volumes.

    References
    ----------
    K. J. Batenburg and J. Sijbers, IEEE Trans. Image Process. 20 (2011) 2542,
    doi:10.1109/TIP.2011.2131661.
    """
    levels = np.unique(np.asarray(gray_levels, np.float32))
    if len(levels) < 2 or len(levels) < len(list(gray_levels)):
        raise ParameterError(
            f"gray_levels must be at least two different levels, got {list(gray_levels)}"
        )
    if not 0 <= p <= 1:
        raise ParameterError(f"p must be from 0 to 1, got {p}")
    if not 0 <= smoothing <= 2:
        raise ParameterError(f"smoothing must be from 0 to 2 px, got {smoothing}")
    check_counts(iterations, ncores)
    check_counts(dart_iterations, None)
    limits: dict[str, Any] = {
        "constrain": True, "thresh": float(levels[0]), "upper": float(levels[-1]),
    }  # fmt: skip
    problem = Problem(projector, sinograms, weights, start, mask, **limits)
    work = _Dart(problem, levels, dart_iterations, smoothing, ncores)
    beat = _Beat(monitor, iterations)
    volume = work.begin(beat)
    residuals: list[float] = []
    for i in range(iterations):
        beat.done = i
        free = work.release(volume, p, [seed, i], first)
        volume, residual = work.solve(volume, free, beat)
        residuals.append(residual)
        monitor(i + 1, iterations, residual=residual, volume=volume)
        if monitor.finish_early:
            break
    return Iterated(work.segmented(volume), np.array(residuals), len(residuals))


def choose_smoothing(
    problem: Problem,
    *,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
    first: int = 0,
    **options: Any,
) -> tuple[float, dict[str, float]]:
    """Choose the smoothing of :func:`dart` that predicts projections it has not seen.

    Parameters
    ----------
    problem
        What it is to work on.
    monitor
        Called as ``monitor(0, 1)``.
    ncores
        Threads. None: one per core.
    first
        As for `dart`.
    **options
        Parameters of `dart`: grey levels, sweeps, p and seed.

    Returns
    -------
    float
        The standard deviation in px.
    dict
        The misfit of the projections held out in % of their norm, for each that was tried.

    Notes
    -----
    One projection in seven is held out, and a few iterations are done on at most 32 slices, from
    the strongest smoothing to weaker ones for as long as the prediction gets better by more than
    0.3 %. With fewer than 4 projections, 0.8 px is taken.
    """
    seen, held = some_held_out(problem)
    beat = _Beat(monitor, 1)
    if held is None:
        return SMOOTHINGS[1], {}
    known = np.isfinite(held.sinograms)
    weights = known if held.weights is None else known * held.weights
    data = np.where(known, held.sinograms, 0)
    norm = float(np.linalg.norm(weights * data)) or 1.0
    best, tried = SMOOTHINGS[0], {}
    for smoothing in SMOOTHINGS:
        found = dart(
            seen.projector, seen.sinograms, iterations=TRIAL, smoothing=smoothing, monitor=beat,
            ncores=ncores, first=first, weights=seen.weights, start=seen.start, mask=seen.mask,
            **options,
        )  # fmt: skip
        left = weights * (held.projector.forward(found.volume) - data)
        tried[f"{smoothing:g}"] = 100 * float(np.linalg.norm(left)) / norm
        if tried[f"{smoothing:g}"] > tried[f"{best:g}"] * (1 - CLOSE) and smoothing != best:
            break
        best = smoothing
    return best, {key: round(value, 3) for key, value in tried.items()}


class _Beat:
    """A monitor of the solvers inside: what it stands for hears how far the outer loop is."""

    finish_early = False  # Finish ends the outer loop

    def __init__(self, monitor: Monitor, total: int) -> None:
        self._monitor, self._total, self.done = monitor, total, 0

    def __call__(self, done: int, total: int, **values: Any) -> None:  # noqa: ARG002  a protocol
        self._monitor(self.done, self._total)


class _Dart:
    """The parts of an iteration; whole volumes go in and out."""

    def __init__(
        self,
        problem: Problem,
        levels: np.ndarray,
        sweeps: int,
        smoothing: float,
        ncores: int | None,
    ) -> None:
        self.smoothed = partial(_smoothed, smoothing=smoothing)
        self.problem, self.levels, self.sweeps, self.ncores = problem, levels, sweeps, ncores
        self.middles = (levels[1:] + levels[:-1]) / 2
        self.limits: dict[str, Any] = {
            "constrain": True, "thresh": problem.thresh, "upper": problem.upper,
        }  # fmt: skip
        self.outside = None if problem.mask is None else np.asarray(problem.mask) == 0

    def begin(self, beat: _Beat) -> np.ndarray:
        """Return the volume to segment first, smoothed."""
        given = self.problem
        if given.start is not None:
            if not np.isfinite(given.start).all():
                raise ParameterError("start must be finite everywhere: replace its NaN by 0")
            return np.array(given.start, np.float32)
        running: dict[str, Any] = {"monitor": beat, "ncores": self.ncores}
        sweeps = choose_iterations(os_sirt, given, most=MOST, **running).iterations
        found = os_sirt(
            given.projector, given.sinograms, iterations=sweeps, weights=given.weights,
            mask=given.mask, **running, **self.limits,
        )  # fmt: skip
        return self._in_slabs(found.volume, self.smoothed)

    def segmented(self, volume: np.ndarray) -> np.ndarray:
        """Return the nearest level of each voxel, and 0 outside of the mask."""
        nearest = self.levels[np.digitize(volume, self.middles)]
        if self.outside is not None:
            nearest[self.outside] = 0
        return nearest

    def release(self, volume: np.ndarray, p: float, seed: list[int], first: int) -> np.ndarray:
        """Return which voxels are free: at boundaries, and some others."""
        free = self._in_slabs(self.segmented(volume), _at_boundary)
        for x in range(len(free)):
            free[x] |= np.random.default_rng([*seed, first + x]).random(free[x].shape) >= p
        if self.outside is not None:
            free &= ~self.outside
        return free

    def solve(self, volume: np.ndarray, free: np.ndarray, beat: _Beat) -> tuple[np.ndarray, float]:
        """Return the volume with its free voxels solved for and smoothed, and the residual."""
        given = self.problem
        fixed = self.segmented(volume)
        fixed[free] = 0
        left = self._without(fixed, beat)
        start = np.where(free, volume, np.float32(0))
        found = sirt(
            given.projector, left, iterations=self.sweeps, weights=given.weights, start=start,
            mask=free, monitor=beat, ncores=self.ncores, **self.limits,
        )  # fmt: skip
        fixed += found.volume
        smooth = self._in_slabs(fixed, self.smoothed)
        np.copyto(fixed, smooth, where=free)
        return fixed, float(found.residuals[-1])

    def _without(self, fixed: np.ndarray, beat: _Beat) -> np.ndarray:
        """Return the sinograms without the projection of the fixed voxels."""
        projector = self.problem.projector
        left = np.empty(self.problem.sinograms.shape, np.float32)

        def one(block: slice) -> None:
            left[block] = self.problem.sinograms[block] - projector.forward(fixed[block])

        with Workers(self.ncores if projector.concurrent else 1) as workers:
            workers.run(one, projector.blocks(len(fixed)), lambda done: beat(done, 0))
        return left

    def _in_slabs(
        self, volume: np.ndarray, function: Callable[[np.ndarray], np.ndarray]
    ) -> np.ndarray:
        """Apply a filter of a small reach to slabs of slices with their neighbours, in threads."""

        def one(first: int) -> np.ndarray:
            low, end = max(0, first - REACH), first + SLAB
            return function(volume[low : end + REACH])[first - low : end - low]

        with Workers(self.ncores) as workers:
            slabs = workers.run(one, range(0, len(volume), SLAB), lambda _: None)
        return np.concatenate(slabs)


def _smoothed(volume: np.ndarray, smoothing: float) -> np.ndarray:
    if not smoothing:
        return volume
    return np.asarray(ndimage.gaussian_filter(volume, smoothing, radius=REACH, mode="nearest"))


def _at_boundary(volume: np.ndarray) -> np.ndarray:
    """Tell which voxels have another value beside them, in any of three dimensions."""
    cross = ndimage.generate_binary_structure(3, 1)
    highest = ndimage.maximum_filter(volume, footprint=cross, mode="nearest")
    return np.asarray(highest != ndimage.minimum_filter(volume, footprint=cross, mode="nearest"))
