"""The panel that shows the reconstruction."""

import numpy as np
import pytest

from tomojupyter.ui import ExplorePanel
from tomojupyter.ui.panels.explore_profile import line_profile


@pytest.fixture
def explored(session):
    for iterations in (1, 2):
        step = session.signal.reconstruct("SIRT", iterations=iterations, show_progressbar=False)
        assert step.data.any()
    from tomojupyter.steps import make_step

    session.apply(make_step("reconstruct", "SIRT", iterations=2))
    session.apply(make_step("reconstruct", "FBP"))
    panel = ExplorePanel(session)
    panel.activate()
    return panel


def test_shows_the_slices_of_the_chosen_run(session, explored):
    volume = session.volume.data
    assert np.array_equal(explored.ortho.slice("x"), volume[15])
    explored.controls["run"].value = 0
    assert session.volume is session.runs[0].signal
    assert np.array_equal(explored.ortho.slice("x"), session.runs[0].signal.data[15])


def test_volume_is_drawn_in_3d_once_it_is_seen(explored):
    assert explored.view3d.figure.volumes
    assert explored.to_3d.disabled, "it would change nothing"


def test_another_run_is_drawn_in_3d_too(explored):
    before = np.array(explored.view3d.figure.volumes[0].data_original)
    explored.controls["run"].value = 0
    after = np.array(explored.view3d.figure.volumes[0].data_original)
    assert not np.array_equal(before, after)
    assert explored.to_3d.disabled


def test_point_and_value_are_read_out(session, explored):
    explored.ortho.move(x=3, y=4, z=5)
    assert "x 3, y 4, z 5" in explored.readout.value
    assert explored.ortho.value == session.volume.data[3, 5, 4]


def test_averaging_takes_the_mean_of_slices(session, explored):
    explored.controls["average"].value = 3
    mean = session.volume.data[14:17].mean(axis=0)
    assert np.allclose(explored.ortho.slice("x"), mean, rtol=1e-5, atol=1e-6)


def test_profile_of_a_ramp_is_a_line():
    ramp = np.tile(np.arange(10.0), (10, 1))
    distance, values = line_profile(ramp, 1, 5, 7, 5)
    assert np.allclose(distance, np.arange(7))
    assert np.allclose(values, np.arange(1, 8))


def test_line_on_a_slice_is_plotted(session, explored):
    explored._profile_along("Side")(0, 16, 31, 16)
    drawn = explored.profile.series["Side"]
    assert np.allclose(drawn.y, session.volume.data[15, 16])


def test_save_writes_the_volume(session, explored):
    explored.store.click()
    assert list(session.folder.glob("catalyst_B.hspy"))


def test_without_a_volume_it_says_so(session):
    panel = ExplorePanel(session)
    panel.activate()
    assert "Reconstruct first, or open a volume." in panel.messages.value
    assert panel.to_3d.disabled


def test_constant_volume_is_said_not_drawn(stack, session):
    volume = stack.reconstruct("FBP", show_progressbar=False)
    volume.data[...] = 0
    session.replace(volume, "empty")
    panel = ExplorePanel(session)
    panel.activate()
    assert session.message.kind != "error"
    assert not panel.view3d.figure or not panel.view3d.figure.volumes
