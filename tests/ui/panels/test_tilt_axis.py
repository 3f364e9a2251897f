import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused
from tomojupyter.steps import history, make_step
from tomojupyter.steps.base import REGISTRY, Outcome, Step, param, step
from tomojupyter.ui.panels.axis_lines import (
    angle_of,
    axis_line,
    column_of,
    motion,
    motion_parts,
    shift_of,
    slice_line,
)  # fmt: skip
from tomojupyter.ui.panels.axis_methods import find_axis
from tomojupyter.ui.panels.axis_preview import AxisPreview, Projectors, columns_of_mass
from tomojupyter.ui.panels.axis_score import SharpnessScan
from tomojupyter.ui.panels.tilt_axis import TiltAxisPanel


@pytest.fixture(scope="module")
def leaning():
    """Registered, but the axis lies 5 px off and leans by 2 degrees."""
    return tomo.datasets.get_catalyst_data(
        misalign=False, size=64, tilts=np.arange(-70, 71, 5.0), tiltshift=5, tiltrotate=2.0,
        noise=False,
    )  # fmt: skip


def same(made, expected, timeless):
    np.testing.assert_array_equal(made.data, expected.data)
    assert timeless(made) == timeless(expected)


def test_manual_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = TiltAxisPanel(stack)
    panel.controls["shift"].value = 3.5
    panel.controls["angle"].value = -1.2
    assert "manual" in panel.record.value
    assert "{shift: 3.5, angle: -1.2}" in panel.record.value
    panel.apply.click()
    same(panel.result, stack.tilt_align("manual", shift=3.5, angle=-1.2), timeless)
    assert (panel.controls["shift"].value, panel.controls["angle"].value) == (0, 0)


def test_com_by_panel_and_by_method_are_the_same(leaning, timeless):
    panel = TiltAxisPanel(leaning)
    panel.controls["mode"].value = "Automatic"
    panel.controls["nslices"].value = 20
    panel.apply.click()
    same(panel.result, leaning.tilt_align("CoM", nslices=20), timeless)


def test_joint_by_panel_and_by_method_are_the_same(leaning, timeless):
    panel = TiltAxisPanel(leaning)
    panel.controls["mode"].value = "Automatic"
    panel.form.choose("joint")
    panel.apply.click()
    same(panel.result, leaning.tilt_align("joint"), timeless)


def test_com_taken_unchanged_is_recorded_as_com(leaning, timeless):
    panel = TiltAxisPanel(leaning)
    panel.controls["mode"].value = "Automatic"
    panel.find.click()
    panel.table.buttons["CoM"].click()
    assert panel.controls["mode"].value == "By hand"
    assert "CoM" in panel.record.value
    found = panel.found["CoM"]
    assert panel.controls["shift"].value == round(found.shift, 2)
    assert panel.table.buttons["CoM"].description == "Taken"
    panel.apply.click()
    same(panel.result, leaning.tilt_align("CoM"), timeless)


def test_com_taken_and_changed_is_recorded_as_manual(leaning):
    panel = TiltAxisPanel(leaning)
    panel.controls["mode"].value = "Automatic"
    panel.find.click()
    panel.take(panel.found["CoM"])
    panel.controls["angle"].value += 0.3
    assert panel.steps()[0].method == "manual"
    panel.controls["angle"].value -= 0.3
    panel.set_axis(angle=panel.where[1])
    assert panel.steps()[0].method == "CoM"


def test_automatic_table_has_every_method_and_its_refusal(leaning):
    @step("tilt_align", "never")
    class Never(Step):
        """Refuses."""

        size: int = param(3, "nothing")

        def apply(self, *_args, **_options):
            raise AlignmentRefused(f"size {self.size} is never right; use the manual alignment")

    @step("tilt_align", "half")
    class Half(Step):
        """Knows no standard errors."""

        def apply(self, signal, *_args, **_options):
            return Outcome(signal._moved(signal._frame.tilted(0.25, -1.5)))

    try:
        panel = TiltAxisPanel(leaning)
        panel.controls["mode"].value = "Automatic"
        panel.find.click()
        texts = "".join(
            w.value if hasattr(w, "value") else w.children[0].value for w in panel.table.children
        )
        assert list(panel.found) == ["CoM", "MaxImage", "joint", "never", "half"]
        assert "plot_results" in panel.form.hidden
        assert "refuses. Size 3 is never right; use the manual alignment." in texts
        assert "shift −1.50 px<br>angle 0.25°" in texts
        assert "±" in texts
        assert "<b>CoM</b> ★" in texts
    finally:
        del REGISTRY["tilt_align"]["never"], REGISTRY["tilt_align"]["half"]


