"""What a session leaves on disk, and how the next one goes on from there."""

import datetime
import json
import shutil

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import history, make_step
from tomojupyter.steps.run import run
from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.panels.resume import clock
from tomojupyter.ui.sources import Source
from tomojupyter.ui.store import Store
from tomojupyter.ui.timeline import now


@pytest.fixture
def worked(begin, folder):
    """A session with a run, whose page then went away."""
    session = begin()
    path = folder / "series.hspy"
    steps = (make_step("set_scale", "pixel", size=0.5),)
    loaded = run(tomo.load(path), steps[0])
    session.replace(loaded, "series", source=Source.of_file(path), steps=steps)
    session.apply(make_step("trim", "crop", left=2), label="Trim")
    session.apply(make_step("stack_register", "PC"), label="Register")
    session.apply(make_step("reconstruct", "SIRT", iterations=2), label="Reconstruct")
    session._claim.release()
    return session


def saved(folder):
    (found,) = Store(folder).sessions()
    return found


def test_every_step_is_on_disk_at_once(begin, folder):
    session = begin()
    path = folder / "series.hspy"
    session.replace(tomo.load(path), "series", source=Source.of_file(path))
    assert Store(folder).sessions() == []  # a look is no work
    session.apply(make_step("filter", "median", size=3), label="Filter")
    assert [line.label for line in saved(folder).lines()] == ["Load", "Filter"]
    assert session.kept
    session.undo()
    assert [line.label for line in saved(folder).lines()] == ["Load"]


def test_next_session_goes_on_with_the_same_voxels_and_history(worked, begin, folder):
    session = begin()
    there = []
    assert session.resume(saved(folder), then=lambda: there.append(1))
    assert there
    np.testing.assert_array_equal(session.volume.data, worked.volume.data)
    np.testing.assert_array_equal(session.signal.data, worked.signal.data)
    assert history.read(session.volume) == history.read(worked.volume)
    assert session.name == "series"
    assert [n.name for n in session.runs] == ["A"]
    assert session.undo_name == "Reconstruct"
    session.undo()
    session.undo()
    session.undo()
    assert session.signal.data.shape == (13, 32, 32)
    session.redo()
    session.apply(make_step("filter", "median"))
    assert session.message.kind == "good"


def test_going_on_keeps_one_session_not_two(worked, begin, folder):
    session = begin()
    session.resume(saved(folder))
    session.apply(make_step("reconstruct", "FBP"), label="Reconstruct")
    assert [line.text.split(",")[0] for line in saved(folder).lines()][-1] == "B: FBP"


def test_what_was_under_way_is_told_and_done_again(worked, begin, folder):
    left = []

    def crash(change):
        job = change["new"]
        if job is not None and job.report.done == 3 and not left:
            worked._told = -1e9
            worked._follow_run(job.report)
            left.append(json.loads((worked._place / "session.json").read_text()))

    worked.observe(crash, "job")
    worked.apply(make_step("reconstruct", "SIRT", iterations=5), label="Reconstruct")
    worked.undo()
    (worked._place / "session.json").write_text(json.dumps(left[0]))
    worked._claim.release()
    found = saved(folder)
    last = found.lines()[-1]
    assert not last.done
    assert "SIRT" in last.text
    assert "stopped at 3 of 5" in last.text
    session = begin()
    label, steps = found.interrupted
    session.resume(found, then=lambda: session.apply(*steps, label=label))
    assert session.records[-1]["resolved"]["iterations"] == 5


def test_failed_step_leaves_the_state_before_on_disk(worked, folder):
    worked.undo()
    before = saved(folder).lines()
    worked.apply(make_step("trim", "crop", left=500), label="Trim")
    assert worked.message.kind == "error"
    assert saved(folder).lines() == before
    assert saved(folder).interrupted == ("", [])


@pytest.mark.parametrize("how", ["moved", "changed"])
def test_raw_file_that_is_not_the_same_is_told(worked, begin, folder, how):
    path = folder / "series.hspy"
    if how == "moved":
        path.rename(folder / "elsewhere.hspy")
        expected = "series.hspy is not where it was"
    else:
        path.write_bytes(path.read_bytes() + b"more")
        expected = "series.hspy has changed since (size"
    assert expected in saved(folder).problems()[0]
    session = begin()
    failed = []
    session.resume(saved(folder), failed=failed.append)
    assert expected in failed[0]
    assert session.cursor is None
    if how == "moved":
        found = saved(folder)
        found.relocate(folder / "elsewhere.hspy")
        session.resume(found)
        np.testing.assert_array_equal(session.volume.data, worked.volume.data)


def test_second_tab_may_look_or_take_over(worked, begin, folder):
    worked._claim.take()
    found = saved(folder)
    assert found.claim.open_elsewhere()
    second = begin()
    second.resume(found, look=True)
    assert not second.apply(make_step("filter", "median"))
    assert "only look" in second.message.text
    assert [line.label for line in saved(folder).lines()][-1] == "Reconstruct"
    second.take_over()
    assert second.apply(make_step("trim", "bin", factor=2), label="Trim")
    kept = saved(folder).lines()
    # the first tab cannot write over it, and says so
    assert not worked.apply(make_step("filter", "median"))
    assert worked.look_only
    worked.undo()
    assert saved(folder).lines() == kept


