"""A series that is spread over files, one tilt each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import FormatError, ParameterError, TiltsError
from tomojupyter.formats.ondisk import lazily
from tomojupyter.formats.suffixes import HYPERSPY, VOLUMES
from tomojupyter.io.frames import ALL, frames_per_tilt, merge_frames
from tomojupyter.io.readers import Content, read_content
from tomojupyter.numerics.alignment.axis_angle import to_tilt_axis
from tomojupyter.steps.checks import warn
from tomojupyter.steps.history import checksum

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZES_DIFFER = 1e-3  # of a pixel; less is rounding
AXES_DIFFER = 0.5  # degrees


def read_series(
    paths: Sequence[Path], mdocs: Sequence[str | Path] | None, *, find_tilts: bool, lazy: bool,
    frames: Any,
) -> Content:  # fmt: skip
    """Read files of one tilt each as one series.

    Parameters
    ----------
    paths
        The files.
    mdocs
        SerialEM's .mdoc of each, in the same order; None: those beside the files.
    find_tilts
        Take the tilts from the files, and sort the images by them; else keep the order given.
    lazy, frames
        As for :func:`tomojupyter.io.load`.

    Returns
    -------
    Content
        ``origin["files"]`` names the files in the order of the images.

    Raises
    ------
    FormatError
        If a file is no image, or they differ in shape, type or pixel size.
    TiltsError
        If some files have a tilt and others have none, or one has several tilts.
    ParameterError
        If there are not as many `mdocs` as files.
    """
    if mdocs is not None and (isinstance(mdocs, str) or len(mdocs) != len(paths)):
        raise ParameterError(f"mdocs must name one file for each of the {len(paths)} files")
    parts = []
    for i, path in enumerate(paths):
        if path.suffix.lower() in (*HYPERSPY, *VOLUMES):
            raise FormatError(
                f"{path.name} is no single image: load it by itself, and join series with "
                "tomo.concatenate"
            )
        mdoc = None if mdocs is None else mdocs[i]
        part = read_content(path, find_tilts=True, mdoc=mdoc, lazy=lazy, frames=frames)
        parts.append(_one_tilt(path, part, frames))
        _check_alike(paths[0], parts[0], path, part)
    tilts, order = _tilts(paths, parts) if find_tilts else (None, list(range(len(parts))))
    return _joined([paths[i] for i in order], [parts[i] for i in order], tilts, lazy)


def _one_tilt(path: Path, part: Content, frames: Any) -> Content:
    """Return the content with its frames merged, if they are of one tilt."""
    n = len(part.data)
    if n == 1 or frames == ALL:
        return part
    tilts = part.tilts if part.tilts is not None else np.zeros(n)
    if frames_per_tilt(tilts) != n:
        raise TiltsError(
            f"{path.name} holds {n} tilts: a list of files is one series with one tilt a file; "
            "load this file by itself, and join series with tomo.concatenate"
        )
    part.data, done = merge_frames(path.name, part.data, n, frames)
    part.origin.update(done)
    part.tilts = None if part.tilts is None else part.tilts[:1]
    return part


def _check_alike(first_path: Path, first: Content, path: Path, part: Content) -> None:
    """Raise if two files cannot belong to one series."""
    one, other = first.data, part.data
    if one.shape[1:] != other.shape[1:] or one.dtype != other.dtype:
        raise FormatError(
            f"{path.name} holds {other.dtype} images of {other.shape[2]} x {other.shape[1]} px, "
            f"{first_path.name} {one.dtype} images of {one.shape[2]} x {one.shape[1]} px: "
            "a series needs images of one size and type"
        )
    for mine, theirs in zip(first.axes[1:], part.axes[1:], strict=True):
        same = math.isclose(mine["scale"], theirs["scale"], rel_tol=SIZES_DIFFER)
        if not same or mine.get("units") != theirs.get("units"):
            raise FormatError(
                f"{path.name} has pixels of {theirs['scale']:.4g} {theirs.get('units', '')}, "
                f"{first_path.name} of {mine['scale']:.4g} {mine.get('units', '')}: "
                "a series needs one magnification"
            )


def _tilts(paths: Sequence[Path], parts: Sequence[Content]) -> tuple[np.ndarray | None, list[int]]:
    """Return the tilts in rising order, and the order of the files."""
    without = [path.name for path, part in zip(paths, parts, strict=True) if part.tilts is None]
    if len(without) == len(parts):
        return None, list(range(len(parts)))
    if without:
        raise TiltsError(
            f"{without[0]} names no tilt, as {len(without)} of {len(parts)} files: "
            "give load(..., tilts=...), in the order of the files"
        )
    begins = [float(part.tilts[0]) for part in parts if part.tilts is not None]
    order = [int(i) for i in np.argsort(begins, kind="stable")]
    return np.concatenate([np.asarray(parts[i].tilts, float) for i in order]), order


def _joined(
    paths: Sequence[Path], parts: Sequence[Content], tilts: np.ndarray | None, lazy: bool
) -> Content:
    first = parts[0]
    if lazy:
        from dask import array

        data: Any = array.concatenate([lazily(part.data) for part in parts])
    else:
        data = np.concatenate([part.data for part in parts])
    axes = [{**first.axes[0], "size": len(data)}, *first.axes[1:]]
    metadata = dict(first.metadata)
    metadata["General"] = {**metadata.get("General", {}), "title": paths[0].parent.name}
    metadata["General"]["original_filename"] = paths[0].name
    if "Acquisition_instrument" in metadata:
        # The stage of one image is not that of the series.
        metadata["Acquisition_instrument"].get("TEM", {}).pop("Stage", None)
    names = [path.name for path in paths]
    sizes: dict[str, Any] = {"files": names, "bytes": sum(path.stat().st_size for path in paths)}
    if not lazy:
        sizes["checksums"] = [checksum(path) for path in paths]
    done = {k: v for k, v in first.origin.items() if k != "frame_shifts"}
    moved = [shifts for part in parts for shifts in part.origin.get("frame_shifts", [])]
    done |= {"frame_shifts": moved} if moved else {}
    original = {f"file{i}": part.original for i, part in enumerate(parts)}
    return Content(
        data, axes, tilts, _axis(paths, parts), metadata, original, {**sizes, **done}
    )  # fmt: skip


def _axis(paths: Sequence[Path], parts: Sequence[Content]) -> float | None:
    """Return the angle of the tilt axis, of the first file; warn if others differ."""
    told = [
        (p.name, c.axis_deg) for p, c in zip(paths, parts, strict=True) if c.axis_deg is not None
    ]
    for name, angle in told[1:]:
        if abs(to_tilt_axis(angle - told[0][1] - 90)[1]) > AXES_DIFFER:
            warn(f"{name} gives a tilt axis of {angle:.4g}°, {told[0][0]} one of "
                 f"{told[0][1]:.4g}°, which is used")  # fmt: skip
            break
    return told[0][1] if told else None
