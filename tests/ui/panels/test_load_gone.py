"""What cannot be opened any more, or is no list of tilts: a sentence, and the list stays."""

import numpy as np
import pytest

from tomojupyter.ui import LoadPanel, Session, SpectralPanel
from tomojupyter.ui.jobs import Inline


@pytest.fixture
def folder(tmp_path, stack):
    np.save(tmp_path / "bare.npy", stack.data)
    (tmp_path / "sub").mkdir()
    (tmp_path / "words.txt").write_text("no angle here")
    return tmp_path


@pytest.fixture
def panel(folder):
    made = LoadPanel(Session(executor=Inline(), folder=folder))
    made.activate()
    return made


def names(files):
    rows = [row.children[0] for row in files.rows.children if hasattr(row, "children")]
    return {button.description: button for button in rows}


def marked(panel):
    rows = panel.files.rows.children
    return [row.children[0].description for row in rows if "tj-on" in row._dom_classes]


def test_the_list_marks_what_is_shown_and_nothing_else(panel, folder):
    (folder / "words.mrc").write_text("these are no pixels " * 99)
    panel.files.update()
    names(panel.files)["bare.npy"].click()
    assert marked(panel) == ["bare.npy"]
    names(panel.files)["words.mrc"].click()
    assert (panel.session.message.kind, marked(panel)) == ("error", ["bare.npy"])
    panel.open_catalyst()
    assert marked(panel) == []


@pytest.mark.parametrize("cls", [LoadPanel, SpectralPanel])
def test_a_file_that_vanished_from_the_list_is_a_sentence(folder, cls):
    panel = cls(Session(executor=Inline(), folder=folder))
    panel.activate()
    files = panel.files if cls is LoadPanel else panel.opener.files
    button = names(files)["bare.npy"]
    (folder / "bare.npy").unlink()
    button.click()
    message = panel.session.message
    assert (message.kind, "bare.npy" in message.text) == ("error", True)
    assert "failed" not in message.text


def test_the_list_is_read_anew_where_a_file_vanished(panel, folder):
    (folder / "bare.npy").unlink()
    names(panel.files)["bare.npy"].click()
    assert panel.session.message.text == "bare.npy is not in the data folder any more."
    assert "bare.npy" not in names(panel.files)


def test_there_is_a_way_out_of_a_folder_that_cannot_be_read(panel, folder):
    inside = names(panel.files)["sub"]
    (folder / "sub").rmdir()
    inside.click()
    assert "cannot be read" in panel.files.rows.children[-1].value
    names(panel.files)[".."].click()
    assert "bare.npy" in names(panel.files)


def test_a_text_without_angles_is_a_sentence_and_leaves_the_list(panel, folder):
    names(panel.files)["bare.npy"].click()
    panel.tilts.value = "list of angles"
    panel.list.value = "1, 2"
    panel.tilts_file.value = folder / "words.txt"
    assert panel.session.message.kind == "error"
    assert "words.txt, line 1" in panel.session.message.text
    assert panel.list.value == "1, 2"


def test_images_among_the_spectra_are_a_sentence_that_names_the_file(folder, stack):
    stack.save(folder / "images.hspy")
    panel = SpectralPanel(Session(executor=Inline(), folder=folder))
    panel.activate()
    names(panel.opener.files)["images.hspy"].click()
    assert panel.session.message.text == "images.hspy holds images, not spectra."


def test_align_by_the_sum_says_what_it_did(made, empty):
    panel = SpectralPanel(empty)
    panel.activate()
    assert panel.together.series.disabled, "there is nothing to align by yet"
    panel.open_signal(made.edx, "needle")
    assert not panel.together.series.disabled
    panel.together.series.click()
    assert "Register aligns it" in panel.session.message.text
