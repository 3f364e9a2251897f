"""How much memory a series takes, and how many fit at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tomojupyter.errors import TomojupyterError
from tomojupyter.io import load

if TYPE_CHECKING:
    from pathlib import Path

    from tomojupyter.steps import Recipe

PROGRAM = 400_000_000
"""Bytes of a process that has loaded the package and its compiled kernels."""
STACKS, VOLUMES = 9, 3
"""Float32 copies of the series, and of its volume, that a recipe takes at most at a time."""


def needed_bytes(source: Path, recipe: Recipe) -> int:
    """Return about what a recipe on a series takes, in bytes; 0 if the file cannot be read.

    A file that cannot be read fails with its own sentence when its turn comes.
    """
    try:
        shape = load(source, lazy=True).data.shape
    except (TomojupyterError, OSError):
        return 0
    steps = [entry.step for entry in recipe.entries if entry.step]
    thickness = [
        getattr(step, "thickness", None) or shape[1] for step in steps if step.needs_tilts
        and step.operation == "reconstruct"
    ]  # fmt: skip
    volume = shape[2] * shape[1] * max(thickness, default=0)
    return PROGRAM + 4 * (STACKS * math.prod(shape) + VOLUMES * volume)


def at_a_time(needs: list[int], memory: int | None, jobs: int | None, cpus: int) -> int:
    """Return how many series to do at a time.

    Parameters
    ----------
    needs
        What each takes, in bytes.
    memory
        What all may take together; None: as much as they like.
    jobs
        The most that a person allows; None: one a processor.
    cpus
        Processors.
    """
    most = min(len(needs), jobs or cpus)
    largest = max(needs, default=0)
    if memory is not None and largest:
        most = min(most, memory // largest)
    return max(1, most)
