"""A batch at work within the app: progress, what it takes, and how it ended, in sentences."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from tomojupyter.batch.memory import Plan, planned
from tomojupyter.batch.table import DONE, FAILED, KEPT, WAITING, counts
from tomojupyter.errors import Cancelled
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.words import seconds_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomojupyter.batch.folder import Batch
    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Recipe

log = logging.getLogger(__name__)


def work_through(batch: Batch, monitor: Monitor, most: int | None = None) -> bool:
    """Run a batch; tell whether it came to its end.

    Parameters
    ----------
    batch
        What is to be done.
    monitor
        Gets the series that are settled, of how many; `failed`, and `seconds_left` once known.
        After Stop, what is done stays done.
    most
        As for `Batch.run`.
    """
    names = [job.name for job in batch.jobs][:most]
    started: list[float] = []

    def follow(_text: str) -> None:
        states = [batch.rows[name].state for name in names]
        if batch.at and not started:
            started.append(time.monotonic())
        ended = sum(state in (DONE, FAILED) for state in states)
        waiting = states.count(WAITING)
        left = (time.monotonic() - started[0]) * waiting / ended if started and ended else None
        monitor(len(names) - waiting, len(names), failed=states.count(FAILED), seconds_left=left)

    try:
        batch.run(log.info, follow, most)
    except Cancelled:
        return False
    return True


def end_sentence(batch: Batch, ended: bool, most: int | None, where: str) -> tuple[str, str]:
    """Say how a batch ended, and whether that is good or a warning.

    Parameters
    ----------
    batch
        As it is now.
    ended
        Whether it came to its end.
    most
        So many series were to be done; None: all.
    where
        The folder of the results, as a person calls it.
    """
    rows = list(batch.rows.values())
    if not ended:
        return f"Stopped: {counts(rows)}. Run goes on with the rest.", "warning"
    if most is None:
        kind = "warning" if batch.failed else "good"
        return f"{counts(rows)}. See summary.html in {where}.", kind
    row = rows[0]
    if row.state == FAILED:
        return f"{row.series} failed: {'; '.join(row.remarks)}", "warning"
    was = "was done before" if row.state == KEPT else f"took {seconds_text(row.seconds or 0)}"
    return f"{row.series} {was}. Look at it before you run all.", "good"


def plan_sentence(plan: Plan) -> tuple[str, bool]:
    """Say how many series are done at a time and why, and whether each of them fits."""
    need = max(plan.needs, default=0)
    if not need:
        return "", True
    free = "" if plan.memory is None else f", {size_text(plan.memory)} may be taken"
    fits = plan.memory is None or need <= plan.memory
    return f"{plan.count} at a time: each needs {size_text(need)}{free}", fits


class Planning:
    """Works out what a batch takes, in a thread where a loop runs; what is known is kept.

    Parameters
    ----------
    told
        Called in the kernel's loop when something is known that was asked for.
    """

    def __init__(self, told: Callable[[], Any]) -> None:
        self._told = told
        self._known: dict[Any, Plan] = {}
        self._asked: Any = None

    def plan(self, sources: Sequence[Path], recipe: Recipe, jobs: int | None) -> Plan | None:
        """Return the plan, or None while it is worked out."""
        key = (tuple(sources), recipe.to_yaml(), jobs)
        if key in self._known or not sources:
            return self._known.get(key)
        loop = running_loop()
        if loop is None:
            self._known[key] = planned(sources, recipe, jobs)
            return self._known[key]
        if self._asked is None:
            self._asked = key
            context = contextvars.copy_context()

            def ended(plan: Plan | None) -> None:
                self._asked = None
                if plan is not None:
                    self._known[key] = plan
                    self._told()

            def work() -> None:
                plan = None
                try:
                    plan = planned(sources, recipe, jobs)
                except Exception as error:  # the form says what is wrong with file and recipe
                    log.info("no plan of the batch", exc_info=error)
                # A closed loop means that the kernel goes down.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(ended, plan, context=context)

            threading.Thread(target=work, name="tomojupyter plan", daemon=True).start()
        return None
