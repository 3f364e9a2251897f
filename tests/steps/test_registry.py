"""What holds for every Step there is."""

import inspect
import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused, ParameterError, UnknownParameterError
from tomojupyter.steps import REGISTRY, Recipe, history, make_step, run
from tomojupyter.steps.base import parameters
from tomojupyter.steps.operation import OPERATIONS, methods_table
from tomojupyter.steps.recipe import Entry

ALL = [(operation, method) for operation, methods in REGISTRY.items() for method in methods]
GEOMETRIC = {"trim crop", "trim select_projections", "trim remove_projections"}
GEOMETRIC |= {f"stack_register {m}" for m in REGISTRY["stack_register"]}
GEOMETRIC |= {f"tilt_align {m}" for m in REGISTRY["tilt_align"]} | {"align_other numbers"}
GEOMETRIC |= {"set_axis angle"}  # by 4.5 degrees


@pytest.fixture(params=ALL, ids=" ".join)
def name(request):
    return request.param


@pytest.fixture
def a_step(name, values):
    return make_step(*name, **values(*name))


@pytest.fixture
def subject(series_for, name):
    """The series, or a volume of it."""
    stack = series_for(*name)
    if REGISTRY[name[0]][name[1]].on == "RecStack":
        return stack.reconstruct("FBP", thickness=17, show_progressbar=False)
    return stack


def signal_of(name):
    return getattr(tomo, REGISTRY[name[0]][name[1]].on)


def state_of(signal):
    return (
        np.array(signal.data),
        signal.data.dtype,
        signal.metadata.as_dictionary(),
        signal.axes_manager._get_axes_dicts(),
    )


def assert_unchanged(signal, before):
    pixels, dtype, metadata, axes = before
    now = state_of(signal)
    assert np.array_equal(now[0], pixels)
    assert now[1] == dtype
    assert now[2]["Tomojupyter"] == metadata["Tomojupyter"]
    for key, value in metadata["Tomography"].items():
        same = now[2]["Tomography"][key]
        assert np.array_equal(np.asarray(getattr(same, "data", same)),
                              np.asarray(getattr(value, "data", value)))  # fmt: skip
    assert now[3] == axes


def test_every_step_says_what_it_does_and_has_help_for_all(name):
    cls = REGISTRY[name[0]][name[1]]
    assert (inspect.getdoc(cls) or "").splitlines()[0].endswith((".", "`."))
    for f in parameters(cls):
        assert f.metadata["help"]
        # "auto" is explained wherever None is the default.
        assert f.default is not None or f.metadata["auto"]


def test_a_step_goes_through_json(a_step, name):
    back = make_step(*name, **json.loads(json.dumps(a_step.as_dict())))
    assert back == a_step
    assert back.as_dict() == a_step.as_dict()
    assert hash(back) == hash(a_step)


def test_a_step_goes_through_yaml(a_step):
    recipe = Recipe((Entry(a_step),), (13, 24, 32))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_resolving_twice_is_resolving_once(a_step, subject):
    once = a_step.resolve(subject)
    assert once.resolve(subject) == once
    without = ("slices", "nslices", "upper", "start_volume", "mask")  # None says so
    for f in parameters(type(once)):
        if f.metadata["auto"] and f.name not in without:
            assert getattr(once, f.name) is not None


def test_a_step_leaves_its_input_and_adds_one_record(a_step, subject, name):
    before = state_of(subject)
    records = history.read(subject)
    result = run(subject, a_step)
    assert result.data.size
    assert_unchanged(subject, before)
    new = history.read(result)
    assert new[:-1] == records
    assert new == json.loads(result.metadata.Tomojupyter.history)
    last = new[-1]
    assert (last["operation"], last["method"]) == name
    assert last["asked"] == a_step.as_dict()
    assert last["resolved"] == a_step.resolve(subject).as_dict()
    assert last["before"] == records[-1]["after"]
    assert last["seconds"] >= 0
    assert {"tomojupyter", "numpy"} <= set(last["versions"])
    json.dumps(new, allow_nan=False)


def test_a_step_keeps_axes_tilts_and_type(a_step, subject, name):
    result = run(subject, a_step)
    assert np.isfinite(result.data).all()
    assert not np.shares_memory(result.data, subject.data)
    if name[0] == "reconstruct":
        assert isinstance(result, tomo.RecStack)
        assert result.data.dtype == np.float32
        return
    assert type(result) is signal_of(name)
    names = [(a.name, a.units, a.navigate) for a in subject.axes_manager._axes]
    assert [(a.name, a.units, a.navigate) for a in result.axes_manager._axes] == names
    if signal_of(name) is tomo.RecStack:
        assert result.data.shape == subject.data.shape
        assert result.axes_manager._get_axes_dicts() == subject.axes_manager._get_axes_dicts()
        return
    assert len(result.tilts.data) == len(result.data) == len(result.transforms)
    if name[0] not in ("trim", "set_tilts"):
        assert np.array_equal(result.tilts.data, subject.tilts.data)
    if name[0] in ("filter", "background", "normalise"):
        assert result.data.shape == subject.data.shape
        assert result.axes_manager._get_axes_dicts() == subject.axes_manager._get_axes_dicts()
        assert np.array_equal(result.transforms, subject.transforms)


