"""A reconstruction slab by slab, where its state does not fit the memory that it may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.blocks import Workers, unless_stopped
from tomojupyter.steps.columns import PIECE
from tomojupyter.steps.memory import bytes_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.reconstruction.projector import Projector
    from tomojupyter.steps.columns import Sinograms
    from tomojupyter.steps.reconstruct import ReconstructionStep

LANES = 16  # slices that kernels work on at least
HELD_BACK = 32 << 20  # bytes beyond arrays, whatever the size: what allocators, files and dask keep


@dataclass(frozen=True)
class Plan:
    """How a reconstruction goes through its slices.

    Parameters
    ----------
    slabs
        Columns that are worked on together, the central ones first.
    peak_bytes
        Memory beyond input and output, at most.
    """

    slabs: tuple[slice, ...]
    peak_bytes: int

    @property
    def streamed(self) -> bool:
        """Whether there is more than one slab."""
        return len(self.slabs) > 1


def plan(
    step: ReconstructionStep, shape: tuple[int, int, int], ncores: int | None,
    allowed: int | None, *, gaps: bool = False, copied: bool = False, projector: Projector,
) -> Plan:  # fmt: skip
    """Choose the slabs of a reconstruction.

    Parameters
    ----------
    step
        As resolved.
    shape
        (n, ny, nx) of the series.
    ncores
        Threads; None: one per core.
    allowed
        Bytes of memory that it may take beyond input and output; None: as many as it takes.
    gaps
        Whether pixels have weights.
    copied
        Whether a slab's sinograms and its part of the volume are held as well: the series or
        the volume is not in memory.
    projector
        Of the geometry.

    Returns
    -------
    Plan
        One slab of all slices if these fit.

    Raises
    ------
    ParameterError
        If the smallest slab does not fit.
    """
    nx = shape[2]

    def need(k: int) -> int:
        return slab_bytes(step, shape, min(nx, k + 2 * step.halo), ncores, projector,
                          gaps=gaps, copied=copied or k < nx)  # fmt: skip

    if allowed is None or need(nx) <= allowed:
        return Plan((slice(0, nx),), need(nx))
    if step.whole:
        raise ParameterError(
            f"max_memory: {step.method} works on all slices at a time, which takes "
            f"{bytes_text(need(nx))}, but may take {bytes_text(allowed)}: allow more, bin or crop, "
            "or reduce the thickness"
        )
    room = allowed - HELD_BACK
    size = next((k for k in range(math.ceil(nx / LANES) * LANES, 0, -LANES) if need(k) <= room), 0)
    if not size:
        least = need(min(LANES, nx)) + HELD_BACK
        raise ParameterError(
            f"max_memory: {step.method} takes at least {bytes_text(least)}, for {min(LANES, nx)} "
            f"slices of {step.thickness or shape[1]} x {shape[1]} px at a time, but may take "
            f"{bytes_text(allowed)}: allow more, bin or crop, or reduce the thickness"
        )
    count = math.ceil(nx / size)
    size = math.ceil(nx / count / LANES) * LANES  # slabs of about the same size
    slabs = [slice(first, min(nx, first + size)) for first in range(0, nx, size)]
    slabs.insert(0, slabs.pop(len(slabs) // 2))
    return Plan(tuple(slabs), need(size) + HELD_BACK)


def slab_bytes(
    step: ReconstructionStep, shape: tuple[int, int, int], k: int, ncores: int | None,
    projector: Projector, *, gaps: bool, copied: bool,
) -> int:  # fmt: skip
    """Return what k slices take at most beyond input and output, in bytes."""
    n, ny, _ = shape
    nz = step.thickness or ny
    needed = step.state_bytes((n, ny, k), nz, projector, ncores, gaps=gaps)
    if gaps:
        needed += 4 * n * ny * k
    if copied:
        needed += 4 * n * ny * k + 4 * k * nz * ny
    return needed


def stream(
    step: ReconstructionStep, series: Sinograms, projector: Projector, slabs: tuple[slice, ...],
    write: Callable[[slice, np.ndarray], None], monitor: Monitor, **options: Any,
) -> tuple[dict[str, Any], ReconstructionStep]:  # fmt: skip
    """Reconstruct slab by slab.

    Parameters
    ----------
    step
        As resolved.
    series
        The sinograms.
    projector
        Of its geometry.
    slabs
        Columns; the first decides how many iterations all of them get.
    write
        Called with columns and their (k, nz, ny) volume, in a thread.
    monitor
        Finish is heeded in the first slab; afterwards ``can_finish=False`` is reported.
    **options
        For the Step's `solve`.

    Returns
    -------
    tuple
        Figures of the whole for the record, and the Step as done.
    """
    found: list[dict[str, Any]] = []
    done: Any = step
    view = SlabMonitor(monitor, slabs, series.nx)
    with Workers(1) as files:
        for number, slab in enumerate(slabs):
            wide = widened(slab, step.halo, series.nx)
            view.begin(number, wide)
            sinograms, weights = files.run(series.columns, [wide], view.beat)[0]
            volume, scalars, done = done.solve(
                projector, sinograms, series.tilts, weights, monitor=view,
                **options, **step.given(wide),
            )  # fmt: skip
            found.append(scalars)
            mine = volume[slab.start - wide.start : slab.stop - wide.start]
            files.run(partial(_write, write, mine), [slab], view.beat)
            view.ended(mine)
            del sinograms, weights, volume, mine
    return step.merged(found), done


def _write(write: Callable[[slice, np.ndarray], None], part: np.ndarray, slab: slice) -> None:
    """Write some slices at a time, so that a cancel is heard."""
    size = max(1, PIECE // part[0].nbytes)
    for first in unless_stopped(range(0, len(part), size)):
        some = part[first : first + size]
        write(slice(slab.start + first, slab.start + first + len(some)), some)


def widened(slab: slice, halo: int, nx: int) -> slice:
    """Return a slab with `halo` more slices on either side, where there are some."""
    return slice(max(0, slab.start - halo), min(nx, slab.stop + halo))


class Window:
    """The current iterate of some slices, which looks like that of the whole volume.

    A slice that is not there is shown by the nearest one that is.

    Parameters
    ----------
    part
        (k, nz, ny), an array or what looks like one.
    first
        Column of its first slice.
    nx
        Slices of the whole.
    """

    ndim = 3

    def __init__(self, part: Any, first: int, nx: int) -> None:
        self.part, self.first = part, first
        self.shape = (nx, *part.shape[1:])

    def __len__(self) -> int:
        """Return the number of slices of the whole."""
        return int(self.shape[0])

    def nearest(self, x: int) -> int:
        """Return which slice is shown for a column."""
        return self.first + min(max(0, x - self.first), len(self.part) - 1)

    def __getitem__(self, x: int) -> np.ndarray:
        """Return a view of one slice."""
        return np.asarray(self.part[self.nearest(range(len(self))[x]) - self.first])


class SlabMonitor:
    """What the solver of one slab tells, as part of the whole.

    Parameters
    ----------
    monitor
        Hears of the whole: units done of all slabs, ``slab`` and ``slabs``; of the first slab
        also what the solver says, with a `Window` for its volume.
    slabs
        Of the whole.
    nx
        Its slices.
    """

    def __init__(self, monitor: Monitor, slabs: tuple[slice, ...], nx: int) -> None:
        self._monitor, self._slabs, self._nx = monitor, slabs, nx
        self._number, self._total, self._done = 0, 1, 0
        self._wide = slabs[0]

    @property
    def finish_early(self) -> bool:
        """Whether to end the first slab; it decides for all."""
        return self._number == 0 and bool(self._monitor.finish_early)

    @finish_early.setter
    def finish_early(self, value: bool) -> None:
        self._monitor.finish_early = value

    def begin(self, number: int, wide: slice) -> None:
        """Begin a slab, extended by its halo."""
        if number == 1:
            self._total = max(1, self._done)  # as many iterations as the first took
        self._number, self._wide, self._done = number, wide, 0

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Pass on what the solver of a slab says; may raise."""
        self._done = done
        if self._number == 0:
            self._total = max(1, total)
        told: dict[str, Any] = {}
        if self._number == 0:
            told = {name: value for name, value in values.items() if name != "volume"}
            if values.get("volume") is not None:
                told["volume"] = Window(values["volume"], self._wide.start, self._nx)
        self._tell(min(done, self._total), **told)

    def beat(self, _: int = 0) -> None:
        """Say that work goes on; may raise."""
        self._tell(min(self._done, self._total))

    def ended(self, volume: np.ndarray) -> None:
        """End a slab; what monitors keep of its volume is one slice."""
        told: dict[str, Any] = {}
        if self._number == 0:
            middle = len(volume) // 2
            first = self._slabs[0].start + middle
            told["volume"] = Window(np.array(volume[middle : middle + 1]), first, self._nx)
        self._done = self._total if self._number else self._done
        self._tell(self._done, **told)

    def _tell(self, done: int, **values: Any) -> None:
        count = len(self._slabs)
        if count > 1:
            values.update(slab=self._number + 1, slabs=count, can_finish=self._number == 0)
        self._monitor(self._number * self._total + done, count * self._total, **values)
