"""Tilts by precedence, and the tilt axis that a file gives."""

import logging

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import FormatError, TiltsError, TomojupyterWarning
from tomojupyter.formats import hyperspy_files
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import history

TILTS = np.array([-20.0, -10.0, 0.0, 10.0, 20.0])


@pytest.fixture
def counts():
    return np.random.default_rng(0).integers(-500, 500, (5, 7, 10)).astype("i2")


@pytest.fixture
def stack_file(tmp_path, counts):
    write_mrc(tmp_path / "a.st", counts, 0.5, is_volume=False)
    return tmp_path / "a.st"


def write_list(path, tilts):
    path.write_text("\n".join(str(t) for t in tilts), encoding="utf-8")


def angles(signal):
    return signal.tilts.data.ravel()


def test_each_place_gives_way_to_the_one_before(stack_file, give_header, mdoc_text, caplog):
    caplog.set_level(logging.INFO, "tomojupyter")
    give_header(stack_file, TILTS)
    assert np.allclose(angles(tomo.load(stack_file)), TILTS)
    assert "tilts from" not in caplog.text
    for i, name in enumerate(("a.rawtlt", "a.tlt"), start=1):
        write_list(stack_file.with_name(name), TILTS + i / 10)
        assert np.allclose(angles(tomo.load(stack_file)), TILTS + i / 10)
        assert f"a.st: tilts from {name}" in caplog.text
    mdoc = stack_file.with_name("a.st.mdoc")
    mdoc.write_text(mdoc_text(TILTS + 0.3), encoding="utf-8")
    assert np.allclose(angles(tomo.load(stack_file)), TILTS + 0.3)
    given = tomo.load(stack_file, tilts=TILTS + 7)
    assert np.allclose(angles(given), TILTS + 7)
    assert [r["operation"] for r in history.read(given)] == ["source", "set_tilts"]


def test_tilts_that_differ_are_warned_of(stack_file, give_header, mdoc_text):
    give_header(stack_file, TILTS)
    other = TILTS.copy()
    other[3] = 12.5
    write_list(stack_file.with_name("a.tlt"), other)
    with pytest.warns(TomojupyterWarning) as said:
        assert np.array_equal(angles(tomo.load(stack_file)), other)
    assert [str(w.message) for w in said] == [
        "a.st: the tilts of a.tlt are used; those of its header differ by up to 2.5°, "
        "most at #3 (12.5° and 10.0°)"
    ]
    stack_file.with_name("a.mdoc").write_text(mdoc_text(TILTS), encoding="utf-8")
    with pytest.warns(TomojupyterWarning, match=r"tilts of a\.mdoc are used; those of a\.tlt"):
        assert np.array_equal(angles(tomo.load(stack_file)), TILTS)


def test_a_list_of_another_length_is_left_out_where_there_are_others(stack_file, give_header):
    write_list(stack_file.with_name("a.rawtlt"), TILTS[1:])
    with pytest.raises(TiltsError, match=r"5 projections in a\.st but 4 tilts in a\.rawtlt"):
        tomo.load(stack_file)
    give_header(stack_file, TILTS)
    with pytest.warns(TomojupyterWarning, match=r"a\.rawtlt holds 4 tilts for the 5 projections"):
        assert np.allclose(angles(tomo.load(stack_file)), TILTS)


def test_an_mdoc_of_another_length_is_left_out_too(stack_file, mdoc_text):
    stack_file.with_name("a.mdoc").write_text(mdoc_text([*TILTS, 30]), encoding="utf-8")
    with pytest.raises(TiltsError, match=r"5 projections in a\.st but 6 tilts in a\.mdoc"):
        tomo.load(stack_file)
    write_list(stack_file.with_name("a.tlt"), TILTS)
    with pytest.warns(TomojupyterWarning, match=r"a\.mdoc holds 6 tilts for the 5 projections"):
        assert np.allclose(angles(tomo.load(stack_file)), TILTS)


def test_noughts_are_no_tilts_where_there_are_some(stack_file, give_header):
    give_header(stack_file, TILTS)
    write_list(stack_file.with_name("a.tlt"), [0] * 5)
    assert np.allclose(angles(tomo.load(stack_file)), TILTS)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_axis_along_y_turns_the_images_exactly(stack_file, counts, give_header, lazy):
    give_header(stack_file, TILTS, "Tilt axis angle = 0.0, binning = 1  spot = 7  camera = 0")
    with pytest.warns(TomojupyterWarning) as said:
        stack = tomo.load(stack_file, lazy=lazy)
    assert [str(w.message) for w in said] == [
        "a.st: the tilt axis lies 0° from y in the file; the images were turned by 90°, which "
        "copies the pixels, to have it along x"
    ]
    assert stack._lazy == lazy
    assert stack.data.dtype == np.int16
    # Rows count upwards in these files: the top of the picture comes to the right.
    assert np.array_equal(np.asarray(stack.data), counts.swapaxes(1, 2)[:, ::-1])
    assert stack.metadata.Tomography.tiltaxis == 0
    assert history.read(stack)[-1]["asked"] == {"angle": None}
    assert history.read(stack)[-1]["resolved"] == {"angle": 0.0}
    assert np.allclose(angles(stack), TILTS)


