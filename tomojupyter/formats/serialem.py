"""SerialEM's .mdoc files: text beside a stack that says how each section was acquired.

Lines ``Key = value`` before the first section hold for all; ``[T = ...]`` are titles;
``[ZValue = 0]`` and the like begin a section. Files may be of any length and miss any key.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import FormatError
from tomojupyter.formats.small import read_small

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 50_000_000  # bytes; a thousand sections take one
AXIS = re.compile(r"tilt\s+axis\s+angle\s*=\s*([-+]?[\d.]+(?:e[-+]?\d+)?)", re.IGNORECASE)
SECTIONS = ("zvalue", "image", "frameset", "montsection")
LEAST_NM, MOST_NM = 1e-4, 1e6  # a pixel of any microscope lies between


@dataclass(frozen=True)
class Mdoc:
    """What an .mdoc file says.

    Parameters
    ----------
    general
        The keys that hold for all sections, as text.
    titles
        The texts of the ``[T = ...]`` lines.
    sections
        The keys of each section, in the order of the file; the line that began it is among
        them, such as ``ZValue``.
    """

    general: dict[str, str]
    titles: tuple[str, ...]
    sections: tuple[dict[str, str], ...]

    @property
    def image_file(self) -> str:
        """Name of the stack that it was written for, or nothing."""
        return self.general.get("ImageFile", "")

    @property
    def is_montage(self) -> bool:
        """Whether sections are pieces of larger images."""
        return number(self.general.get("Montage", "")) == 1

    @property
    def pixel_nm(self) -> float | None:
        """Size of a pixel in nm, or None."""
        for keys in (self.general, *self.sections[:1]):
            size = number(keys.get("PixelSpacing", "")) / 10
            if LEAST_NM <= size <= MOST_NM:
                return float(f"{size:.7g}")
        return None

    @property
    def axis_deg(self) -> float | None:
        """Angle from y to the tilt axis in degrees, turning x towards y; or None.

        The titles say it. Where they do not, ``RotationAngle`` does: it is 90 degrees more.
        """
        told = axis_of(self.titles)
        if told is None and self.sections:
            rotation = number(self.sections[0].get("RotationAngle", ""))
            told = rotation - 90 if abs(rotation) <= 360 else None
        return told

    def tilts_deg(self, n: int) -> np.ndarray | None:
        """Return the tilts of `n` sections in degrees, in the order of the stack.

        Parameters
        ----------
        n
            How many sections the stack has.

        Returns
        -------
        numpy.ndarray or None
            (n,); None if the file has another number of sections, or one without a tilt.
        """
        places = self._places()
        if len(places) != n or sorted(places) != list(range(n)):
            return None
        tilts = np.full(n, np.nan)
        for place, section in zip(places, self.sections, strict=True):
            tilts[place] = number(section.get("TiltAngle", ""))
        return tilts if (np.abs(tilts) <= 360).all() else None

    def _places(self) -> list[int]:
        """Return where in the stack each section is; their order where they do not say."""
        told = [number(s.get("ZValue", "")) for s in self.sections]
        if all(value >= 0 and value == int(value) for value in told if math.isfinite(value)) and (
            all(math.isfinite(value) for value in told)
        ):
            return [int(value) for value in told]
        return list(range(len(self.sections)))


def read_mdoc(path: str | Path) -> Mdoc:
    """Read an .mdoc file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Mdoc

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If it is not text, or has neither a key nor a section.
    """
    path = Path(path)
    general: dict[str, str] = {}
    titles: list[str] = []
    sections: list[dict[str, str]] = []
    for line in _text(path).splitlines():
        entry = line.strip()
        bracketed = entry.startswith("[") and entry.endswith("]")
        key, equals, value = (entry[1:-1] if bracketed else entry).partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key:
            continue
        if bracketed and key == "T":
            titles.append(value)
        elif bracketed:
            # Sections of other kinds must not fall into the one before.
            sections.append({key: value})
        else:
            (sections[-1] if sections else general)[key] = value
    if not general and not sections:
        raise FormatError(
            f"{path.name} is no .mdoc file of SerialEM: it has no line such as TiltAngle = -60."
        )
    images = tuple(s for s in sections if next(iter(s)).lower() in SECTIONS)
    return Mdoc(general, tuple(titles), images)


def axis_of(titles: Iterable[str]) -> float | None:
    """Return the angle of the tilt axis that titles of SerialEM name, in degrees, or None."""
    for title in titles:
        found = AXIS.search(title)
        angle = number(found.group(1)) if found else math.nan
        if abs(angle) <= 360:
            return angle
    return None


def number(text: str) -> float:
    """Return a number, NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _text(path: Path) -> str:
    raw = read_small(path, LARGEST, "is too long for an .mdoc file")
    if b"\0" in raw:
        raise FormatError(f"{path.name} is no .mdoc file of SerialEM: it is not text.")
    # Names of microscopes and people may be in any code page; numbers are ASCII.
    return raw.decode("latin-1").removeprefix("ï»¿")
