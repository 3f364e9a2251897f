"""What a page tells of the place for a 3D figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as tr

from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable


class StageSize(anywidget.AnyWidget):
    """Tells the size of the place for a 3D figure, and how the browser draws one, if it can."""

    _esm = module_text("stage.js")
    _css = module_text("volume.css")

    size = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    webgl = tr.Bool(True).tag(sync=True)
    software = tr.Bool(False).tag(sync=True)

    def on_title(self, call: Callable[[], Any]) -> None:
        """Call when the title of the 3D view is double clicked."""
        self.on_msg(lambda _widget, content, _buffers: content.get("kind") == "title" and call())
