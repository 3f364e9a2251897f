"""Shifts along the axis follow from the mass of columns, where the specimen is seen whole."""

import numpy as np
import pytest

from tomojupyter.numerics.alignment.registration import phase_correlation
from tomojupyter.numerics.alignment.registration_profile import shifts_by_mass
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

TILTS = np.arange(-60, 61, 5.0)
N = len(TILTS)
RNG = np.random.default_rng(8)


def along(shifts):
    """Return the part of an error along the axis that is not common to all."""
    return shifts[:, 1] - shifts[:, 1].mean()


@pytest.mark.parametrize("angle", [0.0, 5.0])
def test_drift_of_a_chain_is_taken_out(angle):
    images, _ = tilt_series(catalyst(3), TILTS, 72, 80, angle=angle, counts=300, seed=3)
    drift = np.cumsum(np.random.default_rng(1).normal(0, 0.3, N))
    a = np.deg2rad(angle)
    start = np.stack([-drift * np.sin(a), drift * np.cos(a)], axis=1)  # along the axis
    assert along(start).std() > 0.15
    found = shifts_by_mass(images, TILTS, start)
    assert found is not None
    assert along(found).std() < 0.06
    # Only along the axis: the part across it is as it was.
    across = np.array([np.cos(a), np.sin(a)])
    # The axis that was found is right to a fraction of a degree.
    np.testing.assert_allclose((found - start) @ across, 0, atol=0.02)


def test_unknown_pixels_do_not_pull():
    images, _ = tilt_series(catalyst(3), TILTS, 72, 80, counts=300, seed=3)
    start = np.zeros((N, 2))
    clean = shifts_by_mass(images, TILTS, start)
    holed = images.astype(np.float32)
    holed[5, 30:33, 30:33] = np.nan
    found = shifts_by_mass(holed, TILTS, start)
    assert np.abs(along(found) - along(clean)).max() < 0.06


def test_matter_that_crosses_the_edge_leaves_the_chain_alone():
    images, _ = tilt_series(catalyst(3), TILTS, 72, 80, counts=300, seed=3)
    film = images + 2 * images.max() / np.cos(np.deg2rad(TILTS))[:, None, None]
    assert shifts_by_mass(film, TILTS, np.zeros((N, 2))) is None


def test_registration_uses_it_and_says_so():
    images, truth = tilt_series(
        catalyst(4), TILTS, 72, 80, shifts=RNG.normal(0, 1.5, (N, 2)), counts=300, seed=4
    )
    chain = phase_correlation(images, TILTS, conserve_mass=False, vacuum=0)
    whole = phase_correlation(images, TILTS, vacuum=0)
    assert whole.by_mass
    assert not chain.by_mass
    error = [np.std(along(r.shifts - truth.shifts)) for r in (chain, whole)]
    assert error[1] < 0.7 * error[0]
