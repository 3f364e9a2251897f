import asyncio
import logging
import time
from pathlib import Path

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError
from tomojupyter.steps import make_step
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.session import Session
from tomojupyter.ui.stages import stage_states


def median(size=3):
    return make_step("filter", "median", size=size)


def crop(left=2):
    return make_step("trim", "crop", left=left)


def fbp():
    return make_step("reconstruct", "FBP")


def test_apply_does_what_the_method_does(session, stack, timeless):
    assert session.apply(median())
    expected = stack.filter("median", size=3)
    np.testing.assert_array_equal(session.signal.data, expected.data)
    assert timeless(session.signal) == timeless(expected)
    assert session.message.kind == "good"


def test_undo_and_redo_restore_the_very_signals(session, stack):
    session.apply(median(), label="Filter")
    filtered = session.signal
    assert session.undo_name == "Filter"
    session.undo()
    assert session.signal is stack
    assert (session.undo_name, session.redo_name) == ("", "Filter")
    session.redo()
    assert session.signal is filtered
    assert session.redo_name == ""


def test_several_steps_are_one_change_with_a_record_each(session, stack):
    session.apply(crop(), median(), label="Trim")
    assert [r["operation"] for r in session.records] == ["source", "trim", "filter"]
    session.undo()
    assert session.signal is stack


def test_branch_keeps_the_states_before(session):
    session.apply(median(3))
    first = session.cursor
    session.undo()
    session.apply(median(5))
    assert session.redo_name == ""
    session.go_to(first)
    assert session.signal is first.signal
    session.apply(crop())
    assert session.cursor.parent is first
    assert len(session.timeline.nodes) == 4


def test_runs_are_kept_and_a_run_starts_from_the_series(session):
    session.apply(fbp())
    first = session.result
    session.apply(make_step("reconstruct", "SIRT", iterations=2))
    assert [n.name for n in session.runs] == ["A", "B"]
    assert session.volume is session.result is session.runs[1].signal
    session.undo()
    assert session.result is first
    session.undo()
    assert session.result is session.signal
    assert [n.name for n in session.runs] == ["A", "B"]
    session.go_to(session.runs[0], "Choose A")
    assert session.volume is first


def test_a_series_step_after_a_run_goes_on_from_the_series(session):
    session.apply(fbp())
    session.apply(median())
    assert session.result._signal_type == "TomoStack"
    assert [r["operation"] for r in session.records] == ["source", "filter"]


def test_error_of_ours_is_the_message_and_nothing_changes(session, stack):
    state = session.state
    assert session.apply(crop(left=500))
    assert session.message.kind == "error"
    assert "do not lie in the image" in session.message.text
    assert session.signal is stack
    assert session.state == state
    assert session.job is None


def test_other_error_is_said_without_traceback_and_logged(session, caplog):
    def work(_monitor):
        raise KeyError("inner detail")

    with caplog.at_level(logging.ERROR):
        session.start("Fit", work, lambda _result: None)
    assert session.message.kind == "error"
    assert "inner detail" not in session.message.text
    assert "KeyError" in caplog.text
    assert "inner detail" in caplog.text


def test_error_while_showing_a_result_is_said_too(session):
    told = []
    session.start("Fit", lambda _m: 1, lambda _r: 1 / 0, failed=told.append)
    assert told
    assert session.message.kind == "error"


def test_second_job_gets_the_sentence(session):
    said = []

    def work(monitor):
        monitor(1, 4)
        session.start("Median", lambda _m: 1, lambda _r: None)
        said.append(session.message)
        return 1

    session.start("SIRT", work, lambda _r: None, can_finish=True)
    assert said[0].text.startswith("SIRT is running")
    assert said[0].text.endswith("Stop or Finish it first.")


def test_stop_leaves_all_as_it_was(session, stack):
    def stop(change):
        if change["new"] is not None and change["new"].report.done == 2:
            session.cancel()

    session.observe(stop, "job")
    session.apply(make_step("reconstruct", "SIRT", iterations=6))
    assert session.message.text == "Stopped SIRT: nothing was changed."
    assert session.result is stack
    assert session.runs == []


def test_finish_keeps_the_iterate_and_records_it(session):
    def finish(change):
        job = change["new"]
        if job is not None and len(job.report.series.get("residual", ())) == 3:
            session.finish()

    session.observe(finish, "job")
    session.apply(make_step("reconstruct", "SIRT", iterations=50))
    assert session.records[-1]["resolved"]["iterations"] == 3
    assert session.records[-1]["asked"]["iterations"] == 50


