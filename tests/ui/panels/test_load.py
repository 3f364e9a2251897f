import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, MissingFileError
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.suffixes import READABLE, SIDECARS
from tomojupyter.ui import RegisterPanel
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels import load_more
from tomojupyter.ui.panels.files import DataFolder
from tomojupyter.ui.panels.load import LIST, RANGE, LoadPanel
from tomojupyter.ui.panels.noticed import noticed
from tomojupyter.ui.session import Session
from tomojupyter.ui.sources import Source


@pytest.fixture
def folder(tmp_path, stack):
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    np.save(root / "bare.npy", stack.data)
    stack.save(root / "sub" / "series.hspy")
    (root / "notes.txt").write_text("hello")
    (root / "fake.mrc").write_text("this is text, not an image")
    (root / ".hidden.npy").write_bytes(b"")
    (tmp_path / "secret.npy").write_bytes(b"")
    (root / "link.npy").symlink_to(tmp_path / "secret.npy")
    (root / "out").symlink_to(tmp_path)
    return root


@pytest.fixture
def panel(folder):
    return LoadPanel(Session(executor=Inline(), folder=folder))


@pytest.fixture
def seen(panel):
    panel.activate()
    return panel


def rows(panel):
    return {row.children[0].description: row.children for row in panel.files.rows.children}


def test_folder_lists_what_can_be_opened_first_and_nothing_from_outside(folder):
    names = [(e.name, e.folder, e.readable) for e in DataFolder(folder).entries()]
    assert names == [
        ("sub", True, True),
        ("bare.npy", False, True),
        ("fake.mrc", False, True),
        ("notes.txt", False, False),
    ]


@pytest.mark.parametrize(
    "path", ["..", "../secret.npy", "link.npy", "out/secret.npy", "/etc/passwd"]
)
def test_no_path_leads_out_of_the_folder(folder, path):
    with pytest.raises(DataError, match="outside of the data folder"):
        DataFolder(folder).inside(path)


def test_folder_that_is_gone_is_a_sentence(folder):
    with pytest.raises(MissingFileError, match="cannot be read"):
        DataFolder(folder).entries("gone")


def test_list_filters_and_walks_folders(seen):
    assert rows(seen)["notes.txt"][0].disabled
    seen.controls["filter"].value = "BARE"
    assert list(rows(seen)) == ["bare.npy"]
    seen.controls["filter"].value = "zzz"
    assert len(seen.files.rows.children) == 1
    seen.controls["filter"].value = ""
    rows(seen)["sub"][0].click()
    assert list(rows(seen)) == ["..", "series.hspy"]
    rows(seen)[".."][0].click()
    assert "bare.npy" in rows(seen)


def test_opening_shows_but_changes_nothing_until_use(seen, folder):
    rows(seen)["bare.npy"][0].click()
    assert seen.session.cursor is None
    assert "load <b>bare.npy</b>" in seen.record.value
    assert "tilts are not known" in seen.messages.value
    assert seen.apply.disabled


def test_tilts_and_pixel_by_panel_and_by_method_are_the_same(seen, folder, timeless):
    rows(seen)["bare.npy"][0].click()
    seen.controls["tilts"].value = RANGE
    assert "Enter the first tilt and the step." in seen.messages.value
    seen.controls["start"].value = "−60"
    seen.controls["increment"].value = 10
    seen.controls["pixel"].value = "0.42"
    assert seen.view._tilts[0] == -60
    entered = {k: c.value for k, c in seen.controls.items()}
    seen.reset.click()
    assert seen.steps() == []
    for name, value in entered.items():
        seen.controls[name].value = value
    seen.apply.click()
    expected = tomo.load(folder / "bare.npy")
    expected = expected.set_tilts("range", start=-60, increment=10).set_scale("pixel", size=0.42)
    made = seen.session.signal
    np.testing.assert_array_equal(made.data, expected.data)
    np.testing.assert_array_equal(made.tilts.data, expected.tilts.data)
    assert made.axes_manager.signal_axes[0].scale == pytest.approx(0.42)
    assert timeless(made) == timeless(expected)


