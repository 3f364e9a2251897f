"""The tilt axis from centres of mass: known axes come back, absurd ones are refused."""

import numpy as np
import pytest

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.numerics.alignment import moments
from tomojupyter.numerics.alignment.tiltaxis import AxisFit, centre_of_mass_axis
from tomojupyter.numerics.geometry import resample, rotation, translation

TILTS = np.arange(-70, 71, 4.0)
SHAPE = (64, 56)


def series(angle=0.0, offset=0.0, tilts=TILTS, shape=SHAPE, seed=0, count=30, spread=8.0):
    """Return exact projections of Gaussian blobs; the axis is turned by `angle`, then moved.

    A projection of a Gaussian is a Gaussian, so nothing is interpolated.
    """
    rng = np.random.default_rng(seed)
    ny, nx = shape
    x = rng.uniform(-0.38, 0.38, count) * nx
    y, z = rng.normal(0, spread / 2, (2, count))
    brightness = rng.uniform(1, 4, count)
    a, t = np.deg2rad(angle), np.deg2rad(tilts)[:, None]
    across = y * np.cos(t) + z * np.sin(t)
    px = (nx - 1) / 2 + x * np.cos(a) - across * np.sin(a)
    py = (ny - 1) / 2 + x * np.sin(a) + across * np.cos(a) + offset
    rows, columns = np.arange(ny), np.arange(nx)
    wide = 2 * 2.5**2
    down = np.exp(-((rows - py[..., None]) ** 2) / wide)
    along = np.exp(-((columns - px[..., None]) ** 2) / wide)
    return np.einsum("b,iby,ibx->iyx", brightness, down, along).astype(np.float32)


def check(fit: AxisFit, angle, offset, degrees=0.05, pixels=0.05):
    """`angle` and `offset` of the axis are undone by the fit: turn back, then move back."""
    back = np.deg2rad(fit.angle_deg)
    # The axis passes through (0, offset); turning about the centre moves that point, and at
    # the middle column the axis then crosses at offset / cos(rest), rest being zero.
    assert fit.angle_deg == pytest.approx(-angle, abs=degrees)
    assert fit.shift_px == pytest.approx(-offset * np.cos(back), abs=pixels)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("angle", "offset"), [(0, 0), (0.5, 1.5), (-4.3, -3.0), (11, 2)])
def test_axis_is_found(angle, offset, seed):
    # 0.05 deg and px are the project's limits for a series that is aligned already.
    fit = centre_of_mass_axis(series(angle, offset, seed=seed), TILTS, vacuum=0)
    check(fit, angle, offset)
    assert 0 <= fit.angle_sigma_deg < 0.2
    assert fit.shift_sigma_px < 0.2


def test_applying_the_fit_aligns_the_images():
    images = series(5.0, 3.0)
    fit = centre_of_mass_axis(images, TILTS, vacuum=0)
    motion = translation(0, fit.shift_px) @ rotation(fit.angle_deg, SHAPE)
    moved = resample(images, np.tile(motion, (len(images), 1, 1)), SHAPE)
    again = centre_of_mass_axis(moved, TILTS, vacuum=0)
    assert abs(again.angle_deg) < 0.05
    assert abs(again.shift_px) < 0.05
    # They are the projections of the aligned specimen, but for the spline, and for the way that
    # the specimen went along x because the images turned about their centre, not about the axis.
    along = translation(3 * np.sin(np.deg2rad(5)), 0)
    expected = resample(series(), np.tile(along, (len(images), 1, 1)), SHAPE)
    # 0.05 px on the steepest flank of a blob of 2.5 px is 1.2 %, and 0.05 deg at its end as much.
    assert np.abs(moved - expected).max() < 0.025 * moved.max()


