"""What a page tells of the place for a 3D figure."""

from __future__ import annotations

import anywidget
import traitlets as tr

from tomojupyter.ui.views.texts import module_text


class StageSize(anywidget.AnyWidget):
    """Tells the size of the place for a 3D figure, and how the browser draws one, if it can."""

    _esm = module_text("stage.js")
    _css = module_text("volume.css")

    size = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    webgl = tr.Bool(True).tag(sync=True)
    software = tr.Bool(False).tag(sync=True)
