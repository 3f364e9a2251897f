"""Series that are shown before they were read."""

import asyncio
import os
import threading

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.ondisk import OnDisk
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.steps import history
from tomojupyter.ui import frame_reader
from tomojupyter.ui.frame_reader import FrameReader
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels import load_look, load_reading
from tomojupyter.ui.panels.load import RANGE, LoadPanel
from tomojupyter.ui.session import Session

MB = 2**20


@pytest.fixture
def folder(tmp_path, stack, monkeypatch):
    """Return a folder with a series that counts as large, and lies in the file as a map."""
    for module in (load_reading, load_look):
        monkeypatch.setattr(module, "LARGE", 10_000)
    monkeypatch.setattr("tomojupyter.formats.mrc.MAPPED", 10_000)
    root = tmp_path / "data"
    root.mkdir()
    images = np.round(stack.data).astype(np.int16).repeat(8, 1).repeat(8, 2)
    images[5] = 0
    write_mrc(root / "large.mrc", images, is_volume=False)
    (root / "large.rawtlt").write_text("\n".join(str(10 * i - 60) for i in range(13)))
    stack.save(root / "series.hspy")
    return root


@pytest.fixture
def panel(folder):
    made = LoadPanel(Session(executor=Inline(), folder=folder))
    made.activate()
    return made


@pytest.fixture
def read(monkeypatch):
    """Return the list of images that were read from the file."""
    found = []
    plain = OnDisk.__getitem__

    def noted(self, index):
        part = plain(self, index)
        if part.size:  # dask looks at no pixel to learn the type
            found.append(getattr(index[0], "start", index[0]))  # a slice, or a number
        return part

    monkeypatch.setattr(OnDisk, "__getitem__", noted)
    return found


def test_only_the_frame_that_is_shown_is_read_for_the_first_picture(
    panel, folder, read, monkeypatch
):
    monkeypatch.setattr(FrameReader, "start", lambda _: None)
    panel.open_file(folder / "large.mrc")
    assert set(read) == {6}
    assert panel.view.tilt == 0
    assert panel.view.extent == [256, 256]
    assert "load <b>large.mrc</b>" in panel.record.value
    assert "0 of 13" in panel.card.value
    assert not panel.apply.disabled
    panel.view.projection = 2
    assert set(read) == {2, 6}


def test_the_rest_follows_and_each_frame_is_read_once(panel, folder, read):
    panel.open_file(folder / "large.mrc")
    assert sorted(read) == sorted([*range(13), 6])
    assert "(#5) is blank" in panel.card.value
    assert "Tilts rise evenly by 10°" in panel.card.value
    look = panel.pictures
    assert look.strip.extent[0] > 1
    assert look.sinogram.extent == [13, 256]
    assert "odd5" in look.bright.marks
    # other tilts are drawn from what was read
    panel.controls["tilts"].value = RANGE
    panel.controls["start"].value, panel.controls["increment"].value = "-30", "5"
    assert len(read) <= 16  # the frame at 0° is another one now
    assert look.bright.series["mean"].x[0] == -30


def test_what_is_said_is_what_is_said_of_a_small_one(panel, folder, monkeypatch):
    panel.open_file(folder / "large.mrc")
    large = panel.card.value
    for module in (load_reading, load_look):
        monkeypatch.setattr(module, "LARGE", 1e9)
    other = LoadPanel(Session(executor=Inline(), folder=folder))
    other.activate()
    other.open_file(folder / "large.mrc")
    assert other.card.value == large


@pytest.mark.parametrize("name", ["large.mrc", "series.hspy"])
def test_using_it_is_the_same_as_loading_it(panel, folder, timeless, name):
    panel.open_file(folder / name)
    assert panel.candidate._lazy
    panel.controls["pixel"].value = "0.5"
    panel.apply.click()
    made = panel.session.signal
    expected = tomo.load(folder / name).set_scale("pixel", size=0.5)
    assert not made._lazy
    np.testing.assert_array_equal(made.data, expected.data)
    np.testing.assert_array_equal(made.tilts.data, expected.tilts.data)
    assert timeless(made) == timeless(expected)
    assert panel.session.cursor.source.path == str(folder / name)
    assert panel.pictures.view.extent[1] == made.data.shape[2]


