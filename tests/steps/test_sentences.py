"""Errors are sentences: what was given, what is allowed, what to do."""

import numpy as np
import pytest

from tomojupyter.errors import (
    DataError,
    ParameterError,
    TiltsError,
    UnknownMethodError,
    UnknownParameterError,
)
from tomojupyter.monitor import Silent
from tomojupyter.numerics.reconstruction.backends import cuda_available
from tomojupyter.steps import Step, make_step, param, run, step
from tomojupyter.steps.base import REGISTRY, find, parameters


def having(name):
    """Return the reconstructions that have a parameter."""
    methods = REGISTRY["reconstruct"].items()
    return ", ".join(m for m, cls in methods if name in [f.name for f in parameters(cls)])


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        # The two examples of the conventions and of the design.
        (("filter", "median", {"size": 0}), ParameterError, "size must be at least 1 px, got 0"),
        (
            ("reconstruct", "FBP", {"iterations": 5}),
            UnknownParameterError,
            f"iterations: not a parameter of FBP ({having('iterations')} have it)",
        ),
        (
            ("filter", "sobel", {"size": 5}),
            UnknownParameterError,
            "size: not a parameter of sobel (median, both, despike have it)",
        ),
        (
            ("filter", "sobel", {"radius": 5}),
            UnknownParameterError,
            "radius: not a parameter of filter sobel (known: taper, alignment_only)",
        ),
        (
            ("filter", "median", {"sise": 5}),
            UnknownParameterError,
            "sise: not a parameter of filter median (known: size, taper, alignment_only); "
            "did you mean size?",
        ),
        (
            ("reconstruct", "SIRT", {"iteratoins": 5}),
            UnknownParameterError,
            "iteratoins: not a parameter of reconstruct SIRT (known: "
            f"{', '.join(f.name for f in parameters(find('reconstruct', 'SIRT')))}); "
            "did you mean iterations?",
        ),
        (("filter", "median", {"size": None}), ParameterError, "size must be given, got None"),
        (
            ("filter", "median", {"size": True}),
            ParameterError,
            "size must be a whole number (px), got True",
        ),
        (
            ("filter", "median", {"size": 2.5}),
            ParameterError,
            "size must be a whole number (px), got 2.5",
        ),
        (
            ("filter", "median", {"size": "3"}),
            ParameterError,
            "size must be a whole number (px), got '3'",
        ),
        (
            ("reconstruct", "SIRT", {"constrain": 1}),
            ParameterError,
            "constrain must be True or False, got 1",
        ),
        (
            ("tilt_align", "manual", {"angle": 91}),
            ParameterError,
            "angle must be at most 90 deg, got 91",
        ),
        (
            ("set_scale", "pixel", {"size": 0}),
            ParameterError,
            "size must be more than 0, got 0",
        ),
        (
            ("set_scale", "pixel", {"size": 1, "units": 5}),
            ParameterError,
            "units must be text, got 5",
        ),
        (
            ("stack_register", "PC", {"shift_type": "forier"}),
            ParameterError,
            "shift_type must be one of interp, fourier, got 'forier'; did you mean fourier?",
        ),
        (
            ("set_tilts", "range", {}),
            UnknownParameterError,
            "set_tilts range needs start and increment, which was not given",
        ),
        (
            ("filter", "mediam", {}),
            UnknownMethodError,
            "mediam: not a method of filter (median, bpf, both, sobel, gaussian, despike are); "
            "did you mean median?",
        ),
        (
            ("filtr", "median", {}),
            UnknownMethodError,
            f"filtr: not an operation ({', '.join(REGISTRY)} are); did you mean filter?",
        ),
        (
            ("filter", 5, {}),
            UnknownMethodError,
            "the method of filter must be a name (median, bpf, both, sobel, gaussian, despike), "
            "got 5",
        ),
        (
            ("set_tilts", "list", {"tilts": [[1], [2, 3]]}),
            ParameterError,
            "tilts must be a list of numbers, got [[1], [2, 3]]",
        ),
    ],
)
def test_wrong_values_are_refused_in_these_words(call, error, sentence):
    operation, method, values = call
    with pytest.raises(error) as caught:
        make_step(operation, method, **values)
    assert str(caught.value) == sentence


def test_values_are_turned_into_the_parameters_own_types():
    assert make_step("filter", "median", size=np.int16(3)).as_dict()["size"] == 3
    assert type(make_step("filter", "median", size=3.0).size) is int
    manual = make_step("tilt_align", "manual", shift=np.float32(0.5), angle=1)
    assert type(manual.shift) is type(manual.angle) is float
    assert make_step("stack_register", "pc", shift_type="FOURIER").shift_type == "fourier"
    assert make_step("reconstruct", "sirt", constrain=np.True_).constrain is True
    assert make_step("trim", "remove_projections", projections=3).projections == (3,)


def test_names_of_methods_ignore_case_and_prefer_the_exact_one():
    assert find("stack_register", "stackreg") is find("stack_register", "StackReg")

    @step("filter", "MEDIAN")
    class Shouting(Step):
        """Shout."""

    try:
        assert find("filter", "MEDIAN") is Shouting
        assert find("filter", "median") is not Shouting
    finally:
        del REGISTRY["filter"]["MEDIAN"]


