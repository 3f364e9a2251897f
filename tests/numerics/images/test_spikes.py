"""Hot and dead pixels put into images whose other pixels are known."""

import numpy as np
import pytest

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.images.spikes import despike, find_spikes
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst


def series(counts):
    """Return a catalyst, without noise or as whole counts."""
    made, truth = tilt_series(
        catalyst(seed=3), [-40, 0, 40], 96, 112, counts=counts, vacuum=0.1, seed=2
    )
    return np.round(made * truth.gain) if truth.gain else made


@pytest.fixture(scope="module", params=[None, 5, 200], ids=["clean", "5 counts", "200 counts"])
def images(request):
    return series(request.param)


def spots(shape, part, seed):
    where = np.zeros(shape, bool)
    n = int(part * where.size)
    where.flat[np.random.default_rng(seed).choice(where.size, n, replace=False)] = True
    return where


def test_what_is_no_spike_stays(images):
    changed = np.mean(despike(images) != images.astype("f4"))
    assert changed < 1e-4


def test_hot_pixels_go_and_others_stay(images):
    hot = spots(images.shape, 0.004, 0)
    spoilt = np.where(hot, 6 * images.max(), images)
    repaired = despike(spoilt)
    assert (repaired[hot] < 2 * images.max()).mean() > 0.99
    assert np.mean(repaired[~hot] != images[~hot].astype("f4")) < 1e-4
    # The median of neighbours is close to what was there.
    error = np.abs(repaired - images)[hot]
    assert np.median(error) < 0.05 * images.max() + 1.5 * np.sqrt(np.median(images))


@pytest.mark.parametrize("counts", [None, 200])  # at 5, no count is no sign of a defect
def test_dead_pixels_in_the_specimen_go(counts):
    images = series(counts)
    dead = spots(images.shape, 0.002, 1) & (images > 0.4 * images.max())
    repaired = despike(np.where(dead, 0, images))
    assert dead.sum() > 5
    assert (repaired[dead] > 0.2 * images.max()).all()


def test_missing_pixels_are_filled_and_large_holes_are_not():
    image = np.add.outer(np.arange(20.0), np.arange(30.0))
    image[5, 6] = np.nan
    image[9, 9] = np.inf
    image[12:18, 12:18] = np.nan
    repaired = despike(image)
    assert repaired[5, 6] == 11
    assert repaired[9, 9] == 18
    assert np.isnan(repaired[13:17, 13:17]).all()
    assert np.isnan(despike(np.full((4, 4), np.nan))).all()


def test_a_spike_on_a_constant_image_goes_and_a_single_count_stays():
    flat = np.full((9, 9), 7, np.uint16)
    flat[4, 4] = 65535
    assert (despike(flat) == 7).all()
    sparse = np.random.default_rng(0).poisson(0.005, (64, 64))
    assert np.array_equal(despike(sparse), sparse)


def test_corners_and_lines_are_no_spikes():
    image = np.zeros((32, 32))
    image[5:15, 5:15] = 10
    image[20, 3:29] = 10
    spikes, _ = find_spikes(image)
    # The two ends of a line one pixel wide have one neighbour each.
    assert set(map(tuple, np.argwhere(spikes))) <= {(20, 3), (20, 28)}


def test_clusters_need_a_larger_neighbourhood():
    image = np.random.default_rng(0).normal(100, 3, (40, 40))
    image[10:12, 10:12] = 500
    assert (despike(image, 3)[10:12, 10:12] == 500).all()
    assert (despike(image, 5)[10:12, 10:12] < 120).all()


def test_wrong_values_are_refused():
    with pytest.raises(ParameterError, match="odd and at least 3 px, got 4"):
        despike(np.ones((5, 5)), 4)
    with pytest.raises(ParameterError, match="threshold must be above 0"):
        despike(np.ones((5, 5)), 3, 0)
    with pytest.raises(DataError, match=r"axes \(..., y, x\)"):
        despike(np.ones(5))
