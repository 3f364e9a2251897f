"""The methods made from Steps: signature, docstring, positions; and Steps that come later."""

import inspect

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import UnknownParameterError
from tomojupyter.numerics.images import filters
from tomojupyter.steps import REGISTRY, Recipe, history, param, step
from tomojupyter.steps.filter import IntensityStep
from tomojupyter.steps.operation import _refresh, methods_table


@pytest.mark.parametrize(
    ("operation", "names"),
    [
        # ETSpy's parameters in ETSpy's order.
        (
            "stack_register",
            ["method", "start", "show_progressbar", "cuda", "crop", "shift_type"],
        ),
        (
            "reconstruct",
            ["method", "iterations", "constrain", "thresh", "cuda", "thickness",
             "show_progressbar"],
        ),
        ("filter", ["method", "size", "taper"]),
        ("trim", ["method", "left", "right", "top", "bottom"]),
    ],
)  # fmt: skip
def test_etspys_parameters_may_be_given_by_position(operation, names):
    signature = inspect.signature(getattr(tomo.TomoStack, operation))
    found = [
        p.name
        for p in signature.parameters.values()
        if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and p.name != "self"
    ]
    assert found == names
    rest = [p for p in signature.parameters.values() if p.name not in ("self", *names)]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in rest)


def test_positions_mean_what_the_signature_says(series):
    volume = series.reconstruct("SIRT", 2, True, 0.5, False, 10, False)
    resolved = history.read(volume)[-1]["resolved"]
    assert resolved == {
        "iterations": 2, "constrain": True, "thresh": 0.5, "cuda": False, "thickness": 10,
        "upper": None, "relaxation": 1.0, "backend": "numba", "start_volume": None, "mask": None,
    }  # fmt: skip
    assert volume.data.min() >= 0.5
    registered = series.stack_register("PC", 4, False, False, True, "fourier")
    resolved = history.read(registered)[-1]["resolved"]
    assert (resolved["start"], resolved["crop"], resolved["shift_type"]) == (4, True, "fourier")
    assert series.filter("median", 3).data.shape == series.data.shape


def test_defaults_are_the_papers():
    defaults = {
        name: inspect.signature(getattr(tomo.TomoStack, name)).parameters["method"].default
        for name in ("filter", "stack_register", "tilt_align", "reconstruct")
    }
    assert defaults == {
        "filter": "median", "stack_register": "PC", "tilt_align": "CoM", "reconstruct": "FBP",
    }  # fmt: skip


def test_register_stack_is_the_same_as_stack_register(series, timeless):
    one, other = series.register_stack("PC", 3), series.stack_register("PC", 3)
    assert np.array_equal(one.data, other.data)
    assert timeless(one) == timeless(other)


def test_too_many_positions_and_doubled_values_are_refused(series):
    with pytest.raises(UnknownParameterError, match=r"at most 3 values .*\(method, size, taper\)"):
        series.filter("median", 3, 0, 4)
    with pytest.raises(UnknownParameterError, match="size was given twice"):
        series.filter("median", 3, size=3)
    with pytest.raises(UnknownParameterError, match="ncores: not a parameter of filter median"):
        series.filter("median", ncores=2)


def test_progress_is_shown_where_it_is_asked_for(series, capsys):
    series.filter("median", show_progressbar=True)
    shown = capsys.readouterr()
    assert "Filter 13/13\n" in shown.err
    assert not shown.out
    series.filter("median")
    assert not capsys.readouterr().err


@pytest.fixture
def gaussian():
    """A filter registered while the program runs."""

    @step("filter", "gaussian_of_test")
    class Gaussian(IntensityStep):
        """Blur every image."""

        sigma_of_test: float = param(1.5, "width of the blur", unit="px", gt=0)

        def transform(self, images):
            """Return blurred images."""
            return filters.median(images, 1) * np.float32(self.sigma_of_test)

    yield Gaussian
    del REGISTRY["filter"]["gaussian_of_test"]
    _refresh("filter")


def test_a_step_registered_later_appears_everywhere(series, gaussian):
    method = tomo.TomoStack.filter
    assert inspect.signature(method).parameters["sigma_of_test"].default == 1.5
    assert "gaussian_of_test\n    Blur every image." in method.__doc__
    assert "sigma_of_test : float, default 1.5" in method.__doc__
    assert "width of the blur (px, more than 0)" in method.__doc__
    assert "| `sigma_of_test` | float | 1.5 | width of the blur (px, more than 0) |" in (
        methods_table()
    )
    result = series.filter("gaussian_of_test", sigma_of_test=2)
    assert np.allclose(result.data, 2 * series.data)
    text = Recipe.of(result).to_yaml()
    assert "  - filter: {method: gaussian_of_test, sigma_of_test: 2.0}\n" in text
    again = Recipe.from_yaml(text.replace("shape", "# shape"))
    assert np.array_equal(Recipe(again.entries[-1:]).run(series).data, result.data)


def test_and_goes_with_it(series, gaussian):
    del REGISTRY["filter"]["gaussian_of_test"]
    _refresh("filter")
    assert "sigma_of_test" not in inspect.signature(tomo.TomoStack.filter).parameters
    REGISTRY["filter"]["gaussian_of_test"] = gaussian
