"""A recipe on a file: directly and as a notebook, with the same voxels."""

import json
import warnings

import nbformat
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import batch
from tomojupyter.errors import (
    FormatError,
    MissingFileError,
    ParameterError,
    RecipeError,
    TomojupyterWarning,
)
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import history

VOLUME = "volume.hspy"


def run_notebook(*arguments, **keywords):
    """Run as a notebook, and listen for our own warnings only."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        path = batch.run_notebook(*arguments, **keywords)
    return path, [str(w.message) for w in caught if w.category is TomojupyterWarning]


def test_a_file_is_reconstructed_and_saved(recipe_file, series_file, tmp_path):
    result = batch.run_file(recipe_file, series_file, tmp_path / VOLUME)
    saved = tomo.load(tmp_path / VOLUME)
    assert isinstance(saved, tomo.RecStack)
    assert np.array_equal(saved.data, result.data)
    recipe = batch.read_recipe(recipe_file)
    assert np.array_equal(recipe.run(tomo.load(series_file)).data, result.data)
    # What was saved says itself how it was made.
    replayed = tomo.Recipe.of(saved).run(tomo.load(series_file))
    assert np.array_equal(replayed.data, saved.data)


def test_progress_is_followed_and_tilts_are_honoured(recipe_file, series_file, tmp_path):
    heard = []

    class Listener:
        finish_early = False

        def __call__(self, done, total, **_):
            heard.append((done, total))

    tilts = tmp_path / "mine.txt"
    tilts.write_text("\n".join(str(t) for t in np.linspace(-48, 48, 13)), encoding="utf-8")
    result = batch.run_file(
        recipe_file, series_file, tmp_path / VOLUME, tilts=tilts, monitor=Listener()
    )
    assert heard[-1] == (3, 3)
    assert result.metadata.Tomography.tilts.data[0] == -48
    assert history.read(result)[1]["operation"] == "set_tilts"


@pytest.fixture(scope="module")
def executed(tmp_path_factory, counted):
    """One run as a notebook, of a series with a blank projection, and its warnings."""
    folder = tmp_path_factory.mktemp("notebook")
    pixels = counted.copy()
    pixels[4] = -1000
    write_mrc(folder / "series.mrc", pixels, 0.5, is_volume=False)
    tilts = folder / "series.txt"
    tilts.write_text("\n".join(map(str, np.arange(-60, 61, 10))), encoding="utf-8")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "tomojupyter: 1\nsteps:\n  - background: {method: constant}\n"
        "  - reconstruct: {method: SIRT, iterations: 2}\n",
        encoding="utf-8",
    )
    path, said = run_notebook(recipe, folder / "series.mrc", folder / VOLUME, tilts=tilts)
    return folder, path, said


def test_the_notebook_gives_the_same_voxels(executed):
    folder, path, said = executed
    assert path == folder / "volume.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert any(cell.get("outputs") for cell in notebook.cells)
    with pytest.warns(TomojupyterWarning) as caught:
        direct = batch.run_file(
            folder / "recipe.yaml", folder / "series.mrc", folder / "direct.hspy",
            tilts=folder / "series.txt",
        )  # fmt: skip
    saved = tomo.load(folder / VOLUME)
    assert np.array_equal(saved.data, direct.data)
    assert tomo.Recipe.of(saved) == tomo.Recipe.of(direct)
    # What is worth a warning in a cell is said here too.
    assert said == ["projection #4 (-20.0°) is blank and gets no weight"]
    assert [str(w.message) for w in caught] == said


def test_notebooks_and_results_that_are_there_are_not_replaced(executed):
    folder = executed[0]
    arguments = (folder / "recipe.yaml", folder / "series.mrc")
    with pytest.raises(ParameterError, match=r"volume\.hspy is there already: choose another"):
        batch.run_notebook(*arguments, folder / VOLUME)
    with pytest.raises(ParameterError, match=r"volume\.hspy is there already: .* --overwrite"):
        batch.run_file(*arguments, folder / VOLUME)
    mine = folder / "mine.ipynb"
    mine.write_text(json.dumps({"mine": True}), encoding="utf-8")
    with pytest.raises(ParameterError, match=r"mine\.ipynb is there already"):
        batch.run_notebook(*arguments, folder / "mine.hspy")
    assert json.loads(mine.read_text(encoding="utf-8")) == {"mine": True}


def test_overwriting_replaces_the_result(recipe_file, series_file, tmp_path, series):
    series.save(tmp_path / VOLUME)
    batch.run_file(recipe_file, series_file, tmp_path / VOLUME, overwrite=True)
    assert isinstance(tomo.load(tmp_path / VOLUME), tomo.RecStack)


def test_errors_inside_the_notebook_are_our_sentences(recipe_file, series_file, tmp_path):
    raw = series_file.read_bytes()
    series_file.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(FormatError) as direct:
        tomo.load(series_file)
    with pytest.raises(FormatError) as caught:
        run_notebook(recipe_file, series_file, tmp_path / VOLUME)
    assert str(caught.value) == str(direct.value)
    # The next try must not find a notebook in its way.
    assert not (tmp_path / "volume.ipynb").exists()
    assert not (tmp_path / VOLUME).exists()


def test_missing_files_are_noticed_before_the_work_starts(recipe_file, series_file, tmp_path):
    target = tmp_path / VOLUME
    with pytest.raises(MissingFileError, match=r"gone\.yaml: there is no such recipe"):
        batch.run_file(tmp_path / "gone.yaml", series_file, target)
    with pytest.raises(MissingFileError, match="there is no such folder to write to"):
        batch.run_file(recipe_file, tmp_path / "gone.mrc", tmp_path / "nowhere" / VOLUME)
    with pytest.raises(MissingFileError, match=r"gone\.mrc: there is no such file"):
        batch.run_notebook(recipe_file, tmp_path / "gone.mrc", target)
    with pytest.raises(MissingFileError, match=r"gone\.txt: there is no such file"):
        batch.run_notebook(recipe_file, series_file, target, tilts=tmp_path / "gone.txt")
    with pytest.raises(ParameterError, match=r"volume\.mrc: results are written as \.hspy"):
        batch.run_file(recipe_file, series_file, tmp_path / "volume.mrc")
    with pytest.raises(RecipeError, match=r"series\.mrc is not a text file, so it is no recipe"):
        batch.read_recipe(series_file)
    assert not list(tmp_path.glob("*.hspy"))


def test_a_recipe_that_begins_with_spectra_runs_on_their_file(tmp_path):
    made = tomo.datasets.get_simulated_edx_data(
        size=12, tilts=[-40, 0, 40], counts=60, channels=128, channel_width=0.08
    )
    del made.edx.metadata.Tomography
    made.edx.save(tmp_path / "edx.hspy")
    (tmp_path / "tilts.txt").write_text("-40\n0\n40\n", encoding="utf-8")
    recipe = tmp_path / "element.yaml"
    recipe.write_text(
        "tomojupyter: 1\nsteps:\n"
        "  - line_maps: {method: fit, lines: [Ni_Ka], output: Ni_Ka}\n"
        "  - reconstruct: {method: TNV, iterations: 4}\n",
        encoding="utf-8",
    )
    files = (recipe, tmp_path / "edx.hspy", tmp_path / VOLUME)
    result = batch.run_file(*files, tilts=tmp_path / "tilts.txt")
    maps = tomo.spectral.line_maps(made.edx, made.tilts, ["Ni_Ka"])
    expected = tomo.spectral.reconstruct_all(maps, iterations=4)["Ni_Ka"]
    assert np.array_equal(tomo.load(tmp_path / VOLUME).data, expected.data)
    assert np.array_equal(result.data, expected.data)
    with pytest.raises(RecipeError, match="begins with spectra: run it without a notebook"):
        batch.run_notebook(*files, overwrite=True)
