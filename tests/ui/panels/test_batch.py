"""The panel that runs a recipe on many series: it is `tomojupyter batch`, seen and clicked."""

import csv
import shlex

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.__main__ import main
from tomojupyter.batch.table import DONE, FAILED, KEPT, WAITING
from tomojupyter.errors import ParameterError
from tomojupyter.ui.panels import batch_work
from tomojupyter.ui.panels.batch_recipe import SESSION
from tomojupyter.ui.status import StatusLine

TAKEN = ("seconds",)


def table_of(folder):
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in TAKEN} for row in csv.DictReader(file)]


def test_run_gives_what_the_command_gives(make_batch, timeless, states):
    panel = make_batch()
    folder = panel.session.folder
    assert panel.apply.description == "Run 3"
    assert set(states(panel).values()) == {WAITING}
    panel.apply.click()
    assert states(panel) == {"s0.mrc": DONE, "s1.mrc": FAILED, "s2.mrc": DONE}
    assert panel.session.message.text == "2 done, 1 failed. See summary.html in short."
    assert panel.result.output == folder / "short"
    command = ["batch", str(folder), "--recipe", str(folder / "short.yaml"), "--output"]
    assert main([*command, str(folder / "typed")]) == 1
    names = {p.name for p in (folder / "typed").iterdir()}
    assert {p.name for p in (folder / "short").iterdir()} == names
    assert table_of(folder / "short") == table_of(folder / "typed")
    for name in ("s0.hspy", "s2.hspy"):
        ours, theirs = tomo.load(folder / "short" / name), tomo.load(folder / "typed" / name)
        np.testing.assert_array_equal(ours.data, theirs.data)
        assert timeless(ours) == timeless(theirs)


def test_the_record_line_is_the_command(make_batch, monkeypatch, capsys):
    panel = make_batch(broken=())
    panel.files.boxes["s1.mrc"].value = False
    panel.controls["pattern"].value = "s*"
    panel.controls["outputs"].value = "two of them"
    panel.controls["jobs"].value = "1"
    panel.controls["skip"].value = False
    panel.apply.click()
    tip = panel.record.value.partition('title="In the data folder: ')[2].partition('">')[0]
    words = shlex.split(tip.replace("&#x27;", "'"))
    assert words[:3] == ["tomojupyter", "batch", "."]
    assert words[-4:] == ["--again", "--only", "s0.mrc", "s2.mrc"]
    words.remove("--again")
    monkeypatch.chdir(panel.session.folder)
    assert main(words[1:]) == 0
    assert "2 done before" in capsys.readouterr().err


def test_recipe_of_the_session_is_kept_with_the_results(make_batch, states):
    panel = make_batch(work=lambda series: series.stack_register("PC"), broken=())
    assert panel.controls["recipe"].value == SESSION
    assert "automatic: start" in panel.choice.words.value
    out = panel.session.folder / "catalyst_batch"
    out.mkdir()
    (out / "recipe.yaml").write_text("of somebody else")
    panel.apply.click()
    assert set(states(panel).values()) == {DONE}
    written = (out / "recipe_2.yaml").read_text()
    assert written == tomo.Recipe.of(panel.session.signal, resolved=False).to_yaml()
    assert (out / "recipe.yaml").read_text() == "of somebody else"
    panel.apply.click()
    assert set(states(panel).values()) == {KEPT}
    assert sorted(p.name for p in out.glob("*.yaml")) == ["recipe.yaml", "recipe_2.yaml"]


def test_try_does_the_first_and_shows_it(make_batch, states):
    panel = make_batch()
    panel.preview_button.click()
    assert states(panel) == {"s0.mrc": DONE, "s1.mrc": WAITING, "s2.mrc": WAITING}
    assert "Look at it before you run all" in panel.session.message.text
    assert panel.table.selected == "s0.mrc"
    assert panel.look.after.subtitle == "slice x 16 of 32"
    panel.preview_button.click()
    assert "s0.mrc was done before" in panel.session.message.text
    panel.controls["skip"].value = False
    panel.preview_button.click()
    assert panel.session.message.text.startswith("s0.mrc took")


def test_try_on_a_broken_file_says_why(make_batch):
    panel = make_batch(broken=(0,))
    panel.preview_button.click()
    assert panel.session.message.text.startswith("s0.mrc failed: s0.mrc ends early")
    assert panel.session.message.kind == "warning"


def test_stop_keeps_what_is_done(make_batch, states):
    panel = make_batch(broken=())
    seen = []

    def stop_after_one(_):
        job = panel.session.job
        if job is not None:
            seen.append((job.stop_text, dict(states(panel))))
            if job.report.done == 1:
                panel.session.cancel()

    panel.session.observe(stop_after_one, "job")
    panel.apply.click()
    assert states(panel) == {"s0.mrc": DONE, "s1.mrc": WAITING, "s2.mrc": WAITING}
    assert panel.session.message.text == "Stopped: 1 done, 2 not done. Run goes on with the rest."
    assert {text for text, _ in seen} == {"Stop: keep what is done"}
    assert any(found["s0.mrc"] == "running" for _, found in seen)
    assert "s1.mrc,not done" in (panel.output / "summary.csv").read_text()
    panel.session.unobserve_all()
    panel.apply.click()
    assert list(states(panel).values()) == [KEPT, DONE, DONE]


def test_status_line_counts_failures_and_the_time_left(make_batch, monkeypatch):
    panel = make_batch(5, broken=(1,))
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(batch_work.time, "monotonic", lambda: float(next(clock)))
    status, said = StatusLine(panel.session), []
    panel.session.observe(lambda _: said.append(status.message.value), "job")
    panel.apply.click()
    assert any("<b>Batch</b>: 1 of 5, about " in text for text in said)
    assert any("2 of 5, 1 failed, about " in text and " min left" in text for text in said)
    assert "<b>Batch</b>: 0 of 5" in said[1]
    assert " left" not in said[1]


def test_another_job_is_not_disturbed(make_batch):
    panel = make_batch()
    panel.session.executor.monitor = object()
    panel.apply.click()
    assert "Stop it first" in panel.session.message.text
    assert not panel.output.exists()


def test_a_batch_in_the_same_folder_is_a_sentence_and_the_panel_goes_on(
    make_batch, monkeypatch, states
):
    panel = make_batch()

    def refuse(*_):
        raise ParameterError("another batch is at work in short: wait for its end")

    with monkeypatch.context() as patch:
        patch.setattr("tomojupyter.batch.folder._lock", refuse)
        panel.apply.click()
    assert panel.session.message.text.startswith("Another batch is at work in short")
    assert set(states(panel).values()) == {WAITING}
    panel.apply.click()
    assert states(panel)["s0.mrc"] == DONE
