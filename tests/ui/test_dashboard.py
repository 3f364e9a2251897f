import pytest

from tomojupyter.steps import make_step
from tomojupyter.ui.dashboard import Dashboard, main, viewer
from tomojupyter.ui.panels import STAGES, TOOLS
from tomojupyter.ui.panels.filter import FilterPanel
from tomojupyter.ui.panels.load import LoadPanel
from tomojupyter.ui.status import StatusLine


@pytest.fixture
def app(session):
    return Dashboard(session, (LoadPanel, FilterPanel), ())


def classes(app, name):
    return set(app.rail[name]._dom_classes)


def test_panels_are_built_when_they_are_opened(app):
    assert list(app.panels) == ["load"]
    app.rail["filter"].click()
    assert list(app.panels) == ["load", "filter"]
    assert app.children[2] is app.panels["filter"]
    assert app.panels["filter"].active
    assert not app.panels["load"].active
    assert "tj-current" in classes(app, "filter")
    assert "tj-current" not in classes(app, "load")


def test_every_panel_opens_without_a_series(empty):
    app = Dashboard(empty)
    for cls in (*STAGES, *TOOLS):
        app.show_panel(cls.panel)
        assert app.current == cls.panel
        assert empty.message.kind != "error", empty.message.text


def test_every_panel_opens_with_a_series_and_a_volume(session):
    app = Dashboard(session)
    session.apply(make_step("reconstruct", "FBP"))
    for cls in (*STAGES, *TOOLS):
        app.show_panel(cls.panel)
        assert session.message.kind != "error", session.message.text


def test_names_and_hooks_of_panels_are_their_own():
    names = [cls.panel for cls in (*STAGES, *TOOLS)]
    assert len(set(names)) == len(names)
    for cls in (*STAGES, *TOOLS):
        assert cls.title != "Panel"
        assert cls.purpose.endswith(".")
        assert cls.hint or cls in TOOLS


def test_top_bar_says_what_is_loaded(app, empty):
    assert "catalyst" in app.data.value
    assert "13 tilts, −60° to 60°" in app.data.value
    assert "32 × 32 px" in app.data.value
    assert "No series yet" in Dashboard(empty).data.value


def test_undo_names_what_it_undoes(app):
    app.show_panel("filter")
    assert app.undo.disabled
    app.panels["filter"].apply.click()
    assert app.undo.description == "Undo Filter"
    assert not app.undo.disabled
    assert app.redo.disabled
    app.undo.click()
    assert app.redo.description == "Redo Filter"
    assert len(app.session.records) == 1
    app.redo.click()
    assert app.session.records[-1]["operation"] == "filter"


def test_rail_shows_states_and_results(app):
    assert app.rail["filter"].description == f"Filter\n{FilterPanel.hint}"
    assert "tj-done" in classes(app, "load")
    app.show_panel("filter")
    app.panels["filter"].controls["size"].value = 3
    app.panels["filter"].apply.click()
    assert app.rail["filter"].description == "Filter\nalign: median 3 px"
    assert "tj-done" in classes(app, "filter")
    app.session.undo()
    assert "tj-done" not in classes(app, "filter")


def test_a_result_too_long_for_the_rail_ends_in_dots_and_is_whole_in_the_tooltip(app):
    app.session.apply(make_step("filter", "median", size=3, alignment_only=True))
    app.session.apply(make_step("normalise", "smooth"))
    button = app.rail["filter"]
    assert button.description == "Filter\nalign: median 3 px…"
    assert button.tooltip == "Filter: align: median 3 px, brightness: jumps off"


def test_earlier_step_makes_a_later_stage_stale(app):
    app.session.apply(make_step("filter", "median"))
    app.session.apply(make_step("set_tilts", "range", start=-60, increment=10))
    assert "tj-stale" in classes(app, "filter")
    assert app.rail["filter"].description == "Filter\nnot up to date"
    assert app.rail["filter"].tooltip == "Filter: an earlier step changed"
    app.session.apply(make_step("filter", "median"))
    assert "tj-done" in classes(app, "filter")


def test_joint_does_the_work_of_the_tilt_axis_as_well(session):
    app = Dashboard(session)
    app.show_panel("register")
    app.panels["register"].form.choose("joint")
    app.panels["register"].apply.click()
    assert session.message.text.endswith("Next: Reconstruct.")
    told = session.records[-1]["scalars"]
    assert told["axis_row"] == 15.5
    angle = f"{told['angle_deg']:.1f}".replace("-", "−")
    assert app.rail["tiltaxis"].description == f"Tilt axis\n{angle}°, row 15.5"
    assert {"tj-done"} == classes(app, "tiltaxis") & {"tj-done", "tj-open", "tj-stale"}
    session.apply(make_step("reconstruct", "FBP"))
    assert "tj-done" in classes(app, "tiltaxis")  # not skipped
    session.undo()
    session.undo()
    assert "tj-done" not in classes(app, "tiltaxis")


def test_a_registration_that_finds_no_axis_leads_to_the_tilt_axis(session):
    app = Dashboard(session)
    app.show_panel("register")
    app.panels["register"].apply.click()
    assert session.message.text.endswith("Next: Tilt axis.")
    assert "tj-done" not in classes(app, "tiltaxis")


