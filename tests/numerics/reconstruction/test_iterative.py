"""SIRT and SART: against known densities, against ASTRA, and how they are stopped."""

import threading
import time

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.projector import LANES
from tomojupyter.numerics.reconstruction.sart import far_apart, sart
from tomojupyter.numerics.reconstruction.sirt import sirt

N = 48
TILTS = np.arange(-90, 90, 3.0)
SOLVERS = pytest.mark.parametrize("solver", [sirt, sart])


@pytest.mark.parametrize(
    ("constrain", "thresh"), [(False, 0.0), (True, 0.0), (True, 0.1)], ids=["free", "0", "0.1"]
)
@pytest.mark.parametrize("nz", [N, 30])
def test_sirt_equals_astra(noisy, constrain, thresh, nz, astra_run):
    options = {"MinConstraint": thresh} if constrain else {}
    projector = make_projector(TILTS, N, nz)
    found = sirt(projector, noisy, iterations=15, constrain=constrain, thresh=thresh)
    assert found.iterations == 15
    for one, sinogram in zip(found.volume, noisy, strict=True):
        expected = astra_run("SIRT", sinogram, TILTS, nz, iterations=15, **options)
        assert np.linalg.norm(one - expected) <= 2e-4 * np.linalg.norm(expected)
    if constrain:
        assert found.volume.min() == np.float32(thresh)
    else:
        assert found.volume.min() < 0


def test_sirt_finds_the_density_and_reports_its_residuals(
    noisy, disc_sinogram, recorder, from_point
):
    truth = disc_sinogram(TILTS, N, 10, 4, -5, density=3.0)[None]
    projector = make_projector(TILTS, N, N)
    monitor = recorder()
    found = sirt(projector, truth, iterations=60, constrain=True, monitor=monitor)
    assert found.volume[0][from_point(N, 4, -5) < 7].mean() == pytest.approx(3, rel=0.01)
    assert len(found.residuals) == 60
    assert (np.diff(found.residuals) < 0).all()
    final = np.linalg.norm(truth - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(final, rel=1e-4)
    told = [call for call in monitor.calls if call[2]]
    assert [call[:2] for call in told] == [(i + 1, 60) for i in range(60)]
    assert [call[2]["residual"] for call in told] == list(found.residuals)
    assert told[-1][2]["volume"].shape == (1, N, N)
    assert {call[:1] for call in monitor.calls if not call[2]} >= {(0,), (30,), (59,)}


@SOLVERS
@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_masked_pixels_have_no_influence(solver, noisy, value):
    weights = np.ones_like(noisy)
    weights[0, 7] = 0  # a projection of one slice
    weights[1, 20:30, :9] = 0
    weights[2, 3, 24] = 0
    projector = make_projector(TILTS, N, 40)
    hurt = np.where(weights > 0, noisy, value)
    before = hurt.copy(), weights.copy()
    found = solver(projector, hurt, iterations=8, weights=weights)
    reference = solver(projector, noisy, iterations=8, weights=weights)
    np.testing.assert_array_equal(found.volume, reference.volume)
    np.testing.assert_array_equal(found.residuals, reference.residuals)
    np.testing.assert_array_equal(hurt, before[0])
    np.testing.assert_array_equal(weights, before[1])
    if solver is sart:
        return  # without a projection, its order would be another
    # A projection of weight 0 is as good as one that was never taken.
    left = np.delete(np.arange(len(TILTS)), 7)
    without = make_projector(TILTS[left], N, 40)
    alone = solver(without, noisy[:1, left], iterations=8).volume[0]
    np.testing.assert_allclose(found.volume[0], alone, atol=1e-5)


@SOLVERS
def test_nan_without_weights_is_masked(solver, noisy):
    weights = np.ones_like(noisy)
    weights[1, 4, 10:13] = 0
    hurt = np.where(weights > 0, noisy, np.nan)
    projector = make_projector(TILTS, N, 20)
    found = solver(projector, hurt, iterations=3)
    expected = solver(projector, noisy, iterations=3, weights=weights)
    np.testing.assert_array_equal(found.volume, expected.volume)
    assert np.isfinite(found.residuals).all()


def test_weighted_sirt_follows_its_formula():
    rng = np.random.default_rng(6)
    tilts = np.arange(0, 180, 12.0)
    projector = make_projector(tilts, 6, 5)
    matrix = projector.forward(np.eye(30).reshape(30, 5, 6)).reshape(30, -1).T.astype(float)
    data = rng.random((2, len(tilts), 6))
    weights = rng.uniform(0.2, 3, data.shape)
    found = sirt(projector, data, iterations=10, weights=weights)
    sums = matrix.sum(axis=1)
    rows = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 1e-6)
    squares = 0.0
    for one, b, w in zip(found.volume, data.reshape(2, -1), weights.reshape(2, -1), strict=True):
        x = np.zeros(30)
        for _ in range(10):
            x += matrix.T @ (w * rows * (b - matrix @ x)) / (matrix.T @ w)
        np.testing.assert_allclose(one.ravel(), x, atol=1e-5)
        squares += np.sum((w * (b - matrix @ x)) ** 2)
    assert found.residuals[-1] == pytest.approx(np.sqrt(squares), rel=1e-5)


