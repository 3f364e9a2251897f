"""What a person decided on one series, in a recipe: found, told, and made automatic."""

import pytest

from tomojupyter.steps import Recipe
from tomojupyter.ui.panels.batch_manual import automatic, frozen, manual_values, recipe_html


def recipe(*lines, shape=""):
    return Recipe.from_yaml(
        f"tomojupyter: 1\n{shape}steps:\n" + "".join(f"  - {x}\n" for x in lines)
    )


def methods(found):
    return [(e.step.operation, e.step.method) for e in found.entries]


AXIS = "tilt_align: {method: manual, shift: 3.4, angle: 1.2}"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (AXIS, "axis 3.4 px, 1.2°"),
        ("tilt_align: {method: manual, angle: -1.2}", "axis −1.2°"),
        ("tilt_align: {method: manual}", "axis 0 px"),
        ("stack_register: {method: manual, projections: [5], x: [0.1], y: [0.2]}",
         "1 frame nudged"),
        ("trim: {method: remove_projections, projections: [5, 7]}", "2 frames left out"),
        ("trim: {method: crop, left: 4}", "a box"),
        ("exclude: {method: projections, projections: [1, 2]}", "2 frames not used"),
        ("background: {method: region, left: 0, right: 4, top: 0, bottom: 4}", "a box of vacuum"),
        ("reconstruct: {method: SIRT, start_volume: run.hspy}", "start volume"),
    ],
)  # fmt: skip
def test_what_is_by_hand_is_told_and_can_be_automatic(line, words):
    made = recipe(line, "reconstruct: {method: FBP}")
    assert manual_values(made) == [words]
    assert f"by hand: {words}" in recipe_html(made)
    assert manual_values(automatic(made)) == []
    assert methods(automatic(made))[-1] == ("reconstruct", "FBP")


def test_what_is_no_decision_on_one_series_stays():
    lines = (
        "set_tilts: {method: range, start: -60, increment: 2}",
        "set_scale: {method: pixel, size: 0.4}",
        "trim: {method: bin, factor: 2}",
        "background: {method: constant}",
        "stack_register: {method: PC, start: 5}",
        "tilt_align: {method: CoM}",
        "reconstruct: {method: SIRT, iterations: 30, constrain: true}",
    )
    made = recipe(*lines)
    assert manual_values(made) == []
    assert automatic(made) == made


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("filter: {method: median}", ("tilt_align", "CoM")),
        ("stack_register: {method: PC}", ("tilt_align", "CoM")),
        ("stack_register: {method: joint}", None),
        ("tilt_align: {method: MaxImage}", None),
    ],
)
def test_the_axis_is_found_once(before, expected):
    made = automatic(recipe(before, AXIS, AXIS))
    assert methods(made)[1:] == ([expected] if expected else [])


def test_a_start_volume_goes_and_the_other_values_stay():
    made = automatic(
        recipe("reconstruct: {method: SIRT, iterations: 7, start_volume: run.hspy, mask: m.hspy}")
    )
    step = made.entries[0].step
    assert (step.iterations, step.start_volume, step.mask) == (7, None, None)


def test_places_of_one_series_are_named_once_its_shape_is_kept():
    line = "stack_register: {method: PC, start: 5}"
    assert frozen(recipe(line)) == []
    assert frozen(recipe(line, shape="shape: [9, 8, 8]\n")) == ["start"]


def test_words_say_the_panel_the_values_and_what_is_automatic():
    text = recipe_html(
        recipe(
            "background: {method: constant}",
            "stack_register: {method: PC}",
            "reconstruct: {method: SIRT, iterations: 30, constrain: true}",
            "external: {}",
        )
    )
    assert "<td>Filter</td><td>background constant; " in text
    assert "automatic: start" in text
    assert "SIRT, iterations 30, constrain; " in text
    assert "an edit outside the app" in text
