import asyncio

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.steps import history, make_step
from tomojupyter.steps.recipe import Recipe
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels.reconstruct import ReconstructPanel
from tomojupyter.ui.panels.reconstruct_facts import run_words
from tomojupyter.ui.panels.reconstruct_slice import QuickLook, Rate, make_test_slice
from tomojupyter.ui.panels.reconstruct_time import Times
from tomojupyter.ui.session import Session
from tomojupyter.ui.status import StatusLine
from tomojupyter.ui.words import seconds_text, size_text


@pytest.fixture(scope="module")
def aligned():
    return tomo.datasets.get_catalyst_data(
        misalign=False, size=40, tilts=np.arange(-70, 71, 7.0), noise=False
    )


@pytest.fixture
def panel(aligned):
    return ReconstructPanel(aligned)


def same(made, expected, timeless):
    np.testing.assert_array_equal(made.data, expected.data)
    assert timeless(made) == timeless(expected)


def when(session, reached, act):
    """Act once a job has come so far."""

    def follow(_change):
        if session.job is not None and session.job.report.done == reached:
            act()

    session.observe(follow, "job")


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("FBP", {"sino_filter": "hann", "thickness": 30}),
        ("SIRT", {"iterations": 4, "constrain": True}),
    ],
)
def test_click_method_and_recipe_are_the_same(aligned, panel, timeless, method, values):
    panel.form.choose(method)
    for name, value in values.items():
        panel.controls[name].value = value
    assert f"reconstruct <b>{method}</b>" in panel.record.value
    panel.apply.click()
    same(panel.result, aligned.reconstruct(method, **values), timeless)
    same(panel.result, Recipe.of(panel.result, resolved=False).run(aligned), timeless)


def test_finish_keeps_the_iterate_and_records_what_was_done(aligned, panel, timeless):
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 9
    when(panel.session, 3, panel.session.finish)
    panel.apply.click()
    expected = aligned.reconstruct("SIRT", iterations=3)
    np.testing.assert_array_equal(panel.result.data, expected.data)
    record = history.read(panel.result)[-1]
    assert record["asked"]["iterations"] == 9
    assert record["resolved"] == history.read(expected)[-1]["resolved"]
    assert len(record["scalars"]["residuals"]) == 3
    assert "SIRT 3" in panel.runs.buttons["A"].description


def test_stop_leaves_the_session_as_it_was_and_greys_the_curve(panel):
    panel.form.choose("SIRT")
    before = panel.session.cursor
    when(panel.session, 2, panel.session.cancel)
    panel.apply.click()
    assert panel.session.cursor is before
    assert panel.session.runs == []
    assert panel.result is None
    assert "Stopped SIRT" in panel.session.message.text
    assert panel.controls["iterations"].value == 20
    assert panel.convergence.series["whole volume"].color == "#aab2bb"
    assert "now" not in panel.convergence.marks
    assert panel.view.title == "Quick look"


def test_iterates_are_seen_while_they_form(aligned, panel):
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 4
    panel.view.index = 13
    seen = []

    def note():
        seen.append((panel.view.title, panel.view._array.copy(), panel.convergence.percent))
        panel.view.index = 21

    when(panel.session, 2, note)
    panel.apply.click()
    title, image, percent = seen[0]  # later ones are of the slice moved to
    expected = aligned.reconstruct("SIRT", iterations=2)
    assert title == "Iteration 2"
    np.testing.assert_array_equal(image, expected.data[13])
    scalars = history.read(expected)[-1]["scalars"]
    assert percent == pytest.approx(scalars["residual_percent"], rel=1e-3)
    assert panel.view.index == 21
    np.testing.assert_array_equal(panel.view._array, panel.result.data[21])


def test_contrast_set_by_hand_and_the_slice_stay_while_it_runs(panel):
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 5
    limits = []
    when(panel.session, 2, lambda: panel.view.contrast(0.0, 7.5))
    when(panel.session, 4, lambda: limits.append((panel.view.lo, panel.view.hi)))
    panel.apply.click()
    assert limits[-1] == (0.0, 7.5)


