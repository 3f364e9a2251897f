import numpy as np
import pytest

from tomojupyter.steps import history, make_step
from tomojupyter.ui.panels.filter import FilterPanel, filtered, histogram
from tomojupyter.ui.panels.register import RegisterPanel


def test_median_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = FilterPanel(stack)
    panel.controls["size"].value = 3
    panel.controls["alignment_only"].value = False
    panel.apply.click()
    expected = stack.filter("median", size=3)
    np.testing.assert_array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)


def test_sobel_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = FilterPanel(stack)
    panel.form.choose("sobel")
    panel.controls["alignment_only"].value = False
    panel.apply.click()
    expected = stack.filter("sobel")
    np.testing.assert_array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)


@pytest.mark.parametrize("method", ["total", "smooth", "contrast"])
def test_normalise_by_panel_and_by_method_are_the_same(stack, timeless, method):
    stack.data = stack.data * np.linspace(1, 2, len(stack.data), dtype=np.float32)[:, None, None]
    panel = FilterPanel(stack)
    panel.form.choose(method)
    panel.controls["alignment_only"].value = False
    panel.before.projection = 4
    shown = panel.after_view._array
    panel.apply.click()
    expected = stack.normalise(method)
    np.testing.assert_array_equal(panel.result.data, expected.data)
    np.testing.assert_array_equal(shown, expected.data[4])
    assert timeless(panel.result) == timeless(expected)


def test_every_method_is_listed_under_a_name_of_its_own(stack):
    panel = FilterPanel(stack)
    listed = [label for label, _ in panel.form.method.options]
    assert len(set(listed)) == len(listed)
    assert listed[:4] == ["median", "band-pass (bpf)", "median + Sobel (both)", "Sobel"]
    # Nobody needs to know which operation a method belongs to.
    assert not [label for label in listed if label.startswith(("background", "normalise"))]
    for label, cls in panel.form.method.options:
        panel.form.method.value = cls
        assert panel.form.help.value
        assert panel.form.problem() == "", label


def test_the_rail_says_what_was_done(stack):
    records = history.read(stack.filter("median", 3).background("plane").normalise("smooth"))
    line = FilterPanel.result_line(None, records[-3:])
    assert line == "median 3 px, sloping vacuum off, brightness: jumps off"


def test_background_by_panel_and_by_method_are_the_same(stack, timeless):
    stack.data = stack.data + np.float32(100)
    panel = FilterPanel(stack)
    panel.form.choose("constant")
    assert "background <b>constant</b>" in panel.record.value
    assert "auto →" in panel.record.value
    panel.apply.click()
    expected = stack.background("constant")
    np.testing.assert_array_equal(panel.result.data, expected.data)
    assert timeless(panel.result) == timeless(expected)
    assert abs(panel.result.vacuum()) < 5


def test_preview_is_what_apply_makes_and_is_not_recorded(stack):
    panel = FilterPanel(stack)
    panel.controls["size"].value = 3
    panel.controls["alignment_only"].value = False
    panel.before.projection = 4
    shown = panel.after_view._array
    assert len(history.read(stack)) == len(history.read(panel.session.signal)) == 1
    panel.apply.click()
    np.testing.assert_array_equal(shown, panel.result.data[4])


@pytest.mark.parametrize("method", ["median", "sobel"])
def test_preview_follows_method_and_projection(stack, method):
    panel = FilterPanel(stack)
    panel.form.choose(method)
    panel.before.index = 2
    np.testing.assert_array_equal(
        panel.after_view._array, filtered(stack, make_step("filter", method), 2)
    )
    assert panel.after_view.subtitle == f"preview, {method}, for alignment only"
    assert panel.after_view.index == 2


def test_only_what_takes_noise_out_is_said_to_look_like_noise(stack):
    panel = FilterPanel(stack)
    for method, noise in (("median", True), ("despike", True), ("sobel", False), ("plane", False)):
        panel.form.choose(method)
        assert ("like noise" in panel.taken.subtitle) is noise, method


def test_the_message_names_what_took_its_time(stack):
    panel = FilterPanel(stack)
    panel.form.choose("plane")
    panel.apply.click()
    assert panel.session.message.text.startswith("Background plane took ")
    panel.form.choose("despike")
    panel.apply.click()
    assert panel.session.message.text.startswith("Despike took ")


def test_a_filter_that_was_applied_is_previewed_once_more(stack):
    panel = FilterPanel(stack)
    panel.form.choose("despike")
    assert panel.after_view.subtitle == "preview, despike"
    panel.apply.click()
    assert panel.after_view.subtitle == "preview, despike once more"
    panel.form.choose("plane")
    assert panel.after_view.subtitle == "preview, plane"


