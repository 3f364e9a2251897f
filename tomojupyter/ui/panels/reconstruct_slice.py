"""One slice of a series, reconstructed without a record: a quick look, and a test of a method."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.vacuum import blank_frames
from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.steps.columns import Sinograms
from tomojupyter.steps.figures import norm_of
from tomojupyter.steps.reconstruct import ReconstructionStep

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.reconstruction.projector import Projector
    from tomojupyter.steps import Step

SIDE = 160
"""px, to which a slice is binned about for the quick look."""


class QuickLook:
    """Coarse slices of a series by filtered back-projection, within a few ten milliseconds.

    Parameters
    ----------
    signal
        A TomoStack with tilts.
    """

    def __init__(self, signal: Any) -> None:
        self._data = signal.data
        self._good = ~signal.excluded & ~blank_frames(np.asarray(signal.data))
        self._tilts = signal.tilts.data.ravel()[self._good].astype(float)
        self._projector: Projector | None = None
        self.factor = max(1, signal.data.shape[1] // SIDE)

    def slice(self, x: int, thickness: int) -> np.ndarray:
        """Return a slice, float32 of shape (thickness, ny), coarse but in full pixels.

        Parameters
        ----------
        x, thickness
            Column, and height of the slice, in px.
        """
        k, ny = self.factor, self._data.shape[1]
        size, height = ny // k, max(1, thickness // k)
        first = (ny - size * k) // 2
        part = np.asarray(self._data[:, first : first + size * k, x : x + k], np.float32)
        part = part[self._good]
        with np.errstate(invalid="ignore"):
            rows = part.mean(axis=2).reshape(len(part), size, k).mean(axis=2)
        if self._projector is None or self._projector.thickness != height:
            self._projector = make_projector(self._tilts, size, height)
        made = solvers.fbp(self._projector, np.ascontiguousarray(rows[None]), self._tilts)[0]
        # The sum along a ray counts coarse pixels, which are k px long.
        full = np.repeat(np.repeat(made / k, k, axis=0), k, axis=1)
        return _centred(full, (thickness, ny))


def _centred(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an image with its middle in the middle of another shape, NaN where it has none."""
    out = np.full(shape, np.nan, np.float32)
    cuts = []
    for have, want in zip(image.shape, shape, strict=True):
        n = min(have, want)
        cuts.append(((want - n) // 2, (have - n) // 2, n))
    (y, b, h), (x, a, w) = cuts
    out[y : y + h, x : x + w] = image[b : b + h, a : a + w]
    return out


@dataclass(frozen=True)
class Rate:
    """How long a reconstruction takes on the whole volume, as measured.

    Parameters
    ----------
    start, each
        Seconds before the first iteration (or for all, where there are none), and for each.
    """

    start: float
    each: float = 0.0

    def seconds(self, step: Step) -> float:
        """Return the time of a Step of the same method and size, in s."""
        return self.start + self.each * (_count(step) if "iterations" in step.as_dict() else 0)


@dataclass(eq=False)
class Tested:
    """A test slice.

    Parameters
    ----------
    x
        Its column.
    image
        float32 (nz, ny).
    step
        As really done.
    residuals
        After each iteration, in % of the norm of the data; empty without iterations.
    rate
        What the whole volume would take.
    """

    x: int
    image: np.ndarray
    step: Step
    residuals: list[float] = field(default_factory=list)
    rate: Rate = field(default_factory=lambda: Rate(0.0))


def make_test_slice(
    signal: Any, step: Step, x: int, monitor: Monitor, ncores: int | None = None
) -> Tested:
    """Reconstruct one slice as `step` would, and measure what the whole volume would take.

    Parameters
    ----------
    signal
        A TomoStack; it stays as it is, and nothing is recorded.
    step
        A Step of `reconstruct`.
    x
        Column of the slice.
    monitor
        As of the solvers; Finish keeps the iterate.
    ncores
        Threads that the whole volume would get; None: one per core.

    Raises
    ------
    ParameterError
        If the Step has no `solve`, or fewer than 2 projections can be used.
    """
    if not isinstance(step, ReconstructionStep):
        raise ParameterError(f"{step.method} cannot reconstruct a single slice: run it as a whole")
    resolved = step.resolve(signal)
    series = Sinograms(signal)
    _, ny, nx = series.shape
    tilts = series.tilts
    projector = resolved.projector(tilts, ny)
    # As many slices as one product takes, of which x is one: they tell the time of the volume.
    lanes = projector.lanes(nx)
    first = min(max(0, x - lanes // 2), max(0, nx - lanes))
    block = slice(first, min(nx, first + lanes))
    sinograms, weights = series.columns(block)
    started = time.monotonic()
    projector.prepare(lambda: monitor(0, _total(resolved)))
    prepared = time.monotonic() - started
    here = slice(x - first, x - first + 1)
    own = None if weights is None else weights[here]
    one = (sinograms[here], tilts, own)
    given = resolved.given(slice(x, x + 1))
    volume, scalars, done = resolved.solve(projector, *one, monitor=monitor, ncores=1, **given)
    clock, given = _Clock(monitor, _total(done)), resolved.given(block)
    _short(resolved).solve(projector, sinograms, tilts, weights, monitor=clock, ncores=1, **given)
    cores = (ncores or os.cpu_count() or 1) if projector.concurrent else 1
    rounds = math.ceil(len(projector.blocks(nx)) / cores)
    rate = Rate(prepared + rounds * clock.start, rounds * clock.each)
    norm = norm_of(sinograms[here], own)
    residuals = [100 * r / norm if norm else 0.0 for r in scalars.get("residuals", [])]
    return Tested(x, volume[0], done, residuals, rate)


def _total(step: Step) -> int:
    return _count(step) if "iterations" in step.as_dict() else 1


def _count(step: Any) -> int:
    """Return the iterations of a Step; the most there can be, where they are chosen."""
    return int(step.iterations or step.most)


def _short(step: ReconstructionStep) -> ReconstructionStep:
    return step.replace(iterations=2) if "iterations" in step.as_dict() else step


class _Clock:
    """A monitor that notes when iterations end; the one it stands for hears that work goes on."""

    finish_early = False

    def __init__(self, monitor: Monitor, total: int) -> None:
        self._monitor, self._total = monitor, total
        self._begun = time.monotonic()
        self._ends: list[float] = []
        self._last = self._begun

    def __call__(self, done: int, total: int, **values: Any) -> None:  # noqa: ARG002  a protocol
        self._last = time.monotonic()
        if done > len(self._ends) and "residual" in values:
            self._ends.append(self._last - self._begun)
        self._monitor(self._total, self._total)

    @property
    def each(self) -> float:
        """Seconds of an iteration."""
        return self._ends[-1] - self._ends[-2] if len(self._ends) > 1 else 0.0

    @property
    def start(self) -> float:
        """Seconds of all that is no iteration."""
        whole = self._last - self._begun
        return max(0.0, whole - len(self._ends) * self.each)
