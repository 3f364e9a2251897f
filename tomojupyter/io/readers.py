"""One file to images, axes and metadata, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, FormatError
from tomojupyter.formats.emd import read_emd
from tomojupyter.formats.mrc import read_mrc
from tomojupyter.formats.ondisk import lazily
from tomojupyter.formats.rosetta import read_images, tilts_in
from tomojupyter.formats.suffixes import DM, MRC, NUMPY, TIFF
from tomojupyter.formats.tiff import read_tiff
from tomojupyter.io.frames import ALL, frames_per_tilt, merge_frames
from tomojupyter.io.sidecars import choose_tilts, find_mdoc

if TYPE_CHECKING:
    from pathlib import Path

    from tomojupyter.formats.serialem import Mdoc

NAMES = ("Projections", "y", "x")
ALIGNED, MOVED = (".ali",), "newstack: images copied, transformed"
"""IMOD's aligned stacks have the axis along y, whatever the titles of the raw stack say."""
INSTRUMENT = {
    "Voltage": "beam_energy",
    "Magnification": "magnification",
    "SpotSize": "spot_size",
    "Defocus": "defocus",
}
"""Keys of SerialEM that HyperSpy has a name for, below Acquisition_instrument.TEM."""


@dataclass
class Content:
    """The images of a file and what is known of them.

    Parameters
    ----------
    data
        (n, ny, nx), NumPy or dask, values and type as stored.
    axes
        Three axes as HyperSpy's dictionaries, navigation first.
    tilts
        (n,) degrees, or None.
    axis_deg
        Angle of the tilt axis as SerialEM and FEI give it, or None.
    metadata, original
        As HyperSpy has them.
    origin
        More for the record of the source.
    """

    data: Any
    axes: list[dict[str, Any]]
    tilts: np.ndarray | None = None
    axis_deg: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    original: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)


def read_content(
    path: Path,
    *,
    find_tilts: bool,
    mdoc: str | Path | None,
    lazy: bool,
    frames: Any,
    sections: int | None = None,
) -> Content:
    """Read a file of images, and what stands beside it.

    Parameters
    ----------
    path
        Any readable file but HyperSpy's own and volumes.
    find_tilts
        Look for tilts in the file and beside it.
    mdoc
        The .mdoc; None: the one beside the file.
    lazy
        Leave the pixels on the disk, as a dask array.
    frames
        What becomes of several frames at one tilt.
    sections
        Of an MRC file, read the first so many only, with the first tilts. None: all.

    Raises
    ------
    FormatError, TiltsError, ParameterError
        If something cannot be read or does not fit.
    """
    suffix = path.suffix.lower()
    if suffix in MRC:
        content = _from_mrc(path, lazy, sections)
    elif suffix in NUMPY:
        content = _bare(_from_numpy(path, lazy))
    elif suffix in TIFF:
        content = _from_tiff(path, lazy)
    else:
        content = _from_rosetta(path, lazy)
    beside = find_mdoc(path, mdoc)
    part = sections is not None
    told = _take_mdoc(path, content, beside, frames, part) if beside else None
    if find_tilts:
        content.tilts = choose_tilts(path, len(content.data), content.tilts, told, part)
    return content


