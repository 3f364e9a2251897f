"""The form of the Batch panel: recipe, series, results, and what is said of them."""

import os

import pytest

from tomojupyter.batch.memory import Plan
from tomojupyter.batch.table import DONE, KEPT, WAITING
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import make_step
from tomojupyter.ui.panels import batch_work
from tomojupyter.ui.panels.batch_files import SeriesList
from tomojupyter.ui.panels.batch_recipe import AUTOMATIC, BY_HAND, SESSION
from tomojupyter.ui.panels.batch_work import plan_sentence


def test_manual_values_are_warned_of_and_can_be_automatic(make_batch):
    panel = make_batch(work=lambda series: series.tilt_align("manual", shift=3.4, angle=-1.2))
    assert "Manual values (axis 3.4 px, −1.2°) will be used for all files: choose automatic?" in (
        panel.messages.value
    )
    assert "by hand: axis 3.4 px" in panel.choice.words.value
    assert "does not reconstruct" in panel.messages.value
    panel.controls["manual"].value = AUTOMATIC
    assert "Manual values" not in panel.messages.value
    assert [e.step.method for e in panel.choice.recipe().entries] == ["CoM"]
    panel.controls["manual"].value = BY_HAND
    assert [e.step.shift for e in panel.choice.recipe().entries] == [3.4]
    panel.controls["recipe"].value = panel.session.folder / "short.yaml"
    assert panel.controls["manual"].layout.display == "none"
    assert panel.messages.value == ""


def test_a_file_whose_manual_values_become_automatic_is_left_alone(make_batch, short):
    text = short.replace("steps:", "steps:\n  - tilt_align: {method: manual, shift: 2.0}")
    panel = make_batch(recipe=text)
    file = panel.session.folder / "short.yaml"
    assert panel.choice.file() == file
    panel.controls["manual"].value = AUTOMATIC
    panel.preview_button.click()
    assert file.read_text() == text
    assert "method: CoM" in (panel.output / "recipe.yaml").read_text()


def test_values_of_one_series_in_a_file_are_warned_of(make_batch, short):
    text = short.replace("steps:", "shape: [13, 24, 32]\nsteps:").replace("PC}", "PC, start: 6}")
    panel = make_batch(recipe=text)
    assert "keeps values of one series (start)" in panel.messages.value


def test_without_a_recipe_or_with_a_wrong_one_it_says_so(make_batch):
    panel = make_batch()
    folder = panel.session.folder
    (folder / "notes.yaml").write_text("a: 1")
    (folder / "wrong.yaml").write_text("tomojupyter: 1\nsteps:\n  - filter: {method: magic}\n")
    (folder / "short.yaml").unlink()
    panel.refresh()
    assert [label for label, _ in panel.controls["recipe"].options] == ["wrong.yaml"]
    assert "magic" in panel.messages.value
    assert panel.apply.disabled
    assert panel.record.value == ""
    (folder / "wrong.yaml").unlink()
    panel.refresh()
    assert "There is no recipe yet" in panel.messages.value
    assert panel.preview_button.disabled


def test_a_new_result_of_the_session_is_offered_until_another_was_chosen(make_batch, made_series):
    panel = make_batch()
    assert panel.choice.source.value == panel.session.folder / "short.yaml"
    panel.session.replace(made_series, "catalyst.mrc")
    panel.session.apply(make_step("stack_register", "PC"))
    assert panel.choice.source.value == SESSION
    panel.choice.source.value = panel.session.folder / "short.yaml"
    panel.session.apply(make_step("reconstruct", "FBP"))
    assert panel.choice.source.value == panel.session.folder / "short.yaml"


def test_only_what_is_ticked_is_done(make_batch, states):
    panel = make_batch(broken=())
    panel.files.none.click()
    assert "Choose at least one series." in panel.messages.value
    assert panel.apply.disabled
    panel.files.boxes["s2.mrc"].value = True
    assert panel.files.count.value == "1 of 3 chosen"
    assert panel.apply.description == "Run 1"
    panel.apply.click()
    assert states(panel) == {"s2.mrc": DONE}
    panel.files.all.click()
    assert states(panel) == dict.fromkeys(("s0.mrc", "s1.mrc", "s2.mrc"), WAITING)
    panel.apply.click()
    assert list(states(panel).values()) == [DONE, DONE, KEPT]


