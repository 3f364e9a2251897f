"""A recipe on a folder: what fails stops nothing, and what is done is not done again."""

import csv
import json
import multiprocessing
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import psutil
import pytest

import tomojupyter.api as tomo
from tomojupyter.__main__ import main
from tomojupyter.batch import folder as folder_module
from tomojupyter.batch import table
from tomojupyter.batch.folder import Batch, Options, find_series
from tomojupyter.batch.jobs import End, Job, do, note_in
from tomojupyter.batch.memory import PROGRAM, at_a_time, needed_bytes
from tomojupyter.batch.workers import run_jobs
from tomojupyter.errors import Cancelled, MissingFileError, ParameterError, RecipeError

SHORT = """tomojupyter: 1
steps:
  - background: {method: constant}
  - reconstruct: {method: SIRT, iterations: %d}
"""


@pytest.fixture
def folder(series_folder):
    """Return a function that makes a folder of series and a recipe beside it."""

    def make(count, iterations=2, broken=()):
        return series_folder(count, SHORT % iterations, broken)

    return make


def run(path, recipe, **options):
    said = []
    batch = Batch(path, recipe, options=Options(**options))
    batch.run(said.append)
    return batch, said


def states(batch):
    return {name: row.state for name, row in batch.rows.items()}


def test_ten_series_with_a_broken_file_and_two_kills_end_complete(folder):
    """A worker is killed, then all; after a restart all but the broken file are done."""
    path, recipe = folder(10, iterations=250, broken=[4])
    out = path / "quick"
    command = [sys.executable, "-m", "tomojupyter", "batch", path, "--recipe", recipe]
    command += ["--jobs", "2", "--cores", "1"]

    def wait_for(count, process):
        while len(list(out.glob("s*.hspy"))) < count:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)

    def workers_of(process):
        children = psutil.Process(process.pid).children()
        return [p for p in children if "spawn_main" in " ".join(p.cmdline())]

    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while len(workers_of(first)) < 2:
        assert first.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    workers_of(first)[0].kill()  # at its first series, which it has from the beginning
    wait_for(3, first)
    orphans = workers_of(first)
    first.kill()
    said = first.communicate()[1]
    # The killed process took one series along; the others went on.
    assert said.count("its process ended by signal 9") == 1
    for orphan in orphans:
        orphan.wait(60)  # without anybody to report to, it ends by itself
    whole = sorted(out.glob("s*.hspy"))
    assert 3 <= len(whole) < 9
    for one in whole:
        assert isinstance(tomo.load(one), tomo.RecStack)

    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 1, second.stderr
    with (out / "summary.csv").open(encoding="utf-8", newline="") as f:
        rows = {row["series"]: row for row in csv.DictReader(f)}
    found = [rows[f"s{i}.mrc"]["state"] for i in range(10)]
    assert found[4] == "failed"
    assert "s4.mrc" in rows["s4.mrc"]["remarks"]
    assert found.count("done before") >= len(whole)
    assert found.count("done") + found.count("done before") == 9
    expected = tomo.Recipe.from_yaml(SHORT % 250).run(tomo.load(path / "s7.mrc"))
    assert np.array_equal(tomo.load(out / "s7.hspy").data, expected.data)
    assert not list(out.glob(".*.part*"))
    assert (out / "summary.html").read_text(encoding="utf-8").count("data:image/png") == 9


def test_what_is_done_is_not_done_again_until_something_changes(folder, here):
    path, recipe = folder(3)
    batch, said = run(path, recipe)
    assert states(batch) == {f"s{i}.mrc": "done" for i in range(3)}
    assert [line[:17] for line in said] == [f"[{i}/3] s{i - 1}.mrc done" for i in (1, 2, 3)]
    times = {p: p.stat().st_mtime_ns for p in batch.output.glob("*.hspy")}
    again, said = run(path, recipe)
    assert set(states(again).values()) == {"done before"}
    assert said == []
    assert {p: p.stat().st_mtime_ns for p in times} == times
    # Another tilt list, another file, another recipe: what it concerns is done anew.
    tilts = path / "s1.rawtlt"
    tilts.write_text(tilts.read_text(encoding="utf-8").replace("60.00", "59.00"), encoding="utf-8")
    (path / "s2.mrc").write_bytes((path / "s0.mrc").read_bytes())
    assert list(states(run(path, recipe)[0]).values()) == ["done before", "done", "done"]
    recipe.write_text(SHORT % 3, encoding="utf-8")
    assert set(states(run(path, recipe)[0]).values()) == {"done"}


def test_a_result_cut_short_is_done_anew_and_a_strange_one_is_kept(folder, here):
    path, recipe = folder(2)
    batch, _ = run(path, recipe)
    mine = tomo.load(batch.output / "s0.hspy")
    del mine.metadata.Tomojupyter.batch
    mine.save(batch.output / "s0.hspy", overwrite=True)
    other = batch.output / "s1.hspy"
    other.write_bytes(other.read_bytes()[:3000])
    batch, _ = run(path, recipe)
    assert batch.rows["s0.mrc"].remarks == [
        "s0.hspy is there already and no batch made it: choose another output folder, "
        "or use --overwrite"
    ]
    # What cannot be read may be anything, so it is not replaced unasked either.
    assert set(states(batch).values()) == {"failed"}
    assert set(states(run(path, recipe, overwrite=True)[0]).values()) == {"done"}
    assert note_in(batch.output / "s0.hspy")["warnings"] == []