def test_curve_is_drawn_from_the_record_in_percent_of_the_start(panel):
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 5
    panel.apply.click()
    scalars = history.read(panel.result)[-1]["scalars"]
    drawn = panel.convergence.series["whole volume"]
    np.testing.assert_array_equal(drawn.x, np.arange(1, 6))
    assert drawn.y[-1] == pytest.approx(scalars["residual_percent"])
    assert (np.diff(drawn.y) < 0).all()


def test_test_slice_is_the_slice_of_the_run_and_is_not_recorded(aligned, panel):
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 6
    panel.view.index = 17
    before, records = panel.session.cursor, list(panel.session.records)
    panel.preview_button.click()
    assert panel.session.cursor is before
    assert panel.session.records == records
    assert panel.view.title == "Test slice"
    volume = aligned.reconstruct("SIRT", iterations=6).data
    assert np.abs(panel.view._array - volume[17]).max() < 1e-4 * np.abs(volume).max()
    assert len(panel.convergence.series["test slice"].x) == 6
    assert "about" in panel.facts.value
    panel.view.index = 18
    assert panel.view.title == "Quick look"
    assert "tj-reconstruct-test" in panel.preview_button._dom_classes


def test_finish_and_stop_of_a_test_slice(panel):
    panel.form.choose("SIRT")
    when(panel.session, 3, panel.session.finish)
    panel.preview_button.click()
    assert panel._tested.step.as_dict()["iterations"] == 3
    tested = panel._tested
    panel.session.unobserve_all("job")
    when(panel.session, 2, panel.session.cancel)
    panel.preview_button.click()
    assert panel._tested is tested
    assert not panel._testing


def test_test_slice_with_gaps_is_that_of_the_run(stack):
    moved = stack.stack_register("PC")
    volume = moved.reconstruct("SIRT", iterations=3).data
    made = make_test_slice(moved, make_step("reconstruct", "SIRT", iterations=3), 9, _Quiet())
    assert np.abs(made.image - volume[9]).max() < 1e-4 * np.abs(volume).max()
    assert made.rate.each > 0


class _Quiet:
    finish_early = False

    def __call__(self, done, total, **values):
        pass


def test_time_is_told_by_a_trial_and_then_as_measured(panel):
    panel.form.choose("SIRT")
    assert "about" in panel.facts.value
    panel.controls["iterations"].value = 3
    panel.apply.click()
    took = float(history.read(panel.session.runs[-1].signal)[-1]["seconds"])
    assert f"about {seconds_text(took)}" in panel.facts.value
    assert Rate(2.0, 0.5).seconds(make_step("reconstruct", "SIRT", iterations=10)) == 7.0
    panel.controls["thickness"].value = 20
    assert "about" in panel.facts.value
    assert "40 × 20 × 40" in panel.facts.value


def test_trial_leaves_the_page_usable(panel):
    """Where a loop runs, the time comes from a thread, and one trial is made at a time."""

    async def look():
        step = make_step("reconstruct", "SIRT", iterations=2)
        told, signal = asyncio.Event(), panel.session.signal
        times = Times(told.set)
        assert times.estimate(("key",), signal, step, 1, busy=True) is None
        assert not times._trying
        assert times.estimate(("key",), signal, step, 1, busy=False) is None
        await asyncio.wait_for(told.wait(), 60)
        return times.estimate(("key",), signal, step, 1, busy=True)

    assert asyncio.run(look()) > 0


