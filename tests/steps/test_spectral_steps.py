"""Steps on series of spectrum images: several results, each with its own history."""

import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError, RecipeError
from tomojupyter.steps import REGISTRY, Recipe, history, make_step, run
from tomojupyter.steps.base import parameters
from tomojupyter.steps.recipe import Entry
from tomojupyter.steps.xray_lines import near

TILTS = np.arange(-60, 61, 20.0)
STEPS = {
    ("line_maps", "windows"): {"lines": ["Si_Ka", "Ni_Ka"]},
    ("line_maps", "fit"): {"lines": ["Si_Ka", "Ni_Ka"], "others": ["Cr", "Pt", "Cu"]},
    ("decompose", "NMF"): {"components": 2, "iterations": 60, "block": 2},
}


@pytest.fixture(scope="module")
def made():
    return tomo.datasets.get_simulated_edx_data(
        size=16, tilts=TILTS, counts=60, channels=128, channel_width=0.08, seed=4
    )


@pytest.fixture(params=STEPS, ids=" ".join)
def name(request):
    return request.param


@pytest.fixture
def a_step(name):
    return make_step(*name, **STEPS[name])


def test_all_of_them_are_tested():
    on_spectra = {
        (o, m) for o, ms in REGISTRY.items() for m, cls in ms.items() if cls.on == "spectra"
    }
    assert on_spectra == set(STEPS)


def test_a_step_goes_through_json_and_yaml(a_step, name):
    assert make_step(*name, **json.loads(json.dumps(a_step.as_dict()))) == a_step
    recipe = Recipe((Entry(a_step, output="Ni_Ka"), Entry(a_step, ("edx",))))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    compile(recipe.to_code(), "recipe", "exec")


def test_help_and_automatic_values_are_explained(name):
    for f in parameters(REGISTRY[name[0]][name[1]]):
        assert f.metadata["help"]
        assert f.default is not None or f.metadata["auto"]


def test_the_spectra_stay_as_they_are_and_each_result_has_its_record(a_step, made, name):
    before, metadata = made.edx.data.copy(), made.edx.metadata.as_dictionary().keys()
    results = run(made.edx, a_step)
    assert np.array_equal(made.edx.data, before)
    assert made.edx.data.dtype == before.dtype
    assert made.edx.metadata.as_dictionary().keys() == metadata
    for output, stack in results.items():
        assert type(stack) is tomo.TomoStack
        assert stack.data.dtype == np.float32
        assert stack.tilts.data.ravel().tolist() == TILTS.tolist()
        source, record = history.read(stack)
        assert source["operation"] == "source"
        assert source["after"] == record["before"] == history.fingerprint(before)
        assert (record["operation"], record["method"], record["output"]) == (*name, output)
        assert record["asked"] == a_step.as_dict()
        assert record["resolved"]["tilts"] == TILTS.tolist()
        json.dumps(record, allow_nan=False)


def test_resolving_twice_is_resolving_once(a_step, made):
    from tomojupyter.steps.spectra import Spectra

    once = a_step.resolve(Spectra(made.edx))
    assert once.resolve(Spectra(made.edx)) == once


def test_the_history_of_one_result_replays_alone(a_step, made):
    results = run(made.edx, a_step)
    output, stack = next(iter(results.items()))
    recipe = Recipe.from_yaml(Recipe.of(stack).to_yaml())
    again = recipe.run(made.edx)
    assert np.array_equal(again.data, stack.data)
    assert history.read(again)[-1]["after"] == history.read(stack)[-1]["after"]
    assert f"output: {output}" in recipe.to_yaml()


def test_a_recipe_goes_from_spectra_to_volumes(made):
    text = """tomojupyter: 1
steps:
  - line_maps: {method: fit, lines: [Si_Ka, Ni_Ka], on: edx}
  - background: {method: constant, on: haadf}
  - trim: {method: bin, factor: 2, on: haadf}
  - reconstruct:
      {method: TNV, iterations: 6, refinements: 1, guide: haadf, on: [Si_Ka, Ni_Ka, haadf]}
"""
    recipe = Recipe.from_yaml(text)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    results = recipe.run({"edx": made.edx, "haadf": made.haadf})
    assert isinstance(results["Ni_Ka"], tomo.RecStack)
    assert isinstance(results["haadf"], tomo.TomoStack)
    maps = tomo.spectral.line_maps(made.edx, lines="Si_Ka, Ni_Ka")
    called = tomo.spectral.reconstruct_all(
        maps, guide=made.haadf.background("constant").bin(2), iterations=6, refinements=1
    )
    assert np.array_equal(called["Ni_Ka"].data, results["Ni_Ka"].data)
    record = history.read(results["Ni_Ka"])[-1]
    assert record["on"] == ["Si_Ka", "Ni_Ka", "haadf"]
    assert record["together"]["Si_Ka"] == history.read(maps["Si_Ka"])[-1]["after"]
    # What was taken together is replayed together.
    entry = Recipe.of(results["Ni_Ka"]).entries[-1]
    assert entry.on == ("Si_Ka", "Ni_Ka", "haadf")
    again = Recipe((entry,)).run({**maps, "haadf": made.haadf.background("constant").bin(2)})
    assert np.array_equal(again["Ni_Ka"].data, results["Ni_Ka"].data)


def test_a_result_that_is_not_made_is_a_sentence(made):
    text = "tomojupyter: 1\nsteps: [{line_maps: {method: fit, lines: [Ni_Ka], output: Fe_Ka}}]"
    with pytest.raises(RecipeError, match=r'step 1 has no result "Fe_Ka"; it made Ni_Ka'):
        Recipe.from_yaml(text).run(made.edx)


@pytest.mark.parametrize("wrong", [3, [1, 2], [["Ni_Ka"]]])
def test_names_must_be_names(wrong):
    with pytest.raises(ParameterError, match=r"^lines must be a list of names"):
        make_step("line_maps", "fit", lines=wrong)


def test_lazy_spectra_give_the_same_and_are_never_loaded_whole(a_step, made, monkeypatch):
    lazy = made.edx.as_lazy()
    eager, found = run(made.edx, a_step), run(lazy, a_step)
    assert lazy._lazy
    for output, stack in eager.items():
        assert np.array_equal(found[output].data, stack.data)
    record = history.read(next(iter(found.values())))[-1]
    assert record["before"].startswith("dask:")


def test_lines_near_a_peak_begin_with_the_likeliest():
    names = [name for name, _ in near(5.41, 0.08)]
    assert names[0] == "Cr_Ka"
    assert "V_Kb" in names
    assert all(abs(energy - 5.41) <= 0.08 for _, energy in near(5.41, 0.08))
    assert near(1000.0, 0.1) == []
