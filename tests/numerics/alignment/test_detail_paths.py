"""Details followed from tilt to tilt tell the angle and the row of the axis, of films too."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.numerics.alignment import joint_axis as numerics
from tomojupyter.numerics.alignment.axis_refinement import refined_angle
from tomojupyter.numerics.alignment.detail_paths import path_angle, path_offset
from tomojupyter.numerics.alignment.joint import Joint
from tomojupyter.numerics.alignment.joint_score import Score
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom, catalyst

TILTS = np.arange(-60, 61, 4.0)


def film(angle=0.0, shift=0.0, seed=3, shape=(96, 96)):
    """Return images of particles on a film that goes on beyond them; `angle`, `shift` mend them."""
    rng = np.random.default_rng(seed)
    particles = tuple(
        Ellipsoid.from_axes(
            (rng.uniform(-0.5, 0.5), rng.uniform(-1.1, 1.1), rng.choice([-0.04, 0.04])),
            rng.uniform(0.015, 0.035, 3),
            2,
        )
        for _ in range(60)
    )
    images = tilt_series(
        Phantom(particles), TILTS, *shape, angle=angle, shift=shift, counts=400, seed=seed
    )[0]
    thickness = 0.4 * np.median(images.max(axis=(1, 2)))
    return (images + thickness / np.cos(np.deg2rad(TILTS))[:, None, None]).astype(np.float32)


@pytest.fixture(scope="module")
def leaning():
    return film(angle=1.5, shift=3.0)


@pytest.mark.parametrize("angle", [0.0, 2.0, -1.2])
def test_paths_are_square_to_the_axis(angle):
    found = path_angle(film(angle), TILTS)
    left = np.rad2deg(found.value) + angle
    assert abs(left) < min(0.25, 4 * np.rad2deg(found.sigma) + 0.02)
    assert 0 < found.sigma < np.deg2rad(0.2)
    assert 0 < found.residual < 0.2


@pytest.mark.parametrize("shift", [0.0, 3.4, -5.0])
def test_details_turn_about_the_row_of_the_axis(shift):
    found = path_offset(film(shift=shift), TILTS)
    assert abs(found.value + shift) < min(0.3, 4 * found.sigma + 0.02)
    assert 0 < found.sigma < 0.3


def test_what_registration_left_along_the_axis_does_not_turn_it(leaning):
    plain = np.rad2deg(path_angle(leaning, TILTS).value)
    moves = np.random.default_rng(1).uniform(-1, 1, len(TILTS))
    moved = [
        ndimage.shift(i, (0, d), order=3, mode="nearest")
        for i, d in zip(leaning, moves, strict=True)
    ]
    assert np.rad2deg(path_angle(np.array(moved), TILTS).value) == pytest.approx(plain, abs=0.1)


def test_spoilt_and_partly_unknown_images_are_stepped_over(leaning):
    plain = np.rad2deg(path_angle(leaning, TILTS).value)
    spoilt = leaning.copy()
    spoilt[9] = np.random.default_rng(0).normal(size=leaning.shape[1:])
    spoilt[10] = ndimage.gaussian_filter(spoilt[10], 4)
    spoilt[20] = np.nan
    spoilt[:, :7] = np.nan
    assert np.rad2deg(path_angle(spoilt, TILTS).value) == pytest.approx(plain, abs=0.15)


def test_without_details_nothing_is_told():
    for images in (
        np.ones((len(TILTS), 64, 64), np.float32),
        np.full((len(TILTS), 64, 64), np.nan, np.float32),
        film(shape=(24, 24)),
        np.random.default_rng(0).normal(size=(len(TILTS), 64, 64)).astype(np.float32),
    ):
        assert path_angle(images, TILTS).sigma == np.inf
        assert path_offset(images, TILTS).sigma == np.inf


def test_a_rough_angle_is_refined_by_mass_or_by_paths(leaning):
    by_paths = refined_angle(leaning, TILTS, True, 0.0)
    assert by_paths.rule == "paths"
    assert by_paths.angle_deg == pytest.approx(1.5, abs=0.25)
    compact = tilt_series(catalyst(1), TILTS, 64, 64, angle=1.5, counts=400)[0]
    by_mass = refined_angle(compact.astype(np.float32), TILTS, False, 3.0)
    assert by_mass.rule == "mass"
    assert by_mass.angle_deg == pytest.approx(1.5, abs=0.2)
    assert 0 < by_mass.sigma_deg < 0.3
    nothing = np.random.default_rng(0).normal(size=(len(TILTS), 64, 64)).astype(np.float32)
    assert refined_angle(nothing, TILTS, False, 0.0) is None


def slab_that_hides_its_row(sigma):
    """Return a joint alignment that turns by 1.5 degrees and knows the row to `sigma` px."""
    n = len(TILTS)
    none, zero = np.zeros(n), np.zeros((n, 2))
    score = Score(
        1.0, (0.5, 2.0), zero, zero, none, 0.9, (np.nan, np.nan), (0.0, 2 * sigma), (), 0.1
    )
    blank = np.zeros(n, bool)
    return Joint(np.tile([2.0, 0.0], (n, 1)), 1.5, "slab", 20.0, 0.0, {}, blank, none, score)


@pytest.mark.parametrize("fine", [192, 48])
def test_the_row_of_a_slab_is_that_of_its_details(leaning, monkeypatch, fine):
    monkeypatch.setattr(numerics, "FINE", fine)
    monkeypatch.setattr(numerics, "joint", lambda *_, **__: slab_that_hides_its_row(2.0))
    found = numerics.joint_axis(leaning, TILTS)
    assert found.rule == "paths"
    assert found.shift_px == pytest.approx(3.0, abs=0.4)
    assert 0 < found.shift_sigma_px < 0.5
    assert found.angle_sigma_deg is None


def test_a_row_that_the_volume_knows_better_is_kept(leaning, monkeypatch):
    monkeypatch.setattr(numerics, "joint", lambda *_, **__: slab_that_hides_its_row(0.001))
    found = numerics.joint_axis(leaning, TILTS)
    assert found.rule == "volume"
    assert found.shift_px == pytest.approx(2.0 * np.cos(np.deg2rad(1.5)))
