"""Filters against SciPy and arithmetic."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.images.filters import bin_mean, median, sobel, subtract_constant


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
