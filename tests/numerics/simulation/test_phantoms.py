"""Phantoms against formulas that were worked out another way."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import Frame, resample
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom, catalyst

TILTS = np.linspace(-72, 72, 73)


@pytest.fixture(scope="module")
def specimen():
    return catalyst(seed=3)


def blob(middle, radius=0.03):
    return Phantom((Ellipsoid.from_axes(middle, (radius,) * 3, 1.0),))


def position(image):
    """Return the centre of mass (y, x), relative to the centre of the image."""
    return np.array(ndimage.center_of_mass(image)) - (np.array(image.shape) - 1) / 2


def test_mass_is_conserved_over_all_tilts(specimen):
    mass = specimen.project(TILTS, 96, 96).sum(axis=(1, 2), dtype=float)
    assert np.allclose(mass, specimen.mass * 96**3, rtol=1e-3)


def test_mass_of_a_ball_is_its_volume():
    assert blob((0, 0, 0), 0.25).mass == pytest.approx(4 / 3 * np.pi * 0.25**3)


def test_chord_through_a_ball_is_its_diameter():
    image = Phantom((Ellipsoid.from_axes((0, 0, 0), (0.4,) * 3, 2.5),)).project([37.0], 101, 101)[0]
    # The pixel's mean lies below the chord at its middle by less than (1 px)^2 / radius.
    assert image[50, 50] == pytest.approx(2.5 * 2 * 0.4 * 101, rel=1e-3)
    # At 0.75 of the radius off the axis.
    assert image[50, 50 + 30] == pytest.approx(
        2.5 * 2 * np.sqrt((0.4 * 101) ** 2 - 30**2), rel=1e-3
    )
    assert image[50, 5] == 0


def test_volume_agrees_with_projections_at_0_and_90_degrees(specimen):
    volume = specimen.volume(64, 64, 64)
    flat, upright = specimen.project([0, 90], 64, 64)
    assert volume.shape == (64, 64, 64)
    assert np.allclose(volume.sum(axis=1).T, flat, atol=1e-3)
    # At 90 degrees row = z, and z falls along the volume's second axis. The two are sampled
    # along different directions: alike to 2 % of the peak, and on average to 0.1 %.
    difference = volume.sum(axis=2)[:, ::-1].T - upright
    assert np.abs(difference).max() < 0.02 * upright.max()
    assert np.sqrt(np.mean(difference**2)) < 1e-3 * upright.max()


def test_volume_agrees_with_a_tilted_projection(specimen):
    n = 64
    volume = specimen.volume(n, n, n)
    tilt = np.deg2rad(30)
    rows, depth = np.mgrid[:n, :n] - (n - 1) / 2
    y = rows * np.cos(tilt) - depth * np.sin(tilt)
    z = rows * np.sin(tilt) + depth * np.cos(tilt)
    where = np.array([(n - 1) / 2 - z, (n - 1) / 2 + y])
    summed = np.stack([ndimage.map_coordinates(s, where, order=1).sum(axis=1) for s in volume], 1)
    exact = specimen.project([30], n, n)[0]
    # Linear interpolation blurs by about a pixel, hence the smoothing of both.
    difference = ndimage.gaussian_filter(summed - exact, 2)
    assert np.abs(difference).max() < 0.01 * exact.max()


def test_volume_that_is_not_a_cube_shows_the_same_specimen(specimen):
    volume = specimen.volume(80, 40, 60)
    whole = specimen.volume(60, 60, 60)
    assert np.allclose(volume[10:70], whole[:, 10:50], atol=1e-5)


def test_point_appears_where_the_convention_says():
    image = blob((0.2, 0.1, -0.15)).project([0, 90, 40], 96, 128)
    t = np.deg2rad([0, 90, 40])
    rows = 96 * (0.1 * np.cos(t) - 0.15 * np.sin(t))
    for k in range(3):
        assert position(image[k]) == pytest.approx([rows[k], 0.2 * 96], abs=0.01)


def test_shifts_are_what_has_to_be_applied():
    phantom = blob((0.1, 0.0, 0.05))
    ideal, moved = (
        phantom.project([20], 64, 64, shifts=s)[0] for s in (None, np.array([[2.25, -3.5]]))
    )
    assert position(moved) - position(ideal) == pytest.approx([-2.25, 3.5], abs=0.01)


def test_axis_shift_moves_across_the_axis_only():
    phantom = blob((0.1, 0.0, 0.05))
    ideal = phantom.project([20], 64, 64)[0]
    moved = phantom.project([20], 64, 64, shift=4.5)[0]
    assert position(moved) - position(ideal) == pytest.approx([-4.5, 0], abs=0.01)


@pytest.mark.parametrize("shape", [(96, 96), (80, 112)])
def test_truth_applied_to_the_images_makes_them_ideal(shape):
    phantom = catalyst(seed=5)
    tilts = np.array([-60.0, 0.0, 25.0])
    shifts = np.array([[3.0, -2.5], [-1.25, 4.0], [0.5, 0.75]])
    raw = phantom.project(tilts, *shape, shifts=shifts, angle=-4.0, shift=2.5)
    frame = Frame.identity(3, shape).registered(shifts).tilted(-4.0, 2.5)
    back = resample(raw, frame.transforms, shape)
    ideal = phantom.project(tilts, *shape)
    inner = (slice(None), slice(14, -14), slice(14, -14))
    # What remains is the interpolation at the edges of the particles.
    error = np.sqrt(np.mean((back - ideal)[inner] ** 2))
    assert error < 0.012 * ideal.max()
    for wrong in ((4.0, 2.5), (-4.0, -2.5)):
        frame = Frame.identity(3, shape).registered(shifts).tilted(*wrong)
        other = resample(raw, frame.transforms, shape)
        assert np.sqrt(np.mean((other - ideal)[inner] ** 2)) > 4 * error


def test_moving_a_phantom_by_whole_pixels_moves_its_pixels():
    phantom = catalyst(seed=1)
    still, moved = (
        phantom.project([10], 64, 64, shifts=s)[0] for s in (None, np.array([[-5.0, 3.0]]))
    )
    assert np.allclose(moved[5:, :-3], still[:-5, 3:], atol=1e-4)


def test_catalyst_is_compact_dense_in_places_and_without_symmetry(specimen):
    reach = [
        np.linalg.norm(b.middle) + np.sqrt(np.linalg.eigvalsh(b.spread)[-1])
        for b in specimen.bodies
    ]
    assert max(reach) < 0.4
    volume = specimen.volume(64, 64, 64)
    assert volume.min() >= -1e-6
    assert volume.max() > 4
    # Neither a half turn nor a mirror leaves it alone.
    for flipped in (volume[::-1], volume[:, ::-1], volume[..., ::-1], volume[::-1, ::-1, ::-1]):
        assert np.corrcoef(flipped.ravel(), volume.ravel())[0, 1] < 0.95


def test_catalyst_repeats_with_its_seed_only():
    first, again, other = (catalyst(seed=s).volume(24, 24, 24) for s in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_catalyst_that_cannot_be_filled_says_so():
    with pytest.raises(ParameterError, match="do not fit"):
        catalyst(pores=4000)


def test_bodies_outside_the_field_are_cut_off():
    assert not blob((0.9, 0.0, 0.0)).project([0], 32, 32).any()
    assert not blob((0.9, 0.0, 0.0)).volume(32, 32, 32).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ny": 0, "nx": 8}, "ny must be at least 1 px, got 0"),
        ({"ny": 8, "nx": 8, "shifts": np.zeros((2, 2))}, "shifts must be finite numbers"),
        ({"ny": 8, "nx": 8, "shifts": np.array([[np.nan, 0]])}, "shifts must be finite numbers"),
    ],
)
def test_bad_arguments_give_a_sentence(arguments, sentence):
    with pytest.raises(ParameterError, match=sentence):
        blob((0, 0, 0)).project([0], **arguments)
