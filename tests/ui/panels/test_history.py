"""The panel that lists the steps and exports the recipe."""

import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import batch
from tomojupyter.errors import ParameterError
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import make_step
from tomojupyter.ui import HistoryPanel
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels.history import ANEW, file_name
from tomojupyter.ui.session import Session
from tomojupyter.ui.sources import Source
from tomojupyter.ui.store import Store


@pytest.fixture
def worked(made_stack, tmp_path):
    """Return a session on a file, worked through to a volume, and the file."""
    write_mrc(tmp_path / "series.mrc", np.asarray(made_stack.data), is_volume=False)
    np.savetxt(tmp_path / "series.rawtlt", made_stack.tilts.data.ravel())
    file = tmp_path / "series.mrc"
    session = Session(tomo.load(file), "series.mrc", executor=Inline(), folder=tmp_path)
    session.apply(make_step("background", "constant"), label="Filter")
    session.apply(make_step("stack_register", "PC"), label="Register")
    session.apply(make_step("tilt_align", "manual", shift=1.5), label="Tilt axis")
    session.apply(make_step("reconstruct", "SIRT", iterations=3), label="Reconstruct")
    return session, file


def test_exported_recipe_gives_the_same_voxels(worked, tmp_path):
    session, file = worked
    panel = HistoryPanel(session)
    panel.activate()
    panel.controls["name"].value = "mine"
    panel.export.click()
    assert "mine.yaml" in session.message.text
    again = batch.run_file(tmp_path / "mine.yaml", file, tmp_path / "again.hspy")
    assert np.array_equal(again.data, session.volume.data)
    notebook = json.loads((tmp_path / "mine.ipynb").read_text(encoding="utf-8"))
    cells = [c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", ())]
    namespace = {}
    exec("".join(cells[0]["source"]), namespace)
    assert namespace["recipe"].strip() == (tmp_path / "mine.yaml").read_text().strip()


def test_nothing_is_overwritten(worked, tmp_path):
    session, _ = worked
    panel = HistoryPanel(session)
    panel.activate()
    panel.export.click()
    panel.export.click()
    assert {p.name for p in tmp_path.glob("*.yaml")} == {
        "series_recipe.yaml",
        "series_recipe_2.yaml",
    }


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "a\\b", " "])
def test_names_stay_in_the_folder(name):
    with pytest.raises(ParameterError, match="in the data folder"):
        file_name(name)


def test_recipe_is_shown_as_asked_or_as_used(worked):
    session, _ = worked
    panel = HistoryPanel(session)
    panel.activate()
    assert "start: 6" in panel.text.value
    panel.controls["values"].value = ANEW
    assert "start:" not in panel.text.value
    panel.controls["form"].value = "Python"
    assert 'stack.stack_register("PC"' in panel.text.value


def test_click_goes_to_a_state(worked):
    session, _ = worked
    panel = HistoryPanel(session)
    panel.activate()
    assert len(panel.rows.children) == 5
    assert [row.button.disabled for row in panel.rows.children] == [False] * 4 + [True]
    panel.rows.children[1].button.click()
    assert session.cursor is session.timeline.nodes[1]
    assert panel.rows.children[1].button.disabled


def test_empty_session_has_nothing_to_export(empty):
    panel = HistoryPanel(empty)
    panel.activate()
    assert panel.export.disabled
    assert panel.text.value == ""


def test_keeping_reconstructions_is_asked_for_here(worked, tmp_path):
    session, _ = worked
    assert HistoryPanel(session).kept.layout.display == "none"  # nothing is kept in a notebook
    session.keep_in(Store(tmp_path))
    panel = HistoryPanel(session)
    assert panel.kept.layout.display == ""
    panel.controls["keep"].value = True
    session.apply(make_step("reconstruct", "FBP"))  # the first step that is kept
    session.apply(make_step("reconstruct", "FBP"))
    assert session.cursor.file.is_file()
    assert np.array_equal(tomo.load(session.cursor.file).data, session.volume.data)
    session.start_new()


def test_a_state_that_was_put_away_says_so_in_its_row(worked):
    session, file = worked
    first = session.timeline.nodes[0]
    first.source = Source.of_file(file)
    session.timeline.spare(0, [session.cursor])
    panel = HistoryPanel(session)
    panel.activate()
    first_row, *_, last_row = panel.rows.children
    assert "worked out again" in first_row.button.tooltip
    assert "13 × 32 × 32" in first_row.children[1].value
    assert "32 × 32 × 32" in last_row.children[1].value
    first_row.button.click()
    assert session.cursor is first
    assert session.message.kind != "error"


def test_replay_from_the_file_gives_the_same_voxels(worked):
    session, file = worked
    session.timeline.nodes[0].source = Source.of_file(file)
    panel = HistoryPanel(session)
    panel.activate()
    panel.check.click()
    assert "Replayed from series.mrc: same voxels." in panel.checked.value
    session.apply(make_step("reconstruct", "FBP"))
    assert panel.checked.value == ""


def test_a_replay_that_differs_says_by_how_much(worked):
    session, file = worked
    session.timeline.nodes[0].source = Source.of_file(file)
    session.volume.data[3, 4, 5] += 1
    panel = HistoryPanel(session)
    panel.activate()
    panel.check.click()
    assert "1 of 32768 pixels differ, by 1 at most" in panel.checked.value
    assert "tj-warning" in panel.checked.value


def test_a_replay_of_another_file_is_told(worked, stack):
    session, file = worked
    write_mrc(file, np.asarray(stack.data)[:, ::-1], is_volume=False)
    session.timeline.nodes[0].source = Source.of_file(file)
    panel = HistoryPanel(session)
    panel.activate()
    panel.check.click()
    assert "no longer the series" in panel.checked.value