def test_tilt_axis_by_panel_and_by_method_are_the_same(seen, folder, timeless):
    rows(seen)["sub"][0].click()
    rows(seen)["series.hspy"][0].click()
    before = tomo.load(folder / "sub" / "series.hspy")
    assert seen.axis.placeholder == "−90"
    seen.controls["axis"].value = "up"
    assert "tilt axis must be a number" in seen.messages.value
    seen.controls["axis"].value = "−2.5"
    seen.apply.click()
    expected = before.set_axis(angle=-2.5)
    made = seen.session.signal
    np.testing.assert_array_equal(made.data, expected.data)
    assert timeless(made) == timeless(expected)
    assert seen.axis.value == ""


def test_every_format_that_is_read_is_offered(folder):
    for suffix in READABLE:
        (folder / f"x{suffix.upper()}").write_bytes(b"")
    for suffix in SIDECARS:
        (folder / f"x{suffix}").write_bytes(b"")
    (folder / "y.zspy").mkdir()
    found = {e.name: e for e in DataFolder(folder).entries()}
    assert all(found[f"x{suffix.upper()}"].readable for suffix in READABLE)
    assert not [name for name in found if name.endswith(SIDECARS)]
    assert (found["y.zspy"].folder, found["y.zspy"].note) == (False, "zspy")


def test_list_of_tilts_must_fit(seen):
    rows(seen)["bare.npy"][0].click()
    seen.controls["tilts"].value = LIST
    seen.controls["list"].value = "-10 0 10"
    assert "13 frames but 3 tilts" in seen.messages.value
    seen.controls["list"].value = "one, two"
    assert "must be numbers" in seen.messages.value
    seen.controls["list"].value = ", ".join(str(t) for t in range(13))
    assert not seen.apply.disabled
    seen.apply.click()
    np.testing.assert_array_equal(seen.session.signal.tilts.data.ravel(), range(13))


def test_file_that_is_not_what_its_name_says_is_a_sentence(seen, stack):
    rows(seen)["fake.mrc"][0].click()
    assert seen.session.message.kind == "error"
    assert "fake.mrc" in seen.session.message.text
    assert "bare.npy" in rows(seen)
    assert seen.candidate is None


def test_path_from_outside_is_refused_by_the_panel(seen):
    with seen.session.attempt("Load"):
        seen.open_file("../secret.npy")
    assert "outside of the data folder" in seen.session.message.text


def test_catalyst_by_panel_and_by_function_are_the_same(seen, timeless):
    seen.catalyst.click()
    seen.apply.click()
    expected = tomo.datasets.get_demo_data()
    np.testing.assert_array_equal(seen.session.signal.data, expected.data)
    assert timeless(seen.session.signal) == timeless(expected)
    assert seen.result is seen.session.signal


def test_series_in_use_can_be_corrected(session, timeless):
    panel = LoadPanel(session)
    panel.activate()
    before = session.signal
    assert panel.apply.disabled
    panel.controls["pixel"].value = 2
    assert not panel.apply.disabled
    panel.apply.click()
    assert timeless(session.signal) == timeless(before.set_scale("pixel", size=2))
    session.undo()
    assert session.signal is before


def test_bad_pixel_size_is_a_sentence(seen):
    seen.catalyst.click()
    seen.controls["pixel"].value = "small"
    assert "must be a number in nm" in seen.messages.value
    seen.controls["pixel"].value = "-1"
    assert "more than 0" in seen.messages.value


def test_volume_goes_straight_to_the_session(seen, folder, stack):
    stack.reconstruct("FBP", show_progressbar=False).save(folder / "volume.hspy")
    seen.files.update()
    rows(seen)["volume.hspy"][0].click()
    assert seen.session.volume is not None
    assert seen.session.signal is None
    assert seen.session.message.kind == "good"


