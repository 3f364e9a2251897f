"""Back-projection, filtered or not: known densities, ASTRA's answers, and Stop."""

import threading

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError, TiltsError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.fbp_filters import WINDOWS, ramp_response
from tomojupyter.numerics.reconstruction.reconstruct import FBP_FILTERS, bp, fbp, project
from tomojupyter.numerics.reconstruction.sinograms import angular_weights, fill_gaps

N = 48
TILTS = np.arange(-90, 90, 3.0)


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
def test_every_filter_returns_the_density(name, disc_sinogram, from_point):
    tilts = np.arange(0, 180, 2.0)
    sinogram = disc_sinogram(tilts, 64, 18, 4, -3, density=2.5)[None]
    found = fbp(make_projector(tilts, 64, 64), sinogram, tilts, sino_filter=name)[0]
    distance = from_point(64, 4, -3)
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
def test_fbp_agrees_with_astra(noisy, name, tilts, astra_run):
    sinogram = noisy[:1, : len(tilts)]
    expected = astra_run("FBP", sinogram[0], tilts, 40, FilterType=name)
    found = fbp(make_projector(tilts, N, 40), sinogram, tilts, sino_filter=name)[0]
    assert np.linalg.norm(found - expected) <= 1e-2 * np.linalg.norm(expected)


def test_fbp_of_uneven_tilts_is_better_with_weights_by_spacing(disc_sinogram, from_point):
    tilts = np.concatenate([np.arange(0, 60, 0.75), np.arange(60, 180, 3.0)])
    sinogram = disc_sinogram(tilts, 64, 6, 15, 8)[None]
    truth = from_point(64, 15, 8) < 6
    projector = make_projector(tilts, 64, 64)
    found = fbp(projector, sinogram, tilts)[0]
    even = len(tilts) / np.pi * angular_weights(tilts)[None, :, None]
    unweighted = fbp(projector, sinogram / even, tilts)[0]
    assert np.linalg.norm(found - truth) < 0.7 * np.linalg.norm(unweighted - truth)


def test_fbp_fills_gaps_instead_of_reading_them(disc_sinogram):
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


def test_fbp_reports_slices_and_can_be_cancelled(noisy, recorder):
    many = np.tile(noisy, (30, 1, 1))
    projector = make_projector(TILTS, N, 30)
    monitor = recorder()
    one = fbp(projector, many, TILTS, monitor=monitor, ncores=1)
    assert monitor.calls[-1][:2] == (90, 90)
    assert monitor.threads == {threading.get_ident()}
    np.testing.assert_array_equal(one, fbp(projector, many, TILTS, ncores=3))
    threads = threading.active_count()
    # A monitor that raises at once: a fast machine may have done all blocks before a second call.
    with pytest.raises(Cancelled):
        fbp(projector, many, TILTS, monitor=recorder(cancel_after=0))
    assert threading.active_count() == threads


def test_bad_input_gives_sentences(noisy):
    projector = make_projector(TILTS, N, 24)
    with pytest.raises(ParameterError, match="ncores must be at least 1, got 0"):
        fbp(projector, noisy, TILTS, ncores=0)
    with pytest.raises(ParameterError, match="not those of the projector"):
        fbp(projector, noisy, TILTS + 1)
    assert FBP_FILTERS[-1] == "none"


# ------------------------------------------------------------------------ without a filter
@pytest.mark.parametrize("nz", [N, 30])
def test_back_projection_equals_astra(noisy, nz, astra_run):
    volume = bp(make_projector(TILTS, N, nz), noisy, TILTS)
    for one, sinogram in zip(volume, noisy, strict=True):
        expected = astra_run("BP", sinogram, TILTS, nz)
        # ASTRA adds up the places along a ray in float32, which is good to 2e-6 here.
        assert np.linalg.norm(one - expected) <= 1e-5 * np.linalg.norm(expected)


def test_back_projection_does_not_count_a_repeated_tilt_twice(noisy):
    index = np.r_[: len(TILTS), 10]
    twice = bp(make_projector(TILTS[index], N, 30), noisy[:, index], TILTS[index])
    once = bp(make_projector(TILTS, N, 30), noisy, TILTS)
    np.testing.assert_allclose(twice / 61, once / 60, atol=1e-4 * once.max())


def test_projecting_a_volume_makes_a_tilt_series(noisy):
    projector = make_projector(TILTS, N, 30)
    volume = np.random.default_rng(2).random((70, 30, N))
    images = project(projector, volume, ncores=2)
    assert images.shape == (len(TILTS), N, 70)
    np.testing.assert_array_equal(images.transpose(2, 0, 1), projector.forward(volume))
