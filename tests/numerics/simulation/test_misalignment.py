"""Moves of known statistics; misalignment that its own truth undoes."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import Frame
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.misalignment import misaligned, random_moves
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom

TILTS = np.array([-60.0, -25.0, 0.0, 35.0, 70.0])
SHIFTS = np.array([[2.5, -1.5], [-1.0, 3.0], [0.25, 0.5], [4.0, -2.0], [-3.5, 1.75]])
MARKS = np.array([[-0.3, 0.1, 0.05], [0.0, -0.2, 0.1], [0.28, 0.05, -0.2]])
SHAPE = (96, 112)


def marks(voxels):
    """Return where three balls are in the images of a misaligned series, (n, 3, 2) in x, y."""
    places = []
    for mark in MARKS:
        ball = Phantom((Ellipsoid.from_axes(mark, (0.04,) * 3, 1.0),))
        images, truth = tilt_series(
            ball, TILTS, *SHAPE, shifts=SHIFTS, angle=3.5, shift=-4.25, voxels=voxels
        )
        places.append([ndimage.center_of_mass(image)[::-1] for image in images])
    return np.swapaxes(places, 0, 1), truth


@pytest.mark.parametrize("voxels", [False, True])
def test_the_truth_brings_fiducials_to_the_ideal_geometry(voxels):
    found, truth = marks(voxels)
    frame = Frame.identity(5, SHAPE).registered(truth.shifts).tilted(truth.angle, truth.shift)
    points = np.concatenate([found, np.ones((5, 3, 1))], axis=2)
    aligned = np.einsum("nij,nkj->nki", frame.transforms, points)[..., :2]
    t = np.deg2rad(truth.tilts_deg)[:, None]
    unit = min(SHAPE)
    x = (SHAPE[1] - 1) / 2 + unit * MARKS[:, 0] + 0 * t
    y = (SHAPE[0] - 1) / 2 + unit * (MARKS[:, 1] * np.cos(t) + MARKS[:, 2] * np.sin(t))
    # Exact projections: the sampling; voxels: their size and one interpolation.
    assert np.allclose(aligned, np.stack([x, y], -1), atol=0.05 if voxels else 0.005)
    # Without the truth they are pixels off.
    assert np.abs(found - np.stack([x, y], -1)).max() > 4


def test_the_axis_shift_moves_images_across_the_axis():
    images = np.zeros((1, 20, 24), np.float32)
    images[0, 8, 15] = 1
    # Corrected by moving up 3 rows, so the content lies 3 rows further down.
    assert misaligned(images, shift=-3)[0, 11, 15] == 1
    assert misaligned(images, np.array([[-3.0, 2.0]]))[0, 11, 13] == 1


def test_jitter_has_its_width_and_no_outliers():
    moves = random_moves(4000, jitter=1.5, seed=3)
    # Cut at 2.5, the standard deviation of a normal number is 0.99.
    assert moves.std(0) == pytest.approx(1.5 * 0.99, rel=0.05)
    assert moves.mean(0) == pytest.approx([0, 0], abs=5 * 1.5 / np.sqrt(4000))
    assert np.abs(moves).max() <= 2.5 * 1.5
    assert np.corrcoef(moves.T)[0, 1] == pytest.approx(0, abs=0.1)


def test_drift_is_slow_and_has_its_range():
    path = random_moves(71, drift=14, seed=3)
    assert np.ptp(path, axis=0) == pytest.approx([14, 14])
    assert path.mean(0) == pytest.approx([0, 0], abs=1e-9)
    # At most 2 waves: no step is more than a few percent of the range.
    assert np.abs(np.diff(path, axis=0)).max() < 0.12 * 14


def test_moves_repeat_with_their_seed_and_add_up():
    both = random_moves(9, jitter=1, drift=5, seed=2)
    assert np.array_equal(both, random_moves(9, jitter=1, drift=5, seed=2))
    assert not np.allclose(both, random_moves(9, jitter=1, drift=5, seed=1))
    assert np.allclose(both, random_moves(9, jitter=1, seed=2) + random_moves(9, drift=5, seed=2))
    assert not random_moves(9).any()
    assert random_moves(1, drift=5).shape == (1, 2)
    assert not random_moves(1, drift=5).any()


@pytest.mark.parametrize("keywords", [{"jitter": -1}, {"drift": np.nan}])
def test_lengths_out_of_range_are_sentences(keywords):
    with pytest.raises(ParameterError, match=r"must be 0 px or more, got"):
        random_moves(3, **keywords)
