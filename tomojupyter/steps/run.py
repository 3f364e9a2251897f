"""The only executor, and the only code that writes history."""

from __future__ import annotations

import datetime
import logging
import os
import time
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import DataError, UnknownParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.steps import history, recipe_set
from tomojupyter.steps.base import closest
from tomojupyter.steps.spectra import SPECTRA, Spectra

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        A TomoStack or RecStack, or a signal of spectra for Steps on such; it is not changed.
    step
        The Step.
    monitor
        Follows and stops long work.
    **options
        Run options, which do not change the result. ``ncores`` and ``max_memory`` are recorded
        as environment; ``output`` names a file that is filled.

    Returns
    -------
    TomoStack, RecStack or dict
        The result, with one more record in its history; by name where a Step has several.

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
    signal = _checked(signal, step)
    records = begin(signal)
    signal = _in_memory(signal, step)
    resolved = step.resolve(signal)
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    outcome = resolved.apply(signal, monitor or Silent(), **options)
    made = outcome.outputs or {"": outcome.signal}
    record = _record(step, outcome.step or resolved, options, started, clock)
    for name, result in made.items():
        named = {"output": name} if outcome.outputs else {}
        own = {"scalars": outcome.scalars, "before": records[-1]["after"], **named}
        _write(result, records, {**record, **own})
    if outcome.completed is not None:
        outcome.completed(outcome.signal)
    return outcome.outputs or outcome.signal


def run_together(
    signals: Mapping[str, Any], step: Step, monitor: Monitor | None = None, **options: Any
) -> dict[str, Any]:
    """Validate, resolve, apply and record one Step on several signals at once.

    Parameters
    ----------
    signals
        TomoStacks by name; they are not changed.
    step
        A Step that takes several signals together.
    monitor, **options
        As for :func:`run`.

    Returns
    -------
    dict
        The results, under the names of what they were made of.

    Raises
    ------
    DataError
        If a signal cannot be used, or they do not fit each other.
    Cancelled
        If the monitor says so; nothing is changed then.
    """
    check_options(options)
    ready = {name: _checked(signal, step) for name, signal in signals.items()}
    records = {name: begin(signal) for name, signal in ready.items()}
    ready = {name: _in_memory(signal, step) for name, signal in ready.items()}
    resolved = step.resolve(next(iter(ready.values())))
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    outcome = resolved.apply_together(ready, monitor or Silent(), **options)
    record = _record(step, outcome.step or resolved, options, started, clock)
    before = {name: own[-1]["after"] for name, own in records.items()}
    for name, result in outcome.outputs.items():
        own = {"scalars": outcome.scalars, "on": list(ready), "output": name, "together": before}
        others = {other: of for other, of in records.items() if other != name}
        own |= {"before": before[name], recipe_set.WITH: others}
        _write(result, records[name], {**record, **own})
    return outcome.outputs


def _checked(signal: Any, step: Step) -> Any:
    """Return a signal that the Step may work on."""
    if step.on == SPECTRA:
        signal = signal if isinstance(signal, Spectra) else Spectra(signal)
    elif getattr(signal, "_signal_type", "") != step.on:
        raise DataError(f"{step.operation} works on a {step.on}, got a {type(signal).__name__}")
    signal._check(needs_tilts=step.needs_tilts)
    return signal


def _in_memory(signal: Any, step: Step) -> Any:
    """Return the signal, in memory if the Step needs it there."""
    if step.in_memory and signal._lazy:
        size = signal.data.nbytes / 1e6
        log.warning("%s needs the whole stack in memory: %.0f MB", step.operation, size)
        source, signal = signal._source, signal.deepcopy()
        signal.compute(close_file=False, show_progressbar=False)
        # What lies around a crop is still there to be moved in.
        signal._source = source
    return signal


def _record(
    step: Step, done: Step, options: dict[str, Any], started: datetime.datetime, clock: float
) -> dict[str, Any]:
    """Return what all results of a Step have in their records."""
    return {
        "operation": step.operation,
        "method": step.method,
        "asked": step.as_dict(),
        "resolved": done.as_dict(),
        "environment": environment(options),
        "versions": history.versions(),
        "time": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }


def _write(result: Any, records: list[dict[str, Any]], record: dict[str, Any]) -> None:
    """Write the history of a result."""
    own = {"resampled": result._resampled, "after": result._fingerprint()}
    history.write(result, [*records, {**record, **own}])
    result._note_pixels()


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
        records = [source_record(signal, getattr(signal, "origin", None) or {"reader": "array"})]
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
