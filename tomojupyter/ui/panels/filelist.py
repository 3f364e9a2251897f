"""The list of files of the Load panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.errors import TomojupyterError
from tomojupyter.ui.messages import whole_sentence
from tomojupyter.ui.panels.files import DataFolder, Entry
from tomojupyter.ui.style import section, sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOWN = 200


class FileList(widgets.VBox):
    """Folders and files of the data folder; a click opens one.

    Parameters
    ----------
    root
        The data folder.
    chosen
        Called with the path of a file that was clicked.
    series
        Called with the paths of the files of a folder that a person wants as one series.
    """

    def __init__(
        self,
        root: str | Path,
        chosen: Callable[[Path], Any],
        series: Callable[[list[Path]], Any] | None = None,
    ) -> None:
        self.series = series
        self.folder = DataFolder(root)
        self.place = self.folder.root
        self.chosen = chosen
        self.chosen_path: Path | None = None
        self.head = widgets.HTML()
        self.needle = widgets.Text(placeholder="type to filter", continuous_update=True)
        self.rows = widgets.VBox().add_class("tj-files")
        super().__init__([self.head, self.needle, self.rows])
        self.needle.observe(lambda _: self.update(), "value")
        self.update()

    def open_folder(self, place: Path) -> None:
        """Show another folder."""
        self.place = self.folder.inside(place)
        self.needle.value = ""
        self.update()

    def choose(self, path: Path | None) -> None:
        """Mark a file as the chosen one, or none."""
        self.chosen_path = path
        self.update()

    def update(self) -> None:
        """Read the folder anew."""
        where = self.place.relative_to(self.folder.root)
        note = self.folder.root.name if str(where) == "." else f"{self.folder.root.name}/{where}"
        self.head.value = section("Data folder", note)
        rows: list[widgets.Widget] = []
        if self.place != self.folder.root:
            rows.append(self._row(Entry(self.place.parent, folder=True), name=".."))
        try:
            entries = self._entries()
        except TomojupyterError as error:
            rows.append(widgets.HTML(sentence(whole_sentence(str(error)), "error")))
            self.rows.children = rows
            return
        together = self.folder.series(self.place) if self.series is not None else []
        if together and not self.needle.value:
            rows.append(self._series_row(together))
        rows += [self._row(entry) for entry in entries[:SHOWN]]
        if len(entries) > SHOWN:
            text = f"{len(entries) - SHOWN} more: type a part of the name above"
            rows.append(widgets.HTML(f"<p class='tj-grey'>{text}</p>"))
        if not rows:
            rows = [widgets.HTML("<p class='tj-grey'>No file here fits.</p>")]
        self.rows.children = rows

    def _entries(self) -> list[Entry]:
        """Return what is listed."""
        return self.folder.entries(self.place, self.needle.value)

    def _series_row(self, paths: list[Path]) -> widgets.Widget:
        button = widgets.Button(description=f"All {len(paths)} as one series", icon="layer-group")
        button.add_class("tj-load-series")
        button.tooltip = f"{paths[0].name} to {paths[-1].name}, one tilt each"
        button.on_click(lambda _: self.series and self.series(paths))
        row = widgets.HBox([button, widgets.HTML("one tilt each").add_class("tj-file-note")])
        return row.add_class("tj-file")

    def _row(self, entry: Entry, name: str = "") -> widgets.Widget:
        icon = "folder" if entry.folder else "file-image" if entry.readable else "file"
        button = widgets.Button(description=name or entry.name, icon=icon, tooltip=entry.name)
        button.disabled = not entry.readable
        call = self.open_folder if entry.folder else self.chosen
        button.on_click(lambda _: call(entry.path))
        row = widgets.HBox([button, widgets.HTML(entry.note).add_class("tj-file-note")])
        row.add_class("tj-file")
        if entry.path == self.chosen_path:
            row.add_class("tj-on")
        return row
