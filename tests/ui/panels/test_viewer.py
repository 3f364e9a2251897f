"""The viewer's Open: one file, and a second one beside it."""

import numpy as np
import pytest

from tomojupyter.ui import ViewerPanel
from tomojupyter.ui.dashboard import viewer
from tomojupyter.ui.views.planes import Planes


@pytest.fixture
def folder(stack, tmp_path):
    stack.save(tmp_path / "a.hspy")
    fewer = stack.inav[:9]
    fewer.save(tmp_path / "b.hspy")
    volume = stack.reconstruct("FBP", show_progressbar=False)
    volume.save(tmp_path / "v.hspy")
    stack.reconstruct("SIRT", iterations=2, show_progressbar=False).save(tmp_path / "w.hspy")
    return tmp_path


@pytest.fixture
def app(folder):
    return viewer(folder)


@pytest.fixture
def panel(app):
    return app.panels["load"]


def beside(panel, *names):
    """Open the first file, and each other one at its right."""
    first, *others = names
    panel.open_file(first)
    for name in others:
        if panel.second is None:
            panel.pair.beside.click()
        panel.open_file(name)


def names(panel):
    return [title.value.split("</b>")[0].removeprefix("<b>") for title in panel.look.titles[:2]]


def test_open_beside_waits_for_a_first_and_can_be_taken_back(app, panel):
    assert panel.pair.beside.disabled
    panel.open_file("a.hspy")
    panel.pair.beside.click()
    assert "goes beside a.hspy" in panel.pair.wait.value
    assert "goes beside a.hspy" in app.session.message.text
    panel.pair.beside.click()
    assert panel.pair.wait.value == ""
    panel.open_file("b.hspy")
    assert panel.second is None
    assert panel.look.layout.display == "none"
    assert "<b>b.hspy</b><span>9 tilts" in app.data.value


def test_two_series_side_by_side(app, panel):
    beside(panel, "a.hspy", "b.hspy")
    assert panel.pictures.layout.display == "none"
    assert names(panel) == ["a.hspy", "b.hspy"]
    assert "13 tilts" in panel.look.titles[0].value
    assert "9 tilts" in panel.look.titles[1].value
    assert "The tilts differ" in panel.pair.notes.value
    assert "a.hspy beside b.hspy" in app.data.value
    assert app.session.message.text.startswith("b.hspy stands at the right. Looking only.")
    panel.look.pictures[0].index = 12  # 60°, the other one ends at 20°
    assert panel.look.pictures[1].slider["labels"][panel.look.pictures[1].index] == "20.0°"
    # nothing became a state of the work
    assert app.session.cursor is None


def test_files_go_where_they_are_wanted_swap_and_close(panel):
    beside(panel, "a.hspy", "b.hspy")
    panel.controls["side"].value = "left"
    panel.open_file("b.hspy")
    assert names(panel) == ["b.hspy", "b.hspy"]
    panel.open_file("a.hspy")
    panel.pair.swap.click()
    assert names(panel) == ["b.hspy", "a.hspy"]
    assert panel.first.signal.data.shape[0] == 9
    panel.pair.close_second.click()
    assert panel.second is None
    assert panel.pictures.layout.display == ""
    assert panel.view.slider["max"] == 8
    # now a click opens one alone again
    panel.open_file("a.hspy")
    assert panel.second is None


def test_two_volumes_in_each_direction(app, panel):
    beside(panel, "v.hspy")
    assert app.current == "explore"
    assert "In Open, another one" in app.session.message.text
    app.show_panel("load")
    assert names(panel)[0] == "v.hspy"
    panel.pair.beside.click()
    panel.open_file("w.hspy")
    assert app.current == "load"
    shown = [panel.first.signal.data, panel.second.signal.data]
    for title, index in (("Top", np.s_[:, 5, :]), ("Front", np.s_[:, :, 5]), ("Side", np.s_[5])):
        panel.controls["direction"].value = title
        panel.look.pictures[1].index = 5
        for data, picture in zip(shown, panel.look.pictures, strict=False):
            slice_ = data[index] if title == "Side" else data[index].T
            np.testing.assert_array_equal(picture._array, slice_)
    panel.controls["difference"].value = True
    np.testing.assert_array_equal(panel.look.pictures[2]._array, shown[1][5] - shown[0][5])
    assert "FBP" in panel.pair.past.value
    assert "What their histories have different" in panel.pair.past.value


