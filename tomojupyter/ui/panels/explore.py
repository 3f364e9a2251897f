"""Explore: look through the reconstruction, measure it, and take it along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.explore_classes import COLOURS, ClassesForm
from tomojupyter.ui.panels.explore_export import ExportForm
from tomojupyter.ui.panels.explore_overlay import OverlayForm
from tomojupyter.ui.panels.explore_particles import ParticlesForm
from tomojupyter.ui.panels.explore_profile import half_width, line_profile
from tomojupyter.ui.panels.explore_scene import Scene, camera_angles
from tomojupyter.ui.panels.filter import histogram
from tomojupyter.ui.style import field_row, section
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.ortho import OrthoView
from tomojupyter.ui.views.paint import classes_rgb
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.views.volume import VolumeView
from tomojupyter.ui.words import pixel_nm, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.ui.session import Session

PREVIEW_PX = 128
SAMPLES = 2_000_000
LOOK, MEASURE, EXPORT = "Look", "Measure", "Export"
CUTS = {"Top": "z", "Front": "y", "Side": "x"}


class ExplorePanel(OperationPanel):
    """Look through a reconstruction and measure it; nothing is changed or recorded here."""

    panel = "explore"
    title = "Explore"
    purpose = (
        "Look through the volume and measure it. "
        "Good: edges are sharp in all three directions, and limits sit in valleys of the histogram."
    )
    hint = "look and measure"
    icon = "cube"
    needs = "RecStack"
    key_card = (
        ("T F S 3", "top, front, side or 3D large, and back; ← → go through slices"),
        ("Shift + drag", "a line: profile and width of its peak"),
    )

    def __init__(self, signal: Any = None, height: int = 600) -> None:
        self._shown: Any = None
        self._in_3d: Any = None
        self._signals: list[Any] = []
        self._listing = False
        super().__init__(signal, height)
        for part in (self.apply, self.reset, self.record):
            part.layout.display = "none"

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return three slices and the 3D view, and a drawer for a profile."""
        self.view3d = VolumeView(PREVIEW_PX).add_class("tj-view-explore-4")
        self.ortho = OrthoView(self.view3d)
        for number, picture in enumerate(self.ortho.pictures.values(), 1):
            picture.add_class(f"tj-view-explore-{number}")
            picture.on_line(self._profile_along(picture.title))
        # In the form there is room for the sliders of the 3D view.
        self.view3d.children = [c for c in self.view3d.children if c is not self.view3d.controls]
        self.view3d.level.description = self.view3d.opacity.description = ""
        self.view3d.shown.add_class("tj-segments")
        first = next(iter(self.ortho.pictures.values()))
        first.observe(lambda _: self._contrast_moved(), ["lo", "hi"])
        self.ortho.on_move(lambda *_: self._read())
        self.profile = Curve("Line profile", "distance (px)", "value", height="150px")
        self.close_profile = self._button("", "times", "close", self._hide_profile)
        self.close_profile.layout.display = ""
        self.close_profile.tooltip = "Close the profile"
        self.drawer = widgets.HBox([self.profile, self.close_profile])
        self.drawer.add_class("tj-row").add_class("tj-low").add_class("tj-explore-drawer")
        self.drawer.layout.display = "none"
        return [self.ortho, self.drawer]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the volume, the point, and the three forms, of which one is seen."""
        self.run = widgets.Dropdown(options=[("none yet", None)]).add_class("tj-explore-run")
        self.run.observe(self._choose, "value")
        self.readout = widgets.HTML().add_class("tj-explore-readout")
        self.part = widgets.ToggleButtons(options=(LOOK, MEASURE, EXPORT), tooltips=["", "", ""])
        self.part.add_class("tj-segments").add_class("tj-explore-part")
        self.classes = ClassesForm(self.session, self._classes_changed)
        self.particles = ParticlesForm(
            self.session, self.classes, lambda x, y, z: self.ortho.move(x=x, y=y, z=z)
        )
        self.export = ExportForm(
            self.session, self.scene, self._sheet, self.classes.values, self.particles.csv
        )
        measure = widgets.VBox([self.classes, self.particles])
        self.forms = {LOOK: self._look(), MEASURE: measure, EXPORT: self.export}
        for form in self.forms.values():
            form.add_class("tj-part")
        self.part.observe(lambda _: self._part_changed(), "value")
        self.own_controls |= {
            "run": self.run, "average": self.average, "part": self.part,
            "format": self.export.format, "what": self.export.what,
        }  # fmt: skip
        self._part_changed()
        return [self.part, field_row("Volume", self.run), *self.forms.values()]

    def _look(self) -> widgets.VBox:
        self.average = widgets.BoundedIntText(1, min=1, max=64).add_class("tj-explore-average")
        self.average.observe(lambda _: self._average_changed(), "value")
        self.histogram = Curve("", "value", "", subtitle="contrast: drag the ends", height="130px")
        self.histogram.on_drag(self._drag_contrast)
        self.auto = self._button("Auto contrast", "adjust", "auto", self._auto_contrast)
        self.overlay = OverlayForm(self._overlay_changed)
        self.to_3d = self._button("Show in 3D", "cube", "3d", self.show_3d)
        self.full = self._button("Full size", "expand", "full", self._show_full)
        self.store = self._button("Save volume", "save", "save", self.session.save)
        keys = (
            "<p>Click or drag in a slice: the others follow. <kbd>Shift</kbd> + drag: profile "
            "with the width of its peak. <kbd>T</kbd> <kbd>F</kbd> <kbd>S</kbd> <kbd>3</kbd> "
            "or a double click on a title: one view large.</p>"
        )
        return widgets.VBox(
            [
                self.readout,
                self.histogram,
                field_row("Average", self.average, "slices"),
                widgets.HBox([self.auto]).add_class("tj-buttons"),
                self.overlay,
                widgets.HTML(section("3D", "drag turns, wheel zooms")),
                widgets.HBox([self.to_3d, self.full]).add_class("tj-buttons"),
                field_row("Surface at", self.view3d.level, self.view3d.level_text),
                field_row("Cloud", self.view3d.opacity),
                self.view3d.shown,
                widgets.HTML(section("Keep")),
                widgets.HBox([self.store]).add_class("tj-buttons"),
                widgets.HTML(keys).add_class("tj-help"),
            ]
        )

    # ------------------------------------------------------------------ showing

    def show(self) -> None:
        """Show the chosen reconstruction."""
        volume = self.session.volume
        self._list_runs(volume)
        for button in (self.store, self.auto, *self.export.buttons):
            button.disabled = volume is None
        self._offer_3d(volume)
        if volume is None:
            for picture in self.ortho.pictures.values():
                picture.clear("No reconstruction yet.")
            self.view3d.clear("No reconstruction yet.")
            self.readout.value = ""
            self.classes.set(None)
            self.particles.forget()
            self._shown = None
            return
        self.overlay.set(volume, [*zip((o[0] for o in self.run.options), self._signals,
                                       strict=True)])  # fmt: skip
        if volume is self._shown:
            return
        data = np.asarray(volume.data)
        self._repaint(draw=False)
        self.ortho.set(data, pixel_nm(volume), keep_view=self._shown is not None)
        self._shown = volume
        step = max(1, round((data.size / SAMPLES) ** (1 / 3)))
        values, counts = histogram(data[::step, ::step, ::step])
        self.histogram.clear()
        self.histogram.set("voxels", values, np.sqrt(counts), style="bars", legend=False)
        self._contrast_moved()
        self.classes.set(volume)
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
        drawn, drawn_limit = self._in_3d or (None, 0)
        # By identity: signals are compared voxel by voxel, and the answer counts as true.
        if volume is None or (drawn is volume and drawn_limit == limit):
            return
        self.view3d.limit = limit
        limits = self.classes.limits
        level = (limits[-1], COLOURS[len(limits) - 1]) if limits else (None,)
        self.view3d.show(np.asarray(volume.data), *level)
        self._overlay_3d()
        self._in_3d = volume, limit
        self._offer_3d(volume)

    def _offer_3d(self, volume: Any) -> None:
        """Offer the sizes in 3D that are not drawn already."""
        drawn, limit = self._in_3d or (None, 0)
        here = volume is not None and drawn is volume
        self.to_3d.disabled = volume is None or (here and limit == PREVIEW_PX)
        self.full.disabled = volume is None or (here and limit >= max(volume.data.shape))

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

    def _part_changed(self) -> None:
        for name, form in self.forms.items():
            form.layout.display = "" if name == self.part.value else "none"
        if self._shown is not None:
            self._repaint()

    # ------------------------------------------------------------------ looking

    def _average_changed(self) -> None:
        self.ortho.average = self.average.value
        if self._shown is not None:
            self.ortho.set(np.asarray(self._shown.data), pixel_nm(self._shown))

    def _read(self) -> None:
        point = self.ortho.point
        place = ", ".join(f"{axis} {point[axis]}" for axis in "xyz")
        self.readout.value = f"<p>{place}: <b>{number_text(self.ortho.value, 4)}</b></p>"

    def _limits(self) -> tuple[float, float]:
        picture = self.ortho.pictures["top"]
        return picture.lo, picture.hi

    def _contrast_moved(self) -> None:
        lo, hi = self._limits()
        self.histogram.mark("lo", "x", lo)
        self.histogram.mark("hi", "x", hi)

    def _drag_contrast(self, x: float, _y: float, _done: bool) -> None:
        lo, hi = self._limits()
        if abs(x - lo) < abs(x - hi):
            lo = min(x, hi)
        else:
            hi = max(x, lo)
        self.ortho.contrast(lo, hi)

    def _auto_contrast(self) -> None:
        if self._shown is not None:
            ranges = [picture.auto_range for picture in self.ortho.pictures.values()]
            self.ortho.contrast(min(r[0] for r in ranges), max(r[1] for r in ranges))

    def _profile_along(self, title: str) -> Callable[[float, float, float, float], None]:
        axis = CUTS[title]

        def draw(x0: float, y0: float, x1: float, y1: float) -> None:
            if self._shown is None:
                return
            size = pixel_nm(self._shown)
            distance, values = line_profile(self.ortho.slice(axis), x0, y0, x1, y1)
            distance = distance * (size or 1.0)
            unit = "nm" if size else "px"
            self.profile.x_label = f"distance ({unit})"
            self.profile.clear()
            self.profile.set(title, distance, values)
            width = half_width(distance, values)
            self.profile.subtitle = f"{title}; no peak with both flanks on it"
            if width is not None:
                left, right, half = width
                self.profile.mark("width", "band", left, half, x1=right)
                self.profile.subtitle = (
                    f"{title}; peak {number_text(right - left)} {unit} wide at half height"
                )
            self.drawer.layout.display = ""

        return draw

    def _hide_profile(self) -> None:
        self.drawer.layout.display = "none"

    # ------------------------------------------------------------------ colours and 3D

    def _classes_changed(self) -> None:
        self.particles.limits_changed()
        if self.classes.limits and self._in_3d is not None:
            limits = self.classes.limits
            self.view3d.set_threshold(limits[-1], COLOURS[len(limits) - 1])
        self._repaint()

    def _overlay_changed(self) -> None:
        self._repaint()
        self._overlay_3d()

    def _overlay_3d(self) -> None:
        self.view3d.overlay(
            [
                (np.asarray(volume.data), self.overlay.level_of(volume), colour)
                for _, volume, colour in self.overlay.chosen
            ]
        )

    def _repaint(self, draw: bool = True) -> None:
        """Choose how slices are drawn: in grey, as classes, or with other volumes in colours."""
        paint = self.overlay.paint(self.ortho, self.session.volume)
        if paint is None and self.part.value == MEASURE and self.classes.limits:
            paint = self._class_colours
        changed = paint is not None or self.ortho.paint is not None
        self.ortho.paint = paint
        if draw and changed and self._shown is not None:
            self.ortho.repaint()

    def _class_colours(self, axis: str) -> np.ndarray:
        limits = self.classes.limits
        return classes_rgb(
            self.ortho.slice(axis), limits, COLOURS[: len(limits)], *self._limits()
        )  # fmt: skip

    # ------------------------------------------------------------------ taking along

    def scene(self) -> Scene | None:
        """Return what is drawn in 3D, for pictures and files; None without a volume."""
        volume = self._shown
        if volume is None:
            return None
        levels = [
            (row["name"], row["from"], COLOURS[k]) for k, row in enumerate(self.classes.values())
        ]
        others = [
            (name, other, self.overlay.level_of(other), colour)
            for name, other, colour in self.overlay.chosen
        ]
        title = f"{self.session.name}, {self.run.label}"
        return Scene(volume, title, levels, self._limits(), pixel_nm(volume), others)

    def _sheet(self) -> tuple[Any, float, float, str]:
        slices = []
        for title, axis in CUTS.items():
            place = f"{title}, {axis} {self.ortho.point[axis]}"
            slices.append((place, np.asarray(self.ortho.seen(axis))))
        return slices, *camera_angles(self.view3d.figure), self.ortho.pictures["top"].cmap

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:  # noqa: ARG003
        """Return which run is looked at."""
        runs = session.runs if session else []
        return f"{len(runs)} reconstruction{'s' * (len(runs) > 1)}" if runs else cls.hint
