"""The data folder as a list: nothing outside of it can be seen or opened."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tomojupyter.errors import DataError, MissingFileError
from tomojupyter.formats.suffixes import (
    DM,
    EMD,
    FOLDERS,
    MRC,
    READABLE,
    SIDECARS,
    TIFF,
    TILT_LISTS,
)
from tomojupyter.ui.words import size_text

SINGLE = (*MRC, *DM, *TIFF, *EMD)
FEWEST = 3
"""So many files of a folder may be one series."""


@dataclass(frozen=True)
class Entry:
    """A line of the list: a folder, a file that can be opened, or one that cannot."""

    path: Path
    note: str = ""
    folder: bool = False
    readable: bool = True

    @property
    def name(self) -> str:
        """What the line says."""
        return self.path.name


class DataFolder:
    """A folder, and what lies in it.

    Parameters
    ----------
    root
        The folder that nothing leaves, not even by a link.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).expanduser().resolve()

    def inside(self, path: str | Path) -> Path:
        """Return a path with links resolved.

        Raises
        ------
        DataError
            If it lies outside of the data folder.
        """
        whole = (self.root / path).resolve()
        if not whole.is_relative_to(self.root):
            raise DataError(
                f"{Path(path).name} lies outside of the data folder; copy it to {self.root}"
            )
        return whole

    def entries(self, place: str | Path = "", needle: str = "") -> list[Entry]:
        """Return what lies in a folder: folders, then files, by name.

        Parameters
        ----------
        place
            A folder within the root.
        needle
            Only names that contain this, in either case.

        Raises
        ------
        MissingFileError
            The folder is not there or may not be read.
        """
        folder = self.inside(place)
        try:
            found = sorted(folder.iterdir(), key=lambda p: p.name.lower())
        except OSError as error:
            raise MissingFileError(
                f"the folder {folder.name} cannot be read: {error.strerror or error}"
            ) from error
        rows = [
            self.entry(path)
            for path in found
            if not path.name.startswith(".")
            and needle.lower() in path.name.lower()
            and path.suffix.lower() not in SIDECARS
            and path.resolve().is_relative_to(self.root)
        ]
        return sorted(rows, key=lambda e: (not e.folder, not e.readable))

    def series(self, place: str | Path = "") -> list[Path]:
        """Return the files of a folder that look like one image each of one series, by name.

        They have one ending, and one size unless they are MRC files, whose headers tell.

        Parameters
        ----------
        place
            A folder within the root.
        """
        paths = [e.path for e in self.entries(place) if e.readable and not e.folder]
        paths = [path for path in paths if path.is_file()]
        endings = {path.suffix.lower() for path in paths}
        if len(paths) < FEWEST or len(endings) > 1 or not endings <= set(SINGLE):
            return []
        if endings <= set(MRC):
            alike = all(mrc_frames(path) == 1 for path in paths)
        else:
            alike = len({path.stat().st_size for path in paths}) == 1
        return paths if alike else []

    def tilt_lists(self, place: str | Path = "") -> list[Path]:
        """Return the text files of a folder that may hold tilts, by name."""
        return sorted(
            path
            for path in self.inside(place).iterdir()
            if path.suffix.lower() in (*TILT_LISTS, ".txt") and path.is_file()
            and path.resolve().is_relative_to(self.root)
        )  # fmt: skip

    def entry(self, path: Path) -> Entry:
        """Return the line of a path."""
        suffix = path.suffix.lower()
        if path.is_dir() and suffix in FOLDERS:
            return Entry(path, suffix.lstrip("."))
        if path.is_dir():
            return Entry(path, folder=True)
        if suffix not in READABLE:
            return Entry(path, "not a tilt series", readable=False)
        try:
            return Entry(path, file_note(path))
        except OSError as error:
            return Entry(path, error.strerror or "cannot be read", readable=False)


def mrc_frames(path: Path) -> int:
    """Return the number of images that the header of an MRC file tells, 0 where it is none."""
    with path.open("rb") as f:
        head = f.read(12)
    return int(struct.unpack("<3i", head)[2]) if len(head) == 12 else 0


def file_note(path: Path) -> str:
    """Return "77 frames + mdoc" for an MRC file, the size of any other."""
    if path.suffix.lower() in MRC:
        frames = mrc_frames(path)
        beside = [
            kind.lstrip(".")
            for kind in SIDECARS
            if path.with_suffix(kind).exists() or path.with_name(path.name + kind).exists()
        ]
        if 0 < frames < 100_000:
            return f"{frames} frames" + (f" + {beside[0]}" if beside else "")
    return size_text(path.stat().st_size)