def test_runs_are_kept_compared_and_chosen(panel):
    for method in ("FBP", "SIRT", "SIRT", "SIRT"):
        panel.form.choose(method)
        if method == "SIRT":
            panel.controls["iterations"].value = 1 + len(panel.session.runs)
        panel.apply.click()
    runs = panel.session.runs
    assert [r.name for r in runs] == ["A", "B", "C", "D"]
    assert [p.title for p in panel.strip.pictures] == ["B", "C", "D"]
    assert len({(p.lo, p.hi) for p in panel.strip.pictures}) == 1
    for run, picture in zip(runs[1:], panel.strip.pictures, strict=True):
        np.testing.assert_array_equal(picture._array, run.signal.data[panel.x])
    assert panel.runs.buttons["A"].description == "A  FBP, shepp-logan"
    panel.runs.buttons["A"].click()
    assert panel.session.volume is runs[0].signal
    assert panel.view.title == "Run A"
    assert "has no iterations" in panel.convergence.subtitle
    np.testing.assert_array_equal(panel.view._array, runs[0].signal.data[panel.x])
    panel.runs.eyes["A"].click()
    assert [p.title for p in panel.strip.pictures] == ["A", "C", "D"]
    panel.runs.eyes["C"].click()
    assert [p.title for p in panel.strip.pictures] == ["A", "D", ""]
    assert panel.strip.pictures[2].message == "Another run appears here."


def test_slices_side_by_side_follow_the_slider(panel):
    panel.form.choose("FBP")
    panel.apply.click()
    panel.view.index = 5
    volume = panel.result.data
    np.testing.assert_array_equal(panel.strip.pictures[0]._array, volume[5])
    np.testing.assert_array_equal(panel.view._array, volume[5])


def test_change_of_the_series_shows_the_series_and_not_the_old_run(panel):
    panel.form.choose("FBP")
    panel.apply.click()
    panel.session.apply(make_step("trim", "crop", left=8))
    assert panel.view.title == "Quick look"
    assert panel.view.slider["max"] == 31
    assert len(panel.session.runs) == 1


def test_quick_look_is_the_back_projection_binned():
    tilts = np.arange(-60, 61, 5.0)
    blob = np.exp(-((np.arange(400) - 180) ** 2) / 800.0).astype(np.float32)
    data = np.repeat(np.repeat(blob[None, :, None], len(tilts), 0), 6, 2)
    made = QuickLook(tomo.TomoStack(data, tilts)).slice(2, 400)
    full = solvers.fbp(
        make_projector(tilts, 400, 400), np.ascontiguousarray(data[None, :, :, 2]), tilts
    )[0]
    known = np.isfinite(made)
    assert made.shape == (400, 400)
    assert np.corrcoef(made[known], full[known])[0, 1] > 0.98
    assert np.ptp(made[known]) == pytest.approx(np.ptp(full), rel=0.15)


def test_missing_tilts_and_memory_are_blockers(aligned, panel, monkeypatch):
    bare = ReconstructPanel(tomo.TomoStack(aligned.data))
    assert "Tilts are missing: enter them in Load." in bare.messages.value
    assert bare.apply.disabled
    monkeypatch.setattr("tomojupyter.steps.estimate.free_bytes", lambda: 100_000)
    panel.controls["thickness"].value = 39
    assert panel.apply.disabled
    assert "are needed, 100 kB are free: bin by 2 in Trim" in panel.messages.value


def test_facts_are_those_of_the_estimate(panel, aligned, monkeypatch):
    monkeypatch.setattr("tomojupyter.steps.streaming.HELD_BACK", 0)
    panel.form.choose("SIRT")
    told = aligned.estimate("SIRT")
    needed = size_text(told.peak_bytes + told.output_bytes)
    assert f"<td>{needed} of " in panel.facts.value
    assert "In parts" not in panel.facts.value
    monkeypatch.setattr("tomojupyter.steps.estimate.free_bytes", lambda: 1_250_000)
    panel.controls["thickness"].value = 39
    assert " slices, the middle first" in panel.facts.value
    assert not panel.apply.disabled


def test_system_that_does_not_tell_its_memory_blocks_nothing(panel, monkeypatch):
    monkeypatch.setattr("tomojupyter.steps.estimate.free_bytes", lambda: None)
    panel.controls["thickness"].value = 39
    assert not panel.apply.disabled
    assert "free" not in panel.facts.value


