"""A large series looked at frame by frame, beside the one job, while a person looks at it too."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.images.glances import Glances
from tomojupyter.ui.jobs import running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

TOLD_EVERY_S = 0.4


class FrameReader:
    """Reads each image of a series once, in a thread of its own where a loop runs in this one.

    Parameters
    ----------
    data
        Shape (n, ny, nx): an array in a file, or a dask array.
    first
        Indices of images that are wanted before the others.
    told
        Called, in the kernel's loop, with the glances: now and then, and when all are there.
    failed
        Called with the error where the file cannot be read on.
    """

    def __init__(
        self,
        data: Any,
        first: np.ndarray,
        told: Callable[[Glances], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._data, self._first, self._told, self._failed = data, first, told, failed
        self._stopped = threading.Event()
        self.glances = Glances(tuple(data.shape), data.dtype)

    def start(self) -> None:
        """Begin; without a loop everything is read now."""
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
            threading.Thread(
                target=self._read, args=(post,), name="tomojupyter-frames", daemon=True
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
        except Exception as error:
            log.info("the frames could not be read", exc_info=error)
            post(self._failed, error)
            return
        post(self._told, self.glances)

    def _parts(self) -> Iterator[np.ndarray]:
        """Yield the indices of images that lie in one piece of the file, the wanted ones first."""
        n = self._data.shape[0]
        sizes = self._data.chunks[0] if hasattr(self._data, "chunks") else (1,) * n
        ends = np.cumsum(sizes)
        parts = [np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        wanted = dict.fromkeys(int(np.searchsorted(ends, i, "right")) for i in self._first)
        for k in dict.fromkeys([*wanted, *range(len(parts))]):
            yield parts[k]
