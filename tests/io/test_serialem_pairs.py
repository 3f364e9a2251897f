"""SerialEM's pairs of stack and .mdoc: tilts, pixel size, axis, frames."""

import numpy as np
import pytest
from scipy import ndimage

import tomojupyter.api as tomo
from tomojupyter.errors import (
    FormatError,
    IncompleteFileError,
    MissingFileError,
    ParameterError,
    TiltsError,
    TomojupyterWarning,
)
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import history

TILTS = [0.0, 3.0, -3.0, -6.0, 6.0]  # dose-symmetric


def angles(signal):
    return signal.tilts.data.ravel().tolist()


@pytest.fixture
def counts():
    return np.random.default_rng(0).integers(-500, 500, (5, 6, 8)).astype("i2")


@pytest.mark.parametrize("mdoc", ["a.mrc.mdoc", "a.mdoc"])
def test_a_pair_is_loaded_as_stored(pair, counts, mdoc):
    stack = tomo.load(pair(counts, TILTS, mdoc=mdoc))
    assert angles(stack) == TILTS
    assert stack.data.dtype == np.int16
    assert np.array_equal(stack.data, counts)
    y, x = stack.axes_manager._axes[1:]
    assert (y.scale, y.units, x.scale, x.units) == (0.5, "nm", 0.5, "nm")
    tem = stack.metadata.Acquisition_instrument.TEM
    assert (tem.beam_energy, tem.magnification, tem.spot_size, tem.defocus) == (
        300,
        115000,
        7,
        -0.5,
    )
    assert stack.original_metadata.mdoc.general.ImageFile == "a.mrc"
    assert stack._axis_angle(of_file=True) == -90
    assert [r["operation"] for r in history.read(stack)] == ["source"]


def test_the_pixel_size_of_the_mdoc_where_the_stack_has_none(pair, counts):
    path = pair(counts, TILTS, pixel=7.88)
    assert tomo.load(path).axes_manager["x"].scale == 0.5
    write_mrc(path, counts, None, is_volume=False)
    axis = tomo.load(path).axes_manager["x"]
    assert (axis.scale, axis.units) == (0.788, "nm")


def test_an_mdoc_may_be_named(pair, counts, tmp_path):
    path = pair(counts, TILTS, mdoc="elsewhere.txt")
    assert angles(tomo.load(path)) == [0] * 5
    for mdocs in (tmp_path / "elsewhere.txt", [str(tmp_path / "elsewhere.txt")]):
        assert angles(tomo.load(path, mdocs=mdocs)) == TILTS
    with pytest.raises(ParameterError, match=r"one file has one \.mdoc, got 2"):
        tomo.load(path, mdocs=["a", "b"])
    with pytest.raises(MissingFileError, match="There is no file"):
        tomo.load(path, mdocs=tmp_path / "gone.mdoc")


def test_a_damaged_mdoc_is_left_out_with_a_word(pair, counts):
    path = pair(counts, TILTS)
    path.with_name("a.mrc.mdoc").write_bytes(b"\0\0")
    with pytest.warns(TomojupyterWarning, match=r"it is not text\. Nothing is taken from it"):
        stack = tomo.load(path)
    assert angles(stack) == [0] * 5


@pytest.fixture
def framed():
    """Two tilts of three frames each, which move by (0, 1.5, -2) and (0, 3, -1.25) px."""
    rng = np.random.default_rng(1)
    clean, frames = [], []
    moves = [[(0, 0), (1.5, -2), (3, -1.25)], [(0.5, 0), (0, 0), (-2, 1)]]
    for tilt in moves:
        image = ndimage.gaussian_filter(rng.normal(size=(64, 80)), 3) * 4000
        image[:8] = image[-8:] = image[:, :8] = image[:, -8:] = 0
        clean.append(image)
        moved = [ndimage.shift(image, move, order=3, mode="nearest") for move in tilt]
        frames += [m + rng.normal(0, 20, m.shape) for m in moved]
    return np.array(clean), np.round(frames).astype("i2"), np.array(moves)


FRAMED = [-3.0] * 3 + [3.001, 3.0, 3.0]


