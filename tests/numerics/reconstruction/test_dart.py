"""DART: a specimen of few grey levels, with noise; what is kept fixed; and how it is stopped."""

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.dart import _at_boundary, choose_smoothing, dart
from tomojupyter.numerics.reconstruction.os_sirt import os_sirt
from tomojupyter.numerics.reconstruction.problem import Problem

N = 40
TILTS = np.arange(-70, 71, 7.0)
LEVELS = (0.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def truth():
    """Ten slices of a ball of 1 with a hole and a core of 2: voxels of nothing but levels."""
    x, z, y = np.indices((10, N, N)) - np.array([4.5, 19.5, 19.5])[:, None, None, None]
    ball = (x**2 + z**2 + y**2 < 15**2).astype("f4")
    ball -= x**2 + (z - 4) ** 2 + (y + 5) ** 2 < 5**2
    return ball + (x**2 + (z + 6) ** 2 + (y - 3) ** 2 < 4**2)


@pytest.fixture(scope="module")
def projector():
    return make_projector(TILTS, N, N)


@pytest.fixture(scope="module")
def series(truth, projector):
    clean = projector.forward(truth)
    return clean + np.random.default_rng(1).normal(0, 0.3, clean.shape).astype("f4")


def wrong(volume, truth):
    return float((np.digitize(volume, (0.5, 1.5)) != truth).mean())


def test_it_finds_a_specimen_of_three_levels_where_sirt_does_not(series, truth, projector):
    smoothing, tried = choose_smoothing(Problem(projector, series), gray_levels=LEVELS)
    assert smoothing < 0.8
    assert min(tried.values()) <= tried[f"{smoothing:g}"] < 0.8 * tried["1"]
    found = dart(projector, series, gray_levels=LEVELS, iterations=8, smoothing=smoothing)
    assert set(np.unique(found.volume)) == set(LEVELS)
    assert wrong(found.volume, truth) < 0.004
    for sweeps in (2, 4):
        ordinary = os_sirt(projector, series, iterations=sweeps, constrain=True, upper=2).volume
        assert wrong(found.volume, truth) < 0.3 * wrong(ordinary, truth)
    assert len(found.residuals) == 8
    left = np.linalg.norm(series - projector.forward(truth))
    assert found.residuals[-1] == pytest.approx(left, rel=0.15)


def test_much_noise_is_smoothed_much(truth, projector):
    clean = projector.forward(truth)
    noise = np.random.default_rng(2).normal(0, 1.5, clean.shape)
    problem = Problem(projector, (clean + noise).astype("f4"))
    smoothing, tried = choose_smoothing(problem, gray_levels=LEVELS)
    assert smoothing >= 0.6
    assert len(tried) >= 2
    none, chosen = (
        dart(projector, problem.sinograms, gray_levels=LEVELS, iterations=5, smoothing=s)
        for s in (0, smoothing)
    )
    assert wrong(chosen.volume, truth) < 0.5 * wrong(none.volume, truth)


def test_the_order_of_the_levels_does_not_matter(series, projector):
    one, other = (
        dart(projector, series, gray_levels=levels, iterations=2) for levels in (LEVELS, [2, 0, 1])
    )
    np.testing.assert_array_equal(one.volume, other.volume)


def test_the_seed_decides_what_is_free(series, projector):
    given = {"gray_levels": LEVELS, "iterations": 3, "p": 0.5}
    first, again, other = (dart(projector, series, seed=s, **given) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.volume, again.volume)
    assert not np.array_equal(first.residuals, other.residuals)


def test_threads_do_not_change_the_result(series, projector):
    many = np.concatenate([series] * 8)  # two blocks of the projector, three of the filters
    given = {"gray_levels": LEVELS, "iterations": 2}
    one, three = (dart(projector, many, ncores=n, **given) for n in (1, 3))
    np.testing.assert_array_equal(one.volume, three.volume)
    np.testing.assert_array_equal(one.residuals, three.residuals)


def test_fixed_voxels_stay_at_their_level(series, truth, projector):
    """With all others fixed, nothing but the boundary of the start can change."""
    start = np.zeros_like(truth)
    start[:, 10:30, 10:30] = 1
    given = {"gray_levels": LEVELS, "iterations": 1, "start": start}
    found = dart(projector, series, p=1, **given)
    inner = ~_at_boundary(start)
    np.testing.assert_array_equal(found.volume[inner], start[inner])
    assert (found.volume != start).any()
    loose = dart(projector, series, p=0, **given)
    assert (loose.volume[inner] != start[inner]).any()


def test_a_boundary_has_two_sides_in_three_dimensions():
    volume = np.zeros((5, 5, 5), "f4")
    volume[2, 2, 2] = 1
    expected = np.abs(np.indices((5, 5, 5)) - 2).sum(axis=0) <= 1
    np.testing.assert_array_equal(_at_boundary(volume), expected)
    assert not _at_boundary(np.ones((1, 3, 3))).any()


def test_gaps_and_a_mask_hold(series, truth, projector):
    weights = np.ones_like(series)
    weights[:, 4], weights[3, :, 11] = 0, 0
    mask = np.zeros(truth.shape, bool)
    mask[:, 2:-2, 2:-2] = True
    mask[0] = False
    given = {"gray_levels": (1.0, 2.0), "iterations": 2, "mask": mask, "weights": weights}
    found = dart(projector, np.where(weights > 0, series, 1e6), **given)
    hurt = dart(projector, np.where(weights > 0, series, np.nan), **given)
    np.testing.assert_array_equal(found.volume, hurt.volume)
    assert not found.volume[~mask].any()
    assert set(np.unique(found.volume[mask])) <= {1.0, 2.0}


def test_finish_and_cancel(series, projector, recorder):
    given = {"gray_levels": LEVELS}
    found = dart(projector, series, iterations=9, monitor=recorder(finish_at=2), **given)
    again = dart(projector, series, iterations=2, **given)
    assert found.iterations == 2
    np.testing.assert_array_equal(found.volume, again.volume)
    with pytest.raises(Cancelled):
        dart(projector, series, iterations=9, monitor=recorder(cancel_after=6), **given)


def test_bad_input_gives_sentences(series, projector):
    for levels in ((1.0,), (), (1.0, 1.0)):
        with pytest.raises(ParameterError, match="at least two different levels, got"):
            dart(projector, series, gray_levels=levels, iterations=1)
    for name, value in (
        ("p", 1.5),
        ("p", -0.1),
        ("smoothing", 2.5),
        ("dart_iterations", 0),
        ("iterations", 0),
    ):
        with pytest.raises(ParameterError, match=f"{name.removeprefix('dart_')} must be"):
            dart(projector, series, **{"gray_levels": LEVELS, "iterations": 1, name: value})
    nothing = np.full((10, N, N), np.nan)
    with pytest.raises(ParameterError, match="start must be finite"):
        dart(projector, series, gray_levels=LEVELS, iterations=1, start=nothing)
