"""What HyperSpy's own operations do to a series: class, tilts, shifts and history follow."""

import copy

import hyperspy.api as hs
import numpy as np
import pytest
from hyperspy.signals import BaseSignal, Signal2D

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, TiltsError
from tomojupyter.signals.stack import LazyTomoStack
from tomojupyter.steps import history


@pytest.fixture
def moved(series):
    """A series with shifts, an excluded projection and three records."""
    result = series.stack_register("PC")
    result._exclude(2, "blank")
    return result


def assert_follows(result, like, index=slice(None)):
    """Assert that class, tilts, shifts, exclusions and history are those of `like`."""
    assert isinstance(result, tomo.TomoStack)
    assert np.array_equal(result.tilts.data, like.tilts.data[index])
    assert np.array_equal(result.nominal_tilts, like.nominal_tilts[index])
    assert np.allclose(result.shifts.data, like.shifts.data[index], atol=1e-9)
    assert np.array_equal(result.excluded, like.excluded[index])
    assert result.excluded_reason == list(np.array(like.excluded_reason)[index])
    assert like.shifts.data.any()
    before = history.read(like)
    assert history.read(result)[: len(before)] == before


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.deepcopy(),
        copy.deepcopy,
        lambda s: s.copy(),
        lambda s: s * 2,
        lambda s: s / 2,
        lambda s: -s,
        lambda s: s + s,
        lambda s: s > 1,
        np.square,
        lambda s: s.map(np.abs, inplace=False, show_progressbar=False),
        lambda s: s.as_lazy(),
        lambda s: s.rebin(scale=(1, 1, 1)),
    ],
)
def test_new_signals_keep_what_belongs_to_the_series(moved, change):
    records = history.read(moved)
    result = change(moved)
    assert_follows(result, moved)
    assert history.read(moved) == records
    assert result.data.shape == moved.data.shape


def change_dtype(signal):
    signal.change_dtype("float64")


def map_in_place(signal):
    signal.map(lambda image: image + 1, show_progressbar=False)


def multiply(signal):
    signal *= 2


@pytest.mark.parametrize("change", [change_dtype, map_in_place, multiply])
def test_changes_in_place_keep_what_belongs_to_the_series(moved, change):
    before = moved.deepcopy()
    change(moved)
    assert_follows(moved, before)


def test_deepcopy_shares_nothing_that_can_be_written(moved):
    other = moved.deepcopy()
    other.data[...] = 7
    other.metadata.General.title = "other"
    other._exclude(0, "dim")
    assert moved.data.max() != 7
    assert moved.metadata.General.title != "other"
    assert not moved.excluded[0]


def test_copy_shares_pixels_but_neither_metadata_nor_axes(moved):
    other = moved.copy()
    assert np.shares_memory(other.data, moved.data)
    history.write(other, [])
    other.axes_manager["x"].scale = 9
    assert len(history.read(moved)) > 1
    assert moved.axes_manager["x"].scale != 9
    # The source is kept, so one more move is not one more resampling.
    assert history.read(moved.copy().isig[1:])[-1]["resampled"] == 1


def test_lazy_and_back(moved):
    lazy = moved.as_lazy()
    assert type(lazy) is LazyTomoStack
    assert_follows(lazy, moved)
    cut = lazy.isig[2:20, 3:]
    assert type(cut) is LazyTomoStack
    assert cut.data.dtype == np.float32
    lazy.compute(show_progressbar=False)
    assert type(lazy) is tomo.TomoStack
    assert_follows(lazy, moved)
    assert np.array_equal(lazy.data, moved.data)


def test_a_move_of_a_lazy_series_and_back_is_in_memory(series):
    lazy = series.as_lazy()
    there = lazy.tilt_align("manual", shift=0.5)
    back = there.tilt_align("manual", shift=-0.5)
    assert type(back) is tomo.TomoStack
    assert isinstance(back.data, np.ndarray)
    assert np.array_equal(back.data, series.data)


def test_estimators_say_that_they_need_a_lazy_series_in_memory(series, caplog):
    eager = series.stack_register("PC")
    lazy = series.as_lazy()
    result = lazy.stack_register("PC")
    assert np.array_equal(result.data, eager.data)
    assert isinstance(lazy, LazyTomoStack)
    assert "stack_register needs the whole stack in memory: 0 MB" in caplog.text


