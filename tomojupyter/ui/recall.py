"""States that were put away, worked out again from the file and the recorded Steps."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import DataError, TomojupyterWarning
from tomojupyter.monitor import Silent
from tomojupyter.steps import history, make_step, recipe_set
from tomojupyter.steps.recipe import EXTERNAL
from tomojupyter.steps.run import run
from tomojupyter.steps.spectra import SPECTRA

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.timeline import Node


OF_SPECTRA = ("line_maps", "decompose")
"""Steps whose input is no state of a session."""


def new_records(node: Node) -> list[dict[str, Any]]:
    """Return the records that a state has and the one before it has not."""
    before = len(node.parent.records) if node.parent else 0
    return [r for r in node.records[before:] if r["operation"] != "source"]


def replay_steps(node: Node) -> list[Step]:
    """Return the Steps that make a state from the one before, with the values that were used."""
    if node.parent is None:
        return list(node.steps)
    return [make_step(r["operation"], r["method"], **r["resolved"]) for r in new_records(node)]


def can_recall(node: Node, held: bool = True) -> bool:
    """Tell whether a state is in memory (not asked with `held` false) or can be made again."""
    if (held and node.held is not None) or (node.is_volume and node.file and node.file.exists()):
        return True
    if node.parent is None:
        return node.source is not None and not node.source.problem()
    if any(r["operation"] == EXTERNAL for r in new_records(node)):
        return False
    if begins_with_spectra(node):
        known = node.source is not None and not node.source.problem()
        return known and (not _others(node) or can_recall(node.root))
    return can_recall(node.parent)


def of_spectra(node: Node) -> bool:
    """Tell whether a state was made of spectra, which the session does not hold."""
    return any(r["operation"] in OF_SPECTRA for r in node.records)


def begins_with_spectra(node: Node) -> bool:
    """Tell whether a state was made of spectra, and not of the state before it."""
    return of_spectra(node) and not (node.parent is not None and of_spectra(node.parent))


def _others(node: Node) -> list[str]:
    """Return the names of what was taken together with spectra: the series of the app."""
    together = recipe_set.was_together(node.records)
    return [n for n in recipe_set.inputs(node.records) if n != SPECTRA] if together else []


def _from_spectra(node: Node, monitor: Monitor | None, options: dict[str, Any]) -> Any:
    """Return what was made of spectra, which are loaded again."""
    from tomojupyter import provenance

    if node.source is None or node.parent is None:
        raise DataError(
            f"{node.name} was made of spectra: open these in Spectral and reconstruct again"
        )
    spectra = node.source.spectra()
    if not recipe_set.was_together(node.records):
        return provenance.remake(node.records, spectra, monitor=monitor, **options)
    signals = {SPECTRA: spectra}
    for name in _others(node):
        signals[name] = recall(node.root)
    return provenance.remake(node.records, signals, monitor=monitor, **options)


def recall(node: Node, monitor: Monitor | None = None, **options: Any) -> Any:
    """Return the signal of a state again: from its file, else from the state before it.

    Parameters
    ----------
    node
        The state; those before it are worked out for it and not kept.
    monitor
        Follows the Steps.
    **options
        Run options.

    Returns
    -------
    TomoStack or RecStack
        With the records as they were, where the pixels are the same to the last bit; else with
        new ones, and a warning.

    Raises
    ------
    DataError
        If an edit was made outside, which cannot be done again.
    MissingFileError, FormatError
        If the file of the series is gone or changed.
    """
    if node.held is not None:
        return node.held
    if node.is_volume and node.file is not None and node.file.exists():
        # A series is not read from a file: what lies around its crop is not in there.
        from tomojupyter.api import load

        return load(node.file)
    if begins_with_spectra(node):
        made = _from_spectra(node, monitor, options)
        _settle_records(node, made)
        return made
    if node.parent is None:
        if node.source is None:
            raise DataError(f"{node.name or 'this series'} came from no file: load it again")
        made = node.source.load()
    else:
        made = recall(node.parent, monitor, **options)
    if any(r["operation"] == EXTERNAL for r in new_records(node)):
        raise DataError("an edit was made outside of the app here; it cannot be done again")
    for step in replay_steps(node):
        made = run(made, step, monitor or Silent(), **options)
    _ = made.data
    _settle_records(node, made)
    return made


def _settle_records(node: Node, made: Any) -> None:
    if not node.records:
        return
    found = history.read(made)
    if found and found[-1]["after"] == node.records[-1]["after"]:
        history.write(made, node.records)
    else:
        text = f"{node.label or node.name} gave other values than before: check the result"
        warnings.warn(text, TomojupyterWarning, stacklevel=2)