def _take_mdoc(
    path: Path, content: Content, beside: tuple[str, Mdoc], frames: Any, part: bool
) -> tuple[str, np.ndarray] | None:
    """Take over what an .mdoc says; return its name and its tilts."""
    name, mdoc = beside
    if mdoc.axis_deg is not None:
        # Rows of an MRC file count upwards, those of a TIFF file downwards.
        content.axis_deg = -mdoc.axis_deg if path.suffix.lower() in TIFF else mdoc.axis_deg
    for axis in content.axes[1:]:
        if mdoc.pixel_nm and not axis.get("units"):
            axis["scale"], axis["units"] = mdoc.pixel_nm, "nm"
    keys = {**mdoc.general, **(mdoc.sections[0] if mdoc.sections else {})}
    instrument = {ours: _number(keys[key]) for key, ours in INSTRUMENT.items() if key in keys}
    content.metadata["Acquisition_instrument"] = {"TEM": instrument}
    content.original["mdoc"] = {
        "general": mdoc.general, "titles": list(mdoc.titles),
        "sections": {f"section{i}": s for i, s in enumerate(mdoc.sections)},
    }  # fmt: skip
    n = len(content.data)
    tilts = mdoc.tilts_deg(n)
    if tilts is None:
        # Of another number of sections: worth a word if these have tilts.
        tilts = mdoc.tilts_deg(len(mdoc.sections))
        if tilts is None or not part:
            return None if tilts is None else (name, tilts)
        tilts = tilts[:n]
    # Pieces of a montage share a tilt too, but show other places.
    k = 1 if frames == ALL or mdoc.is_montage else frames_per_tilt(tilts)
    content.data, done = merge_frames(path.name, content.data, k, frames)
    content.origin.update(done)
    content.axes[0]["size"] = len(content.data)
    if k > 1 and content.tilts is not None:
        content.tilts = content.tilts[::k]
    return name, tilts[::k]


def _from_mrc(path: Path, lazy: bool, sections: int | None) -> Content:
    read = read_mrc(path, sections)
    content = _bare(lazily(read.data) if lazy else read.data)
    for axis, size in zip(content.axes[1:], read.pixel_nm[1:], strict=True):
        if size:
            axis["scale"], axis["units"] = size, "nm"
    content.tilts, content.axis_deg = read.tilts_deg, read.axis_deg
    if path.suffix.lower() in ALIGNED and any(MOVED in label.lower() for label in read.labels):
        content.axis_deg = 0.0
    content.original["mrc"] = {"labels": list(read.labels), "extended": read.extended_kind}
    return content


def _from_tiff(path: Path, lazy: bool) -> Content:
    data, pixel_nm, text = read_tiff(path, lazy)
    content = _bare(lazily(data) if lazy else data)
    if pixel_nm:
        for axis, size in zip(content.axes[1:], pixel_nm, strict=True):
            axis["scale"], axis["units"] = size, "nm"
    content.original["tiff"] = {"description": text}
    return content


def _from_rosetta(path: Path, lazy: bool) -> Content:
    is_dm = path.suffix.lower() in DM
    read = read_images(path, "digitalmicrograph", lazy) if is_dm else read_emd(path, lazy)
    tilts = tilts_in(read)
    # The tilts say more than an axis could; it is made anew from them.
    read["axes"][0] = {"size": len(read["data"]), "scale": 1.0, "offset": 0.0, "navigate": True}
    for axis, name in zip(read["axes"], NAMES, strict=True):
        axis["name"] = name
        if name != "Projections" and axis.get("units") in ("", "px", "pixel", "<undefined>"):
            axis.pop("units")
    return Content(
        read["data"], read["axes"], tilts,
        metadata=read.get("metadata", {}), original=read.get("original_metadata", {}),
    )  # fmt: skip


def _from_numpy(path: Path, lazy: bool) -> Any:
    try:
        data = np.load(path, mmap_mode="r" if lazy else None)
    except (ValueError, OSError, EOFError) as error:
        raise FormatError(f"{path.name} cannot be read as a NumPy array: {error}") from error
    if not isinstance(data, np.ndarray):
        raise FormatError(f"{path.name} holds several arrays: save the series alone")
    if data.ndim != 3 or data.dtype.kind not in "buif" or not data.size:
        raise DataError(
            f"{path.name} holds {data.dtype} of shape {data.shape}; a tilt series has the axes "
            "(tilt, y, x) and real numbers"
        )
    return lazily(data) if lazy else data


def _bare(data: Any) -> Content:
    axes = [
        {"name": name, "size": size, "scale": 1.0, "offset": 0.0, "navigate": i == 0}
        for i, (name, size) in enumerate(zip(NAMES, data.shape, strict=True))
    ]
    return Content(data, axes)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
