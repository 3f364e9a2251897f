"""Open: look at any series or volume of the data folder, or at two; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.ui.panels.load import LoadPanel
from tomojupyter.ui.panels.viewer_pair import LEFT, RIGHT, Opened, PairForm
from tomojupyter.ui.views.pair import PairView
from tomojupyter.ui.words import facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import ipywidgets as widgets

    from tomojupyter.ui.session import Session
    from tomojupyter.ui.sources import Source


BESIDE_TOO = "In Open, another one can stand beside it."


class ViewerPanel(LoadPanel):
    """Load without anything to enter or to apply, with a second file beside the first.

    A volume opens in Explore, where the panel is part of an app.

    Parameters
    ----------
    signal, height, folder
        As for Load.
    beside
        A TomoStack or RecStack to show at the right of `signal`.
    """

    title = "Open"
    purpose = (
        "Look at a tilt series or a volume, or at two of them side by side. "
        "Good: every frame has its own tilt, and nothing is dark, blank or out of place."
    )
    hint = "series or volume"
    opened_text = "Looking only. Work on it in the tomography app."

    def __init__(
        self,
        signal: Any = None,
        height: int = 600,
        *,
        folder: str | Path | None = None,
        beside: Any = None,
    ) -> None:
        self.second = Opened(beside, "second") if beside is not None else None
        super().__init__(signal, height, folder=folder)
        self.add_class("tj-panel-viewer")
        for part in (self.apply, self.reset, self.record, self.messages):
            part.layout.display = "none"

    def build(self) -> Sequence[widgets.Widget]:
        """Return the pictures of Load, and two files side by side."""
        self.look = PairView("viewer")
        return [*super().build(), self.look]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the list of files, what goes beside, and what the file says."""
        files, part, buttons, upload, details = super().extras()
        head, says, *_entries = self.details.children
        self.details.children = [head, says]
        self.pair = PairForm(self.look, self.session.say, self._swap, self._close_second)
        self.own_controls |= self.pair.controls
        buttons.children = [*buttons.children, self.pair.beside]
        return [files, part, buttons, self.pair.wait, self.pair, upload, details, self.pair.past]

    # ------------------------------------------------------------------ what is open

    @property
    def first(self) -> Opened | None:
        """What is open, or stands at the left."""
        if self.candidate is not None:
            return Opened(self.candidate, self.candidate_name, self.source, self.origin)
        signal = self.session.result
        return Opened(signal, self.session.name) if signal is not None else None

    def received(self, signal: Any, name: str, source: str, origin: Source | None) -> None:
        """Show what was read: alone, or on the side where it was wanted."""
        opened, side = Opened(signal, name, source, origin), self.pair.side
        if side == RIGHT:
            self.second = opened
        elif side == LEFT:
            self._put_first(opened)
        elif not opened.is_volume:
            super().received(signal, name, source, origin)
            return
        else:
            self._put_first(opened)
            self.session.say(f"{name} is a reconstruction. {BESIDE_TOO}", "good")
            self._applied(signal)
            return
        self.refresh()
        self.session.say(f"{name} stands at the {side}. {self.opened_text}")

    def _put_first(self, opened: Opened) -> None:
        """Make something what stands at the left; a volume is then what Explore shows."""
        if not opened.is_volume:
            self.candidate, self.candidate_name = opened.signal, opened.name
            self.source, self.origin = opened.source, opened.origin
            return
        self.candidate = None
        known = next((n for n in self.session.timeline.nodes if n.held is opened.signal), None)
        if known is not None:
            self.session.go_to(known, "Open")
        else:
            self.session.replace(opened.signal, opened.name, source=opened.origin)

    def _swap(self) -> None:
        first, second = self.first, self.second
        if first is not None and second is not None:
            self.second = first
            self._put_first(second)
            self.refresh()

    def _close_second(self) -> None:
        self.second = None
        self.refresh()

    # ------------------------------------------------------------------ showing

    @property
    def _paired(self) -> bool:
        """Whether planes are shown: of a volume, or of two files."""
        first = self.first
        return first is not None and (first.is_volume or self.second is not None)

    def show(self) -> None:
        """Fill the pictures of one series, or those of two files."""
        paired = self._paired
        self.pictures.layout.display = "none" if paired else ""
        self.look.layout.display = "" if paired else "none"
        if paired:
            self.catalyst.remove_class("tj-main")
            self.details.layout.display = "none"
        else:
            super().show()
        self.pair.set(self.first, self.second)
        self.session.looking = self._headline()

    def _headline(self) -> list[str]:
        """Return name and facts of what is looked at; nothing where the session has it anyway."""
        first = self.first
        if first is None:
            return []
        if self.second is not None:
            return [f"{first.name} beside {self.second.name}"]
        return [] if self.candidate is None else [first.name, *facts(first.signal)]

    def changed(self) -> None:
        """Show a series that stands alone."""
        if not self._paired:
            super().changed()

    def blockers(self) -> list[str]:
        """Return nothing: there is nothing to apply."""
        return []

    def cautions(self) -> list[str]:
        """Return nothing: the card says what was noticed."""
        return []

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the size of the volume that is open, or what can be opened."""
        size = session.result.data.shape if records else ()
        return " × ".join(map(str, size)) or cls.hint
