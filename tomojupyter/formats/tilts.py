"""Text files of tilt angles (.rawtlt, .tlt): one angle a line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from tomojupyter.errors import FormatError
from tomojupyter.formats.small import read_small

LARGEST = 1_000_000  # bytes; a list of tilts is never that long


def read_tilts(path: str | Path) -> np.ndarray:
    """Read a list of tilts.

    Parameters
    ----------
    path
        A text file with one angle in degrees a line. Empty lines and what follows a ``#`` do
        not count.

    Returns
    -------
    numpy.ndarray
        float64 (n,), degrees, in the file's order.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If it is not text, holds no angle, or a line is not one angle from -360 to 360 degrees;
        the line is named.
    """
    path = Path(path)
    tilts = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        entry = line.partition("#")[0].strip().replace("\N{MINUS SIGN}", "-")
        if not entry:
            continue
        try:
            tilt = float(entry)
        except ValueError:
            tilt = math.nan
        if not -360 <= tilt <= 360:
            raise FormatError(
                f"{path.name}, line {number}: {entry[:40]!r} is not a tilt; each line must hold "
                "one angle in degrees, such as -76.0."
            )
        tilts.append(tilt)
    if not tilts:
        raise FormatError(f"{path.name} holds no angles; each line must hold one, such as -76.0.")
    return np.array(tilts)


def _text(path: Path) -> str:
    """Return the text of the file."""
    raw = read_small(path, LARGEST, "is too long to be a list of tilts, one angle a line")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{path.name} is not a list of tilts: it is not text; choose the file with one angle "
            "a line."
        ) from error
    return text
