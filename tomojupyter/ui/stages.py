"""Which stages of the work are done, stale or skipped: read off the history alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tomojupyter.steps.base import REGISTRY, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUIET = ("source", "set_scale")
"""Operations that make no later stage stale."""


@dataclass(frozen=True)
class StageState:
    """State of a stage: done, stale, skipped or open; and its own records, oldest first."""

    state: str
    records: list[dict[str, Any]]


def does(record: dict[str, Any], operations: Iterable[str]) -> bool:
    """Tell whether a record is of one of the operations, or of a Step that does its work too."""
    made = REGISTRY.get(record["operation"], {}).get(record.get("method", ""), Step)
    return not {record["operation"], *made.covers}.isdisjoint(operations)


def stage_states(
    records: list[dict[str, Any]], operations: Sequence[Sequence[str]]
) -> list[StageState]:
    """Return the state of each stage.

    Parameters
    ----------
    records
        The history of the current signal, oldest first.
    operations
        The operations of each stage, in the order of the work.

    Returns
    -------
    list of StageState
        *done*: it has a record, its own or of a Step that did its work too; *stale*: one of an
        earlier stage came after its last record; *skipped*: it has none and a later stage has;
        else *open*.
    """
    own = [[r for r in records if does(r, names)] for names in operations]
    last = [max((i for i, r in enumerate(records) if r in mine), default=-1) for mine in own]
    loud = [
        max(
            (i for i, r in enumerate(records) if r in mine and r["operation"] not in QUIET),
            default=-1,
        )
        for mine in own
    ]
    states = []
    for k, mine in enumerate(own):
        if mine:
            stale = any(place > last[k] for place in loud[:k])
            states.append(StageState("stale" if stale else "done", mine))
        else:
            later = any(own[k + 1 :])
            states.append(StageState("skipped" if later else "open", mine))
    return states