def test_explore_shows_the_volume_at_the_left(app, panel):
    beside(panel, "v.hspy")
    app.show_panel("load")
    beside(panel, "v.hspy", "w.hspy")
    first, second = panel.first.signal, panel.second.signal
    states = len(app.session.timeline.nodes)
    panel.pair.swap.click()
    assert app.session.volume is second
    panel.pair.swap.click()
    assert app.session.volume is first
    assert len(app.session.timeline.nodes) == states + 1  # a swap back adds none
    app.show_panel("explore")
    assert app.panels["explore"]._shown is first
    assert "<b>v.hspy</b>" in app.data.value


def test_a_series_and_a_volume_have_a_sentence(panel):
    beside(panel, "a.hspy", "v.hspy")
    assert "no plane in common" in panel.pair.notes.value
    assert panel.pair.notes.value.count("tj-sentence") == 1
    assert panel.controls["same"].disabled
    assert panel.controls["difference"].disabled
    assert panel.pair._cut.layout.display == ""
    panel.pair.swap.click()
    assert names(panel) == ["v.hspy", "a.hspy"]


def test_other_sizes_are_said(panel, folder, stack):
    stack.isig[:20, :].save(folder / "c.hspy")
    beside(panel, "a.hspy", "c.hspy")
    assert "32 × 32 and 20 × 32 px" in panel.pair.notes.value
    assert panel.controls["difference"].disabled


def test_a_file_that_cannot_be_read_leaves_what_is_shown(app, panel, folder):
    (folder / "bad.mrc").write_text("this is text, not an image")
    beside(panel, "a.hspy", "b.hspy")
    panel.open_file("bad.mrc")
    assert app.session.message.kind == "error"
    assert names(panel) == ["a.hspy", "b.hspy"]


def test_a_wanted_second_that_cannot_be_read_is_still_wanted(panel, folder):
    (folder / "bad.mrc").write_text("this is text, not an image")
    panel.open_file("a.hspy")
    panel.pair.beside.click()
    panel.open_file("bad.mrc")
    panel.open_file("b.hspy")
    assert names(panel) == ["a.hspy", "b.hspy"]


def test_names_are_text_not_markup(panel, folder):
    (folder / "b.hspy").rename(folder / "<i>b.hspy")
    beside(panel, "a.hspy", "<i>b.hspy")
    assert "<i>b" not in panel.look.titles[1].value
    assert "<i>b" not in panel.pair.past.value


def test_only_what_is_shown_is_read(panel):
    beside(panel, "a.hspy", "b.hspy")

    class Lazy:
        """An array that counts what is read of it."""

        shape, read = (1000, 64, 64), 0

        def __getitem__(self, key):
            self.read += 1
            return np.zeros((64, 64))

    lazy, other = Lazy(), Lazy()
    panel.look.set(*(Planes.of_stack(part, np.arange(1000.0)) for part in (lazy, other)))
    panel.look.same_contrast(True)
    panel.look.show_difference(True)
    assert (lazy.read, other.read) == (1, 1)
    panel.look.pictures[1].index = 7
    assert (lazy.read, other.read) == (2, 2)


def test_in_a_notebook_cell_with_two_signals(stack):
    volume = stack.reconstruct("FBP", show_progressbar=False)
    panel = ViewerPanel(volume, beside=volume)
    assert "tj-panel-viewer" in panel._dom_classes
    assert panel.look.pairing.notes == ()
    assert panel.result is None
    alone = ViewerPanel()
    assert alone.first is None
    assert "Choose a series" in alone.view.message
