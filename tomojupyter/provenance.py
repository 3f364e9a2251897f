"""How a result was made, doing it again, and what is different in two results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import RecipeError
from tomojupyter.io import load
from tomojupyter.numerics.volumes.differences import Difference, difference
from tomojupyter.steps import Recipe, history
from tomojupyter.steps.words import differences, history_lines, same_source

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

CALIBRATION = ("set_tilts", "set_axis")
"""What is entered or found in a file when it is loaded."""


@dataclass(frozen=True)
class Comparison:
    """What is different in two signals.

    Parameters
    ----------
    history
        Differences of the histories, a sentence each.
    shapes
        Shapes of the pixels, if these differ.
    pixels
        Difference of the pixels; None where the shapes differ.
    """

    history: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...] = ()
    pixels: Difference | None = None

    @property
    def identical(self) -> bool:
        """Whether all pixels are the same."""
        return self.pixels is not None and not self.pixels.count

    def __str__(self) -> str:
        lines = list(self.history) or ["the histories are the same"]
        if self.pixels is not None:
            return "\n".join([*lines, f"pixels: {self.pixels}"])
        shown = (" x ".join(map(str, shape)) for shape in self.shapes)
        return "\n".join([*lines, f"pixels: the shapes differ, {' / '.join(shown)}"])


@dataclass(frozen=True)
class Replay:
    """What `replay` made.

    Parameters
    ----------
    signal
        The result.
    comparison
        Its differences from the result that was replayed; None where the raw data is another.
    """

    signal: Any
    comparison: Comparison | None


def read_history(path: str | Path) -> list[dict[str, Any]]:
    """Return the records in a file, oldest first; the pixels are not read.

    Raises
    ------
    RecipeError
        If the file has no history.
    MissingFileError, FormatError
        If it cannot be read.
    """
    return _records(load(path, lazy=True), path)


def tell(path: str | Path) -> str:
    """Return the history in a file as text."""
    return "\n".join(history_lines(read_history(path)))


def compare(one: Any, other: Any) -> Comparison:
    """Compare two signals, or two files.

    Parameters
    ----------
    one, other
        TomoStack, RecStack, or the path of a file.

    Raises
    ------
    MissingFileError, FormatError
        If a file cannot be read.
    """
    signals = [load(s, lazy=True) if isinstance(s, str | Path) else s for s in (one, other)]
    said = tuple(differences(*(history.read(signal) for signal in signals)))
    shapes = tuple(tuple(map(int, signal.data.shape)) for signal in signals)
    if shapes[0] != shapes[1]:
        return Comparison(said, shapes)
    return Comparison(said, pixels=difference(*(signal.data for signal in signals)))


def replay(
    result: str | Path,
    source: str | Path,
    *,
    tilts: Any = None,
    resolved: bool = True,
    monitor: Monitor | None = None,
) -> Replay:
    """Do with a raw file what was done to make a result.

    Parameters
    ----------
    result
        File with a history (``.hspy``).
    source
        Raw file: the one that it was made from, or another.
    tilts
        As for :func:`tomojupyter.io.load`; they replace those in the history.
    resolved
        True: with the values that were used, for identical voxels. False: as asked, so that
        what was left to the program is decided anew on the other data.
    monitor
        Follows the work.

    Returns
    -------
    Replay
        With the comparison where `source` is what the result was made from.

    Raises
    ------
    RecipeError
        If the result has no history, or a step of it is not known to this version.
    TomojupyterError
        If a file cannot be read or a step fails.
    """
    made = load(result, lazy=True)
    _records(made, result)
    return replay_on(made, load(source, tilts=tilts), resolved=resolved, monitor=monitor)


def replay_on(
    made: Any, raw: Any, *, resolved: bool = True, monitor: Monitor | None = None
) -> Replay:
    """Do with a series what was done to make a result; both are signals.

    Parameters
    ----------
    made
        TomoStack or RecStack with its history.
    raw
        TomoStack as it was loaded.
    resolved, monitor
        As for `replay`.

    Raises
    ------
    RecipeError
        If a step of the history is not known to this version.
    TomojupyterError
        If a step fails.
    """
    records, loaded = history.read(made), history.read(raw)
    signal = _rest(made, records, loaded, resolved).run(raw, monitor)
    same = same_source(records[0], loaded[0])
    return Replay(signal, compare(made, signal) if same else None)


def _records(signal: Any, path: Any) -> list[dict[str, Any]]:
    records = history.read(signal)
    if len(records) < 2:
        raise RecipeError(
            f"{Path(path).name} has no history: it is not a result that tomojupyter saved"
        )
    return records


def _rest(
    made: Any, records: list[dict[str, Any]], loaded: list[dict[str, Any]], resolved: bool
) -> Recipe:
    """Return the recipe of `records` without what was done already when the file was loaded."""
    recipe = Recipe.of(made, resolved)
    if same_source(records[0], loaded[0]):
        done = 0
        while done + 1 < min(len(records), len(loaded)) and _same_step(
            records[done + 1], loaded[done + 1]
        ):
            done += 1
        if done + 1 == len(loaded):
            return Recipe(recipe.entries[done:], recipe.shape)
    # What another file says of itself holds for it, and so do tilts that were given.
    own = {record["operation"] for record in loaded[1:]}
    entries = list(recipe.entries)
    while entries and (step := entries[0].step) and step.operation in own & set(CALIBRATION):
        del entries[0]
    return Recipe(tuple(entries), recipe.shape)


def _same_step(one: dict[str, Any], other: dict[str, Any]) -> bool:
    keys = ("operation", "method", "resolved")
    return all(one.get(key) == other.get(key) for key in keys)
