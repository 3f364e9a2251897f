"""Volumes of the Spectral panel: how all maps are reconstructed, and the table of fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.forms import Form
from tomojupyter.ui.panels.spectral_data import tilts_differ
from tomojupyter.ui.panels.spectral_results import FractionsTable
from tomojupyter.ui.style import field_row, section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.steps import Step
    from tomojupyter.ui.panels.spectral_data import OpenSpectra
    from tomojupyter.ui.session import Session
    from tomojupyter.ui.timeline import Node

NONE, SERIES = "none", "series"
ALIGNS = ("stack_register", "tilt_align", "align_other")


class VolumesForm(widgets.VBox):
    """Alignment, guide, method and its parameters for all maps together; and what came of it.

    Parameters
    ----------
    changed
        Called when anything was chosen.
    """

    def __init__(self, changed: Callable[[], Any]) -> None:
        self._offered: tuple[Node | None, OpenSpectra | None] = (None, None)
        self._chosen = False
        self._quiet = False
        self._changed = changed
        self.align = widgets.Dropdown(options=[("none, as they are", NONE)])
        self.align.add_class("tj-spectral-align")
        self.align.tooltip = "Its alignment is applied to every map"
        self.guide = widgets.Checkbox(False, indent=False, disabled=True)
        self.guide.description = "it guides the edges"
        self.guide.tooltip = "Edges of that series help to find those of the elements (TNV)"
        self.guide.add_class("tj-spectral-guide")
        self.series = widgets.Button(description="Align by the sum", icon="crosshairs")
        self.series.tooltip = "Make the counts of all channels the series of the app"
        self.series.add_class("tj-spectral-sum")
        self.form = Form(("reconstruct",), "spectral", hidden=("guide", "start", "mask"))
        self.form.choose("TNV")
        self.explore = widgets.Button(description="Look in Explore", icon="cube")
        self.explore.add_class("tj-spectral-explore")
        self.explore.layout.display = "none"
        self.fractions = FractionsTable()
        self.align.observe(lambda _: self._aligned_by(), "value")
        self.guide.observe(lambda _: changed(), "value")
        self.form.on_change(self._method_changed)
        super().__init__(
            [
                self.fractions,
                widgets.HBox([self.explore]).add_class("tj-buttons"),
                widgets.HTML(section("Alignment from", "a series of the same tilts")),
                field_row("Series", self.align),
                field_row("", self.guide),
                widgets.HBox([self.series]).add_class("tj-buttons"),
                widgets.HTML(section("Reconstruction", "of all maps")),
                self.form.widget,
            ]
        )
        self.add_class("tj-part")

    def set_series(
        self, session: Session, spectra: OpenSpectra | None, tilts: Sequence[float] | None
    ) -> None:
        """Offer the series of the app; it is taken where it fits and is aligned."""
        node = session.cursor.stack if session.cursor else None
        self.series.disabled = spectra is None or tilts is None
        if (node, spectra) == self._offered:
            return
        before, self._offered = self._offered, (node, spectra)
        options = [("none, as they are", NONE)]
        fits = aligned = beside = False
        if node is not None:
            options.append((f"{session.name} (in the app)", SERIES))
            theirs = [float(t) for t in node.signal.tilts.data.ravel()]
            fits = tilts is not None and not tilts_differ(tilts, theirs, "")
            aligned = any(r["operation"] in ALIGNS for r in node.records)
            beside = spectra is not None and node.root.signal is spectra.beside
        if spectra is not before[1]:
            self._chosen = False
        wanted = self.align.value if self._chosen else SERIES if fits and aligned else NONE
        self._quiet = True
        self.align.options = options
        self.align.value = wanted if node is not None else NONE
        self._quiet = False
        if spectra is not before[1] or _root(node) is not _root(before[0]):
            # Dark-field images that came with the spectra show edges; their own sum does not.
            self.guide.value = fits and beside
        self._limit()

    def _aligned_by(self) -> None:
        if not self._quiet:
            self._chosen = True
            self._changed()

    def _method_changed(self) -> None:
        self._limit()
        self._changed()

    def _limit(self) -> None:
        self.guide.disabled = self._offered[0] is None or not self.form.cls.together

    @property
    def guided(self) -> bool:
        """Whether the series of the app guides the edges."""
        return bool(self.guide.value and not self.guide.disabled)

    @property
    def uses_series(self) -> bool:
        """Whether the series of the app has a part in it."""
        return self.align.value == SERIES or self.guided

    def step(self) -> Step:
        """Return the Step of the reconstruction."""
        return self.form.step()

    def show_results(
        self, volumes: Mapping[str, Any], fractions: Any, colours: Mapping[str, str]
    ) -> None:
        """Show the table of fractions."""
        self.fractions.set(fractions, colours)
        self.explore.layout.display = "" if volumes else "none"


def _root(node: Node | None) -> Node | None:
    return node.root if node is not None else None
