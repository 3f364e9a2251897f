"""Planes and levels that were added to images whose vacuum is 0."""

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.numerics.images.background import fit_plane, subtract_plane, subtract_region
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = [-50, -10, 30, 60]


@pytest.fixture(scope="module", params=[None, 20])
def images(request):
    return tilt_series(catalyst(seed=2), TILTS, 90, 110, counts=request.param, seed=1)[0]


def planes(shape, level, slope_y, slope_x):
    rows, columns = np.indices(shape)
    return level + slope_y * rows + slope_x * columns


@pytest.mark.parametrize("slopes", [(0, 0), (0.05, -0.02), (-0.2, 0.3)])
def test_a_plane_under_the_specimen_is_found(images, slopes):
    plane = planes(images.shape[1:], -500, *slopes)
    repaired = subtract_plane(images + plane)
    assert repaired.dtype == np.float32
    # The image itself may be off by a plane far below its contrast.
    assert np.abs(repaired - images).max() < 0.01 * images.max()


def test_the_plane_is_exact_where_there_is_nothing_else():
    plane = planes((40, 50), 3, 0.5, -0.25)
    assert np.allclose(fit_plane(plane), (3, 0.5, -0.25), atol=1e-4)
    assert fit_plane(np.full((7, 9), 5, np.uint8)) == (5, 0, 0)
    assert fit_plane(np.full((7, 9), np.nan)) == (0, 0, 0)


def test_each_image_has_its_own_plane(images):
    added = np.stack([planes(images.shape[1:], k, 0.1 * k, -0.03 * k) for k in range(len(images))])
    assert np.abs(subtract_plane(images + added) - images).max() < 0.01 * images.max()


def test_nan_takes_no_part(images):
    spoilt = images + planes(images.shape[1:], 10, 0.1, 0.1)
    spoilt[:, :30, :30] = np.nan
    repaired = subtract_plane(spoilt)
    assert np.array_equal(np.isnan(repaired), np.isnan(spoilt))
    assert np.nanmax(np.abs(repaired - images)) < 0.01 * images.max()


def test_an_image_without_vacuum_is_refused():
    tiles = np.random.default_rng(0).permutation(64.0**2 * np.arange(64) ** 2).reshape(8, 8)
    with pytest.raises(DataError, match="too little vacuum in it"):
        subtract_plane(tiles.repeat(16, 0).repeat(16, 1))


def test_the_level_of_a_region_is_each_images_own():
    rng = np.random.default_rng(0)
    levels = np.array([3.0, -40.0, 1000.0])
    images = rng.normal(levels[:, None, None], 0.5, (3, 30, 40))
    images[:, 10:, 10:] += 50
    images[1, 2, 3] = 1e6  # one hot pixel in the box
    repaired = subtract_region(images, 0, 40, 0, 10)
    assert np.allclose(np.median(repaired[:, :10], axis=(1, 2)), 0, atol=0.1)
    assert np.allclose((images - repaired)[:, 20, 20], levels, atol=0.1)


def test_counts_have_their_mean_taken_off_not_their_median():
    image = np.random.default_rng(0).poisson(0.05, (1, 200, 200)).astype("u2")
    assert subtract_region(image, 0, 200, 0, 200).mean() == pytest.approx(0, abs=2e-3)


def test_large_integers_keep_their_digits():
    image = np.full((1, 4, 4), 2**30 + 1, np.int32)
    image[0, 3, 3] += 5
    assert subtract_region(image, 0, 4, 0, 2)[0, 3, 3] == 5


def test_a_region_without_pixels_changes_nothing_and_one_outside_is_refused():
    image = np.ones((1, 5, 6))
    image[0, :2] = np.nan
    assert np.array_equal(subtract_region(image, 0, 6, 0, 2)[0, 2:], image[0, 2:])
    with pytest.raises(DataError, match=r"columns 0 to 7 .* outside of the images of 6 x 5 px"):
        subtract_region(image, 0, 7, 0, 2)
    with pytest.raises(DataError, match="is empty"):
        subtract_region(image, 2, 2, 0, 2)
