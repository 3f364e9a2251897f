"""What a TomoStack, a RecStack and what belongs to each projection can be made of."""

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, TiltsError
from tomojupyter.signals.stack import LazyTomoStack
from tomojupyter.steps import history

TILTS = [-10.0, 0.0, 10.0]
PIXELS = np.arange(60, dtype="i2").reshape(3, 4, 5)


def test_printed_forms_are_the_papers():
    stack = tomo.TomoStack(np.zeros((77, 256, 256), "i1"), np.arange(77))
    assert str(stack) == "<TomoStack, title: , dimensions: (77|256, 256)>"
    assert str(stack.tilts) == "<TomoTilts, title: Image tilt values, dimensions: (77|1)>"
    assert str(stack.shifts) == "<TomoShifts, title: Image shift values, dimensions: (77|2)>"
    assert str(tomo.RecStack(np.zeros((4, 5, 6)))) == "<RecStack, title: , dimensions: (4|6, 5)>"


def test_an_array_is_taken_as_it_is_without_a_copy():
    stack = tomo.TomoStack(PIXELS, TILTS)
    assert np.shares_memory(stack.data, PIXELS)
    assert stack.data.dtype == np.int16
    assert stack.tilts.data.ravel().tolist() == TILTS
    assert [axis.name for axis in stack.axes_manager._axes] == ["Projections", "y", "x"]
    assert not stack.shifts.data.any()
    assert np.allclose(stack.transforms, np.eye(3))


@pytest.mark.parametrize("tilts", [TILTS, np.array(TILTS), tomo.TomoTilts(TILTS), (-10, 0, 10)])
def test_tilts_may_be_any_list(tilts):
    assert tomo.TomoStack(PIXELS.tolist(), tilts).tilts.data.ravel().tolist() == TILTS


def test_without_tilts_they_are_zero():
    assert not tomo.TomoStack(PIXELS).tilts.data.any()


def test_given_shifts_are_kept():
    shifts = [[0.5, -1], [0, 0], [2, 3]]
    stack = tomo.TomoStack(PIXELS, TILTS, shifts=shifts)
    assert np.allclose(stack.shifts.data, shifts)
    assert stack.transforms[2, :2, 2].tolist() == [3, 2]


def calibrated(signal):
    for axis in signal.axes_manager.signal_axes:
        axis.scale, axis.offset, axis.units = 0.5, 2.0, "nm"
    signal.metadata.General.title = "maps"
    return signal


@pytest.mark.parametrize(
    "signal",
    [
        calibrated(hs.signals.Signal2D(PIXELS.astype(float))),
        calibrated(hs.signals.Signal2D(PIXELS.astype(float))).as_lazy(),
        # No axis navigates, as in what hs.load makes of an image file.
        calibrated(hs.signals.BaseSignal(PIXELS.astype(float))),
    ],
    ids=["signal2d", "lazy", "base"],
)
def test_a_signal_is_copied_with_its_calibration_and_left_alone(signal):
    before = signal.deepcopy()
    kind = type(signal)
    stack = tomo.TomoStack(signal, TILTS)
    assert isinstance(stack, LazyTomoStack if signal._lazy else tomo.TomoStack)
    assert stack.metadata.General.title == "maps"
    assert stack.axes_manager._axes[0].name == "Projections"
    assert np.array_equal(np.asarray(stack.data), PIXELS)
    for axis in stack.axes_manager.signal_axes:
        assert (axis.scale, axis.offset, axis.units) == (0.5, 2.0, "nm")
    if not stack._lazy:
        stack.data[...] = -1
    stack.axes_manager._axes[1].name = "other"
    assert type(signal) is kind
    assert np.array_equal(np.asarray(signal.data), np.asarray(before.data))
    assert signal.metadata.as_dictionary() == before.metadata.as_dictionary()
    assert signal.axes_manager._get_axes_dicts() == before.axes_manager._get_axes_dicts()


def test_loadings_of_a_decomposition_become_series():
    rng = np.random.default_rng(0)
    spectra = hs.signals.Signal1D(rng.random((3, 4, 5, 8)))
    spectra.decomposition(output_dimension=2, print_info=False)
    loadings = spectra.get_decomposition_loadings()
    stack = tomo.TomoStack(loadings.inav[0], TILTS)
    assert str(stack).endswith("(3|5, 4)>")
    assert np.array_equal(stack.data, loadings.inav[0].data)


def test_a_dask_array_stays_lazy():
    stack = tomo.TomoStack(da.from_array(PIXELS), TILTS)
    assert type(stack) is LazyTomoStack
    assert np.array_equal(stack.data.compute(), PIXELS)


def test_a_series_made_of_a_series_keeps_its_history(series):
    made = series.filter("median")
    again = tomo.TomoStack(made)
    assert np.array_equal(again.tilts.data, made.tilts.data)
    assert history.read(again) == history.read(made)
    assert np.allclose(again.transforms, made.transforms)


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (np.zeros((4, 5)), r"float64 of shape \(4, 5\)"),
        (np.zeros((3, 4, 5), complex), r"complex128 of shape \(3, 4, 5\)"),
        (np.zeros((2, 3, 4, 5)), r"float64 of shape \(2, 3, 4, 5\)"),
        (hs.signals.Signal1D(np.zeros((4, 5))), r"float64 of shape \(4, 5\)"),
        (["a", "b"], r"<U1 of shape \(2,\)"),
    ],
)
def test_what_is_no_series_is_refused(data, got):
    with pytest.raises(DataError, match=rf"axes \(tilt, y, x\) and real numbers; got {got}"):
        tomo.TomoStack(data)


def test_wrong_numbers_of_tilts_and_shifts_are_refused():
    with pytest.raises(TiltsError, match=r"^3 projections but 2 tilts: give one tilt angle a proj"):
        tomo.TomoStack(PIXELS, [0, 1])
    with pytest.raises(TiltsError, match="tilts must be numbers in degrees, got"):
        tomo.TomoStack(PIXELS, ["a", "b", "c"])
    with pytest.raises(DataError, match=r"TomoShifts holds 2 numbers .* shape \(3,\)"):
        tomo.TomoStack(PIXELS, TILTS, shifts=[1, 2, 3])
    with pytest.raises(DataError, match=r"^3 projections but 2 shifts: give one \(y, x\)"):
        tomo.TomoStack(PIXELS, TILTS, shifts=[[1, 2], [3, 4]])


def test_a_volume_needs_three_axes():
    with pytest.raises(DataError, match=r"axes \(x, z, y\); got an array of shape \(4, 5\)"):
        tomo.RecStack(np.zeros((4, 5)))
    volume = tomo.RecStack(np.zeros((4, 5, 6)))
    assert [axis.name for axis in volume.axes_manager._axes] == ["x", "z", "y"]


def test_uniform_tilts_stand_on_the_navigation_axis():
    axis = tomo.TomoStack(PIXELS, TILTS).axes_manager[0]
    assert (axis.scale, axis.offset, axis.units) == (10, -10, "degrees")
    uneven = tomo.TomoStack(PIXELS, [-10, 0, 3]).axes_manager[0]
    assert (uneven.scale, uneven.offset) == (1, 0)


def test_tilts_can_be_assigned_and_are_recorded(series, operations):
    angles = np.linspace(-30, 30, 13)
    series.tilts = angles
    assert np.allclose(series.tilts.data.ravel(), angles)
    assert operations(series)[-1] == "set_tilts"
    with pytest.raises(TiltsError, match="all tilts are 0°"):
        series.tilts = np.zeros(13)
    assert np.allclose(series.tilts.data.ravel(), angles)
