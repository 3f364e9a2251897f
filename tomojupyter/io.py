"""Load files and arrays as our signals."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from rsciio import hspy

from tomojupyter.errors import FormatError, MissingFileError, TiltsError
from tomojupyter.formats.mrc import read_mrc
from tomojupyter.formats.tilts import read_tilts
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps.history import checksum
from tomojupyter.steps.run import start_history

log = logging.getLogger(__name__)

MRC = (".mrc", ".st", ".ali", ".map", ".rec")
HYPERSPY = (".hspy",)
ANGLES = (".rawtlt", ".tlt")
READABLE = (*MRC, *HYPERSPY, ".npy")
SIGNALS: dict[str, Any] = {"TomoStack": TomoStack, "RecStack": RecStack}


def load(source: Any, tilts: Any = None, lazy: bool = False) -> Any:
    """Load a tilt series or a volume.

    Parameters
    ----------
    source
        Path of a file (``.mrc .st .ali .map .rec .hspy .npy``), or an array
        (n, ny, nx). A ``.rec`` is loaded as a volume.
    tilts
        Tilt angles in degrees, or the path of a text file with one a line. None: those that
        the file has, or the ``.rawtlt`` or ``.tlt`` file beside it; else 0.
    lazy
        Leave the pixels of a HyperSpy file on disk until they are needed.

    Returns
    -------
    TomoStack or RecStack
        Pixels with values and type as stored.

    Raises
    ------
    MissingFileError
        If a file is not there.
    FormatError
        If it cannot be read as what its name says.
    TiltsError
        If the number of tilts is not that of the projections.
    """
    if tilts is not None and isinstance(tilts, str | Path):
        tilts = read_tilts(Path(tilts))
    if not isinstance(source, str | Path):
        stack = TomoStack(source, tilts)
        start_history(stack, reader="array", shape=_shape(stack))
        return stack
    path = Path(source).expanduser()
    if path.is_dir():
        raise FormatError(f"{path} is a folder: name one of the files in it")
    if not path.is_file():
        raise MissingFileError(f"{path}: there is no such file")
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise FormatError(
            f"{path.name}: {suffix or 'a file without extension'} is not read yet; "
            f"use one of {', '.join(READABLE)}"
        )
    if suffix in HYPERSPY:
        signal = _from_hyperspy(path, lazy)
    elif suffix == ".npy":
        signal = TomoStack(_from_numpy(path))
    else:
        signal = _from_mrc(path, find_tilts=tilts is None)
    signal.metadata.General.original_filename = path.name
    origin = {"reader": suffix, "file": path.name, "bytes": path.stat().st_size}
    start_history(signal, **origin, checksum=checksum(path), shape=_shape(signal))
    if tilts is None:
        return signal
    if not isinstance(signal, TomoStack):
        raise TiltsError(f"{path.name} is a volume, which has no tilts: load it without")
    angles = np.ravel(getattr(tilts, "data", tilts)).tolist()
    return signal.set_tilts("list", tilts=tuple(angles))


def _shape(signal: Any) -> list[int]:
    return [int(n) for n in signal.data.shape]


def _from_numpy(path: Path) -> np.ndarray:
    try:
        return np.load(path)
    except (ValueError, OSError, EOFError) as error:
        raise FormatError(f"{path.name} cannot be read as a NumPy array: {error}") from error


def _from_mrc(path: Path, find_tilts: bool) -> TomoStack | RecStack:
    content = read_mrc(path)
    if path.suffix.lower() == ".rec":
        signal: Any = RecStack(content.data.transpose(2, 0, 1))
    else:
        angles = _beside(path, len(content.data)) if find_tilts else None
        signal = TomoStack(content.data, content.tilts_deg if angles is None else angles)
    signal.metadata.General.title = path.stem
    for axis in signal.axes_manager._axes:
        index = "zyx".find(str(axis.name))
        size = content.pixel_nm[index] if index >= 0 else None
        if size:
            axis.scale, axis.units = size, "nm"
    return signal


def _beside(path: Path, n: int) -> np.ndarray | None:
    """Return the angles of the text file beside a series, or None."""
    for suffix in ANGLES:
        file = path.with_suffix(suffix)
        if not file.is_file():
            continue
        angles = read_tilts(file)
        if len(angles) != n:
            raise TiltsError(
                f"{n} projections in {path.name} but {len(angles)} tilts in {file.name}: "
                "correct the list, or give load(..., tilts=...)"
            )
        log.info("%s: tilts from %s", path.name, file.name)
        return angles
    return None


def _from_hyperspy(path: Path, lazy: bool) -> Any:
    """Read HyperSpy's own format without HyperSpy's choice of a class."""
    try:
        contents = hspy.file_reader(path, lazy=lazy)
    except Exception as error:  # every reader has errors of its own
        log.info("%s", path, exc_info=True)
        raise FormatError(
            f"{path.name} cannot be read as a HyperSpy file: it is damaged or something else"
        ) from error
    if len(contents) != 1:
        raise FormatError(f"{path.name} holds {len(contents)} signals: save the series alone")
    content = contents[0]
    kind = content["metadata"].get("Signal", {}).get("signal_type", "")
    if kind not in SIGNALS:
        _as_series(path, content)
        kind = "TomoStack"
    # Explicitly ours: another package may have registered the same signal types.
    _drop_packages(content)
    content["attributes"] = {"_lazy": lazy}
    cls = SIGNALS[kind]
    result = (cls._lazy_class if lazy else cls._eager_class)(**content)
    if cls is TomoStack:
        result._begin(None, None)
    return result


def _as_series(path: Path, content: dict[str, Any]) -> None:
    """Make the content of any other signal that of a tilt series."""
    shape = tuple(content["data"].shape)
    if len(shape) != 3:
        raise FormatError(
            f"{path.name} holds a signal of shape {shape}; a tilt series has the axes (tilt, y, x)"
        )
    content["metadata"].setdefault("Signal", {})["signal_type"] = "TomoStack"
    for i, axis in enumerate(content["axes"]):
        axis["navigate"] = i == 0


def _drop_packages(content: dict[str, Any]) -> None:
    """Take away whose classes the signals were: HyperSpy would look for that package."""
    content.pop("package", None)
    for part in content.values():
        if isinstance(part, dict):
            _drop_packages(part)
