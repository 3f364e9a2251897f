"""FBP and SIRT: against known densities, against ASTRA, and how they are stopped."""

import threading
import time

import astra
import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError, TiltsError
from tomojupyter.numerics.fbp_filters import WINDOWS, ramp_response
from tomojupyter.numerics.projector import LANES, make_projector
from tomojupyter.numerics.reconstruct import FBP_FILTERS, fbp, sirt
from tomojupyter.numerics.sinograms import angular_weights, fill_gaps

N = 48
TILTS = np.arange(-90, 90, 3.0)


def disc_sinogram(tilts, n, radius, y, z, density=1.0):
    """Return the exact line integrals through a disc, averaged over each detector pixel."""
    fine = 20
    rows = (np.arange(n * fine) + 0.5) / fine - n / 2
    angles = np.deg2rad(tilts)[:, None]
    distance = rows - (y * np.cos(angles) + z * np.sin(angles))
    chords = 2 * density * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    return chords.reshape(len(tilts), n, fine).mean(axis=2).astype(np.float32)


def distance_from(n, y, z):
    """Distance of the pixels of an (n, n) slice from the point (y, z)."""
    c = (n - 1) / 2
    rows, columns = np.mgrid[:n, :n]
    return np.hypot(columns - c - y, c - rows - z)


def astra_run(name, sinogram, tilts, nz, iterations=1, **options):
    """Reconstruct one slice by one of ASTRA's CPU algorithms."""
    ny = sinogram.shape[1]
    detector = astra.create_proj_geom("parallel", 1.0, ny, np.deg2rad(tilts))
    grid = astra.create_vol_geom(nz, ny)
    config = astra.astra_dict(name)
    config["ProjectorId"] = astra.create_projector("linear", detector, grid)
    config["ProjectionDataId"] = astra.data2d.create("-sino", detector, sinogram)
    config["ReconstructionDataId"] = astra.data2d.create("-vol", grid, 0)
    if "FilterType" in options:
        config["FilterType"] = options.pop("FilterType")
    config["option"] = options
    algorithm = astra.algorithm.create(config)
    astra.algorithm.run(algorithm, iterations)
    result = astra.data2d.get(config["ReconstructionDataId"])
    astra.algorithm.delete(algorithm)
    astra.data2d.delete([config["ProjectionDataId"], config["ReconstructionDataId"]])
    astra.projector.delete(config["ProjectorId"])
    return result


class Recorder:
    """A monitor that keeps what it is told, and acts at one iteration."""

    def __init__(self, finish_at=None, cancel_after=None):
        self.calls, self.threads = [], set()
        self.finish_at, self.cancel_after = finish_at, cancel_after
        self.finish_early = False
        self.cancelled_at = None

    def __call__(self, done, total, **values):
        self.calls.append((done, total, values))
        self.threads.add(threading.get_ident())
        if self.finish_at is not None and done >= self.finish_at:
            self.finish_early = True
        if self.cancel_after is not None and len(self.calls) > self.cancel_after:
            self.cancelled_at = time.perf_counter()
            raise Cancelled("stopped")


@pytest.fixture(scope="module")
def noisy():
    """Three sinograms of two discs, with some noise, and a thin projector."""
    rng = np.random.default_rng(5)
    sinograms = np.stack(
        [
            disc_sinogram(TILTS, N, 9, 5, 2) + disc_sinogram(TILTS, N, 4, -6, 3, 1.5 * k)
            for k in range(3)
        ]
    )
    sinograms += rng.normal(0, 0.2, sinograms.shape).astype(np.float32)
    return sinograms


# ------------------------------------------------------------------------------------- weights
@pytest.mark.parametrize(
    "tilts", [np.arange(0, 180, 5.0), np.arange(-90, 90, 3.0), np.arange(-70, 71, 2.0), [10.0]]
)
def test_even_spacing_gives_even_weights(tilts):
    np.testing.assert_allclose(angular_weights(tilts), np.pi / len(tilts), rtol=1e-9)


def test_weights_follow_spacing_in_any_order():
    tilts = np.array([40.0, -40, -30, 0, 20, 10, -20, 30])  # -10 is missing
    weights = angular_weights(tilts)
    assert weights.sum() == pytest.approx(np.pi)
    shares = dict(zip(tilts, weights / weights[0], strict=True))
    for tilt, share in {40: 1, -40: 1, -30: 1, 0: 1.5, -20: 1.5, 20: 1, 10: 1, 30: 1}.items():
        assert shares[tilt] == pytest.approx(share)


