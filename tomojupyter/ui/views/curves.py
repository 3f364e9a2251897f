"""Plots on cards, drawn as SVG in Python and put into the page by a few lines of JavaScript."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets as tr

from tomojupyter.errors import DataError
from tomojupyter.ui.views.plot_svg import COLOURS, INK, STYLES, Axes, Mark, Series, draw, limits
from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable

REDRAW_EVERY_S = 0.25


class Curve(anywidget.AnyWidget):
    """An x-y plot with several named series, on a card.

    Parameters
    ----------
    title, subtitle
        Bold and grey text above the plot.
    x_label, y_label
        Texts of the axes, with units.
    log_y
        Logarithmic y; values that are not positive leave a gap.
    height
        CSS height of the card, "168px" for instance, or "100%" of its place.

    Notes
    -----
    Drawn in Python, so a plot cannot come up empty: `svg` is there before the page is. The page
    tells its size once it is known, and the plot is drawn again for it.
    """

    _esm = module_text("curves.js")
    _css = module_text("curves.css")

    svg = tr.Unicode().tag(sync=True)
    title = tr.Unicode().tag(sync=True)
    subtitle = tr.Unicode().tag(sync=True)
    clickable = tr.Bool(False).tag(sync=True)
    paper = tr.List(tr.Int(), [420, 140]).tag(sync=True)

    def __init__(
        self,
        title: str = "",
        x_label: str = "",
        y_label: str = "",
        *,
        subtitle: str = "",
        log_y: bool = False,
        height: str = "168px",
    ) -> None:
        super().__init__(title=title, subtitle=subtitle)
        self.layout.width, self.layout.height = "100%", height
        self.add_class("tj-curve")
        self.x_label, self.y_label, self.log_y = x_label, y_label, log_y
        self.x_limits: tuple[float, float] | None = None
        self.y_limits: tuple[float, float] | None = None
        self.series: dict[str, Series] = {}
        self.marks: dict[str, Mark] = {}
        self._axes = Axes(self.paper[0], self.paper[1], x=(0.0, 1.0), y=(0.0, 1.0))
        self._calls: dict[str, list[Callable[..., Any]]] = {"click": [], "drag": []}
        self._drawn_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self.on_msg(self._receive)
        self.observe(lambda _: self.redraw(), "paper")
        self.redraw()

    def set(
        self,
        name: str,
        x: Any,
        y: Any,
        *,
        style: str = "line",
        color: str | None = None,
        width: float = 1.8,
        legend: bool = True,
    ) -> None:
        """Add a series, or replace the one of the same name.

        Parameters
        ----------
        name
            Text in the legend, which appears from two series on.
        x, y
            Equally many numbers; NaN leaves a gap.
        style
            line, points, both, bars or dashed.
        color
            CSS colour; None keeps that of the name, or takes the next of Okabe and Ito's.
        width
            Of the line, px.
        legend
            Name it in the legend.

        Raises
        ------
        DataError
            Different lengths, or an unknown style.
        """
        xs, ys = (np.asarray(v, dtype=np.float64).ravel() for v in (x, y))
        if len(xs) != len(ys):
            raise DataError(f"{name}: {len(xs)} x values but {len(ys)} y values: give as many")
        if style not in STYLES:
            raise DataError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
        if color is None:
            old = self.series.get(name)
            color = old.color if old else COLOURS[len(self.series) % len(COLOURS)]
        self.series[name] = Series(name, xs, ys, color, style, width, legend)
        self.redraw_soon()

    def mark(
        self,
        name: str,
        kind: str,
        x: float = np.nan,
        y: float = np.nan,
        *,
        x1: float = np.nan,
        text: str = "",
        color: str = INK,
        dash: bool = False,
    ) -> None:
        """Add a mark, or replace the one of the same name.

        Parameters
        ----------
        name
            For `unmark`, and to replace it.
        kind
            x or y (a line across), ring, dot, star (at x, y), band (from x to x1).
        x, y, x1
            In the units of the axes.
        text, color, dash
            Written beside it; CSS colour; dashed (a band: hatched).
        """
        if kind not in ("x", "y", "ring", "dot", "star", "band"):
            raise DataError(f"kind must be x, y, ring, dot, star or band, got {kind!r}")
        self.marks[name] = Mark(kind, float(x), float(y), float(x1), text, color, dash)
        self.redraw_soon()

    def unmark(self, name: str) -> None:
        """Take a mark away, if it is there."""
        if self.marks.pop(name, None) is not None:
            self.redraw_soon()

    def remove(self, name: str) -> None:
        """Take a series away, if it is there."""
        if self.series.pop(name, None) is not None:
            self.redraw_soon()

    def clear(self) -> None:
        """Take all series and marks away."""
        self.series, self.marks = {}, {}
        self.redraw()

    def on_click(self, call: Callable[[float, float], Any]) -> None:
        """Call with (x, y), in the units of the axes, of a click on the plot."""
        self.clickable = True
        self._calls["click"].append(call)

    def on_drag(self, call: Callable[[float, float, bool], Any]) -> None:
        """Call with (x, y, done) while the pointer drags over the plot, 20 times a second."""
        self.clickable = True
        self._calls["drag"].append(call)

    def nearest(self, name: str, x: float) -> int:
        """Return the index of the point of a series that is nearest to an x."""
        return int(np.nanargmin(np.abs(self.series[name].x - x)))

    def redraw_soon(self) -> None:
        """Draw now, or in a moment where the last drawing was less than a quarter second ago."""
        left = self._drawn_at + REDRAW_EVERY_S - time.monotonic()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None:
            self.redraw()
        elif self._later is None:
            self._later = loop.call_later(max(0.0, left), self.redraw)

    def redraw(self) -> None:
        """Draw the plot for the size that the page told."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        x = self.x_limits or limits([s.x for s in self.series.values()], pad=0.03)
        lines = [np.array([m.y]) for m in self.marks.values() if m.kind == "y"]
        y = self.y_limits or limits([s.y for s in self.series.values()] + lines, self.log_y)
        bars = [s.y for s in self.series.values() if s.style == "bars"]
        if self.y_limits is None and bars:  # they stand on 0
            below = any((values < 0).any() for values in bars)
            y = (min(0.0, y[0]) if below else 0.0, y[1])
        self._axes = Axes(self.paper[0], self.paper[1], x=x, y=y, log_y=self.log_y)
        if sum(s.legend for s in self.series.values()) > 1:
            self._axes.top = 24
        series = list(self.series.values())
        self.svg = draw(self._axes, series, list(self.marks.values()), self.x_label, self.y_label)
        self._drawn_at = time.monotonic()

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("type") not in ("click", "drag"):
            return
        x, y = self._axes.from_px(float(content["px"]), float(content["py"]))
        if content["type"] == "click":
            for call in self._calls["click"]:
                call(x, y)
        else:
            for call in self._calls["drag"]:
                call(x, y, bool(content.get("done")))
