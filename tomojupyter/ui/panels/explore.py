"""Explore: look through the reconstruction, in slices and in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
from scipy import ndimage

from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.filter import histogram
from tomojupyter.ui.style import section
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.ortho import OrthoView
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.views.volume import VolumeView
from tomojupyter.ui.words import pixel_nm, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.ui.session import Session

PREVIEW_PX = 128
SAMPLES = 2_000_000


class ExplorePanel(OperationPanel):
    """Look through a reconstruction; nothing is changed or recorded here."""

    panel = "explore"
    title = "Explore"
    purpose = (
        "Look through the volume, in slices and in 3D. "
        "Good: edges are sharp, and the same in all three directions."
    )
    hint = "slices and 3D"
    icon = "cube"
    needs = "RecStack"

    def __init__(self, signal: Any = None, height: int = 600) -> None:
        super().__init__(signal, height)
        for part in (self.apply, self.reset, self.record):
            part.layout.display = "none"

    def build(self) -> Sequence[widgets.Widget]:
        """Return three slices and the 3D view, the histogram and a profile."""
        self.view3d = VolumeView(PREVIEW_PX).add_class("tj-view-explore-4")
        self.ortho = OrthoView(self.view3d)
        for number, picture in enumerate(self.ortho.pictures.values(), 1):
            picture.add_class(f"tj-view-explore-{number}")
            picture.on_line(self._profile_along(picture.title))
        self.ortho.on_move(lambda *_: self._read())
        self.histogram = Curve(
            "Histogram", "value", subtitle="% of the voxels, log scale", log_y=True
        )
        self.profile = Curve(
            "Line profile", "distance (px)", "value", subtitle="Shift + drag on a slice"
        )
        low = widgets.HBox([self.histogram, self.profile]).add_class("tj-row").add_class("tj-low")
        low.layout.height = "170px"
        self._shown: Any = None
        self._in_3d: Any = None
        return [self.ortho, low]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the run, the point, averaging, the 3D buttons and saving."""
        self.run = widgets.Dropdown(options=[("none yet", None)]).add_class("tj-explore-run")
        self.average = widgets.BoundedIntText(1, min=1, max=64).add_class("tj-explore-average")
        self.readout = widgets.HTML().add_class("tj-explore-readout")
        self.to_3d = self._button("Show in 3D", "cube", "3d", self.show_3d)
        self.full = self._button("Full size", "expand", "full", self._show_full)
        self.store = self._button("Save volume", "save", "save", self.session.save)
        self.own_controls |= {"run": self.run, "average": self.average}
        self.run.observe(self._choose, "value")
        self.average.observe(lambda _: self._average_changed(), "value")
        return [
            widgets.HTML(section("Look")),
            _field("Run", self.run),
            _field("Average", self.average, "slices"),
            self.readout,
            widgets.HTML(section("3D")),
            widgets.HBox([self.to_3d, self.full]).add_class("tj-buttons"),
            widgets.HTML(
                "<p>Drag turns, wheel zooms. Keys on a slice: T F S 3 make one view large.</p>"
            ).add_class("tj-heading"),
            widgets.HTML(section("Keep")),
            widgets.HBox([self.store]).add_class("tj-buttons"),
        ]

    def show(self) -> None:
        """Show the chosen reconstruction."""
        volume = self.session.volume
        self._list_runs(volume)
        for button in (self.to_3d, self.full, self.store):
            button.disabled = volume is None
        if volume is None:
            for picture in self.ortho.pictures.values():
                picture.clear("No reconstruction yet.")
            self.view3d.clear("No reconstruction yet.")
            self.readout.value = ""
            return
        if volume is self._shown:
            return
        data = np.asarray(volume.data)
        self.ortho.set(data, pixel_nm(volume), keep_view=self._shown is not None)
        self._shown = volume
        step = max(1, round((data.size / SAMPLES) ** (1 / 3)))
        values, counts = histogram(data[::step, ::step, ::step])
        self.histogram.set("volume", values, 100 * counts / np.nansum(counts))
        nx, nz, _ny = data.shape
        self._profile_along("Front")(0, nz // 2, nx - 1, nz // 2)
        self.full.description = f"Full size ({size_text(4 * data.size)})"
        whole = max(data.shape) <= PREVIEW_PX
        self.full.layout.display = "none" if whole else None
        self._read()
        if self.alone:
            # A cell is shown after it ran: what is big would be in the page's first message.
            self.view3d.clear("Press Show in 3D.")
        else:
            self.show_3d()

    def show_3d(self) -> None:
        """Draw the volume in 3D, averaged to 128 voxels a side at most."""
        self._draw_3d(PREVIEW_PX)

    def _show_full(self) -> None:
        if self.session.volume is not None:
            self._draw_3d(max(self.session.volume.data.shape))

    def _draw_3d(self, limit: int) -> None:
        volume = self.session.volume
        if volume is None or self._in_3d == (volume, limit):
            return
        self.view3d.limit = limit
        self.view3d.show(np.asarray(volume.data))
        self._in_3d = volume, limit

    def _list_runs(self, volume: Any) -> None:
        """Offer the runs, and the volume itself where it was opened from a file."""
        rows = [(f"{n.name}: {n.steps[-1].method}", n.signal) for n in self.session.runs if n.steps]
        if volume is not None and all(signal is not volume for _, signal in rows):
            rows.append((self.session.name, volume))
        labels = tuple(label for label, _ in rows) or ("none yet",)
        self._signals = [signal for _, signal in rows]
        at = next((i for i, signal in enumerate(self._signals) if signal is volume), None)
        self._listing = True
        self.run.options = tuple(zip(labels, range(len(labels)), strict=True))
        self.run.value = 0 if at is None else at
        self._listing = False

    def _choose(self, change: dict[str, Any]) -> None:
        if self._listing or change["new"] is None:
            return
        wanted = self._signals[change["new"]]
        node = next((n for n in self.session.runs if n.signal is wanted), None)
        if node is not None:
            self.session.go_to(node, f"Choose {node.name}")

    def _average_changed(self) -> None:
        self.ortho.average = self.average.value
        if self._shown is not None:
            self.ortho.set(np.asarray(self._shown.data), pixel_nm(self._shown))

    def _read(self) -> None:
        point = self.ortho.point
        place = ", ".join(f"{axis} {point[axis]}" for axis in "xyz")
        self.readout.value = f"<p>{place}: <b>{number_text(self.ortho.value, 4)}</b></p>"

    def _profile_along(self, title: str) -> Any:
        axis = {"Top": "z", "Front": "y", "Side": "x"}[title]

        def draw(x0: float, y0: float, x1: float, y1: float) -> None:
            if self._shown is None:
                return
            self.profile.set(title, *line_profile(self.ortho.slice(axis), x0, y0, x1, y1))

        return draw

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:  # noqa: ARG003
        """Return which run is looked at."""
        runs = session.runs if session else []
        return f"{len(runs)} reconstruction{'s' * (len(runs) > 1)}" if runs else cls.hint


def line_profile(
    image: np.ndarray, x0: float, y0: float, x1: float, y1: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances in px and values along a line, a sample a pixel, by linear interpolation."""
    length = float(np.hypot(x1 - x0, y1 - y0))
    part = np.linspace(0, 1, max(2, round(length) + 1))
    places = [y0 + part * (y1 - y0), x0 + part * (x1 - x0)]
    values = ndimage.map_coordinates(image.astype(np.float32), places, order=1, mode="nearest")
    return part * length, values


def _field(label: str, control: widgets.Widget, unit: str = "") -> widgets.Box:
    parts = [widgets.Label(label), control, *([widgets.Label(unit)] if unit else [])]
    return widgets.HBox(parts).add_class("tj-field")
