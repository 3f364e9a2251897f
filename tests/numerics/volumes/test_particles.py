"""Separate bodies: how many, how large, where, and whether they are cut."""

import numpy as np
import pytest

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.volumes.particles import particles


def balls(shape, *bodies):
    """Return a volume with balls of value 10 at (x, z, y) with a radius, over a noisy ground."""
    volume = np.random.default_rng(0).normal(0, 0.3, shape)
    grid = np.indices(shape)
    for centre, radius in bodies:
        distance = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True))
        volume[distance <= radius**2] += 10
    return volume


def test_balls_are_found_with_size_and_place():
    volume = balls((40, 30, 50), ((10, 15, 12), 6), ((28, 12, 35), 4))
    found = particles(volume, spacing=(0.5, 0.5, 0.5), units="nm")
    assert len(found) == 2
    for one, centre, radius in zip(found, [(10, 15, 12), (28, 12, 35)], [6, 4], strict=True):
        assert one.centre == pytest.approx(centre, abs=0.05)
        assert one.position == pytest.approx([0.5 * c for c in centre], abs=0.03)
        assert one.diameter == pytest.approx(radius, rel=0.04)  # 2 r of 0.5 nm
        assert one.volume == one.voxels / 8
        assert not one.cut
        assert one.units == "nm"
    assert "at (x, z, y) = (5, 7.5, 6) nm" in repr(found[0])


def test_a_body_at_a_face_is_said_to_be_cut():
    volume = balls((20, 20, 40), ((0, 10, 10), 5), ((10, 10, 30), 5))
    assert sorted(p.cut for p in particles(volume)) == [False, True]
    assert "cut" in repr(next(p for p in particles(volume) if p.cut))


def test_bodies_that_touch_by_an_edge_are_two_and_by_a_face_one():
    volume = np.zeros((8, 8, 12))
    volume[2:4, 2:4, 2:4] = volume[4:6, 4:6, 2:4] = 1
    assert [p.voxels for p in particles(volume, "value", 0.5)] == [8, 8]
    volume[4:6, 2:4, 2:4] = 1
    assert [p.voxels for p in particles(volume, "value", 0.5)] == [24]


def test_small_ones_dark_ones_and_those_outside_a_mask():
    volume = balls((24, 24, 24), ((8, 8, 8), 4))
    volume[20, 20, 20] = 10
    assert len(particles(volume)) == 1
    assert [p.voxels for p in particles(volume, smallest=1)][1] == 1
    assert len(particles(-volume, "value", -5, dark=True)) == 1
    mask = np.zeros(volume.shape, bool)
    mask[12:] = True
    assert particles(volume, "value", 5, mask=mask) == []


def test_what_is_not_finite_belongs_to_nothing():
    volume = balls((24, 24, 24), ((8, 8, 8), 4))
    volume[18:, 18:, 18:] = np.inf
    volume[:2] = np.nan
    (one,) = particles(volume, "value", 5)
    assert one.centre == pytest.approx((8, 8, 8), abs=0.05)


def test_anisotropic_voxels():
    volume = np.zeros((10, 10, 10))
    volume[2:6, 2:4, 2:8] = 1
    (one,) = particles(volume, "value", 0.5, spacing=(1.0, 2.0, 3.0))
    assert one.volume == 4 * 2 * 6 * 6
    assert one.position == (3.5, 5.0, 13.5)


def test_wrong_values_are_refused():
    volume = balls((8, 8, 8), ((4, 4, 4), 2))
    with pytest.raises(ParameterError, match="smallest must be at least 1 voxel, got 0"):
        particles(volume, smallest=0)
    with pytest.raises(ParameterError, match="the rule value needs a threshold"):
        particles(volume, "value")
    with pytest.raises(DataError, match="nothing to separate"):
        particles(np.zeros((4, 4, 4)))
