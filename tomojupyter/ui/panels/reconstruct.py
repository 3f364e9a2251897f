"""Reconstruct: the volume from the aligned series, seen while it forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import numpy as np

from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.axis_preview import columns_of_mass, mean_of, vacuum_to_lift
from tomojupyter.ui.panels.noticed import movement
from tomojupyter.ui.panels.reconstruct_facts import (
    curve_note,
    data_norm,
    estimate_or_problem,
    facts_html,
    levels_sentences,
    look_for_html,
    method_words,
    propose_levels,
    run_words,
    series_sentences,
    too_large,
)
from tomojupyter.ui.panels.reconstruct_runs import (
    SIDE_BY_SIDE,
    RunsTable,
    RunStrip,
    chosen_run,
    continue_run,
    record_of,
    residuals_of,
    slice_of,
    toggled,
)
from tomojupyter.ui.panels.reconstruct_slice import QuickLook, Tested, make_test_slice
from tomojupyter.ui.panels.reconstruct_thickness import ThicknessProposal
from tomojupyter.ui.panels.reconstruct_time import Times
from tomojupyter.ui.style import section
from tomojupyter.ui.views.convergence import ConvergenceView
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.words import pixel_nm, seconds_text, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Report, Result
    from tomojupyter.ui.session import Session
    from tomojupyter.ui.timeline import Node

WHOLE, TEST = "whole volume", "test slice"
GREY = "#aab2bb"


class ReconstructPanel(OperationPanel):
    """Reconstruct, watch the iterations, and compare the runs."""

    panel = "reconstruct"
    title = "Reconstruct"
    purpose = (
        "Turn the aligned tilts into a volume. "
        "Good: sharp edges, dark pores, and a curve that has levelled off."
    )
    hint = "make the volume"
    icon = "cubes"
    operations = ("reconstruct",)
    labels: ClassVar[Mapping[str, str]] = {
        "constrain": "no negative values",
        "thresh": "Lowest value",
        "sino_filter": "Filter",
        "cuda": "GPU",
        "backend": "Projector",
        "gray_levels": "Grey levels",
        "dart_iterations": "SIRT in each",
        "upper": "Highest value",
        "p": "Fixed inside",
    }
    preview_text = "Test slice"
    apply_text = "Reconstruct"
    moves_on = True

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return the slice, the convergence, the runs, and three of them side by side."""
        self._signal: Any = self  # none yet: not even the lack of one was shown
        self._quick: QuickLook | None = None
        self._tested: Tested | None = None
        self.times = Times(lambda: self.soon(self._show_facts))
        self.thickness = ThicknessProposal()
        self.session.observe(lambda _: self._form_changed(), "specimen")
        self._seen: list[Node] = []
        self._known: list[Node] = []
        self._testing = self._shows_test = False
        self._live: np.ndarray | None = None
        self._points = 0
        self._norm = 0.0
        self._moves = self._vacuum = 0.0
        self.view = Picture("Slice").add_class("tj-view-reconstruct-1")
        self.view.on_index(lambda _: self._show_slice())
        self.convergence = ConvergenceView(height="45%").add_class("tj-grow")
        self.convergence.add_class("tj-view-reconstruct-curve")
        self.runs = RunsTable(self.choose, self.look, self.go_on)
        self.strip = RunStrip(self.view)
        self.session.observe(lambda _: self._follow(), "job")
        side = widgets.VBox([self.convergence, self.runs]).add_class("tj-column")
        self.top = widgets.HBox([self.view, side]).add_class("tj-row").add_class("tj-wide")
        return [self.top, self.strip]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return what is to be known before the start, and what to look for."""
        self.preview_button.add_class("tj-reconstruct-test")
        self.preview_button.tooltip = "Reconstruct the slice that is shown; nothing is recorded"
        self.facts = widgets.HTML().add_class("tj-reconstruct-facts")
        self.look_for = widgets.HTML()
        return [widgets.HTML(section("Before you start")), self.facts, self.look_for]

    # ------------------------------------------------------------------ showing

    @property
    def x(self) -> int:
        """Column of the slice that is shown, in px."""
        return int(self.view.index)

    def show(self) -> None:
        """Show the runs, and the chosen one or a quick look at the series."""
        signal = self.session.signal
        if signal is not self._signal:
            self._take_series(signal)
        runs = self.session.runs
        new = [run for run in runs if run not in self._known]
        for run in new:
            self.times.note_run(run)
        self._known = runs
        self._seen = [run for run in self._seen if run in runs]
        self._seen = [*self._seen, *new][-SIDE_BY_SIDE:]
        if new and self._tested is not None and not self._testing:
            self._shows_test = False
        self.runs.show(runs, chosen_run(runs, self.session.volume), self._seen)
        if self.session.job is None:
            self._draw_curves()
        self._show_slice()
        self._show_facts()

    def _take_series(self, signal: Any) -> None:
        before = self._signal
        self._signal, self._tested, self._quick = signal, None, None
        self._shows_test = False
        self._norm = self._moves = self._vacuum = 0.0
        if signal is None:
            self.view.set_slider(0)
            self.view.clear("No series yet.")
            self.convergence.reset(10)
            return
        n, ny, nx = signal.data.shape
        resized = before in (self, None) or before.data.shape[1:] != (ny, nx)
        tilts = tilts_of(signal) if tilts_known(signal) else np.arange(n)
        self._vacuum = vacuum_to_lift(signal)
        self._moves = movement(signal.data, np.argsort(tilts, kind="stable"))
        if tilts_known(signal):
            self._quick = QuickLook(signal)
        if resized:
            middle = columns_of_mass(mean_of(signal.data, ~signal.excluded))[1]
            self.view.set_slider(nx, middle, name="x", notes=["slice z, y"] * nx, home=middle)

    def changed(self) -> None:
        """Let the facts and the quick look follow the form."""
        propose_levels(self.form, self.session.volume)
        signal, specimen = self.session.signal, self.session.specimen
        self.thickness.fill(self.form, signal, specimen, self._quick)
        self._show_facts()
        if self._live is None:
            self.soon(self._show_slice)

    def _thickness(self) -> int:
        assert self.form is not None
        signal = self.session.signal
        return getattr(self.form.step(), "thickness", None) or int(signal.data.shape[1])

    def _show_slice(self) -> None:
        """Show the slice of what there is: the iterate, the test slice, the run, a quick look."""
        signal = self.session.signal
        if signal is None or not self.active:
            return
        self.view.pixel_nm = pixel_nm(signal)
        runs = self.session.runs
        self.strip.show([run for run in runs if run in self._seen], self.x)
        if self._live is not None:
            self._show_iterate(self._live)
            return
        chosen = chosen_run(runs, self.session.volume)
        tested = self._tested
        here = self.session.cursor.stack if self.session.cursor else None
        if tested is not None and self._shows_test and tested.x == self.x:
            self._put("Test slice", f"{method_words(tested.step)}, not recorded", tested.image)
        elif chosen is not None and chosen.stack is here:
            text = run_words(record_of(chosen))
            self._put(f"Run {chosen.name}", text, slice_of(chosen.signal, self.x))
        elif self._quick is None:
            self.view.title, self.view.subtitle = "Slice", ""
            self.view.clear("Enter the tilts in Load to see slices.")
        elif self.form is not None and not self.form.problem():
            self._put("Quick look", "coarse FBP", self._quick.slice(self.x, self._thickness()))

    def _put(self, title: str, subtitle: str, image: np.ndarray) -> None:
        """Show an image; another kind of image gets a contrast of its own, but keeps the zoom."""
        other = title != self.view.title
        self.view.title, self.view.subtitle = title, subtitle
        self.view.show(image)
        if other:
            self.view.auto_contrast()

    def _show_facts(self) -> None:
        signal, form = self.session.signal, self.form
        if signal is None or form is None or form.problem():
            self.facts.value = '<p class="tj-grey">Known once there is a series.</p>'
            return
        self.look_for.value = look_for_html(form.cls)
        if not (self.convergence.series or self.session.runs):
            self.convergence.subtitle = curve_note(form.cls)
        step, key = form.step(), self._key(form.step())
        ncores, busy = self.session.options.get("ncores"), self.session.job is not None
        told = estimate_or_problem(signal, step, self.session.options)
        seconds = self.times.measured(key, step)
        if seconds is None and not told.refusal and tilts_known(signal):
            seconds = self.times.estimate(key, signal, step, ncores, busy)
        self.facts.value = facts_html(signal.data.shape, self._thickness(), told, seconds)

    def _key(self, step: Step) -> tuple[Any, ...]:
        return Times.key(self.session.signal, step, self._thickness())

    # ------------------------------------------------------------------ while it runs

    def _follow(self) -> None:
        """Follow the job: its iterate in the picture, its residuals in the plot."""
        job = self.session.job
        if job is None:
            if self._live is not None:
                self._ended()
            return
        volume = job.report.values.get("volume")
        if not self.active or volume is None or self.session.signal is None:
            return
        if self._live is None:
            self._begin(job.report)
        self._live = volume
        for iteration, residual in job.report.series.get("residual", [])[self._points :]:
            self.convergence.add(iteration, residual)
            self._points += 1
        self._show_iterate(volume)

    def _begin(self, report: Report) -> None:
        self._points = 0
        name = TEST if self._testing else WHOLE
        slabs = report.values.get("slabs", 1)
        start = self._start_norm() if self._testing or slabs == 1 else 0
        self.convergence.subtitle = "log scale"
        self.convergence.reset(
            max(1, report.total // slabs), name=name, start=start or None, keep=True
        )
        self.view.follow = True

    def _show_iterate(self, volume: np.ndarray) -> None:
        one = len(volume) == 1
        x = 0 if one else min(self.x, len(volume) - 1)
        here = getattr(volume, "nearest", int)(x)  # of a run in slabs, the middle goes first
        if self.view.follow and [self.view.lo, self.view.hi] != self.view.auto_range:
            self.view.follow = False  # a person has set the contrast
        self.view.title = f"Iteration {self._points}"
        follows = "updates as it runs" if here == x else f"slice x {here}, where it has begun"
        self.view.subtitle = "test slice" if one else follows
        # A copy: the solver goes on in its array.
        self.view.show(np.array(volume[x]))

    def _ended(self) -> None:
        self._live = None
        self.view.follow = False
        for name in (WHOLE, TEST):
            if name in self.convergence.series:
                xs, ys = self.convergence.series[name].x, self.convergence.series[name].y
                self.convergence.set(name, xs, ys, color=GREY)
        self.convergence.unmark("now")
        self.soon(self._show_slice)

    def _start_norm(self) -> float:
        """Return the norm of the data, which counts as 100 %; of all found once for a series."""
        if self._testing:
            return data_norm(self.session.signal, self.x)
        self._norm = self._norm or data_norm(self.session.signal)
        return self._norm

    def _draw_curves(self) -> None:
        """Draw the curve of the chosen run, or of the test slice, and that in grey."""
        chosen = chosen_run(self.session.runs, self.session.volume)
        whole, start, note = residuals_of(chosen)
        tested = self._tested
        curves = [(TEST, tested.residuals, 100.0)] if tested and tested.residuals else []
        if whole and not self._shows_test:
            curves.append((WHOLE, whole, start))
        total = max([len(values) for _, values, _ in curves], default=10)
        self.convergence.reset(total)
        for k, (name, values, full) in enumerate(curves):
            self.convergence.reset(total, name=name, start=full, keep=k > 0)
            for iteration, value in enumerate(values, 1):
                self.convergence.add(iteration, value)
        other = self._shows_test if whole else curves
        self.convergence.subtitle = "log scale" if other else note

    # ------------------------------------------------------------------ acting

    def preview(self) -> None:
        """Reconstruct the slice that is shown, without a record, and measure the time."""
        signal, x = self.session.signal, self.x
        assert self.form is not None
        step = self.form.step()
        key, ncores = self._key(step), self.session.options.get("ncores")

        def work(monitor: Monitor) -> Tested:
            return make_test_slice(signal, step, x, monitor, ncores)

        def done(result: Result) -> None:
            self._testing = False
            if signal is not self.session.signal:
                return
            tested: Tested = result.value
            self._tested, self._shows_test = tested, True
            self.times.note(key, tested.rate)
            whole = seconds_text(tested.rate.seconds(step))
            self.session.say(f"Slice x {x} is ready; the whole volume takes about {whole}.", "good")
            self._draw_curves()
            self._show_slice()
            self._show_facts()

        def failed(_text: str) -> None:
            self._testing = False

        self._testing = True
        if not self.session.start("Test slice", work, done, can_finish=bool(step.finished_by),
                                  failed=failed):  # fmt: skip
            self._testing = False

    def choose(self, run: Node) -> None:
        """Make a run the one that Explore and Save use."""
        self._shows_test = False
        self.session.go_to(run, f"Run {run.name}")

    def look(self, run: Node) -> None:
        """Show a run side by side with others, or no longer."""
        self._seen = toggled(self._seen, run)
        runs = self.session.runs
        self.runs.show(runs, chosen_run(runs, self.session.volume), self._seen)
        self._show_slice()

    def go_on(self, run: Node) -> None:
        """Make a new run that begins with the volume of another; that one is saved for it."""
        assert self.form is not None
        continue_run(run, self.session, self.form, self.title, self._applied)

    # ------------------------------------------------------------------ what to know

    def blockers(self) -> list[str]:
        """Return what is missing: tilts, or memory."""
        signal, form = self.session.signal, self.form
        if signal is None or form is None:
            return []
        if not tilts_known(signal):
            return ["Tilts are missing: enter them in Load."]
        if form.problem():
            return []
        text = too_large(estimate_or_problem(signal, form.step(), self.session.options))
        return [text] if text else []

    def cautions(self) -> list[str]:
        """Return what would spoil the volume."""
        signal = self.session.signal
        if signal is None or signal is not self._signal:
            return []
        proposed = self.thickness.sentences(self.form, self.session.specimen)
        spoilt = series_sentences(signal, self._moves, self._vacuum)
        return levels_sentences(self.form) + proposed + spoilt

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return the run and its residual; while one runs, how far it is."""
        job = session.job
        if job is not None and job.report.total and "volume" in job.report.values:
            return f"{job.report.done} of {job.report.total}"
        if not records:
            return super().result_line(session, records)
        record = records[-1]
        percent = record.get("scalars", {}).get("residual_percent")
        return run_words(record) + (f": {percent:.1f} %" if percent is not None else "")