def test_frozen_places_of_another_shape_are_warned_of(folder, here):
    path, recipe = folder(1)
    text = SHORT.replace("steps:", "shape: [20, 30, 40]\nsteps:\n  - trim: {method: crop, left: 2}")
    recipe.write_text(text % 2, encoding="utf-8")
    batch, (line,) = run(path, recipe)
    assert "the recipe was made from a series of 20 x 30 x 40 and this one is 13 x 24 x 32" in line
    kept = run(path, recipe)[0].rows["s0.mrc"]
    assert kept.state == "done before"
    assert kept.remarks == batch.rows["s0.mrc"].remarks != []


def test_unforeseen_errors_leave_a_traceback_and_stop_nothing(folder, here, monkeypatch):
    path, recipe = folder(2)
    usual = folder_module.Recipe.run

    def run_or_fall(self, signal, *args, **options):
        if signal.metadata.General.title == "s0":
            raise ZeroDivisionError("by chance")
        return usual(self, signal, *args, **options)

    monkeypatch.setattr(folder_module.Recipe, "run", run_or_fall)
    batch, _ = run(path, recipe)
    assert list(states(batch).values()) == ["failed", "done"]
    assert batch.failed == 1
    (why,) = batch.rows["s0.mrc"].remarks
    assert why == "ZeroDivisionError: by chance (see s0.traceback.txt)"
    assert "run_or_fall" in (batch.output / "s0.traceback.txt").read_text(encoding="utf-8")
    monkeypatch.setattr(folder_module.Recipe, "run", usual)
    run(path, recipe)
    assert not (batch.output / "s0.traceback.txt").exists()


def test_the_command_says_how_it_went(folder, here, capsys):
    path, recipe = folder(2, broken=[1])
    assert main(["batch", str(path), "--recipe", str(recipe), "--jobs", "1"]) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.splitlines()[-1].startswith("1 done, 1 failed; see ")
    assert main(["batch", str(path / "nowhere"), "--recipe", str(recipe)]) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert main(["batch", str(path), "--recipe", str(recipe), "--pattern", "s0*"]) == 0


def test_ctrl_c_ends_with_130_and_the_table(folder, monkeypatch, capsys):
    path, recipe = folder(2)

    def interrupted(jobs, _count, _memory):
        yield jobs[0][0], do(jobs[0][0])
        raise KeyboardInterrupt

    monkeypatch.setattr("tomojupyter.batch.workers.run_jobs", interrupted)
    assert main(["batch", str(path), "--recipe", str(recipe)]) == 130
    assert "run the same command again" in capsys.readouterr().err
    text = (path / "quick" / "summary.csv").read_text(encoding="utf-8")
    assert "s0.mrc,done,,s0.hspy" in text
    assert "s1.mrc,not done" in text


def test_some_series_or_the_first_are_done_and_done_again(folder, here):
    path, recipe = folder(3)
    first = Batch(path, recipe)
    first.run([].append, most=1)
    assert list(states(first).values()) == ["done", "not done", "not done"]
    text = (first.output / "summary.csv").read_text(encoding="utf-8")
    assert "s2.mrc,not done" in text
    batch, _ = run(path, recipe, only=("s0.mrc", "s2.mrc"))
    assert states(batch) == {"s0.mrc": "done before", "s2.mrc": "done"}
    again = Batch(path, recipe, options=Options(again=True))
    again.run([].append, most=1)
    assert list(states(again).values()) == ["done", "not done", "done before"]
    with pytest.raises(MissingFileError, match=r"no series s9\.mrc that fits the pattern \*"):
        Batch(path, recipe, options=Options(only=("s9.mrc", "s0.mrc")))
    # The name of a result does not depend on what else is chosen.
    (path / "s0.npy").write_bytes(b"x")
    alone = Batch(path, recipe, options=Options(only=("s0.mrc",)))
    assert [job.target.name for job in alone.jobs] == ["s0_mrc.hspy"]


def test_a_series_without_news_does_not_keep_the_caller_waiting(folder, tmp_path):
    _, recipe = folder(1)
    source = tmp_path / "nobody_writes.npy"
    os.mkfifo(source)
    job = Job(source, tmp_path / "out.hspy", recipe.read_text(encoding="utf-8"))
    news = run_jobs([(job, 0)], 1, None)
    assert [next(news) for _ in range(4)] == [(job, None)] * 4
    (worker,) = multiprocessing.active_children()
    news.close()
    assert not worker.is_alive()


def test_what_follow_raises_ends_the_batch_with_its_table(folder, here):
    path, recipe = folder(2)
    batch = Batch(path, recipe)

    def follow(_text):
        if batch.rows["s0.mrc"].state == "done":
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        batch.run([].append, follow)
    assert list(states(batch).values()) == ["done", "not done"]
    assert "s1.mrc,not done" in (batch.output / "summary.csv").read_text(encoding="utf-8")


