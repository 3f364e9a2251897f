"""Lines of the Spectral panel: the table of elements, and how their counts are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import ParameterError, TomojupyterError
from tomojupyter.numerics.spectral.shapes import width_at
from tomojupyter.numerics.spectral.windows import window_row
from tomojupyter.steps.line_maps import LineFit
from tomojupyter.steps.spectra import lines_in_range
from tomojupyter.steps.xray_lines import families_of, line, line_text, near
from tomojupyter.ui.forms import Form
from tomojupyter.ui.panels.explore_overlay import COLOURS
from tomojupyter.ui.panels.spectral_plot import (
    Window,
    overlaps,
    widths_for,
    window_of,
)
from tomojupyter.ui.style import section, sentence
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.steps import Step
    from tomojupyter.ui.panels.spectral_data import OpenSpectra

MORE_COLOURS = ("#0072B2", "#D55E00", "#F0E442", "#999999")
MOST_SHOWN = 4
"""Colours that an overlay adds, at most."""
MOST_LINES = 8
FEW = 1.0
"""Counts per px below which a map of one line is mostly noise."""


@dataclass
class Row:
    """A line of the table."""

    name: str
    colour: str
    shown: bool = True
    beside: tuple[float, ...] | None = None


class LinesForm(widgets.VBox):
    """Which lines are mapped, in which colours, and above which background.

    Parameters
    ----------
    changed
        Called when lines, windows or the method changed.
    recoloured
        Called when a line was only shown or hidden.
    """

    def __init__(self, changed: Callable[[], Any], recoloured: Callable[[], Any]) -> None:
        self._changed, self._recoloured = changed, recoloured
        self.rows: list[Row] = []
        self.spectra: OpenSpectra | None = None
        self.counts: dict[str, float] = {}
        self.form = Form(
            ("line_maps",), "spectral", hidden=("tilts", "lines", "background"),
            labels={
                "fit": "fit of all known lines", "windows": "windows", "widths": "Window",
                "positive": "No negative counts",
            },
        )  # fmt: skip
        self.form.choose("fit")
        self.form.on_change(self._redo)
        self.bare = widgets.Checkbox(description="take no background off", indent=False)
        self.bare.add_class("tj-spectral-bare")
        self.bare.layout.display = "none"
        self.bare.observe(lambda _: self._redo(), "value")
        self.table = widgets.VBox().add_class("tj-spectral-lines")
        self.eyes: dict[str, widgets.Button] = {}
        self.removes: dict[str, widgets.Button] = {}
        self.choices: dict[str, widgets.Dropdown] = {}
        self.add = widgets.Combobox(placeholder="add: Ni, or Ni_Ka", ensure_option=False)
        self.add.continuous_update = False
        self.add.add_class("tj-spectral-add")
        self.add.observe(self._typed, "value")
        self.says = widgets.HTML().add_class("tj-spectral-says")
        self.near = widgets.HBox().add_class("tj-buttons").add_class("tj-wrap")
        self.candidates: dict[str, widgets.Button] = {}
        super().__init__(
            [
                widgets.HTML(section("Elements", "counts/px above background")),
                self.table,
                self.add,
                self.says,
                self.near,
                self.form.widget,
                self.bare,
            ]
        )
        self.add_class("tj-part")

    # ------------------------------------------------------------------ lines

    def set(self, spectra: OpenSpectra | None) -> None:
        """Begin with the main line of each element that the spectra name."""
        self.spectra = spectra
        self.rows = []
        self.says.value = ""
        self.near.children = []
        if spectra is not None and not spectra.problem:
            for name in usual_lines(spectra)[:MOST_LINES]:
                self.rows.append(Row(name, self._colour(), len(self.rows) < MOST_SHOWN))
            elements = spectra.spectra.elements
            self.add.options = tuple(elements)
        self._redo()

    def _colour(self) -> str:
        taken = {row.colour for row in self.rows}
        free = [c for c in (*COLOURS, *MORE_COLOURS) if c not in taken]
        return free[0] if free else "#FFFFFF"

    @property
    def colours(self) -> dict[str, str]:
        """Colours of the lines."""
        return {row.name: row.colour for row in self.rows}

    @property
    def names(self) -> tuple[str, ...]:
        """The lines, in order."""
        return tuple(row.name for row in self.rows)

    def add_line(self, name: str) -> None:
        """Add a line, or the main line of an element.

        Raises
        ------
        ParameterError
            If there is no such line within the spectra, with a sentence.
        """
        if self.spectra is None or self.spectra.problem:
            return
        text = name.strip().replace(" ", "_")
        if "_" not in text:
            text = main_line(text, self.spectra)
        line(text)
        element = text.partition("_")[0]
        lines_in_range({element: None}, self.spectra.spectra.energies)
        same = next((row for row in self.rows if row.name.partition("_")[0] == element), None)
        if same is not None:
            same.name, same.beside = text, None
        elif len(self.rows) < MOST_LINES:
            shown = sum(row.shown for row in self.rows) < MOST_SHOWN
            self.rows.append(Row(text, self._colour(), shown))
        self._redo()

    def remove(self, name: str) -> None:
        """Take a line out of the table."""
        self.rows = [row for row in self.rows if row.name != name]
        hidden = [row for row in self.rows if not row.shown]
        for row in hidden[: MOST_SHOWN - (len(self.rows) - len(hidden))]:
            row.shown = True
        self._redo()

    def look(self, name: str) -> None:
        """Show a line in colours, or hide it; of five the one longest there makes room."""
        row = next(row for row in self.rows if row.name == name)
        row.shown = not row.shown
        shown = [r for r in self.rows if r.shown and r is not row]
        if row.shown and len(shown) >= MOST_SHOWN:
            shown[0].shown = False
        self._fill()
        self._recoloured()

    def _typed(self, change: dict[str, Any]) -> None:
        if not change["new"].strip():
            return
        try:
            self.add_line(change["new"])
            self.says.value = ""
        except TomojupyterError as error:
            self.says.value = _sentence(error)
            return
        self.add.value = ""

    def offer(self, energy: float) -> None:
        """List what a peak at an energy may be; a click adds it."""
        if self.spectra is None or self.spectra.problem:
            return
        within = (
            float(width_at(energy, self.spectra.spectra.resolution)) / 2 if energy > 0 else 0.05
        )
        found = near(energy, within)[:6]
        self.candidates = {}
        for name, at in found:
            button = widgets.Button(description=f"{line_text(name)} {at:.2f}", icon="plus")
            button.tooltip = f"Map {line_text(name)}"
            button.on_click(lambda _, name=name: self._take(name))
            self.candidates[name] = button
        text = "may be" if found else "no line is known there"
        self.says.value = f"<p>{energy:.2f} keV: {text}</p>"
        self.near.children = list(self.candidates.values())

    def _take(self, name: str) -> None:
        try:
            self.add_line(name)
        except TomojupyterError as error:
            self.says.value = _sentence(error)

    # ------------------------------------------------------------------ windows

    @property
    def widths(self) -> float:
        """Width of a line's window, in widths of the line."""
        if self.form.cls is LineFit or self.form.problem():
            return 2.0
        return float(self.form.fields["widths"].value)

    @property
    def windows(self) -> list[Window]:
        """Windows of all lines; a fit has none, but its preview is made with them."""
        if self.spectra is None or self.spectra.problem:
            return []
        bare = self.bare.value and self.form.cls is not LineFit
        return [
            window_of(
                row.name, row.colour, self.spectra.spectra.resolution, self.widths,
                () if bare else row.beside,
            )
            for row in self.rows
        ]  # fmt: skip

    def move(self, name: str, edge: Any, energy: float) -> None:
        """Move an edge of a window to an energy in keV; the method becomes windows."""
        if self.spectra is None:
            return
        window = next(w for w in self.windows if w.name == name)
        if self.form.cls is LineFit:
            self.form.choose("windows")
        if edge == "width":
            wide = widths_for(window.energy, energy, self.spectra.spectra.resolution)
            self.form.controls["widths"].value = round(max(0.3, wide), 2)
            return
        beside = list(window.beside)
        beside[edge] = round(energy, 3)
        if beside[0] < beside[1] and beside[2] < beside[3]:
            row = next(row for row in self.rows if row.name == name)
            row.beside = tuple(beside)
            self._redo()

    def row_of(self, window: Window) -> np.ndarray:
        """Return the weights of the channels for the preview of a map."""
        assert self.spectra is not None
        spectra = self.spectra.spectra
        return window_row(
            spectra.energies, window.energy, spectra.resolution, self.widths, window.beside
        )

    def step(self, tilts: tuple[float, ...] | None) -> Step:
        """Return the Step."""
        step = self.form.step().replace(lines=self.names, tilts=tilts)  # type: ignore[call-arg]
        if self.form.cls is LineFit:
            return step
        own = any(row.beside for row in self.rows)
        if own or self.bare.value:
            return step.replace(background=tuple(w.beside for w in self.windows))  # type: ignore[call-arg]
        return step

    def cautions(self) -> list[str]:
        """Return what a person should know of these lines, as sentences."""
        if self.spectra is None or self.spectra.problem:
            return []
        notes = []
        if self.form.cls is not LineFit:
            mapped = [name.partition("_")[0] for name in self.names]
            elements = tuple(dict.fromkeys([*self.spectra.spectra.elements, *mapped]))
            notes += [
                f"{text}. Take the fit, which tells them apart, or components."
                for text in overlaps(self.windows, elements)[:2]
            ]
        few = [n for n in self.names if self.counts.get(n, FEW) < FEW]
        if few:
            least = min(few, key=lambda n: self.counts[n])
            names = ", ".join(line_text(n) for n in few)
            notes.append(
                f"{names}: {number_text(self.counts[least], 2)} counts/px or fewer. Rebin, let TNV "
                "couple the maps, or use components."
                if len(few) == 1
                else f"{names}: less than {FEW:g} count/px. Rebin, let TNV couple the maps, or use "
                "components."
            )
        return notes

    # ------------------------------------------------------------------ table

    def _redo(self) -> None:
        self.counts = {}
        if self.spectra is not None and not self.spectra.problem:
            pixels = float(np.prod(self.spectra.shape))
            for window in self.windows:
                try:
                    net = float(self.row_of(window) @ self.spectra.total)
                except ParameterError:  # a window without a channel: the Step says so
                    continue
                self.counts[window.name] = net / pixels
        self.bare.layout.display = "none" if self.form.cls is LineFit else ""
        self._fill()
        self._changed()

    def _fill(self) -> None:
        self.eyes, self.removes, self.choices = {}, {}, {}
        self.table.children = [self._line(row) for row in self.rows]
        self.table.layout.display = "" if self.rows else "none"

    def _line(self, row: Row) -> widgets.Widget:
        assert self.spectra is not None
        element, which, energy = line(row.name)
        eye = widgets.Button(icon="eye" if row.shown else "eye-slash")
        eye.tooltip = f"{'Hide' if row.shown else 'Show'} {element} in colours"
        eye.add_class(f"tj-spectral-eye-{element.lower()}")
        eye.on_click(lambda _: self.look(row.name))
        chip = widgets.HTML(f'<i class="tj-swatch" style="background:{row.colour}"></i>')
        found = lines_in_range({element: None}, self.spectra.spectra.energies)[element]
        options = list(dict.fromkeys([which, *(_main(f) for f in found)]))
        texts = [(line_text(f"{element}_{o}").partition(" ")[2], o) for o in sorted(options)]
        choice = widgets.Dropdown(options=texts, value=which)
        choice.tooltip = f"Line of {element}"
        choice.observe(lambda change: self._take(f"{element}_{change['new']}"), "value")
        remove = widgets.Button(icon="times", tooltip=f"Take {element} out")
        remove.on_click(lambda _: self.remove(row.name))
        self.eyes[row.name], self.choices[row.name] = eye, choice
        self.removes[row.name] = remove
        counts = self.counts.get(row.name)
        facts = (
            f"<span>{energy:.3f}</span><span>{'–' if counts is None else f'{counts:.2f}'}</span>"
        )
        parts = [eye, chip, widgets.HTML(f"<b>{element}</b>"), choice, widgets.HTML(facts), remove]
        return widgets.HBox(parts).add_class("tj-spectral-line")


def _main(family: Any) -> str:
    return str(family.names[int(np.argmax(family.weights))])


def main_line(element: str, spectra: OpenSpectra) -> str:
    """Return the line of an element that is mapped by default: the lowest above 1 keV."""
    families_of(element)
    found = lines_in_range({element: None}, spectra.spectra.energies)[element]
    above = [f for f in found if f.energies_kev[0] > 1.0] or found
    family = min(above, key=lambda f: f.energies_kev[int(np.argmax(f.weights))])
    return f"{element}_{_main(family)}"


def usual_lines(spectra: OpenSpectra) -> list[str]:
    """Return the main lines of the elements that the spectra name, the most counts first."""
    if spectra.lines:
        return list(spectra.lines)
    names = [main_line(element, spectra) for element in spectra.spectra.elements]
    axis, resolution = spectra.spectra.energies, spectra.spectra.resolution

    def counts(name: str) -> float:
        try:
            return float(window_row(axis, line(name)[2], resolution) @ spectra.total)
        except ParameterError:  # too near to an end of the axis
            return 0.0

    return sorted(names, key=counts, reverse=True)


def _sentence(error: Exception) -> str:
    return sentence(f"{capital(str(error))}.", "error")
