"""What came of each series of a batch, as rows that can be sorted and clicked."""

from __future__ import annotations

import base64
import statistics
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.batch.table import DONE, FAILED, KEPT, WAITING, Row
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.words import seconds_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SHOWN = 100
PX_LEFT = (
    "stack_register expected px",
    "stack_register median residual px",
    "tilt_align residual px",
)
"""Figures that tell how well a series is aligned; the first one that is there counts."""
RESIDUAL = "reconstruct residual percent"
FEWEST, ODD = 5, 3.0
"""A figure stands out among so many or more, if it is so many times the median."""
RUNNING = "running"
STATES = {
    DONE: ("check", "good"), KEPT: ("check", "good"), FAILED: ("times", "error"),
    WAITING: ("", "info"), RUNNING: ("sync-alt", "info"),
}  # fmt: skip
COLUMNS = ("name", "state", "px left", "residual", "time")
TIPS = {
    "name": "Name of the series",
    "state": "Done, done before, failed or not done",
    "px left": "How far the frames still are from where the alignment expects them",
    "residual": "What the reconstruction does not explain, in % of the start",
    "time": "What the steps took",
}


@dataclass(frozen=True)
class Line:
    """What the table shows of a series: its row, and how far it is if it is under way."""

    row: Row
    at: str = ""

    @property
    def state(self) -> str:
        """The state in a word."""
        return RUNNING if self.at else self.row.state

    @property
    def px_left(self) -> float | None:
        """How well it is aligned, px; None where no step has told."""
        found = (self.row.figures.get(name) for name in PX_LEFT)
        return next((value for value in found if value is not None), None)

    @property
    def residual(self) -> float | None:
        """Residual of the reconstruction in %, or None."""
        return self.row.figures.get(RESIDUAL)

    def key(self, column: str) -> Any:
        """Return what a column is sorted by, or None where it is empty."""
        row = self.row
        return {
            "name": row.series.lower(), "state": tuple(STATES).index(self.state),
            "px left": self.px_left, "residual": self.residual, "time": row.seconds,
        }[column]  # fmt: skip


def in_order(lines: Iterable[Line], column: str, down: bool) -> list[Line]:
    """Return lines sorted by a column; those that have nothing in it come last."""
    lines = list(lines)
    full = [line for line in lines if line.key(column) is not None]
    return [
        *sorted(full, key=lambda line: line.key(column), reverse=down),
        *(line for line in lines if line.key(column) is None),
    ]


def stands_out(value: float | None, values: Iterable[float | None]) -> bool:
    """Tell whether a figure is much larger than those of the other series."""
    known = [v for v in values if v is not None]
    return value is not None and len(known) >= FEWEST and value > ODD * statistics.median(known)


class TableRow(widgets.GridBox):
    """A series: thumbnail, name, state and figures; why it failed, and a way to open it.

    Parameters
    ----------
    name
        Of the series.
    choose
        Called with the name when the row is clicked.
    open_it
        Called with the name when it is to be opened in the app; None: there is no app.
    """

    def __init__(
        self, name: str, choose: Callable[[str], Any], open_it: Callable[[str], Any] | None
    ) -> None:
        self.picture = widgets.HTML().add_class("tj-batch-thumbnail")
        self.button = widgets.Button(description=name).add_class("tj-batch-name")
        self.button.tooltip = f"Show {name}"
        self.button.on_click(lambda _: choose(name))
        self.figures = widgets.HTML().add_class("tj-batch-figures")
        self.why = widgets.HTML().add_class("tj-batch-why")
        self.to_app = widgets.Button(description="Open in app", icon="folder-open")
        self.to_app.tooltip = f"Open {name} in Load, to see what is wrong with it"
        self.to_app.add_class("tj-batch-open")
        self.to_app.on_click(lambda _: open_it and open_it(name))
        self._can_open = open_it is not None
        self.parts: tuple[widgets.Widget, ...] = (self.picture, self.button, self.figures)
        super().__init__(self.parts)
        self.add_class("tj-batch-row")

    def show(self, line: Line, odd: tuple[bool, bool], on: bool) -> None:
        """Show a line; `odd` tells whether px left and residual stand out."""
        row = line.row
        image = base64.b64encode(row.thumbnail).decode()
        # The button beside it has the name.
        self.picture.value = f'<img alt="" src="data:image/png;base64,{image}">' if image else ""
        self.figures.value = _figures_html(line, odd)
        failed = line.state == FAILED
        self.why.value = f'<span role="alert">{escape("; ".join(row.remarks))}</span>'
        parts = [self.picture, self.button, self.figures]
        if failed:
            parts += [self.why, *([self.to_app] if self._can_open else [])]
        if tuple(parts) != self.parts:
            self.parts = self.children = tuple(parts)
        (self.add_class if on else self.remove_class)("tj-on")