@pytest.mark.parametrize("order", ["reversed", "mixed", "uneven"])
def test_order_and_spacing_of_tilts_do_not_matter(order):
    tilts = {
        "reversed": TILTS[::-1],
        "mixed": np.random.default_rng(0).permutation(TILTS),
        "uneven": np.concatenate([TILTS[:18:2], TILTS[18:], TILTS[-1:]]),
    }[order]
    check(centre_of_mass_axis(series(2, -2, tilts), tilts, vacuum=0), 2, -2)


def test_noise_is_within_the_standard_error():
    rng = np.random.default_rng(1)
    clean = series(3.0, 2.0)
    pulls = []
    for _ in range(6):
        noisy = clean + rng.normal(0, 0.01 * clean.max(), clean.shape)
        fit = centre_of_mass_axis(noisy, TILTS, vacuum=0)
        check(fit, 3, 2, degrees=0.3, pixels=0.15)
        pulls.append((fit.angle_deg + 3) / fit.angle_sigma_deg)
    assert 0.1 < np.sqrt(np.mean(np.square(pulls))) < 3  # 1 but for six draws and a jackknife


def test_vacuum_is_estimated_and_integers_are_welcome():
    images = np.round(500 * series(2.0, 1.0) - 20000).astype(np.int16)
    before = images.copy()
    check(centre_of_mass_axis(images, TILTS), 2, 1, degrees=0.1, pixels=0.1)
    np.testing.assert_array_equal(images, before)


def test_common_shifts_of_projections_leave_the_angle():
    """Registration moves whole projections; what it did wrong must not turn the axis."""
    rng = np.random.default_rng(2)
    images = series(2.0, 0.0)
    moves = [translation(*rng.normal(0, 0.4, 2)) for _ in images]
    fit = centre_of_mass_axis(resample(images, np.array(moves), SHAPE), TILTS, vacuum=0)
    assert fit.angle_deg == pytest.approx(-2, abs=0.1)
    assert abs(fit.shift_px) < 4 * fit.shift_sigma_px
    assert fit.shift_sigma_px > 0.1


def test_bad_projections_and_pixels_have_no_say():
    images = series(3.0, -2.0)
    weights = np.ones_like(images)
    weights[4] = 0  # blank, and so marked
    images[4] = 0
    images[9, 30:33, 20] = np.nan  # dead pixels in the specimen
    images[15] *= 0.4  # dim
    images[22] = np.roll(images[22], 6, axis=0)  # not registered, and nobody knows
    weights[:, :2] = 0  # not covered
    images[:, :2] = 1e6
    fit = centre_of_mass_axis(images, TILTS, vacuum=0, weights=weights)
    check(fit, 3, -2, degrees=0.15, pixels=0.1)


def test_choice_of_columns():
    images = series(2.0, 1.0)
    check(centre_of_mass_axis(images, TILTS, vacuum=0, nslices=12), 2, 1, 0.3, 0.1)
    check(centre_of_mass_axis(images, TILTS, vacuum=0, nslices=500), 2, 1)
    some = centre_of_mass_axis(images, TILTS, vacuum=0, slices=range(10, 45))
    check(some, 2, 1, 0.15, 0.1)
    assert some != centre_of_mass_axis(images, TILTS, vacuum=0)


def test_axis_of_images_that_are_not_square():
    fit = centre_of_mass_axis(series(-3, 2.5, shape=(48, 90)), TILTS, vacuum=0)
    check(fit, -3, 2.5)


def test_large_images_are_binned_and_the_answer_is_in_their_pixels():
    shape = (97, 92)  # by 3: a row and two columns are cut off
    images = series(4.0, -3.0, shape=shape, spread=12.0)
    images[3, 40:43, 40:44] = np.nan
    fit = centre_of_mass_axis(images, TILTS, vacuum=0, fine=30)
    check(fit, 4, -3, degrees=0.1, pixels=0.1)
    part = centre_of_mass_axis(images, TILTS, vacuum=0, slices=range(20, 80), fine=30)
    check(part, 4, -3, degrees=0.2, pixels=0.15)