def test_two_tabs_that_start_new_have_a_session_each(begin, folder):
    path = folder / "series.hspy"
    for _ in range(2):
        session = begin()
        session.replace(tomo.load(path), "series", source=Source.of_file(path))
        session.apply(make_step("filter", "median"))
        assert session.look_only == ""
    assert len(Store(folder).sessions()) == 2


def test_two_tabs_do_not_save_over_each_other(begin, folder):
    names = []
    for size in (3, 5):
        session = begin()
        session.replace(tomo.load(folder / "series.hspy"), "series.mrc")
        session.apply(make_step("filter", "median", size=size))
        session.save()
        session.save()
        names.append(session.cursor.file.name)
    assert names == ["series_2.hspy", "series_3.hspy"]


def test_full_disk_is_a_warning_not_the_end(begin, folder, monkeypatch):
    session = begin()

    def refuse(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tomojupyter.ui.keeping.write", refuse)
    session.replace(tomo.load(folder / "series.hspy"), "series")
    assert session.signal is not None
    assert "No space left on device" in session.message.text
    assert session.kept == ""


def test_sessions_of_long_ago_are_deleted(worked, folder):
    path = worked._place / "session.json"
    content = json.loads(path.read_text())
    content["updated"] = (now() - datetime.timedelta(days=31)).isoformat()
    path.write_text(json.dumps(content))
    assert Store(folder).sessions() == []
    assert not worked._place.exists()


def test_session_that_cannot_be_read_is_left_alone(worked, folder):
    (worked._place / "session.json").write_text("{")
    assert Store(folder).sessions() == []
    assert worked._place.exists()


def test_volumes_are_kept_when_asked(worked, begin, folder):
    worked._claim.take()
    worked.keep_volumes = True
    worked.apply(make_step("reconstruct", "FBP"), label="Reconstruct")
    assert worked.cursor.file.is_file()
    worked._claim.release()
    (folder / "series.hspy").unlink()
    found = saved(folder)
    session = begin()
    session.resume(found)
    assert "is not where it was" in session.message.text  # the series itself is needed too


def test_card_offers_the_work_and_goes_on(worked, begin):
    app = Dashboard(begin())
    load = app.panels["load"]
    app._arrived()
    card = load.resume
    assert "Your work on series is still here" in card.head.value
    assert card.table.value.count("<tr>") == 4
    assert (card.go_on.layout.display, card.take.layout.display) == ("", "none")
    assert load.pictures.layout.display == "none"
    assert load.apply.disabled  # nothing but the card is in the way
    card.go_on.click()
    assert app.session.volume is not None
    assert card.layout.display == "none"
    assert load.pictures.layout.display == ""
    assert "steps kept" in app.saved.value


def test_the_card_is_alone_however_late_it_comes(worked, begin):
    app = Dashboard(begin())
    load = app.panels["load"]
    load.open_catalyst()
    assert load.candidate is not None
    app._arrived()
    assert load.candidate is None
    assert "Choose a series first." in load.messages.value
    load._begin("late", lambda _monitor: worked.signal, "", None)  # was being read meanwhile
    assert load.candidate is None
    load.resume.new.click()
    load.open_catalyst()
    assert load.candidate is not None


def test_card_finds_a_file_that_was_moved(worked, begin, folder):
    shutil.move(folder / "series.hspy", folder / "other.hspy")
    app = Dashboard(begin())
    app._arrived()
    load = app.panels["load"]
    card = load.resume
    assert "is not where it was" in card.problem.value
    assert card.go_on.layout.display == "none"
    card.find.click()
    load.open_file(folder / "other.hspy")
    assert card.go_on.layout.display == ""
    card.go_on.click()
    assert app.session.volume is not None


def test_card_says_that_another_tab_has_it(worked, begin):
    worked._claim.take()
    app = Dashboard(begin())
    app._arrived()
    card = app.panels["load"].resume
    assert "Open in another tab since" in card.problem.value
    card.look.click()
    assert app.session.look_only
    assert "look only" in app.saved.value
    app.take_over.click()
    assert app.session.look_only == ""


def test_card_makes_way_for_a_new_start(worked, begin):
    app = Dashboard(begin())
    app._arrived()
    load = app.panels["load"]
    load.resume.new.click()
    assert load.pictures.layout.display == ""
    assert app.session.cursor is None


def test_times_are_told_as_people_do():
    day = datetime.timedelta(days=1)
    today = now().replace(hour=14, minute=2)
    assert clock(today) == "14:02"
    assert clock(today - day) == "yesterday 14:02"
    assert clock(today - 9 * day).endswith(", 14:02")


def test_session_that_points_out_of_the_data_folder_is_not_offered(
    worked, folder, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside") / "secret.hspy"
    path = worked._place / "session.json"
    content = json.loads(path.read_text())
    content["nodes"][-1]["file"] = str(outside)
    path.write_text(json.dumps(content))
    assert saved(folder).content["nodes"][-1]["file"] is None
    content["nodes"][0]["source"]["path"] = str(outside)
    path.write_text(json.dumps(content))
    assert Store(folder).sessions() == []
