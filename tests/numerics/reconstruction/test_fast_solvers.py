"""CGLS and OS-SIRT: what they minimise, how fast, and that OS-SIRT cannot diverge."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.cgls import cgls
from tomojupyter.numerics.reconstruction.os_sirt import os_sirt
from tomojupyter.numerics.reconstruction.sirt import sirt

N, NZ = 48, 30
TILTS = np.arange(-90, 90, 3.0)
FAST = pytest.mark.parametrize("solver", [cgls, os_sirt])
BACKENDS = pytest.mark.parametrize("backend", ["numba", "astra"])


@pytest.fixture
def small():
    """A projector of 6 x 5 voxels, its matrix, data of two slices, and weights."""
    rng = np.random.default_rng(6)
    tilts = np.arange(0, 180, 12.0)
    projector = make_projector(tilts, 6, 5)
    matrix = projector.forward(np.eye(30).reshape(30, 5, 6)).reshape(30, -1).T.astype(float)
    return projector, matrix, rng.random((2, 15, 6)), rng.uniform(0.2, 3, (2, 15, 6))


@pytest.mark.parametrize("masked", [False, True])
def test_cgls_finds_the_weighted_least_squares(small, masked):
    projector, matrix, data, weights = small
    mask = np.random.default_rng(1).random((2, 5, 6)) > (0.5 if masked else -1)
    found = cgls(projector, data, iterations=80, weights=weights, mask=mask)
    for one, b, w, keep in zip(found.volume, data, weights, mask, strict=True):
        root = np.sqrt(w.ravel())
        part = matrix[:, keep.ravel()]
        x = np.linalg.lstsq(root[:, None] * part, root * b.ravel(), rcond=None)[0]
        np.testing.assert_allclose(one[keep], x, atol=2e-3)
        assert (one[~keep] == 0).all()
    left = weights * (data - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(np.linalg.norm(left), rel=1e-4)


@BACKENDS
def test_cgls_takes_the_steps_of_conjugate_gradients(backend, noisy):
    projector = make_projector(TILTS, N, NZ, backend=backend)
    found = cgls(projector, noisy, iterations=6)
    x, r = np.zeros((3, NZ, N)), noisy.astype(float)
    direction = gamma = None
    for _ in range(6):
        s = projector.back(r).astype(float)
        old, gamma = gamma, (s**2).sum(axis=(1, 2), keepdims=True)
        direction = s if direction is None else s + gamma / old * direction
        q = projector.forward(direction).astype(float)
        step = gamma / (q**2).sum(axis=(1, 2), keepdims=True)
        x, r = x + step * direction, r - step * q
    np.testing.assert_allclose(found.volume, x, atol=1e-4)
    assert found.residuals[-1] == pytest.approx(np.linalg.norm(r), rel=1e-4)


def test_the_residual_of_many_steps_is_that_of_the_iterate(noisy):
    projector = make_projector(TILTS, N, NZ)
    found = cgls(projector, noisy, iterations=50)
    left = np.linalg.norm(noisy - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(left, rel=1e-4)
    assert (np.diff(found.residuals) < 1e-5 * found.residuals[0]).all()


def test_nothing_to_do_is_done(noisy):
    projector = make_projector(TILTS, N, NZ)
    for solver in (cgls, os_sirt):
        found = solver(projector, 0 * noisy, iterations=3)
        assert not found.volume.any()
        assert not found.residuals.any()


def test_cgls_refuses_limits(noisy):
    projector = make_projector(TILTS, N, NZ)
    for limit in ({"constrain": True}, {"upper": 1.0}, {"relaxation": 0.5}):
        with pytest.raises(ParameterError, match=r"CGLS takes no limits .* OS-SIRT keeps limits"):
            cgls(projector, noisy, iterations=1, **limit)


def test_one_subset_without_momentum_is_sirt(noisy):
    projector = make_projector(TILTS, N, NZ)
    limits = {"constrain": True, "upper": 0.8}
    one = os_sirt(projector, noisy, iterations=1, subsets=1, **limits)
    np.testing.assert_allclose(
        one.volume, sirt(projector, noisy, iterations=1, **limits).volume, atol=1e-6
    )


@BACKENDS
def test_few_sweeps_of_the_fast_solvers_go_as_far_as_many_of_sirt(backend, noisy):
    projector = make_projector(TILTS, N, NZ, backend=backend)
    slow = sirt(projector, noisy, iterations=60).residuals[-1]
    assert os_sirt(projector, noisy, iterations=8).residuals[-1] < slow
    assert cgls(projector, noisy, iterations=8).residuals[-1] < slow


def misfits(projector, sinograms, weights, volumes):
    rows = 1 / np.maximum(projector.forward(np.ones((1, NZ, N)))[0], 1e-6)
    rows[rows > 1e5] = 0
    return [
        (weights * rows * (sinograms - projector.forward(v)) ** 2).sum(axis=(1, 2)) for v in volumes
    ]


@pytest.mark.parametrize("subsets", [1, 7, 60, 500])
@pytest.mark.parametrize("relaxation", [1.0, 1.99])
def test_os_sirt_cannot_diverge(subsets, relaxation, recorder):
    """On data that contradicts itself, as far as noise alone can: no slice ever gets worse."""
    rng = np.random.default_rng(3)
    projector = make_projector(TILTS, N, NZ)
    noise = rng.normal(size=(3, len(TILTS), N)) * np.array([1, 1e3, 1e-3])[:, None, None]
    weights = rng.uniform(0, 9, noise.shape) * (rng.random(noise.shape) > 0.3)
    seen = []

    class Watch(recorder):
        def __call__(self, *_, **values):
            if values:
                seen.append(np.array(values["volume"]))

    limits = {"constrain": True, "thresh": -0.01, "relaxation": relaxation, "weights": weights}
    found = os_sirt(projector, noise, iterations=25, subsets=subsets, monitor=Watch(), **limits)
    each = misfits(projector, noise, weights, [np.zeros((3, NZ, N)), *seen])
    assert (np.diff(each, axis=0) <= 1e-4 * np.abs(each[:-1])).all()
    left = weights * (noise - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(np.linalg.norm(left), rel=1e-4)


def test_os_sirt_ends_where_sirt_does():
    """Contradicting subsets end close to the same misfit, not in a cycle around it."""
    rng = np.random.default_rng(8)
    tilts = np.arange(-60, 61, 10.0)
    projector = make_projector(tilts, N, NZ)
    data = rng.random((2, len(tilts), N))
    ones = np.ones_like(data)
    solved = [
        sirt(projector, data, iterations=1000),
        os_sirt(projector, data, iterations=80, subsets=4),
    ]
    ends = np.sum(misfits(projector, data, ones, [one.volume for one in solved]), axis=1)
    assert ends[1] < 1.01 * ends[0]


def test_a_start_outside_the_limits_is_brought_inside(noisy):
    projector = make_projector(TILTS, N, NZ)
    start = np.full((3, NZ, N), -5.0)
    found = os_sirt(projector, noisy, iterations=4, start=start, constrain=True)
    assert found.volume.min() == 0
    reference = os_sirt(projector, noisy, iterations=4, constrain=True)
    np.testing.assert_allclose(found.volume, reference.volume, atol=1e-5)


@FAST
def test_going_on_gets_closer(solver, noisy):
    projector = make_projector(TILTS, N, NZ)
    first = solver(projector, noisy, iterations=4)
    more = solver(projector, noisy, iterations=3, start=first.volume)
    assert (np.diff([first.residuals[-1], *more.residuals]) < 0).all()
    before = np.linalg.norm(noisy - projector.forward(first.volume))
    assert more.residuals[0] < before


@FAST
def test_threads_and_other_slices_do_not_change_a_slice(solver, noisy):
    rng = np.random.default_rng(7)
    many = np.tile(noisy, (25, 1, 1))[:73]
    weights = (rng.random(many.shape) > 0.05).astype(np.float32)
    mask = rng.random((73, NZ, N)) > 0.2
    projector = make_projector(TILTS, N, NZ)
    for known in ({}, {"weights": weights}, {"mask": mask}):
        one, three = (solver(projector, many, iterations=4, ncores=n, **known) for n in (1, 3))
        np.testing.assert_array_equal(one.volume, three.volume)
        np.testing.assert_array_equal(one.residuals, three.residuals)
        part = {name: given[70:71] for name, given in known.items()}
        single = solver(projector, many[70:71], iterations=4, **part)
        np.testing.assert_array_equal(single.volume[0], three.volume[70])


@FAST
@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_masked_pixels_have_no_influence(solver, noisy, value):
    weights = np.ones_like(noisy)
    weights[0, 7] = 0
    weights[1, 20:30, :9] = 0
    projector = make_projector(TILTS, N, 40)
    hurt = np.where(weights > 0, noisy, value)
    found = solver(projector, hurt, iterations=5, weights=weights)
    reference = solver(projector, noisy, iterations=5, weights=weights)
    np.testing.assert_array_equal(found.volume, reference.volume)
    np.testing.assert_array_equal(found.residuals, reference.residuals)


@FAST
def test_finish_keeps_the_current_iterate(solver, noisy, recorder):
    projector = make_projector(TILTS, N, 24)
    found = solver(projector, noisy, iterations=50, monitor=recorder(finish_at=3))
    again = solver(projector, noisy, iterations=3)
    assert found.iterations == 3 == len(found.residuals)
    np.testing.assert_array_equal(found.volume, again.volume)


def test_bad_input_gives_sentences(noisy):
    projector = make_projector(TILTS, N, 24)
    with pytest.raises(ParameterError, match="subsets must be at least 1, got 0"):
        os_sirt(projector, noisy, iterations=1, subsets=0)
    for solver in (cgls, os_sirt):
        with pytest.raises(ParameterError, match="iterations must be at least 1, got 0"):
            solver(projector, noisy, iterations=0)
