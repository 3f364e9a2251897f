from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.ui.views import frame_sender
from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.picture import Picture


def shown(picture):
    codes = np.frombuffer(picture.frame, "<u2").reshape(picture.shape)
    return picture.offset + codes * picture.scale


def say(picture, **message):
    picture._receive(picture, message, [])


def test_a_picture_is_sent_exactly():
    values = np.arange(-60, 60, dtype=np.int16).reshape(10, 12)
    picture = Picture("P")
    picture.show(values)
    np.testing.assert_array_equal(shown(picture), values)
    assert (picture.extent, picture.whole, picture.seq) == ([10, 12], True, 1)
    assert picture.window == [0, 0, 12, 10]
    assert [picture.lo, picture.hi] == picture.auto_range


def test_a_large_picture_is_averaged_and_its_piece_is_exact():
    values = np.arange(2048 * 2048, dtype=np.int32).reshape(2048, 2048) % 997
    picture = Picture()
    picture.screen = [600, 400]
    picture.show(values)
    assert picture.shape == [410, 410]  # it is as high as the screen, not as wide
    say(picture, type="view", window=[100.4, 50.2, 300.0, 250.0])
    assert picture.window == [100, 50, 300, 250]
    np.testing.assert_array_equal(shown(picture), values[50:250, 100:300])
    picture.screen = [900, 700]
    assert picture.shape == [200, 200]
    picture.fit()
    assert picture.shape == [1024, 1024]


def test_contrast_and_zoom_survive_an_update_but_not_another_size():
    picture = Picture()
    picture.show(np.eye(8))
    picture.contrast(-1, 5)
    picture.camera = [0.5, 0.5, 3.0]
    views = picture.view_id
    picture.show(np.eye(8) * 9)
    assert (picture.lo, picture.hi, picture.view_id, picture.camera) == (
        -1,
        5,
        views,
        [0.5, 0.5, 3],
    )
    picture.show(np.eye(9))
    assert (picture.lo, picture.hi, picture.view_id, picture.camera) == (-1, 5, views + 1, [])
    picture.show(np.eye(9) * 4, keep_view=False)
    assert [picture.lo, picture.hi] == picture.auto_range


def test_follow_takes_the_contrast_of_each_frame():
    picture = Picture()
    picture.show(np.arange(16.0).reshape(4, 4))
    picture.follow = True
    picture.show(np.arange(16.0).reshape(4, 4) + 100)
    assert picture.lo > 99


def test_nan_constant_and_empty_pictures_are_shown_or_said():
    picture = Picture()
    picture.show(np.full((4, 4), np.nan))
    assert "no finite value" in picture.message
    picture.show(np.full((4, 4), 3.0))
    assert picture.message == ""
    np.testing.assert_allclose(shown(picture), 3)
    picture.show(np.zeros((0, 4)))
    assert (picture.frame, picture.shape) == (b"", [0, 0])
    picture.clear("Load a series first.")
    assert (picture.message, picture.extent) == ("Load a series first.", [0, 0])


def test_colours_are_sent_as_they_are():
    colours = np.random.default_rng(0).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    picture = Picture()
    picture.show(colours)
    assert picture.channels == 3
    assert picture.frame == colours.tobytes()


def test_a_colour_map_given_at_the_start_is_used():
    assert Picture(cmap="viridis").lut != Picture().lut


def test_contrast_must_be_finite_and_in_order():
    picture = Picture()
    for bad in ((2, 1), (float("nan"), 1), (0, float("inf"))):
        with pytest.raises(DataError, match="two finite numbers"):
            picture.contrast(*bad)


def test_messages_of_the_browser_reach_the_callbacks():
    picture, heard = Picture(), []
    picture.on_pick(lambda x, y: heard.append(("pick", x, y)))
    picture.on_rect(lambda *r: heard.append(("rect", *r)))
    picture.on_line(lambda *r: heard.append(("line", *r)))
    picture.on_key(lambda *k: heard.append(("key", *k)))
    picture.on_title(lambda: heard.append(("title",)))
    picture.on_hover(lambda x, y: heard.append(("hover", x, y)))
    say(picture, type="pick", x=1.5, y=2)
    say(picture, type="rect", x0=1, y0=2, x1=3, y1=4)
    say(picture, type="line", x0=0, y0=0.5, x1=3, y1=4)
    say(picture, type="key", key="x", shift=True)
    say(picture, type="title")
    say(picture, type="hover", x=0, y=0)
    say(picture, type="from another version")
    assert heard == [
        ("pick", 1.5, 2.0), ("rect", 1, 2, 3, 4), ("line", 0.0, 0.5, 3.0, 4.0),
        ("key", "x", True, False), ("title",), ("hover", 0.0, 0.0),
    ]  # fmt: skip
    assert picture.hover


