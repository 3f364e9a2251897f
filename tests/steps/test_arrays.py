"""Volumes as parameters: going on from a result, masks, and what a record and a replay say."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import FormatError, MissingFileError, ParameterError
from tomojupyter.monitor import Silent
from tomojupyter.steps import history, make_step
from tomojupyter.steps.arrays import GivenArray

QUIET = {"show_progressbar": False}


@pytest.fixture(params=["SIRT", "SART"])
def method(request):
    return request.param


def record(signal):
    return history.read(signal)[-1]


def test_a_start_volume_goes_on_where_it_ended(series, method):
    first = series.reconstruct(method, 2, True, **QUIET)
    more = series.reconstruct(method, 3, True, start_volume=first, **QUIET)
    whole = series.reconstruct(method, 5, True, **QUIET)
    np.testing.assert_array_equal(more.data, whole.data)
    checksum = {"checksum": history.fingerprint(first.data)}
    assert record(more)["asked"]["start_volume"] == checksum
    assert record(more)["resolved"]["start_volume"] == checksum


def test_the_voxels_outside_a_mask_stay_at_zero(series, method):
    mask = series.reconstruct("BP", **QUIET) > 0.5
    volume = series.reconstruct(method, 2, mask=mask, **QUIET)
    assert (volume.data[~mask.data] == 0).all()
    assert (volume.data[mask.data] != 0).any()


def test_a_replay_asks_for_an_array_and_takes_it(series):
    first = series.reconstruct("SIRT", 2, **QUIET)
    more = series.reconstruct("SIRT", 2, start_volume=first, mask=first.data > 0, **QUIET)
    recipe = tomo.Recipe.from_yaml(tomo.Recipe.of(more).to_yaml())
    recipe = tomo.Recipe(recipe.entries[-1:])
    with pytest.raises(ParameterError, match=r"start_volume was an array \(crc32:.*arrays="):
        recipe.run(series)
    with pytest.raises(ParameterError, match=r"mask was an array"):
        recipe.run(series, arrays=[first])
    again = recipe.run(series, arrays=[first.data > 0, first])
    np.testing.assert_array_equal(again.data, more.data)


@pytest.mark.parametrize("suffix", [".hspy", ".npy"])
def test_a_file_is_recorded_with_its_checksum(series, suffix, tmp_path):
    first = series.reconstruct("SIRT", 2, **QUIET)
    path = tmp_path / f"first{suffix}"
    if suffix == ".npy":
        np.save(path, first.data)
    else:
        first.save(path)
    more = series.reconstruct("SIRT", 1, start_volume=str(path), **QUIET)
    direct = series.reconstruct("SIRT", 3, **QUIET)
    np.testing.assert_array_equal(more.data, direct.data)
    assert record(more)["asked"]["start_volume"] == str(path)
    said = {"file": str(path), "checksum": history.checksum(path)}
    assert record(more)["resolved"]["start_volume"] == said
    recipe = tomo.Recipe(tomo.Recipe.of(more).entries[-1:])
    np.testing.assert_array_equal(recipe.run(series).data, more.data)
    np.save(path.with_suffix(".npy"), first.data + 1)
    if suffix == ".npy":
        with pytest.raises(ParameterError, match=r"start_volume was .*\.npy with crc32:.* now"):
            recipe.run(series)
    path.unlink()
    with pytest.raises(MissingFileError, match=r"start_volume is .*, which is not there"):
        recipe.run(series)


def test_wrong_volumes_are_refused_with_a_sentence(series, tmp_path):
    step = make_step("reconstruct", "SIRT", start_volume=np.zeros((2, 3, 4)))
    with pytest.raises(ParameterError, match=r"start_volume has the shape \(2, 3, 4\), but the"):
        step.resolve(series)
    for wrong in ("volume.mrc", np.zeros(5), np.full((2, 2, 2), "a"), {"name": 1}):
        with pytest.raises(ParameterError, match=r"^mask must be a volume \(x, z, y\)"):
            make_step("reconstruct", "SIRT", mask=wrong)
    for suffix, error in ((".npy", ParameterError), (".hspy", FormatError)):
        path = tmp_path / f"damaged{suffix}"
        path.write_bytes(b"no volume")
        with pytest.raises(error):
            make_step("reconstruct", "SIRT", mask=path).resolve(series)


def test_the_columns_of_a_trial_take_their_part_of_the_volumes(series):
    first = series.reconstruct("SIRT", 2, **QUIET)
    step = make_step("reconstruct", "SIRT", iterations=1, start_volume=first).resolve(series)
    part = step.on_columns(series, np.array([3, 5]), Silent(), ncores=1)[0]
    whole = series.reconstruct("SIRT", 3, **QUIET)
    np.testing.assert_array_equal(part, whole.data[[3, 5]])


def test_equal_arrays_make_equal_steps():
    one, other = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
    assert GivenArray.of("mask", one) == GivenArray.of("mask", other)
    assert hash(GivenArray.of("mask", one)) == hash(GivenArray.of("mask", other))
    other[1, 1, 1] = 1
    assert GivenArray.of("mask", one) != GivenArray.of("mask", other)
