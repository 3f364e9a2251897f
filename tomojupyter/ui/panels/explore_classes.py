"""Classes of a volume: limits on its histogram, and what lies between them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.numerics.volumes.segmentation import find_thresholds
from tomojupyter.signals.measuring import calibration
from tomojupyter.ui.style import section
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.texts import number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.numerics.volumes.measures import Measurement
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session

COLOURS = ("#56B4E9", "#E69F00", "#CC79A7")
REST = "#9aa3ad"
MOST = len(COLOURS)
BINS = 90
SAMPLES = 2_000_000
SPREAD = 0.05


class ClassesForm(widgets.VBox):
    """The histogram with limits to drag, the table of classes, and how sure it is.

    Parameters
    ----------
    session
        Runs the measurement, and says what goes wrong.
    changed
        Called when the limits changed.

    Attributes
    ----------
    limits : list of float
        Lowest value of each class, rising.
    """

    def __init__(self, session: Session, changed: Callable[[], Any]) -> None:
        self.session, self.changed = session, changed
        self.limits: list[float] = []
        self.names = [f"class {k + 1}" for k in range(MOST)]
        self.volume: Any = None
        self.measured: list[Measurement] = []
        self._shown = [float("nan")] * MOST
        self._sample = np.zeros(0, np.float32)
        self._held: int | None = None
        self.plot = Curve("", "value", "", subtitle="drag the limits", height="150px")
        self.plot.on_drag(self._drag)
        self.fields = [widgets.FloatText(continuous_update=False) for _ in range(MOST)]
        self.titles = [widgets.Text(self.names[k], continuous_update=False) for k in range(MOST)]
        self.rows = widgets.VBox().add_class("tj-explore-classes")
        self.table = widgets.HTML().add_class("tj-explore-table")
        self.note = widgets.HTML().add_class("tj-help")
        self.more = self._button("Add class", "plus", "class", self._add)
        self.fewer = self._button("Remove", "times", "fewer", self._take)
        self.fewer.tooltip = "Take the last class away"
        self.otsu = self._button("Otsu", "magic", "otsu", self.propose)
        self.otsu.tooltip = "Limits that make each class as uniform as can be"
        self.measure = self._button("Measure", "table", "measure", self._measure)
        self.measure.tooltip = "Surfaces, and how far the limits matter"
        for k, (field, title) in enumerate(zip(self.fields, self.titles, strict=True)):
            field.add_class(f"tj-explore-limit-{k + 1}").add_class("tj-named")
            field.description = f"Class {k + 1} from"  # not seen, but read out
            field.observe(lambda change, k=k: self._typed(k, change["new"]), "value")
            title.tooltip = f"Name of class {k + 1}"
            title.observe(lambda change, k=k: self._named(k, change["new"]), "value")
        buttons = widgets.HBox([self.more, self.fewer, self.otsu, self.measure])
        super().__init__(
            [
                widgets.HTML(section("Classes", "drag the limits, or type")), self.plot, self.rows,
                self.table, self.note, buttons.add_class("tj-buttons").add_class("tj-wrap"),
            ]
        )  # fmt: skip

    def _button(self, text: str, icon: str, hook: str, call: Callable[[], Any]) -> widgets.Button:
        button = widgets.Button(description=text, icon=icon).add_class(f"tj-explore-{hook}")

        def clicked(_: Any) -> None:
            with self.session.attempt("Measuring"):
                call()

        button.on_click(clicked)
        return button

    # ------------------------------------------------------------------ limits

    def set(self, volume: Any) -> None:
        """Take another volume; the limits are proposed anew."""
        self.volume, self.measured = volume, []
        if volume is None:
            self.limits = []
            return
        data = np.asarray(volume.data)
        step = max(1, round((data.size / SAMPLES) ** (1 / 3)))
        sample = data[::step, ::step, ::step]
        self._sample = np.sort(sample[np.isfinite(sample)].astype(np.float32))
        with self.session.attempt("Otsu"):
            self.propose()

    def propose(self) -> None:
        """Set the limits after Otsu, for as many classes as there are."""
        flat = not self._sample.size or not self._sample.min() < self._sample.max()
        if flat:
            self.limits = []
            self._show()
            return
        self._set(self._valleys(len(self.limits) or 1))

    def _valleys(self, count: int) -> list[float]:
        """Return limits after Otsu, in the middle of a gap where no voxel has a value."""
        found = []
        for limit in find_thresholds(self._sample, count + 1):
            k = int(np.searchsorted(self._sample, limit, "right"))
            ends = self._sample[max(0, k - 1)], self._sample[min(k, len(self._sample) - 1)]
            found.append(float(np.mean(ends)))
        return found

    def _set(self, limits: Sequence[float]) -> None:
        self.limits = sorted(limits)
        self.measured = []
        self._show()
        self.changed()

    def _add(self) -> None:
        if len(self.limits) < MOST and self._sample.size:
            self._set(self._valleys(len(self.limits) + 1))

    def _take(self) -> None:
        if len(self.limits) > 1:
            self._set(self.limits[:-1])

    def _typed(self, k: int, value: float) -> None:
        if k < len(self.limits) and np.isfinite(value) and value != self._shown[k]:
            self._set([*self.limits[:k], float(value), *self.limits[k + 1 :]])

    def _named(self, k: int, name: str) -> None:
        self.names[k] = name.strip() or f"class {k + 1}"
        self._show()
        self.changed()

    def _drag(self, x: float, _y: float, done: bool) -> None:
        if not self.limits:
            return
        if self._held is None:
            self._held = int(np.abs(np.array(self.limits) - x).argmin())
        k = self._held
        low = self.limits[k - 1] if k else -np.inf
        high = self.limits[k + 1] if k + 1 < len(self.limits) else np.inf
        limits = list(self.limits)
        limits[k] = float(np.clip(x, low, high))
        if done:
            self._held = None
            self._set(limits)
        else:
            self.limits = limits
            self._draw()

    # ------------------------------------------------------------------ showing

    def _show(self) -> None:
        count = len(self.limits)
        rows = []
        for k in range(count):
            self._shown[k] = rounded(self.limits[k])
            self.fields[k].value = self._shown[k]
            swatch = widgets.HTML(f'<i class="tj-swatch" style="background:{COLOURS[k]}"></i>')
            row = widgets.HBox([swatch, self.titles[k], widgets.Label("from"), self.fields[k]])
            rows.append(row.add_class("tj-class"))
        self.rows.children = rows
        self.more.disabled = not 0 < count < MOST
        self.fewer.disabled = count < 2
        self.otsu.disabled = self.measure.disabled = not count
        self._draw()
        self._tabulate()

    def _draw(self) -> None:
        self.plot.clear()
        if not self._sample.size:
            return
        low, high = (float(v) for v in np.percentile(self._sample, (0.05, 99.95)))
        counts, edges = np.histogram(self._sample, BINS, (low, high if high > low else low + 1))
        centres = (edges[1:] + edges[:-1]) / 2
        shown = np.sqrt(counts / max(1, counts.max()))  # small classes stay to be seen
        bounds = [-np.inf, *self.limits, np.inf]
        for k, colour in enumerate([REST, *COLOURS[: len(self.limits)]]):
            inside = (centres >= bounds[k]) & (centres < bounds[k + 1])
            if inside.any():
                self.plot.set(
                    f"class {k}", centres[inside], shown[inside], style="bars", color=colour,
                    legend=False,
                )  # fmt: skip
        for k, limit in enumerate(self.limits):
            self.plot.mark(f"limit {k}", "x", limit)
        self.plot.x_limits = (low, high)

    def values(self) -> list[dict[str, Any]]:
        """Return a row for each class: name, from, volume, units, share in %, surface or None."""
        if self.volume is None or not self.limits:
            return []
        data = np.asarray(self.volume.data)
        spacing, units = calibration(self.volume)
        voxel = float(np.prod(spacing))
        above = [int(np.count_nonzero(data >= limit)) for limit in self.limits]
        counts = [a - b for a, b in zip(above, [*above[1:], 0], strict=True)]
        total = max(1, above[0])
        surfaces: list[float | None] = [m.surface.value for m in self.measured]
        surfaces = surfaces or [None] * len(counts)
        return [
            {
                "name": self.names[k], "from": self.limits[k], "volume": counts[k] * voxel,
                "units": units, "share": 100 * counts[k] / total, "surface": surfaces[k],
            }
            for k in range(len(counts))
        ]  # fmt: skip

    def _tabulate(self) -> None:
        rows = self.values()
        if not rows:
            text = "All voxels have the same value." if self.volume is not None else ""
            self.table.value, self.note.value = f"<p>{text}</p>", ""
            return
        surface = bool(self.measured)
        head = "<tr><th>class</th><th class='tj-n'>volume</th><th class='tj-n'>share</th>"
        head += "<th class='tj-n'>surface</th></tr>" if surface else "</tr>"
        lines = []
        for row in rows:
            cells = f"<td>{escape(row['name'])}</td><td class='tj-n'>{volume_text(row)}</td>"
            cells += f"<td class='tj-n'>{row['share']:.1f} %</td>"
            if surface:
                area = f"{figures(row['surface'])} {row['units']}²"
                cells += f"<td class='tj-n'>{area}</td>"
            lines.append(f"<tr>{cells}</tr>")
        self.table.value = f'<table class="tj-table">{head}{"".join(lines)}</table>'
        self.note.value = f"<p>{escape(self._sureness())}</p>"

    def _sureness(self) -> str:
        if not self.measured:
            return "Volumes depend on the limits: Measure says how much, and adds the surfaces."
        parts = []
        for k, found in enumerate(self.measured):
            volume = found.volume
            if volume.value > 0:
                change = max(volume.high - volume.value, volume.value - volume.low)
                what = (
                    f"{self.names[k]} and brighter" if k + 1 < len(self.limits) else self.names[k]
                )
                parts.append(f"{what} by up to {100 * change / volume.value:.1f} %")
        if not parts:
            return "Nothing lies above the limits."
        return (
            f"Limits that are {100 * SPREAD:.0f} % of the contrast lower or higher change "
            f"{'; '.join(parts)}. The missing wedge is not in this figure."
        )

    # ------------------------------------------------------------------ measuring

    def _measure(self) -> None:
        volume, limits = self.volume, list(self.limits)
        if volume is None or not limits:
            self.session.say("There is no class to measure: reconstruct first.", "warning")
            return

        def work(monitor: Monitor) -> list[Measurement]:
            found = []
            for k, limit in enumerate(limits):
                monitor(k, len(limits))
                found.append(volume.measure(threshold=limit, spread=SPREAD))
            return found

        def done(result: Result) -> None:
            if self.volume is volume and self.limits == limits:
                self.measured = result.value
                self._tabulate()
            self.session.say("Measured. The ranges are those of the limits alone.", "good")

        self.session.start("Measuring", work, done)


def rounded(value: float) -> float:
    """Return a value with four figures, as a field shows it."""
    return float(f"{value:.4g}")


def volume_text(row: dict[str, Any]) -> str:
    """Write a volume: ``955 000 nm³``, in µm³ from 10⁸ nm³ on."""
    value, units = row["volume"], row["units"]
    if units == "nm" and value >= 1e8:
        value, units = value / 1e9, "µm"
    return f"{figures(value)} {units}³"


def figures(value: float) -> str:
    """Write a number with three figures and never an exponent: ``955 000``."""
    value = float(f"{value:.3g}")
    return f"{value:,.0f}".replace(",", "\u2009") if value >= 100 else number_text(value)
