"""The series of a batch: a folder within the data folder, a pattern, and a box for each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.batch.folder import find_series
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.formats.suffixes import SAVED
from tomojupyter.ui.panels.filelist import FileList

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tomojupyter.ui.panels.files import Entry

EVERY = "*"


class SeriesList(FileList):
    """Folders to go to, and series to tick.

    Parameters
    ----------
    root
        The data folder.
    changed
        Called when another folder, pattern or choice was made.

    Attributes
    ----------
    boxes : dict
        A Checkbox for each series that is listed, by its name.
    found : list of pathlib.Path
        The series that fit the pattern, by name.
    """

    def __init__(self, root: str | Path, changed: Callable[[], Any]) -> None:
        self._changed = changed
        self.boxes: dict[str, widgets.Checkbox] = {}
        self.found: list[Path] = []
        self._marks: dict[Path, bool] = {}
        self._fitting: tuple[str, ...] = ()
        self._quiet = False
        super().__init__(root, lambda _path: None)
        self.needle.placeholder = f"names, such as *.mrc (now {EVERY})"
        self.needle.tooltip = "Names of the series: * stands for anything, ? for one character"
        self.needle.continuous_update = False
        self.needle.add_class("tj-batch-pattern")
        self.rows.add_class("tj-batch-files")
        self.all = widgets.Button(description="All").add_class("tj-batch-all")
        self.none = widgets.Button(description="None").add_class("tj-batch-none")
        self.all.on_click(lambda _: self._tick(True))
        self.none.on_click(lambda _: self._tick(False))
        self.count = widgets.HTML().add_class("tj-grey").add_class("tj-batch-count")
        buttons = widgets.HBox([self.all, self.none, self.count]).add_class("tj-buttons")
        self.children = [self.head, self.needle, self.rows, buttons]
        self._say()

    @property
    def pattern(self) -> str:
        """Names of the series, as in a shell."""
        return self.needle.value.strip() or EVERY

    @property
    def ticked(self) -> list[Path]:
        """The series that are ticked, by name."""
        return [p for p in self.found if p.name in self.boxes and self.boxes[p.name].value]

    @property
    def only(self) -> tuple[str, ...]:
        """Names of those that are ticked; empty where these are all that fit the pattern."""
        names = tuple(path.name for path in self.ticked)
        return () if names == self._fitting else names

    def _all_that_fit(self) -> list[Path]:
        if set(self.pattern) & set("/\\") or ".." in self.pattern:
            raise ParameterError(
                f"the pattern is of names in the folder, such as *.mrc, got {self.pattern!r}"
            )
        try:
            return find_series(self.place, self.pattern)
        except MissingFileError:
            return []

    def _entries(self) -> list[Entry]:
        """Return the folders, and the series that fit the pattern."""
        self.boxes, self.found, self._fitting = {}, [], ()
        fitting = self._all_that_fit()
        self._fitting = tuple(path.name for path in fitting)
        self.found = [p for p in fitting if p.resolve().is_relative_to(self.folder.root)]
        # What tomojupyter saved is rarely meant beside series as acquired.
        acquired = any(path.suffix.lower() not in SAVED for path in self.found)
        for path in self.found:
            self._marks.setdefault(path, not acquired or path.suffix.lower() not in SAVED)
        folders = [entry for entry in self.folder.entries(self.place) if entry.folder]
        return [*folders, *map(self.folder.entry, self.found)]

    def _row(self, entry: Entry, name: str = "") -> widgets.Widget:
        if entry.folder:
            return super()._row(entry, name)
        box = widgets.Checkbox(self._marks[entry.path], description=entry.name, indent=False)
        box.tooltip = entry.name
        self.boxes[entry.name] = box
        box.observe(lambda change: self._mark_one(entry.path, change["new"]), "value")
        note = widgets.HTML(entry.note).add_class("tj-file-note")
        return widgets.HBox([box, note]).add_class("tj-file")

    def update(self) -> None:
        """Read the folder anew."""
        super().update()
        if hasattr(self, "count"):
            self._say()
            self._changed()

    def _tick(self, value: bool) -> None:
        self._quiet = True
        for box in self.boxes.values():
            box.value = value
        self._quiet = False
        self._say()
        self._changed()

    def _mark_one(self, path: Path, value: bool) -> None:
        self._marks[path] = value
        if not self._quiet:
            self._say()
            self._changed()

    def _say(self) -> None:
        count, all_of = len(self.ticked), len(self.found)
        self.count.value = f"{count} of {all_of} chosen" if all_of else "no series here"