# ------------------------------------------------------------------------------------ refusals
def test_matter_that_crosses_the_edge_is_refused():
    film = series() + 2.0 / np.cos(np.deg2rad(TILTS))[:, None, None]
    with pytest.raises(AlignmentRefused, match="crosses the upper or lower edge"):
        centre_of_mass_axis(film, TILTS, vacuum=0)


def test_nothing_but_noise_is_refused():
    noise = np.random.default_rng(3).normal(0, 1, (len(TILTS), *SHAPE))
    with pytest.raises(AlignmentRefused, match="use the manual alignment"):
        centre_of_mass_axis(noise, TILTS, vacuum=0)
    with pytest.raises(AlignmentRefused, match="only 0 columns have enough mass"):
        centre_of_mass_axis(np.zeros_like(noise), TILTS, vacuum=0)


def test_a_sphere_alone_does_not_tell_the_angle():
    """Its columns look the same about any axis through its centre."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    ball = 2 * np.sqrt(np.clip(15**2 - rows**2 - columns**2, 0, None))
    for seed in range(5):
        images = ball + np.random.default_rng(seed).normal(0, 2.0, (len(TILTS), 64, 64))
        with pytest.raises(AlignmentRefused, match=r"is known to|did not settle|ran to"):
            centre_of_mass_axis(images, TILTS, vacuum=0)


def test_a_large_angle_is_refused():
    with pytest.raises(AlignmentRefused, match="the fit ran to"):
        centre_of_mass_axis(series(27.0), TILTS, vacuum=0)


def test_no_convergence_is_refused(monkeypatch):
    monkeypatch.setattr("tomojupyter.numerics.alignment.tiltaxis.ROUNDS", 1)
    with pytest.raises(AlignmentRefused, match="did not settle"):
        centre_of_mass_axis(series(5.0), TILTS, vacuum=0)


def test_unregistered_images_are_refused_or_known_badly():
    rng = np.random.default_rng(5)
    moves = np.array([translation(0, d) for d in rng.normal(0, 6, len(TILTS))])
    images = resample(series(spread=3.0), moves, SHAPE)
    with pytest.raises(AlignmentRefused, match="register them better"):
        centre_of_mass_axis(images, TILTS, vacuum=0)


def test_too_few_tilts_are_refused():
    with pytest.raises(AlignmentRefused, match=r"tilts span 30.0°, and below 40°"):
        centre_of_mass_axis(series()[:16], np.linspace(-15, 15, 16), vacuum=0)
    with pytest.raises(AlignmentRefused, match="only 5 projections can be used"):
        centre_of_mass_axis(series()[:5], TILTS[:5], vacuum=0)


def test_bad_parameters_give_sentences():
    images = series()
    with pytest.raises(ParameterError, match="one tilt each"):
        centre_of_mass_axis(images, TILTS[1:])
    with pytest.raises(ParameterError, match="slices are columns from 0 to 55"):
        centre_of_mass_axis(images, TILTS, slices=[3, 56])
    with pytest.raises(ParameterError, match="nslices must be at least 3, got 2"):
        centre_of_mass_axis(images, TILTS, vacuum=0, nslices=2)


# ------------------------------------------------------------------------------------- moments
def test_moments_are_those_of_the_image():
    image = np.zeros((1, 21, 9))
    image[0, 8:12, 2:7] = 2.0
    found = moments.measure(image, np.zeros(1), np.ones(9, bool))
    np.testing.assert_allclose(found.mass[0, 2:7], 8)
    np.testing.assert_allclose(found.first[0, 2:7], 2 * (-2 - 1 + 0 + 1))
    np.testing.assert_allclose(found.second[0, 2:7], 2 * (4 + 1 + 0 + 1))
    np.testing.assert_array_equal(found.massive, [0, 0, 1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(found.x, np.arange(9) - 4.0)


def test_a_regressor_without_effect_is_not_trusted():
    flat = moments.measure(np.zeros((9, 20, 12)), np.zeros(9), np.ones(12, bool))
    assert moments.angle_step(flat, np.linspace(-1, 1, 9)).sigma == np.inf
