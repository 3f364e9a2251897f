"""set_axis: quarter turns copy pixels, the rest rotates, a second one replaces the first."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import history

PIXELS = np.arange(3 * 4 * 6, dtype="i2").reshape(3, 4, 6)


@pytest.fixture
def counts():
    stack = tomo.TomoStack(PIXELS.copy(), [-5, 0, 5])
    y, x = stack.axes_manager._axes[1:]
    y.scale, x.scale, y.units, x.units = 2.0, 3.0, "nm", "nm"
    return stack


def test_an_axis_along_y_is_turned_to_x_exactly(counts):
    turned = counts.set_axis(angle=0)
    # The first column of the file, the line x = 0 along y, is the last row: y turns to x.
    assert np.array_equal(turned.data, PIXELS.swapaxes(1, 2)[:, ::-1])
    assert turned.data.dtype == np.int16
    assert turned.metadata.Tomography.tiltaxis == 0
    assert not turned.metadata.Tomography.cropped
    assert turned.transforms[0] == pytest.approx(np.array([[0, 1, 0], [-1, 0, 5], [0, 0, 1]]))
    assert np.array_equal(turned.transforms, turned.source_transforms)
    assert turned.covered().all()
    y, x = turned.axes_manager._axes[1:]
    assert (y.name, y.size, y.scale, y.offset) == ("y", 6, 3.0, 0.0)
    assert (x.name, x.size, x.scale, x.offset) == ("x", 4, 2.0, 0.0)
    last = history.read(turned)[-1]
    assert (last["resolved"], last["resampled"]) == ({"angle": 0.0}, 0)


def test_where_things_are_is_kept_by_a_turn(counts):
    for axis in counts.axes_manager._axes[1:]:
        axis.offset = 10.0
    turned = counts.set_axis(angle=0)
    y, x = turned.axes_manager._axes[1:]
    # A pixel keeps its distance from the origin: (x, y) became (y, -x).
    assert (x.offset, y.offset) == (10.0, -(10.0 + 5 * 3.0))


def test_axes_along_x_change_nothing(counts):
    for angle in (-90, 90, 270, None):
        same = counts.set_axis(angle=angle)
        assert np.array_equal(same.data, PIXELS)
        assert np.array_equal(same.transforms, counts.transforms)


def test_the_rest_goes_to_tiltaxis(series):
    turned = series.set_axis(angle=6.0)
    assert turned.metadata.Tomography.tiltaxis == pytest.approx(-6)
    by_hand = tomo.TomoStack(
        np.array(series.data.swapaxes(1, 2)[:, ::-1]), series.tilts.data.ravel()
    ).tilt_align("manual", angle=-6.0)
    assert np.allclose(turned.data, by_hand.data, atol=1e-4)
    assert history.read(turned)[-1]["resampled"] == 1


def test_a_second_angle_replaces_the_first(series):
    once = series.set_axis(angle=6.0)
    for again in (once.set_axis(angle=6.0), series.set_axis(angle=-40).set_axis(angle=6.0)):
        assert np.allclose(again.transforms, once.transforms, rtol=0, atol=1e-9)
        assert again.data.shape == once.data.shape
    back = once.set_axis(angle=90)
    assert np.allclose(back.transforms, series.transforms, rtol=0, atol=1e-9)


def test_work_goes_on_after_a_turn_and_comes_back_from_a_file(series, tmp_path):
    aligned = series.set_axis(angle=0).stack_register("PC").isig[2:-1, 1:]
    aligned.save(tmp_path / "a.hspy")
    back = tomo.load(tmp_path / "a.hspy")
    assert np.allclose(back.transforms, aligned.transforms, rtol=0, atol=1e-12)
    assert np.array_equal(back.covered(), aligned.covered())
    assert back.set_axis(angle=0).transforms == pytest.approx(aligned.transforms)
    # Registration of the turned series is that of the series, with x and y exchanged.
    plain = series.stack_register("PC")
    shifts = aligned.shifts.data
    assert np.allclose(shifts[:, 1], plain.shifts.data[:, 0], atol=0.2)
    # The fixture is itself a crop, so its first record is one.
    replayed = tomo.Recipe(tomo.Recipe.of(aligned).entries[1:]).run(series)
    assert np.allclose(replayed.data, aligned.data, atol=1e-5)


def test_the_alignment_of_a_turned_series_goes_to_one_that_is_not(series):
    aligned = series.set_axis(angle=0).tilt_align("manual", shift=1.5, angle=2)
    for other in (series, series.set_axis(angle=0)):
        assert np.allclose(aligned.align_other(other).data, aligned.data, atol=1e-4)
    coarse = aligned.align_other(series.bin(2))
    assert coarse.data.shape == (len(aligned.data), *(n // 2 for n in aligned.data.shape[1:]))
    difference = coarse.data - aligned.bin(2).data
    assert np.sqrt(np.mean(difference**2)) < 0.05 * aligned.data.max()
    back = series.tilt_align("manual", shift=1.5, angle=2).align_other(series.set_axis(angle=0))
    assert back.data.shape == series.data.shape