def test_what_was_taken_out_is_the_difference(stack):
    panel = FilterPanel(stack)
    np.testing.assert_allclose(
        panel.taken._array, panel.before._array - panel.after_view._array, atol=1e-5
    )
    assert panel.taken.lo == -panel.taken.hi


def test_bad_size_keeps_the_last_good_preview(stack):
    panel = FilterPanel(stack)
    good = panel.after_view._array
    panel.controls["size"].value = 0
    assert panel.after_view._array is good
    assert panel.apply.disabled
    assert "at least 1 px" in panel.messages.value


def test_slow_preview_waits_for_the_button(stack):
    panel = FilterPanel(stack)
    before = panel.after_view._array
    panel._took = 5.0
    panel.controls["size"].value = 3
    assert panel.after_view._array is before
    assert "press Preview" in panel.after_view.subtitle
    panel.preview_button.click()
    np.testing.assert_array_equal(
        panel.after_view._array,
        filtered(stack, make_step("filter", "median", size=3), panel.before.projection),
    )


@pytest.mark.parametrize(("method", "only"), [("median", True), ("sobel", True), ("both", True),
                                              ("bpf", True), ("gaussian", True),
                                              ("contrast", True), ("despike", False),
                                              ("smooth", False)])  # fmt: skip
def test_what_takes_detail_away_is_proposed_for_alignment_only(stack, method, only):
    panel = FilterPanel(stack)
    panel.form.choose(method)
    tick = panel.controls["alignment_only"]
    assert tick.value is only
    assert tick.description == "Use for alignment only"
    tick.value = not only
    panel.reset.click()
    assert tick.value is only


def test_for_alignment_only_by_panel_and_by_method_are_the_same(stack, timeless):
    panel = FilterPanel(stack)
    panel.form.choose("sobel")
    assert "alignment_only" in panel.record.value
    panel.apply.click()
    expected = stack.filter("sobel", alignment_only=True)
    np.testing.assert_array_equal(panel.result.data, stack.data)
    assert timeless(panel.result) == timeless(expected)
    assert panel.result.alignment_filters == expected.alignment_filters


def test_after_apply_the_panel_shows_what_alignment_sees(stack):
    panel = FilterPanel(stack)
    panel.form.choose("sobel")
    panel.before.projection = 4
    panel.apply.click()
    edges = stack.filter("sobel").data[4]
    np.testing.assert_array_equal(panel.before._array, stack.data[4])
    np.testing.assert_array_equal(panel.after_view._array, edges)
    assert panel.after_view.subtitle == "as alignment sees it; volumes use Before"
    assert "see the series through sobel" in panel.messages.value
    panel.form.choose("median")
    twice = stack.filter("sobel").filter("median").data[4]
    np.testing.assert_array_equal(panel.after_view._array, twice)
    panel.controls["alignment_only"].value = False
    np.testing.assert_array_equal(panel.after_view._array, stack.filter("median").data[4])


def test_the_rail_says_that_it_is_for_alignment(stack):
    done = stack.filter("median", 3, alignment_only=True).normalise("smooth")
    line = FilterPanel.result_line(None, history.read(done)[-2:])
    assert line == "align: median 3 px, brightness: jumps off"


def test_register_says_what_it_sees_the_series_through(stack):
    panel = RegisterPanel(stack.filter("sobel", alignment_only=True))
    panel.form.choose("PC")
    assert "PC sees the series through sobel, as set in Filter." in panel.messages.value
    panel.form.choose("joint")
    assert "goes by mass, which sobel (for alignment only) does not keep" in panel.messages.value
    panel.form.choose("PC")
    panel.apply.click()
    expected = stack.filter("sobel").stack_register("PC")
    np.testing.assert_array_equal(panel.result.shifts.data, expected.shifts.data)


def test_filter_that_is_not_made_image_by_image_is_previewed_too(stack):
    step = make_step("trim", "crop")
    np.testing.assert_array_equal(filtered(stack, step, 3), stack.data[3])


def test_empty_panel_says_what_is_missing():
    panel = FilterPanel()
    assert "Load a series first." in panel.messages.value
    assert panel.before.message == "No series yet."


def test_histogram_leaves_out_what_is_not_finite():
    image = np.array([[0.0, 1.0], [np.nan, 1.0]])
    centres, counts = histogram(image, bins=2)
    # The lowest value lies below the 0.1 % percentile; an empty bin counts half a pixel.
    np.testing.assert_array_equal(counts, [0.5, 2])
    assert len(centres) == 2
    assert len(histogram(np.full((2, 2), np.nan))[0]) == 0
