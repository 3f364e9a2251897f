"""What is to be known before a reconstruction: memory, size and time; and a run in a few words."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter.steps.base import find, parameters
from tomojupyter.steps.words import words
from tomojupyter.ui.words import seconds_text, size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomojupyter.steps import Step

ENTRY = 16  # bytes of an entry of the projector's matrix and its transpose


def free_bytes() -> int | None:
    """Return the memory that can be had in bytes, or None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def result_bytes(shape: tuple[int, int, int], thickness: int) -> int:
    """Return the size of a volume in bytes, of a series of shape (n, ny, nx)."""
    _, ny, nx = shape
    return 4 * nx * thickness * ny


def needed_bytes(shape: tuple[int, int, int], thickness: int, step: Step) -> int:
    """Return what a reconstruction takes at most, in bytes, its result included.

    Parameters
    ----------
    shape
        (n, ny, nx) of the series.
    thickness
        Height of the volume in px.
    step
        The method: one with iterations keeps the residual and a factor for each voxel.

    Notes
    -----
    Sinograms and weights; for iterations also both once more, the residual and, where every
    slice has gaps of its own, as many factors as voxels. ASTRA's matrix, with ``backend="astra"``,
    has at most ``2 n max(nz, ny) ny`` entries.
    """
    n, ny, nx = shape
    sinograms = 4 * n * ny * nx
    volume = result_bytes(shape, thickness)
    matrix = ENTRY * 2 * n * max(thickness, ny) * ny if _with_matrix(step) else 0
    return matrix + (2 * volume + 5 * sinograms if iterative(step) else volume + 2 * sinograms)


def too_large(shape: tuple[int, int, int], thickness: int, step: Step, free: int) -> str:
    """Return the sentence that memory does not suffice, with a way out; nothing if it does."""
    needed = needed_bytes(shape, thickness, step)
    if needed <= free:
        return ""
    n, ny, nx = shape
    binned = needed_bytes((n, ny // 2, nx // 2), max(1, thickness // 2), step)
    return (
        f"{size_text(needed)} are needed, {size_text(free)} are free: bin by 2 in Trim "
        f"({size_text(binned)}), crop, or reduce the thickness."
    )


def facts_html(
    shape: tuple[int, int, int],
    thickness: int,
    step: Step,
    free: int | None,
    seconds: float | None,
) -> str:
    """Return "Before you start" as a small table.

    Parameters
    ----------
    shape, thickness, step
        As for `needed_bytes`.
    free
        Bytes, or None where they are not known.
    seconds
        Estimate that was measured, or None.
    """
    _, ny, nx = shape
    needed = size_text(needed_bytes(shape, thickness, step))
    time = "not measured yet" if seconds is None else f"about {seconds_text(seconds)}"
    size = f"{nx} × {thickness} × {ny}, {size_text(result_bytes(shape, thickness))}"
    of = f"{needed} of {size_text(free)} free" if free is not None else needed
    rows = [("Time", time), ("Memory", of), ("Result", size)]
    cells = "".join(f"<tr><td>{a}</td><td>{escape(b)}</td></tr>" for a, b in rows)
    note = (
        "A test slice tells the time."
        if seconds is None
        else f"Measured on this machine, {os.cpu_count()} cores."
    )
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
            text += f" {value}"
        elif isinstance(value, bool):
            if value and asked.get(p.name):
                more.append(p.name)
        elif p.metadata["choices"] and not p.metadata["advanced"]:
            more.append(str(value))
        elif asked.get(p.name) != default and asked.get(p.name) is not None:
            more.append(f"{p.name} {words(value)}")
    return ", ".join([text, *more])


def iterative(step: Step) -> bool:
    """Tell whether a Step works by iterations."""
    return "iterations" in step.as_dict()


def _with_matrix(step: Step) -> bool:
    return step.as_dict().get("backend") == "astra"


def method_words(step: Step) -> str:
    """Return method and iterations, ``SIRT 20``."""
    count = step.as_dict().get("iterations")
    return f"{step.method} {count}" if count else step.method
