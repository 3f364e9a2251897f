"""Trim: the box to keep, the frames to leave out, and binning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import ParameterError, TomojupyterError
from tomojupyter.steps.base import make_step
from tomojupyter.ui.fields import ValueText, parse_list, value_text
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.trim_frames import (
    KEY_CARD,
    KEYS_HTML,
    REMOVE,
    BinnedLook,
    FrameStrip,
    FrameTable,
    check_enough,
    gap_sentence,
    how_control,
    leave_out_step,
    maximum,
    moved_box,
    record_words,
)
from tomojupyter.ui.stages import does
from tomojupyter.ui.style import field_row, section
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.words import pixel_nm, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.steps import Step
    from tomojupyter.ui.session import Session

FACTORS = (1, 2, 4, 8)
ONE, ALL = "this tilt", "all tilts"
SIDES = ("left", "right", "top", "bottom")


class TrimPanel(OperationPanel):
    """Crop, leave frames out and bin; each is a Step of its own, where it changes anything."""

    panel = "trim"
    title = "Trim"
    purpose = (
        "Cut away what does not belong to the specimen. "
        "Good: the specimen stays inside the box at every tilt and no bad frame is left."
    )
    hint = "cut, leave out, bin"
    icon = "crop-alt"
    key_card = KEY_CARD

    @classmethod
    def useful(cls, signal: Any) -> bool:
        """Tell whether there are frames to leave out."""
        return bool(signal.bad_frames())

    operations = ("trim", "exclude")
    methods = ("crop",)

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return the projection with the box, and the strip of all frames."""
        self._shape: tuple[int, ...] = ()
        self._reasons: dict[int, str] = {}
        self._last_struck: list[int] = []
        self._look, self._painted = (), ()  # type: tuple[Any, ...], tuple[Any, ...]
        self._quiet = False
        self.view = StackView("Projection", mode="crop").add_class("tj-view-trim-1")
        self.strip = FrameStrip().add_class("tj-view-trim-2")
        self.strip.on_projection(self.go_to)
        self.view.on_rect(self.set_box)
        self.view.on_drag(self._dragged)
        self.view.on_key(self.asked(self._key))
        self.view.on_projection(lambda _: self._frame_changed())
        return [widgets.VBox([self.view, self.strip]).add_class("tj-column")]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the look, the frames and the binning."""
        self.looks = widgets.ToggleButtons(options=[ONE, ALL])
        self.looks.tooltips = ["one projection", "the largest value over all tilts"]
        self.struck = ValueText(placeholder="none", continuous_update=False)
        self.struck.tooltip = "frames to leave out, for instance 3, 5, 10-12"
        factors = [("1, as it is", 1), *((str(k), k) for k in FACTORS[1:])]
        self.factor = widgets.Dropdown(options=factors)
        self.factor.tooltip = "replace blocks of so many pixels along x and y by their mean"
        self.size_note = widgets.HTML().add_class("tj-grey")
        self.how = how_control()
        self.own_controls = {"alltilts": self.looks, "projections": self.struck}
        self.own_controls |= {"bin": self.factor, "how": self.how}
        for name, control in self.own_controls.items():
            control.add_class(f"tj-trim-{name}")
            control.observe(lambda _: self._form_changed(), "value")
        self.table = FrameTable(self.strike, self.go_to)
        self.take = self._button("Take proposals", "check", "take", self.take_proposals)
        self.keep = self._button("Keep all", "undo", "keep", self.keep_all)
        self.looks.add_class("tj-segments")
        return [
            self.looks,
            widgets.HTML(section("Frames", "click the strip, or type")),
            field_row("Leave out", self.struck), self.how, widgets.HTML(KEYS_HTML), self.table,
            widgets.HBox([self.take, self.keep]).add_class("tj-buttons"),
            widgets.HTML(section("Binning")), field_row("Bin", self.factor), self.size_note,
        ]  # fmt: skip

    # ------------------------------------------------------------------ values

    @property
    def left_out(self) -> set[int]:
        """Indices of the frames that will be left out; nothing where the text is no list."""
        try:
            return set(self._frames())
        except TomojupyterError:
            return set()

    def _frames(self) -> list[int]:
        text = self.struck.value.strip()
        try:
            values = parse_list(text) if text else ()
        except ValueError as error:
            raise ParameterError(
                f"the frames to leave out must be numbers, such as 3, 5, 10-12; got {text!r}"
            ) from error
        n = self._shape[0] if self._shape else 0
        for value in values:
            if value != int(value) or not 0 <= value < n:
                raise ParameterError(f"there is no frame #{value}: they count from 0 to {n - 1}")
        return sorted({int(v) for v in values})

    def _box(self) -> tuple[int, int, int, int]:
        """Return left, right, top, bottom as whole numbers within the image.

        Raises
        ------
        ParameterError
            An empty box, or one that lies outside.
        """
        assert self.form is not None
        step = self.form.step()
        _, ny, nx = self._shape
        given = step.as_dict()
        for low, high, n, what in (("left", "right", nx, "wide"), ("top", "bottom", ny, "high")):
            ends = [
                n if k and v is None else v or 0 for k, v in enumerate((given[low], given[high]))
            ]
            first, last = (v + n if v < 0 else v for v in ends)
            if 0 <= last <= first <= n:
                raise ParameterError(
                    f"The box is {last - first} px {what}: set {high} above {low}, or press Reset."
                )
        resolved = step.resolve(self.session.signal).as_dict()
        return tuple(resolved[side] for side in SIDES)  # type: ignore[return-value]

    def steps(self) -> list[Step]:
        """Return what leaves frames out, crop and bin, as far as they change anything."""
        if self.session.signal is None or not self._shape:
            return []
        n, ny, nx = self._shape
        steps: list[Step] = []
        frames = self._frames()
        check_enough(n, len(frames))
        if frames:
            steps.append(leave_out_step(frames, self.how.value, self._reasons))
        left, right, top, bottom = self._box()
        if (left, right, top, bottom) != (0, nx, 0, ny):
            assert self.form is not None
            steps.append(self.form.step())
        if self.factor.value > min(right - left, bottom - top):
            raise ParameterError(
                f"bin {self.factor.value} is larger than the box "
                f"({right - left} × {bottom - top} px): choose a smaller one"
            )
        if self.factor.value > 1:
            steps.append(make_step("trim", "bin", factor=self.factor.value))
        return steps

    def set_box(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """Set the box to keep, half-open; an edge of the image becomes "auto"."""
        if self.form is None or not self._shape:
            return
        _, ny, nx = self._shape
        values = {
            "left": x0 or None, "right": x1 if x1 < nx else None,
            "top": y0 or None, "bottom": y1 if y1 < ny else None,
        }  # fmt: skip
        if {name: self.form.fields[name].control.value for name in SIDES} != {
            name: value_text(value) for name, value in values.items()
        }:
            self.form.set(self.form.cls(**values))

    def reset_form(self) -> None:
        """Keep everything."""
        super().reset_form()
        self.struck.value, self.factor.value, self.looks.value = "", 1, ONE
        self.how.value = REMOVE

    def after(self, _result: Any) -> None:
        """Forget what was struck: frames that stay would be struck twice."""
        self.keep_all()

    # ------------------------------------------------------------------ frames

    def strike(self, index: int, out: bool = True) -> None:
        """Leave a frame out, or bring it back."""
        frames = self.left_out
        if out:
            self._last_struck.append(index)
        self._set_frames(frames | {index} if out else frames - {index})

    def _set_frames(self, frames: set[int]) -> None:
        self.struck.value = ", ".join(map(str, sorted(frames)))

    def take_proposals(self) -> None:
        """Leave out what is proposed."""
        self._set_frames(self.left_out | set(self._reasons))

    def keep_all(self) -> None:
        """Bring all frames back."""
        self._set_frames(set())

    def go_to(self, index: int) -> None:
        """Show a frame by its index in the series."""
        if self.session.signal is not None:
            self.view.projection = index
            if self.looks.value == ALL:
                self.looks.value = ONE

    def _key(self, key: str, shift: bool, alt: bool) -> None:
        if self.session.signal is None or self.undo_by_key(key):
            return
        if key.lower() == "x":
            self.strike(self.view.projection)
            self.view.index = min(self.view.index + 1, self._shape[0] - 1)
        elif key.lower() == "z":
            here = self.view.projection
            if here not in self.left_out:
                struck = [i for i in self._last_struck if i in self.left_out]
                if not struck:
                    return
                here = struck[-1]
                self.view.projection = here
            self.strike(here, out=False)
        elif alt and key.startswith("Arrow"):
            self.set_box(*moved_box(self._box(), self._shape[1:], key, 10 if shift else 1))

    # ------------------------------------------------------------------ showing

    def show(self) -> None:
        """Show the current series; what was set stays while its size does."""
        signal = self.session.signal
        if signal is None:
            self._shape = ()
            self.view.clear("No series yet.")
            self.strip.clear()
            return
        shape = signal.data.shape
        if shape != self._shape:
            self._shape, self._last_struck, self._quiet = shape, [], True
            self.reset_form()
            self._quiet = False
        self._reasons = dict(signal.bad_frames())
        self.strip.set(signal.data, self._tilts())
        self._look, self._painted = (), ()
        self.take.disabled = not self._reasons

    def _tilts(self) -> np.ndarray:
        signal = self.session.signal
        return tilts_of(signal) if tilts_known(signal) else np.arange(len(signal.data), dtype=float)

    def changed(self) -> None:
        """Follow the form: box, frames, binning."""
        signal = self.session.signal
        if signal is None or self._quiet:
            return
        self._show_frames()
        self._show_look()
        self._show_box()

    def _show_frames(self) -> None:
        out = self.left_out
        if self._painted == (out,):
            return
        self._painted = (out,)
        known = tilts_known(self.session.signal)
        rows = {i: self._reasons.get(i, "by hand") for i in sorted(out | set(self._reasons))}
        self.table.set(rows, self._tilts() if known else None, out)
        self.strip.paint(out, self._reasons)

    def _show_look(self) -> None:
        """Show one projection or the maximum, as the form says; nothing where it is shown."""
        signal, out = self.session.signal, self.left_out
        look = (self.looks.value, self.factor.value, frozenset(out))
        if look == self._look:
            return
        before, self._look = self._look, look
        marks = np.array([i in out for i in range(len(signal.data))]) | signal.excluded
        reasons = [why or self._reasons.get(i, "") for i, why in enumerate(signal.excluded_reason)]
        tilts = self._tilts() if tilts_known(signal) else None
        self._quiet = True
        try:
            self.view.set(
                BinnedLook(signal.data, self.factor.value), tilts, pixel_nm(signal),
                excluded=marks, reasons=reasons, keep_view=bool(before),
            )  # fmt: skip
        finally:
            self._quiet = False
        self.strip.mark(self.view.projection)
        all_tilts = self.looks.value == ALL
        self.view.title = "Largest value over all tilts" if all_tilts else "Projection"
        switched = not before or before[0] != look[0]
        if all_tilts:
            image = maximum(signal.data, out | set(np.flatnonzero(signal.excluded)))
            self.view.take("left out")
            self.view.show(BinnedLook(image[None], self.factor.value)[0])
            if switched:
                self.view.contrast(*percentiles(image))
        elif switched and before:
            self.view.contrast(*percentiles(np.asarray(signal.data[self.view.projection])))

    def _frame_changed(self) -> None:
        if self._quiet:
            return
        self.strip.mark(self.view.projection)
        if self.looks.value == ALL:
            self.looks.value = ONE

    def _dragged(self, overlay: dict[str, Any], done: bool) -> None:
        if not done and overlay.get("id") == "box":
            self.set_box(*(int(overlay[k]) for k in ("x0", "y0", "x1", "y1")))

    def _show_box(self) -> None:
        try:
            left, right, top, bottom = self._box()
        except TomojupyterError:
            return
        box = {
            "kind": "rectangle", "id": "box", "x0": left, "y0": top, "x1": right, "y1": bottom,
            "handles": True, "drag": True, "text": f"{right - left} × {bottom - top} px",
        }  # fmt: skip
        if box not in self.view.overlays:
            self.view.put(box)
        k, size = self.factor.value, pixel_nm(self.session.signal)
        text = f"{(right - left) // k} × {(bottom - top) // k} px"
        if size:
            text += f", {number_text(size * k)} nm/px"
        count = self._shape[0] - len(self.left_out)
        self.size_note.value = f"afterwards: {count} frames of {text}"

    # ------------------------------------------------------------------ what to know

    def _check(self) -> None:
        super()._check()
        if self.form is None or self.session.signal is None:
            return
        try:
            steps = self.steps()
            resolved = self.form.step().resolve(self.session.signal)
        except TomojupyterError:
            return
        self.form.show_resolved(self.form.step(), resolved)
        if not steps:
            self.apply.disabled = True
            self.record.value = '<span class="tj-grey">nothing to trim so far</span>'

    def cautions(self) -> list[str]:
        """Return gaps in the tilts, and what a crop would undo."""
        signal = self.session.signal
        if signal is None or not self._shape:
            return []
        found = [gap_sentence(tilts_of(signal), self.left_out)] if tilts_known(signal) else []
        if any(does(r, ("tilt_align",)) for r in self.session.records):
            try:
                _, _, top, bottom = self._box()
            except TomojupyterError:
                return found
            if top != self._shape[1] - bottom:
                found.append(
                    "The tilt axis was already set and would no longer lie in the middle: "
                    "cut off as much at the top as at the bottom, or set Tilt axis again."
                )
        return [text for text in found if text]

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return how many frames were left out, the size, and the binning."""
        parts: Mapping[str, str] = {r["method"]: record_words(r) for r in records}
        return ", ".join(parts.values()) if parts else super().result_line(session, records)