def test_registering_anew_makes_the_axis_of_joint_stale_no_more_than_its_own(session):
    app = Dashboard(session)
    session.apply(make_step("stack_register", "joint"))
    session.apply(make_step("stack_register", "PC"))
    assert "tj-stale" in classes(app, "tiltaxis")
    session.apply(make_step("tilt_align", "manual", shift=1.0))
    assert "tj-done" in classes(app, "tiltaxis")


def test_save_is_told_in_the_top_bar(app, tmp_path):
    app.save.click()
    assert (tmp_path / "catalyst.hspy").is_file()
    assert "saved" in app.saved.value
    app.session.apply(make_step("filter", "median"))
    assert app.saved.value == ""


def test_using_a_series_opens_the_next_stage(empty):
    app = Dashboard(empty, (LoadPanel, FilterPanel), ())
    load = app.panels["load"]
    load.catalyst.click()
    load.apply.click()
    assert app.current == "filter"
    assert app.session.name == "catalyst"


def test_status_line_follows_a_job(session):
    status = StatusLine(session)
    assert status.stop.layout.display == "none"
    seen = []

    def work(monitor):
        monitor(28, 50)
        seen.append(
            (status.message.value, status.progress.value, status.finish.description,
             status.stop.layout.display)
        )  # fmt: skip

    session.start("SIRT", work, lambda _r: None, can_finish=True)
    text, part, finish, stop = seen[0]
    assert "<b>SIRT</b>: iteration 28 of 50" in text
    assert part == pytest.approx(0.56)
    assert finish == "Finish: keep iteration 28"
    assert stop == ""
    assert status.stop.layout.display == "none"


def test_status_line_escapes_and_alerts(session):
    status = StatusLine(session)
    session.say("a <b> c", "error")
    assert "a &lt;b&gt; c" in status.message.value
    assert "role='alert'" in status.message.value


def test_main_lists_the_data_folder(tmp_path):
    (tmp_path / "one.npy").write_bytes(b"")
    app = main(tmp_path)
    names = [row.children[0].description for row in app.panels["load"].files.rows.children]
    assert names == ["one.npy"]


def test_keys_card_tells_the_keys_of_the_panel_that_is_open(session):
    app = Dashboard(session)
    assert app.keys_card.layout.display == "none"
    app.keys_button.click()
    assert app.keys_card.layout.display == ""
    assert "Every picture" in app.keys_card.value
    app.show_panel("tiltaxis")
    assert "shift by 0.1 px" in app.keys_card.value
    app.keys_button.click()
    assert app.keys_card.layout.display == "none"


def test_after_load_the_next_useful_stage_opens(stack, empty):
    app = Dashboard(empty)
    load = app.panels["load"]
    load._begin("even", lambda _monitor: stack, "given", None)
    load.apply.click()
    assert app.current == "register"  # nothing to trim, the vacuum is at zero
    lifted = stack.deepcopy()
    lifted.data = lifted.data + 500
    load._begin("lifted", lambda _monitor: lifted, "given", None)
    load.apply.click()
    assert app.current == "filter"
    assert app.panels["filter"].form.cls.operation == "background"
    assert "background <b>constant</b>" in app.panels["filter"].record.value


def test_sentence_that_names_a_stage_leads_there(session, empty):
    app = Dashboard(empty)
    app.show_panel("explore")
    link = app.panels["explore"].link
    assert link.description == "Go to Reconstruct"
    link.click()
    assert app.current == "reconstruct"
    assert app.panels["reconstruct"].link.description == "Go to Load"
    app = Dashboard(session)
    app.show_panel("tiltaxis")
    panel = app.panels["tiltaxis"]
    assert panel._way_out("", ["Register first: the images still move by 4 px."]) == "register"
    assert panel._way_out("", ["12 GB are needed: bin by 2 in Trim. Or crop."]) == "trim"
    assert panel._way_out("", ["All is well."]) == ""


@pytest.mark.parametrize("make", [main, viewer])
def test_a_volume_that_is_opened_is_seen_in_explore(make, stack, tmp_path):
    stack.reconstruct("FBP", show_progressbar=False).save(tmp_path / "volume.hspy")
    app = make(tmp_path)
    app.panels["load"].open_file(tmp_path / "volume.hspy")
    assert app.current == "explore"
    assert app.session.volume.data.shape == (32, 32, 32)


def test_the_viewer_looks_and_changes_nothing(stack, tmp_path):
    stack.save(tmp_path / "series.hspy")
    app = viewer(tmp_path)
    load = app.panels["load"]
    load.open_file(tmp_path / "series.hspy")
    assert load.view.extent == [32, 32]
    assert "13, " in load.says.value
    assert app.session.cursor is None
    assert load.apply.layout.display == "none"
    assert list(app.rail) == ["load", "explore", "history"]
    assert not list(tmp_path.glob(".tomojupyter"))


def test_a_page_that_arrives_gets_what_changed_while_it_was_made(tmp_path, monkeypatch):
    app = main(tmp_path)
    load = app.panels["load"]
    sent = []
    monkeypatch.setattr(
        "ipywidgets.Widget.send_state", lambda widget, key=None: sent.append((widget, key))
    )
    app.arrival._msg_callbacks(app.arrival, {"kind": "here"}, [])
    whole = [widget for widget, key in sent if key is None]
    for widget in (load.says, load.pixel, load.catalyst, load.apply, load.details.layout):
        assert widget in whole
    assert load.view not in whole  # frames are large, and sent when the size of the page is known
