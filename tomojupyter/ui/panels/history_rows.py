"""A state of the work as a row of the History panel, and the check that a replay agrees."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.provenance import Replay, replay_on
from tomojupyter.steps.words import step_words
from tomojupyter.ui.words import seconds_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.monitor import Monitor
    from tomojupyter.ui.timeline import Node


class StateRow(widgets.HBox):
    """What was done, the size after it, when, and how long it took; a click goes there.

    Parameters
    ----------
    node
        The state.
    depth
        How far it is indented.
    here
        Whether it is the current one.
    go
        Called with the node.
    """

    def __init__(self, node: Node, depth: int, here: bool, go: Callable[[Node], Any]) -> None:
        done = (step_words(step).removesuffix(" {}") for step in node.steps)
        text = "; ".join(done) or f"load {node.name}"
        if node.is_volume and node.name:
            text = f"{node.name}: {text}"
        self.button = widgets.Button(
            description=f"{'    ' * depth}{text}", icon="check" if here else "",
            tooltip=_tip(node, here, text), disabled=here,
        ).add_class("tj-history-row")  # fmt: skip
        self.button.on_click(lambda _: go(node))
        size = " × ".join(str(n) for n in node.shape)
        changed = node.parent is None or node.shape != node.parent.shape
        took = seconds_text(node.seconds) if node.seconds else ""
        cells = ((size if changed else "", 120), (f"{node.time:%H:%M}", 48), (took, 84))
        super().__init__([self.button, *(_cell(text, width) for text, width in cells)])
        self.add_class("tj-file")
        if here:
            self.add_class("tj-on")


def _tip(node: Node, here: bool, text: str) -> str:
    if here:
        return f"{text}. You are here."
    again = "" if node.held is not None else " It is worked out again, which takes its time."
    return f"{text}. Go to this state; the next step branches off.{again}"


def _cell(text: str, width: int) -> widgets.HTML:
    cell = widgets.HTML(f'<div style="text-align:right">{escape(text)}</div>')
    cell.layout.flex = f"0 0 {width}px"
    return cell.add_class("tj-file-note")


def replayed(root: Node, made: Any, monitor: Monitor) -> Replay:
    """Do what made a signal once more, on the series read again from its file if it has one."""
    raw = root.source.load() if root.source is not None else root.signal
    return replay_on(made, raw, monitor=monitor)


def replay_sentence(found: Replay, name: str) -> tuple[str, str]:
    """Say how a replay compares, and whether that is good or a warning."""
    compared = found.comparison
    if compared is None:
        return f"Replayed, but {name} is no longer the series that this was made from.", "warning"
    if compared.identical:
        return f"Replayed from {name}: same voxels.", "good"
    if compared.pixels is None:
        sizes = " and ".join(" × ".join(map(str, shape)) for shape in compared.shapes)
        return f"Replayed from {name}: the sizes differ, {sizes}.", "warning"
    return f"Replayed from {name}: {compared.pixels}.", "warning"