def test_frames_are_registered_and_averaged(pair, framed):
    clean, frames, moves = framed
    stack = tomo.load(pair(frames, FRAMED))
    assert angles(stack) == [-3.0, 3.001]
    assert stack.data.dtype == np.float32
    record = history.read(stack)[0]
    assert (record["frames"], record["frames_per_tilt"]) == ("mean", 3)
    # Each frame came onto the middle one.
    shifts = np.array(record["frame_shifts"])
    assert np.allclose(shifts, moves[:, 1:2] - moves, rtol=0, atol=0.05)
    expected = np.stack(
        [ndimage.shift(c, m[1], order=3) for c, m in zip(clean, moves, strict=True)]
    )
    inner = (slice(None), slice(6, -6), slice(6, -6))
    error = (stack.data - expected)[inner]
    # The noise of 20 of three frames averages to 12; unregistered, the error is 10 times that.
    assert np.sqrt(np.mean(error**2)) < 15
    plain = frames.reshape(2, 3, 64, 80).mean(axis=1)
    assert np.sqrt(np.mean((plain - expected)[inner] ** 2)) > 60


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(("frames", "index"), [("first", 0), (0, 0), (2, 2), (-1, 2)])
def test_one_of_the_frames(pair, framed, frames, index, lazy):
    _, pixels, _ = framed
    stack = tomo.load(pair(pixels, FRAMED), frames=frames, lazy=lazy)
    assert stack.data.dtype == np.int16
    assert np.array_equal(np.asarray(stack.data), pixels[index::3])
    assert angles(stack) == [-3.0, 3.001]
    assert history.read(stack)[0]["frames"] == index


def test_all_frames(pair, framed):
    _, pixels, _ = framed
    stack = tomo.load(pair(pixels, FRAMED), frames="all")
    assert np.array_equal(stack.data, pixels)
    assert angles(stack) == FRAMED


def test_pieces_of_a_montage_are_no_frames(pair, framed):
    path = pair(framed[1], FRAMED)
    mdoc = path.with_name("a.mrc.mdoc")
    mdoc.write_text("Montage = 1\n" + mdoc.read_text(encoding="utf-8"), encoding="utf-8")
    assert angles(tomo.load(path)) == FRAMED


@pytest.mark.parametrize("frames", ["median", None, 1.5, True])
def test_other_words_for_frames_are_refused(pair, framed, frames):
    with pytest.raises(ParameterError, match="frames must be 'mean', 'first', 'all' or the index"):
        tomo.load(pair(framed[1], FRAMED), frames=frames)


def test_a_frame_that_is_not_there_is_refused(pair, framed):
    with pytest.raises(ParameterError, match=r"frames must be from 0 to 2: a\.mrc has 3 frames"):
        tomo.load(pair(framed[1], FRAMED), frames=3)


def test_frames_without_structure_are_averaged_as_they_are(pair):
    frames = np.full((2, 32, 32), 7, "i2")
    with pytest.warns(TomojupyterWarning, match="frames of #0 could not be registered"):
        stack = tomo.load(pair(frames, [5.0, 5.0]))
    assert (stack.data == 7).all()


def test_a_tilt_taken_twice_is_no_series_of_frames(pair, counts):
    tilts = [0.0, 3.0, 0.0, 0.0, -3.0]
    assert angles(tomo.load(pair(counts, tilts))) == tilts


def test_a_list_of_pairs_is_one_series(tmp_path, pair, framed):
    _, pixels, _ = framed
    files = [
        pair(pixels[k : k + 3], [tilt] * 3, f"{name}.mrc", f"{name}.mdoc")
        for name, tilt, k in (("one", 9.0, 0), ("two", -9.0, 3))
    ]
    stack = tomo.load(files, frames="first")
    assert angles(stack) == [-9, 9]
    assert np.array_equal(stack.data, pixels[[3, 0]])
    assert history.read(stack)[0]["files"] == ["two.mrc", "one.mrc"]
    assert len(history.read(stack)[0]["checksums"]) == 2
    mean = tomo.load([str(f) for f in files])
    alone = tomo.load(files[1])
    assert np.array_equal(mean.data[0], alone.data[0])
    assert np.shape(history.read(mean)[0]["frame_shifts"]) == (2, 3, 2)
    lazy = tomo.load(files, frames=1, lazy=True)
    assert np.array_equal(lazy.data.compute(), pixels[[4, 1]])
    mdocs = [tmp_path / "two.mdoc", tmp_path / "one.mdoc"]
    assert np.array_equal(tomo.load(files, None, mdocs, frames=0).data, pixels[[0, 3]])
    with pytest.raises(ParameterError, match="mdocs must name one file for each of the 2 files"):
        tomo.load(files, mdocs=mdocs[:1])
    given = tomo.load(files, tilts=[1, 2], frames=0)
    assert angles(given) == [1, 2]
    assert np.array_equal(given.data, pixels[[0, 3]])