def sentences(images, tilts, known=True):
    return [text for _, text in noticed(images, tilts, known)]


def test_dark_blank_and_nan_frames_are_noticed(stack):
    images = stack.data.astype(np.float32).copy()
    tilts = stack.tilts.data.ravel()
    images[3] *= 0.8
    images[5] = 0
    images[7, 2, 2] = np.nan
    found = sentences(images, tilts)
    assert "1 pixels have no finite value; they get no weight." in found
    assert any("−10.0° (#5) is blank" in text for text in found)
    assert any("−30.0° (#3)" in text and "darker" in text for text in found)


def test_calm_series_gets_ticks():
    image = np.zeros((32, 32), np.float32)
    image[12:20, 10:22] = 1
    found = noticed(np.stack([image] * 5), np.arange(-20, 21, 10.0), True)
    assert found == [
        ("good", "Tilts rise evenly by 10° and include 0°."),
        ("good", "Neighbouring frames hardly move."),
    ]


def test_movement_is_measured():
    image = np.zeros((64, 64), np.float32)
    image[20:30, 20:30] = 1
    images = np.stack([image, np.roll(image, 6, 1), image])
    assert any("move by about 6 px" in s for s in sentences(images, np.array([-1.0, 0.0, 2.0])))


def test_a_blank_frame_is_no_movement_and_a_mixed_order_is_said():
    image = np.zeros((64, 64), np.float32)
    image[20:40, 22:44] = 1
    images = np.stack([image] * 9)
    images[4] = 0
    tilts = np.array([0, 3, -3, 6, -6, 9, -9, 12, -12.0])
    found = noticed(images, tilts, True, [(4, "blank: nothing to see")])
    assert ("good", "Neighbouring frames hardly move.") in found
    assert ("good", "Sorted by tilt for you; the order of the file is kept.") in found
    assert not any("Sorted" in s for s in sentences(images, np.sort(tilts)))
    assert not any("Sorted" in s for s in sentences(images, np.sort(tilts)[::-1]))


def test_unknown_tilts_are_noticed(stack):
    assert any("not known" in s for s in sentences(stack.data, np.arange(13.0), False))


def test_use_while_another_file_is_read_does_not_take_the_one_before(seen, folder):
    seen.open_catalyst()
    clicked = []

    def slow(_monitor):
        clicked.append(seen.apply.click())  # a person is quicker than the file
        return tomo.load(folder / "bare.npy")

    seen._begin("bare.npy", slow, "", None)
    assert clicked
    assert seen.session.cursor is None
    assert seen.candidate_name == "bare.npy"


@pytest.fixture
def single(folder, stack):
    """Return a folder of files of one tilt each."""
    place = folder / "frames"
    place.mkdir()
    for i, image in enumerate(stack.data):
        write_mrc(place / f"frame_{i:02d}.mrc", image[None], is_volume=False)
    (place / "order.txt").write_text("\n".join(str(10 * i - 60) for i in range(13)))
    return place


def test_single_files_are_opened_as_one_series(seen, single, stack):
    seen.files.update()
    rows(seen)["frames"][0].click()
    rows(seen)["All 13 as one series"][0].click()
    np.testing.assert_array_equal(seen.candidate.data, stack.data)
    seen.controls["tilts"].value = LIST
    names = [text for text, _ in seen.tilts_file.options]
    assert names[1:] == ["order.txt"]
    seen.tilts_file.value = single / "order.txt"
    seen.apply.click()
    made = seen.session.signal
    np.testing.assert_array_equal(made.tilts.data.ravel(), np.arange(-60, 61, 10))
    source = seen.session.cursor.source
    assert Source.from_dict(json.loads(json.dumps(source.as_dict()))) == source
    assert not source.problem()
    np.testing.assert_array_equal(source.load().data, stack.data)
    (single / "frame_03.mrc").write_bytes(b"other")
    assert "have changed since" in source.problem()