def test_run_in_parts_offers_finish_for_the_middle_alone(panel, monkeypatch):
    monkeypatch.setattr("tomojupyter.steps.streaming.HELD_BACK", 0)
    panel.session.options["max_memory"] = "700 kB"
    status, seen = StatusLine(panel.session), []

    def look(_):
        report = panel.session.job.report if panel.session.job else None
        if report is not None and "slab" in report.values:
            part = f"part {report.values['slab']} of "
            assert part in status.message.value
            seen.append((report.values["slab"], report.done > 0, status.finish.disabled))
            if panel._live is not None:
                assert "slice x" in panel.view.subtitle or "updates" in panel.view.subtitle

    panel.session.observe(look, "job")
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 3
    panel.apply.click()
    assert (1, True, False) in seen
    assert {disabled for slab, _, disabled in seen if slab > 1} == {True}
    assert len(panel.session.runs) == 1


def test_vacuum_and_missing_registration_are_warnings(aligned):
    data = aligned.data + 500
    data = np.array([np.roll(d, 5 * (k % 2), 0) for k, d in enumerate(data)])
    panel = ReconstructPanel(tomo.TomoStack(data, aligned.tilts.data.ravel()))
    assert "is reconstructed as matter: take it off in Filter." in panel.messages.value
    assert "Not registered: neighbouring frames move by" in panel.messages.value
    assert not panel.apply.disabled


def test_bad_value_is_a_sentence_and_keeps_the_picture(panel):
    panel.form.choose("SIRT")
    before = panel.view._array
    panel.controls["iterations"].value = 0
    assert "iterations must be at least 1" in panel.messages.value.lower()
    assert panel.apply.disabled
    assert panel.view._array is before


def test_error_of_a_run_keeps_state_and_settings(aligned):
    data = np.zeros_like(aligned.data)
    session = Session(tomo.TomoStack(data, aligned.tilts.data.ravel()), executor=Inline())
    panel = ReconstructPanel(session)
    panel.activate()
    panel.form.choose("SIRT")
    panel.apply.click()
    assert session.message.kind == "error"
    assert session.runs == []
    panel.preview_button.click()
    assert session.message.kind == "error"
    assert not panel._testing


def test_panel_that_is_not_seen_does_no_work_and_catches_up(aligned):
    session = Session(aligned, executor=Inline())
    panel = ReconstructPanel(session)
    assert panel.view._array is None
    session.apply(make_step("reconstruct", "SIRT", iterations=2))
    assert panel.view._array is None
    panel.activate()
    assert panel.view.title == "Run A"
    assert len(panel.convergence.series["whole volume"].x) == 2


def test_empty_panel_says_what_is_missing():
    panel = ReconstructPanel()
    assert "Load a series first." in panel.messages.value
    assert panel.view.message == "No series yet."


def test_rail_tells_the_run_its_residual_and_how_far_one_is(panel):
    lines = []
    line = ReconstructPanel.result_line
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 3
    when(panel.session, 2, lambda: lines.append(line(panel.session, [])))
    panel.apply.click()
    assert lines[-1] == "2 of 3"
    made = line(panel.session, panel.session.records[-1:])
    assert made.startswith("SIRT 3: ")
    assert made.endswith(" %")
    assert line(panel.session, []) == "make the volume"


def test_run_in_words_tells_what_was_asked(aligned):
    made = aligned.reconstruct("SIRT", iterations=2, constrain=True, thresh=0.5, thickness=20)
    assert run_words(history.read(made)[-1]) == "SIRT 2, thickness 20, constrain, thresh 0.5"


def test_a_method_without_iterations_is_not_said_to_converge(session):
    panel = ReconstructPanel(session)
    panel.activate()
    panel.form.choose("SIRT")
    assert "Stop where the curve flattens" in panel.look_for.value
    assert panel.convergence.subtitle == "log scale"
    panel.form.choose("FBP")
    assert "curve" not in panel.look_for.value
    assert panel.convergence.subtitle == "FBP has no iterations"
