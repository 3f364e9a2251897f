"""A series looked at frame by frame, beside the one job, while a person looks at it too."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.ui.jobs import running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tomojupyter.numerics.images.glances import Glances

log = logging.getLogger(__name__)

TOLD_EVERY_S = 0.4


class FrameReader:
    """Reads each image of a series once, in a thread of its own where a loop runs in this one.

    Parameters
    ----------
    data
        Shape (n, ny, nx): an array, in memory or in a file, or a dask array.
    glances
        Where what is seen is kept; images that are there already are not read again.
    first
        Indices of images that are wanted before the others.
    judge
        Called in the thread with the glances once all are there.
    told
        Called in the kernel's loop with the glances, now and then.
    done
        Called in the kernel's loop with the glances and what `judge` made of them.
    failed
        Called in the kernel's loop with the error where it did not go well.
    """

    def __init__(
        self,
        data: Any,
        glances: Glances,
        first: np.ndarray,
        judge: Callable[[Glances], Any],
        *,
        told: Callable[[Glances], None],
        done: Callable[[Glances, Any], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._data, self._first, self._judge = data, first, judge
        self._told, self._done, self._failed = told, done, failed
        self._stopped = threading.Event()
        self.glances = glances

    def start(self) -> None:
        """Begin; without a loop everything is done now."""
        loop = running_loop()

        def post(call: Callable[..., None], *values: Any) -> None:
            if loop is None:
                call(*values)
            else:
                # A closed loop means that the kernel goes down: nobody is left to be told.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(self._unless_stopped, call, *values)

        if loop is None:
            self._read(post)
        else:
            # The page that the loop shows belongs to a context of its own.
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(self._read, post), name="tomojupyter-frames", daemon=True
            ).start()

    def stop(self) -> None:
        """Read no further and tell nothing more."""
        self._stopped.set()

    def _unless_stopped(self, call: Callable[..., None], *values: Any) -> None:
        if not self._stopped.is_set():
            call(*values)

    def _read(self, post: Callable[..., None]) -> None:
        told = time.monotonic()
        try:
            for part in self._parts():
                images = np.asarray(self._data[part[0] : part[-1] + 1])
                for i, image in zip(part, images, strict=True):
                    if self._stopped.is_set():
                        return
                    self.glances.take(int(i), image)
                if time.monotonic() - told > TOLD_EVERY_S:
                    told = time.monotonic()
                    post(self._told, self.glances)
            judged = None if self._stopped.is_set() else self._judge(self.glances)
        except Exception as error:
            log.info("the frames could not be looked at", exc_info=error)
            post(self._failed, error)
            return
        if not self._stopped.is_set():
            post(self._done, self.glances, judged)

    def _parts(self) -> Iterator[np.ndarray]:
        """Yield the indices of images that lie in one piece of the file, the wanted ones first."""
        n = self._data.shape[0]
        sizes = self._data.chunks[0] if hasattr(self._data, "chunks") else (1,) * n
        ends = np.cumsum(sizes)
        parts = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        wanted = dict.fromkeys(int(np.searchsorted(ends, i, "right")) for i in self._first)
        for k in dict.fromkeys([*wanted, *range(len(parts))]):
            if not all(self.glances.has(int(i)) for i in parts[k]):
                yield parts[k]
