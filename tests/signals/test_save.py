"""Saving is lossless: values, type, axes, tilts, shifts, transforms, history, exclusions."""

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import Signal1D, Signal2D

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, FormatError, MissingFileError, ParameterError
from tomojupyter.signals.rec import LazyRecStack
from tomojupyter.signals.stack import LazyTomoStack
from tomojupyter.steps import history


@pytest.fixture
def aligned(series):
    result = series.stack_register("PC").tilt_align("manual", shift=1.5, angle=-2).isig[2:]
    result._exclude(3, "dim")
    return result


def assert_same(one, other):
    assert type(one)._signal_type == type(other)._signal_type
    assert np.array_equal(np.asarray(one.data), np.asarray(other.data))
    assert one.data.dtype == other.data.dtype
    assert one.axes_manager._get_axes_dicts() == other.axes_manager._get_axes_dicts()
    assert history.read(one) == history.read(other)
    assert one.metadata.General.title == other.metadata.General.title


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("load", [tomo.load, hs.load], ids=["tomo", "hs"])
def test_a_series_comes_back_from_a_file_as_it_was(aligned, tmp_path, load, lazy):
    path = tmp_path / "aligned.hspy"
    aligned.save(path)
    back = load(path, lazy=lazy)
    assert type(back) is (LazyTomoStack if lazy else tomo.TomoStack)
    assert_same(back, aligned)
    assert np.array_equal(back.tilts.data, aligned.tilts.data)
    assert np.array_equal(back.shifts.data, aligned.shifts.data)
    assert np.allclose(back.transforms, aligned.transforms, rtol=0, atol=1e-12)
    assert np.array_equal(back.nominal_tilts, aligned.nominal_tilts)
    assert back.excluded_reason == aligned.excluded_reason
    assert np.array_equal(back.covered(), aligned.covered())
    # Work goes on without a confession, and the pixels of the file are the source.
    more = back.tilt_align("manual", shift=0.5)
    assert [r["operation"] for r in history.read(more)][-2:] == ["trim", "tilt_align"]
    assert history.read(more)[-1]["resampled"] == 2


@pytest.mark.parametrize("dtype", ["i2", "u1", "u2", "f4", "f8"])
def test_types_and_values_are_kept(tmp_path, dtype):
    pixels = np.arange(60).reshape(3, 4, 5).astype(dtype)
    tomo.TomoStack(pixels, [-1, 0, 1]).save(tmp_path / "a.hspy")
    back = tomo.load(tmp_path / "a.hspy")
    assert back.data.dtype == pixels.dtype
    assert np.array_equal(back.data, pixels)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_volume_comes_back_from_a_file_as_it_was(aligned, tmp_path, lazy):
    volume = aligned.reconstruct("SIRT", 2, show_progressbar=False)
    volume.save(tmp_path / "volume.hspy")
    back = tomo.load(tmp_path / "volume.hspy", lazy=lazy)
    assert type(back) is (LazyRecStack if lazy else tomo.RecStack)
    assert_same(back, volume)
    tomography = back.metadata.Tomography
    assert np.array_equal(tomography.tilts.data, volume.metadata.Tomography.tilts.data)
    assert tomography.tiltaxis == pytest.approx(-2)
    assert history.read(back)[-1]["operation"] == "reconstruct"


def test_a_saved_series_replays_to_the_same_voxels(series, tmp_path):
    aligned = series.stack_register("PC").tilt_align("manual", shift=1.5, angle=-2)
    aligned.reconstruct("SIRT", 2, show_progressbar=False).save(tmp_path / "volume.hspy")
    volume = tomo.load(tmp_path / "volume.hspy")
    recipe = tomo.Recipe.of(volume)
    # The fixture is itself a crop, so its first record is one.
    again = tomo.Recipe(recipe.entries[1:]).run(series)
    assert np.array_equal(again.data, volume.data)


def test_plain_hyperspy_files_become_series(tmp_path):
    Signal2D(np.ones((3, 4, 5))).save(tmp_path / "plain.hspy")
    assert isinstance(tomo.load(tmp_path / "plain.hspy", tilts=[-1, 0, 1]), tomo.TomoStack)
    Signal1D(np.ones((3, 4))).save(tmp_path / "line.hspy")
    with pytest.raises((DataError, FormatError), match=r"axes \(tilt, y, x\)"):
        tomo.load(tmp_path / "line.hspy")


def test_what_would_lose_something_is_refused(aligned, tmp_path):
    with pytest.raises(ParameterError, match=r"stack\.tif would lose tilts, alignment and hist"):
        aligned.save(tmp_path / "stack.tif")
    with pytest.raises(MissingFileError, match="there is no such folder to save in"):
        aligned.save(tmp_path / "nowhere" / "stack.hspy")


def test_a_damaged_file_is_a_sentence(tmp_path):
    (tmp_path / "bad.hspy").write_bytes(b"not HDF5 at all")
    with pytest.raises(FormatError, match=r"bad\.hspy cannot be read as a HyperSpy file"):
        tomo.load(tmp_path / "bad.hspy")


def test_saving_again_leaves_no_stale_pixels(series, tmp_path):
    path = tmp_path / "again.hspy"
    series.save(path)
    changed = series.filter("median")
    changed.save(path, overwrite=True)
    assert np.array_equal(tomo.load(path).data, changed.data)
    assert path.stat().st_size < 3 * changed.data.nbytes + 200_000