def _figures_html(line: Line, odd: tuple[bool, bool]) -> str:
    icon, kind = STATES[line.state]
    mark = f'<i class="fa fa-{icon}" aria-hidden="true"></i>' if icon else ""
    warned = line.row.remarks and line.state in (DONE, KEPT)
    more = ' <i class="fa fa-exclamation-triangle tj-say-warning" title="with a warning"></i>'
    tip = f' title="{line.at.replace("/", " of ")} in its step"' if "/" in line.at else ""
    cells = [f'<span class="tj-say-{kind}"{tip}>{mark}{line.state}{more if warned else ""}</span>']
    for value, unit, stands in ((line.px_left, "px", odd[0]), (line.residual, "%", odd[1])):
        text = "–" if value is None else f"{number_text(value, 2 if unit == 'px' else 3)} {unit}"
        how = ' class="tj-batch-odd" title="much more than the others"' if stands else ""
        cells.append(f"<span{how}>{text}</span>")
    seconds = line.row.seconds
    cells.append(f"<span>{'–' if seconds is None else seconds_text(seconds)}</span>")
    return "".join(cells)


class ResultTable(widgets.VBox):
    """A row for each series.

    Parameters
    ----------
    chosen
        Called with the name of a series that was clicked.
    open_it
        As for `TableRow`.

    Attributes
    ----------
    lines : dict
        What is shown, by name of the series.
    rows : dict
        The rows by name of the series.
    selected : str
        Name of the series that was clicked last, or nothing.
    """

    def __init__(
        self, chosen: Callable[[str], Any], open_it: Callable[[str], Any] | None = None
    ) -> None:
        self._chosen, self.open_it = chosen, open_it
        self.lines: dict[str, Line] = {}
        self.rows: dict[str, TableRow] = {}
        self.selected = ""
        self.column, self.down = "name", False
        self._drawn: dict[str, tuple[Any, ...]] = {}
        self.head = widgets.HTML()
        self.sorters = {name: self._sorter(name) for name in COLUMNS}
        titles = widgets.GridBox(list(self.sorters.values())).add_class("tj-batch-titles")
        self.list = widgets.VBox().add_class("tj-batch-rows")
        self.more = widgets.HTML()
        super().__init__([self.head, titles, self.list, self.more])
        self.add_class("tj-card").add_class("tj-batch-results")
        self.show({})

    def _sorter(self, column: str) -> widgets.Button:
        button = widgets.Button(description=column, tooltip=f"Sort by {column}. {TIPS[column]}")
        button.add_class(f"tj-batch-sort-{column.replace(' ', '')}")
        button.on_click(lambda _: self.sort(column))
        return button

    def sort(self, column: str) -> None:
        """Sort by a column; once more, the other way round."""
        self.down = not self.down if column == self.column else False
        self.column = column
        self._arrange()

    def show(self, lines: Mapping[str, Line]) -> None:
        """Show what came of the series; only what is new is sent to the page."""
        self.lines = dict(lines)
        for name in set(self.rows) - set(self.lines):
            del self.rows[name]
            self._drawn.pop(name, None)
        if self.selected not in self.lines:
            self.selected = ""
        self._arrange()

    def select(self, name: str) -> None:
        """Mark a row as the one that is shown."""
        self.selected = name
        self._arrange()
        self._chosen(name)

    def _arrange(self) -> None:
        for name, button in self.sorters.items():
            arrow = (" ▼" if self.down else " ▲") if name == self.column else ""
            button.description = f"{name}{arrow}"
        shown = in_order(self.lines.values(), self.column, self.down)
        if self.column == "name" and len(shown) > SHOWN:
            # What failed is seen, however many there are.
            shown = [line for line in in_order(shown, "state", False) if line.state == FAILED] + [
                line for line in shown if line.state != FAILED
            ]
        figures = ([line.px_left for line in shown], [line.residual for line in shown])
        for line in shown[:SHOWN]:
            self._draw(line, figures)
        children = tuple(self.rows[line.row.series] for line in shown[:SHOWN])
        if children != self.list.children:
            self.list.children = children
        rest = len(shown) - SHOWN
        self.more.value = (
            f'<p class="tj-grey">{rest} more; all are in summary.html</p>' if rest > 0 else ""
        )
        note = "click a row to look at it, a title to sort" if shown else ""
        self.head.value = f"<h2>Series <span>{note}</span></h2>" + (
            "" if shown else '<p class="tj-grey">Choose a recipe and series at the right.</p>'
        )

    def _draw(self, line: Line, figures: tuple[list[float | None], list[float | None]]) -> None:
        name = line.row.series
        if name not in self.rows:
            self.rows[name] = TableRow(name, self.select, self.open_it)
        odd = (stands_out(line.px_left, figures[0]), stands_out(line.residual, figures[1]))
        content = (line, odd, name == self.selected)
        if content != self._drawn.get(name):
            self._drawn[name] = content
            self.rows[name].show(*content)
