"""Undo within a budget of memory: what is put away comes back as it was."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import history, make_step
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.session import Session
from tomojupyter.ui.sources import Source
from tomojupyter.ui.timeline import memory


@pytest.fixture
def small(stack, tmp_path):
    """A session whose budget holds no state but those in use."""
    path = tmp_path / "series.hspy"
    stack.save(path)
    session = Session(executor=Inline(), folder=tmp_path, memory=1)
    session.replace(tomo.load(path), "series", source=Source.of_file(path))
    return session


def test_states_before_are_put_away_and_come_back_the_same(small):
    loaded = small.signal.data.copy()
    small.apply(make_step("filter", "median", size=3), label="Filter")
    filtered, records = small.signal.data.copy(), history.read(small.signal)
    small.apply(make_step("trim", "bin", factor=2), label="Trim")
    first, second, third = small.timeline.nodes
    assert (first.held, second.held) == (None, None)
    assert memory(small.timeline.nodes) <= third.held.data.nbytes * 1.01
    small.undo()
    np.testing.assert_array_equal(small.signal.data, filtered)
    assert history.read(small.signal) == records
    assert third.held is None
    small.undo()
    np.testing.assert_array_equal(small.signal.data, loaded)
    small.redo()
    small.redo()
    assert small.signal.data.shape[1] == 16
    assert small.message.text == "Done again: Trim."


def test_moved_images_come_back_from_one_resampling(small):
    small.apply(make_step("stack_register", "COM"), label="Register")
    small.apply(make_step("tilt_align", "manual", shift=1.5, angle=2.0), label="Tilt axis")
    aligned = small.signal.data.copy()
    small.apply(make_step("filter", "median"), label="Filter")
    small.undo()
    np.testing.assert_array_equal(small.signal.data, aligned)
    assert small.records[-1]["resampled"] == 1


def test_earlier_runs_are_put_away_and_history_brings_them_back(small):
    for iterations in (1, 2):
        small.apply(make_step("reconstruct", "SIRT", iterations=iterations))
        last = small.volume.data.copy()
    first, second = (n for n in small.timeline.nodes if n.is_volume)
    assert first.held is None
    assert [n.name for n in small.runs] == ["B"]
    small.go_to(first)
    assert small.volume is first.signal
    assert second.held is None
    small.apply(make_step("reconstruct", "FBP"))
    assert small.cursor.name == "C"
    small.go_to(second)
    np.testing.assert_array_equal(small.volume.data, last)


def test_saved_run_is_read_not_made_again(small, monkeypatch):
    small.apply(make_step("reconstruct", "SIRT", iterations=1))
    run, data = small.cursor, small.volume.data.copy()
    small.save()
    small.apply(make_step("reconstruct", "FBP"))
    assert run.held is None
    monkeypatch.setattr("tomojupyter.ui.recall.run", lambda *_a, **_k: pytest.fail("run again"))
    small.go_to(run)
    np.testing.assert_array_equal(small.volume.data, data)


def test_what_cannot_be_had_again_stays(stack, tmp_path):
    session = Session(stack, "given", executor=Inline(), folder=tmp_path, memory=1)
    session.apply(make_step("filter", "median"))
    first = session.timeline.nodes[0]
    assert first.held is stack
    session.signal.data[0] += 1  # an edit outside
    session.apply(make_step("trim", "bin", factor=2))
    edited, binned = session.timeline.nodes[1:]
    session.undo()
    session.undo()
    assert edited.held is not None
    assert binned.held is not None


def test_no_budget_keeps_all(session):
    session.apply(make_step("filter", "median"))
    session.apply(make_step("trim", "bin", factor=2))
    assert all(node.held is not None for node in session.timeline.nodes)


def test_stopped_return_changes_nothing(small):
    small.apply(make_step("filter", "median", size=3), label="Filter")
    small.apply(make_step("trim", "bin", factor=2), label="Trim")
    small.timeline.nodes[0].source = None
    before = small.cursor
    small.undo()
    assert small.message.kind == "error"
    assert small.cursor is before
    assert small.undo_name == "Trim"
