"""The recipes and the papermill notebook that come with the package do what they say."""

import json
import warnings
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest

import tomojupyter.api as tomo

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
RECIPES = sorted((TEMPLATES / "recipes").glob("*.yaml"))
SHORT = """tomojupyter: 1
steps:
  - background: {method: constant}
  - reconstruct: {method: SIRT, iterations: 3}
"""


@pytest.fixture
def series(tmp_path):
    """A file with a small series."""
    path = tmp_path / "series.hspy"
    tomo.datasets.get_catalyst_data(size=32, tilts=np.arange(-60, 61, 10)).save(path)
    return path


def execute(notebook, report, folder, **parameters):
    with warnings.catch_warnings():
        # papermill and its client warn about themselves; what counts here runs in the kernel.
        warnings.simplefilter("ignore")
        papermill.execute_notebook(
            notebook, report, parameters, cwd=folder, progress_bar=False, kernel_name="python3"
        )
    return nbformat.read(report, as_version=4)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_that_comes_along_is_valid_and_ends_with_a_volume(path):
    recipe = tomo.Recipe.from_yaml(path.read_text(encoding="utf-8"))
    assert [entry.step.operation for entry in recipe.entries][-1] == "reconstruct"
    assert tomo.Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_template_runs_with_relative_paths_and_saves(series, tmp_path):
    done = execute(
        TEMPLATES / "reconstruct.ipynb",
        tmp_path / "report.ipynb",
        tmp_path,
        input="series.hspy",
        output="volume.hspy",
        recipe=SHORT,
    )
    expected = tomo.Recipe.from_yaml(SHORT).run(tomo.load(series))
    volume = tomo.load(tmp_path / "volume.hspy")
    assert np.array_equal(volume.data, expected.data)
    assert tomo.Recipe.of(volume) == tomo.Recipe.of(expected)
    shown = json.dumps([cell.get("outputs", []) for cell in done.cells])
    assert shown.count("image/png") == 2
    assert "residual percent" in shown
    assert '"stderr"' not in shown


def test_notebook_that_a_recipe_writes_carries_it(series, tmp_path):
    recipe = tomo.Recipe.from_yaml(SHORT)
    notebook = recipe.to_notebook(tmp_path / "made.ipynb")
    nbformat.validate(nbformat.read(notebook, as_version=4))
    output = tmp_path / "volume.hspy"
    execute(notebook, tmp_path / "done.ipynb", tmp_path, input=str(series), output=str(output))
    expected = recipe.run(tomo.load(series))
    assert np.array_equal(tomo.load(output).data, expected.data)