def test_a_shape_that_was_dragged_stays_where_it_was_put():
    picture, heard = Picture(), []
    picture.put({"kind": "rectangle", "id": "crop", "x0": 0, "y0": 0, "x1": 4, "y1": 4})
    picture.put({"kind": "cross", "id": "c", "x": 1, "y": 1})
    picture.on_drag(lambda o, done: heard.append((o["x0"], done)))
    picture.on_rect(lambda *r: heard.append(r))
    moved = {**picture.overlays[0], "x0": 2}
    say(picture, type="drag", overlay=moved, done=False)
    assert picture.overlays[0]["x0"] == 0
    say(picture, type="drag", overlay=moved, done=True)
    assert picture.overlays == [moved, {"kind": "cross", "id": "c", "x": 1, "y": 1}]
    assert heard == [(2, False), (2, True), (2, 0, 4, 4)]
    picture.take("crop")
    assert [o["id"] for o in picture.overlays] == ["c"]


def test_slider_keeps_its_value_inside_and_can_go():
    picture, heard = Picture(), []
    picture.on_index(heard.append)
    picture.set_slider(5, 9, name="x")
    assert (picture.index, picture.slider["max"], heard) == (4, 4, [4])
    picture.set_slider(0)
    assert picture.slider == {}


def test_a_burst_sends_only_the_last_frame():
    async def burst():
        picture = Picture()
        picture.show(np.zeros((4, 4)))
        for k in range(1, 20):
            picture.show(np.full((4, 4), k))
        before = picture.seq
        say(picture, type="ack", seq=before)
        return before, picture.seq, shown(picture)

    before, after, values = asyncio.run(burst())
    assert (before, after) == (1, 2)
    np.testing.assert_array_equal(values, 19)


def test_a_frame_on_the_way_is_small_and_the_one_at_rest_exact(monkeypatch):
    monkeypatch.setattr(frame_sender, "REST_S", 0.02)
    monkeypatch.setattr(frame_sender, "SMALL", 100)
    values = np.arange(4000.0).reshape(50, 80)
    values[3, 4] = np.nan

    async def move():
        picture = Picture()
        picture.show(values[::-1])
        picture.contrast(1000, 2000)
        say(picture, type="ack", seq=1)
        picture.show(values, quick=True)
        quick = (picture.depth, np.frombuffer(picture.frame, "u1"), picture.scale)
        say(picture, type="ack", seq=2)
        await asyncio.sleep(0.1)
        return picture, quick

    picture, (depth, codes, scale) = asyncio.run(move())
    codes = codes.reshape(50, 80)
    assert depth == 1
    assert codes[3, 4] == 255
    inside = (values >= 1000) & (values <= 2000)
    np.testing.assert_allclose(1000 + codes[inside] * scale, values[inside], atol=scale / 2)
    assert set(codes[values < 1000]) == {0}
    assert picture.depth == 2
    assert picture.seq == 3
    assert np.nanmax(np.abs(shown(picture) - values)[~np.isnan(values)]) < 0.1
    assert (picture.lo, picture.hi) == (1000, 2000)


def test_frames_are_exact_where_no_loop_would_send_them_again():
    picture = Picture()
    picture.show(np.arange(6.0).reshape(2, 3))
    picture.show(np.arange(6.0).reshape(2, 3) + 1, quick=True)
    assert picture.depth == 2


@pytest.mark.parametrize(
    ("stretch", "shape", "expected"),
    [(False, (100, 900), [34, 300]), (True, (100, 900), [100, 900])],
)
def test_no_more_is_sent_than_the_screen_shows(stretch, shape, expected):
    picture = Picture(stretch=stretch)
    picture.screen = [300, 80]
    picture.show(np.zeros(shape))
    assert picture.shape == expected


def test_a_contrast_that_was_set_while_a_frame_waits_is_kept():
    async def wait():
        picture = Picture()
        picture.show(np.zeros((4, 4)))
        picture.show(np.eye(4), keep_view=False)
        picture.contrast(-3, 3)
        say(picture, type="ack", seq=1)
        return picture

    picture = asyncio.run(wait())
    assert (picture.lo, picture.hi) == (-3, 3)


def test_linked_pictures_begin_alike():
    first, second = Picture(cmap="inferno"), Picture()
    first.show(np.eye(4))
    links = link_pictures(first, second)
    assert (second.cmap, second.hi) == ("inferno", first.hi)
    linked = {link.source[1] for link in links}
    assert linked >= {"camera", "lo", "hi", "cmap"}
    # the browser would send these back as memory that a Bytes trait refuses
    assert not {n for n in linked if isinstance(getattr(first, n), bytes)}
    assert len(link_pictures(first, second, contrast=False)) == 1


def test_automatic_contrast_is_that_of_the_frame_that_waits():
    async def run():
        picture = Picture()
        picture.show(np.linspace(0, 1, 64).reshape(8, 8))
        picture.show(np.linspace(0, 50, 64).reshape(8, 8))  # the browser has not taken the first
        picture.auto_contrast()
        say(picture, type="ack", seq=picture.seq)
        return picture.hi

    assert asyncio.run(run()) > 45
