"""Thresholds against scikit-image and mixtures, measures and surfaces against spheres."""

import numpy as np
import pytest
from skimage import filters

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.volumes import segmentation
from tomojupyter.numerics.volumes.measures import Quantity, measure, shares
from tomojupyter.numerics.volumes.surfaces import isosurface

RADIUS = 12.0
AREA, VOLUME = 4 * np.pi * RADIUS**2, 4 / 3 * np.pi * RADIUS**3


def sphere(shape=(36, 38, 40), spacing=(1, 1, 1), centre=(0, 0, 0)):
    """Return a volume that falls linearly through 0.5 at the sphere's surface."""
    axes = [
        (np.arange(n) - (n - 1) / 2) * s - c for n, s, c in zip(shape, spacing, centre, strict=True)
    ]
    x, z, y = np.meshgrid(*axes, indexing="ij")
    return (0.5 + (RADIUS - np.sqrt(x**2 + z**2 + y**2)) / 8).clip(0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def mixture():
    """Two Gaussian populations, 90 % at 10 and 10 % at 50, which overlap."""
    rng = np.random.default_rng(0)
    values = rng.normal(10, 8, 40**3)
    values[: 40**3 // 10] += 40
    return values.reshape(40, 40, 40).astype(np.float32)


@pytest.mark.parametrize("rule", ["otsu", "li"])
def test_thresholds_are_scikit_images(mixture, rule):
    theirs = {"otsu": filters.threshold_otsu, "li": filters.threshold_li}[rule](mixture)
    assert segmentation.find_threshold(mixture, rule) == pytest.approx(theirs, abs=0.7)
    assert 20 < theirs < 40


def test_several_thresholds_lie_between_their_populations():
    rng = np.random.default_rng(1)
    means = rng.choice([0, 100, 250], 30**3)
    volume = (means + rng.normal(0, 8, 30**3)).reshape(30, 30, 30)
    low, high = segmentation.find_thresholds(volume, 3)
    assert 25 < low < 75
    assert 125 < high < 225
    with pytest.raises(DataError, match="fewer than 3 different values"):
        segmentation.find_thresholds(np.array([[[0.0, 1.0]]]), 3)
    with pytest.raises(ParameterError, match="from 2 to 5, got 6"):
        segmentation.find_thresholds(volume, 6)


def test_offset_and_scale_move_the_threshold_alike(mixture):
    for rule in segmentation.RULES:
        plain = segmentation.find_threshold(mixture, rule)
        moved = segmentation.find_threshold(mixture * 1e-3 - 7, rule)
        assert moved == pytest.approx(plain * 1e-3 - 7, abs=1e-4)


def test_nan_does_not_count(mixture):
    holed = np.concatenate([mixture, np.full_like(mixture, np.nan)])
    for rule in segmentation.RULES:
        whole = segmentation.find_threshold(mixture, rule)
        assert segmentation.find_threshold(holed, rule) == pytest.approx(whole, abs=1e-6)
    assert not segmentation.above(holed, 0)[40:].any()
    assert not segmentation.above(holed, 1e9, dark=True)[40:].any()


def test_two_values_are_parted_halfway():
    binary = np.zeros((5, 6, 7), np.uint8)
    binary[2:4] = 200
    assert segmentation.find_threshold(binary, "otsu") == 100
    assert segmentation.find_threshold(binary, "li") == 100
    low, high = segmentation.find_thresholds(np.array([[[0.0, 1.0, 3.0, 3.0]]]), 3)
    assert (low, high) == (0.5, 2)


@pytest.mark.parametrize("value", [3.0, np.nan])
def test_nothing_to_separate_is_said(value):
    with pytest.raises(DataError, match="nothing to separate"):
        segmentation.find_threshold(np.full((3, 3, 3), value), "otsu")


def test_small_pieces_are_left_out():
    mask = np.zeros((9, 9, 9), bool)
    mask[1:3, 1:3, 1:3] = True
    mask[6, 6, 6] = mask[7, 7, 7] = True  # touch by a corner: two pieces
    assert segmentation.without_small(mask, 2).sum() == 8
    assert segmentation.without_small(mask, 9).sum() == 0
    assert np.array_equal(segmentation.without_small(mask, 1), mask)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 1.5, 0.75)])
@pytest.mark.parametrize("binary", [False, True])
def test_volume_and_surface_of_a_sphere(spacing, binary):
    shape = [int(32 / s) for s in spacing]
    volume = sphere(shape, spacing)
    if binary:
        volume = (volume > 0.5).astype(np.uint8)
    found = measure(volume, "value", 0.5, spacing=spacing, units="nm")
    assert found.volume.value == pytest.approx(VOLUME, rel=0.02)
    # Stairs would make the surface of a binary sphere 8 % larger.
    assert found.surface.value == pytest.approx(AREA, rel=0.01 if not binary else 0.025)
    assert found.fraction.value == found.voxels / volume.size
    assert (found.volume.units, found.surface.units) == ("nm³", "nm²")


def test_dark_is_bright_turned_over():
    volume = sphere()
    bright = measure(volume, "value", 0.5)
    dark = measure(3 - volume, "value", 2.5, dark=True)
    assert dark.voxels == bright.voxels
    assert dark.surface.value == pytest.approx(bright.surface.value, rel=1e-4)