def test_a_reconstruction_is_read_whole(panel, folder, stack):
    volume = stack.reconstruct("FBP", show_progressbar=False)
    volume.save(folder / "volume.hspy")
    panel.open_file(folder / "volume.hspy")
    assert isinstance(panel.session.volume.data, np.ndarray)


def test_tilts_of_a_mapped_series_share_its_pixels(folder):
    series = tomo.load(folder / "large.mrc")
    other = series.set_tilts("range", start=-30, increment=5)
    assert np.shares_memory(series.data, other.data)
    assert series.tilts.data[0] == -60
    assert other.tilts.data[0] == -30
    out = series.excluded.any()
    series._exclude(2, "by hand")
    assert (out, other.excluded.any()) == (False, False)


def test_the_fingerprint_of_a_mapped_file_follows_the_file(folder):
    path = folder / "large.mrc"
    series = tomo.load(path)
    before = history.fingerprint(series.data)
    assert before == history.fingerprint(np.array(series.data))
    part = history.fingerprint(series.data[1:])
    assert part == history.fingerprint(np.array(series.data[1:])) != before
    assert history.fingerprint(series.data[:, ::2]) == history.fingerprint(
        np.array(series.data[:, ::2])
    )
    with path.open("r+b") as file:
        file.seek(5000)
        file.write(b"\x07\x07\x07\x07")
    os.utime(path, ns=(1, 1))
    assert history.fingerprint(series.data) != before
    assert history.fingerprint(series.data) == history.fingerprint(np.array(series.data))


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(9, 20, 30)).astype(np.float32)


def reader(data, first=(), **calls):
    nothing = dict.fromkeys(("told", "done", "failed"), lambda *_: None)
    glances = Glances(data.shape, data.dtype)
    judge = calls.pop("judge", lambda look: look.taken)
    return FrameReader(data, glances, np.array(first, int), judge, **{**nothing, **calls})


def test_in_a_loop_the_frames_come_from_a_thread(images, monkeypatch):
    monkeypatch.setattr(frame_reader, "TOLD_EVERY_S", 0.0)
    counts, judged = [], []

    async def main():
        ended = asyncio.Event()
        here = threading.current_thread()

        def done(glances, count):
            judged.append(count)
            assert threading.current_thread() is here
            ended.set()

        one = reader(
            images, [4, 8], told=lambda look: counts.append(look.taken), done=done,
            judge=lambda look: (look.taken, threading.current_thread() is here),
        )  # fmt: skip
        one.start()
        assert not counts  # nobody waited
        await asyncio.wait_for(ended.wait(), 10)
        np.testing.assert_array_equal(one.glances.small, images)

    asyncio.run(main())
    assert counts == sorted(counts)
    assert judged == [(9, False)]


def test_one_that_was_stopped_tells_nothing_more(images):
    heard = []

    async def main():
        one = reader(images, done=lambda *_: heard.append("done"))
        one.start()
        one.stop()
        await asyncio.sleep(0.2)

    asyncio.run(main())
    assert not heard


def test_wanted_frames_come_first_and_errors_are_told(images):
    class Broken:
        shape, dtype = images.shape, images.dtype

        def __init__(self):
            self.read = []

        def __getitem__(self, index):
            if index.start == 1:
                raise OSError("gone")
            self.read.append(index.start)
            return images[index]

    data, failed = Broken(), []
    reader(data, [8, 3], failed=failed.append).start()
    assert data.read == [8, 3, 0]
    assert [str(error) for error in failed] == ["gone"]


def test_frames_of_one_piece_of_a_file_are_read_together_and_once(images):
    from dask import array

    data = array.from_array(images, chunks=(4, -1, -1))
    one = reader(data, [8])
    assert [part.tolist() for part in one._parts()] == [[8], [0, 1, 2, 3], [4, 5, 6, 7]]
    for i in (0, 1, 2, 3, 4):
        one.glances.take(i, images[i])
    assert [part.tolist() for part in one._parts()] == [[8], [4, 5, 6, 7]]


def test_glances_of_frames_that_were_not_seen_are_empty(images):
    look = Glances(images.shape, images.dtype)
    look.take(2, images[2])
    assert look.taken == 1
    assert np.isnan(look[0]).all()
    assert look.middles[0].size == 0
    np.testing.assert_array_equal(look[:, :, 3][2], images[2, :, 3])
