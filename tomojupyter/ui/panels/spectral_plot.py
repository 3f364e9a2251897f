"""The sum spectrum with the windows of lines, which can be dragged, and lines as dots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.spectral.shapes import width_at
from tomojupyter.numerics.spectral.windows import line_windows
from tomojupyter.steps.xray_lines import families_of, line, line_text
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.plot_svg import GREY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GRAB = 0.012
"""How near to an edge, as a part of the energy range, a drag takes it."""


@dataclass(eq=False)
class Window:
    """The window of a line and those beside it, in keV.

    Parameters
    ----------
    name
        Of the line.
    energy, low, high
        Of the line, and of its window.
    beside
        Left, right, left, right of the background windows; empty for none.
    colour
        Of its map.
    """

    name: str
    energy: float
    low: float
    high: float
    beside: tuple[float, ...]
    colour: str


def window_of(
    name: str, colour: str, resolution: float, widths: float, beside: tuple[float, ...] | None
) -> Window:
    """Return the windows of a line; `beside` None takes those that the Step takes."""
    energy = line(name)[2]
    low, high, usual = line_windows(energy, resolution, widths)
    return Window(name, energy, low, high, usual if beside is None else beside, colour)


class SpectrumPlot(Curve):
    """The sum spectrum on a card.

    Parameters
    ----------
    moved
        Called with the name of a line, which edge (``"width"`` or 0 to 3 of the background
        windows) and the energy in keV, while an edge is dragged.
    clicked
        Called with the energy of a click.
    """

    def __init__(
        self, moved: Callable[[str, Any, float], Any], clicked: Callable[[float], Any]
    ) -> None:
        super().__init__("Sum spectrum", "energy (keV)", "counts, all tilts", height="210px")
        self.log_y = True
        self.windows: list[Window] = []
        self.elements: Sequence[str] = ()
        self._x: np.ndarray = np.zeros(0)
        self._moved = moved
        self._held: tuple[str, Any] | None = None
        self.on_drag(self._drag)
        self.on_click(lambda x, _y: clicked(x))

    def set_spectrum(self, energies: np.ndarray | None, total: np.ndarray) -> None:
        """Show a spectrum (nc,); over its channels where there are no energies."""
        self.clear()
        self.windows, self.elements = [], ()
        x = np.arange(len(total)) if energies is None else energies
        self.x_label = "channel" if energies is None else "energy (keV)"
        # The zero peak of the detector lies below 0.1 keV, and empty channels end the axis.
        used = np.flatnonzero(total > 0)
        last = x[used[-1]] if len(used) else x[-1]
        self.x_limits = (float(x[0]), float(last))
        self._x = x
        self.set_counts(total, "counts, all tilts")

    def set_counts(self, counts: np.ndarray, label: str) -> None:
        """Show the counts (nc,) of another part of the series in the place of those shown."""
        self.y_label = label
        # A channel without a count has a place on a logarithmic axis all the same.
        shown = np.maximum(counts, 0.5) if self.log_y else counts
        self.set("sum", self._x, shown, color="var(--tj-ink, #444)", width=1.2, legend=False)
        self.set_windows(self.windows, self.elements)

    def set_windows(self, windows: Sequence[Window], elements: Sequence[str] = ()) -> None:
        """Draw windows, and the other lines of elements as dots with their names."""
        for name in [n for n in self.marks if n.startswith(("w:", "b:", "l:"))]:
            del self.marks[name]
        self.windows, self.elements = list(windows), elements
        named = {w.name for w in windows}
        for w in windows:
            self.mark(f"w:{w.name}", "band", w.low, x1=w.high, color=w.colour)
            for k in range(0, len(w.beside), 2):
                self.mark(
                    f"b:{w.name}{k}", "band", w.beside[k], x1=w.beside[k + 1], color=w.colour,
                    dash=True,
                )  # fmt: skip
            self._dot(w.name, w.energy, w.colour)
        taken = [w.energy for w in windows]
        for element in elements:
            for family in families_of(element):
                at = int(np.argmax(family.weights))
                name, energy = f"{element}_{family.names[at]}", family.energies_kev[at]
                if name not in named:
                    self._dot(name, energy, GREY, all(abs(energy - e) > self._apart for e in taken))
                    taken.append(energy)
        self.redraw_soon()

    @property
    def _apart(self) -> float:
        """How far two names must lie from each other to be read, in keV."""
        low, high = self.x_limits or (0.0, 1.0)
        return 42 * (high - low) / max(self.paper[0], 1)

    def _dot(self, name: str, energy: float, colour: str, named: bool = True) -> None:
        if "sum" in self.series and self.x_limits and self.x_limits[0] < energy < self.x_limits[1]:
            height = self.series["sum"].y[self.nearest("sum", energy)]
            self.mark(
                f"l:{name}",
                "dot",
                energy,
                height,
                text=line_text(name) if named else "",
                color=colour,
            )

    def _drag(self, x: float, _y: float, done: bool) -> None:
        if self._held is None:
            self._held = self.edge_at(x)
        if self._held is not None:
            self._moved(*self._held, x)
        if done:
            self._held = None

    def edge_at(self, x: float) -> tuple[str, Any] | None:
        """Return the line and the edge that a drag from an energy takes, or None."""
        if not self.x_limits:
            return None
        found = [
            (abs(x - edge), w.name, which)
            for w in self.windows
            for which, edge in [*enumerate(w.beside), ("width", w.low), ("width", w.high)]
        ]
        distance, name, which = min(found, key=lambda f: f[0], default=(np.inf, "", 0))
        reach = GRAB * (self.x_limits[1] - self.x_limits[0])
        return (name, which) if distance <= reach else None


def widths_for(energy: float, edge: float, resolution: float) -> float:
    """Return the width of a window, in widths of the line, whose edge is at an energy."""
    return 2 * abs(edge - energy) / float(width_at(energy, resolution))


def overlaps(windows: Sequence[Window], elements: Sequence[str]) -> list[str]:
    """Return which windows count lines of other elements too, as ``O Kα ... Cr Lα (0.573 keV)``."""
    found = []
    for w in windows:
        own = w.name.partition("_")[0]
        for element in elements:
            if element == own:
                continue
            for family in families_of(element):
                at = int(np.argmax(family.weights))
                energy = family.energies_kev[at]
                if w.low <= energy <= w.high:
                    other = line_text(f"{element}_{family.names[at]}")
                    found.append(f"{line_text(w.name)} overlaps {other} ({energy:.3f} keV)")
    return found
