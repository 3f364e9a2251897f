"""Recipes: from a history, as YAML, as Python and as a notebook, and done again."""

import json
import warnings

import nbformat
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import (
    ParameterError,
    RecipeError,
    TomojupyterWarning,
    UnknownMethodError,
    UnknownParameterError,
)
from tomojupyter.steps import Recipe, make_step
from tomojupyter.steps.recipe import Entry

HEAD = "tomojupyter: 1\n"


@pytest.fixture
def loaded(series_file):
    return tomo.load(series_file)


@pytest.fixture
def volume(loaded):
    return (
        loaded.isig[2:-1, 1:]
        .inav[1:]
        .background()
        .stack_register("PC", shift_type="fourier")
        .tilt_align("manual", shift=1.5, angle=-1)
        .reconstruct("SIRT", 3, constrain=True, show_progressbar=False)
    )


def test_the_design_s_example_is_read():
    recipe = Recipe.from_yaml("""
tomojupyter: 1
steps:
  - filter:         {method: median, size: 3}
  - stack_register: {method: PC, start: 38, shift_type: fourier}     # 38 was "auto"
  - tilt_align:     {method: manual, shift: 3.5, angle: -1.2}
  - reconstruct:    {method: SIRT, iterations: 50, constrain: true}
""")
    assert [e.step for e in recipe.entries] == [
        make_step("filter", "median", size=3),
        make_step("stack_register", "PC", start=38, shift_type="fourier"),
        make_step("tilt_align", "manual", shift=3.5, angle=-1.2),
        make_step("reconstruct", "SIRT", iterations=50, constrain=True),
    ]
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_a_history_as_resolved_and_as_asked(volume):
    resolved, asked = Recipe.of(volume), Recipe.of(volume, resolved=False)
    assert resolved.shape == (13, 24, 32)
    assert asked.shape is None
    operations = [e.step.operation for e in resolved.entries]
    assert operations == [
        "trim", "trim", "background", "stack_register", "tilt_align", "reconstruct",
    ]  # fmt: skip
    assert [e.step.operation for e in asked.entries] == operations
    assert resolved.entries[3].step.start == 6
    assert asked.entries[3].step.start is None
    assert resolved.entries[2].step.level == pytest.approx(-1000, abs=20)
    assert asked.entries[2].step.level is None
    assert "start: 6" in resolved.to_yaml()
    assert "start" not in asked.to_yaml()
    assert "level" not in asked.to_yaml()
    assert resolved.to_yaml().startswith("tomojupyter: 1\nshape: [13, 24, 32]\nsteps:\n  - trim:")
    for recipe in (resolved, asked):
        assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@pytest.mark.parametrize("resolved", [True, False])
def test_a_replay_gives_identical_voxels_and_records(volume, series_file, timeless, resolved):
    recipe = Recipe.from_yaml(Recipe.of(volume, resolved).to_yaml())
    again = recipe.run(tomo.load(series_file))
    assert np.array_equal(again.data, volume.data)
    for ours, theirs in zip(timeless(again), timeless(volume), strict=True):
        if resolved:
            ours.pop("asked", None)
            theirs.pop("asked", None)
        assert ours == theirs


def test_none_that_is_not_the_default_is_written():
    step = make_step("stack_register", "PC", cuda=None)
    text = Recipe((Entry(step),)).to_yaml()
    assert "cuda: null" in text
    assert Recipe.from_yaml(text).entries[0].step == step


def test_the_code_runs_and_gives_the_same_voxels(volume, series_file, monkeypatch):
    code = Recipe.of(volume).to_code()
    assert code.startswith("import tomojupyter.api as tomo\n")
    assert 'stack = stack.tilt_align("manual", shift=1.5, angle=-1.0)\n' in code
    monkeypatch.chdir(series_file.parent)
    names = {}
    exec(compile(code, "recipe", "exec"), names)
    assert np.array_equal(names["stack"].data, volume.data)
    assert np.array_equal(tomo.load("result.hspy").data, volume.data)


