"""Runs that begin with what an earlier run has found."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.monitor import Silent
from tomojupyter.steps import history, make_step
from tomojupyter.steps import run as run_step
from tomojupyter.steps.estimate import estimated
from tomojupyter.steps.recipe import Recipe
from tomojupyter.ui.panels.reconstruct import ReconstructPanel
from tomojupyter.ui.panels.reconstruct_facts import run_words
from tomojupyter.ui.panels.reconstruct_slice import make_test_slice


@pytest.fixture
def panel():
    return ReconstructPanel(
        tomo.datasets.get_catalyst_data(
            misalign=False, size=40, tilts=np.arange(-70, 71, 7.0), noise=False
        )
    )


def test_a_run_goes_on_from_its_volume_and_can_be_replayed(panel, tmp_path):
    panel.session.folder = tmp_path
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 3
    panel.apply.click()
    first = panel.session.volume
    stack = panel.session.signal
    panel.runs.more["A"].click()
    made = panel.session.volume
    assert made is not first
    assert [run.name for run in panel.session.runs] == ["A", "B"]
    assert np.array_equal(
        made.data, stack.reconstruct("SIRT", iterations=3, start_volume=first).data
    )
    again = Recipe.of(made).entries[-1].step
    assert again.start_volume.file.endswith("_A.hspy")
    assert run_words(history.read(made)[-1]) == "SIRT +3"
    assert np.array_equal(run_step(stack, again).data, made.data)


def test_a_run_without_iterations_cannot_go_on(panel):
    panel.form.choose("FBP")
    panel.apply.click()
    assert panel.runs.more["A"].disabled


def test_grey_levels_of_dart_are_proposed_from_a_run(panel):
    panel.form.choose("DART")
    assert "grey levels are then proposed" in panel.messages.value
    assert panel.apply.disabled
    panel.form.choose("SIRT")
    panel.controls["iterations"].value = 3
    panel.apply.click()
    panel.form.choose("DART")
    low, high = panel.form.step().gray_levels
    values = np.asarray(panel.session.volume.data)
    assert low == 0
    assert np.median(values) < high <= values.max()
    assert not panel.apply.disabled


@pytest.mark.parametrize("smoothing", [None, 0.5])
def test_test_slice_of_dart_is_that_of_the_run(panel, smoothing):
    series = panel.session.signal
    high = float(np.percentile(series.reconstruct("FBP").data, 98))
    step = make_step(
        "reconstruct", "DART", gray_levels=(0, high), dart_iterations=2, smoothing=smoothing
    )
    made = make_test_slice(series, step, 20, Silent())
    if smoothing is not None:
        # the whole volume chooses its sweeps over all slices
        assert (made.image != run_step(series, step).data[20]).mean() < 0.02
    assert np.unique(made.image) == pytest.approx([0, high])
    assert estimated(series, step).seconds > 0


def test_test_slice_begins_with_the_start_volume(panel):
    series = panel.session.signal
    first = series.reconstruct("SIRT", iterations=3)
    step = make_step("reconstruct", "SIRT", iterations=2, start_volume=first)
    made = make_test_slice(series, step, 20, Silent())
    volume = run_step(series, step).data
    assert np.abs(made.image - volume[20]).max() < 1e-4 * np.abs(volume).max()