def test_files_of_several_tilts_are_no_series(folder, stack):
    for i in range(3):
        write_mrc(folder / "sub" / f"{i}.mrc", stack.data, is_volume=False)
    (folder / "sub" / "series.hspy").unlink()
    assert DataFolder(folder).series("sub") == []


def send(panel, files):
    """Do what the page does with files that were dropped."""
    zone = panel.upload.zone
    content = {"type": "files", "names": list(files)}
    zone._receive(zone, content, [memoryview(part) for part in files.values()])


def test_a_small_file_from_the_browser_is_kept_and_shown(seen, folder, stack, tmp_path):
    np.save(tmp_path / "mine.npy", stack.data)
    content = (tmp_path / "mine.npy").read_bytes()
    send(seen, {"../mine.npy": content})
    assert (folder / "mine.npy").read_bytes() == content
    np.testing.assert_array_equal(seen.candidate.data, stack.data)
    send(seen, {"C:\\data\\mine.npy": b"another"})
    assert "is in" in seen.session.message.text
    assert (folder / "mine.npy").read_bytes() == content


def test_a_series_comes_with_its_list_of_tilts(seen, folder, stack, tmp_path):
    write_mrc(tmp_path / "small.mrc", stack.data, is_volume=False)
    tilts = "\n".join(str(t) for t in range(13)).encode()
    send(seen, {"small.rawtlt": tilts, "small.mrc": (tmp_path / "small.mrc").read_bytes()})
    np.testing.assert_array_equal(seen.candidate.tilts.data.ravel(), range(13))
    send(seen, {"other.rawtlt": tilts})
    assert "lists of tilts are in the data folder" in seen.session.message.text


def test_what_is_no_series_or_too_large_is_refused(seen, folder, monkeypatch):
    send(seen, {"run.py": b"print()"})
    assert "is no tilt series" in seen.session.message.text
    zone = seen.upload.zone
    zone._receive(zone, {"type": "large", "name": "huge.mrc", "size": 2_000_000_000}, [])
    assert "huge.mrc has 2 GB, more than 10 MB: copy it to" in seen.session.message.text
    monkeypatch.setattr(load_more, "LARGEST", 10)
    send(seen, {"big.npy": b"x" * 11})
    assert "copy it to" in seen.session.message.text
    assert not {"run.py", "big.npy"} & {p.name for p in folder.iterdir()}


def test_the_specimen_drives_what_register_proposes(seen):
    register = RegisterPanel(seen.session)
    seen.controls["specimen"].value = "slab"
    assert register.form.cls.method == "joint"
    assert register.form.controls["specimen"].value == "slab"
    seen.controls["specimen"].value = "needle"
    assert register.form.controls["specimen"].value == "compact"


def test_what_is_complete_of_a_file_that_ends_early_is_a_click_away(seen, folder, stack):
    path = folder / "cut.mrc"
    write_mrc(path, np.asarray(stack.data, np.float32), 0.5, is_volume=False)
    frame = stack.data[0].size * 4
    path.write_bytes(path.read_bytes()[: 1024 + 5 * frame + 8])
    path.with_suffix(".rawtlt").write_text("\n".join(map(str, stack.tilts.data.ravel())))
    assert seen.part.layout.display == "none"
    seen.open_file("cut.mrc")
    assert "5 are complete" in seen.session.message.text
    assert seen.part.button.description == "Load the 5 complete frames"
    assert seen.part.layout.display == ""

    seen.part.button.click()
    assert seen.part.layout.display == "none"
    assert len(seen.shown.data) == 5
    assert not seen.apply.disabled
    seen.apply.click()
    kept = Source.from_dict(json.loads(json.dumps(seen.session.cursor.root.source.as_dict())))
    assert np.array_equal(kept.load().data, seen.session.signal.data)

    # another file is another matter
    seen.open_file("cut.mrc")
    seen.open_file("bare.npy")
    assert seen.part.layout.display == "none"
    seen.open_file("fake.mrc")
    assert seen.part.layout.display == "none"
