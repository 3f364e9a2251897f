"""The only executor, and the only code that writes history."""

from __future__ import annotations

import datetime
import logging
import os
import time
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import DataError, UnknownParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.steps import history
from tomojupyter.steps.base import closest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomojupyter.steps.base import Step

log = logging.getLogger(__name__)

RUN_OPTIONS = ("ncores", "max_memory", "output")


def check_options(options: Iterable[str]) -> None:
    """Raise UnknownParameterError if one of them is no run option."""
    for name in options:
        if name not in RUN_OPTIONS:
            raise UnknownParameterError(
                f"{name}: not an option of a run (known: {', '.join(RUN_OPTIONS)})"
                + closest(name, RUN_OPTIONS)
            )


def run(signal: Any, step: Step, monitor: Monitor | None = None, **options: Any) -> Any:
    """Validate, resolve, apply and record one Step.

    Parameters
    ----------
    signal
        A TomoStack or RecStack; it is not changed.
    step
        The Step.
    monitor
        Follows and stops long work.
    **options
        Run options, which do not change the result. ``ncores`` and ``max_memory`` are recorded
        as environment; ``output`` names a file that is filled.

    Returns
    -------
    TomoStack or RecStack
        The result, with one more record in its history.

    Raises
    ------
    DataError
        If the signal cannot be used.
    UnknownParameterError
        If there is no such run option.
    Cancelled
        If the monitor says so; nothing is changed then.
    """
    check_options(options)
    if signal._signal_type != step.on:
        raise DataError(f"{step.operation} works on a {step.on}, got a {type(signal).__name__}")
    signal._check(needs_tilts=step.needs_tilts)
    records = begin(signal)
    if step.in_memory and signal._lazy:
        size = signal.data.nbytes / 1e6
        log.warning("%s needs the whole stack in memory: %.0f MB", step.operation, size)
        source, signal = signal._source, signal.deepcopy()
        signal.compute(close_file=False, show_progressbar=False)
        # What lies around a crop is still there to be moved in.
        signal._source = source
    resolved = step.resolve(signal)
    started = datetime.datetime.now(datetime.UTC)
    clock = time.perf_counter()
    outcome = resolved.apply(signal, monitor or Silent(), **options)
    done = outcome.step or resolved
    record = {
        "operation": step.operation,
        "method": step.method,
        "asked": step.as_dict(),
        "resolved": done.as_dict(),
        "scalars": outcome.scalars,
        "resampled": outcome.signal._resampled,
        "before": records[-1]["after"],
        "after": outcome.signal._fingerprint(),
        "environment": environment(options),
        "versions": history.versions(),
        "time": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    history.write(outcome.signal, [*records, record])
    outcome.signal._note_pixels()
    if outcome.completed is not None:
        outcome.completed(outcome.signal)
    return outcome.signal


def environment(options: dict[str, Any]) -> dict[str, Any]:
    """Return what a record says of where and how a Step ran."""
    found: dict[str, Any] = {"ncores": options.get("ncores") or os.cpu_count()}
    if options.get("max_memory") is not None:
        found["max_memory"] = str(options["max_memory"])
    return found


def begin(signal: Any) -> list[dict[str, Any]]:
    """Return the records of `signal`, with its source first and outside edits confessed."""
    records = history.read(signal)
    if not records:
        records = [source_record(signal, {"reader": "array"})]
    elif history.edited(signal):
        deferred = signal._deferred
        records = history.confessed(signal)
        # Pixels that were put off confess by themselves when they are asked for.
        return history.read(signal) if deferred else records
    return records


def source_record(signal: Any, origin: dict[str, Any]) -> dict[str, Any]:
    """Return the first record: where the pixels come from."""
    return {
        "operation": "source",
        **origin,
        "after": signal._fingerprint(),
        "resampled": 0,
        "versions": history.versions(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def start_history(signal: Any, **origin: Any) -> None:
    """Write the source record of a signal just loaded, unless it brings a history along."""
    if not history.read(signal):
        history.write(signal, [source_record(signal, origin)])
        signal._note_pixels()