def test_filters_work_on_a_lazy_series(series):
    lazy = series.as_lazy().filter("median", size=3)
    assert np.array_equal(lazy.data, series.filter("median", size=3).data)


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda s: s.swap_axes(0, 1), (13, 24, 32)),
        (lambda s: s.transpose(navigation_axes=[1]), None),
        (lambda s: s.T, None),
        (lambda s: s.mean(), (24, 32)),
        (lambda s: s.max(), (24, 32)),
        (lambda s: s.sum("x"), (13, 24)),
        (lambda s: s.mean(axis=("x", "y")), (13,)),
        (lambda s: s.integrate1D(0), (24, 32)),
        (lambda s: s.diff(axis=0, order=1), (12, 24, 32)),
        (lambda s: s.get_current_signal(), (24, 32)),
        (lambda s: s.inav[3], (24, 32)),
        (lambda s: s.isig[::2, :], (13, 24, 16)),
        (lambda s: s.isig[5, :], (13, 24)),
    ],
)
def test_what_is_no_series_any_more_is_a_plain_signal(moved, change, shape):
    result = change(moved)
    assert type(result).__module__.startswith("hyperspy")
    assert isinstance(result, BaseSignal)
    assert not result.metadata.has_item("Tomography")
    assert not result.metadata.has_item("Tomojupyter")
    if shape:
        assert sorted(result.data.shape) == sorted(shape)
    assert isinstance(moved, tomo.TomoStack)


def test_sums_over_the_tilts_are_signal2d_with_the_right_values(moved):
    assert type(moved.max()) is Signal2D
    assert np.array_equal(moved.max().data, moved.data.max(axis=0))
    assert np.allclose(moved.sum().data, moved.data.sum(axis=0))
    out = Signal2D(np.zeros((24, 32), np.float32))
    moved.max(out=out)
    assert np.array_equal(out.data, moved.data.max(axis=0))


def test_current_image_is_that_of_the_indices(moved):
    moved.axes_manager.indices = (4,)
    assert np.array_equal(moved.get_current_signal().data, moved.data[4])


def test_single_images_are_views_and_record_nothing(moved):
    records = history.read(moved)
    image = moved.inav[3]
    assert type(image) is Signal2D
    assert np.shares_memory(image.data, moved.data)
    assert history.read(moved) == records


def test_decomposition_leaves_the_series_a_series(moved):
    pixels = moved.data.copy()
    moved.decomposition(output_dimension=2, print_info=False)
    assert isinstance(moved, tomo.TomoStack)
    assert np.array_equal(moved.data, pixels)
    assert moved.tilts.data.size == 13


def test_unfold_and_fold_come_back(moved):
    pixels = moved.data.copy()
    with moved.unfolded():
        assert moved.data.shape == (13, 24 * 32)
        with pytest.raises(DataError, match="it is no tilt series any more"):
            moved.filter("median")
    assert np.array_equal(moved.data, pixels)
    assert moved.filter("median").data.shape == pixels.shape


def test_stack_of_series_says_what_to_use_instead(series):
    with pytest.raises(DataError, match=r"tomo\.concatenate joins series"):
        hs.stack([series, series], show_progressbar=False)
    joined = hs.stack([series, series], axis=0, show_progressbar=False)
    sentence = (
        r"^26 projections but 13 tilts: hs\.stack keeps only the first signal's tilts; "
        r"use tomo\.concatenate\(\[a, b\]\), or enter them with set_tilts$"
    )
    with pytest.raises(TiltsError, match=sentence):
        _ = joined.tilts
    with pytest.raises(TiltsError, match=sentence):
        joined.filter("median")


def test_align2d_is_an_outside_edit(series, operations):
    series = series.isig[1:]
    moves = np.zeros((13, 2))
    moves[:, 0] = 3
    series.align2D(shifts=moves, fill_value=0.0, show_progressbar=False)
    assert isinstance(series, tomo.TomoStack)
    assert series.tilts.data.size == 13
    assert operations(series.filter("median"))[-2:] == ["external", "filter"]


def test_plain_hyperspy_signals_know_our_types(series):
    plain = Signal2D(series.data)
    plain.set_signal_type("TomoStack")
    assert "TomoStack" in type(plain).__name__
