"""Components of the Spectral panel: how many there are, what they are called, which are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter import spectral
from tomojupyter.ui.forms import Form
from tomojupyter.ui.panels.explore_overlay import COLOURS
from tomojupyter.ui.panels.spectral_lines import MORE_COLOURS, MOST_SHOWN
from tomojupyter.ui.style import section
from tomojupyter.ui.views.curves import Curve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomojupyter.steps import Step

PALETTE = (*COLOURS, *MORE_COLOURS)


class ComponentsForm(widgets.VBox):
    """The number of components, the scree that proposes it, and the table of those found.

    Parameters
    ----------
    changed
        Called when the Step changed.
    recoloured
        Called when a component was kept, left out or renamed.
    """

    def __init__(self, changed: Callable[[], Any], recoloured: Callable[[], Any]) -> None:
        self._recoloured = recoloured
        self.found: dict[str, Any] = {}
        self.boxes: dict[str, widgets.Checkbox] = {}
        self.texts: dict[str, widgets.Text] = {}
        self.form = Form(
            ("decompose",), "spectral", hidden=("tilts", "elements"),
            labels={"NMF": "Poisson-weighted NMF"},
        )  # fmt: skip
        self.form.on_change(changed)
        self.scree = Curve("", "component", "eigenvalue", height="140px")
        self.scree.log_y = True
        self.scree.layout.display = "none"
        self.table = widgets.VBox().add_class("tj-spectral-components")
        self.head = widgets.HTML(section("How many components?", "Make maps counts them"))
        super().__init__([self.head, self.scree, self.form.widget, self.table])
        self.add_class("tj-part")

    def step(self, tilts: tuple[float, ...] | None) -> Step:
        """Return the Step."""
        return self.form.step().replace(tilts=tilts)  # type: ignore[call-arg]

    def set(self, found: Mapping[str, Any]) -> None:
        """Show the components that were found; nothing takes them away."""
        self.found = dict(found)
        self.boxes, self.texts = {}, {}
        if not self.found:
            self.table.children = []
            self.scree.layout.display = "none"
            self.head.value = section("How many components?", "Make maps counts them")
            return
        values, edge, proposed = spectral.scree(self.found)
        self._draw(values, edge, proposed)
        rows: list[widgets.Widget] = [widgets.HTML(section("Components", "keep and name"))]
        self.table.children = [*rows, *(self._row(k, n) for k, n in enumerate(self.found))]

    def _draw(self, values: np.ndarray, edge: float, proposed: int) -> None:
        self.head.value = section("How many components?", f"proposed: {proposed}")
        shown = values[: max(12, proposed + 4)]
        numbers = np.arange(1, len(shown) + 1)
        taken = len(self.found)
        self.scree.layout.display = ""
        self.scree.clear()
        self.scree.set("all", numbers, shown, color="#9aa4ae", width=1, legend=False)
        self.scree.set(
            "taken", numbers[:taken], shown[:taken], style="points", color="#0072B2", legend=False
        )
        self.scree.set(
            "left", numbers[taken:], shown[taken:], style="points", color="#9aa4ae", legend=False
        )
        self.scree.mark("edge", "y", edge, edge)
        self.scree.mark(
            "proposed", "x", proposed + 0.5, text=f"proposed: {proposed}", color="#009E73",
            dash=True,
        )  # fmt: skip
        self.scree.redraw()

    def _row(self, number: int, name: str) -> widgets.Widget:
        keep = widgets.Checkbox(name != "background", indent=False)
        keep.tooltip = f"Keep {name}: it is reconstructed"
        keep.add_class(f"tj-spectral-keep-{number}")
        text = widgets.Text(name, continuous_update=False)
        text.tooltip = "Its name, from the lines it carries"
        colour = self.colour(name)
        chip = widgets.HTML(f'<i class="tj-swatch" style="background:{colour}"></i>')
        self.boxes[name], self.texts[name] = keep, text
        keep.observe(lambda _: self._recoloured(), "value")
        text.observe(lambda _: self._recoloured(), "value")
        counts = widgets.HTML(f"<span>{float(self.found[name].data.mean()):.2f}</span>")
        counts.tooltip = "mean counts/px"
        return widgets.HBox([keep, chip, text, counts]).add_class("tj-spectral-component")

    def colour(self, name: str) -> str:
        """Return the colour of a component."""
        return PALETTE[list(self.found).index(name) % len(PALETTE)]

    @property
    def colours(self) -> dict[str, str]:
        """Colours of all components, by the names that a person gave them."""
        return {self.texts[n].value.strip() or n: self.colour(n) for n in self.found}

    @property
    def kept(self) -> dict[str, Any]:
        """The components that are kept, by the names that a person gave them."""
        return {
            self.texts[name].value.strip() or name: stack
            for name, stack in self.found.items()
            if self.boxes[name].value
        }

    @property
    def shown(self) -> list[tuple[str, Any, str]]:
        """Name, maps and colour of those that are drawn in colours."""
        kept = [(n, s) for n, s in self.found.items() if self.boxes[n].value][:MOST_SHOWN]
        return [(self.texts[n].value.strip() or n, s, self.colour(n)) for n, s in kept]

    def problem(self) -> str:
        """Return why the kept ones cannot be reconstructed, as a sentence, or nothing."""
        if not self.found:
            return ""
        names = [self.texts[n].value.strip() or n for n in self.found if self.boxes[n].value]
        if not names:
            return "Keep a component: none is ticked."
        if len(set(names)) < len(names):
            return "Two components have the same name: rename one."
        return ""