def test_folders_are_gone_through_and_nothing_outside_is_listed(make_batch, tmp_path):
    panel = make_batch()
    folder = panel.session.folder
    (folder / "more").mkdir()
    (folder / "s0.mrc").rename(folder / "more" / "t0.mrc")
    (tmp_path / "secret.mrc").write_bytes(b"x")
    (folder / "link.mrc").symlink_to(tmp_path / "secret.mrc")
    panel.refresh()
    assert sorted(panel.files.boxes) == ["s1.mrc", "s2.mrc"]
    assert panel.files.only == ("s1.mrc", "s2.mrc")  # the link would be taken along
    panel.controls["pattern"].value = "../*.mrc"
    assert "names in the folder" in panel.files.rows.children[0].value
    assert panel.files.ticked == []
    panel.files.open_folder(folder / "more")
    assert list(panel.files.boxes) == ["t0.mrc"]
    assert panel.outputs.placeholder == "more/short"
    assert "more --recipe short.yaml --output more/short" in panel.record.value


def test_what_was_saved_is_not_ticked_beside_series_as_acquired(tmp_path, made_series, counted):
    made_series.save(tmp_path / "saved.hspy")
    ticked = [path.name for path in SeriesList(tmp_path, lambda: None).ticked]
    assert ticked == ["saved.hspy"]
    write_mrc(tmp_path / "raw.mrc", counted, 0.5, is_volume=False)
    ticked = [path.name for path in SeriesList(tmp_path, lambda: None).ticked]
    assert ticked == ["raw.mrc"]


def test_a_pattern_narrows_the_list_and_what_was_ticked_stays(make_batch):
    panel = make_batch(12, broken=())
    panel.files.boxes["s1.mrc"].value = False
    panel.controls["pattern"].value = "s1*"
    assert list(panel.files.boxes) == ["s1.mrc", "s10.mrc", "s11.mrc"]
    assert panel.apply.description == "Run 2"
    panel.controls["pattern"].value = "nothing*"
    assert panel.files.count.value == "no series here"
    panel.controls["pattern"].value = ""
    assert panel.apply.description == "Run 11"


@pytest.mark.parametrize(
    ("control", "text", "said"),
    [
        ("outputs", "../elsewhere", "the results stay in"),
        ("outputs", ".", "a folder of its own"),
        ("outputs", "short.yaml", "a folder of its own"),
        ("jobs", "many", "a whole number or auto"),
        ("jobs", "0", "jobs must be at least 1"),
    ],
)
def test_wrong_wishes_are_sentences(make_batch, control, text, said):
    panel = make_batch()
    panel.controls[control].value = text
    assert said.lower() in panel.messages.value.lower()
    assert panel.apply.disabled
    panel.controls[control].value = ""
    assert not panel.apply.disabled


def test_results_go_home_where_the_data_folder_cannot_be_written(make_batch, tmp_path, monkeypatch):
    panel = make_batch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    panel.apply.click()
    assert (tmp_path / "home" / "short" / "summary.csv").is_file()
    assert not (panel.session.folder / "short").exists()


def test_series_at_a_time_are_told_with_the_reason(make_batch):
    panel = make_batch(broken=())
    assert "at a time: each needs" in panel.plan.value
    panel.controls["jobs"].value = "1"
    assert "1 at a time: each needs" in panel.plan.value
    assert plan_sentence(Plan((0, 1_900_000_000), 4_000_000_000, 2, 1)) == (
        "2 at a time: each needs 1.9 GB, 4 GB may be taken",
        True,
    )
    assert not plan_sentence(Plan((5_000_000_000,), 4_000_000_000, 1, 2))[1]
    assert plan_sentence(Plan((0,), None, 1, 1)) == ("", True)


def test_a_series_that_does_not_fit_is_warned_of(make_batch, monkeypatch):
    plan = Plan((5_000_000_000,), 4_000_000_000, 1, 2)
    monkeypatch.setattr(batch_work, "planned", lambda *_: plan)
    panel = make_batch(broken=())
    assert "each needs 5 GB, 4 GB may be taken: the largest may not fit" in panel.messages.value
    assert not panel.apply.disabled
