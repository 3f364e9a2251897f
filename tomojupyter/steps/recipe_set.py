"""The recipe of a result that several signals were taken together for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tomojupyter.steps.base import REGISTRY, Step, make_step
from tomojupyter.steps.spectra import SPECTRA

if TYPE_CHECKING:
    from collections.abc import Mapping

Records = list[dict[str, Any]]
Line = tuple[Step | None, tuple[str, ...]]
WITH = "with"
"""Key of the histories of what was taken together with a signal."""


def was_together(records: Records) -> bool:
    """Tell whether a history has a Step that took several signals together."""
    return any(WITH in record for record in records)


def of_spectra(record: dict[str, Any]) -> bool:
    """Tell whether a record is that of a Step on spectra."""
    cls = REGISTRY.get(record["operation"], {}).get(record.get("method", ""))
    return cls is not None and cls.on == SPECTRA


def inputs(records: Records) -> dict[str, Records]:
    """Return the signals that such a result was made of.

    Parameters
    ----------
    records
        Its history.

    Returns
    -------
    dict
        Names in the recipe to histories, which begin with the source: ``"spectra"`` for spectra,
        whose maps are the recipe's own, and the names of other signals.
    """
    found: dict[str, Records] = {}
    for name, chain in _chains(records).items():
        made = len(chain) > 1 and of_spectra(chain[1])
        found.setdefault(SPECTRA if made else name, chain[:1] if made else chain)
    return found


def lines(
    records: Records, resolved: bool = True, done: Mapping[str, int] | None = None
) -> tuple[list[Line], str]:
    """Return the lines of the recipe that makes such a result.

    Parameters
    ----------
    records
        Its history.
    resolved
        With the values that were used, not as asked.
    done
        How many Steps of an input have been done already, by its name.

    Returns
    -------
    list of (Step, names)
        In order; None stands for an edit made outside. Maps have the names of their lines.
    str
        The name of the result.
    """
    at = max(i for i, record in enumerate(records) if WITH in record)
    found: list[Line] = []
    names: dict[str, str] = {}
    made: set[str] = set()
    for name, chain in _chains(records).items():
        steps, on = chain[1:], name
        if steps and of_spectra(steps[0]):
            first = steps[0]
            key = json.dumps([first[k] for k in ("operation", "method", "resolved")])
            if key not in made:
                found.append((_step(first, resolved), (SPECTRA,)))
            made.add(key)
            steps, on = steps[1:], first["output"]
        else:
            steps = steps[(done or {}).get(name, 0) :]
        names[name] = on
        found += [(_step(record, resolved), (on,)) for record in steps]
    together, own = _step(records[at], resolved), names[records[at]["output"]]
    guide = getattr(together, "guide", "")
    if together is not None and guide:
        together = together.replace(guide=names[guide])  # type: ignore[call-arg]
    found.append((together, tuple(names.values())))
    found += [(_step(record, resolved), (own,)) for record in records[at + 1 :]]
    return found, own


def _chains(records: Records) -> dict[str, Records]:
    """Return the history of each signal up to the Step that took all of them together."""
    at = max(i for i, record in enumerate(records) if WITH in record)
    record = records[at]
    return {
        name: records[:at] if name == record["output"] else record[WITH][name]
        for name in record["on"]
    }


def _step(record: dict[str, Any], resolved: bool) -> Step | None:
    if record["operation"] == "external":
        return None
    values = record["resolved" if resolved else "asked"]
    return make_step(record["operation"], record["method"], **values)
