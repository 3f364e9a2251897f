"""Loading: values and type as stored, tilts by precedence, sentences for what cannot be read."""

import logging

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, FormatError, MissingFileError, TiltsError
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import history


def angles(signal):
    return signal.tilts.data.ravel()


def test_an_mrc_file_is_loaded_as_stored(series_file, counted, made_series):
    stack = tomo.load(series_file)
    assert type(stack) is tomo.TomoStack
    assert stack.data.dtype == np.int16
    assert np.array_equal(stack.data, counted)
    assert np.allclose(angles(stack), angles(made_series))
    assert stack.metadata.General.title == "series"
    assert stack.metadata.General.original_filename == "series.mrc"
    for axis in stack.axes_manager.signal_axes:
        assert (axis.scale, axis.units) == (pytest.approx(0.5, rel=1e-6), "nm")


def test_the_first_record_names_the_file(series_file):
    (record,) = history.read(tomo.load(str(series_file)))
    assert record["operation"] == "source"
    assert (record["reader"], record["file"]) == (".mrc", "series.mrc")
    assert record["bytes"] == series_file.stat().st_size
    assert record["checksum"] == history.checksum(series_file)
    assert record["shape"] == [13, 24, 32]


@pytest.mark.parametrize("suffix", [".st", ".ali", ".map", ".MRC"])
def test_other_names_of_mrc_files(series_file, counted, suffix):
    path = series_file.rename(series_file.with_suffix(suffix))
    assert np.array_equal(tomo.load(path).data, counted)


def test_unequal_pixels_lie_on_the_right_axes(tmp_path, counted):
    write_mrc(tmp_path / "a.mrc", counted, (1.0, 2.0, 3.0), is_volume=False)
    stack = tomo.load(tmp_path / "a.mrc")
    assert stack.axes_manager["y"].scale == pytest.approx(2)
    assert stack.axes_manager["x"].scale == pytest.approx(3)


def test_a_rec_file_is_a_volume(tmp_path):
    volume = np.arange(3 * 4 * 5, dtype="f4").reshape(3, 4, 5)  # z, y, x as IMOD writes it
    write_mrc(tmp_path / "a.rec", volume, (1.0, 2.0, 3.0))
    loaded = tomo.load(tmp_path / "a.rec")
    assert type(loaded) is tomo.RecStack
    assert loaded.data.shape == (5, 3, 4)
    assert np.array_equal(loaded.data, volume.transpose(2, 0, 1))
    scales = {axis.name: axis.scale for axis in loaded.axes_manager._axes}
    assert scales == pytest.approx({"x": 3, "y": 2, "z": 1}, rel=1e-6)


def test_given_tilts_come_before_those_of_the_file(series_file, tmp_path, counted):
    given = np.linspace(-36, 36, 13)
    text = tmp_path / "mine.txt"
    text.write_text("\n".join(map(str, given)), encoding="utf-8")
    for tilts in (given, list(given), text, str(text), tomo.TomoTilts(given)):
        stack = tomo.load(series_file, tilts=tilts)
        assert np.allclose(angles(stack), given)
        assert [r["operation"] for r in history.read(stack)] == ["source", "set_tilts"]
        # Entering tilts is no reason to convert the pixels.
        assert stack.data.dtype == np.int16
        assert np.array_equal(stack.data, counted)
    recipe = tomo.Recipe.of(stack)
    assert np.allclose(angles(recipe.run(tomo.load(series_file))), given)


def test_tlt_is_read_where_there_is_no_rawtlt(series_file, caplog):
    caplog.set_level(logging.INFO, "tomojupyter")
    series_file.with_suffix(".rawtlt").rename(series_file.with_suffix(".tlt"))
    assert angles(tomo.load(series_file))[0] == -60
    assert "series.mrc: tilts from series.tlt" in caplog.text


def test_without_tilts_they_are_zero_and_missed_later(series_file):
    series_file.with_suffix(".rawtlt").unlink()
    stack = tomo.load(series_file)
    assert not angles(stack).any()
    with pytest.raises(TiltsError, match="all tilts are 0°"):
        stack.stack_register()
    assert stack.set_tilts(start=-60, increment=10).stack_register().data.any()


