"""Tilt axis: turn and move the images so that the specimen turns about their middle line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np

from tomojupyter.steps.base import find
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.axis_curves import AxisCurves
from tomojupyter.ui.panels.axis_form import (
    KEY_CARD,
    KEYS,
    LOOK_FOR,
    NUDGE,
    PREVIEWS,
    best_text,
    cautions,
    default_preview,
    hint,
    record_words,
    slice_field,
)
from tomojupyter.ui.panels.axis_methods import (
    BY_HAND,
    Found,
    MethodTable,
    automatic_methods,
    find_axis,
)
from tomojupyter.ui.panels.axis_preview import (
    AxisPreview,
    Projectors,
    columns_of_mass,
    mean_of,
    vacuum_to_lift,
)
from tomojupyter.ui.panels.axis_views import AxisPictures
from tomojupyter.ui.panels.noticed import movement
from tomojupyter.ui.style import field_row, section
from tomojupyter.ui.words import pixel_nm, tilts_known, tilts_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.forms import Form
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session

HAND, AUTO = "By hand", "Automatic"
SUM, ONE = "sum of all tilts", "one projection"
FOLLOW_S = 0.02  # messages that wait are taken first: the slices never fall behind a slider


class TiltAxisPanel(OperationPanel):
    """Find the tilt axis by hand, with slices that follow, or automatically."""

    panel = "tiltaxis"
    title = "Tilt axis"
    purpose = (
        "Put the yellow line where the specimen turns. "
        "Good: points are round in all three slices at once."
    )
    hint = "shift and angle"
    icon = "crosshairs"
    key_card = KEY_CARD
    operations = ("tilt_align",)
    labels: ClassVar[Mapping[str, str]] = {
        BY_HAND: "by hand", "slices": "At x (px)", "nslices": "Slices",
    }  # fmt: skip
    hidden = ("plot_results",)
    spans: ClassVar[Mapping[str, tuple[float, float, float]]] = {
        "shift": (-64.0, 64.0, 0.1),
        "angle": (-20.0, 20.0, 0.1),
    }

    # ------------------------------------------------------------------ building

    def _make_form(self) -> Form:
        form = super()._make_form()
        assert form is not None
        form.choose(BY_HAND)
        return form

    def build(self) -> Sequence[widgets.Widget]:
        """Return the picture with the axis, both curves and three slices."""
        self._signal: Any = self  # none yet: not even the lack of one was shown
        self._place: tuple[Any, ...] = ()
        self._projectors = Projectors()
        self._preview: AxisPreview | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._shown: tuple[Any, ...] = ()
        self._moves = self._vacuum = 0.0
        self._wished = False
        self.found: dict[str, Found] = {}
        self._taken: Found | None = None
        self.pictures = AxisPictures(self.set_axis, self._slice_dragged, self._key)
        self.view, self.slices = self.pictures.view, self.pictures.slices
        self.curves = AxisCurves(self.pictures, self._projectors, self._told, lambda: self.active)
        return self.pictures.widgets

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the mode, the slices, the preview and the automatic methods."""
        self.mode = widgets.ToggleButtons(options=[HAND, AUTO])
        self.best = self._button("Best", "star", "best", self.go_to_best)
        self.before = widgets.ToggleButton(description="Before", icon="exchange-alt")
        self.before.tooltip = "The slices without what is set here (B)"
        columns = [slice_field(k) for k in range(1, len(self.slices) + 1)]
        self.preview_choice = widgets.Dropdown(options=PREVIEWS)
        self.took = widgets.HTML().add_class("tj-grey")
        self.same = widgets.Checkbox(description="same contrast in all three", indent=False)
        self.picture = widgets.Dropdown(options=[SUM, ONE])
        self.own_controls = {
            "mode": self.mode, "before": self.before, "preview": self.preview_choice,
            "samecontrast": self.same, "picture": self.picture,
            **{f"slice{k + 1}": column for k, column in enumerate(columns)},
        }  # fmt: skip
        for name, control in self.own_controls.items():
            control.add_class(f"tj-tiltaxis-{name}")
            control.observe(lambda change: self._own_changed(change["owner"]), "value")
        self.columns = columns
        self.table = MethodTable(self.take)
        self.find = self._button("Find the axis", "magic", "find", self.find_all)
        self.hint_text = widgets.HTML(layout=widgets.Layout(min_height="56px"))
        go = widgets.HBox([self.best, self.before]).add_class("tj-buttons")
        find = widgets.HBox([self.find]).add_class("tj-buttons")
        self.by_hand = widgets.VBox([widgets.HTML(KEYS), go, self.hint_text])
        self.automatic = widgets.VBox([find, self.table])
        self._mode_shown()
        return [
            self.by_hand, self.automatic,
            widgets.HTML(section("Slices at x (px)", "drag the lines, or type")),
            widgets.HBox(columns).add_class("tj-buttons"),
            field_row("Preview", self.preview_choice, self.took),
            field_row("", self.same), field_row("Picture", self.picture), widgets.HTML(LOOK_FOR),
        ]  # fmt: skip

    def _form_part(self) -> widgets.Widget:
        part = super()._form_part()
        body = part.children[0]
        assert isinstance(body, widgets.VBox)
        self.mode.add_class("tj-segments")
        body.children = [body.children[0], self.mode, *body.children[1:]]
        return part

    # ------------------------------------------------------------------ values

    @property
    def where(self) -> tuple[float, float]:
        """Shift and angle of the slices: those set, or what the chosen method found."""
        assert self.form is not None
        if self.form.cls.method == BY_HAND:
            controls = self.form.controls
            return float(controls["shift"].value or 0), float(controls["angle"].value or 0)
        found = self.found.get(self.form.cls.method)
        return (found.shift, found.angle) if found and not found.refusal else (0.0, 0.0)

    def set_axis(self, shift: float | None = None, angle: float | None = None) -> None:
        """Set shift (px) or angle (degrees) by hand; None leaves it as it is."""
        assert self.form is not None
        here = self.where
        values = {
            "shift": round(here[0] if shift is None else shift, 2) + 0.0,
            "angle": round(here[1] if angle is None else angle, 2) + 0.0,
        }
        self.form.set(find("tilt_align", BY_HAND)(**values))

    def steps(self) -> list[Step]:
        """Return the method that was taken unchanged, else what the form says."""
        steps = super().steps()
        taken = self._taken
        by_hand = steps[0].method == BY_HAND
        return [taken.step] if taken and by_hand and taken.rounded == self.where else steps

    def reset_form(self) -> None:
        """Set shift and angle to 0."""
        super().reset_form()
        self.before.value = False

    def _own_changed(self, control: widgets.Widget) -> None:
        if control is self.mode:
            assert self.form is not None
            by_hand = self.form.cls.method == BY_HAND
            if by_hand != (self.mode.value == HAND):
                names = list(automatic_methods())
                self.form.choose(BY_HAND if self.mode.value == HAND else names[0])
            self._mode_shown()
        elif control is self.picture:
            self._show_series(keep_view=False)
        self._form_changed()

    def _mode_shown(self) -> None:
        by_hand = self.mode.value == HAND
        self.by_hand.layout.display = "" if by_hand else "none"
        self.automatic.layout.display = "none" if by_hand else ""
        if self.form is not None:
            many = len(automatic_methods()) > 1
            self.form.method_part.layout.display = "none" if by_hand or not many else ""

    def _slice_dragged(self, number: int, column: int) -> None:
        self.columns[number].value = column

    def _key(self, key: str, shift: bool, alt: bool) -> None:
        if self.session.signal is None or self.undo_by_key(key):
            return
        if key in NUDGE:
            name, step = NUDGE[key]
            here = dict(zip(("shift", "angle"), self.where, strict=True))
            self.set_axis(**{name: here[name] + step * (10 if shift else 0.1 if alt else 1)})
        elif key.lower() == "b":
            self.before.value = not self.before.value

    # ------------------------------------------------------------------ showing

    def show(self) -> None:
        """Show the current series; values are kept until its place or size changes."""
        signal = self.session.signal
        if signal is self._signal:
            return
        self._signal, self._preview, self._shown = signal, None, ()
        self.curves.forget()
        self.found, self._taken = {}, None
        self.table.show({}, {})
        if signal is None:
            self.pictures.clear("No series yet.")
            return
        frame, (n, ny, nx) = signal._frame, signal.data.shape
        place = (n, ny, nx, frame.tiltaxis, frame.xshift, frame.yshift)
        resized = place[:3] != self._place[:3]
        if place != self._place:
            self._place = place
            self.reset_form()
        self._total: np.ndarray | None = None
        if resized:
            self._fit_controls(ny, nx)
        tilts = tilts_of(signal) if tilts_known(signal) else np.arange(n)
        self._vacuum = vacuum_to_lift(signal)
        self._moves = movement(signal.data, np.argsort(tilts, kind="stable"))
        self._show_series(keep_view=not resized)

    def _fit_controls(self, ny: int, nx: int) -> None:
        assert self.form is not None
        chosen = self.form.cls
        self.form.choose(BY_HAND)
        field = self.form.fields["shift"]
        limit = float(max(1, ny // 4))
        field.span = (-limit, limit, 0.1)
        field.slider.min, field.slider.max = -limit, limit
        self.form.choose(chosen.method)
        for column, place in zip(self.columns, columns_of_mass(self._mean()), strict=True):
            column.max = nx - 1
            column.value = place
        self.preview_choice.value = default_preview(ny)

    def _show_series(self, keep_view: bool) -> None:
        signal = self.session.signal
        if signal is None:
            return
        total = self._mean() if self.picture.value == SUM else None
        self.pictures.show_series(signal, total, keep_view)

    def _mean(self) -> np.ndarray:
        if self._total is None:
            self._total = mean_of(self._signal.data, ~self._signal.excluded)
        return self._total

    def changed(self) -> None:
        """Let lines, slices and curves follow."""
        assert self.form is not None
        self.mode.value = HAND if self.form.cls.method == BY_HAND else AUTO
        self._wished = False
        if self.session.signal is None or self.form.problem():
            return
        loop = running_loop()
        if loop is None:
            self._update()
        elif self._timer is None:
            self._timer = loop.call_later(FOLLOW_S, self._update)

    def _update(self) -> None:
        self._timer = None
        if not self.active or self.session.signal is None:
            return
        with self.session.attempt("Preview"):
            shift, angle = self.where
            columns = [c.value for c in self.columns]
            self.pictures.draw_lines(shift, angle, columns)
            if not tilts_known(self.session.signal):
                self.pictures.say_no_slices("Enter the tilts in Load to see slices.")
                return
            self._show_slices(shift, angle, columns)
            self.curves.go(self.session.signal, shift, angle)

    def _show_slices(self, shift: float, angle: float, columns: list[int]) -> None:
        factor, sirt = self.preview_choice.value
        signal, before = self.session.signal, self.before.value
        wanted = (shift * (not before), angle * (not before), columns, factor, sirt)
        if self._shown == (*wanted, self.same.value):
            return
        if self._preview is None or self._preview.wanted != factor:
            self._preview = AxisPreview(signal, factor, self._projectors)
            self._preview.projector.prepare()
        started = time.monotonic()
        made = self._preview.slices(columns, wanted[0], wanted[1], sirt)
        self.took.value = f"{1000 * (time.monotonic() - started):.0f} ms"
        size = pixel_nm(signal)
        fresh = not self._shown or self._shown[3:5] != wanted[3:5]
        self._shown = (*wanted, self.same.value)
        self.pictures.show_slices(
            made, columns, size * self._preview.factor if size else None,
            fresh=fresh, same_contrast=self.same.value, note="before" if before else "",
        )  # fmt: skip

    # ------------------------------------------------------------------ best and automatic

    def _told(self, shift: float, angle: float, tops: tuple[float | None, float | None]) -> None:
        self.best.description = best_text(*tops)
        self.hint_text.value = hint(shift, angle, *tops)
        if self._wished:
            self.go_to_best()

    def go_to_best(self) -> None:
        """Go where the slices are sharpest, as soon as both curves tell."""
        shift, angle = self.curves.tops() if running_loop() else self.curves.finish()
        self._wished = shift is None or angle is None
        if shift is not None and angle is not None:
            self.set_axis(round(shift, 1), round(angle, 1))
        elif self.curves.scan is not None:
            self.session.say("Looking where the slices are sharpest ...")

    def find_all(self) -> None:
        """Ask all automatic methods, in the background; nothing is changed."""
        signal = self.session.signal
        assert self.form is not None
        if signal is None:
            return
        chosen = self.form.step()
        steps = [chosen if isinstance(chosen, c) else c() for c in automatic_methods().values()]

        def work(monitor: Monitor) -> dict[str, Found]:
            found = {}
            for k, step in enumerate(steps):
                monitor(k, len(steps))
                found[step.method] = find_axis(signal, step, monitor)
            return found

        def done(result: Result) -> None:
            if signal is not self.session.signal:
                return
            self.found = result.value
            answers = sum(not f.refusal for f in self.found.values())
            text = f"{answers} of {len(self.found)} methods found the axis."
            self.session.say(f"{text} Nothing is changed until Apply.")
            self._show_table()
            self._form_changed()

        self.session.start("Finding the axis by each method", work, done)

    def _show_table(self) -> None:
        known = tilts_known(self.session.signal)
        sharp = {
            name: self.curves.score(self.session.signal, *found.rounded)
            for name, found in self.found.items()
            if known and not found.refusal
        }
        self.table.show(self.found, sharp, self._taken.step.method if self._taken else "")

    def take(self, found: Found) -> None:
        """Take what a method found: its values by hand, its Step as long as they stay."""
        self._taken = found
        self.set_axis(*found.rounded)
        self._show_table()

    # ------------------------------------------------------------------ what to know

    def cautions(self) -> list[str]:
        """Return what would spoil the slices."""
        signal = self.session.signal
        if signal is None or signal is not self._signal:
            return []
        return cautions(self.session.records, self._moves, self._vacuum)

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return shift and angle, or where a registration found the axis as well."""
        if not records:
            return super().result_line(session, records)
        return record_words(records[-1])
