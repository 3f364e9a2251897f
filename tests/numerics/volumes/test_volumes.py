"""Rotations of volumes against quarter turns, arithmetic and moments."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.volumes.volumes import rotate, rotation_matrix


@pytest.fixture(scope="module")
def block():
    values = np.zeros((13, 15, 15), np.float32)
    values[2:7, 3:9, 5:12] = 1
    return ndimage.gaussian_filter(values, 1)


# What lies at +y comes to +z under a positive angle about x, +x to +y about z, +z to +x about y;
# rot90 takes the first of its axes to the second.
@pytest.mark.parametrize(("angles", "axes"), [((90, 0, 0), (2, 1)), ((-90, 0, 0), (1, 2))])
def test_a_quarter_turn_about_x_is_exact(block, angles, axes):
    assert np.allclose(rotate(block, angles), np.rot90(block, 1, axes), atol=2e-6)


@pytest.mark.parametrize(
    ("angles", "axes"), [((0, 90, 0), (0, 2)), ((0, 0, 90), (1, 0)), ((0, 0, 180), None)]
)
def test_quarter_turns_about_z_and_y_are_exact(angles, axes):
    values = ndimage.gaussian_filter(np.random.default_rng(0).random((11, 11, 11)), 1)
    expected = np.rot90(values, 2, (0, 1)) if axes is None else np.rot90(values, 1, axes)
    assert np.allclose(rotate(values, angles)[1:-1, 1:-1, 1:-1],
                       expected[1:-1, 1:-1, 1:-1], atol=1e-5)  # fmt: skip


def test_angles_compose_in_the_order_x_z_y():
    x, z, y = (np.eye(3)[k] for k in range(3))
    turn = rotation_matrix((90, 90, 0))
    # Output x: untouched about x, then carried to -y by the turn about z.
    assert np.allclose(turn @ x, -y)
    # Output z: to +y about x, then to +x about z.
    assert np.allclose(turn @ z, x)
    assert np.allclose(turn @ turn.T, np.eye(3))


def test_there_and_back_is_where_it_was():
    grid = np.indices((32, 32, 32)) - 15.5
    blob = np.exp(-((grid[0] - 3) ** 2 + (grid[1] + 2) ** 2 / 2 + grid[2] ** 2 / 3) / 12)
    back = rotate(rotate(blob, (0, 0, 27)), (0, 0, -27))
    assert np.abs(back - blob).max() < 3e-3  # two cubic interpolations of a smooth blob


def test_the_centre_of_mass_turns_by_the_angle_in_true_lengths():
    grid = np.indices((24, 40, 40)) - np.array([11.5, 19.5, 19.5])[:, None, None, None]
    spacing = np.array([1.0, 0.5, 2.0])
    place = np.array([0.0, 2.5, 6.0])  # (x, z, y) in nm
    near = sum(((grid[k] * spacing[k] - place[k]) / 2) ** 2 for k in range(3))
    turned = rotate(np.exp(-near / 2), (30, 0, 0), spacing)
    middle = np.array([11.5, 19.5, 19.5])
    found = (np.array(ndimage.center_of_mass(turned)) - middle) * spacing
    assert np.allclose(found, rotation_matrix((30, 0, 0)).T @ place, atol=0.05)


def test_no_angle_copies(block):
    values = np.round(block * 100).astype("u2")
    same = rotate(values, (0, 0, 0))
    assert same.dtype == np.float32
    assert np.array_equal(same, values)


def test_a_nan_stays_among_its_neighbours(block):
    values = block.copy()
    values[6, 7, 7] = np.nan
    turned = rotate(values, (20, 0, 0))
    where = np.argwhere(np.isnan(turned))
    assert 1 <= len(where) <= 27
    assert np.abs(where - [6, 7, 7]).max() <= 1
    whole = rotate(np.where(np.isnan(values), block, values), (20, 0, 0))
    far = np.abs(np.indices(block.shape) - np.array([6, 7, 7])[:, None, None, None]).max(0) > 5
    assert np.allclose(turned[far], whole[far], atol=1e-3)


def test_wrong_angles_and_arrays_are_refused(block):
    with pytest.raises(ParameterError, match="three angles in degrees"):
        rotate(block, (1, 2))
    with pytest.raises(DataError, match=r"axes \(x, z, y\)"):
        rotate(block[0], (0, 0, 1))
