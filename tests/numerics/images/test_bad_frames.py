"""Frames that were spoilt in a known way, and calm series in which nothing is to be found."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import DataError
from tomojupyter.numerics.images.bad_frames import bad_frames, displacements
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = np.arange(-70, 71, 5.0)
N = len(TILTS)


def made(counts=200, seed=1, bad=None, vacuum=0.0):
    shifts = np.random.default_rng(seed).normal(0, 1.5, (N, 2))
    images, truth = tilt_series(
        catalyst(seed=seed), TILTS, 96, 104, shifts=shifts, counts=counts, bad=bad, seed=seed,
        vacuum=vacuum,
    )  # fmt: skip
    return images, truth


def kinds(found):
    return {i: reason.partition(":")[0] for i, reason in found}


@pytest.fixture(scope="module")
def spoilt():
    """A series with one frame of each kind, and what they are."""
    images, _ = made(bad={3: "blank", 7: "hot", 11: "dim"})
    images[15] = ndimage.gaussian_filter(images[15], 2.5)
    images[19] = np.roll(images[19], (20, -15), (0, 1))
    images[23, :40] = np.nan
    images[26] *= 1.6
    names = ["blank", "hot", "dim", "blurred", "jumped", "empty", "bright"]
    return images, dict(zip([3, 7, 11, 15, 19, 23, 26], names, strict=True))


def test_each_kind_is_found_and_nothing_else(spoilt):
    images, truth = spoilt
    found = bad_frames(images, TILTS)
    assert kinds(found) == truth
    reasons = dict(found)
    assert float(reasons[7].split()[1]) == pytest.approx(0.4, abs=0.1)
    assert reasons[7].endswith("% of its pixels stand out; despike repairs them")
    assert reasons[23] == "empty: 42 % of its pixels have no value"
    assert reasons[19].startswith("jumped: 2")
    # The beam had 0.4 and 1.6 of its strength.
    assert 55 < int(reasons[11].split()[1]) < 65
    assert 45 < int(reasons[26].split()[1]) < 75


def test_the_order_of_the_file_does_not_matter(spoilt):
    images, truth = spoilt
    order = np.random.default_rng(0).permutation(N)
    found = bad_frames(images[order], TILTS[order])
    assert kinds(found) == {int(np.flatnonzero(order == i)[0]): why for i, why in truth.items()}
    assert [i for i, _ in found] == sorted(i for i, _ in found)


def test_offset_and_units_do_not_matter(spoilt):
    images, truth = spoilt
    moved = np.round(images / images[0].max() * 4000 - 9000)
    assert kinds(bad_frames(moved, TILTS, vacuum=-9000)) == truth
    assert kinds(bad_frames(moved, TILTS)) == truth


def test_large_images_are_judged_by_smaller_ones(spoilt):
    images, truth = spoilt
    large = images.repeat(6, axis=1).repeat(6, axis=2)
    small = Glances.of(large).small
    assert small.shape == (N, 96 * 6 // 2, 104 * 6 // 2)
    assert np.allclose(small[0], images[0].repeat(3, 0).repeat(3, 1))
    assert Glances.of(images).small is images
    found = bad_frames(large, TILTS)
    # Repeated pixels have no spikes: each has neighbours as bright as itself.
    assert kinds(found) == {i: why for i, why in truth.items() if why != "hot"} | (
        {7: "bright"} if 7 in dict(found) else {}
    )
    assert 6 * 19 < int(dict(found)[19].split()[1]) < 6 * 30


@pytest.mark.parametrize("counts", [None, 5, 30, 1000])
@pytest.mark.parametrize("seed", [2, 3])
def test_nothing_is_found_in_a_calm_series(counts, seed):
    assert bad_frames(made(counts, seed)[0], TILTS) == []


def test_a_drift_and_a_step_are_no_jumps():
    shifts = np.stack([np.linspace(-20, 20, N), np.zeros(N)], axis=1)
    shifts[12:, 1] += 15
    images, _ = tilt_series(catalyst(seed=5), TILTS, 96, 104, shifts=shifts, counts=100)
    assert "jumped" not in kinds(bad_frames(images, TILTS)).values()


def test_frames_that_are_not_used_are_not_judged(spoilt):
    images, truth = spoilt
    use = np.ones(N, bool)
    use[[3, 11]] = False
    expected = {i: why for i, why in truth.items() if use[i]}
    assert kinds(bad_frames(images, TILTS, use=use)) == expected


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_short_series_have_no_neighbours_to_compare_with(n):
    images, _ = made()
    assert bad_frames(images[:n], TILTS[:n]) == []


def test_small_and_empty_images_do_no_harm():
    assert kinds(bad_frames(np.zeros((5, 2, 3)))) == dict.fromkeys(range(5), "blank")
    noise = np.random.default_rng(0).normal(size=(6, 8, 9))
    assert bad_frames(noise) == []


def test_displacements_are_those_that_were_made():
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(60, 80)), 3)
    moved = np.stack([image, np.roll(image, (4, -10), (0, 1)), image])
    assert np.array_equal(displacements(moved, np.array([0, 1, 2])), [[4, -10], [-4, 10]])
    assert displacements(moved, np.array([0])).shape == (0, 2)


def test_wrong_arrays_are_refused():
    with pytest.raises(DataError, match="a stack"):
        bad_frames(np.zeros((4, 4)))
    with pytest.raises(DataError, match="5 frames but 4 tilts"):
        bad_frames(np.zeros((5, 4, 4)), np.arange(4))
