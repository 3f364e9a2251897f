"""The header of MRC files: byte order, type of the pixels, and how long a file must be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import FormatError, IncompleteFileError, MissingFileError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = np.dtype(
    [
        ("size", "<i4", 3),
        ("mode", "<i4"),
        ("start", "<i4", 3),
        ("grid", "<i4", 3),
        ("cell", "<f4", 3),
        ("angles", "<f4", 3),
        ("map_axes", "<i4", 3),
        ("least", "<f4"),
        ("most", "<f4"),
        ("mean", "<f4"),
        ("space_group", "<i4"),
        ("extended", "<i4"),
        ("extra1", "V8"),
        ("kind", "S4"),
        ("version", "<i4"),
        ("extra2", "V16"),
        ("ints", "<i2"),
        ("reals", "<i2"),
        ("extra3", "V20"),
        ("imod", "S4"),
        ("imod_flags", "<i4"),
        ("extra4", "V36"),
        ("origin", "<f4", 3),
        ("name", "S4"),
        ("stamp", "u1", 4),
        ("rms", "<f4"),
        ("labels_used", "<i4"),
        ("labels", "S80", 10),
    ]
)
MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
OTHERS = {3: "complex", 4: "complex", 16: "RGB", 101: "4-bit"}
FOREIGN = {
    b"\x89HDF": "an HDF5 file (.emd, .hspy)",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"II*\x00": "a TIFF file",
    b"MM\x00*": "a TIFF file",
}


def first_bytes(path: Path) -> tuple[bytes, int]:
    """Return the bytes of the header and the length of the file."""
    if not path.exists():
        raise MissingFileError(f"There is no file {path}; check the name and the folder.")
    try:
        with path.open("rb") as file:
            return file.read(HEADER.itemsize), path.stat().st_size
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from error


def header_of(path: Path, raw: bytes, length: int) -> np.void:
    """Return the header in its byte order, or say why this is not an MRC file."""
    for magic, name in FOREIGN.items():
        if raw.startswith(magic):
            raise FormatError(f"{path.name} is not an MRC file: it is {name}.")
    beginning = raw[:64]
    if beginning and all(32 <= c < 127 or c in b"\t\r\n" for c in beginning):
        text = " ".join(beginning.decode("ascii").split())[:40]
        raise FormatError(
            f"{path.name} is not an MRC file: it is text that begins with {text!r}; choose the "
            "file that holds the images."
        )
    if len(raw) < HEADER.itemsize:
        raise FormatError(
            f"{path.name} ends early: the header of an MRC file has {HEADER.itemsize} bytes, this "
            f"file has {length}; copy it again."
        )
    little = np.frombuffer(raw, HEADER)[0]
    both = [little, np.frombuffer(raw, HEADER.newbyteorder(">"))[0]]
    if little["stamp"][0] == 0x11:
        both.reverse()
    sound = [h for h in both if _is_sound(h)]
    if not sound:
        size, mode = " x ".join(str(n) for n in both[0]["size"]), int(both[0]["mode"])
        what = "its header is damaged" if little["name"] == b"MAP " else "it is not an MRC file"
        raise FormatError(
            f"{path.name} cannot be used: {what} (it promises {size} px of mode {mode}, with "
            f"{int(both[0]['extended'])} bytes of extended header)."
        )
    if little["stamp"][0] in (0x11, 0x44):
        return sound[0]
    # Old files carry no stamp: take the order in which the file holds what it promises.
    return next((h for h in sound if _promised(h) <= length), sound[0])


def _is_sound(header: np.void) -> bool:
    """Tell whether the numbers that locate the pixels make sense."""
    mode = int(header["mode"])
    known = mode in MODES or mode in OTHERS
    return bool(known and (header["size"] > 0).all() and int(header["extended"]) >= 0)


def _promised(header: np.void) -> int:
    """Return how long a file with this header is at least."""
    item = np.dtype(MODES.get(int(header["mode"]), "u1")).itemsize
    pixels = math.prod(int(n) for n in header["size"])
    return HEADER.itemsize + int(header["extended"]) + pixels * item


def dtype_of(path: Path, header: np.void) -> np.dtype:
    """Return the type of the pixels, in the file's byte order."""
    mode = int(header["mode"])
    if mode in OTHERS:
        raise FormatError(
            f"{path.name} has {OTHERS[mode]} pixels (mode {mode}); tomography needs real numbers "
            f"(modes {', '.join(str(m) for m in MODES)}): convert the file first."
        )
    if mode == 0 and header["imod"] == b"IMOD" and not int(header["imod_flags"]) & 1:
        return np.dtype("u1")
    return np.dtype(MODES[mode]).newbyteorder("<" if header.dtype == HEADER else ">")


def check_length(
    path: Path, length: int, offset: int, size: tuple[int, int, int], dtype: np.dtype
) -> None:
    """Refuse a file that ends before its last pixel."""
    nx, ny, nz = size
    frame = nx * ny * dtype.itemsize
    if length >= offset + nz * frame:
        return
    whole = max(0, length - offset) // frame
    help_ = f"Load {whole} (sections={whole}), or copy" if whole else "Copy"
    plural = "frame" if nz == 1 else "frames"
    raise IncompleteFileError(
        f"{path.name} ends early: the header promises {nz} {plural}, {whole} "
        f"{'is' if whole == 1 else 'are'} complete. {help_} the file again.",
        whole,
    )
