"""Filters against SciPy and arithmetic; vacuum and blank frames against phantoms."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.formats.mrc import read_mrc
from tomojupyter.numerics.images.filters import (
    bin_mean,
    blank_frames,
    estimate_vacuum,
    median,
    sobel,
    subtract_constant,
)
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = np.linspace(-60, 60, 7)


@pytest.fixture(scope="module")
def clean():
    return catalyst(seed=1).project(TILTS, 64, 80)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(size=(2, 13, 18))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_median_is_scipys(noise, size):
    ours = median(noise, size)
    assert ours.dtype == np.float32
    for image, original in zip(ours, noise, strict=True):
        assert np.allclose(image, ndimage.median_filter(original, size, mode="reflect"))


@pytest.mark.parametrize("size", [3, 4])
def test_median_leaves_nan_out(noise, size):
    noise[0, 5, 7] = noise[0, 0, 0] = np.nan
    ours = median(noise, size)
    assert np.argwhere(np.isnan(ours)).tolist() == [[0, 0, 0], [0, 5, 7]]
    before, after = size // 2, size - size // 2
    window = noise[0, 6 - before : 6 + after, 7 - before : 7 + after]
    assert ours[0, 6, 7] == pytest.approx(np.nanmedian(window), rel=1e-6)
    assert np.allclose(ours[1], ndimage.median_filter(noise[1], size, mode="reflect"))


def test_median_removes_a_hot_pixel_of_an_integer_image():
    image = np.full((9, 9), 7, np.uint16)
    image[4, 4] = 65535
    assert (median(image, 3) == 7).all()


def test_sobel_of_a_ramp_is_eight_times_its_slope():
    rows, columns = np.mgrid[:9, :11]
    ramp = 3.0 * rows - 4.0 * columns
    assert np.allclose(sobel(ramp)[1:-1, 1:-1], 8 * 5)


def test_sobel_of_unsigned_integers_does_not_wrap_around():
    image = np.zeros((8, 8), np.uint8)
    image[:, :4] = 200
    assert np.array_equal(sobel(image), sobel(image.astype(float)))
    assert sobel(image).max() == 800


def test_sobel_of_nan_reaches_its_neighbours_only(noise):
    whole = sobel(noise)
    noise[0, 5, 7] = np.nan
    ours = sobel(noise)
    lost = np.isnan(ours)
    assert lost.sum() <= 9
    assert lost[0, 4:7, 6:9].sum() == lost.sum()
    assert np.allclose(ours[~lost], whole[~lost])


def test_subtract_constant_keeps_the_digits_of_large_integers():
    image = np.array([[2**30 + 1, 2**30 + 3]])
    assert subtract_constant(image, 2**30).tolist() == [[1, 3]]
    with pytest.raises(ParameterError, match="level must be a finite number, got nan"):
        subtract_constant(image, np.nan)


def test_bin_mean_is_the_mean_of_blocks():
    image = np.arange(5 * 7).reshape(5, 7)
    ours = bin_mean(image, 2)
    assert ours.tolist() == [[4, 6, 8], [18, 20, 22]]
    assert bin_mean(np.full((4, 4), 255, np.uint8), 4).tolist() == [[255]]


def test_bin_mean_leaves_nan_out():
    image = np.array([[1.0, np.nan, np.nan, np.nan], [3.0, 5.0, np.nan, np.nan]])
    assert np.array_equal(bin_mean(image, 2), [[3.0, np.nan]], equal_nan=True)


@pytest.mark.parametrize("function", [sobel, lambda a: median(a, 3), lambda a: bin_mean(a, 2)])
def test_input_is_not_modified_and_bad_input_is_refused(noise, function):
    before = noise.copy()
    function(noise)
    assert np.array_equal(noise, before)
    for bad in (np.zeros(4), np.zeros((4, 4), complex)):
        with pytest.raises(DataError, match="images must be real numbers"):
            function(bad)


@pytest.mark.parametrize("size", [0, -1, 2.5, "3"])
def test_size_must_be_a_whole_number(noise, size):
    with pytest.raises(ParameterError, match="size must be a whole number of at least 1 px"):
        median(noise, size)


def test_factor_must_fit_into_the_image(noise):
    with pytest.raises(ParameterError, match="at most the shorter edge of the images, 13 px"):
        bin_mean(noise, 14)


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
