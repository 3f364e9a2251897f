"""The part of the viewer that opens a second file beside the first, and links the two."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.steps import history
from tomojupyter.steps.words import differences, history_lines
from tomojupyter.ui.style import field_row, section, sentence
from tomojupyter.ui.views.ortho import PLANES
from tomojupyter.ui.views.planes import Planes
from tomojupyter.ui.words import facts, pixel_nm, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.ui.sources import Source
    from tomojupyter.ui.views.pair import PairView

ALONE, LEFT, RIGHT = "", "left", "right"
CHOOSE = "Choose the file that goes beside {} in the list."


@dataclass(frozen=True, eq=False)
class Opened:
    """A file that is looked at: its signal, its name, and where it came from.

    Parameters
    ----------
    signal
        A TomoStack or RecStack.
    name, source
        As the app writes them.
    origin
        Where it can be loaded again.
    """

    signal: Any
    name: str
    source: str = ""
    origin: Source | None = None

    @property
    def is_volume(self) -> bool:
        """Whether it is a reconstruction."""
        return bool(self.signal._signal_type == "RecStack")

    def planes(self, cut: str) -> Planes:
        """Return what is shown of it; `cut` is the axis that slices of a volume cut."""
        signal, size = self.signal, pixel_nm(self.signal)
        if self.is_volume:
            return Planes.of_volume(signal.data, cut, size)
        return Planes.of_stack(signal.data, tilts_of(signal) if tilts_known(signal) else None, size)

    def facts(self) -> list[str]:
        """Return tilts, size, pixel size, kind of number, and the size of the file."""
        size = [] if pixel_nm(self.signal) else ["no pixel size"]
        more = [str(self.signal.data.dtype), *([self.source] if self.source else [])]
        return [*facts(self.signal), *size, *more]


class PairForm(widgets.VBox):
    """Opens a file beside another and says how the two are seen together.

    Parameters
    ----------
    view
        Where they are shown.
    say
        Called with a sentence for the status line.
    swap, close
        Called when a person wants the two the other way round, or the right one away.

    Attributes
    ----------
    beside, wait, past
        The button, what is said while the second file is chosen, and the histories; the panel
        has places for them.
    side : str
        Where the next file goes: alone (empty), left or right.
    """

    def __init__(
        self,
        view: PairView,
        say: Callable[[str], Any],
        swap: Callable[[], Any],
        close: Callable[[], Any],
    ) -> None:
        self.view, self._say = view, say
        self._both: tuple[Opened | None, Opened | None] = (None, None)
        self._waiting = False
        self.beside = _button("Open beside", "plus", "beside", self._ask)
        self.beside.tooltip = "The next file that is chosen stands at the right of this one"
        self.swap = _button("Swap", "exchange-alt", "swap", swap)
        self.close_second = _button("Close the second", "times", "close", close)
        self.wait = widgets.HTML()
        self.place = _segments("side", (LEFT, RIGHT), RIGHT)
        self.direction = _segments("direction", tuple(p.title for p in PLANES), PLANES[0].title)
        self.same = _box("Same contrast", "same", view.same_contrast)
        self.difference = _box("Difference", "difference", view.show_difference)
        self.notes = widgets.HTML().add_class("tj-viewer-notes")
        self.past = widgets.HTML().add_class("tj-viewer-history")
        self.direction.observe(lambda _: self._draw(), "value")
        self._two = widgets.VBox(
            [
                widgets.HBox([self.swap, self.close_second]).add_class("tj-buttons"),
                field_row("Next file", self.place),
                widgets.HBox([self.same, self.difference]).add_class("tj-buttons"),
            ]
        )
        self._cut = field_row("Slices", self.direction)
        self._head = widgets.HTML(section("Side by side", "the sliders go together"))
        super().__init__(
            [
                self._head,
                self._two,
                self._cut,
                self.notes,
            ]
        )
        self.add_class("tj-viewer-pair")
        self.set(None, None)

    @property
    def controls(self) -> dict[str, widgets.Widget]:
        """Widgets that have a value, by name."""
        return {
            "side": self.place, "direction": self.direction, "same": self.same,
            "difference": self.difference,
        }  # fmt: skip

    @property
    def side(self) -> str:
        """Where the next file goes."""
        if self._both[1] is not None:
            return str(self.place.value)
        return RIGHT if self._waiting else ALONE

    def _ask(self) -> None:
        """Let the next file go beside the one that is open, or no longer."""
        self._wait_for_second(not self._waiting)

    def _wait_for_second(self, waiting: bool) -> None:
        first = self._both[0]
        self._waiting = waiting and first is not None
        self.beside.description = "Cancel" if self._waiting else "Open beside"
        self.beside.icon = "times" if self._waiting else "plus"
        self.wait.value = ""
        if self._waiting and first is not None:
            text = CHOOSE.format(first.name)
            self.wait.value = sentence(text)
            self._say(text)

    def set(self, first: Opened | None, second: Opened | None) -> None:
        """Show what is open; `second` stands at the right."""
        same = _same(self._both, (first, second))
        self._both = first, second
        if not same:
            self._wait_for_second(waiting=False)
            self.past.value = past_html(first, second)
        self.beside.disabled = first is None
        volumes = [opened for opened in self._both if opened and opened.is_volume]
        self.beside.layout.display = "" if second is None else "none"
        for part in (self._head, self._two):
            part.layout.display = "" if second is not None else "none"
        self._cut.layout.display = "" if volumes else "none"
        if not same:
            self._draw()

    def _draw(self) -> None:
        """Show both, and say what a person may not expect."""
        cut = next(p.cut for p in PLANES if p.title == self.direction.value)
        left, right = (opened.planes(cut) if opened else None for opened in self._both)
        titles = [(opened.name, opened.facts()) if opened else ("", []) for opened in self._both]
        self.view.set(left, right, titles)
        together = self.view.pairing
        self.difference.disabled = together is None or bool(together.no_difference)
        self.difference.tooltip = together.no_difference if together else ""
        linked = together is not None and bool(together.how)
        self.same.disabled = not linked
        self._head.value = section("Side by side", "the sliders go together" if linked else "")
        notes = [] if together is None else [*together.notes]
        if together is not None and together.no_difference not in ("", *notes):
            notes.append(together.no_difference)
        self.notes.value = "".join(sentence(text) for text in notes)
        self.view.same_contrast(self.same.value and linked)


def past_html(first: Opened | None, second: Opened | None) -> str:
    """Return the histories of what is open, to be folded out, and what two have different."""
    both = [opened for opened in (first, second) if opened is not None]
    records = [history.read(opened.signal) for opened in both]
    parts = [
        _folded(f"History of {opened.name}", history_lines(lines) or ["It has no history."])
        for opened, lines in zip(both, records, strict=True)
    ]
    if len(both) == 2 and all(records):
        other = differences(*records) or ["Nothing: both were made the same way."]
        parts.append(_folded("What their histories have different", other))
    return "".join(parts)


def _folded(title: str, lines: list[str]) -> str:
    rows = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f"<details class='tj-past'><summary>{escape(title)}</summary>{rows}</details>"


def _button(text: str, icon: str, hook: str, call: Callable[[], Any]) -> widgets.Button:
    button = widgets.Button(description=text, icon=icon).add_class(f"tj-viewer-{hook}")
    button.on_click(lambda _: call())
    return button


def _segments(hook: str, options: tuple[str, ...], value: str) -> widgets.ToggleButtons:
    made = widgets.ToggleButtons(options=options, value=value, tooltips=[""] * len(options))
    return made.add_class("tj-segments").add_class(f"tj-viewer-{hook}")


def _box(text: str, hook: str, call: Callable[[bool], Any]) -> widgets.Checkbox:
    box = widgets.Checkbox(description=text, indent=False).add_class(f"tj-viewer-{hook}")
    box.observe(lambda change: call(change["new"]), "value")
    return box


def _same(
    before: tuple[Opened | None, Opened | None], now: tuple[Opened | None, Opened | None]
) -> bool:
    """Tell whether the same signals are open; HyperSpy's == would compare every pixel."""
    return all((a and a.signal) is (b and b.signal) for a, b in zip(before, now, strict=True))
