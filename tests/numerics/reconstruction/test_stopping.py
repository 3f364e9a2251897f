"""The number of iterations that suits the noise: estimated noise, and the choice."""

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.cgls import cgls
from tomojupyter.numerics.reconstruction.os_sirt import os_sirt
from tomojupyter.numerics.reconstruction.problem import Problem
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.numerics.reconstruction.stopping import (
    choose_iterations,
    noise_variance,
    tried_slices,
)

N = 48
TILTS = np.arange(-70, 71, 4.0)


@pytest.fixture(scope="module")
def truth():
    """Twelve slices of a ball with a hole."""
    x, z, y = np.indices((12, N, N)) - np.array([5.5, 23.5, 23.5])[:, None, None, None]
    ball = (x**2 + z**2 + y**2 < 18**2).astype("f4")
    return ball - (x**2 + (z - 4) ** 2 + (y + 5) ** 2 < 6**2)


@pytest.fixture(scope="module")
def counted(truth):
    """Return the series with counting noise: so many counts in the thickest pixel."""

    def make(counts):
        clean = np.maximum(make_projector(TILTS, N, N).forward(truth), 0)
        gain = counts / clean.max()
        return (np.random.default_rng(1).poisson(clean * gain) / gain).astype("f4")

    return make


def test_the_variance_of_even_noise_is_found():
    rng = np.random.default_rng(2)
    for shape in ((12, 30, 48), (1, 60, 64)):
        found = noise_variance(50 + rng.normal(0, 3, shape), np.arange(shape[1]))
        assert found.shape == shape
        assert found.mean() == pytest.approx(9, rel=0.1)


def test_the_variance_of_counts_follows_the_intensity(truth, counted):
    clean = make_projector(TILTS, N, N).forward(truth)
    gain = 200 / clean.max()
    found = noise_variance(counted(200), TILTS)
    assert found.sum() == pytest.approx(clean.sum() / gain, rel=0.25)
    vacuum = clean < 1e-3
    assert found[vacuum].mean() < 0.05 * found[~vacuum].mean()


def test_gaps_and_edges_of_the_specimen_do_not_count():
    rng = np.random.default_rng(2)
    noise = 50 + rng.normal(0, 3, (12, 30, 48))
    noise[:, :, 20:30] += 1000
    noise[3, 4:9] = np.nan
    assert noise_variance(noise, np.arange(30)).mean() == pytest.approx(9, rel=0.2)
    assert not noise_variance(np.ones((3, 5, 2)), np.arange(5)).any()


def errors_of(solver, projector, sinograms, truth, most, **known):
    seen = []

    class Watch:
        finish_early = False

        def __call__(self, *_, **values):
            if values:
                seen.append(np.linalg.norm(np.array(values["volume"]) - truth))

    solver(projector, sinograms, iterations=most, monitor=Watch(), **known)
    return np.array(seen)


@pytest.mark.parametrize(
    ("solver", "most", "known"),
    [(sirt, 80, {"constrain": True}), (os_sirt, 20, {"constrain": True}), (cgls, 20, {})],
    ids=["SIRT", "OS-SIRT", "CGLS"],
)
def test_the_choice_is_close_to_the_best(solver, most, known, truth, counted):
    projector = make_projector(TILTS, N, N)
    numbers = []
    for counts in (20, 500):
        sinograms = counted(counts)
        choice = choose_iterations(solver, Problem(projector, sinograms, **known), most=most)
        errors = errors_of(solver, projector, sinograms, truth, most, **known)
        assert errors[choice.iterations - 1] < 1.1 * errors.min()
        numbers.append(choice.iterations)
        assert "noise" in choice.why
        assert "predicted" in choice.why
    assert numbers[0] < numbers[1] < most


def test_smoothed_noise_does_not_let_it_go_on(truth, counted):
    """Interpolation hides noise from its estimate; the projections held out still tell."""
    projector = make_projector(TILTS, N, N)
    sharp = counted(50)
    smooth = (sharp + np.roll(sharp, 1, axis=2) + np.roll(sharp, 1, axis=0)) / 3
    choice = choose_iterations(os_sirt, Problem(projector, smooth), most=30)
    assert "held out are predicted no better" in choice.why
    assert choice.figures["noise_reached"] is None
    assert choice.iterations < 10


def test_a_series_without_noise_may_have_the_most(truth):
    projector = make_projector(TILTS, N, N)
    problem = Problem(projector, projector.forward(truth), constrain=True)
    choice = choose_iterations(sirt, problem, most=9)
    assert choice.iterations == 9
    assert choice.why.startswith("9: with 9, the most that is tried")


def test_the_choice_does_not_depend_on_threads_or_unknown_pixels(counted):
    projector = make_projector(TILTS, N, N)
    sinograms = counted(50)
    weights = np.ones_like(sinograms)
    weights[:, 5], weights[2, :, 9] = 0, 0
    made = []
    for value, cores in ((0, 1), (np.nan, 3), (1e6, 2)):
        hurt = np.where(weights > 0, sinograms, value)
        given = Problem(projector, hurt, None if np.isnan(value) else weights)
        made.append(choose_iterations(os_sirt, given, most=15, ncores=cores))
    assert made[0] == made[1] == made[2]


def test_few_tilts_and_few_pixels_still_get_a_number():
    rng = np.random.default_rng(4)
    for n, ny in ((1, 17), (3, 17), (5, 2), (3, 1)):
        projector = make_projector(np.linspace(-60, 60, n), ny, 5)
        choice = choose_iterations(sirt, Problem(projector, rng.random((1, n, ny))), most=6)
        assert 1 <= choice.iterations <= 6


@pytest.mark.parametrize(("nx", "count"), [(1, 1), (32, 32), (33, 32), (300, 32)])
def test_the_slices_tried_are_some_of_the_slices(nx, count):
    runs = tried_slices(nx)
    every = np.concatenate(runs)
    assert len(set(every)) == len(every) == count
    assert every.min() >= 0
    assert every.max() < nx
    assert all((np.diff(run) == 1).all() for run in runs)


def test_the_choice_can_be_cancelled(counted, recorder):
    problem = Problem(make_projector(TILTS, N, N), counted(50))
    with pytest.raises(Cancelled):
        choose_iterations(sirt, problem, most=50, monitor=recorder(cancel_after=3))
    with pytest.raises(ParameterError, match="iterations must be at least 1, got 0"):
        choose_iterations(sirt, problem, most=0)
