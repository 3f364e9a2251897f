from __future__ import annotations

import asyncio

import numpy as np
import pytest
from ipywidgets import Widget

from tomojupyter.errors import DataError
from tomojupyter.ui.views.volume import SURFACE_COLOUR, VolumeView, cloud_colours, reduced


def test_nothing_is_sent_before_show():
    view = VolumeView()
    assert view.figure is None
    assert view.stage.children == (view.message,)


def test_a_preview_is_the_mean_and_at_most_128():
    volume = np.random.default_rng(0).normal(size=(300, 20, 258)).astype(np.float32)
    small = reduced(volume)
    assert small.shape == (100, 7, 86)
    assert small[0, 0, 0] == pytest.approx(volume[:3, :3, :3].mean(), abs=1e-6)
    assert small[-1, -1, -1] == pytest.approx(volume[-3:, -2:, -3:].mean(), abs=1e-6)
    assert reduced(np.ones((128, 128, 128))).shape == (128, 128, 128)


def test_voxels_without_value_have_weight_zero():
    volume = np.ones((8, 8, 8))
    volume[0] = np.nan
    small = reduced(volume, limit=4)
    assert small[0, 0, 0] == 1
    volume[:2] = np.inf
    assert reduced(volume, limit=4)[0, 0, 0] == 0


def test_the_cloud_grows_denser_and_ends_where_a_surface_stands():
    full, cut = cloud_colours(), cloud_colours(0.5)
    assert full.shape == (256, 4)
    assert full.min() >= 0
    assert full.max() <= 1
    assert (np.diff(full[:, 3]) >= 0).all()
    assert full[-1, 3] == 1
    assert cut[128:, 3].max() == 0
    np.testing.assert_array_equal(cut[:100], full[:100])


def test_a_volume_is_drawn_the_right_way_round(ball_and_shell):
    view = VolumeView()
    view.show(ball_and_shell)
    nx, nz, ny = ball_and_shell.shape
    assert "64 × 56 × 60 voxels" in view.title.value
    data = view._volume.data
    assert data.shape == (ny, nz, nx)
    lo, hi = view._volume.data_min, view._volume.data_max
    back = data[::-1, ::-1].transpose(2, 1, 0)
    np.testing.assert_array_equal(back, np.clip(ball_and_shell, np.float32(lo), np.float32(hi)))
    # the level 0.7 of the range leaves the bright ball only
    view.level.value = 0.7
    centre = [np.ptp(getattr(view._mesh, a)) / 2 + getattr(view._mesh, a).min() for a in "xyz"]
    assert centre == pytest.approx([nx / 2 + 6, nz / 2 + 4, ny / 2 + 8], abs=0.6)


def test_both_surface_and_cloud_can_be_chosen(ball_and_shell):
    view = VolumeView()
    view.show(ball_and_shell)
    assert (view._volume.visible, view._mesh.visible) == (True, True)
    assert view._volume.tf.rgba[-1, 3] == 0
    view.shown.value = "cloud"
    assert (view._volume.visible, view._mesh.visible) == (True, False)
    assert view._volume.tf.rgba[-1, 3] == 1
    view.shown.value = "surface"
    assert (view._volume.visible, view._mesh.visible) == (False, True)
    view.opacity.value = 1.0
    assert view._volume.opacity_scale == 1.0
    assert view.level_text.value.startswith(f"{view.threshold:.1f}")


def test_the_figure_takes_the_size_of_its_place(ball_and_shell):
    view = VolumeView()
    view.show(ball_and_shell)
    view.place.size = [640, 360]
    assert (view.figure.width, view.figure.height) == (640, 360)


def test_what_is_asked_for_before_there_is_a_place_is_done_then(ball_and_shell):
    view = VolumeView()

    async def page():
        view.show(ball_and_shell)
        view.set_threshold(0.5)
        view.overlay([(ball_and_shell, 0.9, "#0072B2")])
        assert view.waits  # in another size it would be drawn twice
        view.place.size = [640, 360]

    asyncio.run(page())
    assert (view.figure.width, view.figure.height) == (640, 360)
    assert view.threshold == pytest.approx(0.5, abs=0.02)
    assert [mesh.color for mesh in view.figure.meshes] == [SURFACE_COLOUR, "#0072B2"]


def test_a_volume_is_sent_with_its_surface_and_nothing_is_changed_after(ball_and_shell):
    view = VolumeView()
    view.show(ball_and_shell)  # the libraries are imported
    changes = []
    sent = Widget.send_state

    def note(widget, key=None):
        if key is not None and type(widget).__module__.startswith("ipyvolume"):
            changes.append((type(widget).__name__, key))
        return sent(widget, key)

    made = {}
    for name in ("cloud", "surface", "both"):
        view.shown.value = name
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Widget, "send_state", note)
            view.show(ball_and_shell, 0.5)
        made[name] = (view._volume.visible, view._mesh.visible, view._volume.tf.rgba[-1, 3])
    drawn = {(name, str(key)) for name, key in changes if name != "Figure"}
    assert drawn <= {("Volume", "data"), ("Volume", "extent")}  # by itself, as it is made
    assert view.threshold == pytest.approx(0.5, abs=0.02)
    assert made == {"cloud": (True, False, 1), "surface": (False, True, 1), "both": (True, True, 0)}
    level = view.threshold
    corners = np.array([view._mesh.x, view._mesh.y, view._mesh.z])
    view.level.value = 0.9
    view.set_threshold(level)
    np.testing.assert_array_equal(corners, [view._mesh.x, view._mesh.y, view._mesh.z])


def test_without_a_graphics_card_it_is_drawn_coarser(ball_and_shell):
    view = VolumeView()
    view.place.software = True
    view.show(ball_and_shell)
    assert view.figure.pixel_ratio < 1
    assert view._volume.ray_steps == 64
    assert not view._volume.lighting
    view.place.software = False
    view.show(ball_and_shell)
    assert (view.figure.pixel_ratio, view._volume.lighting) == (None, True)


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (np.full((4, 4, 4), 3.0), "same value (3)"),
        (np.full((4, 4, 4), np.nan), "No voxel has a finite value"),
    ],
)
def test_constant_or_nan_volumes_are_said_not_drawn(volume, words, ball_and_shell):
    view = VolumeView()
    view.show(ball_and_shell)
    view.show(volume)
    assert words in view.message.value
    assert view.figure is None
    assert view.controls.layout.display == "none"
    view.shown.value = "cloud"  # no figure: no error


def test_a_browser_without_webgl_is_said(ball_and_shell):
    view = VolumeView()
    view.place.webgl = False
    view.show(ball_and_shell)
    assert "no WebGL" in view.message.value


def test_what_is_not_a_volume_is_said():
    with pytest.raises(DataError, match="shape"):
        VolumeView().show(np.zeros((4, 4)))
