"""How a result was made, doing it again, and what is different in two results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter import spectral
from tomojupyter.errors import RecipeError
from tomojupyter.io import load
from tomojupyter.numerics.volumes.differences import Difference, difference
from tomojupyter.steps import Recipe, history, recipe_set
from tomojupyter.steps.recipe import Entry
from tomojupyter.steps.run import begin
from tomojupyter.steps.spectra import SPECTRA, Spectra
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
    others: Mapping[str, str | Path] | None = None,
) -> Replay:
    """Do with a raw file what was done to make a result.

    Parameters
    ----------
    result
        File with a history (``.hspy``).
    source
        Raw file: the one that it was made from, or another. Of spectra as
        :func:`tomojupyter.spectral.load` takes them, where it was made of such.
    tilts
        As for :func:`tomojupyter.io.load`; they replace those in the history.
    resolved
        True: with the values that were used, for identical voxels. False: as asked, so that
        what was left to the program is decided anew on the other data.
    monitor
        Follows the work.
    others
        Files of what was taken together with it, by the names in the history, such as
        ``{"guide": "haadf.mrc"}``.

    Returns
    -------
    Replay
        With the comparison where `source` is what the result was made from.

    Raises
    ------
    RecipeError
        If the result has no history, a step of it is not known to this version, or another
        signal that it was made of is not given.
    TomojupyterError
        If a file cannot be read or a step fails.
    """
    made = load(result, lazy=True)
    records = _records(made, result)
    if not recipe_set.was_together(records):
        _refuse(others or {}, [])
        of_spectra = recipe_set.of_spectra(records[1])
        raw = spectral.load(source, tilts) if of_spectra else load(source, tilts=tilts)
        return replay_on(made, raw, resolved=resolved, monitor=monitor)
    first, *more = recipe_set.inputs(records)
    _refuse(others or {}, more)
    files = {first: source, **(others or {})}
    signals = {
        name: spectral.load(path, tilts) if name == SPECTRA
        else load(path, tilts=tilts if name == first else None)
        for name, path in files.items()
    }  # fmt: skip
    return replay_on(made, signals, resolved=resolved, monitor=monitor)


def replay_on(
    made: Any, raw: Any, *, resolved: bool = True, monitor: Monitor | None = None
) -> Replay:
    """Do with a series what was done to make a result; both are signals.

    Parameters
    ----------
    made
        TomoStack or RecStack with its history.
    raw
        TomoStack as it was loaded, or spectra; by name where several were taken together.
    resolved, monitor
        As for `replay`.

    Raises
    ------
    RecipeError
        If a step of the history is not known to this version.
    TomojupyterError
        If a step fails.
    """
    records = history.read(made)
    signals = raw if isinstance(raw, Mapping) else {"": raw}
    signal = remake(records, raw, resolved=resolved, monitor=monitor)
    chains = recipe_set.inputs(records) if isinstance(raw, Mapping) else {"": records}
    same = all(same_source(chains[name][0], _loaded(one)[0]) for name, one in signals.items())
    return Replay(signal, compare(made, signal) if same else None)


def remake(
    records: list[dict[str, Any]],
    raw: Any,
    *,
    resolved: bool = True,
    monitor: Monitor | None = None,
    **options: Any,
) -> Any:
    """Do again what a history tells.

    Parameters
    ----------
    records
        The history.
    raw, resolved, monitor
        As for `replay_on`.
    **options
        Run options.

    Returns
    -------
    TomoStack or RecStack

    Raises
    ------
    RecipeError
        If a step of the history is not known to this version.
    TomojupyterError
        If a step fails.
    """
    if not isinstance(raw, Mapping):
        recipe = Recipe.of_records(records, resolved)
        rest = recipe.entries[_done(records, _loaded(raw)) :]
        return Recipe(rest, recipe.shape).run(raw, monitor, **options)
    chains = recipe_set.inputs(records)
    done = {name: _done(chains[name], _loaded(signal)) for name, signal in raw.items()}
    lines, own = recipe_set.lines(records, resolved, done)
    recipe = Recipe(tuple(Entry(step, on) for step, on in lines))
    return recipe.run(dict(raw), monitor, **options)[own]


def _loaded(raw: Any) -> list[dict[str, Any]]:
    """Return the history of what was just loaded."""
    known = hasattr(raw, "_signal_type") and raw._signal_type in ("TomoStack", "RecStack")
    return history.read(raw) if known else begin(Spectra(raw))


def _refuse(given: Mapping[str, Any], needed: list[str]) -> None:
    """Raise unless exactly the files that are needed are given."""
    missing = [name for name in needed if name not in given]
    strange = [name for name in given if name not in needed]
    if missing:
        raise RecipeError(
            f"the result was made together with {', '.join(missing)}: "
            f'give its file too, as in others={{"{missing[0]}": "file.mrc"}} or '
            f"--with {missing[0]}=file.mrc"
        )
    if strange:
        known = f"that is {', '.join(needed)}" if needed else "nothing was"
        raise RecipeError(f"{', '.join(strange)}: not taken together with the result ({known})")


def _records(signal: Any, path: Any) -> list[dict[str, Any]]:
    records = history.read(signal)
    if len(records) < 2:
        raise RecipeError(
            f"{Path(path).name} has no history: it is not a result that tomojupyter saved"
        )
    return records


def _done(records: list[dict[str, Any]], loaded: list[dict[str, Any]]) -> int:
    """Return how many steps of `records` were done already when a file was loaded."""
    if same_source(records[0], loaded[0]):
        done = 0
        while done + 1 < min(len(records), len(loaded)) and _same_step(
            records[done + 1], loaded[done + 1]
        ):
            done += 1
        if done + 1 == len(loaded):
            return done
    # What another file says of itself holds for it, and so do tilts that were given.
    own = {record["operation"] for record in loaded[1:]} & set(CALIBRATION)
    done = 0
    while done + 1 < len(records) and records[done + 1]["operation"] in own:
        done += 1
    return done


def _same_step(one: dict[str, Any], other: dict[str, Any]) -> bool:
    keys = ("operation", "method", "resolved")
    return all(one.get(key) == other.get(key) for key in keys)