def test_weights_do_not_take_a_hole_for_the_wedge():
    tilts = np.delete(np.arange(0, 180, 10.0), 5)  # full range but for 50
    weights = angular_weights(tilts) / np.deg2rad(10)
    np.testing.assert_allclose(weights[[4, 5]], 1.5)
    np.testing.assert_allclose(np.delete(weights, [4, 5]), 1)


def test_repeated_tilts_share_their_weight():
    weights = angular_weights(np.array([-90.0, -45, 0, 0.0001, 45, 90]))
    np.testing.assert_allclose(weights, np.pi * np.array([1, 2, 1, 1, 2, 1]) / 8)
    np.testing.assert_allclose(angular_weights(np.array([7.0, 7.0])), np.pi / 2)


def test_weights_refuse_tilts_that_are_none():
    with pytest.raises(TiltsError, match="finite"):
        angular_weights(np.array([0, np.inf]))


# ----------------------------------------------------------------------------------------- FBP
@pytest.mark.parametrize("name", WINDOWS)
def test_every_filter_returns_the_density(name):
    tilts = np.arange(0, 180, 2.0)
    sinogram = disc_sinogram(tilts, 64, 18, 4, -3, density=2.5)[None]
    found = fbp(make_projector(tilts, 64, 64), sinogram, tilts, sino_filter=name)[0]
    distance = distance_from(64, 4, -3)
    # 1 %: the pixels' interpolation; windows blur, so only the core is flat. The triangle has
    # a kink at zero frequency, so its blur reaches far.
    assert found[distance < 9].mean() == pytest.approx(
        2.5, rel=0.01 + 0.02 * (name == "triangular")
    )
    assert abs(found[distance > 25].mean()) < 0.08
    # The disc is where it should be: its first moment.
    c = np.mgrid[:64, :64] - 31.5
    inside = np.where(distance < 24, found, 0)
    assert (inside * c[1]).sum() / inside.sum() == pytest.approx(4, abs=0.1)
    assert -(inside * c[0]).sum() / inside.sum() == pytest.approx(-3, abs=0.1)


def test_windows_fall_from_one_and_names_ignore_case():
    u = np.linspace(0, 1, 101)
    for name, window in WINDOWS.items():
        values = window(u)
        assert values[0] == pytest.approx(1), name
        assert (np.diff(values) <= 0.004).all(), name  # flat-top ends in a ripple of 0.4 %
    np.testing.assert_array_equal(ramp_response("Hann", 64), ramp_response("hann", 64))
    with pytest.raises(ParameterError, match="sino_filter is one of ram-lak"):
        ramp_response("hanning", 64)


@pytest.mark.parametrize(
    "name", ["ram-lak", "shepp-logan", "cosine", "hamming", "hann", "parzen", "none"]
)
@pytest.mark.parametrize("tilts", [TILTS, np.arange(-70, 71, 5.0)])
def test_fbp_agrees_with_astra(noisy, name, tilts):
    sinogram = noisy[:1, : len(tilts)]
    expected = astra_run("FBP", sinogram[0], tilts, 40, FilterType=name)
    found = fbp(make_projector(tilts, N, 40), sinogram, tilts, sino_filter=name)[0]
    assert np.linalg.norm(found - expected) <= 1e-2 * np.linalg.norm(expected)


def test_fbp_of_uneven_tilts_is_better_with_weights_by_spacing():
    tilts = np.concatenate([np.arange(0, 60, 0.75), np.arange(60, 180, 3.0)])
    sinogram = disc_sinogram(tilts, 64, 6, 15, 8)[None]
    truth = distance_from(64, 15, 8) < 6
    projector = make_projector(tilts, 64, 64)
    found = fbp(projector, sinogram, tilts)[0]
    even = len(tilts) / np.pi * angular_weights(tilts)[None, :, None]
    unweighted = fbp(projector, sinogram / even, tilts)[0]
    assert np.linalg.norm(found - truth) < 0.7 * np.linalg.norm(unweighted - truth)