@pytest.mark.parametrize(("shift", "angle"), [(0.0, 0.0), (3.4, 1.2), (-5.3, -7.0), (4.0, 0.0)])
def test_live_slice_is_the_slice_of_the_reconstruction_after_apply(leaning, shift, angle):
    panel = TiltAxisPanel(leaning)
    panel.controls["preview"].value = (1, 0)
    panel.controls["slice2"].value = 20
    panel.controls["shift"].value = shift
    panel.controls["angle"].value = angle
    live = panel.slices[1]._array
    panel.apply.click()
    volume = panel.result.reconstruct("FBP").data
    assert np.abs(live - volume[20]).max() < 1e-4 * np.abs(volume).max()


def test_live_slice_is_exact_after_registration_crop_and_with_nan(stack):
    stack.data = stack.data.copy()
    stack.data[3, 10:13, 15] = np.nan
    with pytest.warns(UserWarning, match="NaN"):
        made = stack.stack_register("PC")
    made = made.trim("crop", left=2, top=1, bottom=30)
    columns = [4, 13.0, 29]
    live = AxisPreview(made).slices(columns, 2.3, 1.5)
    with pytest.warns(UserWarning, match="NaN"):
        volume = made.tilt_align("manual", shift=2.3, angle=1.5).reconstruct("FBP").data
    assert np.abs(live - volume[[4, 13, 29]]).max() < 1e-3 * np.abs(volume).max()


def test_blank_and_excluded_frames_have_no_part_in_the_slices(leaning):
    data = leaning.data.copy()
    data[4] = 0
    spoiled = tomo.TomoStack(data, leaning.tilts.data.ravel())
    clean = leaning.trim("remove_projections", projections=(4,))
    np.testing.assert_allclose(
        AxisPreview(spoiled).slices([30], 1, 1), AxisPreview(clean).slices([30], 1, 1), atol=1e-4
    )


