"""Simulated series know their truth, through files and operations."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.simulation.specimens import PHANTOMS
from tomojupyter.simulation import (
    FIELD_NM,
    catalyst_series,
    phantom_series,
    truth_of,
    volume_of,
)
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


@pytest.mark.parametrize("name", list(PHANTOMS))
def test_every_kind_of_specimen_is_a_series_that_knows_its_volume(name, tmp_path):
    stack = phantom_series(name.upper(), 32, [-20, 0, 20], seed=2)
    assert str(stack) == f"<TomoStack, title: Simulated {name}, dimensions: (3|32, 32)>"
    assert history.read(stack)[0]["file"] == f"simulated {name}"
    stack.save(tmp_path / "a.hspy")
    volume = volume_of(tomo.load(tmp_path / "a.hspy"))
    assert volume.metadata.General.title == f"Simulated {name}, truth"
    if name in {"catalyst", "hollow"}:
        # Wholly in the field, so that the volume sums up to the image at 0 degrees.
        assert np.allclose(volume.data.sum(1).T, stack.data[1], atol=1e-3 * stack.data.max())


def test_a_series_of_voxels_is_the_volume_projected():
    stack = phantom_series("slab", 24, [-30, 0, 50], voxels=True)
    projected = volume_of(stack).forward_project([-30, 0, 50])
    assert np.allclose(stack.data, projected.data, atol=1e-4 * stack.data.max())


def test_jitter_and_drift_add_to_the_shifts_in_the_truth():
    angles = np.arange(-60, 61, 4.0)
    given = np.full((31, 2), 3.0)
    parts = [
        -truth_of(phantom_series("film", 16, angles, **options)).shifts
        for options in (
            {"shifts": given}, {"jitter": 1.0}, {"drift": 6.0},
            {"shifts": given, "jitter": 1.0, "drift": 6.0},
        )
    ]  # fmt: skip
    assert np.allclose(parts[0], given)
    assert 0.5 < parts[1].std() < 1.5
    assert np.ptp(parts[2], axis=0) == pytest.approx([6, 6])
    assert np.allclose(sum(parts[:3]), parts[3])


def test_the_tilt_shift_of_every_kind_moves_rows_and_no_columns():
    for name in PHANTOMS:
        still, moved = (
            phantom_series(name, 24, [-40, 0, 40], tilt_shift=s, seed=1).data for s in (0, 3)
        )
        assert np.allclose(moved[:, 3:], still[:, :-3], atol=1e-4 * still.max())


def test_true_tilts_are_about_those_stated():
    angles = np.arange(-60, 61, 1.0)
    stack = phantom_series("hollow", 8, angles, tilt_error=0.3, seed=5)
    error = truth_of(stack).tilts_deg - stack.tilts.data.ravel()
    assert np.array_equal(stack.tilts.data.ravel(), angles)
    # 121 normal numbers.
    assert error.std() == pytest.approx(0.3, rel=5 / np.sqrt(2 * 121))
    exact = phantom_series("hollow", 8, truth_of(stack).tilts_deg, seed=5)
    assert np.array_equal(exact.data, stack.data)


@pytest.mark.parametrize("name", ["needle", "slab"])
def test_counts_vary_as_much_as_poisson_numbers_of_their_mean(name):
    """In bins of the exact mean, variance by mean is 1 within 5 standard errors."""
    clean, noisy = (
        phantom_series(name, 48, np.arange(-60, 61, 10), counts=c, seed=3) for c in (None, 30)
    )
    gain = truth_of(noisy).gain
    mean, counts = clean.data.ravel() * gain, noisy.data.ravel().astype(float) * gain
    assert np.allclose(counts, np.round(counts), atol=1e-2)
    assert mean[mean > 0].mean() == pytest.approx(30, rel=1e-5)
    bins = np.digitize(mean, [5, 20, 30, 40, 60])
    for k in range(1, 6):
        inside = bins == k
        ratio = (counts - mean)[inside] ** 2 / mean[inside]
        assert ratio.mean() == pytest.approx(1, abs=5 * np.sqrt(2.3 / inside.sum()))


def test_the_same_seed_is_the_same_series():
    options = {"jitter": 2.0, "drift": 4.0, "counts": 20, "tilt_error": 0.2, "bad": {1: "hot"}}
    first, again, other = (
        phantom_series("needle", 24, [-30, 0, 30], seed=s, **options) for s in (4, 4, 5)
    )
    assert np.array_equal(first.data, again.data)
    assert not np.allclose(first.data, other.data)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"phantom": "knife"}, "phantom must be one of catalyst, needle, slab, film, hollow, got"),
        ({"phantom": 3}, "phantom must be one of"),
        ({"jitter": -1}, "jitter must be 0 px or more, got -1"),
        ({"tilt_error": -1}, "tilt_error must be 0 degrees or more, got -1"),
        ({"shifts": np.zeros((3, 2))}, "finite numbers .* for each of 1 tilts"),
    ],
)
def test_values_out_of_range_are_sentences(arguments, sentence):
    with pytest.raises(ParameterError, match=sentence):
        phantom_series(**{"size": 8, "tilts": [0], **arguments})
