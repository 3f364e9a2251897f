"""The command: exit codes, sentences on standard error, no traceback."""

import subprocess
import sys

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import server
from tomojupyter.__main__ import main
from tomojupyter.formats.mrc import write_mrc

RECONSTRUCT = """tomojupyter: 1
steps:
  - background: {method: constant}
  - reconstruct: {method: SIRT, iterations: 2}
"""


@pytest.fixture
def command(tmp_path, capsys, recipe_file, series_file):
    """Return a function that runs the command and returns exit code and standard error."""

    def run(*extra, recipe=recipe_file, source=series_file, target=tmp_path / "volume.hspy"):
        code = main(["run", str(recipe), str(source), str(target), *map(str, extra)])
        shown = capsys.readouterr()
        assert not shown.out
        return code, shown.err

    return run


@pytest.fixture
def reconstruct(tmp_path):
    path = tmp_path / "reconstruct.yaml"
    path.write_text(RECONSTRUCT, encoding="utf-8")
    return path


def test_a_good_run_says_what_it_wrote(command, tmp_path, recipe_file, series_file):
    code, said = command()
    assert code == 0
    (line,) = said.splitlines()
    assert line.startswith(str(tmp_path / "volume.hspy") + " was written: <RecStack, title: series")
    expected = tomo.Recipe.from_yaml(recipe_file.read_text(encoding="utf-8"))
    volume = tomo.load(tmp_path / "volume.hspy")
    assert np.array_equal(volume.data, expected.run(tomo.load(series_file)).data)


def recipe_of(tmp_path, text):
    path = tmp_path / "wrong.yaml"
    path.write_text("tomojupyter: 1\nsteps:\n" + text, encoding="utf-8")
    return {"recipe": path}


