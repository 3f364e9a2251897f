"""Small text files that lie beside a series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomojupyter.errors import FormatError, MissingFileError

if TYPE_CHECKING:
    from pathlib import Path


def read_small(path: Path, largest: int, too_long: str) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    path
        The file.
    largest
        Bytes; a longer file is something else.
    too_long
        What is said of a longer file, after its name and before its size.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If it is longer, or cannot be read.
    """
    if not path.exists():
        raise MissingFileError(f"There is no file {path}; check the name and the folder.")
    try:
        if path.stat().st_size > largest:
            raise FormatError(f"{path.name} {too_long} ({path.stat().st_size} bytes).")
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from error
