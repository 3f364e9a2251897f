"""Slicing is a recorded operation, by index, by position and by true tilt."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.steps import history

SHUFFLED = [0, 3, -3, 6, -6, 9, -9.5]


@pytest.fixture
def dose_symmetric():
    pixels = np.arange(7 * 6 * 8, dtype=float).reshape(7, 6, 8)
    return tomo.TomoStack(pixels, SHUFFLED)


def last(signal):
    return history.read(signal)[-1]


def test_isig_is_a_recorded_crop(series):
    pixels = series.data.copy()
    cut = series.isig[5:-10, 10:-5]
    assert isinstance(cut, tomo.TomoStack)
    assert np.array_equal(cut.data, pixels[:, 10:-5, 5:-10])
    assert (last(cut)["operation"], last(cut)["method"]) == ("trim", "crop")
    assert last(cut)["resolved"] == {"left": 5, "right": 22, "top": 10, "bottom": 19}
    assert cut.metadata.Tomography.cropped is True
    x, y = cut.axes_manager.signal_axes
    before = series.axes_manager.signal_axes
    assert x.offset == pytest.approx(before[0].offset + 5 * x.scale)
    assert y.offset == pytest.approx(before[1].offset + 10 * y.scale)
    assert x.scale == before[0].scale


def test_isig_takes_calibrated_positions(series):
    x, y = series.axes_manager.signal_axes
    cut = series.isig[x.index2value(3) : x.index2value(9), y.index2value(2) :]
    assert np.array_equal(cut.data, series.data[:, 2:, 3:9])


def test_inav_is_a_recorded_selection(series):
    cut = series.inav[2:-3]
    assert np.array_equal(cut.data, series.data[2:-3])
    assert np.array_equal(cut.tilts.data, series.tilts.data[2:-3])
    assert last(cut)["resolved"] == {"projections": list(range(2, 10))}
    assert cut.axes_manager[0].offset == -40
    uneven = series.inav[::3]
    assert uneven.tilts.data.ravel().tolist() == [-60, -30, 0, 30, 60]


def test_reversed_order_is_kept(series):
    back = series.inav[::-1]
    assert np.array_equal(back.data, series.data[::-1])
    assert np.array_equal(back.tilts.data, series.tilts.data[::-1])


@pytest.mark.parametrize(
    ("cut", "tilts"),
    [
        (slice(0.0, 6.5), [0, 3, 6]),
        (slice(-3.0, 3.0), [0, -3]),
        (slice(None, -3.0), [-6, -9.5]),
        (slice(3.0, None), [3, 6, 9]),
    ],
)
def test_floats_select_by_the_true_tilt_in_file_order(dose_symmetric, cut, tilts):
    chosen = dose_symmetric.inav[cut]
    assert chosen.tilts.data.ravel().tolist() == tilts
    index = [SHUFFLED.index(t) for t in tilts]
    assert np.array_equal(chosen.data, dose_symmetric.data[index])


def test_a_float_is_the_nearest_true_tilt(dose_symmetric):
    assert np.array_equal(dose_symmetric.inav[-9.2].data, dose_symmetric.data[6])


def test_selections_of_nothing_say_what_there_is(dose_symmetric):
    with pytest.raises(IndexError, match=r"there are 7, and their tilts lie between -9\.5° and 9°"):
        dose_symmetric.inav[30.0:40.0]
    with pytest.raises(IndexError, match="no projection is selected"):
        dose_symmetric.inav[5:5]
    with pytest.raises(IndexError, match=r"8 columns \(x\) and 6 rows \(y\)"):
        dose_symmetric.isig[:, 4:4]
    with pytest.raises(IndexError, match="a slice by tilt has no step"):
        dose_symmetric.inav[0.0:5.0:2]


def test_whole_slices_record_nothing_but_give_a_new_signal(series):
    same = series.inav[:]
    assert same is not series
    assert not np.shares_memory(same.data, series.data)
    assert history.read(same) == history.read(series)


@pytest.mark.parametrize(
    ("axis", "where", "cut"),
    [("x", (slice(None), slice(None), slice(3, 20)), (3, 20)),
     ("y", (slice(None), slice(4, 24), slice(None)), (4, None)),
     (0, (slice(2, 9), slice(None), slice(None)), (2, 9))],
)  # fmt: skip
def test_crop_in_place_follows_and_records(series, axis, where, cut):
    pixels = series.data.copy()
    records = len(history.read(series))
    series.crop(axis, *cut)
    assert np.array_equal(series.data, pixels[where])
    assert len(history.read(series)) == records + 1
    assert len(series.tilts.data) == len(series.data)
    assert series.transforms.shape == (len(series.data), 3, 3)
    # The uncropped pixels stay the source.
    assert series.source.shape[1:] == (24, 32)


def test_crop_signal_crops_both_axes(series):
    pixels = series.data.copy()
    series.crop_signal(2, 20, 3, 30)
    assert np.array_equal(series.data, pixels[:, 2:20, 3:30])


def test_crop_can_convert_units(series):
    series.axes_manager["x"].scale = 2e4
    series.crop("x", 0, 10, convert_units=True)
    assert series.axes_manager["x"].units != "nm"


def test_split_keeps_tilts_and_pixels(series):
    parts = series.split(0, 4)
    assert [len(p.tilts.data) for p in parts] == [3, 3, 3, 3]
    assert np.array_equal(parts[2].tilts.data, series.tilts.data[6:9])
    sizes = series.split("Projections", step_sizes=[5, 8])
    assert [p.data.shape[0] for p in sizes] == [5, 8]
    assert [len(p.data) for p in series.split("auto", step_sizes=6)] == [6, 6]
    left, right = series.split("x", 2)
    assert np.array_equal(right.data, series.data[:, :, 16:])
    assert np.array_equal(left.tilts.data, series.tilts.data)
    bottom = series.split("y", 2)[1]
    assert np.array_equal(bottom.data, series.data[:, 12:])
    images = series.split()
    assert len(images) == 13
    assert type(images[0]).__name__ == "Signal2D"


def test_rebin_sums_as_hyperspy_does_and_keeps_the_tilts(series):
    binned = series.rebin(scale=(1, 2, 3))
    plain = series._plain().rebin(scale=(1, 2, 3))
    assert np.allclose(binned.data, plain.data, rtol=1e-5)
    assert np.array_equal(binned.tilts.data, series.tilts.data)
    for ours, theirs in zip(binned.axes_manager._axes, plain.axes_manager._axes, strict=True):
        assert ours.scale == pytest.approx(theirs.scale)
        assert ours.offset == pytest.approx(theirs.offset)
    assert last(binned)["resolved"] == {"factor_y": 3, "factor_x": 2}
    assert np.array_equal(series.rebin(new_shape=(13, 16, 8)).data, binned.data)


def test_rebin_cannot_overflow():
    stack = tomo.TomoStack(np.full((2, 4, 4), 30000, "i2"), [0, 1])
    assert (stack.rebin(scale=(1, 2, 2)).data == 120000).all()
    assert (stack.bin(2).data == 30000).all()


def test_rebin_to_parts_of_pixels_is_hyperspys_and_confessed(series, operations):
    odd = series.rebin(scale=(1, 1.5, 1.5))
    assert isinstance(odd, tomo.TomoStack)
    assert np.allclose(odd.data, series._plain().rebin(scale=(1, 1.5, 1.5)).data)
    assert operations(odd.filter("median"))[-2:] == ["external", "filter"]
    out = odd._plain()
    series.rebin(scale=(1, 1.5, 1.5), out=out)
    assert np.allclose(out.data, odd.data)


def test_rebin_over_tilts_is_an_error(series):
    with pytest.raises(DataError, match=r"rebin would add up 2 projections of different tilts"):
        series.rebin(scale=(2, 1, 1))


def test_remove_projections_takes_lists_arrays_and_zero(series):
    for chosen in ([2, -1], np.array([2, 12])):
        less = series.remove_projections(chosen)
        assert np.array_equal(less.data, np.delete(series.data, [2, 12], axis=0))
        assert np.array_equal(less.tilts.data, np.delete(series.tilts.data, [2, 12], axis=0))
    assert len(series.remove_projections(0).data) == 12


@pytest.mark.parametrize(
    ("projections", "sentence"),
    [
        ([5, 5], "projection 5 was named more than once"),
        ([5, -8], "projection 5 was named more than once"),
        ([13], "there is no projection 13: they count from 0 to 12"),
        ([1.5], r"projections must be whole numbers, but #0 is 1\.5"),
        ([float("nan")], "projections must be whole numbers, but #0 is nan"),
        ([], "projections must name at least one projection, got an empty list"),
        (None, "projections must name at least one projection, got an empty list"),
        (range(13), "all 13 projections would be left out: keep some"),
    ],
)
def test_wrong_projections_are_sentences(series, projections, sentence):
    with pytest.raises(ParameterError, match=sentence):
        series.remove_projections(projections)


def test_excluded_projections_keep_their_reasons_through_a_selection(series):
    series._exclude(4, "blank")
    series._exclude(7, "dim")
    rest = series.remove_projections([4, 5])
    assert np.flatnonzero(rest.excluded).tolist() == [5]
    assert rest.excluded_reason[5] == "dim"


def test_concatenate_joins_everything_of_the_projections(series):
    series._exclude(1, "blank")
    first, second = series.inav[:5], series.inav[5:]
    joined = tomo.concatenate([first, second])
    assert np.array_equal(joined.data, series.data)
    assert np.array_equal(joined.tilts.data, series.tilts.data)
    assert np.array_equal(joined.nominal_tilts, series.nominal_tilts)
    assert joined.excluded_reason == series.excluded_reason
    assert joined.axes_manager["x"].scale == series.axes_manager["x"].scale
    assert joined.axes_manager["x"].units == "nm"
    assert history.read(joined) == []
    assert history.read(joined.filter("median"))[0]["operation"] == "source"


def test_concatenate_refuses_what_does_not_fit(series):
    with pytest.raises(DataError, match="at least one stack, got none"):
        tomo.concatenate([])
    with pytest.raises(DataError, match=r"differ in size \(31 x 24 px and 32 x 24 px\)"):
        tomo.concatenate([series, series.isig[1:]])
    with pytest.raises(DataError, match="joins TomoStacks, got a Signal2D"):
        tomo.concatenate([series, series._plain()])
    with pytest.raises(DataError, match=r"differ along x: 3\.125 nm and 5 nm; correct one"):
        tomo.concatenate([series, series.set_scale(size=5)])


def test_sinogram_by_index_and_by_position(series):
    sinogram = series.extract_sinogram(10)
    assert np.array_equal(sinogram.data, series.data[:, :, 10])
    assert type(sinogram).__name__ == "Signal2D"
    axis = series.axes_manager["x"]
    assert np.array_equal(series.extract_sinogram(axis.index2value(10)).data, sinogram.data)
    assert np.array_equal(series.extract_sinogram(np.float32(axis.scale * 10)).data, sinogram.data)
    assert np.array_equal(series.extract_sinogram(-1).data, series.data[:, :, 31])
    assert sinogram.metadata.General.title == "Sinogram at column 10"


def test_sinogram_of_no_column_is_a_sentence(series):
    with pytest.raises(DataError, match="column must be from 0 to 31, got 32"):
        series.extract_sinogram(32)
    with pytest.raises(DataError, match=r"column must be from 0 to 96\.875 nm, got 500"):
        series.extract_sinogram(500.0)
    with pytest.raises(DataError, match="an index or a position, got 'a'"):
        series.extract_sinogram("a")
