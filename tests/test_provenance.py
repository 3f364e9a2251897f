"""History, replay and diff: of files, in words and pixels, and as commands with exit codes."""

import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import batch, provenance
from tomojupyter.__main__ import main
from tomojupyter.errors import TomojupyterWarning
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.numerics.volumes.differences import difference
from tomojupyter.steps import history


@pytest.fixture
def volume_file(recipe_file, series_file, tmp_path):
    """A result of the recipe on the series."""
    path = tmp_path / "volume.hspy"
    batch.run_file(recipe_file, series_file, path)
    return path


@pytest.fixture
def command(capsys):
    def run(*arguments):
        code = main([str(a) for a in arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def forge(path, change):
    """Change the history in a file."""
    signal = tomo.load(path)
    records = history.read(signal)
    change(records)
    history.write(signal, records)
    signal.save(path, overwrite=True)


def test_the_history_is_told_in_every_form(command, volume_file, series_file):
    code, told, said = command("history", volume_file)
    assert (code, said) == (0, "")
    lines = told.splitlines()
    checksum = history.checksum(series_file)
    assert lines[0] == f" 0  series.mrc (13 x 24 x 32, {checksum}, read as .mrc)"
    assert lines[1].startswith(" 1  background constant {level: auto → -1000}")
    assert "residual percent" in lines[4]
    assert "numpy" in lines[5]
    recipe = tomo.Recipe.from_yaml(command("history", volume_file, "--recipe")[1])
    assert recipe == tomo.Recipe.of(tomo.load(volume_file))
    assert "stack.stack_register(" in command("history", volume_file, "--code")[1]
    records = json.loads(command("history", volume_file, "--json")[1])
    assert records == provenance.read_history(volume_file)


def test_a_file_without_history_is_refused(command, series_file):
    code, _, said = command("history", series_file)
    assert code == 2
    assert said == ("Error: series.mrc has no history: it is not a result that tomojupyter saved\n")


def test_a_replay_on_its_own_raw_file_is_compared(command, volume_file, series_file, tmp_path):
    code, told, said = command("replay", volume_file, series_file)
    assert (code, said) == (0, "")
    assert told.splitlines() == [
        "the histories are the same",
        "pixels: all 18432 pixels are identical",
    ]
    assert command("replay", volume_file, series_file, tmp_path / "again.hspy")[0] == 0
    assert np.array_equal(tomo.load(tmp_path / "again.hspy").data, tomo.load(volume_file).data)


def test_the_size_of_a_difference_is_reported(command, volume_file, series_file):
    def other_solver(records):
        records[-1]["versions"]["numpy"] = "1.0"

    forge(volume_file, other_solver)
    signal = tomo.load(volume_file)
    signal.data[0, 0, 0] += 0.5
    signal.save(volume_file, overwrite=True)
    code, told, _ = command("replay", volume_file, series_file)
    assert code == 1
    *lines, last = told.splitlines()
    assert lines == [f"numpy: 1.0 → {np.__version__}"]
    assert last.startswith("pixels: 1 of 18432 pixels differ, by 0.5 at most (")


def test_another_raw_file_gets_the_same_steps(
    command, volume_file, series_file, counted, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new").mkdir()
    new = tmp_path / "new" / "other.mrc"
    write_mrc(new, counted[:, ::-1], 0.5, is_volume=False)
    new.with_suffix(".rawtlt").write_bytes(series_file.with_suffix(".rawtlt").read_bytes())
    code, told, said = command("replay", volume_file, new)
    assert (code, told) == (0, "")
    assert said.startswith("other_replayed.hspy was written: <RecStack, title: other")
    assert "nothing to compare with" in said
    made = tomo.load("other_replayed.hspy")
    expected = tomo.Recipe.of(tomo.load(volume_file)).run(tomo.load(new))
    assert np.array_equal(made.data, expected.data)
    assert history.read(made)[0]["file"] == "other.mrc"
    code, _, said = command("replay", volume_file, new)
    assert code == 2
    assert "is there already" in said


def test_automatic_values_are_found_anew(volume_file, series_file, counted, tmp_path):
    write_mrc(tmp_path / "new.mrc", counted + 300, 0.5, is_volume=False)
    tilts = series_file.with_suffix(".rawtlt")
    with pytest.warns(TomojupyterWarning, match="the vacuum lies at 300"):
        frozen = provenance.replay(volume_file, tmp_path / "new.mrc", tilts=tilts)
    anew = provenance.replay(volume_file, tmp_path / "new.mrc", tilts=tilts, resolved=False)
    levels = [history.read(r.signal)[2]["resolved"]["level"] for r in (frozen, anew)]
    assert levels == [-1000, -700]
    assert frozen.comparison is None


def test_tilts_that_were_given_are_replayed_and_can_be_replaced(recipe_file, series_file, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("".join(f"{t}\n" for t in np.linspace(-48, 48, 13)), encoding="utf-8")
    path = tmp_path / "volume.hspy"
    batch.run_file(recipe_file, series_file, path, tilts=mine)
    for tilts in (None, mine):
        done = provenance.replay(path, series_file, tilts=tilts)
        assert done.comparison.identical
        assert [r["operation"] for r in history.read(done.signal)].count("set_tilts") == 1
    other = tmp_path / "other.txt"
    other.write_text("".join(f"{t}\n" for t in np.linspace(-40, 40, 13)), encoding="utf-8")
    done = provenance.replay(path, series_file, tilts=other)
    assert done.signal.metadata.Tomography.tilts.data[0] == -40
    assert not done.comparison.identical
    assert done.comparison.history[0].startswith(
        "step 1, set_tilts list: tilts differs in 12 of 13 values, first #0: -48 → -40"
    )


def test_a_result_of_a_saved_intermediate_replays_from_it(volume_file, series_file, tmp_path):
    half = tomo.load(series_file).background("constant")
    half.save(tmp_path / "half.hspy")
    tomo.load(tmp_path / "half.hspy").filter("median").save(tmp_path / "end.hspy")
    for source in (series_file, tmp_path / "half.hspy"):
        done = provenance.replay(tmp_path / "end.hspy", source)
        assert done.comparison.identical
        assert len(history.read(done.signal)) == 3


def test_diff_names_steps_parameters_sources_and_pixels(command, series_file, tmp_path):
    stack = tomo.load(series_file).background("constant")
    for name, signal in {
        "one": stack.filter("median", size=3).stack_register("PC"),
        "two": stack.filter("median", size=5).normalise("total").stack_register("PC"),
        "three": stack.trim("bin"),
    }.items():
        signal.save(tmp_path / f"{name}.hspy")
    one, two, three = (tmp_path / f"{name}.hspy" for name in ("one", "two", "three"))
    code, told, _ = command("diff", one, two)
    assert code == 1
    lines = told.splitlines()
    assert "step 2, filter median: size 3 → 5" in lines
    assert any(line.startswith("only in the second, step 3: normalise total") for line in lines)
    assert " pixels differ, by " in lines[-1]
    assert command("diff", one, one) == (
        0, "the histories are the same\npixels: all 9984 pixels are identical\n", "",
    )  # fmt: skip
    code, told, _ = command("diff", one, three)
    assert code == 1
    assert told.splitlines()[-1] == "pixels: the shapes differ, 13 x 24 x 32 / 13 x 12 x 16"
    raw = provenance.compare(series_file, one)
    assert raw.history[0].startswith("only in the second, step 1: background")


def test_the_history_of_another_version_is_still_told(volume_file):
    def from_the_future(records):
        records[1] |= {"operation": "dream", "method": "deep", "resolved": {"depth": 3}}
        records.insert(2, {"operation": "external", "after": "", "time": ""})

    forge(volume_file, from_the_future)
    told = provenance.tell(volume_file)
    assert "dream deep {depth: 3}" in told
    assert "an edit made outside tomojupyter" in told


def test_differences_of_pixels_know_nan_and_infinite_ones():
    one = np.array([[1.0, np.nan], [3.0, 5.0]])
    assert not difference(one, one.copy()).count
    other = one.copy()
    other[0, 1] = 2
    found = difference(one, other)
    assert (found.count, found.largest, found.rms) == (1, np.inf, 0)
    found = difference(one, one + np.array([[0, 0], [0, 3.0]]))
    assert (found.largest, found.spread) == (3, 4)
    assert found.rms == pytest.approx(np.sqrt(9 / 3))
    with pytest.raises(ValueError, match="cannot be compared"):
        difference(one, one[:1])
