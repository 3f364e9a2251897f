"""The joint alignment as Steps: one resampling, frames marked, a score in the record; the axis."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import tomojupyter.api as tomo
from tomojupyter import datasets as ds
from tomojupyter.errors import AlignmentRefused, ParameterError, TomojupyterWarning
from tomojupyter.steps import Recipe, history, make_step
from tomojupyter.steps.joint import _box_about_the_axis

TILTS = np.arange(-70, 71, 7.0)


@pytest.fixture(scope="module")
def series():
    """A catalyst off its axis, with one blank frame."""
    stack = ds.get_catalyst_data(size=48, tilts=TILTS, tiltshift=2, tiltrotate=1.5)
    images = stack.data.copy()
    images[3] = 0
    stack.data = images
    return stack


@pytest.fixture(scope="module")
def leaning():
    """A catalyst that is registered, off its axis."""
    return ds.get_catalyst_data(size=48, tilts=TILTS, tiltshift=2, tiltrotate=1.5)


@pytest.fixture(scope="module")
def aligned(series):
    with pytest.warns(UserWarning, match="blank"):
        return series.stack_register("joint")


def test_shifts_and_axis_are_one_resampling(aligned):
    record = history.read(aligned)[-1]
    assert record["method"] == "joint"
    assert record["resampled"] == 1
    assert len(aligned.transforms) == len(TILTS)
    assert aligned.metadata.Tomography.tiltaxis == pytest.approx(-1.5, abs=0.3)
    # Another method finds nothing left to do on the axis; before, it was 1.5 degrees and 2 px off.
    left = history.read(aligned.tilt_align("CoM"))[-1]["scalars"]
    assert left["angle_deg"] == pytest.approx(0, abs=0.1)
    assert left["shift_px"] == pytest.approx(0, abs=0.1)
    assert left["residual_px"] < 0.2


def test_the_record_says_what_was_taken_and_how_good_it_is(aligned):
    scalars = history.read(aligned)[-1]["scalars"]
    assert scalars["specimen"] == "compact"
    assert 3 in scalars["left_out"]
    assert "px expected" in scalars["score"]
    low, high = scalars["interval_px"]
    assert low < scalars["expected_px"] < high < 1
    low, high = scalars["angle_interval_deg"]
    assert low < -1.5 + 0.3
    assert high > -1.5 - 0.3
    assert scalars["residual"][3] is None
    assert len(scalars["prediction_residual"]) == len(TILTS)


def test_frames_that_are_left_out_stay_and_say_why(aligned):
    assert aligned.excluded[3]
    assert aligned.excluded_reason[3].startswith("blank")
    assert "interpolated" in aligned.excluded_reason[3]


def test_a_series_that_makes_no_volume_is_refused():
    few = ds.get_catalyst_data(size=32, tilts=np.array([-60.0, 0, 60]))
    with pytest.raises(AlignmentRefused, match="7 different tilts"):
        few.stack_register("joint")


def test_refined_tilts_are_stored_and_the_nominal_ones_stay(series):
    with pytest.warns(UserWarning, match="blank"):
        refined = series.stack_register("joint", refine_tilts=True)
    moved = history.read(refined)[-1]["scalars"]["tilts_moved_deg"]
    np.testing.assert_allclose(refined.tilts.data.ravel(), TILTS + moved, atol=1e-3)
    np.testing.assert_allclose(refined.nominal_tilts, TILTS)


def test_the_score_of_any_alignment_tells_good_from_bad(series, aligned):
    with pytest.warns(UserWarning, match="blank"):
        before = series.alignment_score()
    after = aligned.alignment_score()
    assert after.expected_px < 0.5 * before.expected_px
    assert "px expected" in str(after)
    assert len(after.residual) == len(TILTS)


# -------------------------------------------------------------------------------- the axis alone
def test_tilt_align_sets_the_axis_and_moves_all_images_alike(leaning):
    found = leaning.tilt_align("joint")
    node, scalars = found.metadata.Tomography, history.read(found)[-1]["scalars"]
    assert node.tiltaxis == pytest.approx(-1.5, abs=0.3)
    assert -node.yshift == pytest.approx(-2.0, abs=0.1)
    assert scalars["angle_deg"] == pytest.approx(node.tiltaxis)
    assert scalars["shift_px"] == pytest.approx(-node.yshift)
    assert 0 < scalars["angle_sigma_deg"] < 0.2
    assert 0 < scalars["shift_sigma_px"] < 0.2
    assert scalars["left_out"] == []
    assert not found.excluded.any()
    assert np.ptp(found.transforms, axis=0).max() == 0
    again = Recipe.from_yaml(Recipe.of(found).to_yaml())
    assert again.entries[-1].step == make_step("tilt_align", "joint")


def test_an_aligned_series_stays_where_it_is(aligned):
    scalars = history.read(aligned.tilt_align("joint"))[-1]["scalars"]
    assert scalars["angle_deg"] == pytest.approx(0, abs=0.05)
    assert scalars["shift_px"] == pytest.approx(0, abs=0.05)


def test_images_that_are_not_registered_are_warned_of(leaning):
    moves = np.random.default_rng(2).integers(-2, 3, (len(TILTS), 2))
    images = [np.roll(image, move, (0, 1)) for image, move in zip(leaning.data, moves, strict=True)]
    stack = tomo.TomoStack(np.array(images), TILTS)
    with pytest.warns(TomojupyterWarning, match=r'stack_register\("joint"\)'):
        found = stack.tilt_align("joint")
    scalars = history.read(found)[-1]["scalars"]
    assert scalars["left_along_px"] == pytest.approx(moves[:, 1].std(), rel=0.15)
    assert found.metadata.Tomography.tiltaxis == pytest.approx(-1.5, abs=0.3)


def test_frames_that_have_no_part_in_the_axis_are_named(leaning):
    images = leaning.data.copy()
    images[8] = gaussian_filter(images[8], 3)
    with pytest.warns(TomojupyterWarning, match=r"#8 \(-14.0°\) has no part in the axis: blurred"):
        found = tomo.TomoStack(images, TILTS).tilt_align("joint")
    assert history.read(found)[-1]["scalars"]["left_out"] == [8]


def test_a_crop_leaves_the_axis_in_the_middle_row(leaning):
    moved = leaning.stack_register("manual", projections=[2, 5], x=[0, 0], y=[3, -1])
    cropped = moved.stack_register("joint", crop=True)
    whole = moved.stack_register("joint")
    cut = -cropped._frame.offset[1]
    assert cropped.data.shape[1] == whole.data.shape[1] - 2 * cut
    assert cropped.covered()[~cropped.excluded].all()
    assert history.read(cropped)[-1]["scalars"]["axis_row"] == (cropped.data.shape[1] - 1) / 2
    assert cropped.alignment_score().offset_px[0] == pytest.approx(0, abs=0.2)


def test_a_crop_that_would_leave_nothing_about_the_axis_is_refused():
    covered = np.ones((3, 8, 8), bool)
    covered[:, 3:] = False
    with pytest.raises(ParameterError, match="5 of 8 rows are not covered on one side"):
        _box_about_the_axis(covered)
    covered[:, 3:7] = True
    assert _box_about_the_axis(covered) == (0, 8, 1, 7)