def test_files_of_one_series_that_differ_in_their_axis_are_warned_of(pair, counts):
    files = [
        pair(counts[i : i + 1], [3.0 * i], f"{i}.mrc", f"{i}.mdoc", axis=axis)
        for i, axis in enumerate((-90.0, 89.8, -87.0))
    ]
    assert tomo.load(files[:2])._axis_angle(of_file=True) == -90
    with pytest.warns(TomojupyterWarning, match=r"2\.mrc gives a tilt axis of -87°, 0\.mrc one of"):
        assert np.array_equal(tomo.load(files).data, counts[:3])


def test_files_that_make_no_series_are_refused(tmp_path, pair, counts):
    one = pair(counts[:1], [3.0], "one.mrc", "one.mdoc")
    write_mrc(tmp_path / "bare.mrc", counts[:1], 0.5, is_volume=False)
    with pytest.raises(TiltsError, match=r"bare\.mrc names no tilt, as 1 of 2 files"):
        tomo.load([one, tmp_path / "bare.mrc"])
    assert angles(tomo.load([tmp_path / "bare.mrc"] * 2)) == [0, 0]
    write_mrc(tmp_path / "small.mrc", counts[:1, 1:], 0.5, is_volume=False)
    with pytest.raises(FormatError, match=r"small\.mrc holds int16 images of 8 x 5 px, one\.mrc"):
        tomo.load([one, tmp_path / "small.mrc"])
    write_mrc(tmp_path / "far.mrc", counts[:1], 0.7, is_volume=False)
    with pytest.raises(FormatError, match=r"far\.mrc has pixels of 0\.7 nm, one\.mrc of 0\.5 nm"):
        tomo.load([one, tmp_path / "far.mrc"])
    several = pair(counts, TILTS, "several.mrc", "several.mdoc")
    with pytest.raises(TiltsError, match=r"several\.mrc holds 5 tilts: a list of files is one"):
        tomo.load([several, one])
    tomo.TomoStack(counts, TILTS).save(tmp_path / "a.hspy")
    with pytest.raises(FormatError, match=r"a\.hspy is no single image"):
        tomo.load([tmp_path / "a.hspy"])


def test_real_files(real_data):
    path = real_data / "serialem" / "test_000.mrc"
    stack = tomo.load(path, frames="first")
    assert stack.data.shape == (1, 1024, 1024)
    assert angles(stack) == [-0.000488]
    assert (stack.axes_manager["x"].scale, stack.axes_manager["x"].units) == (0.788, "nm")
    assert stack._axis_angle(of_file=True) == -90
    both = tomo.load(path, frames="all").data
    assert np.array_equal(both[0], stack.data[0])
    # Half a second apart: the frames moved by a third of a pixel.
    shifts = np.array(history.read(tomo.load([path]))[0]["frame_shifts"])
    assert np.abs(shifts).max() < 0.5


@pytest.mark.parametrize("beside", ["mdoc", "rawtlt"])
def test_the_first_sections_of_a_file_that_ends_early(pair, beside):
    images = np.arange(5 * 48, dtype="i2").reshape(5, 6, 8)
    tilts = [-20.0, -10.0, 0.0, 10.0, 20.0]
    path = pair(images, tilts)
    if beside == "rawtlt":
        path.with_suffix(".mrc.mdoc").unlink()
        path.with_suffix(".rawtlt").write_text("\n".join(map(str, tilts)))
    path.write_bytes(path.read_bytes()[: 1024 + 3 * 96 + 20])
    with pytest.raises(
        IncompleteFileError, match=r"3 are complete\. Load 3 \(sections=3\)"
    ) as told:
        tomo.load(path)
    for lazy in (False, True):
        stack = tomo.load(path, sections=told.value.complete, lazy=lazy)
        assert np.array_equal(np.asarray(stack.data), images[:3])
        assert stack.tilts.data.ravel().tolist() == tilts[:3]
        assert history.read(stack)[0]["sections"] == 3


def test_sections_of_what_is_no_mrc_file_are_refused(tmp_path, pair):
    images = np.zeros((3, 8, 8), np.float32)
    np.save(tmp_path / "series.npy", images)
    one = pair(images.astype("i2"), [0.0, 1.0, 2.0])
    for what in (tmp_path / "series.npy", [one, one], images):
        with pytest.raises(ParameterError, match="sections is for one MRC file"):
            tomo.load(what, sections=2)