def test_the_range_covers_thresholds_around_the_chosen_one():
    volume = sphere()
    found = measure(volume, "value", 0.5, spread=0.1)
    contrast = volume[volume > 0.5].mean() - volume[volume <= 0.5].mean()
    assert found.thresholds == pytest.approx((0.5, 0.5 - 0.1 * contrast, 0.5 + 0.1 * contrast))
    # A threshold 0.1 lower lies 0.8 px further out.
    radii = [RADIUS - 8 * (t - 0.5) for t in found.thresholds]
    assert found.volume.low == pytest.approx(4 / 3 * np.pi * min(radii) ** 3, rel=0.02)
    assert found.volume.high == pytest.approx(4 / 3 * np.pi * max(radii) ** 3, rel=0.02)
    assert found.surface.low == pytest.approx(4 * np.pi * min(radii) ** 2, rel=0.01)
    assert measure(volume, "value", 0.5, spread=0).volume.low == found.volume.value
    assert len(measure(volume, "otsu").thresholds) == 4


def test_only_the_voxels_within_count():
    volume = sphere()
    mask = np.zeros(volume.shape, bool)
    mask[:18] = True
    half = measure(volume, "value", 0.5, mask=mask)
    assert half.volume.value == pytest.approx(VOLUME / 2, rel=0.02)
    assert half.fraction.value == pytest.approx(VOLUME / volume.size, rel=0.02)
    # The cut by the mask is no surface; it lies between two voxels, half of which count.
    assert half.surface.value == pytest.approx(AREA / 2, rel=0.05)
    with pytest.raises(DataError, match="mask is empty"):
        measure(volume, mask=np.zeros(volume.shape, bool))


def test_what_the_field_cuts_is_closed_on_request():
    volume = sphere((24, 36, 36), centre=(11.5, 0, 0))
    open_ = isosurface(volume, 0.5, closed=False)
    closed = isosurface(volume, 0.5)
    assert open_.area == pytest.approx(AREA / 2, rel=0.01)
    # Half a sphere, half a voxel longer, and its lid.
    assert closed.volume == pytest.approx(VOLUME / 2 + 0.5 * np.pi * RADIUS**2, rel=0.01)
    rim = np.pi * RADIUS**2 + np.pi * RADIUS
    assert closed.area == pytest.approx(AREA / 2 + rim, rel=0.02)


def test_vertices_are_where_the_sphere_is():
    spacing = (0.5, 0.5, 1.0)
    volume = sphere((64, 70, 34), spacing, centre=(2, 3, -1))
    mesh = isosurface(volume, 0.5, spacing, origin=(100, 50), units="nm")
    middle = np.array([100 + 31.5 * 0.5 + 2, 50 + 16.5 - 1, -3])
    distance = np.linalg.norm(mesh.vertices - middle, axis=1)
    assert np.abs(distance - RADIUS).max() < 0.1
    # Faces are seen anticlockwise from outside: the volume is positive.
    assert mesh.volume == pytest.approx(VOLUME, rel=0.01)
    assert str(mesh).endswith("nm²>")


def test_a_dark_surface_points_outwards_too():
    assert isosurface(1 - sphere(), 0.5, dark=True).volume == pytest.approx(VOLUME, rel=0.01)


def test_a_coarse_mesh_has_fewer_triangles():
    fine, coarse = (isosurface(sphere(), 0.5, step=step) for step in (1, 2))
    assert len(coarse.faces) < 0.4 * len(fine.faces)
    assert coarse.area == pytest.approx(AREA, rel=0.03)


@pytest.mark.parametrize("level", [2.0, -1.0])
def test_no_surface_outside_of_the_values(level):
    mesh = isosurface(sphere(), level, closed=False)
    assert (len(mesh.faces), mesh.area, mesh.volume) == (0, 0, 0)


def test_nan_lies_outside():
    volume = sphere()
    volume[:18] = np.nan
    assert isosurface(volume, 0.5).volume == pytest.approx(VOLUME / 2, rel=0.06)
    assert measure(volume, "value", 0.5).fraction.value == pytest.approx(
        VOLUME / volume.size, rel=0.02
    )


def test_quantities_divide_with_their_ranges_and_add_up_to_one():
    nickel, chromium = Quantity(6, 5, 8, "nm³"), Quantity(2, 1, 4, "nm³")
    ratio = nickel / chromium
    assert (ratio.value, ratio.low, ratio.high, ratio.units) == (3, 1.25, 8, "")
    assert (float(ratio), str(nickel)) == (3, "6 nm³ (5 to 8)")
    parts = shares({"Ni": nickel, "Cr": chromium})
    assert sum(p.value for p in parts.values()) == 1
    assert (parts["Ni"].low, parts["Ni"].high) == (5 / 9, 8 / 9)
    assert (parts["Cr"].low, parts["Cr"].high) == (1 / 9, 4 / 9)
    with pytest.raises(DataError, match="has no value"):
        nickel / Quantity(0, 0, 1, "nm³")
    with pytest.raises(DataError, match="all volumes are 0"):
        shares({"a": Quantity(0, 0, 0)})


def test_wrong_values_are_refused():
    with pytest.raises(ParameterError, match="spread must be from 0 to 1, got 2"):
        measure(sphere(), spread=2)
    with pytest.raises(ParameterError, match="one of otsu, li, got 'best'"):
        measure(sphere(), "best")
    with pytest.raises(ParameterError, match="needs a threshold"):
        measure(sphere(), "value")