def test_the_code_of_an_alignment_set_by_another_series_runs(loaded, series_file, monkeypatch):
    model = loaded.stack_register("PC").tilt_align("manual", shift=1, angle=2)
    other = model.align_other(loaded.filter("median", size=3))
    monkeypatch.chdir(series_file.parent)
    names = {}
    exec(Recipe.of(other).to_code(), names)
    assert np.array_equal(names["stack"].data, other.data)


def test_the_notebook_is_valid_and_holds_the_recipe(volume, tmp_path):
    recipe = Recipe.of(volume)
    path = recipe.to_notebook(tmp_path / "replay.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    names = {}
    exec(cell.source, names)
    assert Recipe.from_yaml(names["recipe"]) == recipe
    assert names["input"] is None
    assert "output" in names
    assert "tilts" in names
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4


def test_an_outside_edit_warns_on_replay_and_is_said_everywhere(loaded):
    edited = loaded.filter("median", size=3) * 2
    recipe = Recipe.of(edited.isig[1:])
    assert [e.step is None for e in recipe.entries] == [False, True, False]
    text = recipe.to_yaml()
    assert "  - external: {}\n" in text
    assert Recipe.from_yaml(text) == recipe
    assert "# an edit was made here outside tomojupyter; it is not known" in recipe.to_code()
    with pytest.warns(TomojupyterWarning, match="^step 2 was an edit made outside tomojupyter"):
        result = recipe.run(loaded)
    assert np.allclose(2 * result.data, edited.isig[1:].data)


def test_several_signals_by_name(loaded):
    text = (
        HEAD
        + """steps:
  - filter: {method: median, size: 3, on: clean}
  - background: {method: constant, level: -1000, on: [stack, clean]}
  - stack_register: {method: PC, on: clean}
  - align_other: {on: clean, other: stack, shift_type: fourier}
"""
    )
    recipe = Recipe.from_yaml(text)
    # YAML 1.1 takes a bare "on" for true; ours is a word, read and written.
    assert (
        "{method: median, size: 3, taper: 0.0, alignment_only: false, on: clean}"
        in recipe.to_yaml()
    )
    assert "level: -1000.0, on: [stack, clean]}" in recipe.to_yaml()
    assert "align_other: {on: clean, other: stack, shift_type: fourier}" in recipe.to_yaml()
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    signals = {"stack": loaded, "clean": loaded.deepcopy()}
    done = recipe.run(signals)
    assert set(done) == {"stack", "clean"}
    assert np.array_equal(done["stack"].shifts.data, done["clean"].shifts.data)
    clean = loaded.filter("median", size=3).background(level=-1000).stack_register("PC")
    stack = clean.align_other(loaded.background(level=-1000), "fourier")
    assert np.array_equal(done["stack"].data, stack.data)
    assert signals["stack"] is loaded
    code = recipe.to_code()
    assert "stack = clean.align_other(stack, 'fourier')\n" in code
    assert 'clean = clean.background("constant", level=-1000.0)\n' in code
    with pytest.raises(RecipeError, match='step 1 needs a signal named "clean"; given are stack'):
        recipe.run(loaded)


def test_another_shape_warns_of_fixed_places_only(volume, loaded):
    small = loaded.bin(2)
    with (
        pytest.warns(
            TomojupyterWarning,
            match=r"from a series of 13 x 24 x 32 and this one is 13 x 12 x 16; its fixed "
            r"bottom, left, projections, right, start, top may not fit",
        ),
        pytest.raises(ParameterError, match="columns 2 to 31 do not lie in the image"),
    ):
        Recipe.of(volume).run(small)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recipe((Entry(make_step("filter", "median")),), (13, 24, 32)).run(small)
        Recipe.of(volume.copy(), resolved=False)._warn_of_places(small)


def test_options_are_passed_on_and_progress_is_followed(loaded):
    heard = []

    class Listener:
        finish_early = False

        def __call__(self, done, total, **_):
            heard.append((done, total))

    recipe = Recipe((Entry(make_step("reconstruct", "SIRT", iterations=2)),))
    with pytest.warns(TomojupyterWarning, match="vacuum"):
        volume = recipe.run(loaded, Listener(), ncores=1)
    assert heard[-1] == (2, 2)
    assert json.loads(volume.metadata.Tomojupyter.history)[-1]["environment"] == {"ncores": 1}


def test_an_empty_recipe_does_nothing(loaded):
    text = Recipe().to_yaml()
    assert text == "tomojupyter: 1\nsteps: []\n"
    assert Recipe.from_yaml(text).run(loaded) is loaded
    assert Recipe.from_yaml("tomojupyter: 1\nsteps:\n") == Recipe()


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("a: [1", RecipeError, "^the recipe is not valid YAML near line 1$"),
        ("\x00", RecipeError, "^the recipe is not valid YAML"),
        ("just text", RecipeError, 'a recipe begins with "tomojupyter: 1" and lists its "steps"'),
        ("", RecipeError, 'a recipe begins with "tomojupyter: 1"'),
        ("steps: []", RecipeError, 'a recipe begins with "tomojupyter: 1"'),
        ("tomojupyter: 2", RecipeError, "the recipe has format 2; this version reads 1"),
        (HEAD + "steps: 5", RecipeError, '"steps" must be a list'),
        (HEAD + "steps: [5]", RecipeError, "^step 1 must be one line .*, got 5$"),
        (
            HEAD + "steps: [{filter: {method: median}, trim: {}}]",
            RecipeError,
            "^step 1 must be one line",
        ),
        (
            HEAD + "steps: [{filter: median}]",
            RecipeError,
            r"^step 1 \(filter\) must hold its values as \{method: .*, got 'median'$",
        ),
        (
            HEAD + "steps: [{filter: {method: median, 3: 4}}]",
            RecipeError,
            r"^step 1 \(filter\) must hold its values as",
        ),
        (
            HEAD + "steps: [{filter: {size: 3}}]",
            RecipeError,
            r'^step 1 \(filter\) does not name its "method"$',
        ),
        (
            HEAD + "steps: [{filter: {method: sobel}}, {filter: {method: mediam}}]",
            UnknownMethodError,
            r"^step 2: mediam: not a method of filter .* did you mean median\?$",
        ),
        (
            HEAD + "steps: [{fliter: {method: median}}]",
            UnknownMethodError,
            r"^step 1: fliter: not an operation .* did you mean filter\?$",
        ),
        (
            HEAD + "steps: [{filter: {method: median, siez: 3}}]",
            UnknownParameterError,
            r"^step 1: siez: not a parameter of filter median .* did you mean size\?$",
        ),
        (
            HEAD + "steps: [{filter: {method: median, size: 0}}]",
            ParameterError,
            "^step 1: size must be at least 1 px, got 0$",
        ),
        (
            HEAD + "steps: [{filter: {method: median, on: []}}]",
            RecipeError,
            r'^step 1: "on" must be the name of a signal or a list of names, got \[\]$',
        ),
        (
            HEAD + "steps: [{filter: {method: median, other: maps}}]",
            RecipeError,
            '^step 1: only align_other has an "other"',
        ),
        (
            HEAD + "steps: [{align_other: {other: maps, shift_typ: fourier}}]",
            UnknownParameterError,
            "^step 1: shift_typ: not a value of align_other with another signal",
        ),
        (
            HEAD + "steps: [{align_other: {other: maps, shift_type: cubic}}]",
            ParameterError,
            "^step 1: shift_type must be one of interp, fourier, got 'cubic'$",
        ),
    ],
)
def test_wrong_recipes_are_sentences(text, error, sentence):
    with pytest.raises(error, match=sentence):
        Recipe.from_yaml(text)
