"""How much memory there is, and how much of it work may take."""

from __future__ import annotations

import math
import numbers
import os
import re
from pathlib import Path
from typing import Any

from tomojupyter.errors import ParameterError

UNITS = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
SHARE = 0.5  # of the free memory that work takes unless it is told otherwise
MEMINFO = Path("/proc/meminfo")
GROUPS = (  # limit and use of the container that we may run in
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def free_bytes() -> int | None:
    """Return the memory that can be had in bytes, or None where the system does not tell.

    The limit of a container counts where it is lower than what the machine has.
    """
    found = [value for value in (_of_machine(), _of_group()) if value is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _of_group() -> int | None:
    for limit, use in GROUPS:
        try:
            most, now = (int(Path(name).read_text(encoding="ascii")) for name in (limit, use))
        except (OSError, ValueError):  # no such file, or "max"
            continue
        return max(0, most - now)
    return None


def allowed_bytes(max_memory: Any, free: int | None) -> int | None:
    """Return how many bytes work may take; None where nothing limits it.

    Parameters
    ----------
    max_memory
        A number of bytes, or text such as ``"256 MB"`` (10^6 bytes each) or ``"2 GiB"``. None:
        half of what is free.
    free
        Free memory in bytes, or None.

    Raises
    ------
    ParameterError
        If it is neither, or not above 0.
    """
    if max_memory is None:
        return None if free is None else int(SHARE * free)
    value = _parsed(max_memory)
    if value is None or value <= 0:
        raise ParameterError(
            f'max_memory must be a number of bytes above 0, or text such as "256 MB", '
            f"got {max_memory!r}"
        )
    return int(value)


def _parsed(given: Any) -> float | None:
    if isinstance(given, numbers.Real) and not isinstance(given, bool):
        return float(given) if math.isfinite(given) else None
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-zA-Z]*)\s*", str(given))
    if match is None or match[2].upper() not in UNITS:
        return None
    return float(match[1]) * UNITS[match[2].upper()]


def bytes_text(size: float) -> str:
    """Write a number of bytes in decimal units: ``39 MB``, ``1.2 GB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
