"""What was done in a panel and not applied, kept with the session."""

import asyncio

import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import make_step
from tomojupyter.ui.panels.register import RegisterPanel
from tomojupyter.ui.sources import Source
from tomojupyter.ui.store import Store


def saved(folder):
    (found,) = Store(folder).sessions()
    return found


def nudged(session, folder, *, previewed):
    """Nudge two frames of a session, in the Register panel, without Apply."""
    panel = RegisterPanel(session)
    panel.activate()
    if previewed:
        panel.form.choose("COM")
        panel.preview_button.click()
    panel.view.projection = 4
    panel.nudges.put(0.5, -0.25)
    panel.view.projection = 7
    panel.nudges.put(1.0, 0.0)
    return panel


@pytest.mark.parametrize("previewed", [False, True])
def test_nudges_that_were_not_applied_come_back(begin, folder, previewed):
    first = begin()
    path = folder / "series.hspy"
    first.replace(tomo.load(path), "series", source=Source.of_file(path))
    nudged(first, folder, previewed=previewed)
    first._claim.release()
    found = saved(folder)
    last = found.lines()[-1]
    assert (last.label, last.text) == ("Register", "2 frames nudged, not applied yet")
    assert not last.done
    session = begin()
    session.resume(found)
    assert "with 1 step." in session.message.text
    panel = RegisterPanel(session)
    panel.activate()
    if previewed:
        assert panel.nudges.moves == {}
        assert "press Preview" in session.message.text
        assert panel.form.step().method == "COM"
        panel.preview_button.click()
    assert panel.nudges.moves == {4: (0.5, -0.25), 7: (1.0, 0.0)}
    panel.apply.click()
    assert [s.method for s in session.cursor.steps] == (["COM"] if previewed else []) + ["manual"]
    assert session.draft_of("register") is None
    session._claim.release()
    assert saved(folder).lines()[-1].done


def test_nudges_that_were_taken_back_are_forgotten(begin, folder):
    session = begin()
    path = folder / "series.hspy"
    session.replace(tomo.load(path), "series", source=Source.of_file(path))
    panel = nudged(session, folder, previewed=False)
    assert Store(folder).sessions()
    panel.nudges.forget()
    assert Store(folder).sessions() == []  # a look is no work


def test_nudges_belong_to_the_series_that_they_were_set_on(begin, folder):
    session = begin()
    path = folder / "series.hspy"
    session.replace(tomo.load(path), "series", source=Source.of_file(path))
    panel = nudged(session, folder, previewed=False)
    session.apply(make_step("trim", "crop", left=2), label="Trim")
    assert panel.nudges.moves == {}
    session.undo()
    assert panel.nudges.moves == {4: (0.5, -0.25), 7: (1.0, 0.0)}


def test_nudges_are_written_a_moment_later_not_at_every_key(begin, folder, monkeypatch):
    monkeypatch.setattr("tomojupyter.ui.keeping.DRAFT_WITHIN_S", 0.01)
    session = begin()
    path = folder / "series.hspy"
    session.replace(tomo.load(path), "series", source=Source.of_file(path))
    written = []
    keep = session._keep
    session._keep = lambda: written.append(1) or keep()

    async def main():
        for k in range(5):
            session.draft("register", {"moves": [[1, k, 0]], "preview": None, "text": "some"})
        assert not written
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert written == [1]
    assert saved(folder).content["drafts"]["register"]["values"]["moves"] == [[1, 4, 0]]