def test_two_batches_do_not_work_in_one_folder(folder, here):
    path, recipe = folder(1)
    batch = Batch(path, recipe)
    with_another = []

    def say(_line):
        with pytest.raises(ParameterError, match="another batch is at work"):
            Batch(path, recipe).run(with_another.append)
        with_another.append("refused")

    batch.run(say)
    assert with_another == ["refused"]


def test_series_are_found_and_bad_wishes_refused(folder, tmp_path):
    path, recipe = folder(2)
    (path / "notes.txt").write_text("x", encoding="utf-8")
    (path / "volume.rec").write_bytes(b"x")
    (path / "s0.npy").write_bytes(b"x")
    assert [p.name for p in find_series(path)] == ["s0.mrc", "s0.npy", "s1.mrc"]
    targets = [job.target.name for job in Batch(path, recipe).jobs]
    assert targets == ["s0_mrc.hspy", "s0_npy.hspy", "s1.hspy"]
    with pytest.raises(MissingFileError, match=r"holds no series named \*\.dm4"):
        find_series(path, "*.dm4")
    with pytest.raises(MissingFileError, match="no such file"):
        Batch(path, recipe, options=Options(tilts=tmp_path / "gone.txt"))
    with pytest.raises(ParameterError, match="jobs must be at least 1, got 0"):
        Options(jobs=0)
    two = tmp_path / "two.yaml"
    two.write_text("tomojupyter: 1\nsteps:\n  - filter: {method: median, on: edx}\n")
    with pytest.raises(RecipeError, match="recipes of one signal; this one names edx"):
        Batch(path, two)


def test_memory_limits_how_many_run_at_a_time(folder, tmp_path):
    path, recipe = folder(1, broken=[])
    steps = tomo.Recipe.from_yaml(recipe.read_text(encoding="utf-8"))
    stack = tomo.load(path / "s0.mrc", lazy=True)
    series = 4 * stack.data.size

    def expected(**how):
        found = stack.estimate("SIRT", iterations=2, ncores=1, max_memory="1000 TB", **how)
        return PROGRAM + 4 * series + found.output_bytes + found.peak_bytes

    need = needed_bytes(path / "s0.mrc", steps, 1)
    assert need == expected() > PROGRAM + 9 * series
    text = steps.to_yaml()
    thick = tomo.Recipe.from_yaml(text.replace("iterations", "thickness: 480, iterations"))
    assert needed_bytes(path / "s0.mrc", thick, 1) == expected(thickness=480) > need
    # Without a reconstruction, copies of the series count.
    short = tomo.Recipe(steps.entries[:1])
    assert needed_bytes(path / "s0.mrc", short) == PROGRAM + 9 * series
    assert needed_bytes(tmp_path / "gone.mrc", steps) == 0
    assert at_a_time([need, need], 2 * need, None, 8) == 2
    assert at_a_time([need, need, 2 * need], 2 * need, None, 8) == 1
    assert at_a_time([10, 10, 10], 5, None, 8) == 1
    assert at_a_time([10] * 20, None, None, 8) == 8
    assert at_a_time([10] * 20, None, 3, 8) == 3


def test_a_scheduler_does_the_jobs_with_the_same_command(folder, capsys):
    path, recipe = folder(2, broken=[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://",
            dashboard_address=None,
        ) as cluster:  # fmt: skip
            code = main(
                ["batch", str(path), "--recipe", str(recipe),
                 "--scheduler", cluster.scheduler_address]
            )  # fmt: skip
    assert code == 1
    assert "1 done, 1 failed" in capsys.readouterr().err
    expected = tomo.Recipe.from_yaml(SHORT % 2).run(tomo.load(path / "s0.mrc"))
    assert np.array_equal(tomo.load(path / "quick" / "s0.hspy").data, expected.data)


def test_the_page_escapes_names_and_shows_pictures():
    rows = [
        table.Row("<a>.mrc", table.FAILED, remarks=["1 < 2"]),
        table.Row("b.mrc", table.DONE, "b.hspy", figures={"reconstruct residual percent": 1.25},
                  thumbnail=table.thumbnail(np.full((300, 200), np.nan))),
    ]  # fmt: skip
    page = table.as_html(rows, "t & t")
    assert "&lt;a&gt;.mrc" in page
    assert "1 &lt; 2" in page
    assert "<h1>t &amp; t</h1>" in page
    assert "<p>1 done, 1 failed</p>" in page
    assert "1.25" in page
    assert json.dumps(table.as_csv(rows)).count("reconstruct residual percent") == 1


def test_the_key_names_what_a_result_depends_on(folder):
    path, recipe = folder(1)
    job = Job(path / "s0.mrc", path / "out.hspy", recipe.read_text(encoding="utf-8"))
    assert [part.split()[0] for part in job.key().split(", ")] == ["recipe", "s0.mrc", "s0.rawtlt"]
    assert End().why == ""