def test_warnings_of_a_job_are_sentences(session, stack):
    stack.data[0] += 0  # the same object stays
    broken = stack.deepcopy()
    broken.data[3, 4, 5] = np.nan
    session.replace(broken, "broken")
    session.apply(make_step("reconstruct", "FBP"))
    assert any("NaN" in text for text in session.warnings)
    assert session.message.kind == "warning"


def test_loading_another_series_can_be_undone(session, stack):
    other = stack.filter("sobel")
    session.replace(other, "other")
    assert (session.name, session.runs) == ("other", [])
    session.undo()
    assert session.signal is stack
    assert session.name == "catalyst"


def test_empty_session_says_what_is_missing(empty):
    assert not empty.apply(median())
    assert empty.message.text == "Load a series first."
    assert empty.result is None
    assert empty.volume is None
    assert not empty.save()


def test_no_steps_is_a_sentence(session):
    assert not session.apply()
    assert "nothing to change" in session.message.text


def test_save_writes_what_load_reads_back(session, tmp_path, timeless):
    session.apply(median())
    assert session.save()
    again = tomo.load(tmp_path / "catalyst.hspy")
    np.testing.assert_array_equal(again.data, session.signal.data)
    assert timeless(again) == timeless(session.signal)
    assert session.saved
    session.apply(crop())
    assert session.saved == ""


def test_saving_where_it_cannot_be_is_a_sentence(session, tmp_path):
    (tmp_path / "file").write_text("no folder")
    session.save(tmp_path / "file" / "a.hspy")
    assert session.message.kind == "error"
    assert "Traceback" not in session.message.text


def test_going_to_a_foreign_state_is_refused(session, stack):
    other = Session(stack, executor=Inline())
    with pytest.raises(DataError):
        session.go_to(other.cursor)


STAGES = [("source",), ("trim",), ("filter", "background"), ("stack_register",)]


def record(operation, number):
    return {"operation": operation, "number": number}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], ["open"] * 4),
        (["source"], ["done", "open", "open", "open"]),
        (["source", "stack_register"], ["done", "skipped", "skipped", "done"]),
        (["source", "trim", "stack_register"], ["done", "done", "skipped", "done"]),
        (["source", "stack_register", "filter"], ["done", "skipped", "done", "stale"]),
        (
            ["source", "stack_register", "filter", "stack_register"],
            ["done", "skipped", "done", "done"],
        ),
    ],
)
def test_stage_states_follow_from_history(operations, expected):
    records = [record(operation, i) for i, operation in enumerate(operations)]
    assert [s.state for s in stage_states(records, STAGES)] == expected


def test_results_do_not_go_where_nothing_can_be_written(session, tmp_path, monkeypatch):
    assert session.results == tmp_path
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    assert session.results == Path.home()


def test_work_that_nobody_asked_for_makes_way():
    async def scene():
        session, ended, seen = Session(), asyncio.Event(), []

        def slow(monitor):
            time.sleep(0.2)
            monitor(1, 2)
            return "preview"

        def asked(result):
            seen.append(result.value)
            ended.set()

        assert session.start("preview", slow, seen.append, yields=True)
        assert session.start("opening", lambda _monitor: "file", asked)
        await asyncio.wait_for(ended.wait(), 30)
        assert seen == ["file"]
        assert session.job is None

        # what was asked for does not make way
        ended.clear()
        assert session.start("slow", slow, asked)
        assert not session.start("opening", lambda _monitor: "file", asked)
        assert "Slow is running" in session.message.text
        await asyncio.wait_for(ended.wait(), 30)
        assert seen == ["file", "preview"]

    asyncio.run(scene())


def test_stop_ends_what_waits_too():
    async def scene():
        session, seen = Session(), []

        def slow(monitor):
            time.sleep(0.2)
            monitor(1, 2)

        session.start("preview", slow, seen.append, yields=True)
        session.start("opening", lambda _monitor: "file", seen.append)
        session.cancel()
        for _ in range(100):
            await asyncio.sleep(0.05)
            if session.job is None:
                break
        await asyncio.sleep(0.1)
        assert seen == []
        assert "nothing was changed" in session.message.text

    asyncio.run(scene())
