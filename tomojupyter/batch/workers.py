"""Processes that do jobs, several at a time; one that dies takes nothing else along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from tomojupyter.batch.jobs import End, Job, do
from tomojupyter.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

REPORTS = 0.2  # seconds between two of them
PULSE = 0.5
"""Seconds without news after which the last one is told again."""


class Reporter:
    """A monitor that sends progress to the process that hands out the jobs."""

    finish_early = False

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next = connection, 0.0

    def __call__(self, done: int, total: int, **_: Any) -> None:
        """Send it now and then; without anybody to send it to, the work ends."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORTS
        try:
            self._connection.send((done, total))
        except OSError as error:
            raise Cancelled("the batch has ended") from error


def serve(connection: Connection) -> None:
    """Do jobs until there are no more; runs in a process of its own."""
    # Ctrl-C is for the process that hands out the jobs; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while job := connection.recv():
            connection.send(do(job, Reporter(connection)))
    except (EOFError, OSError, Cancelled):
        # Nobody is there any more, as after kill -9.
        os._exit(1)


class Worker:
    """A process, and the job that it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.at: tuple[int, int] | None = None
        self.need = 0

    def begin(self, job: Job, need: int) -> None:
        """Hand out a job that takes `need` bytes."""
        self.job, self.at, self.need = job, None, need
        self.connection.send(job)

    def end(self) -> None:
        """End the process, whatever it is at."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def run_jobs(
    jobs: list[tuple[Job, int]], count: int, memory: int | None
) -> Iterator[tuple[Job, End | tuple[int, int] | None]]:
    """Do jobs in processes.

    Parameters
    ----------
    jobs
        Each with the bytes that it takes.
    count
        How many at a time, at most.
    memory
        What all may take together, in bytes; one alone may take more. None: as much as they like.

    Yields
    ------
    tuple of Job and End, tuple or None
        None when a job begins, (done, total) as it goes on, and its End. Of one of those under way
        the last is told again where there is no news, so that the caller can end it all.
    """
    waiting = list(reversed(jobs))
    workers: list[Worker] = []
    try:
        while waiting or any(worker.job for worker in workers):
            yield from _hand_out(waiting, workers, count, memory)
            busy = {worker.connection: worker for worker in workers if worker.job}
            ready = wait(list(busy), PULSE)
            if not ready and busy:
                waited = next(iter(busy.values()))
                assert waited.job is not None
                yield waited.job, waited.at
            for connection in ready:
                worker = busy[connection]  # type: ignore[index]
                job = worker.job
                assert job is not None
                message = _receive(worker)
                if isinstance(message, End):
                    worker.job, worker.need = None, 0
                else:
                    worker.at = message
                if not worker.process.is_alive():
                    workers.remove(worker)
                    worker.end()
                yield job, message
    finally:
        for worker in workers:
            worker.end()


def _receive(worker: Worker) -> Any:
    """Return what a worker sends, or the End of its job if it died."""
    try:
        return worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        code = worker.process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        return End(
            f"its process ended {how}, as when there is not enough memory: do fewer at a time"
        )


def _hand_out(
    waiting: list[tuple[Job, int]], workers: list[Worker], count: int, memory: int | None
) -> Iterator[tuple[Job, None]]:
    """Begin jobs as long as there are processes and memory for them."""
    while waiting:
        busy = [worker for worker in workers if worker.job]
        taken = sum(worker.need for worker in busy)
        need = waiting[-1][1]
        if len(busy) >= count or (busy and memory is not None and taken + need > memory):
            return
        free = [worker for worker in workers if not worker.job]
        worker = free[0] if free else Worker()
        if not free:
            workers.append(worker)
        job, need = waiting.pop()
        try:
            worker.begin(job, need)
        except OSError:
            # It died while it had nothing to do.
            workers.remove(worker)
            worker.end()
            waiting.append((job, need))
            continue
        yield job, None
