"""Load files and arrays as our signals."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from tomojupyter.errors import (
    DataError,
    FormatError,
    MissingFileError,
    ParameterError,
    TiltsError,
)
from tomojupyter.formats.hyperspy_files import read_hyperspy
from tomojupyter.formats.mrc import read_mrc
from tomojupyter.formats.ondisk import lazily
from tomojupyter.formats.rosetta import tilts_in
from tomojupyter.formats.suffixes import FOLDERS, HYPERSPY, MRC, READABLE, VOLUMES
from tomojupyter.formats.tilts import read_tilts
from tomojupyter.io.frames import MEAN, check_frames
from tomojupyter.io.readers import Content, read_content
from tomojupyter.io.series import read_series
from tomojupyter.numerics.alignment.axis_angle import to_tilt_axis
from tomojupyter.signals import state
from tomojupyter.signals.angles import show_tilts
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps import history
from tomojupyter.steps.base import make_step
from tomojupyter.steps.checks import warn
from tomojupyter.steps.run import run, start_history

log = logging.getLogger(__name__)

SIGNALS: dict[str, Any] = {"TomoStack": TomoStack, "RecStack": RecStack}


def load(
    filename: Any,
    tilts: Any = None,
    mdocs: Any = None,
    *,
    frames: str | int = MEAN,
    sections: int | None = None,
    lazy: bool = False,
) -> Any:
    """Load a tilt series or a volume.

    Parameters
    ----------
    filename
        Path of a file (``.mrc .st .ali .map .rec .hspy .zspy .dm3 .dm4 .tif .emd .npy``), a list
        of paths with one tilt each, or an array (n, ny, nx). A ``.rec`` is loaded as a volume.
    tilts
        Tilt angles in degrees, or the path of a text file with one a line. None: those of
        SerialEM's ``.mdoc`` beside the file, else of the ``.tlt`` or ``.rawtlt``, else of the
        file itself; else 0. Two that differ by more than 0.5 degrees are warned of.
    mdocs
        SerialEM's ``.mdoc`` of the file, or a list of them, one a file. None: ``name.mrc.mdoc``
        or ``name.mdoc`` beside it.
    frames
        What becomes of several frames at each tilt, where an ``.mdoc`` names the tilts: their
        ``"mean"`` once they are registered to each other, the ``"first"``, one by its index, or
        ``"all"``, each a projection.
    sections
        Of an MRC file, read the first so many only, for example of one that ends early, with
        the first of the tilts. None: all.
    lazy
        Leave the pixels on the disk until they are needed.

    Returns
    -------
    TomoStack or RecStack
        Pixels with values and type as stored; a mean of frames is float32. Files of a list are
        in the order of their tilts if `tilts` does not give these.

    Raises
    ------
    MissingFileError
        If a file is not there.
    FormatError
        If it cannot be read as what its name says, or ends early.
    TiltsError
        If the number of tilts is not that of the projections.
    ParameterError
        If `frames` names no frame, `sections` is not from 1 to those of the file or it is no MRC
        file, or a format needs a package that is not installed.

    Notes
    -----
    If the file says how the tilt axis lies, the images are turned to have it along x, as
    :meth:`TomoStack.set_axis` does: by 90 degrees if it lies within 45 degrees of y.
    """
    check_frames(frames)
    if tilts is not None and isinstance(tilts, str | Path):
        tilts = read_tilts(Path(tilts))
    options: dict[str, Any] = {"find_tilts": tilts is None, "lazy": lazy, "frames": frames}
    if isinstance(filename, str | Path):
        path = _existing(filename)
        _check_sections(sections, path)
        signal = _load_file(path, _one(mdocs), {**options, "sections": sections})
    elif _are_paths(filename):
        _check_sections(sections, None)
        paths = [_existing(f) for f in filename]
        series = read_series(paths, mdocs, **options)
        signal = _stack_of(series, lazy)
        origin = {"reader": paths[0].suffix.lower(), **series.origin}
        start_history(signal, **origin, shape=_shape(signal))
        signal = _axis_to_x(signal, paths[0].name, series.axis_deg)
    else:
        _check_sections(sections, None)
        stack = TomoStack(filename, tilts)
        start_history(stack, reader="array", shape=_shape(stack))
        return stack
    if tilts is None:
        return signal
    if not isinstance(signal, TomoStack):
        raise TiltsError(f"{filename} is a volume, which has no tilts: load it without")
    angles = np.ravel(getattr(tilts, "data", tilts)).tolist()
    return signal.set_tilts("list", tilts=tuple(angles))


def _check_sections(sections: int | None, path: Path | None) -> None:
    """Refuse `sections` of what is not one MRC file."""
    if sections is not None and (path is None or path.suffix.lower() not in (*MRC, *VOLUMES)):
        raise ParameterError(
            "sections is for one MRC file, which may end early; of other series take projections "
            "out by trim"
        )


def _existing(filename: str | Path) -> Path:
    """Return the path of a file that is there and can be read."""
    path = Path(filename).expanduser()
    suffix = path.suffix.lower()
    if path.is_dir() and suffix not in FOLDERS:
        raise FormatError(f"{path} is a folder: name one of the files in it")
    if not path.exists():
        raise MissingFileError(f"{path}: there is no such file")
    if suffix not in READABLE:
        raise FormatError(
            f"{path.name}: {suffix or 'a file without extension'} is not read; "
            f"use one of {', '.join(READABLE)}"
        )
    return path


def _one(mdocs: Any) -> str | Path | None:
    if mdocs is None or isinstance(mdocs, str | Path):
        return mdocs
    if len(mdocs) != 1:
        raise ParameterError(f"one file has one .mdoc, got {len(mdocs)}")
    return mdocs[0]


def _are_paths(filename: Any) -> bool:
    given = isinstance(filename, list | tuple) and len(filename) > 0
    return given and all(isinstance(f, str | Path) for f in filename)


def _load_file(path: Path, mdoc: str | Path | None, options: dict[str, Any]) -> Any:
    suffix = path.suffix.lower()
    axis_deg, more = None, {}
    part = {} if options["sections"] is None else {"sections": options["sections"]}
    if suffix in HYPERSPY:
        signal = _from_hyperspy(path, options["lazy"])
    elif suffix in VOLUMES:
        signal = _from_volume(path, options["lazy"], options["sections"])
    else:
        content = read_content(path, mdoc=mdoc, **options)
        content.metadata.setdefault("General", {})["title"] = path.stem
        signal = _stack_of(content, options["lazy"])
        axis_deg, more = content.axis_deg, content.origin
    signal.metadata.General.original_filename = path.name
    origin = {"reader": suffix, "file": path.name, **_stamp(path, options["lazy"]), **part, **more}
    start_history(signal, **origin, shape=_shape(signal))
    return _axis_to_x(signal, path.name, axis_deg)


def _stamp(path: Path, lazy: bool) -> dict[str, Any]:
    """Return what identifies a file; a checksum only where all of it is read anyhow."""
    if path.is_dir():
        return {"bytes": sum(f.stat().st_size for f in path.rglob("*") if f.is_file())}
    size = {"bytes": path.stat().st_size}
    return size if lazy else {**size, "checksum": history.checksum(path)}


def _shape(signal: Any) -> list[int]:
    return [int(axis.size) for axis in signal.axes_manager._axes]


def _stack_of(content: Content, lazy: bool) -> TomoStack:
    """Return the images as a series."""
    data = lazily(content.data) if lazy else content.data
    content.metadata.setdefault("Signal", {})["signal_type"] = "TomoStack"
    cls = TomoStack._lazy_class if lazy else TomoStack
    stack = cls(
        data,
        axes=content.axes,
        metadata=content.metadata,
        original_metadata=content.original,
        attributes={"_lazy": lazy},
    )
    stack._begin(content.tilts, None)
    return stack


def _axis_to_x(signal: Any, name: str, axis_deg: float | None) -> Any:
    """Turn the images so that the axis, which lies in the file at an angle, lies along x."""
    if axis_deg is None:
        return signal
    signal._note_axis(axis_deg, of_file=True)
    turns, rest = to_tilt_axis(axis_deg)
    if not turns and not rest:
        return signal
    done = [
        *(["turned by 90°, which copies the pixels"] if turns else []),
        *([f"rotated by {rest:.4g}°"] if rest else []),
    ]
    warn(
        f"{name}: the tilt axis lies {axis_deg:.4g}° from y in the file; the images were "
        f"{' and '.join(done)}, to have it along x"
    )
    return run(signal, make_step("set_axis", "angle"))


def _from_volume(path: Path, lazy: bool, sections: int | None) -> RecStack:
    """Read an MRC file as a volume: its axes (z, y, x) become (x, z, y)."""
    content = read_mrc(path, sections)
    pixels: Any = (lazily(content.data) if lazy else content.data).transpose(2, 0, 1)
    volume: RecStack = (RecStack._lazy_class if lazy else RecStack)(pixels)
    volume.metadata.General.title = path.stem
    for axis in volume.axes_manager._axes:
        size = content.pixel_nm["zyx".index(str(axis.name))]
        if size:
            axis.scale, axis.units = size, "nm"
    return volume


def _from_hyperspy(path: Path, lazy: bool) -> Any:
    """Read HyperSpy's own format without HyperSpy's choice of a class."""
    content = read_hyperspy(path, lazy)
    kind = content["metadata"].get("Signal", {}).get("signal_type", "")
    tilts = None
    if kind not in SIGNALS:
        tilts = _as_series(path, content)
        kind = "TomoStack"
    content["attributes"] = {"_lazy": lazy}
    try:
        return _signal_of(SIGNALS[kind], content, tilts)
    except TiltsError:
        raise
    except Exception as error:  # whatever nonsense in the metadata leads to
        log.info("%s", path, exc_info=True)
        raise FormatError(
            f"{path.name}: the metadata of the {kind} are damaged; open it with "
            "hyperspy.api.load and give the pixels to TomoStack(...)"
        ) from error


def _signal_of(cls: Any, content: dict[str, Any], tilts: np.ndarray | None) -> Any:
    """Return our signal of what a HyperSpy file holds."""
    ours = state.OURS in content["metadata"]
    lazy = content["attributes"]["_lazy"]
    result = (cls._lazy_class if lazy else cls._eager_class)(**content)
    if cls is TomoStack:
        result._begin(tilts, None)
        if not ours:
            # ETSpy's axis counts from the first projection that was kept.
            show_tilts(result.axes_manager._axes[0], result.tilts.data.ravel())
        _check_state(result)
    history.read(result)
    return result


def _check_state(stack: TomoStack) -> None:
    """Read all that is kept in the metadata, so that nonsense in it shows now."""
    sources = state.read_sources(stack.metadata, stack._n, stack._frame.shape)
    moves = (stack.transforms, *(transforms for transforms, _ in sources))
    # Tilts that are no numbers may still be entered.
    counts = {len(part) for part in (*moves, stack.nominal_tilts, stack.excluded)}
    if counts != {stack._n} or not all(np.isfinite(part).all() for part in moves):
        raise FormatError("not one number a projection")
    for of_file in (False, True):
        stack._axis_angle(of_file)


def _as_series(path: Path, content: dict[str, Any]) -> np.ndarray | None:
    """Make the content of any other signal that of a tilt series; return its tilts."""
    data = content["data"]
    if data.ndim != 3 or data.dtype.kind not in "buif":
        raise DataError(
            f"{path.name} holds {data.dtype} of shape {tuple(data.shape)}; a tilt series has the "
            "axes (tilt, y, x) and real numbers"
        )
    content["metadata"].setdefault("Signal", {})["signal_type"] = "TomoStack"
    for i, axis in enumerate(content["axes"]):
        axis["navigate"] = i == 0
    return None if "Tomography" in content["metadata"] else tilts_in(content)
