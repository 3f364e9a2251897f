"""The panel that registers: parity with the method call, preview, comparison."""

import numpy as np
import pytest
from PIL import Image

from tomojupyter.steps import history, make_step
from tomojupyter.ui import RegisterPanel
from tomojupyter.ui.panels.register_frames import overlay
from tomojupyter.ui.panels.register_left import score_sentence


@pytest.mark.parametrize("method", ["PC", "StackReg"])
def test_apply_is_the_method_call(session, stack, timeless, method):
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose(method)
    panel.controls["start"].value = 4
    panel.apply.click()
    expected = stack.stack_register(method, start=4)
    assert np.array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)


def test_preview_records_nothing_and_apply_takes_it(session, stack, timeless):
    panel = RegisterPanel(session)
    panel.activate()
    panel.preview_button.click()
    assert panel.result is None
    assert len(session.records) == 1
    previewed = panel.seen()
    assert previewed is not session.signal
    panel.apply.click()
    assert session.signal is previewed
    assert timeless(previewed) == timeless(stack.stack_register("PC"))


def test_a_changed_form_throws_the_preview_away(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.preview_button.click()
    panel.controls["start"].value = 2
    assert panel.seen() is session.signal


def test_neighbours_are_those_by_tilt(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.view.projection = 6
    assert panel._partner(6) == 5
    panel.controls["with"].value = "next"
    assert panel._partner(6) == 7
    assert panel._partner(12) == 11  # there is none beyond the last
    panel.controls["with"].value = "start"
    assert panel._partner(0) == 6


@pytest.mark.parametrize("mode", ["difference", "flicker", "overlay"])
def test_comparison_names_the_other_frame(session, mode):
    panel = RegisterPanel(session)
    panel.activate()
    panel.controls["compare"].value = mode
    panel.view.projection = 6
    panel._show_comparison()
    assert panel.other.subtitle == f"{mode} with −10.0° #5"
    assert panel.other.frame


def test_overlay_is_magenta_and_green_and_white_together():
    mine, other = np.array([[1.0, 0.0, 1.0]]), np.array([[0.0, 1.0, 1.0]])
    colours = overlay(mine, other, (0.0, 1.0))
    assert colours.tolist() == [[[255, 0, 255], [0, 255, 0], [255, 255, 255]]]


def test_rail_says_how_far(session):
    panel = RegisterPanel(session)
    panel.activate()
    assert RegisterPanel.result_line(session, []) == "take out the drift"
    panel.apply.click()
    assert RegisterPanel.result_line(session, session.records[-1:]).startswith("PC, up to ")


def test_without_a_series_it_says_so(empty):
    panel = RegisterPanel(empty)
    panel.activate()
    assert "Load a series first." in panel.messages.value
    assert panel.apply.disabled


def test_preview_measures_what_is_left_before_and_after(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose("COM")
    panel.preview_button.click()
    before, after = panel.left(session.signal), panel.left(panel.seen())
    assert len(before) == len(after) == 13
    assert np.nanmedian(after) < 0.5 * np.nanmedian(before)
    assert list(panel.moves.series)[:2] == ["before", "now"]
    assert f"{np.nanmedian(after):.2g} px in the median" in panel.said.value


def test_comparing_methods_records_nothing_and_a_click_previews(session, stack, timeless):
    panel = RegisterPanel(session)
    panel.activate()
    panel.compare.click()
    assert len(session.records) == 1
    assert set(panel.table.buttons) == {"PC", "StackReg", "COM", "COM-CL", "joint"}
    panel.table.buttons["COM"].click()
    assert panel.form.cls.method == "COM"
    assert panel.seen() is not session.signal
    assert panel.record.value.count("COM")
    panel.apply.click()
    expected = stack.stack_register("COM")
    assert np.array_equal(session.signal.data, expected.data)
    assert timeless(session.signal) == timeless(expected)


def test_a_nudge_by_keys_is_the_method_call(session, stack, timeless):
    panel = RegisterPanel(session)
    panel.activate()
    panel.view.projection = 3
    for key, shift, alt in (
        ("ArrowRight", False, False),  # not yet nudging
        ("n", False, False), ("ArrowRight", False, False), ("ArrowUp", True, False),
        ("ArrowUp", False, True), ("n", False, False), ("ArrowLeft", False, False),
    ):  # fmt: skip
        panel.view._emit("key", key, shift, alt)
    assert panel.nudges.moves == {3: (0.1, -1.01)}
    assert (panel.nudges.x.value, panel.nudges.y.value) == (0.1, -1.01)
    assert "stack_register" in panel.record.value
    assert "manual" in panel.record.value
    panel.apply.click()
    expected = stack.stack_register("manual", projections=[3], x=[0.1], y=[-1.01])
    assert np.array_equal(session.signal.data, expected.data, equal_nan=True)
    assert timeless(session.signal) == timeless(expected)
    assert panel.nudges.moves == {}
    assert RegisterPanel.result_line(session, session.records[-1:]) == "1 nudged by hand"


def test_a_preview_with_a_nudge_is_recorded_as_both(session, stack):
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose("COM")
    panel.preview_button.click()
    panel.view.projection = 5
    panel.nudges.y.value = 0.5
    panel.apply.click()
    expected = stack.stack_register("COM").stack_register("manual", projections=[5], x=[0], y=[0.5])
    assert np.array_equal(session.signal.data, expected.data, equal_nan=True)
    assert [r["method"] for r in session.records[1:]] == ["COM", "manual"]
    panel.nudges.x.value = 1.0
    panel.nudges.clear.click()
    assert "manual" not in panel.record.value


def test_the_worst_frame_is_named(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel._note_left(session.signal, np.r_[np.full(12, 0.1), 1.4])
    panel.show()
    panel._check()
    assert "#12 (60.0°) still moves by 1.4 px: go there, nudge it" in panel.messages.value
    assert "worst" in panel.moves.series
    panel._note_left(session.signal, np.r_[np.full(12, 0.1), 0.2])
    panel._check()
    assert "still moves" not in panel.messages.value


def test_joint_is_previewed_and_applied(session, timeless, stack):
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose("joint")
    panel.preview_button.click()
    assert "Round " not in panel.said.value  # the job is over: what is left is said
    panel.apply.click()
    assert timeless(session.signal) == timeless(stack.stack_register("joint"))


def test_the_movie_is_a_gif_of_the_series(session, tmp_path):
    panel = RegisterPanel(session)
    panel.activate()
    panel.movie.click()
    (path,) = tmp_path.glob("*.gif")
    with Image.open(path) as gif:
        assert gif.n_frames == 2 * 13 - 2


@pytest.mark.parametrize(("name", "said"), [("joint preview", True), ("SIRT", False)])
def test_only_a_registration_tells_its_rounds(session, name, said):
    panel = RegisterPanel(session)
    panel.activate()
    before = panel.said.value

    def work(monitor):
        monitor(2, 5, residual=0.25)

    session.start(name, work, lambda _: None)
    assert ("Round 2" in panel.said.value) == said
    assert said or panel.said.value == before


def test_joint_says_how_good_it_is_in_the_panel_and_in_the_status_line(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose("joint")
    panel.preview_button.click()
    previewed = panel.said.value
    panel.apply.click()
    score = session.records[-1]["scalars"]["score"]
    assert "px expected" in score
    assert f"{score}." in panel.said.value
    assert f"{score}." in previewed
    assert session.message.text.startswith("Joint took ")
    assert session.message.text.endswith(f"{score}.")
    assert session.message.kind == "good"
    session.apply(make_step("stack_register", "manual", projections=(3,), x=(2.0,), y=(0.0,)))
    assert "expected" not in panel.said.value  # it is not so any more


def test_a_method_that_tells_no_score_says_what_it_took_out(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.apply.click()
    assert "expected" not in panel.said.value
    assert "Largest movement taken out" in panel.said.value
    assert session.message.text.startswith("PC took ")


def test_a_series_that_lies_right_is_said_to_stay(session):
    record = {"operation": "stack_register", "method": "joint",
              "scalars": {"score": "0.02 px expected", "kept": True}}  # fmt: skip
    history.write(session.signal, [record])
    assert score_sentence(session.signal) == (
        "Nothing to mend was seen, so the images stay where they are: 0.02 px expected."
    )
    history.write(session.signal, [record, {"operation": "external"}])
    assert score_sentence(session.signal) == ""


def test_what_a_preview_took_is_what_the_step_took(session):
    panel = RegisterPanel(session)
    panel.activate()
    panel.preview_button.click()
    about = panel._ready[2].metadata.Tomojupyter
    about.history = about.history.replace('"seconds": ', '"seconds": 12')
    panel.apply.click()
    assert session.cursor.seconds > 100
    assert "took 0.0 s" not in session.message.text


def test_shifts_of_a_binned_series_are_plotted_in_its_own_px(session):
    session.apply(make_step("trim", "bin", factor=2))
    panel = RegisterPanel(session)
    panel.activate()
    panel.form.choose("PC")
    panel.apply.click()
    found = np.array(session.records[-1]["scalars"]["shifts"])
    plotted = panel.shifts.series["y"].y
    assert np.abs(plotted).max() == pytest.approx(np.abs(found[:, 0]).max(), abs=1e-3)
