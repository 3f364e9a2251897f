"""Where the state of a series is kept in its metadata, so that files and copies carry it.

``metadata.Tomography`` has ETSpy's keys (tilts, shifts, tiltaxis, xshift, yshift, cropped), so
that ETSpy reads our files; ``metadata.Tomojupyter`` has ours.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tomojupyter.numerics.geometry import Frame, quarter_turn
from tomojupyter.signals.series import TomoShifts, TomoTilts

TOMOGRAPHY = "Tomography"
OURS = "Tomojupyter"
SOURCES = f"{OURS}.sources"
FILTERS = f"{OURS}.alignment_filters"
AXIS, FILE_AXIS = f"{OURS}.axis", f"{OURS}.file_axis"


def read_frame(metadata: Any, n: int, shape: tuple[int, int]) -> Frame:
    """Return the frame of `n` images of `shape` (ny, nx); a new one if none is stored or fits."""
    geometry = metadata.get_item(f"{OURS}.frame", default="")
    stored: dict[str, Any] = {"acquired": shape, "shape": shape}
    stored = json.loads(geometry) if geometry else stored
    shifts = metadata.get_item(f"{TOMOGRAPHY}.shifts", default=None)
    values = np.zeros((n, 2)) if shifts is None else np.array(shifts.data, float)
    if tuple(stored["shape"]) != tuple(shape):
        # An edit outside changed the images: nothing is known of how they were acquired.
        return Frame.identity(n, (int(shape[0]), int(shape[1])))
    return Frame(
        acquired=tuple(stored["acquired"]),
        shape=tuple(stored["shape"]),
        shifts=values,
        tiltaxis=float(metadata.get_item(f"{TOMOGRAPHY}.tiltaxis", default=0.0)),
        xshift=float(metadata.get_item(f"{TOMOGRAPHY}.xshift", default=0.0)),
        yshift=float(metadata.get_item(f"{TOMOGRAPHY}.yshift", default=0.0)),
        scale=tuple(stored.get("scale", (1.0, 1.0))),
        offset=tuple(stored.get("offset", (0.0, 0.0))),
        turns=int(stored.get("turns", 0)),
    )


def write_frame(metadata: Any, frame: Frame) -> None:
    """Store the frame."""
    metadata.set_item(f"{TOMOGRAPHY}.shifts", TomoShifts(frame.shifts))
    for key in ("tiltaxis", "xshift", "yshift"):
        metadata.set_item(f"{TOMOGRAPHY}.{key}", float(getattr(frame, key)))
    metadata.set_item(f"{TOMOGRAPHY}.cropped", frame.shape != frame.upright)
    stored = {
        "acquired": frame.acquired,
        "shape": frame.shape,
        "scale": frame.scale,
        "offset": frame.offset,
        "turns": frame.turns,
    }
    metadata.set_item(f"{OURS}.frame", json.dumps(stored, default=int))


def read_sources(
    metadata: Any, n: int, shape: tuple[int, int]
) -> list[tuple[np.ndarray, tuple[int, int]]]:
    """Return (n, 3, 3) transforms and shape of each source that the pixels came through."""
    stored = metadata.get_item(f"{OURS}.frame", default="")
    if not stored or tuple(json.loads(stored)["shape"]) != tuple(shape):
        return []
    sources = [
        (np.array(source["transforms"]), tuple(source["shape"])) for source in _sources(metadata)
    ]
    return [source for source in sources if len(source[0]) == n]


def add_source(metadata: Any, transforms: np.ndarray, shape: tuple[int, int]) -> None:
    """Note a source that is narrower than the acquired images: it limits what is covered."""
    stored = json.loads(metadata.get_item(f"{OURS}.frame"))
    turns = stored.get("turns", 0)
    upright = stored["acquired"][:: -1 if turns % 2 else 1]
    if list(shape) == upright and (transforms == quarter_turn(turns, stored["acquired"])).all():
        return
    sources = _sources(metadata)
    source = {"shape": [int(v) for v in shape], "transforms": transforms.tolist()}
    if source not in sources:
        metadata.set_item(SOURCES, json.dumps([*sources, source]))


def _sources(metadata: Any) -> list[dict[str, Any]]:
    text = metadata.get_item(SOURCES, default="")
    return json.loads(text) if text else []


def write_tilts(metadata: Any, tilts: np.ndarray) -> None:
    """Store tilt angles, in degrees."""
    metadata.set_item(f"{TOMOGRAPHY}.tilts", TomoTilts(tilts))


def read_axis(metadata: Any, of_file: bool = False) -> float | None:
    """Return the angle of the tilt axis that was entered, or that the file gives; else None."""
    value = metadata.get_item(FILE_AXIS if of_file else AXIS, default=None)
    return None if value is None else float(value)


def write_axis(metadata: Any, angle: float, of_file: bool = False) -> None:
    """Store the angle of the tilt axis that was entered, or that the file gives."""
    metadata.set_item(FILE_AXIS if of_file else AXIS, float(angle))


def read_nominal(metadata: Any) -> np.ndarray | None:
    """Return the tilts as acquired, or None."""
    values = metadata.get_item(f"{TOMOGRAPHY}.nominal_tilts", default=None)
    return None if values is None else np.array(values, float).ravel()


def write_nominal(metadata: Any, tilts: np.ndarray) -> None:
    """Store the tilts as acquired."""
    metadata.set_item(f"{TOMOGRAPHY}.nominal_tilts", np.array(tilts, float).ravel())


def read_excluded(metadata: Any) -> dict[int, str]:
    """Return the reasons of the excluded projections, by index."""
    text = metadata.get_item(f"{OURS}.excluded", default="")
    return {int(i): reason for i, reason in json.loads(text).items()} if text else {}


def write_excluded(metadata: Any, reasons: dict[int, str]) -> None:
    """Store which projections are excluded, and why."""
    metadata.set_item(f"{OURS}.excluded", json.dumps({int(i): r for i, r in reasons.items()}))


def read_filters(metadata: Any) -> list[dict[str, Any]]:
    """Return what is kept of the filters for alignment only."""
    text = metadata.get_item(FILTERS, default="")
    return json.loads(text) if text else []


def write_filters(metadata: Any, filters: list[dict[str, Any]]) -> None:
    """Store the filters for alignment only."""
    metadata.set_item(FILTERS, json.dumps(filters) if filters else "")


def select(metadata: Any, index: np.ndarray) -> None:
    """Keep the state of the projections in `index` (shifts are in the frame)."""
    tilts = metadata.get_item(f"{TOMOGRAPHY}.tilts", default=None)
    if tilts is not None:
        write_tilts(metadata, tilts.data[index])
    nominal = read_nominal(metadata)
    if nominal is not None:
        write_nominal(metadata, nominal[index])
    sources = _sources(metadata)
    if sources:
        for source in sources:
            source["transforms"] = [source["transforms"][i] for i in index]
        metadata.set_item(SOURCES, json.dumps(sources))
    filters = read_filters(metadata)
    if filters:
        for entry in filters:
            for name in entry["each"]:
                entry["values"][name] = [entry["values"][name][i] for i in index]
        write_filters(metadata, filters)
    reasons = read_excluded(metadata)
    if reasons:
        kept = {new: reasons[old] for new, old in enumerate(map(int, index)) if old in reasons}
        write_excluded(metadata, kept)
