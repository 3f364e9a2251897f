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
