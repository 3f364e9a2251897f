"""Brightness that was changed by known factors, and the factors that were found."""

import numpy as np
import pytest

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.images.intensity import brightness, factors, stretch
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = np.arange(-60, 61, 8.0)


@pytest.fixture(scope="module")
def images():
    return tilt_series(catalyst(seed=4), TILTS, 64, 72, seed=1)[0]


@pytest.fixture(scope="module")
def changes():
    return np.exp(np.random.default_rng(0).normal(0, 0.1, len(TILTS)))


def test_the_total_of_a_compact_specimen_comes_back(images, changes):
    spoilt = images * changes[:, None, None] - 70
    found = factors(brightness(spoilt, -70), TILTS, "total")
    product = found * changes
    assert np.allclose(product / np.median(product), 1, atol=0.02)
    assert np.median(found) == pytest.approx(1, abs=0.05)


def test_a_slab_grows_with_its_thickness(changes):
    thickness = 1 / np.cos(np.deg2rad(TILTS))
    slab = np.random.default_rng(1).normal(50, 1, (len(TILTS), 20, 30)) * thickness[:, None, None]
    found = factors(brightness(slab * changes[:, None, None], 0.0), TILTS, "slab")
    product = found * changes
    assert np.allclose(product / np.median(product), 1, atol=0.01)
    with pytest.raises(DataError, match="edge on"):
        factors(np.ones(3), np.array([0, 45, 90.0]), "slab")


def test_smooth_takes_out_jumps_and_leaves_trends():
    trend = np.exp(0.01 * TILTS)
    found = factors(trend, TILTS, "smooth")
    assert np.allclose(found, 1, atol=1e-6)
    jumped = trend.copy()
    jumped[[4, 9]] *= [0.5, 1.4]
    found = factors(jumped, TILTS, "smooth")
    assert np.allclose(found * jumped, trend, rtol=1e-6)


def test_neighbours_are_neighbours_in_tilt():
    order = np.random.default_rng(2).permutation(len(TILTS))
    bright = np.exp(0.01 * TILTS)
    bright[3] *= 2
    plain = factors(bright, TILTS, "smooth")
    assert np.allclose(factors(bright[order], TILTS[order], "smooth"), plain[order])


def test_images_that_do_not_count_are_left_alone(images):
    spoilt = images.copy()
    spoilt[3] = 0
    spoilt[5] = np.nan
    bright = brightness(spoilt, 0.0)
    assert bright[3] == 0
    assert np.isnan(bright[5])
    for rule in ("total", "smooth"):
        found = factors(bright, TILTS, rule)
        assert found[3] == found[5] == 1
        assert np.isfinite(found).all()


def test_hot_pixels_hardly_count(images):
    spoilt = images.copy()
    spoilt[2].flat[::2000] = 100 * images.max()
    plain, hot = brightness(images, 0.0), brightness(spoilt, 0.0)
    assert hot[2] == pytest.approx(plain[2], rel=0.05)


def test_only_the_pixels_of_the_mask_count(images):
    mask = np.zeros(images.shape, bool)
    mask[:, :, :36] = True
    left = brightness(images, 0.0, mask)
    assert left[0] == pytest.approx(images[0, :, :36].mean(), rel=0.02)


def test_what_says_nothing_is_refused():
    with pytest.raises(DataError, match="only 1 of 4 images are brighter than the vacuum"):
        factors(np.array([1, -1, -1, np.nan]), np.arange(4.0), "total")
    with pytest.raises(ParameterError, match="one of total, slab, smooth, got 'best'"):
        factors(np.ones(4), np.arange(4.0), "best")
    with pytest.raises(ParameterError, match="neighbours must be at least 3"):
        factors(np.ones(4), np.arange(4.0), "smooth", 2)


def test_stretch_is_etspys_normalize():
    images = np.random.default_rng(0).normal(100, 5, (2, 8, 9))
    lowered = images - images.min(axis=(1, 2), keepdims=True)
    full = lowered.mean(axis=(1, 2)) + 3 * lowered.std(axis=(1, 2))
    assert np.allclose(stretch(images, 3), lowered / full[:, None, None], rtol=1e-5)
    assert (stretch(np.full((2, 4, 4), 9), 3) == 0).all()
    images[0, 0, 0] = np.nan
    assert np.isfinite(stretch(images, 3)).sum() == images.size - 1
    with pytest.raises(ParameterError, match="width must be at least 0"):
        stretch(images, -1)