def test_a_step_in_words():
    assert str(make_step("reconstruct", "SIRT", iterations=5, constrain=True)) == (
        "reconstruct SIRT {iterations: 5, constrain: true}"
    )
    assert str(make_step("tilt_align", "manual", shift=1 / 3)) == (
        "tilt_align manual {shift: 0.333333}"
    )
    many = str(make_step("trim", "remove_projections", projections=range(9)))
    assert many == "trim remove_projections {projections: [0, 1, 2, 3, 4, 5, ...]}"
    assert str(make_step("filter", "sobel")) == "filter sobel {}"


def test_a_step_cannot_be_changed():
    made = make_step("filter", "median")
    with pytest.raises(AttributeError):
        made.size = 7
    assert made.replace(size=7).size == 7
    with pytest.raises(ParameterError, match="size must be at least 1 px"):
        made.replace(size=0)


def test_parameters_that_contradict_each_other_can_be_refused():
    @step("filter", "band")
    class Band(Step):
        """Keep a band."""

        low: float = param(1.0, "low", ge=0)
        high: float = param(2.0, "high")

        def check(self):
            if self.low >= self.high:
                raise ParameterError(f"low must be below high, got {self.low} and {self.high}")

    del REGISTRY["filter"]["band"]
    assert Band(low=1, high=3).as_dict() == {"low": 1.0, "high": 3.0}
    with pytest.raises(ParameterError, match=r"low must be below high, got 5\.0 and 2\.0"):
        Band(low=5)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"left": 20, "right": 10}, "columns 20 to 10 leave nothing: the end must be larger"),
        ({"left": -40}, "columns from -40 do not lie in the image: it has columns 0 to 31"),
        ({"right": 33}, "columns up to 33 do not lie in the image: it has columns 0 to 31"),
        ({"top": 24}, "rows from 24 do not lie in the image: it has rows 0 to 23"),
    ],
)
def test_crops_outside_the_image_are_refused(series, values, sentence):
    with pytest.raises(ParameterError, match=sentence):
        series.trim("crop", **values)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda s: s.bin(25), ParameterError, r"factor 25 px is larger than the image \(32 x 24"),
        (
            lambda s: s.trim("rebin", factor_y=30, factor_x=2),
            ParameterError,
            r"blocks of 2 x 30 px are larger than the image \(32 x 24 px\)",
        ),
        (
            lambda s: s.stack_register(start=13),
            ParameterError,
            "start is projection 13, but they count from 0 to 12",
        ),
        (
            lambda s: s.set_tilts("list", tilts=[1, 2]),
            TiltsError,
            "13 projections but 2 tilts: give one tilt angle a projection, in the order of the",
        ),
        (
            lambda s: s.reconstruct(ncores=0, show_progressbar=False),
            ParameterError,
            "ncores must be at least 1, got 0",
        ),
        (
            lambda s: s.inav[:1].reconstruct(show_progressbar=False),
            ParameterError,
            "only 1 projection can be used; at least 2 are needed",
        ),
        (
            lambda s: s.trim("rebin", factor_x=2, factor_y=1).tilt_align("manual", angle=1),
            ParameterError,
            r"x and y are binned differently \(2 and 1 times\), so a rotation would shear",
        ),
        (
            lambda s: s.tilt_align("CoM", slices=[40]),
            ParameterError,
            r"slices are columns from 0 to 31, got \[40\]",
        ),
    ],
)
def test_what_the_series_cannot_do_is_refused(series, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(series)


@pytest.mark.skipif(cuda_available(), reason="CUDA is there, so asking for it is right")
@pytest.mark.parametrize("operation", ["reconstruct", "stack_register"])
def test_cuda_without_a_device_is_a_sentence(series, operation):
    with pytest.raises(ParameterError, match="cuda=True, but ASTRA finds no CUDA device here"):
        getattr(series, operation)(cuda=True, show_progressbar=False)


TILT_STEPS = [("stack_register", "PC"), ("tilt_align", "CoM"), ("reconstruct", "FBP")]


@pytest.mark.parametrize("name", TILT_STEPS, ids=" ".join)
def test_missing_tilts_are_refused_where_they_are_needed(series, name):
    made = series.isig[1:]
    made._store_tilts(np.zeros(13))
    median = made.filter("median", size=3)
    with pytest.raises(TiltsError, match=r"^all tilts are 0°: enter them with set_tilts, or as"):
        run(median, make_step(*name))
    tilts = np.arange(13.0)
    tilts[[3, 7]] = np.nan
    made._store_tilts(tilts)
    median = made.filter("median", size=3)
    with pytest.raises(TiltsError, match=r"^the tilts of projections #3, #7 are not numbers: ent"):
        run(median, make_step(*name))
    rest = median.remove_projections([3, 7])
    assert rest.stack_register("PC").data.shape[0] == 11


def test_steps_that_do_nothing_say_so(series):
    from tomojupyter.steps.filter import IntensityStep
    from tomojupyter.steps.reconstruct import ReconstructionStep
    from tomojupyter.steps.stack_register import RegistrationStep

    for base, what in (
        (Step, r"Step does not say what it does: give it an apply\(\)"),
        (IntensityStep, r"IntensityStep does not filter: give it a transform\(\)"),
        (ReconstructionStep, r"ReconstructionStep does not reconstruct: give it a solve\(\)"),
        (RegistrationStep, r"RegistrationStep does not register: give it an estimate\(\)"),
    ):
        with pytest.raises(TypeError, match=what):
            base().apply(series, Silent())


def test_signals_of_another_kind_are_refused(series):
    with pytest.raises(DataError, match="filter works on a TomoStack, got a RecStack"):
        run(series.reconstruct(show_progressbar=False), make_step("filter", "median"))
