"""Tells that a page is there: the app may have been made long before, on a kernel kept warm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets as widgets

from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable


class Arrival(anywidget.AnyWidget):
    """A widget without looks that calls when a browser shows it; it also names controls there.

    Parameters
    ----------
    call
        Called without arguments, each time.
    """

    _esm = module_text("arrival.js")

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(layout=widgets.Layout(width="0", height="0"))
        self.on_msg(lambda _widget, content, _buffers: content.get("kind") == "here" and call())


def send_again(widget: widgets.Widget) -> None:
    """Send what a page may have missed while it was made: all of a widget and of those within.

    A page asks for the state of all widgets, and makes them one after the other. What changes
    between the two, for instance when a preview ends, does not reach it.
    """
    for child in getattr(widget, "children", ()):
        send_again(child)
    for part in (getattr(widget, "layout", None), widget):
        if part is not None:
            part.send_state()
