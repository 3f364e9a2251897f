"""Register: take out the drift between the images of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np

from tomojupyter.steps import run
from tomojupyter.steps.base import REGISTRY, make_step
from tomojupyter.steps.checks import doubt_of
from tomojupyter.ui.forms import Form
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.register_compare import (
    MethodsTable,
    Tried,
    left_of,
    propose,
    round_sentence,
    try_methods,
)
from tomojupyter.ui.panels.register_frames import ComparePicture
from tomojupyter.ui.panels.register_left import LeftPlots, score_sentence
from tomojupyter.ui.panels.register_movie import series_gif
from tomojupyter.ui.panels.register_nudge import (
    KEY_CARD,
    Nudged,
    NudgePart,
    draft_values,
    from_draft,
    key_move,
    nudge_step,
)
from tomojupyter.ui.style import section
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.views.texts import number_text, tilt_text
from tomojupyter.ui.words import capital, pixel_nm, seconds_text, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session

MODES = ("difference", "flicker", "overlay")
OTHERS = ("previous", "next", "start")
MODE_KEYS = {"d": "difference", "f": "flicker", "o": "overlay"}
BY_HAND = "manual"


class RegisterPanel(LeftPlots, OperationPanel):
    """Register the images of a series to each other."""

    panel = "register"
    title = "Register"
    purpose = "Take out the drift between frames. Good: flicker shows the specimen turn, not jump."
    hint = "take out the drift"
    icon = "arrows-alt"
    operations = ("stack_register",)
    key_card = KEY_CARD
    hidden = ("cuda",)
    labels: ClassVar[Mapping[str, str]] = {
        "conserve_mass": "keep mass of columns",
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

    def _make_form(self) -> Form:
        return Form(
            self.operations, self.panel, labels=self.labels, hidden=self.hidden, without=(BY_HAND,)
        )

    def build(self) -> Sequence[widgets.Widget]:
        """Return a frame, its comparison with a neighbour, and the plots over tilt."""
        self.view = StackView("Frame").add_class("tj-view-register-1")
        self.other = ComparePicture("Compare").add_class("tj-view-register-2")
        link_pictures(self.view, self.other, contrast=False)
        self.view.on_projection(lambda _: self.soon(self._frame_changed))
        self.shifts = Curve("Shifts applied", "tilt (°)", "shift (px)", subtitle="click = go there")
        self.moves = Curve("Taken out between neighbours", "tilt (°)", "movement (px)")
        for curve in (self.shifts, self.moves):
            curve.layout.height = "100%"
            curve.on_click(lambda x, _y: self.view.go_to_tilt(x))
        for picture in (self.view, self.other):
            picture.on_key(self._key)
        self._ready: tuple[Any, Step, Any] | None = None
        self._left: list[tuple[Any, np.ndarray]] = []  # of the last series that were measured
        self._nudged_on: Any = None
        self._kept: tuple[Step, dict[int, tuple[float, float]]] | None = None
        self.session.observe(lambda _: self._follow(), "job")
        self.session.observe(lambda _: propose(self.form, self.session.specimen), "specimen")
        top = widgets.HBox([self.view, self.other]).add_class("tj-row").add_class("tj-wide")
        return [top, widgets.HBox([self.shifts, self.moves]).add_class("tj-row")]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return how frames are compared, the methods side by side, and the nudges."""
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
        self.table = MethodsTable(self.take)
        self._tried: tuple[Any, dict[str, Tried]] = (None, {})
        self.compare = self._button("Compare methods", "exchange-alt", "methods-all", self.try_all)
        self.compare.tooltip = "Registers by each method, without a record, and measures the rest"
        self.movie = self._button("Save movie", "film", "movie", self.save_movie)
        self.movie.tooltip = "The series as shown, as a GIF; Space plays it here"
        self.nudges = NudgePart(self._nudges_changed)
        self.own_controls |= {"nudgex": self.nudges.x, "nudgey": self.nudges.y}
        return [
            self.said, widgets.HBox([self.compare, self.movie]).add_class("tj-buttons"),
            self.table, widgets.HTML(section("Compare frames")), self.mode, row, self.nudges,
        ]  # fmt: skip

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
        if self._nudged_on is not self.session.signal:  # another series: its frames are others
            self._nudged_on = self.session.signal
            self.nudges.moves.clear()
            self._take_draft()
        if self._tried[0] is not self.session.signal:
            self._tried = (None, {})
        self.compare.disabled = self.movie.disabled = signal is None
        if signal is None:
            for picture in (self.view, self.other):
                picture.clear("No series yet.")
            self.table.show({}, "")
            return
        tilts = tilts_of(signal) if tilts_known(signal) else None
        self.view.set(
            Nudged(self.seen().data, self.nudges.moves), tilts, pixel_nm(signal),
            excluded=signal.excluded, reasons=signal.excluded_reason,
        )  # fmt: skip
        self.view.subtitle = "preview" if self._is_ready() else ""
        self.other.pixel_nm = pixel_nm(signal)
        chosen = self.form.cls.method if self.form and self._is_ready() else ""
        self.table.show(self._tried[1], chosen)
        self._plot(signal)
        self._frame_changed()

    def changed(self) -> None:
        """Show the registered preview only as long as it is what the form says."""
        if self._ready is not None and not self._is_ready():
            self._ready = None
            self.nudges.moves.clear()
            self._keep_draft()
            self.show()

    def _frame_changed(self) -> None:
        signal = self.seen()
        if signal is None:
            return
        mine, known = self.view.projection, tilts_known(signal)
        self.nudges.show(mine, tilt_text(tilts_of(signal)[mine]) if known else "")
        self.shifts.mark("here", "x", self.view.tilt)
        self._show_comparison()

    def activate(self, active: bool = True) -> None:
        """Flicker only while the panel is seen."""
        super().activate(active)
        if active:
            self._show_comparison()
        else:
            self.other.rest()

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
        self.other.rest()
        signal = self.seen()
        if signal is None or not self.active:
            return
        mine = self.view.projection
        other = self._partner(mine)
        seen = Nudged(self.seen().data, self.nudges.moves)
        images = [np.asarray(seen[i], np.float32) for i in (mine, other)]
        tilts = tilts_of(signal)
        self.other.subtitle = f"{self.mode.value} with {tilt_text(tilts[other])} #{other}"
        self.other.compare(self.mode.value, *images)

    # ------------------------------------------------------------------ nudging

    def _key(self, key: str, shift: bool, alt: bool) -> None:
        if self.session.signal is None or self.undo_by_key(key):
            return
        low, nudging = key.lower(), self.view.mode == "nudge"
        move = key_move(key, shift, alt) if nudging else None
        if move is not None:
            self.nudges.add(*move)
        elif low == "n" or (nudging and low == "escape"):
            self.view.mode = self.other.mode = "none" if nudging else "nudge"
            self.view.badge = "" if nudging else "N"
        elif low in MODE_KEYS:
            self.mode.value = MODE_KEYS[low]
        elif low in "qw":
            self.other.pace(1.5 if low == "q" else 1 / 1.5)

    def _take_draft(self) -> None:
        """Take up nudges that were not applied when the session ended; of a preview, after it."""
        moves, step = from_draft(self.session.draft_of(self.panel))
        self._kept = (step, moves) if step is not None else None
        if step is None:
            self.nudges.moves.update(moves)
        elif self.form is not None:
            self.form.set(step)
            self.session.say(f"Nudges of a preview of {step.method} were kept: press Preview.")

    def _keep_draft(self) -> None:
        shown = self._ready[1] if self._ready is not None and self._is_ready() else None
        self.session.draft(self.panel, draft_values(self.nudges.moves, shown))

    def _nudges_changed(self) -> None:
        self._kept = None
        self._keep_draft()
        self.view.refresh()
        self._frame_changed()
        self._check()

    def steps(self) -> list[Step]:
        """Return what makes the series look as it is shown: the registration, the nudges.

        Where nothing is previewed and frames were nudged, the nudges alone: they were set on the
        series as it is.
        """
        nudge = nudge_step(self.nudges.moves)
        if nudge is None:
            return super().steps()
        return [*(super().steps() if self._is_ready() else []), nudge]

    def cautions(self) -> list[str]:
        """Return what the series is seen through, whether that suits, and the worst frame."""
        filters = () if self.session.signal is None else self.session.signal.alignment_filters
        if not filters or self.form is None:
            return super().cautions()
        through = " and ".join(f.method for f in filters)
        doubt = doubt_of(self.form.cls, filters)
        told = f"{self.form.cls.method} sees the series through {through}, as set in Filter."
        return [f"{capital(doubt)}." if doubt else told, *super().cautions()]

    # ------------------------------------------------------------------ doing

    def preview(self) -> None:
        """Register in the background, without a record, and show what comes out."""
        assert self.form is not None
        signal, step = self.session.signal, self.form.step()
        known, options = self.left(signal), self.session.options

        def work(monitor: Monitor) -> Any:
            made = run(signal, step, monitor, **options)
            _ = made.data
            cores = options.get("ncores")
            before = known if len(known) else left_of(signal, monitor, cores, (99, 100))
            return made, before, left_of(made, monitor, cores, (99, 100))

        def done(result: Result) -> None:
            made, before, after = result.value
            for one, px in ((signal, before), (made, after)):
                self._note_left(one, px)
            self._ready = signal, step, made
            if self._kept is not None and self._kept[0] == step:
                self.nudges.moves.update(self._kept[1])
            took = seconds_text(result.seconds)
            self.session.say(f"Preview of {step.method}, {took}. Apply keeps it.", "good")
            self.show()
            self._check()

        self.session.start(f"{step.method} preview", work, done)

    def try_all(self) -> None:
        """Register by every method in the background, and measure what each leaves over."""
        assert self.form is not None
        signal, now = self.session.signal, self.form.step()
        options = self.session.options
        methods = [m for m in REGISTRY["stack_register"] if m != BY_HAND]
        steps = [now if now.method == m else make_step("stack_register", m) for m in methods]

        def done(result: Result) -> None:
            if signal is not self.session.signal:
                return
            self._tried = signal, result.value
            self.table.show(result.value, "")
            took = seconds_text(result.seconds)
            self.session.say(f"Compared all methods, {took}. Click one to see it.", "good")

        self.session.start(
            "Comparing methods", lambda monitor: try_methods(signal, steps, monitor, options), done
        )

    def take(self, tried: Tried) -> None:
        """Show what a method made; a result that was not kept is made again by Preview."""
        assert self.form is not None
        self.nudges.moves.clear()
        self.form.set(tried.step)
        if tried.signal is None:
            self.session.say(f"{tried.step.method} is chosen; Preview shows it.")
            return
        self._ready = self.session.signal, tried.step, tried.signal
        self._note_left(tried.signal, tried.left)
        self.session.say(f"Preview of {tried.step.method}. Apply keeps it.", "good")
        self.show()
        self._check()

    def save_movie(self) -> None:
        """Write the series as it is shown as a GIF into the data folder."""
        signal, images = self.seen(), Nudged(self.seen().data, self.nudges.moves)
        path = self.session.free_name(f"{self.session.stem}_series", ".gif")
        tilts, size = tilts_of(signal), pixel_nm(signal)

        def done(result: Result) -> None:
            path.write_bytes(result.value)
            self.session.say(f"Wrote {path.name} in {self.session.where(path)}.", "good")

        self.session.start("Movie", lambda monitor: series_gif(images, tilts, size, monitor), done)

    def _follow(self) -> None:
        """Say how well the images agree while a method tells it."""
        text = round_sentence(self.session.job) if self.active else ""
        if text:
            self.said.value = f"<p>{text}</p>"

    def _apply(self) -> None:
        ready = self._ready[2] if self._is_ready() and self._ready else None
        steps = self.steps()
        nudge = steps[-1] if steps and steps[-1].method == BY_HAND else None
        if ready is not None and nudge is not None:
            ready = run(ready, nudge)
        self.session.apply(*steps, label=self.title, then=self._applied, ready=ready)

    def after(self, result: Any) -> None:
        """Forget the nudges, which are in the series now, and say how good it is."""
        told = score_sentence(result)
        if told and self.session.cursor is not None:
            # What it warns of, frames left out, is in the sentence; the panel has it in full.
            method = capital(self.session.records[-1]["method"])
            took = seconds_text(self.session.cursor.seconds)
            self.session.say(f"{method} took {took}. {told}", "good")
        self.nudges.moves.clear()
        self.session.draft(self.panel, None)
        self._frame_changed()

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the method and the largest shift, or how many frames were nudged."""
        if not records:
            return super().result_line(session, records)
        own = [r for r in records if r["method"] != BY_HAND]
        if not own:
            return f"{len(records[-1]['resolved']['projections'])} nudged by hand"
        shifts = np.abs(own[-1]["scalars"]["shifts"])
        return f"{own[-1]['method']}, up to {number_text(float(shifts.max()), 2)} px"
