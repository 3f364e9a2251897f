"""Where matter lies that leaves the images, and reconstruction of more than the images show."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.extent import (
    leaves_images,
    looked_at,
    rows_of_matter,
)
from tomojupyter.numerics.reconstruction.margin import with_margin
from tomojupyter.numerics.reconstruction.sirt import sirt

TILTS = np.arange(-70, 71, 4.0)
N, NZ, NY = 10, 15, 17


def series(phantom, seed=0, size=48, **more):
    """Sinograms of a simulated specimen, and the projector."""
    stack = tomo.simulation.phantom_series(phantom, size, TILTS, counts=300, seed=seed, **more)
    return stack.data.transpose(2, 0, 1), make_projector(TILTS, size, size), stack


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_rows_of_a_slab_are_found(seed):
    sinograms, projector, stack = series("slab", seed)
    truth = tomo.simulation.volume_of(stack).data[:, :, 12:36]
    occupied = np.flatnonzero(truth.max(axis=(0, 2)) > 0.05)[[0, -1]]
    before = sinograms.copy()
    assert np.abs(np.subtract(rows_of_matter(projector, sinograms), occupied)).max() <= 2
    np.testing.assert_array_equal(sinograms, before)


@pytest.mark.parametrize(
    ("phantom", "leaves"),
    [("slab", True), ("film", True), ("needle", False), ("catalyst", False), ("hollow", False)],
)
def test_what_leaves_the_images_is_told_from_what_does_not(phantom, leaves):
    sinograms, _, _ = series(phantom)
    assert leaves_images(sinograms) is leaves


def test_pixels_without_weight_tell_nothing():
    sinograms, projector, _ = series("slab")
    rows = rows_of_matter(projector, sinograms)
    weights = np.ones(sinograms.shape, np.float32)
    weights[:, ::5, :4] = 0
    weights[3, 7] = 0
    spoilt = np.where(weights > 0, sinograms, 1e6)
    assert leaves_images(spoilt, weights)
    assert np.abs(np.subtract(rows_of_matter(projector, spoilt, weights), rows)).max() <= 1
    needle, _, _ = series("needle")
    needle = needle.copy()
    needle[:, :, :5] = needle[:, :, -5:] = np.nan
    assert not leaves_images(needle)
    assert not leaves_images(needle, np.zeros(needle.shape))


def test_matter_at_one_edge_or_at_few_tilts_does_not_count():
    bright = np.ones((9, 11, 30))
    assert leaves_images(bright)
    one_edge, few = bright.copy(), bright.copy()
    one_edge[:, :, :5] = 0
    few[:, 3:9, :5] = 0
    assert not leaves_images(one_edge)
    assert not leaves_images(few)


def test_rows_that_are_not_seen_are_none():
    sinograms, projector, _ = series("slab")
    assert rows_of_matter(projector, sinograms[:7]) is None
    assert rows_of_matter(projector, np.zeros_like(sinograms)) is None
    noise = np.random.default_rng(0).normal(9, 1, sinograms.shape)
    assert rows_of_matter(projector, noise) is None


@pytest.mark.parametrize(("nx", "count"), [(1, 1), (7, 7), (32, 32), (33, 32), (500, 32)])
def test_slices_are_spread_over_the_specimen(nx, count):
    index = looked_at(nx)
    assert len(index) == count
    assert index[0] == 0
    assert index[-1] == nx - 1
    assert np.diff(index).max(initial=1) <= nx / 31 + 1


@pytest.fixture
def problem():
    """A projector and sinograms of what goes on beyond the images."""
    tilts = np.linspace(-60, 60, N)
    whole = np.zeros((3, NZ, NY + 12), np.float32)
    whole[:, 5:10] = 1 + np.indices(whole[:, 5:10].shape)[2] % 3
    seen = make_projector(tilts, NY + 12, NZ).forward(whole)[:, :, 6:-6]
    return make_projector(tilts, NY, NZ), seen, whole[:, :, 6:-6]


def test_margin_and_rows_bring_the_volume_nearer(problem):
    projector, data, truth = problem
    errors = [
        np.linalg.norm(
            with_margin(sirt, projector, data, iterations=60, constrain=True, **given).volume
            - truth
        )
        for given in ({}, {"margin": 6}, {"margin": 6, "rows": (5, 9)})
    ]
    assert errors[1] < 0.8 * errors[0]
    assert errors[2] < 0.8 * errors[1]


def test_without_margin_and_rows_nothing_changes(problem):
    projector, data, _ = problem
    for given in ({}, {"margin": 0, "rows": (0, NZ - 1)}):
        found = with_margin(sirt, projector, data, iterations=3, **given)
        np.testing.assert_array_equal(found.volume, sirt(projector, data, iterations=3).volume)


def test_mask_weights_and_start_hold_with_a_margin(problem):
    projector, data, truth = problem
    mask = np.ones(truth.shape, bool)
    mask[:, :, 4:9] = False
    mask[1, 7] = False
    weights = np.ones_like(data)
    weights[0, 2, 3:8] = 0
    spoilt = np.where(weights > 0, data, 1e6)
    given = {"mask": mask, "margin": 5, "rows": (4, 10), "iterations": 4}
    one, other = (
        with_margin(sirt, projector, d, weights=weights, start=truth, **given).volume
        for d in (data, spoilt)
    )
    np.testing.assert_array_equal(one, other)
    assert one.shape == truth.shape
    assert (one[~mask] == 0).all()
    assert (one[:, :4] == 0).all()
    assert (one[:, 11:] == 0).all()
    assert np.count_nonzero(one[:, 4:11][mask[:, 4:11]]) > 100


def test_monitors_see_the_volume_without_its_margin(problem):
    projector, data, _ = problem

    class Listener:
        finish_early = False
        seen = None

        def __call__(self, done, _total, **values):
            self.finish_early = done == 3
            if "volume" in values:
                self.seen = np.array(values["volume"])
                np.testing.assert_array_equal(values["volume"][1], self.seen[1])
                assert values["volume"].shape == self.seen.shape
                assert len(values["volume"]) == 3

    listener = Listener()
    found = with_margin(sirt, projector, data, margin=4, iterations=9, monitor=listener)
    assert found.iterations == 3
    np.testing.assert_array_equal(found.volume, listener.seen)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"margin": -1}, "margin must be at least 0 px, got -1"),
        ({"rows": (3, 15)}, "from 0 to 14, got 3, 15"),
        ({"rows": (4, 3)}, "first and the last row along z that may hold matter"),
    ],
)
def test_wrong_margins_and_rows_are_refused(problem, given, sentence):
    with pytest.raises(ParameterError, match=sentence):
        with_margin(sirt, *problem[:2], iterations=1, **given)
