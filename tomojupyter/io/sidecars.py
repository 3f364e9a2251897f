"""Tilts of a series by precedence, from the file and from those beside it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import FormatError, MissingFileError, TiltsError
from tomojupyter.formats.serialem import Mdoc, read_mdoc
from tomojupyter.formats.suffixes import MDOC, MRC, TILT_LISTS
from tomojupyter.formats.tilts import read_tilts
from tomojupyter.steps.checks import warn

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

DIFFERENT = 0.5  # degrees; more than a stage misses its aim by


def find_mdoc(path: Path, given: str | Path | None = None) -> tuple[str, Mdoc] | None:
    """Return name and content of the .mdoc of a stack, or None.

    Parameters
    ----------
    path
        The stack; beside it are looked for ``stack.mrc.mdoc`` and ``stack.mdoc``.
    given
        The .mdoc, if it is known.

    Raises
    ------
    MissingFileError, FormatError
        If the one given cannot be read. One that was found is left out with a warning.
    """
    if given is not None:
        return Path(given).name, read_mdoc(given)
    for suffix in MDOC:
        for file in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            if not file.is_file():
                continue
            try:
                return file.name, read_mdoc(file)
            except (FormatError, MissingFileError) as error:
                warn(f"{error} Nothing is taken from it")
    return None


def choose_tilts(
    path: Path,
    n: int,
    in_file: np.ndarray | None,
    mdoc: tuple[str, np.ndarray] | None,
    part: bool = False,
) -> np.ndarray | None:
    """Return the tilts of a series: of its .mdoc, else of the list beside it, else its own.

    Parameters
    ----------
    path
        The series.
    n
        How many projections it has.
    in_file
        The tilts in the file itself.
    mdoc
        Name of the .mdoc and the tilts in it.
    part
        They are the first of a longer series: of longer lists, the first tilts are theirs.

    Returns
    -------
    numpy.ndarray or None
        (n,) degrees.

    Raises
    ------
    TiltsError
        If the number of tilts is wrong wherever there are any.
    FormatError
        If a list cannot be read.
    """
    found = list(_candidates(path, in_file, mdoc))
    if part:
        found = [(name, tilts[:n]) for name, tilts in found]
    fits = [(name, tilts) for name, tilts in found if len(tilts) == n]
    wrong = [(name, tilts) for name, tilts in found if len(tilts) != n]
    if wrong and not fits:
        name, tilts = wrong[0]
        raise TiltsError(
            f"{n} projections in {path.name} but {len(tilts)} tilts in {name}: "
            "correct the list, or give load(..., tilts=...)"
        )
    # Beside other formats, a list of that name may belong to another file.
    say = warn if path.suffix.lower() in MRC else log.info
    for name, tilts in wrong:
        say(f"{name} holds {len(tilts)} tilts for the {n} projections of {path.name}: not used")
    # Noughts are what is written where no tilt is known.
    told = [f for f in fits if f[1].any()] or fits
    if not told:
        return None
    name, chosen = told[0]
    for other, tilts in told[1:]:
        _compare(path, (name, chosen), (other, tilts))
    if name != path.name:
        log.info("%s: tilts from %s", path.name, name)
    return chosen


def _candidates(
    path: Path, in_file: np.ndarray | None, mdoc: tuple[str, np.ndarray] | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield where tilts were found, and these, the most trusted first."""
    if mdoc is not None:
        yield mdoc
    for suffix in TILT_LISTS:
        file = path.with_suffix(suffix)
        if file.is_file():
            yield file.name, read_tilts(file)
    if in_file is not None:
        yield path.name, in_file


def _compare(path: Path, used: tuple[str, np.ndarray], other: tuple[str, np.ndarray]) -> None:
    """Warn where two lists of tilts differ."""
    apart = np.abs(used[1] - other[1])
    if apart.max() > DIFFERENT:
        i = int(np.argmax(apart))
        where = "its header" if other[0] == path.name else other[0]
        warn(
            f"{path.name}: the tilts of {used[0]} are used; those of {where} differ by up to "
            f"{apart[i]:.1f}°, most at #{i} ({used[1][i]:.1f}° and {other[1][i]:.1f}°)"
        )
