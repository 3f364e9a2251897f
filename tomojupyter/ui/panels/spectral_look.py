"""What the Spectral panel shows: the spectrum of which part, on which axis, and the residual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter import spectral
from tomojupyter.steps.run import run
from tomojupyter.ui.panels.spectral_data import Region
from tomojupyter.ui.style import section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.panels.spectral_data import OpenSpectra
    from tomojupyter.ui.panels.spectral_views import MapsView
    from tomojupyter.ui.session import Session
    from tomojupyter.ui.views.curves import Curve
    from tomojupyter.ui.views.stack import StackView

ALL, TILT, BOX = "all", "tilt", "box"
LOG, LINEAR = "log", "linear"


class LookForm(widgets.VBox):
    """Which spectrum is drawn, on a logarithmic axis or not, and whether the residual is shown.

    Parameters
    ----------
    session
        Of the app.
    overlay
        The picture that the tilt is chosen in, and a box drawn.
    moved
        Called when another spectrum is wanted.
    changed
        Called when the axis, or what the overlay shows, changed.
    """

    def __init__(
        self,
        session: Session,
        overlay: StackView,
        moved: Callable[[], Any],
        changed: Callable[[], Any],
    ) -> None:
        self._session, self._overlay = session, overlay
        self._moved, self._changed = moved, changed
        self._spectra: OpenSpectra | None = None
        self._maps: dict[str, Any] = {}
        self._steps: tuple[Step, ...] = ()
        self._box: tuple[int, int, int, int] | None = None
        self.found: spectral.Residual | None = None
        parts = [("the whole series", ALL), ("the tilt that is seen", TILT), ("a box in it", BOX)]
        self.of = widgets.Dropdown(options=parts).add_class("tj-spectral-of")
        self.of.tooltip = "A box is drawn into the overlay"
        self.scale = widgets.ToggleButtons(options=(LOG, LINEAR), tooltips=["", ""])
        self.scale.add_class("tj-segments").add_class("tj-spectral-scale")
        self.left = widgets.ToggleButton(description="Show the residual", icon="adjust")
        self.left.add_class("tj-spectral-residual")
        self.of.observe(lambda _: self._of_changed(), "value")
        self.scale.observe(lambda _: changed(), "value")
        self.left.observe(lambda change: self._toggled(change["new"]), "value")
        overlay.on_rect(self.draw_box)
        overlay.on_projection(lambda _: self.of.value != ALL and self._moved())
        super().__init__(
            [
                widgets.HTML(section("Look")),
                widgets.Box([widgets.Label("Spectrum of"), self.of]).add_class("tj-field"),
                widgets.Box([widgets.Label("Axis"), self.scale]).add_class("tj-field"),
                widgets.HBox([self.left]).add_class("tj-buttons"),
            ]
        )
        self.add_class("tj-part")
        self.set(None)

    def set(self, spectra: OpenSpectra | None) -> None:
        """Begin with other spectra, or none."""
        self._spectra, self._box = spectra, None
        self._overlay.take("box")
        self.of.value = ALL
        self.set_maps({}, ())

    def set_maps(self, maps: Mapping[str, Any], steps: Sequence[Step]) -> None:
        """Take the maps whose residual can be asked for, and the Steps that made them."""
        self._maps, self._steps, self.found = dict(maps), tuple(steps), None
        self.left.value = False
        windows = bool(steps) and steps[0].method == "windows"
        self.left.disabled = not maps or windows
        self.left.tooltip = (
            "Windows say nothing of the counts outside of them: take the fit or components"
            if windows
            else "Where, and at which energies, maps do not explain the spectra"
            if maps
            else "Make maps first"
        )

    @property
    def logarithmic(self) -> bool:
        """Whether counts have a logarithmic axis."""
        return bool(self.scale.value == LOG)

    @property
    def shown(self) -> spectral.Residual | None:
        """The residual, where it is to be seen."""
        return self.found if self.left.value else None

    # ------------------------------------------------------------------ spectrum

    def draw(
        self, views: MapsView, scree: Curve, tilts: tuple[float, ...] | None, factor: int
    ) -> None:
        """Draw the spectrum of the region, and the scree on the same kind of axis."""
        scree.log_y = self.logarithmic
        scree.redraw()
        views.set_spectrum(self.region, self.logarithmic, tilts, factor)

    @property
    def region(self) -> Region:
        """The part whose spectrum is drawn; the whole tilt until a box was drawn."""
        if self.of.value == ALL:
            return Region()
        return Region(self._overlay.projection, self._box if self.of.value == BOX else None)

    def draw_box(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Take a box, half-open, in px of what the overlay shows."""
        if self._spectra is None or self.of.value != BOX or x1 <= x0 or y1 <= y0:
            return
        self._box = (x0, y0, x1, y1)
        self._overlay.put(
            {
                "kind": "rectangle", "id": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1,
                "handles": True, "drag": True, "text": f"{x1 - x0} × {y1 - y0} px",
            }
        )  # fmt: skip
        self._moved()

    def _of_changed(self) -> None:
        boxed = self.of.value == BOX
        self._overlay.mode = "crop" if boxed else "none"
        if not boxed:
            self._overlay.take("box")
        elif self._box is not None:
            self.draw_box(*self._box)
        self._moved()

    # ------------------------------------------------------------------ residual

    def _toggled(self, wanted: bool) -> None:
        if not wanted or self.found is not None:
            self._changed()
            return
        assert self._spectra is not None
        signal, maps, steps = self._spectra.signal, self._maps, self._steps

        def work(monitor: Monitor) -> spectral.Residual:
            # Maps that were binned since have no pixel of the spectra.
            made = maps if len(steps) == 1 else run(signal, steps[0], monitor)
            return spectral.residual(signal, made, monitor=monitor)

        def done(result: Result) -> None:
            self.found = result.value
            share = 100 * float((self.found.maps.data > 3).mean())
            self._session.say(
                f"{share:.1f} % of the spectra lie more than 3 standard deviations above noise.",
                "good",
            )
            self._changed()

        def failed(_text: str) -> None:
            self.left.value = False

        if not self._session.start("Residual", work, done, failed=failed):
            self.left.value = False
