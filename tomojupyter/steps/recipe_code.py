"""Steps of a recipe as lines of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.steps.base import AUTO, Step, parameters
from tomojupyter.steps.spectra import SPECTRA

if TYPE_CHECKING:
    from tomojupyter.steps.recipe import Entry


def calls(entry: Entry, step: Step) -> list[str]:
    """Return the lines of code that do a Step."""
    values = "".join(f", {k}={v!r}" for k, v in given(step).items())
    if step.on == SPECTRA:
        chosen = "" if entry.output is None else f"[{entry.output!r}]"
        return [
            f"{name if chosen else 'maps'} = "
            f'tomo.spectral.{step.operation}({name}, method="{step.method}"{values}){chosen}'
            for name in entry.on
        ]
    if step.together and len(entry.on) > 1:
        rest = {k: v for k, v in given(step).items() if k != "guide"}
        guide = getattr(step, "guide", None)
        named = ", ".join(f"{n!r}: {n}" for n in entry.on if n != guide)
        values = "".join(f", {k}={v!r}" for k, v in rest.items())
        values = f", guide={guide}{values}" if guide else values
        return [
            f'volumes = tomo.spectral.reconstruct_all({{{named}}}, method="{step.method}"{values})'
        ]
    return [f'{name} = {name}.{step.operation}("{step.method}"{values})' for name in entry.on]


def given(step: Step) -> dict[str, Any]:
    """Return the parameters but those that are None by default; another's None is "auto"."""
    found = {}
    for f, (name, value) in zip(parameters(type(step)), step.as_dict().items(), strict=True):
        if value is not None or f.default is not None:
            found[name] = AUTO if value is None and f.metadata["auto"] else value
    return found
