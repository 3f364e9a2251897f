"""What can be asked of a session; part of `Session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.steps import history
from tomojupyter.ui.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.ui.timeline import Node


class Reading(tr.HasTraits):
    """The states of a session, and the current one."""

    # What the whole session has besides, for those that are parts of it too.
    start: Callable[..., bool]
    say: Callable[..., None]
    _say_with: Callable[[str, str, list[str]], None]
    _changed: Callable[[], None]
    _keep: Callable[[], None]

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline()
        self.options: dict[str, Any] = {}

    @property
    def cursor(self) -> Node | None:
        """The current state of the work."""
        return self.timeline.cursor

    @property
    def result(self) -> Any:
        """The current signal: the reconstruction if one was just made, else the series."""
        return self.cursor.signal if self.cursor else None

    @property
    def signal(self) -> Any:
        """The current tilt series, or None."""
        node = self.cursor.stack if self.cursor else None
        return node.signal if node else None

    @property
    def volume(self) -> Any:
        """The chosen reconstruction, else the latest one of this series, or None."""
        if self.cursor and self.cursor.is_volume:
            return self.cursor.signal
        return self.runs[-1].signal if self.runs else None

    @property
    def runs(self) -> list[Node]:
        """The reconstructions of this series, A, B, C ..., undone ones included.

        Those that were put away to save memory are in the timeline only.
        """
        return [node for node in self._all_runs() if node.held is not None]

    def _all_runs(self) -> list[Node]:
        root = self.cursor.root if self.cursor else None
        return [n for n in self.timeline.nodes if n.is_volume and n.parent and n.root is root]

    @property
    def name(self) -> str:
        """The name of the series."""
        return self.cursor.root.name if self.cursor else ""

    @property
    def records(self) -> list[dict[str, Any]]:
        """The history of the current signal, oldest first."""
        return history.read(self.result) if self.cursor else []

    @property
    def undo_name(self) -> str:
        """What Undo would undo, or nothing."""
        return self.timeline.undo_name

    @property
    def redo_name(self) -> str:
        """What Redo would do again, or nothing."""
        return self.timeline.redo_name