def test_fbp_fills_gaps_instead_of_reading_them():
    tilts = np.arange(0, 180, 3.0)
    clean = disc_sinogram(tilts, 64, 14, 3, 5)[None]
    projector = make_projector(tilts, 64, 64)
    expected = fbp(projector, clean, tilts)
    hurt, weights = clean.copy(), np.ones_like(clean)
    hurt[0, 5, 30] = np.nan
    hurt[0, 9, :4] = 1e6
    weights[0, 9, :4] = 0
    hurt[0, 20] = np.nan
    weights[0, 21] = 0
    before = hurt.copy()
    found = fbp(projector, hurt, tilts, weights=weights)
    np.testing.assert_array_equal(hurt, before)
    # Two of 60 projections were interpolated over 9 degrees.
    assert np.abs(found - expected).max() < 0.1
    blind = fbp(projector, np.full_like(clean, np.nan), tilts)
    assert (blind == 0).all()


def test_gaps_are_filled_linearly():
    tilts = np.array([20.0, 0.0, 10.0, 30.0])
    row = np.array([1.0, np.nan, np.nan, 4.0, 7.0])
    sinogram = np.stack([row, row * 0 + np.nan, row * 3, row * 0 + np.nan])[None]
    weights = np.ones_like(sinogram)
    weights[0, :, 4] = 0
    filled = fill_gaps(sinogram, weights, tilts)[0]
    line = np.array([1, 2, 3, 4, 4])
    np.testing.assert_allclose(filled, [line, 3 * line, 3 * line, line])
    mid = fill_gaps(np.stack([row, row * 0 + np.nan, row * 3])[None], None, np.array([0, 5, 20.0]))
    np.testing.assert_allclose(mid[0, 1], 1.5 * np.array([1, 2, 3, 4, 7]))


def test_fbp_reports_slices_and_can_be_cancelled(noisy):
    many = np.tile(noisy, (30, 1, 1))
    projector = make_projector(TILTS, N, 30)
    monitor = Recorder()
    one = fbp(projector, many, TILTS, monitor=monitor, ncores=1)
    assert monitor.calls[-1][:2] == (90, 90)
    assert monitor.threads == {threading.get_ident()}
    np.testing.assert_array_equal(one, fbp(projector, many, TILTS, ncores=3))
    threads = threading.active_count()
    # A monitor that raises at once: a fast machine may have done all blocks before a second call.
    with pytest.raises(Cancelled):
        fbp(projector, many, TILTS, monitor=Recorder(cancel_after=0))
    assert threading.active_count() == threads


# ---------------------------------------------------------------------------------------- SIRT
@pytest.mark.parametrize(
    ("constrain", "thresh"), [(False, 0.0), (True, 0.0), (True, 0.1)], ids=["free", "0", "0.1"]
)
@pytest.mark.parametrize("nz", [N, 30])
def test_sirt_equals_astra(noisy, constrain, thresh, nz):
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


