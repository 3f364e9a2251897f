"""Simulated series know their truth, through files and operations."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.simulation import FIELD_NM, catalyst_series, truth_of, volume_of
from tomojupyter.steps import history

SHIFTS = np.array([[1.0, -2.0], [0.0, 0.0], [-1.5, 0.5]])


@pytest.fixture(scope="module")
def drifting():
    return catalyst_series(32, [-20, 0, 20], shifts=SHIFTS, tilt_shift=2, seed=3)


def test_the_truth_undoes_what_was_done(drifting):
    truth = truth_of(drifting)
    assert np.array_equal(truth.shifts, -SHIFTS)
    assert truth.shift == -2
    still = catalyst_series(32, [-20, 0, 20], seed=3)
    undone = tomo.TomoStack(still, shifts=truth.shifts)
    undone = undone.align_other(drifting).tilt_align("manual", shift=truth.shift)
    inside = undone.covered()
    # Whole pixels are exact; the half pixel of the third image costs an interpolation.
    whole = np.abs(undone.data - still.data)[:2][inside[:2]]
    assert whole.max() < 1e-4 * still.data.max()
    assert np.abs(undone.data - still.data)[2][inside[2]].mean() < 0.03 * still.data.max()


def test_the_projections_are_those_of_the_volume(drifting):
    volume = volume_of(drifting)
    assert volume.data.shape == (32, 32, 32)
    still = catalyst_series(32, [-20, 0, 20], seed=3)
    # At 0 degrees z is summed up; the volume's voxels are points, the image is exact.
    summed = volume.data.sum(axis=1).T
    assert np.corrcoef(summed.ravel(), still.data[1].ravel())[0, 1] > 0.98
    assert summed.sum() == pytest.approx(still.data[1].sum(), rel=0.05)
    assert volume.axes_manager["z"].scale == pytest.approx(FIELD_NM / 32)


def test_the_truth_goes_through_a_file_and_on_to_the_volume(drifting, tmp_path):
    drifting.filter("median").save(tmp_path / "a.hspy")
    back = tomo.load(tmp_path / "a.hspy")
    assert np.array_equal(truth_of(back).shifts, -SHIFTS)
    volume = back.reconstruct(show_progressbar=False)
    assert truth_of(volume).seed == 3


def test_bad_frames_are_in_the_truth():
    stack = catalyst_series(16, [-10, 0, 10], bad={1: "blank"})
    assert truth_of(stack).bad == {1: "blank"}
    assert not stack.data[1].any()


def test_calibration_and_source_record(drifting):
    for axis in drifting.axes_manager.signal_axes:
        assert (axis.scale, axis.units) == (FIELD_NM / 32, "nm")
    (record,) = history.read(drifting)
    assert (record["reader"], record["seed"]) == ("simulation", 3)


def test_what_is_not_simulated_has_no_truth(counted):
    stack = tomo.TomoStack(counted, np.arange(13))
    for ask in (truth_of, volume_of):
        with pytest.raises(DataError, match="this series is not a simulated one"):
            ask(stack)


def test_sizes_too_small_are_refused():
    with pytest.raises(ParameterError, match="size must be at least 8 px, got 7"):
        catalyst_series(7)
