"""What is to be known before a reconstruction: memory, size and time; and a run in a few words."""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import TomojupyterError
from tomojupyter.numerics.volumes.segmentation import find_threshold
from tomojupyter.steps import history
from tomojupyter.steps.base import find, parameters
from tomojupyter.steps.estimate import Estimate, estimated
from tomojupyter.steps.words import words
from tomojupyter.ui.style import section
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.words import seconds_text, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomojupyter.steps import Step

MOVES_PX = 2.0


def estimate_or_problem(signal: Any, step: Step, options: Mapping[str, Any]) -> Estimate:
    """Return what a Step takes, without the time; what it refuses for is in the estimate."""
    try:
        ncores, max_memory = options.get("ncores"), options.get("max_memory")
        return estimated(signal, step, ncores, max_memory, timed=False)
    except TomojupyterError as error:
        return Estimate(0, 0, 0, None, 0, refusal=str(error))


def too_large(told: Estimate) -> str:
    """Return the sentence that a run does not fit, with a way out; nothing if it does."""
    if not told.refusal or told.free_bytes is None:
        return told.refusal
    return (
        f"{size_text(told.peak_bytes + told.output_bytes)} are needed, "
        f"{size_text(told.free_bytes or 0)} are free: bin by 2 in Trim, crop, or reduce the "
        "thickness."
    )


def facts_html(
    shape: tuple[int, int, int], thickness: int, told: Estimate, seconds: float | None
) -> str:
    """Return "Before you start" as a small table.

    Parameters
    ----------
    shape
        (n, ny, nx) of the series.
    thickness
        Height of the volume in px.
    told
        Its memory.
    seconds
        Time, or None while it is not known.
    """
    _, ny, nx = shape
    needed = size_text(told.peak_bytes + told.output_bytes)
    time = "being measured" if seconds is None else f"about {seconds_text(seconds)}"
    size = f"{nx} × {thickness} × {ny}, {size_text(told.output_bytes)}"
    of = f"{needed} of {size_text(told.free_bytes)} free" if told.free_bytes else needed
    rows = [("Time", time), ("Memory", of), ("Result", size)]
    if told.slabs > 1:
        rows.append(("In parts", f"{told.slabs} of {told.slices} slices, the middle first"))
    cells = "".join(f"<tr><td>{a}</td><td>{escape(b)}</td></tr>" for a, b in rows)
    note = "" if seconds is None else f"Measured on this machine, {os.cpu_count()} cores."
    return f'<table class="tj-facts">{cells}</table><p class="tj-grey">{note}</p>'


def run_words(record: Mapping[str, Any]) -> str:
    """Return a reconstruction in a few words, ``SIRT 28, constrain``, from its record.

    Told are iterations, switches that are on, choices, and whatever else was asked for.
    """
    method = str(record["method"])
    done, asked = record["resolved"], record["asked"]
    text, more = method, []
    for p in parameters(find("reconstruct", method)):
        value, default = done.get(p.name), p.default
        if p.name == "iterations":
            text += f" +{value}" if done.get("start_volume") else f" {value}"
        elif isinstance(value, bool):
            if value and asked.get(p.name):
                more.append(p.name)
        elif p.metadata["choices"] and not p.metadata["advanced"]:
            more.append(str(value))
        elif p.name == "start_volume":
            continue  # the plus before the iterations says it
        elif asked.get(p.name) != default and asked.get(p.name) is not None:
            more.append(f"{p.name} {words(value)}")
    return ", ".join([text, *more])


def method_words(step: Step) -> str:
    """Return method and iterations, ``SIRT 20``."""
    count = step.as_dict().get("iterations")
    return f"{step.method} {count}" if count else step.method


def data_norm(signal: Any, column: int | None = None) -> float:
    """Return the norm of the images that count, or of one column of them; NaN counts as 0."""
    total = 0.0
    for i in np.flatnonzero(~signal.excluded):
        image = np.asarray(signal.data[int(i)])
        part = image if column is None else image[:, column]
        total += float(np.nansum(np.square(part, dtype=np.float64)))
    return float(np.sqrt(total))


LEVELS = "gray_levels"


def propose_levels(form: Any, volume: Any) -> None:
    """Fill the grey levels of DART in where there are none yet, from a volume if there is one.

    Two levels: 0 for vacuum, and the mean of what is above Otsu's limit.
    """
    field = form.controls.get(LEVELS) if form is not None else None
    if field is None or field.value or volume is None:
        return
    values = np.asarray(volume.data[:: max(1, len(volume.data) // 64)], np.float32)
    limit = find_threshold(values, "otsu")
    above = values[values > limit]
    if above.size:
        field.value = f"0, {float(above.mean()):.3g}"


def levels_sentences(form: Any) -> list[str]:
    """Say where the grey levels of DART come from, or how to get a proposal."""
    field = form.controls.get(LEVELS) if form is not None else None
    if field is None:
        return []
    if not field.value:
        return ["Run SIRT or OS-SIRT before this: the grey levels are then proposed from it."]
    return [
        "Check the grey levels: vacuum and each material, in the units of an earlier run. Two are "
        "proposed; a third material needs a third."
    ]


def series_sentences(signal: Any, moves: float, vacuum: float) -> list[str]:
    """Return what would spoil the volume of a series.

    Parameters
    ----------
    signal
        A TomoStack.
    moves
        Largest movement between its neighbours, px.
    vacuum
        Level of its vacuum, where that is not near 0.
    """
    found = []
    registered = any(r["operation"] == "stack_register" for r in history.read(signal))
    if moves >= MOVES_PX and not registered:
        found.append(f"Not registered: neighbouring frames move by {moves:.0f} px.")
    if vacuum:
        found.append(
            f"The vacuum lies at {number_text(vacuum, 5)}, not near 0, and is "
            "reconstructed as matter: take it off in Filter."
        )
    return found


def iterates(cls: type[Step]) -> bool:
    """Tell whether a method of reconstruction comes nearer by iterations."""
    return "iterations" in {f.name for f in parameters(cls)}


def curve_note(cls: type[Step]) -> str:
    """Return what stands beside the title of the convergence plot while that is empty."""
    return "log scale" if iterates(cls) else f"{cls.method} has no iterations"


def look_for_html(cls: type[Step]) -> str:
    """Return what a person should look for in the slice, as HTML."""
    text = (
        "Edges sharpen, then grain grows. Stop where the curve flattens; grain that grows after "
        "that is noise, not structure."
        if iterates(cls)
        else f"{cls.method} is quick to look at, and has streaks along the beams of few tilts; "
        "SIRT or TV have fewer."
    )
    return f'{section("What to look for")}<p class="tj-grey" style="margin:0">{text}</p>'
