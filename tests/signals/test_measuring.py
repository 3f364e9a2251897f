"""Segmentation, measures and surfaces of volumes, in the units of their axes."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError, UnknownMethodError
from tomojupyter.steps import history


@pytest.fixture
def cube():
    """A bright cube of 8 voxels a side, 2 nm each, in a field of 16, over a faint background."""
    values = np.random.default_rng(0).normal(1, 0.05, (16, 14, 18)).astype(np.float32)
    values[4:12, 3:11, 5:13] += 9
    volume = tomo.RecStack(values)
    for axis in volume.axes_manager._axes:
        axis.scale, axis.units = 2.0, "nm"
    return volume


@pytest.mark.parametrize("method", ["otsu", "li"])
def test_a_cube_is_segmented_and_recorded(cube, method):
    binary = cube.segment(method)
    assert isinstance(binary, tomo.RecStack)
    assert binary.data.dtype == np.uint8
    assert np.array_equal(binary.data == 1, cube.data > 5)
    assert binary.axes_manager[0].units == "nm"
    record = history.read(binary)[-1]
    assert record["asked"]["threshold"] is None
    assert record["resolved"]["threshold"] == pytest.approx(5.5, abs=0.1)
    assert record["scalars"]["voxels"] == 512
    again = tomo.Recipe.of(binary).run(cube)
    assert np.array_equal(again.data, binary.data)


def test_a_value_dark_parts_and_pieces(cube):
    assert np.array_equal(cube.segment("value", 5).data == 1, cube.data > 5)
    assert np.array_equal(cube.segment("value", 5, dark=True).data == 1, cube.data < 5)
    cube.data[0, 0, 0] = 10
    assert cube.segment("otsu").data[0, 0, 0] == 1
    assert cube.segment("otsu", smallest=2).data[0, 0, 0] == 0


def test_classes_are_numbered_by_value(cube):
    cube.data[4:8, 3:11, 5:13] += 20
    labels = cube.segment("classes", classes=3)
    assert np.array_equal(labels.data == 2, cube.data > 20)
    assert np.array_equal(labels.data == 0, cube.data < 5)
    assert history.read(labels)[-1]["scalars"]["fractions"][2] == 256 / cube.data.size
    with pytest.raises(ParameterError, match=r"2 rising values for 3 classes, got \[5, 2\]"):
        cube.segment("classes", classes=3, thresholds=(5, 2))


def test_measures_are_in_units_of_the_axes(cube):
    found = cube.measure()
    assert found.volume.value == 512 * 8
    assert found.volume.units == "nm³"
    assert found.fraction.value == 512 / cube.data.size
    # The isosurface rounds edges by a fraction of a voxel.
    assert found.surface.value == pytest.approx(6 * 16**2, rel=0.08)
    assert cube.volume("li").value == cube.volume(threshold=5).value == 512 * 8
    assert cube.surface(threshold=5).units == "nm²"
    assert cube.fraction(threshold=5).value == found.fraction.value
    text = repr(found)
    assert text.startswith("<Measurement, threshold ")
    assert "volume 4096 nm³ (4096 to 4096)" in text


def test_pores_within_a_particle(cube):
    inside = cube.segment("value", 5)
    cube.data[6:8, 5:7, 7:9] = 1
    pores = cube.measure(dark=True, within=inside > 0)
    assert pores.voxels == 8
    assert pores.fraction.value == 8 / 512


def test_a_calibration_that_is_not_one_is_refused(cube):
    cube.axes_manager._axes[1].units = "px"
    with pytest.raises(DataError, match="in nm and px"):
        cube.measure()
    assert tomo.RecStack(cube.data).volume(threshold=5).units == "px³"


def test_fractions_of_several_volumes(cube):
    other = cube.deepcopy()
    other.data = np.where(np.arange(16)[:, None, None] < 8, cube.data, 1).astype(np.float32)
    parts = tomo.volume_fractions({"Ni": cube, "Cr": other}, threshold=5)
    assert parts["Ni"].value == pytest.approx(2 / 3)
    assert parts["Cr"].value == pytest.approx(1 / 3)
    ratio = cube.volume(threshold=5) / other.volume(threshold=5)
    assert (ratio.value, ratio.units) == (2, "")
    other.axes_manager._axes[0].units = other.axes_manager._axes[1].units = "µm"
    other.axes_manager._axes[2].units = "µm"
    with pytest.raises(DataError, match="calibrated in nm³ and µm³"):
        tomo.volume_fractions({"Ni": cube, "Cr": other})


def test_the_surface_is_saved_where_it_is(cube, tmp_path):
    x, _, y = cube.axes_manager._axes
    x.offset, y.offset = 100, -20
    mesh = cube.isosurface(threshold=5.5)
    # Voxels 4 to 11 along x, 5 to 12 along y; z counts from the middle, (14 - 1) / 2.
    assert np.allclose(mesh.vertices.min(0), [100 + 2 * 3.5, -20 + 2 * 4.5, -8], atol=0.1)
    assert np.allclose(mesh.vertices.max(0), [100 + 2 * 11.5, -20 + 2 * 12.5, 8], atol=0.1)
    assert mesh.volume == pytest.approx(16**3, rel=0.06)
    path = cube.save_surface(tmp_path / "cube.stl", threshold=5.5)
    assert path.stat().st_size == 84 + 50 * len(mesh.faces)
    cube.save_surface(tmp_path / "cube.ply", "li")


def test_a_lazy_volume_is_measured_too(cube):
    assert cube.as_lazy().volume(threshold=5).value == 512 * 8


def test_misspelt_rules_and_keywords_are_named(cube):
    with pytest.raises(UnknownMethodError, match="did you mean otsu"):
        cube.measure("ostu")
    with pytest.raises(ParameterError, match="spread must be from 0 to 1"):
        cube.measure(spread=-1)
    with pytest.raises(TypeError, match="treshold"):
        cube.volume(treshold=5)


def test_particles_are_in_units_of_the_axes(cube):
    cube.data[13:15, 10:12, 14:16] += 9
    large, small = cube.particles()
    assert (large.volume, small.volume, large.units) == (512 * 8, 8 * 8, "nm")
    assert large.position == pytest.approx((15, 13, 17))
    assert [p.voxels for p in cube.particles(smallest=9)] == [512]
    within = np.zeros(cube.data.shape, bool)
    within[12:] = True
    assert [p.voxels for p in cube.particles(threshold=5, within=within)] == [8]
    with pytest.raises(ParameterError, match="smallest"):
        cube.particles(smallest=0)
