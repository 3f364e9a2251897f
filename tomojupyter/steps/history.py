"""The history of a signal: one JSON string in its metadata, and the fingerprints in it."""

from __future__ import annotations

import datetime
import json
import zlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

HISTORY = "Tomojupyter.history"
PIXELS = "Tomojupyter.pixels"
KNOWN = 16
"""Fingerprints of mapped pixels that are remembered."""
_known: dict[tuple[Any, ...], str] = {}
PACKAGES = ("tomojupyter", "hyperspy", "numpy", "scipy", "astra-toolbox", "scikit-image")


def fingerprint(data: Any) -> str:
    """Return a fingerprint of `data`: crc32 of an array, or the name of a dask graph.

    The two kinds carry different prefixes and are never compared with each other. Pixels of a
    file that nobody can write into through this array are read once, as long as the file is.
    """
    if not isinstance(data, np.ndarray):
        return f"dask:{data.name}"
    place = _mapped(data)
    if place is None:
        return _crc(data)
    if place not in _known:
        while len(_known) >= KNOWN:
            del _known[next(iter(_known))]
        _known[place] = _crc(data)
    return _known[place]


def _crc(data: np.ndarray) -> str:
    crc = 0
    for part in np.atleast_1d(data):  # one by one: a view of a file may be larger than memory
        crc = zlib.crc32(np.ascontiguousarray(part).view(np.uint8).ravel().data, crc)
    return f"crc32:{crc:08x}:{data.dtype}:{'x'.join(map(str, data.shape))}"


def _mapped(data: np.ndarray) -> tuple[Any, ...] | None:
    """Return what tells pixels that are mapped to be read from all others; None: they are not."""
    if not isinstance(data, np.memmap) or data.flags.writeable or not data.filename:
        return None
    try:
        about = Path(data.filename).stat()
    except OSError:
        return None
    whole = data
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    begins = (view.__array_interface__["data"][0] for view in (data, whole))
    offset = int(whole.offset) + next(begins) - next(begins)
    layout = (offset, data.strides, data.shape, data.dtype.str)
    return (str(data.filename), about.st_ino, about.st_mtime_ns, about.st_size, *layout)


def checksum(path: Any) -> str:
    """Return the crc32 of a file's bytes."""
    crc = 0
    with path.open("rb") as f:
        while block := f.read(1 << 22):
            crc = zlib.crc32(block, crc)
    return f"crc32:{crc:08x}"


def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def read(signal: Any) -> list[dict[str, Any]]:
    """Return the records of `signal`, oldest first (a copy)."""
    text = signal.metadata.get_item(HISTORY, default="")
    return json.loads(text) if text else []


def write(signal: Any, records: list[dict[str, Any]]) -> None:
    """Replace the records of `signal`."""
    signal.metadata.set_item(HISTORY, json.dumps(records))


def note_pixels(signal: Any) -> None:
    """Remember the fingerprint of the current pixels, to notice edits made outside."""
    signal.metadata.set_item(PIXELS, signal._fingerprint())


def forget_pixels(signal: Any) -> None:
    """Forget it, for pixels that are not noted yet."""
    signal.metadata.set_item(PIXELS, "")


def confessed(signal: Any) -> list[dict[str, Any]]:
    """Return the records of `signal`, with one more that says it was edited outside."""
    records = read(signal)
    record = {
        "operation": "external",
        "before": records[-1]["after"] if records else "",
        "after": fingerprint(signal.data),
        "resampled": signal._resampled,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    return [*records, record]


def edited(signal: Any) -> bool:
    """Tell whether the pixels changed since the last record."""
    seen = signal.metadata.get_item(PIXELS, default="")
    if not seen:
        return False
    now = signal._fingerprint()
    return now.partition(":")[0] == seen.partition(":")[0] and now != seen
