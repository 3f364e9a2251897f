"""Open: look at any series or volume of the data folder; nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.ui.panels.load import LoadPanel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import ipywidgets as widgets

    from tomojupyter.ui.session import Session


class ViewerPanel(LoadPanel):
    """Load without anything to enter or to apply; a volume opens in Explore."""

    title = "Open"
    purpose = (
        "Look at a tilt series or a volume. Good: every frame has its own tilt, "
        "and nothing is dark, blank or out of place."
    )
    hint = "series or volume"
    opened_text = "Looking only. Work on it in the tomography app."

    def __init__(
        self, signal: Any = None, height: int = 600, *, folder: str | Path | None = None
    ) -> None:
        super().__init__(signal, height, folder=folder)
        for part in (self.apply, self.reset, self.record, self.messages):
            part.layout.display = "none"

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the list of files, and what the file says."""
        parts = super().extras()
        head, says, *_entries = self.details.children
        self.details.children = [head, says]
        return parts

    def blockers(self) -> list[str]:
        """Return nothing: there is nothing to apply."""
        return []

    def cautions(self) -> list[str]:
        """Return nothing: the card says what was noticed."""
        return []

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the name of what is open, or what can be opened."""
        return session.name if records else cls.hint
