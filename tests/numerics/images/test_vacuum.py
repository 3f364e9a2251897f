"""Vacuum and blank frames against phantoms, and in the real needle."""

import os
from pathlib import Path

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.formats.mrc import read_mrc
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = np.linspace(-60, 60, 7)


@pytest.fixture(scope="module")
def clean():
    return catalyst(seed=1).project(TILTS, 64, 80)


def test_blank_frames_are_found_whatever_the_vacuum(clean):
    images, _ = tilt_series(catalyst(seed=1), TILTS, 64, 80, counts=100, bad={2: "blank"})
    images[4] = np.nan
    images[5] = 3.0
    expected = [False, False, True, False, True, True, False]
    assert blank_frames(images).tolist() == expected
    assert blank_frames(images - 31882).tolist() == expected


def test_blank_frame_with_noise_and_hot_pixels_is_blank(clean):
    rng = np.random.default_rng(0)
    images = rng.poisson(clean * 3 + 5).astype(float)
    images[3] = rng.poisson(5, clean[3].shape)
    images[3].flat[rng.integers(0, clean[3].size, 8)] = 1e5
    assert np.flatnonzero(blank_frames(images)).tolist() == [3]


def test_dim_and_hot_frames_are_not_blank(clean):
    images, _ = tilt_series(catalyst(seed=1), TILTS, 64, 80, counts=100, bad={1: "hot", 5: "dim"})
    assert not blank_frames(images).any()


def test_most_frames_may_be_blank(clean):
    images = clean.copy()
    images[[0, 1, 4, 5, 6]] = 0
    assert np.flatnonzero(~blank_frames(images)).tolist() == [2, 3]


def test_a_slab_seen_steeply_is_smooth_but_not_blank():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    images = 20 + 8 * np.sin(x / 5 + np.arange(9)[:, None, None]) * np.sin(y / 7)
    images[0] = 50 + 0.2 * np.sin(x / 5) * np.sin(y / 7)  # thick, and hardly any contrast
    images[8] = 3 + 0.2 * np.sin(x / 5) * np.sin(y / 7)  # dark: the specimen is not there
    images += rng.normal(0, 0.01, images.shape)
    assert np.flatnonzero(blank_frames(images)).tolist() == [8]
    images[0] = 50 + rng.normal(0, 0.5, images[0].shape)  # bright, and nothing but noise
    assert np.flatnonzero(blank_frames(images)).tolist() == [0, 8]


def test_blank_frames_of_odd_input(clean):
    assert blank_frames(np.zeros((3, 5, 5))).all()
    assert blank_frames(np.zeros((2, 0, 5))).all()
    assert not blank_frames(np.random.default_rng(0).normal(size=(4, 64, 64))).any()
    assert not blank_frames(np.random.default_rng(0).normal(size=(4, 6, 6))).any()
    with pytest.raises(DataError, match=r"a stack \(n, ny, nx\) is needed"):
        blank_frames(clean[0])


@pytest.mark.parametrize("level", [0.0, 1000.0, -31882.0])
@pytest.mark.parametrize("counts", [3.0, 30.0, 1000.0])
def test_vacuum_is_found_at_any_level_and_dose(level, counts):
    images, truth = tilt_series(
        catalyst(seed=2), TILTS, 64, 64, counts=counts, vacuum=2.0, read_noise=0.5
    )
    found = estimate_vacuum(images + level)
    # Within half a count, and within 2 % of the specimen's mean.
    assert found == pytest.approx(2.0 + level, abs=min(0.5, 0.02 * counts) / truth.gain + 0.01)


def test_vacuum_is_found_by_the_mask(clean):
    images = clean + 5
    images[:, :10] = -400  # a detector's edge that is no vacuum
    mask = np.ones(images.shape[1:], bool)
    mask[:10] = False
    assert estimate_vacuum(images, mask) == pytest.approx(5, abs=0.1)
    assert estimate_vacuum(images) < -300


def test_vacuum_leaves_blank_frames_and_dead_pixels_out(clean):
    images = clean + 5
    images[2] = 0
    images[:, 3, 3] = np.nan
    images[:, 9, 9] = np.inf
    assert estimate_vacuum(images) == pytest.approx(5, abs=0.1)


def test_vacuum_of_a_filled_field_is_the_first_percentile():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:96, :96] / 95
    # Low values are rare: the density rises towards the middle, without a peak at the low end.
    images = rng.normal(np.stack([100 + 50 * (rows + 0.731 * columns)] * 3), 0.5)
    level = estimate_vacuum(images)
    assert level == pytest.approx(np.percentile(images, 1), abs=1.5)


def test_vacuum_of_odd_input():
    assert estimate_vacuum(np.full((2, 8, 8), 7.0)) == 7
    assert estimate_vacuum(np.full((2, 8, 8), np.nan)) == 0
    assert estimate_vacuum(np.full((8, 8), 3)) == 3
    assert estimate_vacuum(np.array([[[1.0, 2.0], [np.nan, np.nan]]])) <= 2
    noise = np.random.default_rng(0).normal(4, 1, (4, 64, 64))
    assert estimate_vacuum(noise) == pytest.approx(4, abs=0.1)


def test_vacuum_of_a_large_image_is_that_of_the_small_one(clean):
    large = clean.repeat(9, axis=1).repeat(9, axis=2) + 5
    assert estimate_vacuum(large) == pytest.approx(5, abs=0.1)
    assert not blank_frames(large).any()


def test_vacuum_of_the_real_needle():
    folder = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not folder:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the real test data")
    images = read_mrc(Path(folder) / "HAADF.mrc").data
    # Stored as int16 with the vacuum near the low end; the clouds of noise are 20 wide.
    assert estimate_vacuum(images) == pytest.approx(-31882, abs=15)
    assert not blank_frames(images).any()
