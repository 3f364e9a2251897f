"""How long a reconstruction takes: as measured, else by a trial that leaves the page usable."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import TomojupyterError
from tomojupyter.steps.estimate import estimated, tried
from tomojupyter.steps.reconstruct import ReconstructionStep
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.panels.reconstruct_runs import record_of
from tomojupyter.ui.panels.reconstruct_slice import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.steps import Step
    from tomojupyter.ui.timeline import Node

log = logging.getLogger(__name__)


class Times:
    """Seconds of Steps on series of some size.

    Parameters
    ----------
    changed
        Called, in the kernel's loop, when a trial has told a time.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._rates: dict[tuple[Any, ...], Rate] = {}
        self._tried: set[tuple[Any, ...]] = set()
        self._trying = False

    @staticmethod
    def key(signal: Any, step: Step, thickness: int) -> tuple[Any, ...]:
        """Return what runs have in common that take the same time for an iteration."""
        return (step.method, *signal.data.shape, thickness)

    def note(self, key: tuple[Any, ...], rate: Rate) -> None:
        """Note what a test slice has measured."""
        self._rates[key] = rate

    def note_run(self, run: Node) -> None:
        """Note how long a run took."""
        record, stack = record_of(run), run.stack
        if stack is not None:
            done, seconds = record["resolved"], float(record["seconds"])
            count = done.get("iterations")
            rate = Rate(0.0, seconds / count) if count else Rate(seconds)
            key = (record["method"], *stack.signal.data.shape, run.signal.data.shape[1])
            self._rates[key] = rate

    def measured(self, key: tuple[Any, ...], step: Step) -> float | None:
        """Return the seconds of a Step as measured, or None."""
        rate = self._rates.get(key)
        return rate.seconds(step) if rate else None

    def estimate(
        self, key: tuple[Any, ...], signal: Any, step: Step, ncores: int | None, busy: bool
    ) -> float | None:
        """Return the seconds of a Step by a trial.

        None while that is under way in a thread, or where other work would disturb it.
        """
        # What another trial tells is another key: nothing is tried while the page waits.
        key = (*key, tried(step) if isinstance(step, ReconstructionStep) else step)
        if key in self._tried:
            return estimated(signal, step, ncores).seconds
        loop = running_loop()
        if loop is None:
            self._tried.add(key)
            return estimated(signal, step, ncores).seconds
        if self._trying or busy:
            return None
        self._trying = True

        def ended() -> None:
            self._trying = False
            self._changed()

        def work() -> None:
            try:
                estimated(signal, step, ncores)
                self._tried.add(key)
            except TomojupyterError as error:  # the form says it
                log.info("no estimate: %s", error)
            finally:  # else no other time would be tried any more
                loop.call_soon_threadsafe(ended)

        threading.Thread(target=work, name="tomojupyter estimate", daemon=True).start()
        return None
