import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import make_step
from tomojupyter.ui.panels.trim import TrimPanel
from tomojupyter.ui.panels.trim_frames import EXCLUDE, BinnedLook, gap_sentence, maximum


def same(made, expected, timeless):
    np.testing.assert_array_equal(made.data, expected.data)
    assert timeless(made) == timeless(expected)


def test_crop_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = TrimPanel(stack)
    panel.controls["left"].value = 3
    panel.controls["bottom"].value = 28
    panel.apply.click()
    same(panel.result, stack.trim("crop", left=3, bottom=28), timeless)
    assert panel.result.data.shape == (13, 28, 29)


def test_removal_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = TrimPanel(stack)
    panel.controls["projections"].value = "2, 4-5"
    panel.apply.click()
    same(panel.result, stack.trim("remove_projections", projections=(2, 4, 5)), timeless)


def test_binning_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = TrimPanel(stack)
    panel.controls["bin"].value = 2
    panel.apply.click()
    same(panel.result, stack.trim("bin", factor=2), timeless)


def test_all_three_are_steps_in_order_and_one_undo(stack, timeless):
    panel = TrimPanel(stack)
    panel.controls["bin"].value = 4
    panel.controls["top"].value = 4
    panel.controls["projections"].value = "0"
    panel.apply.click()
    expected = (
        stack.trim("remove_projections", projections=(0,)).trim("crop", top=4).trim("bin", factor=4)
    )
    same(panel.result, expected, timeless)
    assert [r["method"] for r in timeless(panel.result)[1:]] == [
        "remove_projections", "crop", "bin"
    ]  # fmt: skip
    panel.session.undo()
    assert panel.session.signal is stack


def test_only_what_changes_something_becomes_a_step(stack):
    panel = TrimPanel(stack)
    assert panel.steps() == []
    assert panel.apply.disabled
    assert panel.messages.value == ""
    panel.controls["left"].value = 0
    panel.controls["right"].value = 32
    assert panel.steps() == []
    panel.controls["bin"].value = 2
    assert [s.method for s in panel.steps()] == ["bin"]
    assert not panel.apply.disabled


def test_rectangle_and_numbers_agree_in_both_directions(stack):
    panel = TrimPanel(stack)
    panel.view._receive(None, {"type": "rect", "x0": 2, "y0": 5, "x1": 30, "y1": 32}, None)
    values = [panel.controls[n].value for n in ("left", "right", "top", "bottom")]
    assert values == ["2", "30", "5", ""]  # an edge of the image stays "auto"
    panel.controls["right"].value = 20
    box = next(o for o in panel.view.overlays if o["id"] == "box")
    assert (box["x0"], box["y0"], box["x1"], box["y1"]) == (2, 5, 20, 32)
    assert "18 × 27 px" in box["text"]


def test_numbers_follow_while_the_rectangle_is_dragged(stack):
    panel = TrimPanel(stack)
    moved = {"kind": "rectangle", "id": "box", "x0": 0, "y0": 7, "x1": 32, "y1": 32}
    panel.view._receive(None, {"type": "drag", "overlay": moved, "done": False}, None)
    assert panel.controls["top"].value == "7"
    panel.view._receive(None, {"type": "drag", "overlay": {**moved, "y0": 9}, "done": True}, None)
    assert panel.controls["top"].value == "9"


