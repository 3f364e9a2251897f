"""What Load takes besides files of the data folder: small files, lists of tilts, entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.errors import DataError, FormatError
from tomojupyter.formats.suffixes import FOLDERS, READABLE, SIDECARS
from tomojupyter.formats.tilts import read_tilts
from tomojupyter.steps.base import make_step
from tomojupyter.ui.fields import parse_list, parse_number, value_text
from tomojupyter.ui.views.drop import DropZone
from tomojupyter.ui.words import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.steps import Step
    from tomojupyter.ui.panels.files import DataFolder
    from tomojupyter.ui.session import Session

LARGEST = 10_000_000
"""Bytes of a file that may come through the browser."""
SPECIMENS = {
    "not said": "", "compact particle": "compact", "needle": "needle", "slab or lamella": "slab",
}  # fmt: skip
SPECIMEN_HELP = (
    "Drives proposals only: a slab is aligned by `joint`, which does not need to see all of it"
)


class Upload(widgets.VBox):
    """A button for small files; they are written into the data folder, never over another.

    Parameters
    ----------
    session
        Says what went wrong, and names the folder.
    opened
        Called with the path of a file that arrived and can be opened.
    """

    def __init__(self, session: Session, opened: Callable[[Path], Any]) -> None:
        self._session, self._opened = session, opened
        endings = sorted({*READABLE, *SIDECARS, ".txt"} - set(FOLDERS))
        self.zone = DropZone(
            self._arrived, self._too_large, largest=LARGEST, accept=endings,
            description="Drop a small file here, or choose one",
            tooltip=f"Up to {size_text(LARGEST)}, with its list of tilts if it has one",
        ).add_class("tj-load-upload")  # fmt: skip
        note = widgets.HTML(
            f'<p class="tj-grey" style="margin:2px 0">Over {size_text(LARGEST)}: copy it to the '
            "data folder.</p>"
        )
        super().__init__([self.zone, note])

    def _arrived(self, files: Sequence[tuple[str, bytes]]) -> None:
        with self._session.attempt("Upload"):
            images = [p for p in self._write(files) if p.suffix.lower() in READABLE]
            if images:
                self._opened(images[0])
            else:
                self._session.say("The lists of tilts are in the data folder now.", "good")

    def _too_large(self, name: str, size: int) -> None:
        with self._session.attempt("Upload"):
            self._refuse(name, size)

    def _refuse(self, name: str, size: int) -> None:
        raise FormatError(
            f"{name} has {size_text(size)}, more than {size_text(LARGEST)}: copy it to "
            f"{self._session.results}"
        )

    def _write(self, files: Sequence[tuple[str, bytes]]) -> list[Path]:
        for name, content in files:
            if len(content) > LARGEST:
                self._refuse(name, len(content))
            if Path(name).suffix.lower() not in (*READABLE, *SIDECARS, ".txt"):
                raise FormatError(
                    f"{name} is no tilt series; these can be read: {', '.join(READABLE)}"
                )
        folder = self._session.results
        contents = {name.lstrip("."): content for name, content in files}
        taken = [name for name in contents if (folder / name).exists()]
        if taken:
            raise FormatError(
                f"{taken[0]} is in {folder} already: choose it in the list, or rename the file"
            )
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return [folder / name for name in contents]


def tilts_dropdown(session: Session, take: Callable[[str], Any]) -> widgets.Dropdown:
    """Return a choice of text files; `take` is called with their angles as text."""
    choice = widgets.Dropdown(options=[("type, or choose a file", None)])
    choice.tooltip = "Text files beside the series, one angle a line"

    def chosen(change: dict[str, Any]) -> None:
        if change["new"] is None:
            return
        with session.attempt("Reading tilts"):
            take(value_text([float(tilt) for tilt in read_tilts(change["new"])]))

    choice.observe(chosen, "value")
    return choice


def offer_lists(choice: widgets.Dropdown, folder: DataFolder, place: Path) -> None:
    """List the text files of a folder in the dropdown."""
    found = [(path.name, path) for path in folder.tilt_lists(place)]
    choice.options = [("type, or choose a file", None), *found]
    choice.value = None


def range_step(start: str, increment: str) -> Step:
    """Return the Step that sets tilts from the first and the step, as they were typed."""
    try:
        first, step = parse_number(start), parse_number(increment)
    except ValueError as error:
        raise DataError("first tilt and step must be numbers in degrees") from error
    return make_step("set_tilts", "range", start=first, increment=step)


def list_step(text: str) -> Step:
    """Return the Step that sets tilts from a list, as it was typed."""
    try:
        tilts = parse_list(text)
    except ValueError as error:
        raise DataError("the tilts must be numbers in degrees, one a frame") from error
    return make_step("set_tilts", "list", tilts=tilts)


def axis_step(text: str) -> Step:
    """Return the Step that tells how the tilt axis lies, as it was typed."""
    try:
        angle = parse_number(text)
    except ValueError as error:
        raise DataError("the tilt axis must be a number in degrees") from error
    return make_step("set_axis", "angle", angle=angle)
