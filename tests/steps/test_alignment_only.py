"""Filters for alignment only: registration and axis see them, the series keeps its pixels."""

import warnings

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.datasets import get_catalyst_data
from tomojupyter.errors import TomojupyterWarning, UnknownParameterError
from tomojupyter.steps import REGISTRY, Recipe, history, make_step
from tomojupyter.steps.filter import AlignableStep

METHODS = [
    (operation, method)
    for operation in ("filter", "normalise")
    for method, cls in REGISTRY[operation].items()
    if issubclass(cls, AlignableStep)
]


@pytest.fixture(scope="module")
def still():
    """A series whose axis lies off its middle, with two frames out of place."""
    made = get_catalyst_data(size=48, tilts=np.arange(-70, 71, 7.0), tiltshift=2)
    images = made.data.copy()
    for i in (4, 9):
        images[i] = np.roll(images[i], i - 6, axis=1)
    return tomo.TomoStack(images, made.tilts.data.ravel())


@pytest.mark.parametrize(("operation", "method"), METHODS)
def test_every_method_leaves_the_pixels_and_shows_alignment_what_it_makes(
    series, operation, method
):
    set_so = getattr(series, operation)(method, alignment_only=True)
    plain = getattr(series, operation)(method)
    assert np.array_equal(set_so.data, series.data)
    assert set_so.data.dtype == series.data.dtype
    assert np.array_equal(set_so.for_alignment().data, plain.data)
    assert history.read(set_so)[-1]["asked"]["alignment_only"] is True
    assert series.for_alignment() is series


@pytest.mark.parametrize("method", ["PC", "StackReg"])
def test_registration_goes_by_the_filtered_pixels_and_moves_the_others(still, method):
    aligned = still.filter("sobel", alignment_only=True).stack_register(method)
    filtered = still.filter("sobel").stack_register(method)
    assert np.array_equal(aligned.shifts.data, filtered.shifts.data)
    assert not np.allclose(aligned.shifts.data, still.stack_register(method).shifts.data)
    by_hand = still.deepcopy()._moved(aligned._frame)
    assert np.array_equal(aligned.data, by_hand.data)
    assert aligned._resampled == 1


def test_the_axis_goes_by_them_too(still):
    steady = still.filter("gaussian", sigma=2, alignment_only=True)
    smooth = still.filter("gaussian", sigma=2)
    for method, more in (("CoM", {}), ("MaxImage", {"also_shift": True}), ("joint", {})):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TomojupyterWarning)
            ours, theirs = (s.tilt_align(method, **more) for s in (steady, smooth))
        assert ours._frame.tiltaxis == theirs._frame.tiltaxis, method
        assert ours._frame.yshift == pytest.approx(theirs._frame.yshift, abs=1e-5), method


def test_joint_goes_by_them_too(still):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TomojupyterWarning)
        ours = still.filter("median", 3, alignment_only=True).stack_register("joint", rounds=2)
        theirs = still.filter("median", 3).stack_register("joint", rounds=2)
    assert np.array_equal(ours.shifts.data, theirs.shifts.data)
    assert not np.array_equal(ours.data, theirs.data)


def test_what_is_reconstructed_is_the_series_itself(still):
    plain = still.reconstruct("FBP", show_progressbar=False)
    seen = still.filter("sobel", alignment_only=True).reconstruct("FBP", show_progressbar=False)
    assert np.array_equal(seen.data, plain.data)
    assert not seen.metadata.has_item("Tomojupyter.alignment_filters")
    assert [r["operation"] for r in history.read(seen)] == ["source", "filter", "reconstruct"]


def test_filters_add_up_and_a_plain_one_is_seen_through_the_others(series):
    two = series.filter("median", 3, alignment_only=True).filter("sobel", alignment_only=True)
    assert [f.method for f in two.alignment_filters] == ["median", "sobel"]
    assert np.array_equal(two.for_alignment().data, series.filter("median", 3).filter("sobel").data)
    then = two.background("constant", level=1.0)
    assert np.array_equal(then.data, series.background("constant", level=1.0).data)
    expected = series.background("constant", level=1.0).filter("median", 3).filter("sobel")
    assert np.array_equal(then.for_alignment().data, expected.data)