@SOLVERS
def test_threads_do_not_change_the_result(solver, noisy):
    rng = np.random.default_rng(7)
    many = np.tile(noisy, (LANES, 1, 1))[: 2 * LANES + 9]
    weights = (rng.random(many.shape) > 0.05).astype(np.float32)
    projector = make_projector(TILTS, N, 24)
    for w in (None, weights):
        one = solver(projector, many, iterations=4, weights=w, ncores=1)
        three = solver(projector, many, iterations=4, weights=w, ncores=3)
        np.testing.assert_array_equal(one.volume, three.volume)
        np.testing.assert_array_equal(one.residuals, three.residuals)
    single = solver(projector, many[5:6], iterations=4, weights=weights[5:6])
    np.testing.assert_array_equal(single.volume[0], three.volume[5])


@SOLVERS
def test_finish_keeps_the_current_iterate(solver, noisy, recorder):
    projector = make_projector(TILTS, N, 24)
    monitor = recorder(finish_at=3)
    found = solver(projector, noisy, iterations=50, monitor=monitor)
    again = solver(projector, noisy, iterations=3)
    assert found.iterations == 3 == len(found.residuals)
    np.testing.assert_array_equal(found.volume, again.volume)
    assert monitor.threads == {threading.get_ident()}


def test_cancel_acts_within_half_a_second_and_leaves_no_thread(recorder):
    n = 256
    tilts = np.linspace(-76, 76, 77)
    sinograms = np.ones((2 * LANES, len(tilts), n), np.float32)
    projector = make_projector(tilts, n, n)
    projector.prepare()
    threads = threading.active_count()
    monitor = recorder(cancel_after=4)
    with pytest.raises(Cancelled):
        sirt(projector, sinograms, iterations=100, monitor=monitor)
    # Four products may be under way; 1.5 s leaves room for a machine busy with other work.
    assert time.perf_counter() - monitor.cancelled_at < 1.5
    assert threading.active_count() == threads


def test_the_iterate_can_be_looked_at_while_and_after_it_changes(noisy, recorder):
    many = np.tile(noisy, (23, 1, 1))[:67]  # a block of 64 and one of 3
    monitor = recorder()
    found = sirt(make_projector(TILTS, N, 20), many, iterations=2, monitor=monitor)
    live = next(call[2]["volume"] for call in monitor.calls if call[2])
    assert live.shape == found.volume.shape
    assert len(live) == 67
    for x in (0, 63, 64, -1):
        np.testing.assert_array_equal(live[x], found.volume[x])
    np.testing.assert_array_equal(live[60:66, 3], found.volume[60:66, 3])
    np.testing.assert_array_equal(np.array(live), found.volume)
    with pytest.raises(IndexError):
        live[67]
    with pytest.raises(ValueError, match="is a copy"):
        np.array(live, copy=False)


