"""What the extended headers of MRC files say about tilts and pixel size.

Three layouts are known: SerialEM's (``SERI``), FEI's of today (``FEI1``, ``FEI2``) and the
older one of Agard, which FEI used as well: some integers, then some reals, for each section.
"""

from __future__ import annotations

import numpy as np

TILT_FLAG = 1  # of SerialEM's flags: the section's record begins with the tilt
FEI_TILT, FEI_PIXEL = 100, 156  # bytes from the beginning of a record; doubles
AGARD_PIXEL = 11  # of the reals of a section
FEI_LEAST = 172  # bytes of a record up to the pixel size in y


def extended_tilts(
    extended: bytes, kind: str, numbers: tuple[int, int], sections: int, byte_order: str
) -> np.ndarray | None:
    """Return the tilts that an extended header gives.

    Parameters
    ----------
    extended
        The bytes of the extended header.
    kind
        ``"SERI"``, ``"FEI1"``, ``"FEI2"`` or anything else.
    numbers
        The header's two numbers on the layout: bytes and flags for SerialEM, integers and
        reals per section for Agard.
    sections
        How many sections are read.
    byte_order
        ``"little"`` or ``"big"``.

    Returns
    -------
    numpy.ndarray or None
        (sections,) degrees. None where the header has no tilts, or values that cannot be tilts.
    """
    order = "<" if byte_order == "little" else ">"
    if kind == "SERI":
        if not numbers[1] & TILT_FLAG:
            return None
        column = _column(extended, numbers[0], 0, f"{order}i2", sections)
        # Hundredths of a degree; a nought is a measured tilt here.
        return None if column is None else _plausible(column / 100)
    if kind in ("FEI1", "FEI2"):
        tilts = _fei(extended, FEI_TILT, order, sections)
    else:
        tilts = _agard(extended, numbers, 0, order, sections)
    # Records that nobody filled are noughts.
    return None if tilts is None or not tilts.any() else _plausible(tilts)


def extended_pixel_nm(
    extended: bytes,
    kind: str,
    numbers: tuple[int, int],
    labels: tuple[str, ...],
    byte_order: str,
) -> tuple[None, float, float] | None:
    """Return the pixel size (z, y, x) in nm that an extended header of FEI gives in metres.

    Parameters
    ----------
    extended, kind, numbers, byte_order
        As for :func:`extended_tilts`.
    labels
        Of the header; Agard's layout is read as FEI's where one of them names the company,
        because the unit of others is not known.

    Returns
    -------
    tuple or None
        None where it gives none, or one that cannot be metres.
    """
    order = "<" if byte_order == "little" else ">"
    if kind in ("FEI1", "FEI2"):
        found = [_fei(extended, FEI_PIXEL + 8 * k, order, 1) for k in (1, 0)]
    elif kind != "SERI" and any(label.lower().startswith("fei ") for label in labels):
        found = [_agard(extended, numbers, AGARD_PIXEL, order, 1)] * 2
    else:
        return None
    sizes = [float(f[0]) * 1e9 for f in found if f is not None]
    if len(sizes) != 2 or not all(1e-4 < size < 1e6 for size in sizes):
        return None
    # The file holds single or double precision; seven digits are what it can mean.
    return None, float(f"{sizes[0]:.7g}"), float(f"{sizes[1]:.7g}")


def _column(
    extended: bytes, stride: int, offset: int, dtype: str, sections: int
) -> np.ndarray | None:
    """Return one number of each record as float64, or None where the bytes do not suffice."""
    item = np.dtype(dtype).itemsize
    if stride < offset + item or len(extended) < stride * sections:
        return None
    records = np.frombuffer(extended, np.uint8, stride * sections).reshape(sections, stride)
    column = np.ascontiguousarray(records[:, offset : offset + item])
    with np.errstate(invalid="ignore"):
        return column.view(dtype)[:, 0].astype(np.float64)


def _fei(extended: bytes, offset: int, order: str, sections: int) -> np.ndarray | None:
    """Return one double of each FEI1 or FEI2 record; its first number is its length."""
    length = _column(extended, len(extended), 0, f"{order}i4", 1)
    if length is None or length[0] < FEI_LEAST:
        return None
    return _column(extended, int(length[0]), offset, f"{order}f8", sections)


def _agard(
    extended: bytes, numbers: tuple[int, int], index: int, order: str, sections: int
) -> np.ndarray | None:
    """Return real number `index` of each record of integers and reals."""
    ints, reals = numbers
    if ints < 0 or not index < reals:
        return None
    return _column(extended, 4 * (ints + reals), 4 * (ints + index), f"{order}f4", sections)


def _plausible(tilts: np.ndarray) -> np.ndarray | None:
    """Return the tilts if all of them can be angles in degrees."""
    return tilts if np.isfinite(tilts).all() and np.abs(tilts).max() <= 360 else None
