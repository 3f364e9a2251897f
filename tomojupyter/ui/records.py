"""Steps in the recipe's words, as the record line shows them, and as the Python call."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from tomojupyter.steps.base import Step, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 6


def words(value: Any) -> str:
    """Write one value as the recipe does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        more = ", ..." if len(value) > SHOWN else ""
        return f"[{', '.join(words(v) for v in value[:SHOWN])}{more}]"
    return str(value)


def step_values(step: Step, resolved: Step | None = None) -> list[str]:
    """Return ``size: 3`` for what is set, and ``start: auto → 38``.

    Left out are advanced parameters at their default, and what is off.
    """
    parts = []
    for p in parameters(type(step)):
        asked = getattr(step, p.name)
        used = getattr(resolved, p.name, None)
        if asked is None and used is not None and not p.metadata["advanced"]:
            parts.append(f"{p.name}: auto → {words(used)}")
        elif asked != p.default or not (p.metadata["advanced"] or asked is None or asked is False):
            parts.append(f"{p.name}: {words(asked)}")
    return parts


def step_words(step: Step, resolved: Step | None = None) -> str:
    """Write a Step: ``stack_register PC {start: auto → 38}``."""
    return f"{step.operation} {step.method} {{{', '.join(step_values(step, resolved))}}}"


def step_call(step: Step) -> str:
    """Write a Step as the method call that does the same."""
    given = [
        f", {p.name}={getattr(step, p.name)!r}"
        for p in parameters(type(step))
        if getattr(step, p.name) != p.default
    ]
    return f'stack = stack.{step.operation}("{step.method}"{"".join(given)})'


def record_html(steps: Iterable[tuple[Step, Step | None]]) -> str:
    """Return the record line of some (Step as asked, as resolved or None); a line each.

    The tooltip is the Python call.
    """
    lines = []
    for step, resolved in steps:
        values = escape(f"{{{', '.join(step_values(step, resolved))}}}")
        lines.append(
            f'<div title="{escape(step_call(step), quote=True)}">'
            '<i class="fa fa-file-code" aria-hidden="true"></i>'
            f"{escape(step.operation)} <b>{escape(step.method)}</b> {values}</div>"
        )
    return "".join(lines)
