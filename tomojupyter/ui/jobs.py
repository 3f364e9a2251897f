"""Long work: one thread, and what it tells the kernel's loop.

Widgets are touched by the loop's thread only: progress and the result reach it through
``loop.call_soon_threadsafe``. Nothing ever waits for the thread, since a waiting kernel could not
receive the click on Stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import Cancelled, TomojupyterWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.monitor import Monitor

    Work = Callable[[Monitor], Any]

log = logging.getLogger(__name__)

REPORT_EVERY_S = 0.1


@dataclass(eq=False)
class Report:
    """What a job has said so far.

    Parameters
    ----------
    done, total
        Units of work; a total of 0 means that nothing is known yet.
    seconds
        Since the start.
    values
        The latest of everything that was reported by name (``volume``, ``residual`` ...).
    series
        Every number that was reported by name, as (done, value): none is lost to throttling.
    """

    done: int = 0
    total: int = 0
    seconds: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)
    series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time left, in s, by the work itself if it makes one; None if unknown."""
        if "seconds_left" in self.values:
            return self.values["seconds_left"]
        if not self.done or not self.total or self.seconds < 0.5:
            return None
        return self.seconds * (self.total - self.done) / self.done


@dataclass(eq=False)
class Result:
    """How a job ended: with a value or with an error, and with sentences of warning."""

    value: Any = None
    error: BaseException | None = None
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0


class JobMonitor:
    """The monitor of a job: keeps the latest report, and carries Stop and Finish to the work.

    Parameters
    ----------
    reported
        Called, in the thread of the work, after each report.
    """

    def __init__(self, reported: Callable[[], None]) -> None:
        self.finish_early = False
        self._reported = reported
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._report = Report()
        self._start = time.monotonic()

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Take a report; raises Cancelled after Stop."""
        if self._stop.is_set():
            raise Cancelled("stopped; nothing was changed")
        with self._lock:
            report = self._report
            report.done, report.total = done, total
            report.values.update(values)
            for name, value in values.items():
                if isinstance(value, (int, float)) or getattr(value, "shape", None) == ():
                    report.series.setdefault(name, []).append((done, float(value)))
        self._reported()
        if self._stop.is_set():
            raise Cancelled("stopped; nothing was changed")

    def cancel(self) -> None:
        """Make the next report raise Cancelled."""
        self._stop.set()

    def report(self) -> Report:
        """Return a copy of what was said so far."""
        with self._lock:
            now = self._report
            series = {name: list(points) for name, points in now.series.items()}
            seconds = time.monotonic() - self._start
            return Report(now.done, now.total, seconds, dict(now.values), series)


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def execute(work: Work, monitor: JobMonitor) -> Result:
    """Do the work here and now; errors and our warnings become part of the result."""
    started = time.monotonic()
    result = Result()
    # The filters are the process's own; one job at a time keeps this from nesting.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TomojupyterWarning)
        try:
            result.value = work(monitor)
        except Exception as error:
            result.error = error
    for warning in caught:
        if issubclass(warning.category, TomojupyterWarning):
            result.warnings.append(str(warning.message))
        else:
            log.warning("%s: %s", warning.category.__name__, warning.message)
    result.seconds = time.monotonic() - started
    return result


class Inline:
    """Does the work at once; for tests and for scripts, where no loop runs."""

    def __init__(self) -> None:
        self.monitor: JobMonitor | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self.monitor is not None

    def submit(
        self,
        work: Work,
        on_report: Callable[[Report], None],
        on_done: Callable[[Result], None],
    ) -> None:
        """Begin a job; both calls come in the thread that called `submit`.

        Parameters
        ----------
        work
            Called with a monitor.
        on_report
            Called with the latest report, not with each.
        on_done
            Called once, when the work has ended in whatever way.
        """
        self._run_here(work, on_report, on_done)

    def _run_here(self, work: Work, on_report: Any, on_done: Any) -> None:
        monitor = JobMonitor(lambda: on_report(monitor.report()))
        self.monitor = monitor
        result = execute(work, monitor)
        self.monitor = None
        on_done(result)

    def cancel(self) -> None:
        """Stop the job and throw its result away."""
        if self.monitor is not None:
            self.monitor.cancel()

    def finish(self) -> None:
        """End the job and keep what it has."""
        if self.monitor is not None:
            self.monitor.finish_early = True


class Worker(Inline):
    """Does the work in a thread, where a loop runs in this one; otherwise at once."""

    def submit(
        self,
        work: Work,
        on_report: Callable[[Report], None],
        on_done: Callable[[Result], None],
    ) -> None:
        """Begin a job and return; see `Inline.submit`."""
        loop = running_loop()
        if loop is None:
            self._run_here(work, on_report, on_done)
            return
        context = contextvars.copy_context()

        def post(call: Callable[..., None], *values: Any) -> None:
            # A closed loop means that the kernel goes down: nobody is left to be told.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call, *values, context=context)

        throttle = _Throttle(loop, post, lambda: self._tell(monitor, on_report))
        monitor = JobMonitor(throttle.ask)
        self.monitor = monitor

        def ended(result: Result) -> None:
            self.monitor = None
            on_done(result)

        threading.Thread(
            target=lambda: post(ended, execute(work, monitor)), name="tomojupyter", daemon=True
        ).start()

    def _tell(self, monitor: JobMonitor, on_report: Callable[[Report], None]) -> None:
        if self.monitor is monitor:  # not after the end
            on_report(monitor.report())


class _Throttle:
    """Calls in the loop at most every so often; of many requests the last one counts."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, post: Any, call: Callable[[], None]
    ) -> None:
        self._loop, self._post, self._call = loop, post, call
        self._asked = False
        self._last = -1e9

    def ask(self) -> None:
        """Ask from the work's thread."""
        if not self._asked:
            self._asked = True
            self._post(self._plan)

    def _plan(self) -> None:
        wait = self._last + REPORT_EVERY_S - time.monotonic()
        self._loop.call_later(max(0.0, wait), self._fire)

    def _fire(self) -> None:
        self._asked = False
        self._last = time.monotonic()
        self._call()
