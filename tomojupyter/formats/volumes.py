"""Volumes for other programs: raw with a NRRD header, VTK image data, OME-Zarr; no library needed.

References
----------
NRRD: https://teem.sourceforge.net/nrrd/format.html. VTK: the XML file formats in the VTK book.
J. Moore et al., Nature Methods 18 (2021) 1496, doi:10.1038/s41592-021-01326-w, version 0.4.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import DataError, FormatError, MissingFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Sizes = tuple[float | None, float | None, float | None]
NRRD = {"i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32",
        "i8": "int64", "u8": "uint64", "f4": "float", "f8": "double"}  # fmt: skip
VTK = {"i1": "Int8", "u1": "UInt8", "i2": "Int16", "u2": "UInt16", "i4": "Int32", "u4": "UInt32",
       "i8": "Int64", "u8": "UInt64", "f4": "Float32", "f8": "Float64"}  # fmt: skip


def write_raw(path: Path, data: np.ndarray, voxel_nm: Sizes) -> None:
    """Write bare little-endian voxels, x fastest, and a NRRD header ``.nhdr`` that describes them.

    Parameters
    ----------
    path
        The file of voxels; the header has the same name.
    data
        (nz, ny, nx) of whole or real numbers; bool becomes uint8.
    voxel_nm
        Size (z, y, x) of a voxel in nm, None where it is unknown.

    Raises
    ------
    DataError
        If the type cannot be written.
    FormatError, MissingFileError
        If the file cannot be written.
    """
    pixels = _little(data, NRRD)
    kind = NRRD[pixels.dtype.str[1:]]
    sizes = " ".join(str(n) for n in data.shape[::-1])
    lines = ["NRRD0004", f"type: {kind}", "dimension: 3", f"sizes: {sizes}",
             "endian: little", "encoding: raw", f"data file: {path.name}"]  # fmt: skip
    if all(voxel_nm):
        lines.append("spacings: " + " ".join(f"{s:.9g}" for s in voxel_nm[::-1] if s))
        lines.append('units: "nm" "nm" "nm"')
    _safely(path, lambda part: _dump(part, pixels))
    header = ("\n".join(lines) + "\n").encode()
    _safely(path.with_suffix(".nhdr"), lambda part: part.write_bytes(header))


def write_vti(path: Path, data: np.ndarray, voxel_nm: Sizes) -> None:
    """Write VTK image data (XML, raw appended), as ParaView opens it.

    Parameters
    ----------
    path, data, voxel_nm
        As for :func:`write_raw`; a size that is not known is written as 1.

    Raises
    ------
    DataError, FormatError, MissingFileError
        As for :func:`write_raw`.
    """
    pixels = _little(data, VTK)
    extent = " ".join(f"0 {n - 1}" for n in data.shape[::-1])
    spacing = " ".join(f"{s or 1.0:.9g}" for s in voxel_nm[::-1])
    head = (
        '<?xml version="1.0"?>\n'
        '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">\n'
        f'<ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{spacing}">\n'
        f'<Piece Extent="{extent}"><PointData Scalars="intensity">\n'
        f'<DataArray type="{VTK[pixels.dtype.str[1:]]}" Name="intensity" format="appended" '
        'offset="0"/>\n'
        '</PointData></Piece></ImageData>\n<AppendedData encoding="raw">\n_'
    )

    def write(part: Path) -> None:
        start = head.encode() + np.uint64(pixels.nbytes).astype("<u8").tobytes()
        _dump(part, pixels, start, b"\n</AppendedData>\n</VTKFile>\n")

    _safely(path, write)


def write_ome_zarr(path: Path, data: np.ndarray, voxel_nm: Sizes) -> None:
    """Write an OME-Zarr folder (version 0.4) of one resolution, a section a chunk, uncompressed.

    Parameters
    ----------
    path, data, voxel_nm
        As for :func:`write_raw`. A folder that exists is replaced when the new one is complete.

    Raises
    ------
    DataError, FormatError, MissingFileError
        As for :func:`write_raw`.
    """
    pixels = _little(data, NRRD)
    unit = {"unit": "nanometer"} if all(voxel_nm) else {}
    axes = [{"name": name, "type": "space", **unit} for name in "zyx"]
    scale = [float(s or 1.0) for s in voxel_nm]
    dataset = {
        "path": "0",
        "coordinateTransformations": [{"type": "scale", "scale": scale}],
    }
    about = {"multiscales": [{"version": "0.4", "name": path.name.partition(".")[0], "axes": axes,
                              "datasets": [dataset]}]}  # fmt: skip
    array = {
        "zarr_format": 2, "shape": list(data.shape), "chunks": [1, *data.shape[1:]],
        "dtype": pixels.dtype.str, "compressor": None, "fill_value": 0, "order": "C",
        "filters": None, "dimension_separator": "/",
    }  # fmt: skip

    def write(part: Path) -> None:
        (part / "0").mkdir(parents=True)
        (part / ".zgroup").write_text(json.dumps({"zarr_format": 2}), encoding="utf-8")
        (part / ".zattrs").write_text(json.dumps(about, indent=1), encoding="utf-8")
        (part / "0" / ".zarray").write_text(json.dumps(array, indent=1), encoding="utf-8")
        for i, section in enumerate(pixels):
            (part / "0" / str(i) / "0").mkdir(parents=True)
            (part / "0" / str(i) / "0" / "0").write_bytes(np.ascontiguousarray(section).tobytes())

    _safely(path, write)


def _little(data: np.ndarray, known: dict[str, str]) -> np.ndarray:
    """Return the voxels in little-endian order, of a type that the format has."""
    pixels = data.astype(np.uint8) if data.dtype.kind == "b" else data
    if pixels.dtype.str[1:] not in known:
        raise DataError(
            f"{data.dtype} numbers cannot be exported; convert them to float32 first, with "
            "change_dtype."
        )
    # A type of one byte has no order: "|u1".
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)


def _dump(path: Path, pixels: np.ndarray, start: bytes = b"", end: bytes = b"") -> None:
    """Write section by section: a transposed volume is not copied whole."""
    with path.open("wb") as file:
        file.write(start)
        for section in pixels:
            file.write(np.ascontiguousarray(section).tobytes())
        file.write(end)


def _safely(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the target and put it in place when it is complete."""
    if not path.absolute().parent.is_dir():
        raise MissingFileError(f"The folder {path.parent} is not there; make it first.")
    part = path.with_name(path.name + ".part")
    try:
        write(part)
        if path.is_dir() and part.is_dir():
            shutil.rmtree(path)
        part.replace(path)
    except OSError as error:
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)
        raise FormatError(f"{path} cannot be written: {error.strerror}.") from error