def test_the_rest_of_the_angle_goes_to_tiltaxis(stack_file, counts, give_header):
    give_header(stack_file, TILTS, "Tilt axis angle = 4.5, binning = 1")
    with pytest.warns(TomojupyterWarning, match=r"lies 4\.5° from y .* and rotated by -4\.5°"):
        stack = tomo.load(stack_file)
    assert stack.metadata.Tomography.tiltaxis == pytest.approx(-4.5)
    assert stack._deferred  # no pixel was touched yet
    by_hand = tomo.TomoStack(counts, TILTS).set_axis(angle=0).tilt_align("manual", angle=-4.5)
    assert np.allclose(stack.data, by_hand.data)
    assert np.allclose(stack.transforms, by_hand.transforms, rtol=0, atol=1e-9)


def test_an_axis_along_x_is_left_alone(stack_file, counts, give_header):
    give_header(stack_file, TILTS, "Tilt axis angle = -90.0, binning = 2")
    stack = tomo.load(stack_file)
    assert np.array_equal(stack.data, counts)
    assert [r["operation"] for r in history.read(stack)] == ["source"]


def test_a_recipe_turns_a_loaded_file_once(stack_file, give_header):
    give_header(stack_file, TILTS, "Tilt axis angle = 2.0")
    with pytest.warns(TomojupyterWarning, match="along x"):
        stack = tomo.load(stack_file)
    for resolved in (True, False):
        again = tomo.Recipe.of(stack, resolved=resolved).run(stack)
        assert np.allclose(again.transforms, stack.transforms, rtol=0, atol=1e-9)
    # On another file its own angle counts, unless the recipe was frozen.
    give_other = tomo.Recipe.of(stack, resolved=False)
    bare = tomo.TomoStack(np.zeros((5, 7, 10)), TILTS)
    assert np.array_equal(give_other.run(bare).transforms, bare.transforms)
    assert tomo.Recipe.of(stack).run(bare).data.shape == (5, 10, 7)


def test_an_aligned_stack_of_imod_has_its_axis_along_y(stack_file, counts, give_header):
    give_header(stack_file, TILTS, "NEWSTACK: Images copied, transformed      04-Mar-24")
    assert np.array_equal(tomo.load(stack_file).data, counts)
    aligned = stack_file.rename(stack_file.with_suffix(".ali"))
    with pytest.warns(TomojupyterWarning, match=r"a\.ali: the tilt axis lies 0° from y"):
        assert tomo.load(aligned).data.shape == (5, 10, 7)


def test_zspy_without_zarr_says_what_to_install(tmp_path, counts, monkeypatch):
    monkeypatch.setattr(hyperspy_files, "zarr_is_there", lambda: False)
    (tmp_path / "a.zspy").mkdir()
    sentence = r"[ab]\.zspy: \.zspy needs the package zarr in version 2, which is not installed"
    with pytest.raises(ValueError, match=sentence):
        tomo.load(tmp_path / "a.zspy")
    with pytest.raises(ValueError, match=sentence):
        tomo.TomoStack(counts, TILTS).save(tmp_path / "b.zspy")


@pytest.mark.filterwarnings("ignore:The NestedDirectoryStore is deprecated:FutureWarning")
def test_zspy_is_lossless(tmp_path, counts):
    if not hyperspy_files.zarr_is_there():
        pytest.skip("zarr 2 is not installed")
    stack = tomo.TomoStack(counts, TILTS).set_axis(angle=0).tilt_align("manual", shift=1)
    stack.save(tmp_path / "a.zspy")
    for lazy in (False, True):
        back = tomo.load(tmp_path / "a.zspy", lazy=lazy)
        assert np.array_equal(np.asarray(back.data), stack.data)
        assert np.array_equal(back.transforms, stack.transforms)
        assert history.read(back) == history.read(stack)
    with pytest.raises(FormatError, match="is a folder"):
        tomo.load(tmp_path)


def test_a_series_acquired_along_y_gives_the_same_volume(tmp_path, series, give_header):
    acquired = np.ascontiguousarray(series.data.swapaxes(1, 2)[:, :, ::-1])
    write_mrc(tmp_path / "y.mrc", acquired, 0.5, is_volume=False)
    give_header(tmp_path / "y.mrc", angles(series), "Tilt axis angle = 0.0")
    with pytest.warns(TomojupyterWarning, match="along x"):
        stack = tomo.load(tmp_path / "y.mrc")
    assert np.array_equal(stack.data, series.data)
    one, other = (
        s.stack_register("PC").reconstruct("SIRT", 3, show_progressbar=False).data
        for s in (stack, series)
    )
    assert np.allclose(one, other, rtol=0, atol=1e-5 * other.max())
