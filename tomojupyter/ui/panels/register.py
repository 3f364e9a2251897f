"""Register: take out the drift between the images of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np

from tomojupyter.steps import run
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.style import section
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.views.texts import number_text, tilt_text
from tomojupyter.ui.words import pixel_nm, seconds_text, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session

MODES = ("difference", "flicker", "overlay")
OTHERS = ("previous", "next", "start")
FLICKER_S = 1 / 3


class RegisterPanel(OperationPanel):
    """Register the images of a series to each other."""

    panel = "register"
    title = "Register"
    purpose = "Take out the drift between frames. Good: flicker shows the specimen turn, not jump."
    hint = "take out the drift"
    icon = "arrows-alt"
    operations = ("stack_register",)
    hidden = ("cuda",)
    labels: ClassVar[Mapping[str, str]] = {
        "conserve_mass": "keep the mass of columns",
        "upsample_factor": "Upsampling",
        "xrange": "Columns",
        "p": "Reach in x",
        "nslices": "Slices",
        "com_ref_index": "Mass as in",
        "cl_ref_index": "Line as in",
        "cl_resolution": "Line search to",
        "cl_div_factor": "Search parts",
    }
    preview_text = "Preview"

    def build(self) -> Sequence[widgets.Widget]:
        """Return a frame, its comparison with a neighbour, and the plots over tilt."""
        self.view = StackView("Frame").add_class("tj-view-register-1")
        self.other = Picture("Compare").add_class("tj-view-register-2")
        link_pictures(self.view, self.other, contrast=False)
        self.view.on_projection(lambda _: self.soon(self._show_comparison))
        self.shifts = Curve("Shifts applied", "tilt (°)", "shift (px)")
        self.moves = Curve(
            "Taken out between neighbours", "tilt (°)", "movement (px)", subtitle="length of it"
        )
        for curve in (self.shifts, self.moves):
            curve.layout.height = "100%"
            curve.on_click(lambda x, _y: self.view.go_to_tilt(x))
        self._ready: tuple[Any, Step, Any] | None = None
        self._flick_timer: Any = None
        top = widgets.HBox([self.view, self.other]).add_class("tj-row").add_class("tj-wide")
        return [top, widgets.HBox([self.shifts, self.moves]).add_class("tj-row")]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return how frames are compared."""
        self.mode = widgets.ToggleButtons(options=MODES, tooltips=[
            "Dark where both are alike", "One after the other, three times a second",
            "This frame magenta, the other green",
        ]).add_class("tj-register-compare").add_class("tj-segments")  # fmt: skip
        self.neighbour = widgets.Dropdown(options=OTHERS).add_class("tj-register-with")
        self.own_controls |= {"compare": self.mode, "with": self.neighbour}
        for control in (self.mode, self.neighbour):
            control.observe(lambda _: self._show_comparison(), "value")
        self.said = widgets.HTML().add_class("tj-register-said")
        row = widgets.HBox([widgets.Label("With"), self.neighbour]).add_class("tj-field")
        return [widgets.HTML(section("Compare")), self.mode, row, self.said]

    # ------------------------------------------------------------------ showing

    def seen(self) -> Any:
        """Return the series that is shown: the preview where it is up to date."""
        return self._ready[2] if self._is_ready() and self._ready else self.session.signal

    def _is_ready(self) -> bool:
        if self._ready is None or self.form is None or self.form.problem():
            return False
        return self._ready[0] is self.session.signal and self._ready[1] == self.form.step()

    def show(self) -> None:
        """Show the current series, or the preview of it registered."""
        signal = self.seen()
        if signal is None:
            for picture in (self.view, self.other):
                picture.clear("No series yet.")
            return
        tilts = tilts_of(signal) if tilts_known(signal) else None
        self.view.set(
            signal.data, tilts, pixel_nm(signal),
            excluded=signal.excluded, reasons=signal.excluded_reason,
        )  # fmt: skip
        self.view.subtitle = "preview" if self._is_ready() else ""
        self.other.pixel_nm = pixel_nm(signal)
        self._plot(signal)
        self._show_comparison()

    def changed(self) -> None:
        """Show the registered preview only as long as it is what the form says."""
        if self._ready is not None and not self._is_ready():
            self._ready = None
            self.show()

    def _plot(self, signal: Any) -> None:
        tilts = tilts_of(signal)
        order = np.argsort(tilts, kind="stable")
        shifts = np.asarray(signal.shifts.data, float)[order]
        for k, name in ((1, "x"), (0, "y")):
            self.shifts.set(name, tilts[order], shifts[:, k], style="both")
        length = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
        self.moves.set("between", tilts[order][1:], length, style="bars")
        worst = int(np.argmax(length)) if len(length) else 0
        self.said.value = (
            f"<p>Largest movement taken out: {number_text(length[worst], 2)} px, before "
            f"{tilt_text(tilts[order][worst + 1])}.</p>"
            if len(length) and length[worst] > 0 else "<p>Nothing is registered yet.</p>"
        )  # fmt: skip

    def _partner(self, projection: int) -> int:
        """Return the projection to compare with, by tilt."""
        order = np.argsort(tilts_of(self.seen()), kind="stable")
        at = int(np.flatnonzero(order == projection)[0])
        if self.neighbour.value == "start":
            return int(order[len(order) // 2])
        step = -1 if self.neighbour.value == "previous" else 1
        inside = 0 <= at + step < len(order)
        return int(order[at + step if inside else at - step]) if len(order) > 1 else projection

    def _show_comparison(self) -> None:
        """Draw the comparison of the shown frame with its neighbour."""
        self._stop_flicker()
        signal = self.seen()
        if signal is None or not self.active:
            return
        mine = self.view.projection
        other = self._partner(mine)
        images = [np.asarray(signal.data[i], np.float32) for i in (mine, other)]
        tilts = tilts_of(signal)
        self.other.subtitle = f"{self.mode.value} with {tilt_text(tilts[other])} #{other}"
        limits = percentiles(images[0])
        if self.mode.value == "overlay":
            self.other.cmap = "gray"
            self.other.show(overlay(images[0], images[1], limits))
        elif self.mode.value == "difference":
            self.other.cmap = "berlin"
            self.other.show(images[0] - images[1])
            half = (limits[1] - limits[0]) / 4
            self.other.contrast(-half, half)
        else:
            self.other.cmap = "gray"
            self.other.show(images[0])
            self.other.contrast(*limits)
            self._flick(images, 1)

    def _flick(self, images: list[np.ndarray], turn: int) -> None:
        """Show one frame after the other while flicker is chosen and the panel is seen."""
        loop = running_loop()
        if loop is None or not self.active or self.mode.value != "flicker":
            return
        self.other.show(images[turn])
        self._flick_timer = loop.call_later(FLICKER_S, self._flick, images, 1 - turn)

    def _stop_flicker(self) -> None:
        if self._flick_timer is not None:
            self._flick_timer.cancel()
            self._flick_timer = None

    # ------------------------------------------------------------------ doing

    def preview(self) -> None:
        """Register in the background, without a record, and show what comes out."""
        signal, step = self.session.signal, self.steps()[0]

        def work(monitor: Monitor) -> Any:
            made = run(signal, step, monitor, **self.session.options)
            _ = made.data
            return made

        def done(result: Result) -> None:
            self._ready = signal, step, result.value
            took = seconds_text(result.seconds)
            self.session.say(f"Preview of {step.method}, {took}. Apply keeps it.", "good")
            self.show()

        self.session.start(f"{step.method} preview", work, done)

    def _apply(self) -> None:
        ready = self._ready[2] if self._is_ready() and self._ready else None
        self.session.apply(*self.steps(), label=self.title, then=self._applied, ready=ready)

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the method and the largest shift."""
        if not records:
            return super().result_line(session, records)
        shifts = np.abs(records[-1]["scalars"]["shifts"])
        return f"{records[-1]['method']}, up to {number_text(float(shifts.max()), 2)} px"


def overlay(mine: np.ndarray, other: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return two images as one in colours, uint8 (ny, nx, 3): magenta and green, white together."""
    low, high = limits
    scaled = [
        np.nan_to_num(255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)
        for image in (mine, other)
    ]
    return np.stack([scaled[0], scaled[1], scaled[0]], axis=-1)