@pytest.mark.parametrize(("operation", "method"), [("normalise", "smooth"), ("normalise", "invert"),
                                                   ("normalise", "total")])  # fmt: skip
def test_what_is_chosen_from_the_data_is_chosen_from_what_alignment_sees(series, operation, method):
    raised = series.background("constant", level=-1000.0)  # edges have no such level
    chosen = getattr(raised.filter("sobel", alignment_only=True), operation)
    plain = getattr(raised.filter("sobel"), operation)(method)
    both = chosen(method, alignment_only=True)
    assert np.array_equal(both.for_alignment().data, plain.data)
    assert np.array_equal(both.data, raised.data)


def test_values_of_each_projection_follow_when_some_are_left_out(series):
    factors = tuple(1 + 0.1 * i for i in range(13))
    bright = series.normalise("total", level=0.0, factors=factors, alignment_only=True)
    some = bright.inav[2:9]
    expected = series.normalise("total", level=0.0, factors=factors).inav[2:9]
    assert np.array_equal(some.for_alignment().data, expected.data)


def test_periods_of_a_band_pass_stay_when_pixels_get_larger(series):
    scale = series.axes_manager.signal_axes[0].scale
    passed = {"smallest": 6 * scale, "largest": 12 * scale}
    binned = series.filter("bpf", **passed, alignment_only=True).trim("bin", factor=2)
    expected = series.trim("bin", factor=2).filter("bpf", **passed)
    assert np.allclose(binned.for_alignment().data, expected.data, atol=1e-6)


def test_copies_files_and_hyperspys_operations_keep_the_filters(series, tmp_path):
    seen = series.filter("sobel", alignment_only=True)
    path = tmp_path / "seen.hspy"
    seen.save(path)
    doubled = seen * 2
    for other in (seen.deepcopy(), seen.copy(), tomo.load(path), tomo.load(path, lazy=True),
                  seen.as_lazy(), doubled):  # fmt: skip
        assert [f.method for f in other.alignment_filters] == ["sobel"]
    assert np.allclose(doubled.for_alignment().data, 2 * seen.for_alignment().data)
    lazy = seen.as_lazy().stack_register("PC")
    assert np.array_equal(lazy.shifts.data, seen.stack_register("PC").shifts.data)


def test_a_copy_shares_no_state_with_what_it_was_made_of(series):
    seen = series.filter("sobel", alignment_only=True)
    seen.data[0] = 0
    assert series.data[0].any()
    assert series.alignment_filters == ()
    assert seen.for_alignment().alignment_filters == ()
    assert len(seen.alignment_filters) == 1


def test_a_recipe_replays_it(still):
    steps = still.filter("both", 3, alignment_only=True).stack_register("PC", crop=True)
    again = Recipe.from_yaml(Recipe.of(steps).to_yaml()).run(still)
    assert np.array_equal(again.data, steps.data)
    assert again.alignment_filters == steps.alignment_filters
    assert "alignment_only: true" in Recipe.of(steps).to_yaml()


@pytest.mark.parametrize(("operation", "method"), [("stack_register", "COM"),
                                                   ("stack_register", "joint"),
                                                   ("tilt_align", "CoM")])  # fmt: skip
def test_methods_that_go_by_mass_say_that_edges_have_none(still, operation, method):
    more = {"rounds": 1} if method == "joint" else {}
    step = make_step(operation, method, **more)
    edges = still.filter("sobel", alignment_only=True)
    with pytest.warns(TomojupyterWarning, match=f"{method} goes by mass, which sobel"):
        getattr(edges, operation)(method, **more)
    assert step.by_mass


def test_a_background_is_never_for_alignment_only(series):
    with pytest.raises(UnknownParameterError, match="alignment_only: not a parameter"):
        series.background("constant", alignment_only=True)
