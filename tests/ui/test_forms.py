import inspect

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import TomojupyterError, UnknownMethodError
from tomojupyter.steps.base import LISTENERS, REGISTRY, make_step, param, parameters, step
from tomojupyter.steps.filter import IntensityStep
from tomojupyter.ui.fields import Field, parse_list, parse_number
from tomojupyter.ui.forms import Form


@pytest.mark.parametrize(
    "cls", [c for methods in REGISTRY.values() for c in methods.values()],
    ids=lambda c: f"{c.operation}-{c.method}",
)  # fmt: skip
def test_form_of_every_step_gives_its_defaults(cls):
    form = Form([cls.operation], methods=[cls.method])
    required = [
        p.name
        for p in parameters(cls)
        if not isinstance(p.default, (int, float, str, bool, type(None)))
    ]
    assert set(form.controls) == {"method", *(p.name for p in parameters(cls))}
    if required:
        assert "Enter" in form.problem()
    else:
        assert form.step() == cls()


def test_values_set_by_a_person_reach_the_step():
    form = Form(["filter"])
    form.controls["size"].value = 7
    assert form.step().size == 7
    assert form.problem() == ""


def test_bad_value_is_the_sentence_of_the_step():
    form = Form(["filter"])
    form.controls["size"].value = 0
    assert form.problem() == "Size must be at least 1 px, got 0"
    with pytest.raises(TomojupyterError):
        form.step()


@pytest.mark.parametrize("empty", [None, "", "auto", " "])
def test_empty_field_is_auto(empty):
    form = Form(["stack_register"])
    form.controls["start"].value = empty
    assert form.step().start is None


def test_optional_number_takes_numbers_and_text():
    form = Form(["stack_register"])
    form.controls["start"].value = 4
    assert form.step().start == 4
    form.controls["start"].value = "−3"
    assert "at least 0" in form.problem()
    form.controls["start"].value = "four"
    assert form.problem() == "Start must be a number; got 'four'"


def test_resolved_value_stands_in_grey(session):
    form = Form(["stack_register"])
    asked = form.step()
    form.show_resolved(asked, asked.resolve(session.signal))
    assert "6" in form.fields["start"].note.value
    form.controls["start"].value = 2
    form.show_resolved(form.step(), form.step().resolve(session.signal))
    assert "6" not in form.fields["start"].note.value


def test_choices_bools_and_their_auto():
    form = Form(["reconstruct"])
    form.choose("fbp")
    assert "shepp-logan" in [value for _, value in form.controls["sino_filter"].options]
    assert form.controls["cuda"].value is None
    form.controls["cuda"].value = False
    assert form.step().cuda is False


def test_methods_share_a_list_and_keep_their_values():
    form = Form(["filter", "background"])
    form.controls["size"].value = 9
    form.choose("constant")
    assert form.step().operation == "background"
    assert set(form.controls) == {"method", "level"}
    form.choose("Median")
    assert form.step().size == 9
    form.reset()
    assert form.step().size == 5


def test_unknown_method_names_those_there_are():
    with pytest.raises(UnknownMethodError, match="median"):
        Form(["filter"]).choose("gauss")
    with pytest.raises(UnknownMethodError, match="no method"):
        Form(["smooth"])


def test_set_shows_a_step():
    form = Form(["tilt_align"])
    wanted = REGISTRY["tilt_align"]["manual"](shift=3.5, angle=-1.2)
    form.set(wanted)
    assert form.step() == wanted
    assert form.controls["angle"].value == -1.2


def test_slider_and_number_say_the_same():
    form = Form(["tilt_align"], spans={"shift": (-10, 10, 0.1)})
    form.choose("manual")
    field = form.fields["shift"]
    field.slider.value = 2.5
    assert field.control.value == 2.5
    field.control.value = 25.0
    assert (field.control.value, field.slider.value) == (25.0, 2.5)
    field.control.value = -4.0
    assert field.slider.value == -4.0


def test_advanced_ones_are_under_a_closed_more():
    form = Form(["stack_register"])
    assert form.advanced.layout.display == "none"
    assert "upsample factor" in form.more.description
    form.more.click()
    assert form.advanced.layout.display == ""


def test_changes_are_told_once_each():
    form = Form(["filter"])
    calls = []
    form.on_change(lambda: calls.append(form.problem()))
    form.controls["size"].value = 3
    form.controls["method"].value = REGISTRY["filter"]["sobel"]
    assert calls == ["", ""]


def test_a_step_registered_later_joins_open_forms():
    form = Form(["filter"])
    form.controls["size"].value = 3
    try:

        @step("filter", "halve")
        class Halve(IntensityStep):
            """Divide by two."""

            times: int = param(1, "how often", ge=1)

            def transform(self, images):
                return images / 2**self.times

        assert "halve" in [label for label, _ in form.method.options]
        assert form.step().size == 3
        form.choose("halve")
        form.controls["times"].value = 2
        assert form.step() == Halve(times=2)
    finally:
        del REGISTRY["filter"]["halve"]
        for listener in LISTENERS:
            listener("filter")
    assert form.cls.method == "median"


def test_hooks_are_the_keywords_without_underscores():
    form = Form(["stack_register"], "register")
    assert "tj-register-upsamplefactor" in form.controls["upsample_factor"]._dom_classes


def test_help_says_unit_and_bounds():
    size = next(p for p in parameters(REGISTRY["filter"]["median"]) if p.name == "size")
    assert Field(REGISTRY["filter"]["median"], size).help == (
        "size: side of the square neighbourhood (px, at least 1)"
    )


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("-2.5", -2.5), ("−2,5", -2.5), ("1e-3", 0.001)]
)
def test_numbers_are_read(text, value):
    assert parse_number(text) == value


def test_lists_are_read():
    assert parse_list("[1, 2.5 3\n4;5]") == (1, 2.5, 3, 4, 5)
    assert parse_list("3, 10-12, 15 to 16") == (3, 10, 11, 12, 15, 16)
    assert parse_list("-70, -68") == (-70, -68)
    with pytest.raises(ValueError, match="could not convert"):
        parse_list("1, two")


def test_a_form_opens_with_the_method_that_the_call_takes():
    for operation, usual in (("reconstruct", "FBP"), ("stack_register", "PC")):
        signature = inspect.signature(getattr(tomo.TomoStack, operation))
        assert signature.parameters["method"].default == usual
        assert Form([operation]).cls.method == usual


def test_what_is_folded_is_named_and_initials_stay():
    form = Form(["reconstruct"], labels={"cuda": "GPU"})
    assert form.more.description == "More: GPU, backend"
    form.choose("SIRT")
    assert form.more.description.startswith("More: GPU, backend, thresh")


def test_a_volume_is_a_file_name_or_stays_what_it_was():
    form = Form(["reconstruct"], methods=["SIRT"])
    assert form.step().start_volume is None
    form.controls["start_volume"].value = "first.hspy"
    assert str(form.step().start_volume) == "first.hspy"
    form.controls["start_volume"].value = "first.tif"
    assert form.problem().startswith("start_volume must be a volume (x, z, y), or the name of a")
    array = np.ones((2, 3, 4))
    asked = make_step("reconstruct", "SIRT", start_volume=array, mask="mask.npy")
    form.set(asked)
    assert form.step() == asked
    assert form.step().start_volume.values is asked.start_volume.values
    form.reset()
    assert form.step().start_volume is None
