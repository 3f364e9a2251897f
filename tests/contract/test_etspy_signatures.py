"""What works in ETSpy works here: its public signatures are ours, but for what is listed.

`etspy_signatures.yaml` holds ETSpy's, `etspy_differences.yaml` every difference with its reason.
"""

import inspect
from pathlib import Path

import pytest
import yaml

import tomojupyter.api as tomo
from tomojupyter.steps import REGISTRY
from tomojupyter.steps.base import parameters

HERE = Path(__file__).parent
THEIRS = yaml.safe_load((HERE / "etspy_signatures.yaml").read_text(encoding="utf-8"))
LISTED = yaml.safe_load((HERE / "etspy_differences.yaml").read_text(encoding="utf-8"))
P = inspect.Parameter
NONE = object()  # no default


def of_signature(name, theirs, ours, keywords_elsewhere=False):
    """Yield in words how the signature of a function differs from ETSpy's."""
    places = [p.name for p in ours.values() if p.kind is P.POSITIONAL_OR_KEYWORD]
    stars = {"*": P.VAR_POSITIONAL, "**": P.VAR_KEYWORD}
    for place, (parameter, *default) in enumerate(theirs):
        key = parameter.lstrip("*")
        if key != parameter:
            kinds = [p.kind for p in ours.values()]
            if stars[parameter[: -len(key)]] not in kinds and not keywords_elsewhere:
                yield f"{name}({parameter}): missing"
            continue
        if key not in ours:
            yield f"{name}({key}): missing"
            continue
        if key not in places:
            yield f"{name}({key}): by keyword only"
        elif places.index(key) != place:
            yield f"{name}({key}): at place {places.index(key) + 1}, not {place + 1}"
        yield from of_default(f"{name}({key})", *(default or [NONE]), ours[key].default)
    known = [p[0] for p in theirs]
    for key in places:
        if key not in known:
            yield f"{name}({key}): ours, and not by keyword only"


def of_default(name, theirs, ours):
    ours = NONE if ours is P.empty else ours
    if theirs is not ours and theirs != ours:
        words = ["none" if value is NONE else repr(value) for value in (theirs, ours)]
        yield f"{name}: default {words[1]}, not {words[0]}"


def of_class(name):
    cls = getattr(tomo, name)
    for member, theirs in THEIRS[name].items():
        where = f"{name}.{member}"
        if not hasattr(cls, member):
            yield f"{where}: missing"
        elif isinstance(theirs, str):
            if "settable" in theirs and getattr(cls, member).fset is None:
                yield f"{where}: cannot be set"
        else:
            ours = dict(inspect.signature(getattr(cls, member)).parameters)
            ours.pop("self")
            yield from of_signature(where, theirs, ours, member in THEIRS["keywords"])


def of_keywords():
    for operation, methods in THEIRS["keywords"].items():
        for method, theirs in methods.items():
            where = f"{operation} {method}"
            if method not in REGISTRY[operation]:
                yield f"{where}: missing"
                continue
            ours = {f.name: f.default for f in parameters(REGISTRY[operation][method])}
            for key, default in theirs.items():
                if key in ours:
                    yield from of_default(f"{where}({key})", default, ours[key])
                else:
                    yield f"{where}({key}): missing"


def refused(operation, parameter, choice):
    """Whether an operation, or a method with this parameter, does not take a name."""
    if parameter == "method" and operation in REGISTRY:
        return choice not in REGISTRY[operation]
    if operation == "recon_error":
        return choice not in REGISTRY["reconstruct"]
    with_it = [
        f.metadata["choices"]
        for cls in REGISTRY.get(operation, {}).values()
        for f in parameters(cls)
        if f.name == parameter
    ]
    return not all(choice in choices for choices in with_it)


def of_choices():
    for where, choices in THEIRS["choices"].items():
        operation, parameter = where.split()
        if hasattr(tomo.TomoStack, operation):
            for choice in choices:
                if refused(operation, parameter, choice):
                    yield f"{operation} {parameter} {choice}: missing"


def differences():
    return [*of_class("TomoStack"), *of_class("RecStack"), *of_keywords(), *of_choices()]


def test_every_difference_from_etspy_is_listed():
    assert [d for d in differences() if d not in LISTED] == []


def test_every_listed_difference_is_still_one():
    # Delete the line that is no longer true from etspy_differences.yaml.
    assert sorted(set(LISTED) - set(differences())) == []


def test_every_difference_has_a_reason():
    assert [d for d, reason in LISTED.items() if len(str(reason)) < 20] == []


def ours(b, a=2, *, c=3): ...


@pytest.mark.parametrize(
    ("theirs", "found"),
    [
        ([["b"], ["a", 2]], []),
        ([["b"], ["a", 2], ["c", 3]], ["f(c): by keyword only"]),
        ([["b"], ["a", 1]], ["f(a): default 2, not 1"]),
        ([["b"], ["a"]], ["f(a): default 2, not none"]),
        ([["b"], ["a", 2], ["d"]], ["f(d): missing"]),
        ([["b"], ["a", 2], ["*d"], ["**e"]], ["f(*d): missing", "f(**e): missing"]),
        ([["a", 2]], ["f(a): at place 2, not 1", "f(b): ours, and not by keyword only"]),
    ],
)
def test_a_difference_would_be_noticed(theirs, found):
    parameters_of_ours = dict(inspect.signature(ours).parameters)
    assert list(of_signature("f", theirs, parameters_of_ours)) == found
