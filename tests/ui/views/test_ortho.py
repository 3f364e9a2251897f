from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.ui.views.ortho import OrthoView
from tomojupyter.ui.views.volume import VolumeView


@pytest.fixture
def view():
    volume = np.random.default_rng(0).normal(size=(12, 10, 8)).astype(np.float32)
    made = OrthoView()
    made.set(volume, 0.5)
    made.volume = volume
    return made


def say(picture, **message):
    picture._receive(picture, message, [])


def test_slices_are_down_then_across(view):
    view.move(x=3, y=5, z=7)
    volume = view.volume
    np.testing.assert_array_equal(view.slice("z"), volume[:, 7, :].T)
    np.testing.assert_array_equal(view.slice("y"), volume[:, :, 5].T)
    np.testing.assert_array_equal(view.slice("x"), volume[3])
    assert view.value == volume[3, 7, 5]
    assert [p.extent for p in view.pictures.values()] == [[8, 12], [10, 12], [10, 8]]


def test_a_click_in_one_view_moves_the_other_two(view):
    moved = []
    view.on_move(lambda *p: moved.append(p))
    say(view.pictures["top"], type="pick", x=2.4, y=6.6)
    assert (moved, view.point) == ([(2, 7, 4)], {"x": 2, "y": 7, "z": 4})
    assert view.pictures["front"].index == 7
    assert view.pictures["side"].index == 2
    assert view.pictures["front"].subtitle.endswith("y 7")
    lines = {o["id"]: o for o in view.pictures["side"].overlays}
    assert lines["y"]["x"] == 7
    assert lines["z"]["y"] == 4
    say(view.pictures["front"], type="pick", x=99, y=-5)
    assert view.point == {"x": 11, "y": 7, "z": 0}


def test_a_slider_moves_the_cross_lines_of_the_others(view):
    view.pictures["side"].index = 9
    assert view.point["x"] == 9
    assert view.pictures["top"].overlays[0]["x"] == 9
    assert view.pictures["front"].overlays[0]["x"] == 9


def test_a_line_let_go_between_voxels_snaps_to_one(view):
    top = view.pictures["top"]
    for done in (False, True):
        say(top, type="drag", overlay={**top.overlays[0], "x": 3.4}, done=done)
    assert view.point["x"] == 3
    assert top.overlays[0]["x"] == 3


def test_one_contrast_for_all_three_that_survives_moving(view):
    limits = {(p.lo, p.hi) for p in view.pictures.values()}
    assert len(limits) == 1
    view.contrast(-1, 1)
    view.move(x=0, y=0, z=0)
    view.set(view.volume * 5)
    assert {(p.lo, p.hi) for p in view.pictures.values()} == {(-1, 1)}
    view.set(view.volume * 5, keep_view=False)
    assert view.pictures["top"].hi > 5


def test_the_point_stays_for_the_same_size_and_is_the_middle_else(view):
    view.move(x=1, y=2, z=3)
    view.set(view.volume + 1)
    assert view.point == {"x": 1, "y": 2, "z": 3}
    view.set(np.zeros((5, 7, 9)))
    assert view.point == {"x": 2, "y": 4, "z": 3}


def test_an_average_over_slices_stops_at_the_edge(view):
    view.average = 3
    view.move(x=0, y=4, z=5)
    np.testing.assert_allclose(view.slice("x"), view.volume[0:2].mean(0), rtol=1e-5)
    np.testing.assert_allclose(view.slice("y"), view.volume[:, :, 3:6].mean(2).T, atol=1e-6)


def test_one_view_can_be_enlarged_by_title_and_key():
    corner = widgets.Box()
    view = OrthoView(corner)
    top, front, _ = view.pictures.values()
    say(top, type="title")
    assert [c.layout.display for c in view.children] == [None, "none", "none", "none"]
    say(top, type="key", key="F")
    assert [c.layout.display for c in view.children] == ["none", "none", None, "none"]
    say(front, type="key", key="3")
    assert corner.layout.display is None
    view.enlarge(None)
    assert {c.layout.display for c in view.children} == {None}


def test_what_is_not_a_volume_is_said(view):
    for bad in (np.zeros((3, 3)), np.zeros((3, 0, 3))):
        with pytest.raises(DataError, match="shape"):
            view.set(bad)


def test_without_a_volume_nothing_moves():
    view = OrthoView()
    view.move(x=3)
    assert np.isnan(view.value)


def test_constant_and_nan_volumes_are_shown_or_said():
    view = OrthoView()
    view.set(np.full((4, 4, 4), 2.0))
    assert view.pictures["top"].message == ""
    view.set(np.full((4, 4, 4), np.nan), keep_view=False)
    assert "no finite value" in view.pictures["side"].message


def test_the_title_of_the_3d_view_makes_it_large_and_leads_back():
    solid = VolumeView()
    view = OrthoView(solid)
    for shown in ([solid], list(view.children)):
        solid.place._handle_custom_msg({"kind": "title"}, [])
        assert [c for c in view.children if c.layout.display != "none"] == shown