def test_a_geometric_step_is_put_off_until_its_pixels_are_asked_for(a_step, subject, name):
    result = run(subject, a_step)
    if name[0] != "reconstruct":
        assert result._deferred == (" ".join(name) in GEOMETRIC)


def test_integers_become_float32(a_step, subject, name):
    if signal_of(name) is tomo.RecStack:
        subject = tomo.RecStack(np.round(subject.data * 50).astype("i2"))
        assert run(subject, a_step).data.dtype == (np.uint8 if name[0] == "segment" else "f4")
        return
    subject = tomo.TomoStack(np.round(subject.data * 50).astype("i2"), subject.tilts.data.ravel())
    result = run(subject, a_step)
    kept = name[0] in ("set_tilts", "set_scale", "exclude")
    assert result.data.dtype == (np.int16 if kept else np.float32)


def test_a_replay_gives_identical_pixels(a_step, subject, name):
    first = make_step("filter", "median", size=2)
    if signal_of(name) is tomo.RecStack:
        first = make_step("rotate", "angles", rotation_angles=(0, 5, 0))
    result = run(run(subject, first), a_step)
    recipe = Recipe.from_yaml(Recipe.of(result).to_yaml())
    made_of = len(history.read(subject)) - 1
    again = Recipe(recipe.entries[made_of:]).run(subject)
    assert np.array_equal(again.data, result.data)
    assert history.read(again)[-1]["after"] == history.read(result)[-1]["after"]


def test_the_method_call_is_the_same_as_run(a_step, subject, name, values, timeless):
    if name[0] == "align_other":
        return
    options = {"show_progressbar": False} if name[0] == "reconstruct" else {}
    called = getattr(subject, name[0])(name[1].upper(), **values(*name), **options)
    ran = run(subject, a_step)
    assert np.array_equal(called.data, ran.data)
    assert timeless(called) == timeless(ran)


def test_misspelt_keywords_name_the_known_ones(name, values):
    cls = REGISTRY[name[0]][name[1]]
    known = [f.name for f in parameters(cls)]
    misspelt = (known[0] if known else "size") + "q"
    with pytest.raises(UnknownParameterError) as caught:
        make_step(*name, **values(*name), **{misspelt: 1})
    sentence = f"{misspelt}: not a parameter of {name[0]} {name[1]} (known: "
    assert str(caught.value).startswith(sentence)
    if known:
        assert str(caught.value).endswith(f"did you mean {known[0]}?")
    assert isinstance(caught.value, TypeError)


def test_bounds_and_types_are_checked(name, values):
    for f in parameters(REGISTRY[name[0]][name[1]]):
        given = {k: v for k, v in values(*name).items() if k != f.name}
        for bad in ("no such value", float("nan"), object()):
            with pytest.raises(ParameterError, match=rf"^{f.name} must be "):
                make_step(*name, **given, **{f.name: bad if f.type != "str" else 5})
        if f.metadata["ge"] is not None:
            with pytest.raises(ParameterError, match=f"^{f.name} must be at least"):
                make_step(*name, **given, **{f.name: f.metadata["ge"] - 1})


def test_every_operation_is_a_method_with_signature_and_docstring(name):
    operation, method = name
    if operation == "align_other":
        return
    function = getattr(signal_of(name), operation)
    signature = inspect.signature(function)
    assert list(signature.parameters)[:2] == ["self", "method"]
    assert signature.parameters["method"].default in REGISTRY[operation]
    for f in parameters(REGISTRY[operation][method]):
        assert f.name in signature.parameters
        assert f"    {f.name} : " in function.__doc__
        assert f.metadata["help"] in function.__doc__
    assert method in function.__doc__
    assert function.__doc__.splitlines()[0].endswith(".")
    assert OPERATIONS[operation] is function


def test_the_docs_table_has_every_step_and_parameter(name):
    section = methods_table().split(f"### {name[0]} {name[1]}\n")[1].split("\n###")[0]
    for f in parameters(REGISTRY[name[0]][name[1]]):
        assert f"| `{f.name}` |" in section


def test_results_do_not_depend_on_the_number_of_threads(a_step, subject, name):
    if name[0] != "reconstruct":
        return
    one, two = (run(subject, a_step, ncores=n) for n in (1, 2))
    assert np.array_equal(one.data, two.data)
    assert history.read(two)[-1]["environment"] == {"ncores": 2}


def test_the_axis_of_noise_is_refused():
    noise = np.random.default_rng(0).normal(size=(15, 32, 32))
    with pytest.raises(AlignmentRefused, match="manual alignment"):
        tomo.TomoStack(noise, np.arange(-70, 71, 10)).tilt_align("CoM")