def truncated(tmp_path, counted):
    write_mrc(tmp_path / "half.mrc", counted, 0.5, is_volume=False)
    raw = (tmp_path / "half.mrc").read_bytes()
    (tmp_path / "half.mrc").write_bytes(raw[: len(raw) // 2])
    return {"source": tmp_path / "half.mrc"}


def text(tmp_path, counted):
    (tmp_path / "text.mrc").write_text("this is a text, no image. " * 100, encoding="utf-8")
    return {"source": tmp_path / "text.mrc"}


def few_tilts(tmp_path, counted):
    write_mrc(tmp_path / "few.mrc", counted, 0.5, is_volume=False)
    (tmp_path / "few.rawtlt").write_text("1\n2\n", encoding="utf-8")
    return {"source": tmp_path / "few.mrc"}


def no_tilts(tmp_path, counted):
    write_mrc(tmp_path / "bare.mrc", counted, 0.5, is_volume=False)
    return {"source": tmp_path / "bare.mrc"}


def nan_tilts(tmp_path, counted):
    tilts = np.arange(13.0)
    tilts[3] = np.nan
    tomo.TomoStack(counted, tilts).save(tmp_path / "nan.hspy")
    return {"source": tmp_path / "nan.hspy"}


def nan_in_list(tmp_path, counted):
    write_mrc(tmp_path / "a.mrc", counted, 0.5, is_volume=False)
    (tmp_path / "a.rawtlt").write_text("1\nnan\n" + "2\n" * 11, encoding="utf-8")
    return {"source": tmp_path / "a.mrc"}


def there_already(tmp_path, counted):
    (tmp_path / "there.hspy").write_bytes(b"precious")
    return {"target": tmp_path / "there.hspy"}


BAD = {
    "missing file": (lambda p, _: {"source": p / "gone.mrc"}, "gone.mrc: there is no such file"),
    "missing recipe": (
        lambda p, _: {"recipe": p / "gone.yaml"},
        "gone.yaml: there is no such recipe",
    ),
    "truncated": (truncated, "half.mrc"),
    "text": (text, "text.mrc"),
    "too few tilts": (few_tilts, "13 projections in few.mrc but 2 tilts in few.rawtlt"),
    "no tilts": (no_tilts, "all tilts are 0°: enter them with set_tilts"),
    "NaN tilts": (nan_tilts, "the tilts of projections #3 are not numbers"),
    "NaN in the list": (nan_in_list, "a.rawtlt, line 2: 'nan' is not a tilt"),
    "unknown method": (
        lambda p, _: recipe_of(p, "  - filter: {method: mediam}"),
        "step 1: mediam: not a method of filter (median, bpf, both, sobel, gaussian, despike are); "
        "did you mean median?",
    ),
    "misspelt keyword": (
        lambda p, _: recipe_of(p, "  - filter: {method: median, sise: 3}"),
        "step 1: sise: not a parameter of filter median (known: size, taper, alignment_only); "
        "did you mean size?",
    ),
    "bad YAML": (lambda p, _: recipe_of(p, "  - filter: {"), "the recipe is not valid YAML near"),
    "existing output": (there_already, "there.hspy is there already: choose another name, or use"),
    "no folder": (lambda p, _: {"target": p / "no" / "a.hspy"}, "no such folder to write to"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_code_2(command, tmp_path, counted, case):
    make, sentence = BAD[case]
    code, said = command(**make(tmp_path, counted))
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("Error: ")
    assert sentence in line
    assert not (tmp_path / "volume.hspy").exists()


def test_nothing_is_lost_by_a_refusal(command, tmp_path, counted):
    command(**there_already(tmp_path, counted))
    assert (tmp_path / "there.hspy").read_bytes() == b"precious"
    code, _ = command("--overwrite", **there_already(tmp_path, counted))
    assert code == 0
    assert isinstance(tomo.load(tmp_path / "there.hspy"), tomo.RecStack)


def nan_pixels(pixels, tilts):
    pixels[2, 5, 6:9] = np.nan


def blank_frame(pixels, tilts):
    pixels[4] = -1000


def repeated_tilts(pixels, tilts):
    tilts[3] = tilts[4]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (nan_pixels, "3 pixels are NaN, in 1 of 13 projections (#2 (-40.0°)); they get no weight"),
        (blank_frame, "projection #4 (-20.0°) is blank and gets no weight"),
        (repeated_tilts, "more than one projection at -20.00°: each is used; leave one out"),
    ],
)
@pytest.mark.parametrize("whole", [False, True], ids=["reconstruct", "whole recipe"])
def test_damage_is_one_warning_and_exit_code_0(
    command, reconstruct, recipe_file, tmp_path, counted, damage, sentence, whole
):
    pixels, tilts = counted.astype("f4"), np.arange(-60.0, 61, 10)
    damage(pixels, tilts)
    tomo.TomoStack(pixels, tilts).save(tmp_path / "damaged.hspy")
    code, said = command(
        source=tmp_path / "damaged.hspy", recipe=recipe_file if whole else reconstruct
    )
    assert code == 0
    first, *others = said.splitlines()
    assert first.startswith(f"Warning: {sentence}")
    # NaN spread to their neighbours in the one resampling, which is another number of pixels.
    assert len(others) == (2 if whole and damage is nan_pixels else 1)
    volume = tomo.load(tmp_path / "volume.hspy")
    assert np.isfinite(volume.data).all()


def test_given_tilts_and_the_notebook(command, reconstruct, tmp_path, counted):
    tilts = tmp_path / "mine.txt"
    tilts.write_text("\n".join(map(str, np.arange(-60, 61, 10))), encoding="utf-8")
    bare = no_tilts(tmp_path, counted)
    assert command("--tilts", tilts, recipe=reconstruct, **bare)[0] == 0
    target = tmp_path / "other.hspy"
    code, said = command("--tilts", tilts, "--notebook", recipe=reconstruct, target=target, **bare)
    assert code == 0
    assert said.splitlines()[-1].endswith(f"other.hspy and {tmp_path / 'other.ipynb'} were written")
    one, other = (tomo.load(tmp_path / f"{name}.hspy") for name in ("volume", "other"))
    assert np.array_equal(one.data, other.data)


def test_errors_of_the_notebook_exit_with_2(command, tmp_path, counted):
    code, said = command("--notebook", **truncated(tmp_path, counted))
    assert code == 2
    assert said.splitlines()[-1].startswith("Error: half.mrc")
    assert "Traceback" not in said


def test_foreign_warnings_are_shown_as_usual(command, monkeypatch):
    import warnings

    from tomojupyter import batch

    def run_file(*paths, **options):
        warnings.warn("from elsewhere", FutureWarning, stacklevel=1)
        return "nothing"

    monkeypatch.setattr(batch, "run_file", run_file)
    with pytest.warns(FutureWarning, match="from elsewhere"):
        assert command()[0] == 0


def test_the_installed_command_runs(recipe_file, series_file, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tomojupyter", "run", recipe_file, series_file, "volume.hspy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("volume.hspy was written")
    assert (tmp_path / "volume.hspy").is_file()


@pytest.mark.parametrize("arguments", [[], ["run", "recipe.yaml"], ["rnu"], ["app", "--port", "x"]])
def test_wrong_arguments_exit_with_2_and_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: tomojupyter")


def test_the_app_gets_its_options(monkeypatch, tmp_path):
    served = []
    monkeypatch.setattr(server, "serve", lambda **options: served.append(options))
    arguments = ["app", "--data-dir", str(tmp_path), "--port", "9000", "--token", "t"]
    assert main([*arguments, "--no-browser", "--dark"]) == 0
    assert main(["app", "--dashboard", "spectral"]) == 0
    asked = {"data_dir": str(tmp_path), "port": 9000, "token": "t", "browser": False, "dark": True}
    usual = {"data_dir": None, "port": None, "token": None, "browser": True, "dark": False}
    assert served == [{"name": "tomography", **asked}, {"name": "spectral", **usual}]


def test_a_missing_data_folder_is_a_sentence(capsys, tmp_path):
    assert main(["app", "--data-dir", str(tmp_path / "gone")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith("there is no such data folder")
