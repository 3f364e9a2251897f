"""MRC files: image stacks and volumes, read as they are stored and written as MRC2014.

The pixels are never offset, scaled or converted. Lengths in the header are in Angstrom, but FEI's
extended headers give the pixel size in metres; both become nm here.

References
----------
A. Cheng et al., J. Struct. Biol. 192 (2015) 146, doi:10.1016/j.jsb.2015.04.002; the extended
headers of SerialEM, Agard and FEI follow IMOD's description of the format.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tomojupyter.errors import (
    DataError,
    FormatError,
    MissingFileError,
    ParameterError,
)
from tomojupyter.formats.mrc_extended import extended_axis, extended_pixel_nm, extended_tilts
from tomojupyter.formats.mrc_header import (
    HEADER,
    MODES,
    check_length,
    dtype_of,
    first_bytes,
    header_of,
)

MAPPED = 64 * 2**20  # bytes of pixels above which they stay on the disk
LEAST_NM, MOST_NM = 1e-4, 1e6  # a pixel of any microscope lies between


@dataclass(frozen=True)
class MrcFile:
    """What an MRC file holds.

    Parameters
    ----------
    data
        (nz, ny, nx), dtype and values as stored; a read-only memory map if larger than 64 MB.
    pixel_nm
        Size (z, y, x) of a pixel in nm, None where the file does not give one. Of a stack of
        images the first has no meaning.
    tilts_deg
        (nz,) tilts in degrees from the extended header; None if it has none.
    labels
        The text labels of the header.
    extended
        The extended header as it is.
    extended_kind
        Its type as named by the header: ``"SERI"``, ``"FEI1"``, ``""`` ...
    is_volume
        Whether the header calls it a volume and not a stack of images.
    axis_deg
        Angle from y to the tilt axis in degrees, turning x towards y; None if it gives none.
    """

    data: np.ndarray
    pixel_nm: tuple[float | None, float | None, float | None]
    tilts_deg: np.ndarray | None
    labels: tuple[str, ...]
    extended: bytes
    extended_kind: str
    is_volume: bool
    axis_deg: float | None


def read_mrc(path: str | Path, sections: int | None = None) -> MrcFile:
    """Read an MRC file.

    Parameters
    ----------
    path
        The file: .mrc, .st, .ali, .rec, .map ...
    sections
        Read the first so many only, for example of a file that ends early. None: all.

    Returns
    -------
    MrcFile
        Pixels as stored, and what the headers say.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If it is not an MRC file, or has complex, RGB or 4-bit pixels.
    IncompleteFileError
        If it ends early.
    ParameterError
        If `sections` is below 1 or above what the header promises.

    Notes
    -----
    Bytes (mode 0) are signed, as MRC2014 has it, unless IMOD's stamp is there and says that
    they are not.
    """
    path = Path(path)
    raw, length = first_bytes(path)
    header = header_of(path, raw, length)
    nx, ny, nz = (int(n) for n in header["size"])
    if sections is not None:
        if not 1 <= sections <= nz:
            raise ParameterError(
                f"sections must be from 1 to {nz} for {path.name}, got {sections}."
            )
        nz = sections
    offset = HEADER.itemsize + int(header["extended"])
    dtype = dtype_of(path, header)
    check_length(path, length, offset, (nx, ny, nz), dtype)
    data = _pixels(path, dtype, offset, (nz, ny, nx))
    with path.open("rb") as file:
        file.seek(HEADER.itemsize)
        extended = file.read(int(header["extended"]))
    kind = _text(header["kind"])
    labels = tuple(_text(t) for t in header["labels"][: max(0, int(header["labels_used"]))])
    byte_order = "little" if header.dtype == HEADER else "big"
    numbers = (int(header["ints"]), int(header["reals"]))
    return MrcFile(
        data=data,
        pixel_nm=extended_pixel_nm(extended, kind, numbers, labels, byte_order)
        or _cell_pixel_nm(header),
        tilts_deg=extended_tilts(extended, kind, numbers, nz, byte_order),
        labels=labels,
        extended=extended,
        extended_kind=kind,
        is_volume=int(header["space_group"]) != 0,
        axis_deg=extended_axis(extended, kind, numbers, labels, byte_order),
    )


def write_mrc(
    path: str | Path,
    data: np.ndarray,
    pixel_nm: float | tuple[float | None, float | None, float | None] | None = None,
    *,
    is_volume: bool = True,
) -> None:
    """Write a stack or a volume as MRC2014, little-endian.

    Parameters
    ----------
    path
        The file. One that exists is replaced when the new one is complete.
    data
        (ny, nx) or (nz, ny, nx). int8, int16, uint16, float16 and float32 are written as they
        are, bool and uint8 as uint16, other integers as the first of int16, uint16 and float32
        that holds every value exactly, float64 as float32.
    pixel_nm
        Size of a pixel in nm, one number or (z, y, x); None: unknown.
    is_volume
        False for a stack of images.

    Raises
    ------
    MissingFileError
        If the folder does not exist.
    DataError
        If `data` has another number of axes, no pixel, or numbers that MRC cannot hold.
    ParameterError
        If `pixel_nm` is not above 0.
    """
    path = Path(path)
    stack = np.asarray(data)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or not stack.size:
        raise DataError(f"MRC holds images (z, y, x), got an array of shape {np.shape(data)}.")
    if not path.parent.is_dir():
        raise MissingFileError(f"The folder {path.parent} is not there; make it first.")
    mode, dtype = _mode(stack)
    header = _new_header(stack, mode, _checked_pixel(pixel_nm), is_volume)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(header.tobytes())
            for section in stack:
                file.write(np.ascontiguousarray(section, dtype).tobytes())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FormatError(f"{path} cannot be written: {error.strerror}.") from error


def _pixels(path: Path, dtype: np.dtype, offset: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the pixels, from memory or, if they are many, from the disk."""
    count = math.prod(shape)
    if count * dtype.itemsize > MAPPED:
        return np.memmap(path, dtype, "r", offset, shape)
    data = np.fromfile(path, dtype, count, offset=offset).reshape(shape)
    return data.astype(dtype.newbyteorder("="), copy=False)


