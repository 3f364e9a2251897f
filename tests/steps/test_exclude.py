"""Excluding projections is recorded, changes the volume and replays; options are checked."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError, UnknownParameterError
from tomojupyter.steps import history, make_step, run


def fbp(stack):
    return stack.reconstruct("FBP", show_progressbar=False)


def test_an_excluded_projection_has_no_part_in_the_volume(series):
    hurt = series.deepcopy()
    hurt.data[4] += 1
    mended = hurt.exclude("projections", [4], reason="too bright")
    assert np.flatnonzero(mended.excluded).tolist() == [4]
    assert mended.excluded_reason[4] == "too bright"
    assert len(mended.data) == len(series.data)
    assert not hurt.excluded.any()
    assert np.array_equal(fbp(mended).data, fbp(series.remove_projections([4])).data)
    assert not np.array_equal(fbp(mended).data, fbp(hurt).data)


def test_it_is_recorded_and_replays(series):
    out = series.exclude("projections", [-1, 2])
    made = fbp(out.exclude("none", projections=[2]))
    records = history.read(made)[-3:]
    assert [r["operation"] for r in records] == ["exclude", "exclude", "reconstruct"]
    assert records[0]["resolved"]["projections"] == [12, 2]
    assert [r["scalars"]["excluded"] for r in records[:2]] == [2, 1]
    recipe = tomo.Recipe(tomo.Recipe.of(made).entries[-3:])
    assert np.array_equal(recipe.run(series).data, made.data)


def test_all_are_taken_in_again_where_none_is_named(series):
    out = series.exclude("projections", [1, 5])
    back = out.exclude("none")
    assert not back.excluded.any()
    assert history.read(back)[-1]["resolved"]["projections"] == [1, 5]
    again = run(series, make_step("exclude", "none"))
    assert history.read(again)[-1]["resolved"]["projections"] == []


def test_pixels_that_were_put_off_are_the_same_and_resampled_once(series):
    moved = series.tilt_align("manual", shift=1.5)
    out = moved.exclude("projections", [3]).tilt_align("manual", angle=2)
    direct = moved.tilt_align("manual", angle=2)
    assert np.array_equal(out.data, direct.data)
    assert history.read(out)[-1]["resampled"] == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"projections": []}, "must name at least one"),
        ({"projections": [13]}, "there is no projection 13: they count from 0 to 12"),
        ({"projections": [1, -12]}, "projection 1 was named more than once"),
        ({"projections": [1], "reason": " "}, "reason must be a few words"),
    ],
)
def test_bad_lists_are_refused(series, values, sentence):
    with pytest.raises(ParameterError, match=sentence):
        series.exclude("projections", **values)


def test_unknown_run_options_name_the_known_ones(series):
    sentence = r"ncoers: not an option of a run \(known: ncores, .*\); did you mean ncores\?"
    with pytest.raises(UnknownParameterError, match=sentence):
        run(series, make_step("filter", "median"), ncoers=2)
    # Before any work, and also where there is none.
    with pytest.raises(UnknownParameterError, match=sentence):
        tomo.Recipe().run(series, ncoers=2)
    assert issubclass(UnknownParameterError, TypeError)