def test_edges_show_what_auto_stands_for(stack):
    panel = TrimPanel(stack)
    panel.controls["left"].value = 4
    panel.controls["bin"].value = 2
    assert "32 px" in panel.form.fields["right"].note.value
    assert "14 × 16 px" in panel.size_note.value


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"top": 10, "bottom": 10}, "The box is 0 px high"),
        ({"left": 40}, "do not lie in the image"),
        ({"projections": "0-10"}, "Only 2 frames would be left; at least 3 are needed."),
        ({"projections": "13"}, "there is no frame #13"),
        ({"projections": "two"}, "must be numbers, such as 3, 5, 10-12"),
        ({"left": 28, "bin": 8}, "bin 8 is larger than the box (4 × 32 px)"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_blocks(stack, values, sentence):
    panel = TrimPanel(stack)
    for name, value in values.items():
        panel.controls[name].value = value
    assert sentence.lower() in panel.messages.value.lower()
    assert panel.apply.disabled


def test_gap_in_the_tilts_is_a_warning(stack):
    panel = TrimPanel(stack)
    panel.controls["projections"].value = "3-5"
    assert "Leaving out 3 frames in a row opens a gap of 40° at −20°." in panel.messages.value
    assert not panel.apply.disabled
    panel.controls["projections"].value = "0-2"
    assert panel.messages.value == ""  # at the ends no gap opens


def test_gap_is_found_in_the_order_of_tilt():
    tilts = np.array([0.0, 3, -3, 6, -6, 9, -9])
    assert gap_sentence(tilts, {0, 1, 2}) == (
        "Leaving out 3 frames in a row opens a gap of 12° at 0°."
    )
    assert gap_sentence(tilts, {1, 2, 5}) == ""


def test_one_sided_crop_after_the_tilt_axis_is_a_warning(stack):
    panel = TrimPanel(stack.tilt_align("manual", shift=1.0))
    panel.controls["top"].value = 4
    assert "no longer lie in the middle" in panel.messages.value
    panel.controls["bottom"].value = 28
    assert panel.messages.value == ""


def test_x_leaves_the_frame_out_and_goes_on_and_z_brings_it_back(stack):
    panel = TrimPanel(stack)
    panel.view.projection = 4
    panel.view._receive(None, {"type": "key", "key": "x"}, None)
    panel.view._receive(None, {"type": "key", "key": "X", "shift": True}, None)
    assert panel.controls["projections"].value == "4, 5"
    assert panel.view.projection == 6
    panel.view._receive(None, {"type": "key", "key": "z"}, None)
    assert panel.controls["projections"].value == "4"
    assert panel.view.projection == 5
    panel.view.projection = 4
    assert any(o.get("id") == "left out" for o in panel.view.overlays)


def test_blank_frame_is_proposed_with_its_reason_and_taken(stack):
    data = stack.data.copy()
    data[7] = 0
    blank = tomo.TomoStack(data, stack.tilts.data.ravel())
    panel = TrimPanel(blank)
    assert panel.controls["projections"].value == ""
    assert list(panel.table.boxes) == [7]
    panel.take.click()
    assert panel.controls["projections"].value == "7"
    assert panel.table.boxes[7].value
    panel.table.boxes[7].value = False
    assert panel.controls["projections"].value == ""
    panel.controls["projections"].value = "1, 2"
    panel.keep.click()
    assert panel.left_out == set()


def test_proposals_are_those_of_the_method_and_say_why(stack):
    data = stack.data.copy()
    data[2] *= 0.3
    data[7] = 0
    spoilt = tomo.TomoStack(data, stack.tilts.data.ravel())
    panel = TrimPanel(spoilt)
    assert panel.table.boxes.keys() == {2, 7} == set(dict(spoilt.bad_frames()))
    row = panel.table._list.children[0].children[2].value
    assert ">dim</span>" in row
    assert "darker than its neighbours" in row
    panel.take.click()
    panel.apply.click()
    assert np.array_equal(panel.result.data, np.delete(data, [2, 7], axis=0))


def test_strip_marks_the_frame_that_is_shown(stack):
    panel = TrimPanel(stack)
    assert panel.view.projection == 6
    assert panel.strip.overlays[0]["x0"] == 6 * 30 - 1
    panel.view.projection = 2
    assert panel.strip.overlays[0]["x0"] == 2 * 30 - 1


def test_strip_goes_to_the_frame_that_is_clicked(stack):
    panel = TrimPanel(stack)
    panel.strip._receive(None, {"type": "pick", "x": 9 * 30 + 5, "y": 10}, None)
    assert panel.view.projection == 9


def test_all_tilts_show_the_maximum_of_what_is_kept(stack):
    stack.data = stack.data.copy()
    stack.data[6] += 1e6
    panel = TrimPanel(stack)
    panel.controls["alltilts"].value = "all tilts"
    np.testing.assert_array_equal(panel.view._array, stack.data.max(axis=0))
    panel.controls["projections"].value = "6"
    np.testing.assert_array_equal(panel.view._array, np.delete(stack.data, 6, 0).max(axis=0))
    panel.view.index = 2
    assert panel.controls["alltilts"].value == "this tilt"
    np.testing.assert_array_equal(panel.view._array, stack.data[2])


def test_binning_is_shown_in_the_pixels_of_the_box(stack):
    panel = TrimPanel(stack)
    panel.controls["bin"].value = 2
    expected = stack.trim("bin", factor=2).data[panel.view.projection]
    np.testing.assert_array_equal(panel.view._array[::2, ::2], expected)
    assert np.isnan(BinnedLook(np.ones((1, 5, 4)), 2)[0][4]).all()


def test_values_are_kept_while_the_size_stays_and_forgotten_afterwards(session):
    panel = TrimPanel(session)
    panel.activate()
    panel.controls["left"].value = 4
    session.apply(make_step("filter", "median", size=3))
    assert panel.controls["left"].value == "4"
    panel.apply.click()
    assert panel.controls["left"].value == ""
    assert session.signal.data.shape == (13, 32, 28)


def test_maximum_ignores_nan_and_frames_left_out():
    images = np.array([[[1.0, np.nan]], [[3.0, 2.0]], [[9.0, 9.0]]])
    np.testing.assert_array_equal(maximum(images, {2}), [[3, 2]])
    np.testing.assert_array_equal(maximum(images, {0, 1, 2}), [[9, 9]])


def test_rail_tells_what_was_done(stack):
    panel = TrimPanel(stack)
    assert TrimPanel.result_line(panel.session, []) == "cut, leave out, bin"
    panel.controls["projections"].value = "1"
    panel.controls["bin"].value = 2
    panel.apply.click()
    records = [r for r in panel.session.records if r["operation"] == "trim"]
    assert TrimPanel.result_line(panel.session, records) == "1 left out, bin 2"


def test_empty_panel_says_what_is_missing():
    panel = TrimPanel()
    assert "Load a series first." in panel.messages.value
    panel.view._receive(None, {"type": "key", "key": "x"}, None)
    assert panel.controls["projections"].value == ""


def test_frames_can_stay_unused(session, stack, timeless):
    panel = TrimPanel(session)
    panel.activate()
    panel.controls["projections"].value = "2, 5"
    panel.controls["how"].value = EXCLUDE
    assert "exclude" in panel.record.value
    panel.apply.click()
    expected = stack.exclude("projections", projections=[2, 5], reason="by hand")
    assert timeless(session.signal) == timeless(expected)
    assert list(np.flatnonzero(session.signal.excluded)) == [2, 5]
    assert panel.left_out == set()
    assert panel.apply.disabled  # nothing is struck twice
    assert TrimPanel.result_line(session, session.records[-1:]) == "2 not used"


def test_box_is_moved_by_alt_and_arrows_and_stays_in_the_image(stack):
    panel = TrimPanel(stack)
    ny, nx = panel._shape[1:]
    panel.set_box(2, 3, nx - 4, ny - 6)
    panel._key("ArrowRight", False, True)
    panel._key("ArrowUp", True, True)
    assert panel._box() == (3, nx - 3, 0, ny - 9)
    panel._key("ArrowRight", True, True)
    assert panel._box() == (6, nx, 0, ny - 9)
    panel._key("ArrowRight", False, False)
    assert panel._box() == (6, nx, 0, ny - 9), "without Alt an arrow goes to another frame"