def _cell_pixel_nm(header: np.void) -> tuple[float | None, float | None, float | None]:
    """Return the pixel size (z, y, x) in nm that the cell in Angstrom gives."""
    axes = [int(a) for a in header["map_axes"]]
    if sorted(axes) != [1, 2, 3]:
        axes = [1, 2, 3]
    sizes: list[float | None] = []
    for axis in reversed(axes):
        grid, cell = int(header["grid"][axis - 1]), float(header["cell"][axis - 1])
        value = cell / grid / 10 if grid > 0 and math.isfinite(cell) else 0.0
        # Seven digits are what single precision can mean.
        sizes.append(float(f"{value:.7g}") if LEAST_NM <= value <= MOST_NM else None)
    return sizes[0], sizes[1], sizes[2]


def _text(raw: bytes) -> str:
    """Return text of a header without padding and unprintable characters."""
    return "".join(c for c in bytes(raw).decode("latin-1") if c.isprintable()).strip()


def _mode(data: np.ndarray) -> tuple[int, np.dtype]:
    """Return the mode that holds the numbers, and its little-endian type."""
    kind, item = data.dtype.kind, data.dtype.itemsize
    native = {("i", 1): 0, ("i", 2): 1, ("u", 2): 6, ("f", 2): 12, ("f", 4): 2, ("f", 8): 2}
    mode = native.get((kind, item))
    if kind == "b" or (kind, item) == ("u", 1):
        mode = 6  # unsigned bytes are not in MRC2014
    elif kind in "iu" and mode is None:
        low, high = int(data.min()), int(data.max())
        if low >= -(2**15) and high < 2**15:
            mode = 1
        elif low >= 0 and high < 2**16:
            mode = 6
        elif max(-low, high) <= 2**24:
            mode = 2
    if mode is None:
        raise DataError(
            f"MRC cannot hold these {data.dtype} numbers exactly; convert them to float32 first."
        )
    return mode, np.dtype(MODES[mode]).newbyteorder("<")


def _checked_pixel(
    pixel_nm: float | tuple[float | None, float | None, float | None] | None,
) -> list[float]:
    """Return the pixel size (x, y, z) in nm, 0 for an unknown one."""
    sizes = pixel_nm if isinstance(pixel_nm, tuple | list) else (pixel_nm,) * 3
    known = [s for s in sizes if s is not None]
    if len(sizes) != 3 or not all(math.isfinite(s) and s > 0 for s in known):
        raise ParameterError(f"pixel_nm must be above 0, one number or (z, y, x), got {pixel_nm}.")
    return [0.0 if s is None else float(s) for s in sizes[::-1]]


def _new_header(data: np.ndarray, mode: int, pixel_xyz: list[float], is_volume: bool) -> np.ndarray:
    """Return the header of a new file."""
    header = np.zeros((), HEADER)
    header["size"] = data.shape[::-1]
    header["mode"] = mode
    header["grid"] = (*data.shape[:0:-1], data.shape[0] if is_volume else 1)
    header["cell"] = header["grid"] * np.array(pixel_xyz) * 10
    header["angles"] = 90
    header["map_axes"] = (1, 2, 3)
    sections = [np.asarray(s, np.float64)[np.isfinite(s)] for s in data]
    count = sum(s.size for s in sections)
    if count:
        mean = sum(float(s.sum()) for s in sections) / count
        header["least"] = min(s.min() for s in sections if s.size)
        header["most"] = max(s.max() for s in sections if s.size)
        header["mean"] = mean
        header["rms"] = math.sqrt(sum(float(((s - mean) ** 2).sum()) for s in sections) / count)
    header["space_group"] = 1 if is_volume else 0
    header["version"] = 20141
    header["name"] = b"MAP "
    header["stamp"] = (0x44, 0x44, 0, 0)
    header["labels_used"] = 1
    header["labels"][0] = b"Written by tomojupyter".ljust(80)
    return header
