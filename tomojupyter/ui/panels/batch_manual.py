"""A recipe in words, and what a person decided in it on one series."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from tomojupyter.steps.base import make_step, parameters
from tomojupyter.steps.operation import default_method
from tomojupyter.steps.recipe import PLACES, Entry, Recipe
from tomojupyter.steps.recipe_code import given
from tomojupyter.steps.words import step_values
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.words import capital, degrees

if TYPE_CHECKING:
    from tomojupyter.steps import Step

STAGES = {
    "set_tilts": "Load", "set_scale": "Load", "set_axis": "Load", "trim": "Trim",
    "exclude": "Trim", "filter": "Filter", "background": "Filter", "normalise": "Filter",
    "stack_register": "Register", "tilt_align": "Tilt axis", "reconstruct": "Reconstruct",
    "segment": "Explore",
}  # fmt: skip
"""The panel in which an operation is set."""
NAMED = ("set_tilts", "set_scale", "set_axis", "exclude", "background", "normalise")
"""Operations that share a panel with another one."""
OF_ONE_SERIES = ("start_volume", "mask")
"""Parameters that hold the volume of one series."""


def by_hand(step: Step) -> str:
    """Return what a person decided on one series, or nothing: ``axis 3.4 px, 1.2°``."""
    values = step.as_dict()
    held = [name.replace("_", " ") for name in OF_ONE_SERIES if values.get(name) is not None]
    name = (step.operation, step.method)
    if name == ("tilt_align", "manual"):
        shift, angle = float(values["shift"]), float(values["angle"])
        parts = [f"{number_text(shift)} px"] if shift or not angle else []
        return "axis " + ", ".join([*parts, *([degrees(angle)] if angle else [])])
    if name in (("trim", "crop"), ("background", "region")):
        return "a box" if step.operation == "trim" else "a box of vacuum"
    counted = {
        ("stack_register", "manual"): "nudged",
        ("trim", "remove_projections"): "left out",
        ("trim", "select_projections"): "chosen",
        ("exclude", "projections"): "not used",
    }
    if name in counted:
        count = len(values["projections"])
        return f"{count} frame{'s' if count > 1 else ''} {counted[name]}"
    return ", ".join(held)


def manual_values(recipe: Recipe) -> list[str]:
    """Return what a person decided on one series, a few words each."""
    return list(dict.fromkeys(filter(None, (by_hand(e.step) for e in recipe.entries if e.step))))


def automatic(recipe: Recipe) -> Recipe:
    """Return a recipe that decides for each series anew what a person had decided on one.

    A tilt axis set by hand is found by the usual method, unless the recipe finds it anyway. Boxes
    and choices of frames are left away, as are nudges and volumes to start from.
    """
    found = any(_finds_axis(e.step) for e in recipe.entries if e.step)
    entries: list[Entry] = []
    for entry in recipe.entries:
        step = entry.step
        if step is None or not by_hand(step):
            entries.append(entry)
        elif step.operation == "reconstruct":
            held = {name: None for name in OF_ONE_SERIES if hasattr(step, name)}
            entries.append(replace(entry, step=step.replace(**held)))
        elif step.operation == "background":
            entries.append(replace(entry, step=make_step("background", "constant")))
        elif step.operation == "tilt_align" and not found:
            found = True
            method = default_method("tilt_align")
            assert method is not None
            entries.append(replace(entry, step=make_step("tilt_align", method)))
    return replace(recipe, entries=tuple(entries))


def _finds_axis(step: Step) -> bool:
    if step.operation == "tilt_align":
        return step.method != "manual"
    return (step.operation, step.method) == ("stack_register", "joint")


def frozen(recipe: Recipe) -> list[str]:
    """Return the places that the recipe keeps of one series, of which it also keeps the shape."""
    if not recipe.shape:
        return []
    steps = [e.step for e in recipe.entries if e.step and not by_hand(e.step)]
    return sorted({name for step in steps for name in given(step) if name in PLACES})


def recipe_html(recipe: Recipe) -> str:
    """Return a recipe as a table: the panel, the method with its values, what is automatic."""
    lines = []
    for entry in recipe.entries:
        step = entry.step
        if step is None:
            lines.append("<tr><td>?</td><td>an edit outside the app, left away</td></tr>")
            continue
        stage = STAGES.get(step.operation, capital(step.operation.replace("_", " ")))
        lines.append(f"<tr><td>{escape(stage)}</td><td>{_method_html(step)}</td></tr>")
    return f'<table class="tj-facts tj-batch-steps">{"".join(lines)}</table>'


def _method_html(step: Step) -> str:
    if hand := by_hand(step):
        method = f"{step.method}, " if step.operation == "reconstruct" else ""
        return f'{escape(method)}<b class="tj-say-warning">by hand: {escape(hand)}</b>'
    free = [
        p.name.replace("_", " ")
        for p in parameters(type(step))
        if getattr(step, p.name) is None and p.metadata["auto"] and not p.metadata["advanced"]
    ]
    values = [text.removesuffix(": true").replace("_", " ") for text in step_values(step)]
    method = step.method.replace("_", " ")
    if step.operation in NAMED:
        method = f"{step.operation.removeprefix('set_')} {method}"
    text = escape(", ".join([method, *(v.replace(":", "") for v in values)]))
    grey = f'; <span class="tj-resolved">automatic: {escape(", ".join(free))}</span>'
    return text + (grey if free else "")
