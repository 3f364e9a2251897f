"""How much memory there is, and how much a series takes."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tomojupyter.errors import TomojupyterError
from tomojupyter.io import load

if TYPE_CHECKING:
    from tomojupyter.steps import Recipe

PROGRAM = 400_000_000
"""Bytes of a process that has loaded the package and its compiled kernels."""
STACKS, VOLUMES = 9, 3
"""Float32 copies of the series, and of its volume, that a recipe takes at most at a time."""
GROUP = Path("/sys/fs/cgroup")


def free_bytes(group: Path = GROUP) -> int | None:
    """Return the memory that can be had in bytes, or None where the system does not tell.

    Parameters
    ----------
    group
        Where Linux keeps the limit of a container.
    """
    free = _free_of_machine()
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        used = int((group / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    left = max(0, limit - used)
    return left if free is None else min(free, left)


def _free_of_machine() -> int | None:
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