def test_binned_slices_keep_the_axis_in_the_middle(leaning):
    odd = leaning.trim("crop", bottom=63)  # 63 rows: the last does not fill a block
    aligned = odd.tilt_align("CoM")
    fine, coarse = (AxisPreview(aligned, k).slices([30], 0, 0)[0] for k in (1, 2))
    assert coarse.shape == (31, 31)
    # Coarse pixel i lies at fine pixel 2 i + 1, so that both have the axis in the middle.
    smooth = gaussian_filter(fine, 0.8)
    fits = {
        (z, y): np.corrcoef(smooth[z : z + 61 : 2, y : y + 61 : 2].ravel(),
                            coarse[: (61 + 1) // 2, : (61 + 1) // 2].ravel())[0, 1]
        for z in (0, 1, 2) for y in (0, 1, 2)
    }  # fmt: skip
    assert max(fits, key=fits.get) == (1, 1)


def test_vacuum_far_from_zero_is_taken_off_the_slices_and_said(leaning):
    lifted = tomo.TomoStack(leaning.data - 30000, leaning.tilts.data.ravel())
    panel = TiltAxisPanel(lifted)
    assert "take it off in Filter" in panel.messages.value
    flat = AxisPreview(lifted.background("constant")).slices([30], 2, 1)
    np.testing.assert_allclose(
        AxisPreview(lifted).slices([30], 2, 1), flat, atol=2e-3 * np.abs(flat).max()
    )


def test_drag_of_the_middle_sets_the_shift_and_of_an_end_the_angle(stack):
    panel = TiltAxisPanel(stack)
    line = next(o for o in panel.view.overlays if o["id"] == "axis")
    moved = {**line, "y0": line["y0"] - 4, "y1": line["y1"] - 4}
    panel.view._receive(None, {"type": "drag", "overlay": moved, "done": False}, None)
    assert (panel.controls["shift"].value, panel.controls["angle"].value) == (4.0, 0.0)
    line = next(o for o in panel.view.overlays if o["id"] == "axis")
    rise = 15 * np.tan(np.deg2rad(3))
    middle = (line["y0"] + line["y1"]) / 2
    turned = {**line, "x0": 0.5, "x1": 30.5, "y0": middle + rise, "y1": middle - rise}
    panel.view._receive(None, {"type": "drag", "overlay": turned, "done": True}, None)
    assert (panel.controls["shift"].value, panel.controls["angle"].value) == (4.0, 3.0)


def test_axis_line_is_where_the_step_takes_the_axis_from(stack):
    shape = (64, 48)
    for shift, angle in ((3.0, 0.0), (-2.5, 6.0), (0.0, -11.0)):
        line = axis_line(shift, angle, shape)
        ends = np.array([[line["x0"], line["x1"]], [line["y0"], line["y1"]], [1, 1]])
        matrix = stack._frame.tilted(angle, shift).rigid  # of 32 x 32 images
        np.testing.assert_allclose(motion_parts(matrix, (32, 32)), (shift, angle), atol=1e-9)
        np.testing.assert_allclose((motion(shift, angle, shape) @ ends)[1], 31.5, atol=1e-9)
        assert angle_of(line) == pytest.approx(angle)
        assert shift_of(line, angle, shape) == pytest.approx(shift)
        assert column_of(slice_line(0, 17, shift, angle, shape), shift, angle, shape) == 17


def test_bright_row_is_put_into_the_middle_by_the_dragged_line():
    images = np.zeros((9, 41, 41), np.float32)
    images[:, 14] = 100  # a rod 6 px above the middle
    panel = TiltAxisPanel(tomo.TomoStack(images, np.linspace(-60, 60, 9)))
    line = next(o for o in panel.view.overlays if o["id"] == "axis")
    panel.pictures._drag({**line, "y0": 14.0, "y1": 14.0}, True)
    panel.apply.click()
    assert int(panel.result.data[0].sum(axis=1).argmax()) == 20


def test_drag_of_a_slice_sets_its_column_and_typing_moves_the_line(stack):
    panel = TiltAxisPanel(stack)
    line = next(o for o in panel.view.overlays if o["id"] == "slice3")
    panel.view._receive(
        None, {"type": "drag", "overlay": {**line, "x0": 28, "x1": 28}, "done": True}, None
    )
    assert panel.controls["slice3"].value == 28
    assert panel.slices[2].title == "x 28"
    panel.controls["slice1"].value = 3
    assert next(o for o in panel.view.overlays if o["id"] == "slice1")["x0"] == pytest.approx(3)


def test_slices_begin_where_the_specimen_is():
    image = np.zeros((9, 100), np.float32)
    image[3:6, 20:40] = 7
    assert columns_of_mass(image) == [21, 29, 37]
    assert columns_of_mass(np.zeros((4, 100), np.float32), (0.25, 0.5)) == [24, 49]


def test_keys_of_any_picture_move_and_turn(stack):
    panel = TiltAxisPanel(stack)
    keys = [("ArrowUp", False, False), ("ArrowUp", True, False), ("ArrowLeft", False, False),
            ("ArrowRight", False, True)]  # fmt: skip
    for picture, (key, shift, alt) in zip((panel.view, *panel.slices), keys, strict=True):
        picture._receive(None, {"type": "key", "key": key, "shift": shift, "alt": alt}, None)
    assert (panel.controls["shift"].value, panel.controls["angle"].value) == (1.1, -0.09)


def test_echo_of_the_slider_does_not_round_the_number(stack):
    panel = TiltAxisPanel(stack)
    slider = panel.form.fields["shift"].slider
    panel.controls["shift"].value = 2.37
    slider.value = 2.4000000000000057  # what a browser sends back, in steps of 0.1
    assert panel.controls["shift"].value == 2.37
    slider.value = 2.5000000000000057
    assert panel.controls["shift"].value == 2.5
    assert slider.value == 2.5000000000000057  # nothing goes back to a slider that is being dragged


def test_best_is_told_only_once_the_whole_curve_is_known(leaning):
    scan = SharpnessScan(leaning)
    points = scan.missing(0, 0)
    for _ in range(10):
        scan.score(*next(points))
    assert scan.best(0, 0) is None
    for point in points:
        scan.score(*point)
    assert scan.best(0, 0) is not None
    assert scan.best(1, 0) is not None
    assert scan.best(1, 3) is None


def test_before_shows_the_slices_without_the_change(stack):
    panel = TiltAxisPanel(stack)
    start = panel.slices[0]._array
    panel.controls["shift"].value = 4.0
    changed = panel.slices[0]._array
    assert np.abs(changed - start).max() > 1
    panel.slices[0]._receive(None, {"type": "key", "key": "b"}, None)
    assert panel.controls["before"].value
    np.testing.assert_array_equal(panel.slices[0]._array, start)
    assert "before" in panel.slices[0].subtitle
    panel.controls["before"].value = False
    np.testing.assert_array_equal(panel.slices[0]._array, changed)


def test_sharpness_is_highest_at_the_true_axis(leaning):
    scan = SharpnessScan(leaning, Projectors())
    truth = find_axis(leaning, make_step("tilt_align", "CoM"))
    for point in scan.missing(truth.shift, truth.angle):
        scan.score(*point)
    # A degree moves the outermost columns of the specimen, 15 px off the middle, by 0.26 px.
    assert scan.best(0, truth.angle)[0] == pytest.approx(truth.shift, abs=0.5)
    assert scan.best(1, truth.shift)[0] == pytest.approx(truth.angle, abs=1.0)


def test_go_to_best_comes_near_the_true_axis(leaning):
    panel = TiltAxisPanel(leaning)
    for _ in range(3):
        panel.best.click()
    assert panel.where == pytest.approx((-5, -2), abs=1.0)
    panel.curves.finish()
    assert "best" in panel.pictures.curves[0].marks
    assert len(panel.pictures.curves[1].series["sharpness"].x) > 15
    assert panel.best.description.startswith("Best (−")


def test_same_contrast_and_picture_choice(stack):
    panel = TiltAxisPanel(stack)
    panel.controls["samecontrast"].value = True
    assert len({(p.lo, p.hi) for p in panel.slices}) == 1
    assert panel.view.slider == {}
    panel.controls["picture"].value = "one projection"
    assert panel.view.slider["max"] == 12
    np.testing.assert_array_equal(panel.view._array, stack.data[6])


def test_sirt_preview_is_sirt(leaning):
    panel = TiltAxisPanel(leaning)
    panel.controls["preview"].value = (2, 5)
    sinograms, weights = AxisPreview(leaning, 2).sinograms([32], 0, 0)
    assert panel.slices[1]._array.shape == (32, 32)
    assert sinograms.shape == weights.shape == (1, 29, 32)
    assert AxisPreview(leaning, 2).slices([32], 0, 0, sirt=5)[0] == pytest.approx(
        panel.slices[1]._array, abs=1e-3
    )


def test_unregistered_series_is_a_warning(stack):
    moved = tomo.TomoStack(
        np.array([np.roll(image, 4 * (k % 2), 0) for k, image in enumerate(stack.data)]),
        stack.tilts.data.ravel(),
    )
    panel = TiltAxisPanel(moved)
    assert "Register first: the images still move by" in panel.messages.value
    assert not panel.apply.disabled


def test_bad_angle_is_a_sentence_and_keeps_the_slices(stack):
    panel = TiltAxisPanel(stack)
    before = panel.slices[0]._array
    panel.controls["angle"].value = 200
    assert "at most 90 deg" in panel.messages.value
    assert panel.apply.disabled
    assert panel.slices[0]._array is before


def test_without_tilts_it_says_where_to_enter_them(stack):
    panel = TiltAxisPanel(tomo.TomoStack(stack.data))
    assert panel.slices[0].message == "Enter the tilts in Load to see slices."


def test_empty_panel_says_what_is_missing():
    panel = TiltAxisPanel()
    assert "Load a series first." in panel.messages.value
    assert panel.view.message == "No series yet."
    panel.view._receive(None, {"type": "key", "key": "ArrowUp"}, None)
    panel.best.click()
    assert panel.controls["shift"].value == 0


def test_rail_tells_what_was_found(leaning):
    panel = TiltAxisPanel(leaning)
    panel.controls["shift"].value = -5.0
    panel.controls["angle"].value = 1.5
    panel.apply.click()
    line = TiltAxisPanel.result_line
    assert line(panel.session, panel.session.records[-1:]) == "−5.0 px, 1.5°"
    assert line(panel.session, []) == "shift and angle"
    com = history.read(leaning.tilt_align("CoM"))[-1:]
    assert line(panel.session, com).startswith("−5.0 px, ")
