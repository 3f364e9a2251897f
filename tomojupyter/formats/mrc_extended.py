"""What the extended headers of MRC files say about tilts, pixel size and tilt axis.

Three layouts are known: SerialEM's (``SERI``, or no name in older files), FEI's of today
(``FEI1``, ``FEI2``) and the older one of Agard, which FEI used as well: some integers, then some
reals, for each section.
"""

from __future__ import annotations

import numpy as np

from tomojupyter.formats.serialem import axis_of

TILT_FLAG = 1  # of SerialEM's flags: the section's record begins with the tilt
PARTS = {1: 2, 2: 6, 4: 4, 8: 2, 16: 2, 32: 4}  # bytes that each of SerialEM's flags stands for
FEI_TILT, FEI_AXIS, FEI_PIXEL = 100, 140, 156  # bytes from the start of a record; doubles
AGARD_AXIS, AGARD_PIXEL = 10, 11  # of the reals of a section
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
    if _is_serialem(kind, numbers):
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
    elif not _is_serialem(kind, numbers) and _of_fei(labels):
        found = [_agard(extended, numbers, AGARD_PIXEL, order, 1)] * 2
    else:
        return None
    sizes = [float(f[0]) * 1e9 for f in found if f is not None]
    if len(sizes) != 2 or not all(1e-4 < size < 1e6 for size in sizes):
        return None
    # The file holds single or double precision; seven digits are what it can mean.
    return None, float(f"{sizes[0]:.7g}"), float(f"{sizes[1]:.7g}")


def extended_axis(
    extended: bytes,
    kind: str,
    numbers: tuple[int, int],
    labels: tuple[str, ...],
    byte_order: str,
) -> float | None:
    """Return how the tilt axis lies in the images.

    Parameters
    ----------
    extended, kind, numbers, labels, byte_order
        As for :func:`extended_pixel_nm`.

    Returns
    -------
    float or None
        Angle from y to the axis in degrees, turning x towards y. SerialEM writes it into a
        label, FEI into the records; a nought in these is a field that nobody filled.
    """
    told = axis_of(labels)
    if told is not None:
        return told
    order = "<" if byte_order == "little" else ">"
    if kind in ("FEI1", "FEI2"):
        found = _fei(extended, FEI_AXIS, order, 1)
    elif not _is_serialem(kind, numbers) and _of_fei(labels):
        found = _agard(extended, numbers, AGARD_AXIS, order, 1)
    else:
        return None
    angle = 0.0 if found is None else float(found[0])
    return angle if 0 < abs(angle) <= 360 else None


def _is_serialem(kind: str, numbers: tuple[int, int]) -> bool:
    """Tell whether the two numbers are SerialEM's: bytes of a record, and flags that add up."""
    if kind:
        return kind == "SERI"
    size, flags = numbers
    return 0 < flags < 64 and size == sum(n for flag, n in PARTS.items() if flags & flag)


def _of_fei(labels: tuple[str, ...]) -> bool:
    """Tell whether a label names the company."""
    return any(label.lower().startswith("fei ") for label in labels)


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