@SOLVERS
def test_errors_of_the_work_reach_the_caller(solver, noisy, monkeypatch):
    projector = make_projector(TILTS, N, 24)

    def fail(projector, block):
        raise MemoryError("no room")

    # SART asks for the parts of the projector, so the class is what fails.
    monkeypatch.setattr(type(projector), "_back", fail)
    with pytest.raises(MemoryError, match="no room"):
        solver(projector, noisy, iterations=2)


@SOLVERS
def test_bad_input_gives_sentences(solver, noisy):
    projector = make_projector(TILTS, N, 24)
    with pytest.raises(ParameterError, match="iterations must be at least 1, got 0"):
        solver(projector, noisy, iterations=0)
    with pytest.raises(ParameterError, match=r"sinograms have the shape \(slices, 60, 48\)"):
        solver(projector, noisy[:, 1:], iterations=1)
    with pytest.raises(ParameterError, match="weights need the shape of the sinograms"):
        solver(projector, noisy, iterations=1, weights=np.ones((60, 48)))
    with pytest.raises(ParameterError, match="relaxation must be above 0 and below 2, got 2"):
        solver(projector, noisy, iterations=1, relaxation=2)
    with pytest.raises(ParameterError, match=r"upper must be above thresh, 0.5, got 0.5"):
        solver(projector, noisy, iterations=1, constrain=True, thresh=0.5, upper=0.5)


# ---------------------------------------------------------------------------------------- SART
@pytest.mark.parametrize("nz", [N, 30])
@pytest.mark.parametrize("limits", [False, True], ids=["free", "limits"])
def test_sart_equals_astra_in_full_sweeps(noisy, nz, limits, astra_run):
    ours = {"relaxation": 0.3, "constrain": True, "upper": 0.8} if limits else {}
    theirs = {"Relaxation": 0.3, "MinConstraint": 0.0, "MaxConstraint": 0.8} if limits else {}
    order = np.array(far_apart(TILTS), float)
    found = sart(make_projector(TILTS, N, nz), noisy, iterations=3, **ours)
    for one, sinogram in zip(found.volume, noisy, strict=True):
        expected = astra_run(
            "SART", sinogram, TILTS, nz, iterations=3 * len(TILTS),
            ProjectionOrder="custom", ProjectionOrderList=order, **theirs,
        )  # fmt: skip
        assert np.linalg.norm(one - expected) <= 1e-5 * np.linalg.norm(expected)


def test_a_sweep_of_sart_goes_further_than_one_of_sirt(noisy):
    projector = make_projector(TILTS, N, N)
    residuals = [solver(projector, noisy, iterations=5).residuals for solver in (sirt, sart)]
    assert residuals[1][-1] < 0.5 * residuals[0][-1]
    assert (np.diff(residuals[1]) < 0).all()


def test_an_upper_limit_and_relaxation_hold_for_sirt(noisy, astra_run):
    projector = make_projector(TILTS, N, N)
    found = sirt(projector, noisy, iterations=9, upper=0.6, relaxation=0.5)
    assert found.volume.max() == np.float32(0.6)
    expected = astra_run(
        "SIRT", noisy[0], TILTS, N, iterations=9, MaxConstraint=0.6, Relaxation=0.5
    )
    assert np.linalg.norm(found.volume[0] - expected) <= 2e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize("n", [1, 2, 3, 31, 77])
def test_the_order_of_sart_uses_every_projection_once(n):
    tilts = np.random.default_rng(n).permutation(np.linspace(-70, 70, n))
    order = far_apart(tilts)
    assert sorted(order) == list(range(n))
    if n > 10:
        steps = np.abs(np.diff(tilts[order]))
        assert steps.min() > 0.3 * np.ptp(tilts)
