"""An x-y plot as SVG text, in the colours of the page."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.ui.views.texts import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's colours, told apart by most colour-blind people."""

STYLES = ("line", "points", "both", "bars", "dashed")
INK = "var(--jp-ui-font-color1, #1b1f24)"
GREY = "var(--jp-ui-font-color2, #5b6570)"
LINE = "var(--jp-border-color2, #d6dade)"
CARD = "var(--jp-layout-color1, #fff)"


@dataclass(frozen=True)
class Series:
    """One named line, point cloud or set of bars."""

    name: str
    x: np.ndarray
    y: np.ndarray
    color: str
    style: str = "line"
    width: float = 1.8
    legend: bool = True


@dataclass(frozen=True)
class Mark:
    """Something that stands out: a line at x or y, a ring, star or dot at (x, y), or a band."""

    kind: str
    x: float = math.nan
    y: float = math.nan
    x1: float = math.nan
    text: str = ""
    color: str = INK
    dash: bool = False


@dataclass
class Axes:
    """Where a plot lies on its paper, and which values its edges have."""

    width: int
    height: int
    x: tuple[float, float]
    y: tuple[float, float]
    log_y: bool = False
    left: int = 56
    top: int = 10
    right: int = 14
    bottom: int = 38
    parts: list[str] = field(default_factory=list)

    def to_x(self, value: float) -> float:
        """Return the px of an x."""
        span = (self.x[1] - self.x[0]) or 1.0
        inner = self.width - self.left - self.right
        return round(self.left + (value - self.x[0]) / span * inner, 1)

    def to_y(self, value: float) -> float:
        """Return the px of a y, counted downwards; NaN where a log scale has none."""
        a, b, v = (_log(u) for u in (*self.y, value)) if self.log_y else (*self.y, value)
        inner = self.height - self.top - self.bottom
        return round(self.height - self.bottom - (v - a) / ((b - a) or 1.0) * inner, 1)

    def from_px(self, px: float, py: float) -> tuple[float, float]:
        """Return the (x, y) of a place on the paper."""
        inner = max(1, self.width - self.left - self.right)
        x = self.x[0] + (px - self.left) / inner * (self.x[1] - self.x[0])
        part = (self.height - self.bottom - py) / max(1, self.height - self.top - self.bottom)
        if self.log_y:
            return x, 10 ** (_log(self.y[0]) + part * (_log(self.y[1]) - _log(self.y[0])))
        return x, self.y[0] + part * (self.y[1] - self.y[0])