def test_sirt_finds_the_density_and_reports_its_residuals(noisy):
    truth = disc_sinogram(TILTS, N, 10, 4, -5, density=3.0)[None]
    projector = make_projector(TILTS, N, N)
    monitor = Recorder()
    found = sirt(projector, truth, iterations=60, constrain=True, monitor=monitor)
    assert found.volume[0][distance_from(N, 4, -5) < 7].mean() == pytest.approx(3, rel=0.01)
    assert len(found.residuals) == 60
    assert (np.diff(found.residuals) < 0).all()
    final = np.linalg.norm(truth - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(final, rel=1e-4)
    told = [call for call in monitor.calls if call[2]]
    assert [call[:2] for call in told] == [(i + 1, 60) for i in range(60)]
    assert [call[2]["residual"] for call in told] == list(found.residuals)
    assert told[-1][2]["volume"].shape == (1, N, N)
    assert {call[:1] for call in monitor.calls if not call[2]} >= {(0,), (30,), (59,)}


@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_masked_pixels_have_no_influence(noisy, value):
    weights = np.ones_like(noisy)
    weights[0, 7] = 0  # a projection of one slice
    weights[1, 20:30, :9] = 0
    weights[2, 3, 24] = 0
    projector = make_projector(TILTS, N, 40)
    hurt = np.where(weights > 0, noisy, value)
    before = hurt.copy(), weights.copy()
    found = sirt(projector, hurt, iterations=8, weights=weights)
    reference = sirt(projector, noisy, iterations=8, weights=weights)
    np.testing.assert_array_equal(found.volume, reference.volume)
    np.testing.assert_array_equal(found.residuals, reference.residuals)
    np.testing.assert_array_equal(hurt, before[0])
    np.testing.assert_array_equal(weights, before[1])
    # A projection of weight 0 is as good as one that was never taken.
    left = np.delete(np.arange(len(TILTS)), 7)
    without = make_projector(TILTS[left], N, 40)
    alone = sirt(without, noisy[:1, left], iterations=8).volume[0]
    np.testing.assert_allclose(found.volume[0], alone, atol=1e-5)


def test_nan_without_weights_is_masked(noisy):
    weights = np.ones_like(noisy)
    weights[1, 4, 10:13] = 0
    hurt = np.where(weights > 0, noisy, np.nan)
    projector = make_projector(TILTS, N, 20)
    found = sirt(projector, hurt, iterations=3)
    expected = sirt(projector, noisy, iterations=3, weights=weights)
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


def test_threads_do_not_change_the_result(noisy):
    rng = np.random.default_rng(7)
    many = np.tile(noisy, (LANES, 1, 1))[: 2 * LANES + 9]
    weights = (rng.random(many.shape) > 0.05).astype(np.float32)
    projector = make_projector(TILTS, N, 24)
    for w in (None, weights):
        one = sirt(projector, many, iterations=4, weights=w, ncores=1)
        three = sirt(projector, many, iterations=4, weights=w, ncores=3)
        np.testing.assert_array_equal(one.volume, three.volume)
        np.testing.assert_array_equal(one.residuals, three.residuals)
    single = sirt(projector, many[5:6], iterations=4, weights=weights[5:6])
    np.testing.assert_array_equal(single.volume[0], three.volume[5])


def test_finish_keeps_the_current_iterate(noisy):
    projector = make_projector(TILTS, N, 24)
    monitor = Recorder(finish_at=3)
    found = sirt(projector, noisy, iterations=50, monitor=monitor)
    again = sirt(projector, noisy, iterations=3)
    assert found.iterations == 3 == len(found.residuals)
    np.testing.assert_array_equal(found.volume, again.volume)
    assert monitor.threads == {threading.get_ident()}


def test_cancel_acts_within_half_a_second_and_leaves_no_thread():
    n = 256
    tilts = np.linspace(-76, 76, 77)
    sinograms = np.ones((2 * LANES, len(tilts), n), np.float32)
    projector = make_projector(tilts, n, n)
    projector.prepare()
    threads = threading.active_count()
    monitor = Recorder(cancel_after=4)
    with pytest.raises(Cancelled):
        sirt(projector, sinograms, iterations=100, monitor=monitor)
    # Four products may be under way; 1.5 s leaves room for a machine busy with other work.
    assert time.perf_counter() - monitor.cancelled_at < 1.5
    assert threading.active_count() == threads


def test_errors_of_the_work_reach_the_caller(noisy, monkeypatch):
    projector = make_projector(TILTS, N, 24)

    def fail(block):
        raise MemoryError("no room")

    monkeypatch.setattr(projector, "back", fail)
    with pytest.raises(MemoryError, match="no room"):
        sirt(projector, noisy, iterations=2)


def test_bad_input_gives_sentences(noisy):
    projector = make_projector(TILTS, N, 24)
    with pytest.raises(ParameterError, match="iterations must be at least 1, got 0"):
        sirt(projector, noisy, iterations=0)
    with pytest.raises(ParameterError, match=r"sinograms have the shape \(slices, 60, 48\)"):
        sirt(projector, noisy[:, 1:], iterations=1)
    with pytest.raises(ParameterError, match="weights need the shape of the sinograms"):
        sirt(projector, noisy, iterations=1, weights=np.ones((60, 48)))
    with pytest.raises(ParameterError, match="ncores must be at least 1, got 0"):
        fbp(projector, noisy, TILTS, ncores=0)
    with pytest.raises(ParameterError, match="not those of the projector"):
        fbp(projector, noisy, TILTS + 1)
    assert FBP_FILTERS[-1] == "none"