def test_arrays_and_npy_files(tmp_path, counted):
    stack = tomo.load(counted, np.arange(13))
    assert np.shares_memory(stack.data, counted)
    assert history.read(stack)[0]["reader"] == "array"
    np.save(tmp_path / "a.npy", counted)
    stack = tomo.load(tmp_path / "a.npy", tilts=np.arange(13))
    assert np.array_equal(stack.data, counted)


@pytest.mark.parametrize(
    ("tilts", "sentence"),
    [
        ([0, 1, 2], "13 projections but 3 tilts: give one tilt angle a projection"),
        ([0.0] * 13, "all tilts are 0°"),
    ],
)
def test_tilts_that_cannot_be_are_refused(series_file, tilts, sentence):
    with pytest.raises(TiltsError, match=sentence):
        tomo.load(series_file, tilts=tilts)


def test_tilts_that_are_no_numbers_are_refused(series_file):
    with pytest.raises(ValueError, match="tilts must be finite numbers, but #3 is nan"):
        tomo.load(series_file, tilts=[0, 1, 2, np.nan, *range(4, 13)])
    with pytest.raises(ValueError, match="tilts must be a list of numbers"):
        tomo.load(series_file, tilts=["a"] * 13)


def test_a_list_of_the_wrong_length_beside_the_file_is_refused(series_file):
    series_file.with_suffix(".rawtlt").write_text("1\n2\n", encoding="utf-8")
    with pytest.raises(TiltsError, match=r"13 projections in series\.mrc but 2 tilts in series\.r"):
        tomo.load(series_file)
    assert tomo.load(series_file, tilts=np.arange(13)).data.any()


def test_tilts_of_a_volume_are_refused(tmp_path):
    write_mrc(tmp_path / "a.rec", np.ones((3, 4, 5), "f4"))
    with pytest.raises(TiltsError, match=r"a\.rec is a volume, which has no tilts"):
        tomo.load(tmp_path / "a.rec", tilts=[1, 2, 3])


def test_files_that_are_not_there_or_not_what_they_say(tmp_path, series_file):
    with pytest.raises(MissingFileError, match=r"gone\.mrc: there is no such file"):
        tomo.load(tmp_path / "gone.mrc")
    with pytest.raises(FileNotFoundError):
        tomo.load(tmp_path / "gone.mrc")
    with pytest.raises(MissingFileError, match="There is no file"):
        tomo.load(series_file, tilts=tmp_path / "gone.txt")
    with pytest.raises(FormatError, match="is a folder: name one of the files in it"):
        tomo.load(tmp_path)
    (tmp_path / "a.xyz").write_text("x", encoding="utf-8")
    with pytest.raises(FormatError, match=r"a\.xyz: \.xyz is not read; use one of \.mrc,"):
        tomo.load(tmp_path / "a.xyz")
    (tmp_path / "plain").write_text("x", encoding="utf-8")
    with pytest.raises(FormatError, match="plain: a file without extension is not read"):
        tomo.load(tmp_path / "plain")
    (tmp_path / "text.mrc").write_text("not an image " * 200, encoding="utf-8")
    with pytest.raises(FormatError, match=r"text\.mrc"):
        tomo.load(tmp_path / "text.mrc")
    raw = series_file.read_bytes()
    series_file.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(FormatError, match=r"series\.mrc"):
        tomo.load(series_file)
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"a\.npy cannot be read as a NumPy array"):
        tomo.load(tmp_path / "a.npy")
    np.save(tmp_path / "flat.npy", np.ones((3, 4)))
    with pytest.raises(DataError, match=r"axes \(tilt, y, x\)"):
        tomo.load(tmp_path / "flat.npy")


def test_a_hyperspy_file_keeps_its_history_and_takes_new_tilts(series, tmp_path):
    series.filter("median").save(tmp_path / "a.hspy")
    stack = tomo.load(tmp_path / "a.hspy", tilts=np.arange(13), lazy=True)
    operations = [r["operation"] for r in history.read(stack)]
    assert operations[-2:] == ["filter", "set_tilts"]
    assert operations.count("source") == 1
    assert stack._lazy


def test_a_file_of_several_signals_is_refused(tmp_path, series):
    h5py = pytest.importorskip("h5py")
    series.save(tmp_path / "a.hspy")
    with h5py.File(tmp_path / "a.hspy", "a") as file:
        group = file["Experiments"]
        group.copy(next(iter(group)), "another")
    with pytest.raises(FormatError, match=r"a\.hspy holds 2 signals: save the series alone"):
        tomo.load(tmp_path / "a.hspy")
