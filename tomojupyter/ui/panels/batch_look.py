"""One series of a batch: before, after, and what was said of it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter import api as tomo
from tomojupyter.batch.table import DONE, FAILED, KEPT
from tomojupyter.errors import TomojupyterError
from tomojupyter.ui.panels.batch_manual import STAGES
from tomojupyter.ui.panels.batch_table import RUNNING, Line
from tomojupyter.ui.style import sentence
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.texts import number_text, tilt_text
from tomojupyter.ui.words import capital, pixel_nm, tilts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EMPTY, UNREAD = "Click a row above.", "It cannot be read."
UNITS = {"px": "px", "deg": "°", "percent": "%"}
"""Units that end the name of a figure."""
SAID = {
    RUNNING: ("It is under way.", "info"), DONE: ("Done.", "good"),
    KEPT: ("Done before: the same recipe on the same files.", "good"),
}  # fmt: skip


class SeriesLook(widgets.HBox):
    """Two pictures and a card: the series, its result, and figures and warnings.

    Parameters
    ----------
    open_it
        Called with the path of a series or a result that is to be opened in the app; None: there
        is no app.
    """

    def __init__(self, open_it: Callable[[Path], Any] | None = None) -> None:
        self.open_it = open_it
        self.before = Picture("Series").add_class("tj-view-batch-1")
        self.after = Picture("Result").add_class("tj-view-batch-2")
        self.words, self.facts = widgets.HTML(), widgets.HTML()
        self.to_series = widgets.Button(description="Open series", icon="folder-open")
        self.to_result = widgets.Button(description="Open result", icon="cube")
        self.to_series.add_class("tj-batch-toseries")
        self.to_result.add_class("tj-batch-toresult")
        self.to_series.on_click(lambda _: self._open(self._source))
        self.to_result.on_click(lambda _: self._open(self._target))
        buttons = widgets.HBox([self.to_series, self.to_result]).add_class("tj-batch-ways")
        card = (
            widgets.VBox([self.words, buttons, self.facts])
            .add_class("tj-card")
            .add_class("tj-batch-card")
        )
        self._source: Path | None = None
        self._target: Path | None = None
        super().__init__([self.before, self.after, card])
        self.add_class("tj-row")
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self._source = self._target = None
        for picture in (self.before, self.after):
            picture.subtitle = ""
            picture.clear(EMPTY)
        self.words.value = "<h2>One series</h2>" + (
            '<p class="tj-grey">A series before and after, and what was said of it.</p>'
        )
        self.facts.value = ""
        self._offer()

    def show(self, line: Line, source: Path, target: Path) -> None:
        """Show a series, and its result if there is one.

        Parameters
        ----------
        line
            What is known of it.
        source, target
            Files of the series and of the result.
        """
        whole = line.state in (DONE, KEPT) and target.exists()
        self._source, self._target = source, target if whole else None
        self._picture(self.before, source, UNREAD if line.state == FAILED else "")
        if whole:
            self._picture(self.after, target)
        else:
            self.after.subtitle = ""
            self.after.clear("It failed." if line.state == FAILED else "Nothing yet.")
        self.words.value, self.facts.value = _words(line), _facts(line)
        self._offer()

    def _offer(self) -> None:
        for button, path in ((self.to_series, self._source), (self.to_result, self._target)):
            shown = self.open_it is not None and path is not None and path.exists()
            button.layout.display = "" if shown else "none"

    def _open(self, path: Path | None) -> None:
        if path is not None and self.open_it is not None:
            self.open_it(path)

    def _picture(self, picture: Picture, path: Path, instead: str = "") -> None:
        """Show a file, or why that cannot be done; `instead` where the card says why."""
        try:
            image, picture.subtitle, picture.pixel_nm = middle_of(path)
            picture.show(image, keep_view=False)
        except (TomojupyterError, OSError, ValueError) as error:
            picture.subtitle = ""
            said = capital(str(error)) if isinstance(error, TomojupyterError) else UNREAD
            picture.clear(instead or said)


def middle_of(path: Path) -> tuple[np.ndarray, str, float | None]:
    """Return the image at the tilt nearest to 0°, or the middle slice, with its name and pixel.

    Parameters
    ----------
    path
        A series or a result; only the one image is read.

    Returns
    -------
    image : ndarray
        Shape (ny, nx).
    name : str
        ``slice x 32 of 64`` or ``0.0°  #6``.
    pixel : float or None
        Its size in nm, if that is known.
    """
    signal = tomo.load(path, lazy=True)
    count = len(signal.data)
    if signal._signal_type == "RecStack":
        i, name = count // 2, f"slice x {count // 2} of {count}"
    else:
        tilts = tilts_of(signal)
        i = int(np.argmin(np.abs(tilts))) if np.isfinite(tilts).all() else count // 2
        name = f"{tilt_text(tilts[i])}  #{i}" if np.isfinite(tilts[i]) else f"#{i}"
    return np.asarray(signal.data[i]), name, pixel_nm(signal)


def _words(line: Line) -> str:
    row = line.row
    parts = [f"<h2>{escape(row.series)}</h2>"]
    if line.state == FAILED:
        parts += [sentence(capital(text), "error") for text in row.remarks]
    else:
        parts.append(sentence(*SAID.get(line.state, ("Not done yet.", "info"))))
        parts += [sentence(capital(text), "warning") for text in row.remarks]
    return "".join(parts)


def _facts(line: Line) -> str:
    """Return size, pixel and figures as a table."""
    row = line.row
    cells = [("size", " × ".join(map(str, row.shape))), ("pixel", row.pixel)]
    cells += [figure_words(name, value) for name, value in row.figures.items()]
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class='tj-n'>{escape(text)}</td></tr>"
        for name, text in cells if text
    )  # fmt: skip
    return f'<table class="tj-table">{rows}</table>' if rows else ""


def figure_words(name: str, value: float) -> tuple[str, str]:
    """Return a figure of a row as the app says it: ``("Tilt axis: shift", "1.4 px")``."""
    operation, _, rest = name.partition(" ")
    words, _, last = rest.rpartition(" ")
    unit = UNITS.get(last, "")
    stage = STAGES.get(operation, capital(operation.replace("_", " ")))
    text = number_text(value) + (unit if unit == "°" else f" {unit}".rstrip())
    return f"{stage}: {words if unit else rest}", text
