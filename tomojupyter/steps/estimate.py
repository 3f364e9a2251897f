"""What a reconstruction takes, told before it begins: memory and time."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.steps.memory import allowed_bytes, bytes_text, free_bytes
from tomojupyter.steps.reconstruct import ReconstructionStep
from tomojupyter.steps.streaming import plan, slab_bytes

if TYPE_CHECKING:
    from tomojupyter.steps.base import Step

TRIAL = 3e8  # products of a voxel and a tilt that a trial may take in an iteration
LONGEST_S = 4.0  # of a trial; what takes longer is told from how far it came


@dataclass(frozen=True)
class Estimate:
    """What a reconstruction takes.

    Parameters
    ----------
    input_bytes, output_bytes
        Of the series and of the volume.
    peak_bytes
        Memory beyond these, at most.
    free_bytes
        Memory that can be had, or None where the system does not tell.
    slices
        That are worked on together.
    slabs
        How many times; more than 1 means that the run is streamed.
    seconds
        Time, extrapolated from a trial on this machine; None where none was made.
    refusal
        Why it cannot run, with figures and ways out; empty if it can.
    """

    input_bytes: int
    output_bytes: int
    peak_bytes: int
    free_bytes: int | None
    slices: int
    slabs: int = 1
    seconds: float | None = None
    refusal: str = ""

    def __str__(self) -> str:
        if self.refusal:
            return f"cannot run: {self.refusal}"
        time_text = "" if self.seconds is None else f"about {self.seconds:.3g} s, "
        of = "" if self.free_bytes is None else f" ({bytes_text(self.free_bytes)} free)"
        slabs = f", in {self.slabs} slabs of up to {self.slices} slices" if self.slabs > 1 else ""
        return (
            f"{time_text}{bytes_text(self.peak_bytes)} of memory{of} beyond the series, "
            f"{bytes_text(self.input_bytes)}, and the volume, {bytes_text(self.output_bytes)}"
            f"{slabs}"
        )


def estimated(
    signal: Any,
    step: Step,
    ncores: int | None = None,
    max_memory: int | str | None = None,
    *,
    timed: bool = True,
    output: bool = False,
) -> Estimate:
    """Return what a Step of `reconstruct` takes on a TomoStack.

    Parameters
    ----------
    signal
        The TomoStack.
    step
        The Step.
    ncores
        Threads. None: one per core.
    max_memory
        As for `reconstruct`.
    timed
        Make the trial that tells the time, if it was not made before.
    output
        Whether the volume goes into a file.

    Raises
    ------
    ParameterError
        If it is no Step of `reconstruct`, or `max_memory` is none.
    DataError
        If the series has no tilts that could be used.
    """
    if not isinstance(step, ReconstructionStep):
        raise ParameterError(f"only reconstructions are estimated, not {step.operation}")
    resolved = step.resolve(signal)
    shape = (signal._n, *signal._frame.shape)
    tilts = signal.tilts.data.ravel()
    if not np.isfinite(tilts).all():
        raise DataError("the tilts are not known: enter them with set_tilts")
    n, ny, nx = shape
    nz = resolved.thickness or ny
    projector = resolved.projector(tilts, ny)
    free = free_bytes()
    given, made = n * ny * nx * signal._data.dtype.itemsize, 4 * nx * nz * ny
    copied = bool(signal._lazy) or output
    gaps = not bool(signal._cover().whole().all())
    allowed, refusal = allowed_bytes(max_memory, free), ""
    try:
        slabs = plan(resolved, shape, ncores, allowed, gaps=gaps, copied=copied,
                     projector=projector)  # fmt: skip
        peak, count = slabs.peak_bytes, len(slabs.slabs)
        slices = max(s.stop - s.start for s in slabs.slabs)
    except ParameterError as error:  # it does not fit
        refusal, count, slices = str(error), 1, nx
        peak = slab_bytes(resolved, shape, nx, ncores, projector, gaps=gaps, copied=copied)
    if not refusal and not copied and free is not None and made + peak > free:
        refusal = (
            f"the volume takes {bytes_text(made)} and the work {bytes_text(peak)}, "
            f"{bytes_text(free)} are free"
        )
    seconds = None
    if timed and not refusal:
        seconds = seconds_of(resolved, tilts, ny, nx, ncores)
    return Estimate(given, made, peak, free, slices, count, seconds, refusal)


def seconds_of(
    step: ReconstructionStep, tilts: np.ndarray, ny: int, nx: int, ncores: int | None
) -> float:
    """Return how long a Step takes on nx slices, in s, by a trial on a block of them.

    The trial does one iteration and some more, once for each method, geometry and machine; it takes
    a second or so, longer where the kernels have to be compiled first.
    """
    one, further = tried(step), 0
    if hasattr(step, "iterations"):
        # Chosen by the data: at most as many as are tried.
        further = (getattr(step, "most", 1) if step.iterations is None else step.iterations) - 1
    projector = step.projector(tilts, ny)
    lanes = projector.lanes(nx)
    while lanes > 16 and lanes * ny * (step.thickness or ny) * len(tilts) > TRIAL:
        lanes //= 2
    start, each = _trial(one, tuple(map(float, tilts)), ny, lanes)
    cores = (ncores or os.cpu_count() or 1) if projector.concurrent else 1
    blocks = math.ceil(nx / lanes)
    rounds = blocks / min(cores, blocks)
    return rounds * (start + each * further)


def tried(step: ReconstructionStep) -> ReconstructionStep:
    """Return what a trial of a Step does: one iteration, without its volumes."""
    one = step.bare()
    return one.replace(iterations=1) if hasattr(step, "iterations") else one


class _Enough(Exception):  # noqa: N818  no error: the trial has told what it can
    """Ends a trial; carries the seconds that all of it would take."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class _Patience:
    """A monitor that ends a trial which takes too long, as its parameters ask for so much."""

    finish_early = False

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def __call__(self, done: int, total: int, **values: Any) -> None:
        spent = time.perf_counter() - self._begun
        if spent > LONGEST_S:
            raise _Enough(spent * max(total, 1) / max(done, 1))


@lru_cache(maxsize=64)
def _trial(
    step: ReconstructionStep, tilts: tuple[float, ...], ny: int, lanes: int
) -> tuple[float, float]:
    """Return the seconds that one iteration of a block takes in all, and each further one."""
    angles = np.array(tilts)
    projector = step.projector(angles, ny)
    sinograms = np.ones((lanes, len(angles), ny), np.float32)

    def spent(one: ReconstructionStep) -> float:
        begun = time.perf_counter()
        try:
            one.solve(projector, sinograms, angles, None, monitor=_Patience(), ncores=1)
        except _Enough as told:
            return told.seconds
        return time.perf_counter() - begun

    projector.prepare()
    spent(step)  # loads what is loaded once
    first = spent(step)
    if not hasattr(step, "iterations") or first > LONGEST_S:
        return first, 0.0
    iterations = 1
    while True:  # until the further iterations stand out from the noise of the clock
        iterations *= 3
        longer = spent(step.replace(iterations=iterations))
        if longer > 2 * first or iterations > 50:
            return first, max(longer - first, 0.1 * first) / (iterations - 1)
