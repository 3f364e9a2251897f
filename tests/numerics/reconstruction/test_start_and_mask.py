"""Where iterative solvers begin, which voxels count, and going on from a result."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.problem import Problem
from tomojupyter.numerics.reconstruction.sart import sart
from tomojupyter.numerics.reconstruction.sirt import sirt

N, NZ = 48, 30
TILTS = np.arange(-90, 90, 3.0)
SOLVERS = pytest.mark.parametrize("solver", [sirt, sart])
BACKENDS = pytest.mark.parametrize("backend", ["numba", "astra"])


@pytest.fixture
def gaps(noisy):
    weights = np.ones_like(noisy)
    weights[1, 20:30, :9] = 0
    return weights


@SOLVERS
@BACKENDS
def test_going_on_equals_one_run(solver, backend, noisy, gaps):
    projector = make_projector(TILTS, N, NZ, backend=backend)
    known = {"constrain": True, "upper": 0.7, "weights": gaps}
    first = solver(projector, noisy, iterations=3, **known)
    before = first.volume.copy()
    more = solver(projector, noisy, iterations=4, start=first.volume, **known)
    whole = solver(projector, noisy, iterations=7, **known)
    np.testing.assert_array_equal(more.volume, whole.volume)
    np.testing.assert_array_equal([*first.residuals, *more.residuals], whole.residuals)
    np.testing.assert_array_equal(first.volume, before)


@SOLVERS
def test_the_truth_is_left_alone(solver, noisy):
    truth = np.zeros((3, NZ, N), np.float32)
    truth[:, 8:20, 10:30] = np.array([1, 2, 3])[:, None, None]
    projector = make_projector(TILTS, N, NZ)
    found = solver(projector, projector.forward(truth), iterations=2, start=truth.astype(int))
    np.testing.assert_allclose(found.volume, truth, atol=1e-5)


def whole_and_varied():
    """A mask that all slices share, and one that differs."""
    same = np.zeros((3, NZ, N), bool)
    same[:, 5:25, 8:40] = True
    varied = same.copy()
    varied[1, :12] = False
    varied[2] = True
    return {"same": same, "varied": varied}


@SOLVERS
@BACKENDS
@pytest.mark.parametrize("shape", ["same", "varied"])
def test_voxels_outside_the_mask_stay_at_zero(solver, backend, shape, noisy, gaps):
    mask = whole_and_varied()[shape]
    projector = make_projector(TILTS, N, NZ, backend=backend)
    for limits in ({}, {"constrain": True, "thresh": 0.2}, {"upper": -0.1}):
        start = np.ones(mask.shape)
        known = {"mask": mask, "weights": gaps, "start": start, **limits}
        found = solver(projector, noisy, iterations=3, **known)
        assert (found.volume[~mask] == 0).all()
        assert (found.volume[mask] != 0).mean() > 0.9
        left = gaps * (noisy - projector.forward(found.volume))
        assert found.residuals[-1] == pytest.approx(np.linalg.norm(left), rel=1e-4)


@SOLVERS
def test_slices_do_not_depend_on_the_masks_of_others(solver, noisy):
    masks = whole_and_varied()
    projector = make_projector(TILTS, N, NZ)
    together = solver(projector, noisy, iterations=3, mask=masks["varied"]).volume
    for x, mask in enumerate(masks["varied"]):
        alone = solver(projector, noisy[x : x + 1], iterations=3, mask=mask[None])
        np.testing.assert_array_equal(together[x], alone.volume[0])


def test_masked_sirt_is_sirt_of_the_voxels_that_count():
    rng = np.random.default_rng(6)
    tilts = np.arange(0, 180, 12.0)
    projector = make_projector(tilts, 6, 5)
    matrix = projector.forward(np.eye(30).reshape(30, 5, 6)).reshape(30, -1).T.astype(float)
    data, mask = rng.random((2, len(tilts), 6)), rng.random((2, 5, 6)) > 0.4
    found = sirt(projector, data, iterations=10, mask=mask)
    for one, b, keep in zip(found.volume, data.reshape(2, -1), mask.reshape(2, -1), strict=True):
        part = matrix[:, keep]
        sums = part.sum(axis=1)
        rows = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 1e-6)
        x = np.zeros(keep.sum())
        for _ in range(10):
            x += part.T @ (rows * (b - part @ x)) / part.sum(axis=0)
        np.testing.assert_allclose(one.ravel()[keep], x, atol=1e-5)


@SOLVERS
def test_a_mask_of_all_voxels_changes_nothing(solver, noisy):
    projector = make_projector(TILTS, N, NZ)
    found = solver(projector, noisy, iterations=2, mask=np.full((3, NZ, N), 7))
    np.testing.assert_array_equal(found.volume, solver(projector, noisy, iterations=2).volume)


@SOLVERS
def test_many_slices_start_in_their_blocks_whatever_the_threads(solver, noisy):
    many = np.tile(noisy, (23, 1, 1))[:67]
    rng = np.random.default_rng(2)
    start, mask = rng.random((67, NZ, N)), rng.random((67, NZ, N)) > 0.3
    projector = make_projector(TILTS, N, NZ)
    known = {"iterations": 2, "start": start, "mask": mask}
    one, three = (solver(projector, many, ncores=n, **known) for n in (1, 3))
    np.testing.assert_array_equal(one.volume, three.volume)
    single = solver(projector, many[66:], iterations=2, start=start[66:], mask=mask[66:])
    np.testing.assert_array_equal(single.volume[0], one.volume[66])


@SOLVERS
def test_wrong_volumes_give_sentences(solver, noisy):
    projector = make_projector(TILTS, N, NZ)
    for name in ("start", "mask"):
        with pytest.raises(ParameterError, match=rf"{name} needs the shape .* \(3, 30, 48\), got"):
            solver(projector, noisy, iterations=1, **{name: np.zeros((3, N, N))})
    with pytest.raises(ParameterError, match="start must be finite everywhere"):
        solver(projector, noisy, iterations=1, start=np.full((3, NZ, N), np.nan))


def test_a_problem_of_some_slices_has_their_parts(noisy, gaps):
    projector = make_projector(TILTS, N, NZ)
    start = np.arange(3 * NZ * N, dtype="f4").reshape(3, NZ, N)
    part = Problem(projector, noisy, gaps, start, upper=0.5).of_slices(slice(1, 3))
    np.testing.assert_array_equal(part.sinograms, noisy[1:])
    np.testing.assert_array_equal(part.weights, gaps[1:])
    np.testing.assert_array_equal(part.start, start[1:])
    assert (part.mask, part.upper) == (None, 0.5)
