"""Steps as the record line of a panel shows them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tomojupyter.steps.words import step_call, step_values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomojupyter.steps.base import Step


def record_html(steps: Iterable[tuple[Step, Step | None]]) -> str:
    """Return the record line of some (Step as asked, as resolved or None); a line each.

    The tooltip is the Python call.
    """
    lines = []
    for step, resolved in steps:
        given = step_values(step, resolved)
        values = escape(f" {{{', '.join(given)}}}") if given else ""
        lines.append(
            f'<div title="{escape(step_call(step), quote=True)}">'
            '<i class="fa fa-file-code" aria-hidden="true"></i>'
            f"{escape(step.operation)} <b>{escape(step.method)}</b>{values}</div>"
        )
    return "".join(lines)
