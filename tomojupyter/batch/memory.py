"""How much memory a series takes, and how many fit at a time."""

from __future__ import annotations

import contextlib
import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomojupyter.errors import TomojupyterError
from tomojupyter.io import load
from tomojupyter.steps.estimate import estimated
from tomojupyter.steps.memory import free_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tomojupyter.steps import Recipe

PROGRAM = 400_000_000
"""Bytes of a process that has loaded the package and its compiled kernels."""
STACKS = 9
"""Float32 copies of the series that its preparation, such as an alignment, takes at most."""
HELD = 4
"""Float32 copies of the series that are there while a volume is reconstructed of it."""
UNLIMITED = 1 << 62
SHARE = 0.8
"""Part of the free memory that a batch takes if it is not told otherwise."""


@dataclass(frozen=True)
class Plan:
    """How many series are done at a time, and what for.

    Parameters
    ----------
    needs
        What each series takes, in bytes.
    memory
        What all may take together, in bytes; None: as much as they like.
    count
        Series at a time.
    cores
        Threads of each.
    """

    needs: tuple[int, ...]
    memory: int | None
    count: int
    cores: int


def planned(
    sources: Sequence[Path],
    recipe: Recipe,
    jobs: int | None = None,
    memory: int | None = None,
    cores: int | None = None,
) -> Plan:
    """Return how a recipe is done on many series; each file is looked at for that.

    Parameters
    ----------
    sources
        Files of the series.
    recipe
        What is to be done.
    jobs, memory, cores
        As a person limits them: series at a time, bytes, threads of each. None: one series a
        processor, 0.8 of the memory that is free, the processors shared out.
    """
    if memory is None and (free := free_bytes()) is not None:
        memory = int(SHARE * free)
    needs = [needed_bytes(source, recipe, cores) for source in sources]
    cpus = os.cpu_count() or 1
    count = at_a_time(needs, memory, jobs, cpus)
    return Plan(tuple(needs), memory, count, cores or max(1, cpus // count))


def needed_bytes(source: Path, recipe: Recipe, cores: int | None = None) -> int:
    """Return about what a recipe on a series takes, in bytes; 0 if the file cannot be read.

    A file that cannot be read fails with its own sentence when its turn comes.

    Parameters
    ----------
    source
        File of the series.
    recipe
        What is to be done.
    cores
        Threads of each series; None: one a processor.

    Notes
    -----
    Reconstructions are taken at their own estimate, as that of a volume of the whole series; one
    that is cropped or binned before takes less.
    """
    try:
        stack = load(source, lazy=True)
        series = 4 * math.prod(stack.data.shape)
    except (TomojupyterError, OSError):
        return 0
    need = STACKS * series
    for step in (entry.step for entry in recipe.entries):
        if step is not None and step.operation == "reconstruct":
            with contextlib.suppress(TomojupyterError):
                found = estimated(stack, step, cores, UNLIMITED, timed=False)
                need = max(need, HELD * series + found.output_bytes + found.peak_bytes)
    return PROGRAM + need


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
