"""The panel that registers: parity with the method call, preview, comparison."""

import numpy as np
import pytest

from tomojupyter.ui import RegisterPanel
from tomojupyter.ui.panels.register import overlay


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