def _log(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan


def ticks(lo: float, hi: float, most: int = 6) -> list[float]:
    """Return round values between two limits, at most so many.

    Steps are 1, 2, 2.5 or 5 times a power of ten.
    """
    if not hi > lo:
        return [lo]
    power = 10 ** math.floor(math.log10((hi - lo) / most))
    for step in (m * power for m in (1, 2, 2.5, 5, 10, 20, 25, 50, 100)):
        first, last = math.ceil(lo / step - 1e-9), math.floor(hi / step + 1e-9)
        if last - first < most:
            break
    return [k * step + 0.0 for k in range(first, last + 1)]


def log_ticks(lo: float, hi: float, most: int = 6) -> list[float]:
    """Return 1, 2, 5 times powers of ten between two positive limits, or fewer of them.

    Limits that lie too close for two such values get evenly spaced ones.
    """
    powers = range(math.floor(_log(lo)), math.ceil(_log(hi)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        values = [m * 10.0**k for k in powers for m in steps]
        inside = [v for v in values if lo * (1 - 1e-9) <= v <= hi * (1 + 1e-9)]
        if steps == (1, 2, 5) and len(inside) < 2:
            return [v for v in ticks(lo, hi, most) if v > 0]
        if len(inside) <= most:
            return inside
    return inside[:: -(-len(inside) // most)]


def limits(
    values: Sequence[np.ndarray], log: bool = False, pad: float = 0.06
) -> tuple[float, float]:
    """Return limits that hold all finite values with a little room; (0, 1) without any."""
    joined = np.concatenate([np.ravel(v) for v in values]) if values else np.zeros(0)
    good = joined[np.isfinite(joined) & ((joined > 0) | (not log))]
    if not good.size:
        return (1.0, 100.0) if log else (0.0, 1.0)
    lo, hi = float(good.min()), float(good.max())
    if log:
        room = max(_log(hi) - _log(lo), 0.2) * pad
        return lo * 10**-room, hi * 10**room
    room = (hi - lo) * pad if hi > lo else max(abs(hi) * 0.1, 0.5)
    return lo - room, hi + room


def draw(
    axes: Axes,
    series: Sequence[Series],
    marks: Sequence[Mark] = (),
    x_label: str = "",
    y_label: str = "",
) -> str:
    """Return a plot as SVG text.

    Parameters
    ----------
    axes
        Size in px and limits; its margins are used as they are.
    series
        Drawn in this order. Points that are not finite leave a gap.
    marks
        Bands below, the others above the series.
    x_label, y_label
        Texts under and beside the axes, with units.

    Returns
    -------
    str
        One svg element of exactly the given size.
    """
    axes.parts = []
    _grid(axes, x_label, y_label)
    for mark in marks:
        if mark.kind == "band":
            _band(axes, mark)
    for one in series:
        _series(axes, one)
    for mark in marks:
        _mark(axes, mark)
    _legend(axes, [s for s in series if s.legend and s.name])
    return (
        f'<svg viewBox="0 0 {axes.width} {axes.height}" width="100%" height="100%" role="img" '
        f'aria-label="{escape(y_label)} against {escape(x_label)}" '
        'font-family="var(--jp-ui-font-family, sans-serif)" font-size="11.5">'
        + "".join(axes.parts) + "</svg>"
    )  # fmt: skip


def _grid(a: Axes, x_label: str, y_label: str) -> None:
    bottom, right = a.height - a.bottom, a.width - a.right
    most = max(2, min(6, (bottom - a.top) // 20))
    for v in ticks(*a.x, most=max(2, min(7, (right - a.left) // 52))):
        x = a.to_x(v)
        a.parts.append(
            f'<path d="M{x} {a.top}V{bottom}" stroke="{LINE}" stroke-opacity=".6"/>'
            f'<text x="{x}" y="{bottom + 15}" fill="{GREY}" text-anchor="middle">'
            f"{number_text(v, 4)}</text>"
        )
    values = log_ticks(*a.y, most) if a.log_y else ticks(*a.y, most)
    for v in values:
        y = a.to_y(v)
        a.parts.append(
            f'<path d="M{a.left} {y}H{right}" stroke="{LINE}" stroke-opacity=".6"/>'
            f'<text x="{a.left - 7}" y="{y + 4}" fill="{GREY}" text-anchor="end">'
            f"{number_text(v, 4)}</text>"
        )
    room = bottom - a.top + 20
    fitted = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"'
    squeezed = fitted if 5.8 * len(y_label) > room else ""
    a.parts.append(
        f'<path d="M{a.left} {a.top}V{bottom}H{right}" fill="none" stroke="{GREY}"/>'
        f'<text x="{(a.left + right) / 2}" y="{a.height - 6}" fill="{INK}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
        f'<text transform="translate(13 {(a.top + bottom) / 2}) rotate(-90)" fill="{INK}"'
        f'{squeezed} text-anchor="middle">{escape(y_label)}</text>'
    )


def _series(a: Axes, s: Series) -> None:
    places = [(a.to_x(x), a.to_y(y)) for x, y in zip(s.x.tolist(), s.y.tolist(), strict=True)]
    color = escape(s.color)
    if s.style == "bars":
        step = min((abs(q[0] - p[0]) for p, q in itertools.pairwise(places)), default=20.0)
        w, zero = max(1.0, 0.8 * step), a.height - a.bottom
        bars = "".join(
            f"M{x - w / 2:.1f} {zero}V{max(y, a.top)}h{w:.1f}V{zero}z"
            for x, y in places
            if math.isfinite(y)
        )
        a.parts.append(f'<path d="{bars}" fill="{color}"/>')
        return
    if s.style != "points":
        path, pen = [], "M"
        for x, y in places:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            path.append(f"{pen}{x} {y}")
            pen = "L"
        dash = ' stroke-dasharray="6 4"' if s.style == "dashed" else ""
        a.parts.append(
            f'<path d="{"".join(path)}" fill="none" stroke="{color}" stroke-width="{s.width}" '
            f'stroke-linejoin="round"{dash}/>'
        )
    if s.style in ("points", "both"):
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="2"/>'
            for x, y in places
            if math.isfinite(x) and math.isfinite(y)
        )
        a.parts.append(f'<g fill="{color}">{dots}</g>')


def _band(a: Axes, m: Mark) -> None:
    x0, x1 = sorted(min(max(a.to_x(x), a.left), a.width - a.right) for x in (m.x, m.x1))
    if m.dash:
        _hatched(a, m, x0, x1)
        return
    a.parts.append(
        f'<rect x="{x0}" y="{a.top}" width="{x1 - x0:.1f}" height="{a.height - a.top - a.bottom}" '
        f'fill="{escape(m.color)}" fill-opacity=".3"/>'
    )


def _hatched(a: Axes, m: Mark, x0: float, x1: float) -> None:
    """Draw a band as slanted lines in a frame."""
    color, bottom = escape(m.color), a.height - a.bottom
    path = [f"M{x0} {a.top}V{bottom}H{x1}V{a.top}"]
    wide = x1 - x0
    y = a.top + wide
    while wide > 0 and y < bottom:
        path.append(f"M{x0} {y:.1f}L{x1} {y - wide:.1f}")
        y += 6
    a.parts.append(f'<path d="{"".join(path)}" fill="none" stroke="{color}" stroke-opacity=".8"/>')


def _mark(a: Axes, m: Mark) -> None:
    color, bottom, right = escape(m.color), a.height - a.bottom, a.width - a.right
    dash = ' stroke-dasharray="6 4"' if m.dash else ""
    x = a.to_x(m.x) if math.isfinite(m.x) else math.nan
    y = a.to_y(m.y) if math.isfinite(m.y) else math.nan
    path = f'" fill="none" stroke="{color}" stroke-width="1.5"{dash}/>'
    if m.kind == "x" and math.isfinite(x):
        a.parts.append(f'<path d="M{x} {a.top}V{bottom}{path}')
        _text(a, x, bottom - 6, m, left=True)
    elif m.kind == "y" and math.isfinite(y):
        a.parts.append(f'<path d="M{a.left} {y}H{right}{path}')
        _text(a, a.left, y - 5, m)
    elif m.kind in ("ring", "dot", "star") and math.isfinite(x + y):
        if m.kind == "star":
            tips = " ".join(
                f"{x + r * math.sin(k * math.pi / 5):.1f},{y - r * math.cos(k * math.pi / 5):.1f}"
                for k, r in enumerate((8, 3.3) * 5)
            )
            a.parts.append(f'<polygon points="{tips}" fill="{color}"/>')
        elif m.kind == "ring":
            a.parts.append(f'<circle cx="{x}" cy="{y}" r="5.5{path}')
        else:
            a.parts.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="{color}" stroke="{CARD}"/>')
        _text(a, x + 6, y + 4, m)


def _text(a: Axes, x: float, y: float, m: Mark, left: bool = False) -> None:
    if not m.text:
        return
    wide, right = 6.2 * len(m.text), a.width - a.right
    before = (left and x - wide > a.left) or x + wide > right
    anchor, shift = ("end", -5.0 if left else -10.0) if before else ("start", 5.0)
    if (
        before and x + shift - wide < a.left - 4
    ):  # room on neither side: below, as far right as it fits
        anchor, shift, y = "end", min(right, max(x, a.left) + wide) - x, a.height - a.bottom - 6
    a.parts.append(
        f'<text x="{x + shift}" y="{max(y, a.top + 9)}" fill="{escape(m.color)}" '
        f'text-anchor="{anchor}">{escape(m.text)}</text>'
    )


def _legend(a: Axes, series: Sequence[Series]) -> None:
    if len(series) < 2:
        return
    x = a.width - a.right - 8.0
    for s in reversed(series):
        x -= 6.2 * len(s.name)
        a.parts.append(f'<text x="{x:.0f}" y="{a.top + 2}" fill="{INK}">{escape(s.name)}</text>')
        x -= 22
        a.parts.append(
            f'<path d="M{x:.0f} {a.top - 2}h17" stroke="{escape(s.color)}" '
            f'stroke-width="{6 if s.style == "bars" else 2.5}"/>'
        )
        x -= 14
