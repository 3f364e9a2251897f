"""A place for files from the person's own computer: a click, or a drop."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as tr

from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class DropZone(anywidget.AnyWidget):
    """A button that opens the browser's file dialog; files may also be dropped on its panel.

    Parameters
    ----------
    arrived
        Called with the files, as (name without folders, content).
    refused
        Called with the name and the bytes of files that are too large; they are not sent.
    largest
        Bytes that all files together may have.
    accept
        Endings that the dialog offers.
    within
        CSS selector of the part of the page that takes a drop.
    """

    _esm = module_text("drop.js")

    description = tr.Unicode("Drop a file, or choose").tag(sync=True)
    tooltip = tr.Unicode().tag(sync=True)
    accept = tr.Unicode().tag(sync=True)
    within = tr.Unicode(".tj-panel").tag(sync=True)
    largest = tr.Int(0).tag(sync=True)

    def __init__(
        self,
        arrived: Callable[[list[tuple[str, bytes]]], Any],
        refused: Callable[[str, int], Any],
        *,
        largest: int,
        accept: Sequence[str],
        **traits: Any,
    ) -> None:
        super().__init__(largest=largest, accept=",".join(accept), **traits)
        self._arrived, self._refused = arrived, refused
        self.on_msg(self._receive)

    def _receive(self, _widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("type") == "large":
            self._refused(_bare(content["name"]), int(content["size"]))
        elif content.get("type") == "files":
            names = [_bare(name) for name in content["names"]]
            pairs = zip(names, buffers, strict=True)
            self._arrived([(name, bytes(part)) for name, part in pairs])


def _bare(name: Any) -> str:
    """Return a name without folders, whatever they are written with."""
    return PurePosixPath(str(name).replace("\\", "/")).name
