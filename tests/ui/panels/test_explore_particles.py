"""The particles of a class in Explore: found, listed, gone to, written down."""

import csv

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import make_step
from tomojupyter.ui import ExplorePanel, LoadPanel
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels.explore_particles import ROWS
from tomojupyter.ui.session import Session


@pytest.fixture
def volume():
    """Eleven blocks of 3 to 4 voxels a side, 2 nm each, one of them at a face."""
    data = np.random.default_rng(1).normal(0, 0.02, (40, 24, 40)).astype(np.float32)
    for k in range(10):
        x, y = 4 + 8 * (k % 4), 4 + 10 * (k // 4)
        data[x : x + 3, 8:11, y : y + 3] += 1
    data[36:, 14:18, 30:34] += 1
    signal = tomo.RecStack(data)
    for axis in signal.axes_manager._axes:
        axis.scale, axis.units = 2.0, "nm"
    return signal


@pytest.fixture
def panel(volume, tmp_path):
    made = ExplorePanel(Session(volume, "blocks.mrc", executor=Inline(), folder=tmp_path))
    made.activate()
    made.part.value = "Measure"
    return made


def shown(panel):
    return [row.description for row in panel.particles.rows if row.layout.display != "none"]


def test_particles_are_listed_the_largest_first(panel):
    assert shown(panel) == []
    panel.particles.find.click()
    rows = shown(panel)
    assert len(rows) == ROWS
    assert rows[0] == "#1   9.93 nm   512 nm³ *"
    assert rows[1] == "#2   7.44 nm   216 nm³"
    said = "class 1: 11 particles, 1 of them cut by the volume's faces."
    assert panel.session.message.text == said
    panel.particles.later.click()
    assert shown(panel)[0].startswith("#9 ")
    assert len(shown(panel)) == 11 - ROWS
    assert panel.particles.later.disabled
    panel.particles.earlier.click()
    assert shown(panel) == rows


def test_a_click_goes_to_the_particle(panel):
    panel.particles.find.click()
    panel.particles.rows[0].click()
    middle = {"x": 37.5, "z": 15.5, "y": 31.5}
    assert all(abs(panel.ortho.point[axis] - at) <= 0.5 for axis, at in middle.items())


def test_another_limit_forgets_them_and_another_name_does_not(panel):
    panel.particles.find.click()
    panel.classes.titles[0].value = "platinum"
    assert panel.particles.of.label == "platinum"
    assert len(shown(panel)) == ROWS
    panel.classes.fields[0].value = 0.4
    assert shown(panel) == []
    panel.particles.smallest.value = 40
    panel.particles.find.click()
    assert len(shown(panel)) == 1
    panel.particles.smallest.value = 8
    assert shown(panel) == []


def test_the_brightest_class_is_proposed_and_others_can_be_chosen(panel):
    panel.classes.more.click()
    assert [label for label, _ in panel.particles.of.options] == ["class 1 and brighter", "class 2"]
    assert panel.particles.of.label == "class 2"


def test_nothing_large_enough_is_said(panel):
    panel.particles.smallest.value = 1000
    panel.particles.find.click()
    assert panel.session.message.text == "class 1 has no body of 1000 voxels or more."
    assert panel.session.message.kind == "warning"


def test_they_are_in_the_table_that_is_exported(panel, tmp_path):
    panel.particles.find.click()
    panel.export.save_table()
    (path,) = tmp_path.glob("*.csv")
    lines = list(csv.reader(path.read_text().splitlines()))
    head = lines.index(["number", "volume (nm³)", "diameter (nm)", "x (nm)", "y (nm)", "z (nm)",
                        "voxels", "cut"])  # fmt: skip
    assert lines[head - 1] == []
    assert len(lines[head + 1 :]) == 11
    assert lines[head + 1][0] == "1"
    assert lines[head + 1][-2:] == ["64", "yes"]
    assert [float(v) for v in lines[head + 1][3:6]] == [75, 63, 31]


def test_without_a_volume_it_says_so(tmp_path):
    panel = ExplorePanel(Session(executor=Inline(), folder=tmp_path))
    panel.particles.search()
    assert "reconstruct first" in panel.session.message.text


def test_the_rail_calls_a_volume_a_volume(panel):
    assert LoadPanel.result_line(panel.session, []) == "volume, 40×24×40"


def test_another_volume_of_another_size_forgets_them(stack):
    session = Session(stack, "series", executor=Inline())
    session.apply(make_step("reconstruct", "SIRT", iterations=2))
    panel = ExplorePanel(session)
    panel.activate()
    panel.particles.find.click()
    assert panel.particles.found
    session.apply(make_step("reconstruct", "SIRT", iterations=2, thickness=20))
    assert panel.particles.found == []
    panel.particles.find.click()
    assert panel.particles.found
