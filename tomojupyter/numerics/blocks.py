"""Threads over blocks, with a monitor that is called on the calling thread only."""

from __future__ import annotations

import os
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Self, TypeVar

from tomojupyter.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

POLL = 0.1  # seconds between two looks at the monitor

_here = threading.local()

T = TypeVar("T")
R = TypeVar("R")


def stopped() -> bool:
    """Tell whether the work of this thread is wanted no more; long work asks now and then."""
    stop = getattr(_here, "stop", None)
    return stop is not None and bool(stop.is_set())


def unless_stopped(items: Iterable[T]) -> Iterator[T]:
    """Go through items; raise Cancelled where the work of this thread is wanted no more."""
    for item in items:
        if stopped():
            raise Cancelled("stopped")  # heard by nobody: who stopped the threads has raised
        yield item


def _begin(stop: threading.Event) -> None:
    _here.stop = stop


class Workers:
    """A pool of threads for as long as the ``with`` block lasts.

    Leaving the block, by an error too, drops what has not begun and waits for what has. Long
    work should look at `stop`, or call :func:`stopped`, now and then.

    Parameters
    ----------
    ncores
        Threads. None: one per core.
    """

    def __init__(self, ncores: int | None) -> None:
        self.stop = threading.Event()
        cores = ncores or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(cores, initializer=_begin, initargs=(self.stop,))

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and wait."""
        self.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(
        self, function: Callable[[T], R], blocks: Sequence[T], beat: Callable[[int], None]
    ) -> list[R]:
        """Apply a function to all blocks.

        Parameters
        ----------
        function
            Called in a thread of the pool.
        blocks
            Its arguments.
        beat
            Called on this thread with the number of blocks done: about every 0.1 s and
            whenever one is done. May raise.

        Returns
        -------
        list
            In the order of `blocks`.
        """
        futures = [self._pool.submit(function, block) for block in blocks]
        pending = set(futures)
        while pending:
            done, pending = wait(pending, timeout=POLL, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()  # raises what the work raised
            beat(len(futures) - len(pending))
        return [future.result() for future in futures]
