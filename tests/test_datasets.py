"""The needle from a folder, the catalyst from a seed."""

import inspect

import numpy as np
import pooch
import pytest

from tomojupyter import datasets
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.simulation import truth_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(datasets.DATA_DIR, str(tmp_path))
    return tmp_path


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No network and an empty cache."""
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path / "cache")

    def refuse(*args, **keywords):
        raise OSError("no network in this test")

    monkeypatch.setattr(pooch, "retrieve", refuse)


def test_the_needle_comes_from_the_data_folder(folder, offline, series):
    write_mrc(folder / "HAADF.mrc", np.ones((3, 4, 5), "i2"), 1.0, is_volume=False)
    (folder / "HAADF.rawtlt").write_text("-10\n0\n10\n", encoding="utf-8")
    series.save(folder / "HAADF_Aligned.hspy")
    needle = datasets.get_needle_data()
    assert needle.data.shape == (3, 4, 5)
    assert needle.tilts.data.ravel().tolist() == [-10, 0, 10]
    aligned = datasets.get_needle_data(aligned=True)
    assert np.array_equal(aligned.data, series.data)


def test_offline_the_needle_says_where_to_put_the_file(monkeypatch, offline, tmp_path):
    monkeypatch.delenv(datasets.DATA_DIR, raising=False)
    with pytest.raises(MissingFileError) as caught:
        datasets.get_needle_data()
    sentence = str(caught.value)
    assert sentence.startswith("HAADF.rawtlt could not be downloaded from https://")
    assert f"put the file into {tmp_path / 'cache'}, or into a folder of your own" in sentence
    assert sentence.endswith("name that in TOMOJUPYTER_DATA_DIR")
    assert caught.value.__suppress_context__


def test_downloads_are_checked_by_their_hash(monkeypatch, tmp_path):
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash))
        raise ValueError("the hash differs")

    monkeypatch.delenv(datasets.DATA_DIR, raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(MissingFileError):
        datasets.get_needle_data(aligned=True)
    ((url, known),) = asked
    assert url.endswith("/HAADF_Aligned.hspy")
    assert known == f"sha256:{datasets.HASHES['HAADF_Aligned.hspy']}"
    assert all(len(value) == 64 for value in datasets.HASHES.values())


def test_a_data_folder_that_is_not_there_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv(datasets.DATA_DIR, str(tmp_path / "gone"))
    with pytest.raises(MissingFileError, match=r"TOMOJUPYTER_DATA_DIR names .*gone, which is no"):
        datasets.get_needle_data()
    monkeypatch.setenv(datasets.DATA_DIR, "")
    assert datasets.data_dir() is None


def test_the_data_folder_can_be_set(monkeypatch, tmp_path):
    monkeypatch.setenv(datasets.DATA_DIR, "before")
    datasets.use_data_dir(tmp_path)
    assert datasets.data_dir() == tmp_path.resolve()


def test_the_catalyst_takes_the_keywords_of_etspy_in_their_order():
    """Of ETSpy 1.3.0, by inspect; what is ours follows by keyword."""
    theirs = {
        "misalign": False, "minshift": -5, "maxshift": 5, "tiltshift": 0, "tiltrotate": 0,
        "y_only": False, "noise": False, "noise_factor": 0.2,
    }  # fmt: skip
    ours = inspect.signature(datasets.get_catalyst_data).parameters.values()
    shared = [p for p in ours if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [(p.name, p.default) for p in shared] == list(theirs.items())
    assert all(p.kind is p.KEYWORD_ONLY for p in list(ours)[len(theirs) :])


def small(**keywords):
    return datasets.get_catalyst_data(size=24, tilts=[-40, 0, 40], **keywords)


def test_the_catalyst_is_aligned_unless_asked_otherwise():
    stack = small()
    assert str(stack) == "<TomoStack, title: Simulated catalyst, dimensions: (3|24, 24)>"
    truth = truth_of(stack)
    assert not truth.shifts.any()
    assert truth.shift == truth.angle == 0
    assert datasets.get_catalyst_data(size=8).data.shape == (73, 8, 8)


def test_misalignment_is_random_in_its_range_and_repeats_with_the_seed():
    stack = datasets.get_catalyst_data(
        misalign=True, minshift=-3, maxshift=2, size=16, tilts=np.arange(-60, 61, 4.0)
    )
    moves = -truth_of(stack).shifts
    assert moves.shape == (31, 2)
    assert -3 <= moves.min() < -2
    assert 1 < moves.max() <= 2
    assert np.array_equal(small(misalign=True).data, small(misalign=True).data)
    assert not np.array_equal(small(misalign=True).data, small(misalign=True, seed=1).data)
    along_y = truth_of(small(misalign=True, y_only=True)).shifts
    assert along_y[:, 0].any()
    assert not along_y[:, 1].any()
    assert truth_of(datasets.get_catalyst_data(size=8, misalign=True)).shifts.shape == (73, 2)


def test_the_tilt_shift_moves_across_the_axis():
    """Along y, in full pixels: rows move, columns stay."""
    still, moved = small(), small(tiltshift=3)
    assert np.allclose(moved.data[:, 3:], still.data[:, :-3], atol=1e-4 * still.data.max())
    assert truth_of(moved).shift == -3


def test_the_tilt_rotation_is_undone_by_the_truth():
    still, turned = (
        datasets.get_catalyst_data(size=96, tilts=[-40, 0, 40], tiltrotate=a) for a in (0, 6)
    )
    truth = truth_of(turned)
    assert truth.angle == -6
    back = turned.tilt_align("manual", shift=truth.shift, angle=truth.angle)
    inside = back.covered()
    error = np.abs(back.data - still.data)[inside].mean()
    # The edges of the particles are sharp, so one interpolation costs something.
    assert error < 0.25 * np.abs(turned.data - still.data)[inside].mean()


def test_noise_is_poisson_of_the_stated_width():
    clean, noisy = small(), small(noise=True, noise_factor=0.1)
    specimen = clean.data > 0.2 * clean.data.max()
    counts = noisy.data * truth_of(noisy).gain
    assert np.allclose(counts, np.round(counts), atol=1e-2)
    mean = counts[clean.data > 0].mean()
    assert mean == pytest.approx(100, rel=0.05)
    # Variance by mean is 1 for Poisson numbers; its standard error here is about 0.06.
    spread = (counts - clean.data * truth_of(noisy).gain)[specimen] ** 2
    assert spread.mean() / (clean.data * truth_of(noisy).gain)[specimen].mean() == pytest.approx(
        1, abs=0.25
    )


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ({"misalign": True, "minshift": 3, "maxshift": 2}, "minshift must be at most maxshift, go"),
        ({"noise": True, "noise_factor": 0}, "noise_factor must be more than 0, got 0"),
        ({"counts": -1}, "counts must be above 0"),
    ],
)
def test_values_out_of_range_are_sentences(keywords, sentence):
    with pytest.raises(ParameterError, match=sentence):
        small(**keywords)


def test_the_demo_is_a_drifting_noisy_series():
    demo = datasets.get_demo_data(size=16)
    truth = truth_of(demo)
    assert truth.shifts.any()
    assert truth.gain > 0
    assert truth.angle == -1.5
    assert truth.shift == pytest.approx(-5 / 16)
