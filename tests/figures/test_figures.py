"""Figures show what they say: curves with the right numbers, slices the right way round."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter import figures
from tomojupyter.errors import DataError
from tomojupyter.figures.style import grey_levels, nice_length
from tomojupyter.steps import history


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def volume():
    data = np.zeros((4, 6, 8), "f4")  # x, z, y
    data[1, 2, 3] = 1
    made = tomo.RecStack(data)
    made.data[2, 3, 4] = 5  # in all three middle slices
    for axis in made.axes_manager._axes:
        axis.scale, axis.units = 0.5, "nm"
    return made


def test_slices_are_the_middle_ones_the_right_way_round(volume):
    volume.data[2, 1, 6] = 7
    figure = figures.slices(volume)
    x, z, y = (np.asarray(place.images[0].get_array()) for place in figure.axes)
    assert np.array_equal(x, volume.data[2])
    assert np.array_equal(z, volume.data[:, 3].T)
    assert np.array_equal(y, volume.data[:, :, 4].T)
    assert figure.axes[0].get_title() == "x = 2 px  (y →, z ↓)"
    assert figure.axes[0].texts[0].get_text() == "1 nm"
    # The bar is as long as it says: 1 nm are 2 px.
    assert np.ptp(figure.axes[0].lines[0].get_xdata()) == 2


def test_scale_bars_have_round_lengths_of_at_most_a_quarter():
    assert [nice_length(w) for w in (4, 8, 20, 100, 0.3, 1e6)] == [1, 2, 5, 20, 0.05, 2e5]


def test_convergence_is_in_per_cent_of_the_series(series):
    volume = series.reconstruct("SIRT", 4, show_progressbar=False)
    line = figures.convergence({"SIRT": volume}).axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2, 3, 4]
    scalars = history.read(volume)[-1]["scalars"]
    assert line.get_ydata()[-1] == pytest.approx(scalars["residual_percent"])
    assert line.get_ydata()[0] / line.get_ydata()[-1] == pytest.approx(
        scalars["residuals"][0] / scalars["residuals"][-1]
    )
    assert figures.convergence({"FBP": series.reconstruct("FBP", show_progressbar=False)}) is None


def test_shifts_are_those_applied_in_the_order_of_the_tilts(series):
    moved = tomo.TomoStack(
        series.data[::-1], series.tilts.data.ravel()[::-1],
        np.stack([np.arange(13.0), np.zeros(13)], axis=1),
    )  # fmt: skip
    line = figures.shifts({"a": moved}).axes[0].lines[0]
    assert line.get_xdata()[0] == -60
    assert line.get_ydata().tolist() == (12 - np.arange(13.0) - 6).tolist()


def test_sinograms_and_galleries_share_out_their_places(series, volume):
    figure = figures.sinograms({str(i): series for i in range(6)}, column=5)
    assert len([place for place in figure.axes if place.images]) == 6
    image = np.asarray(figure.axes[0].images[0].get_array())
    assert np.array_equal(image, series.data[:, :, 5])
    figure = figures.gallery({"a": volume, "b": volume}, index=1)
    assert np.array_equal(figure.axes[1].images[0].get_array(), volume.data[1])
    with pytest.raises(DataError, match="nothing to draw"):
        figures.gallery({})


def test_levels_mark_what_is_to_be_looked_at(series):
    series.data[4] = 0
    place = figures.levels(series).axes[0]
    assert place.lines[1].get_xdata().tolist() == [-20]


def test_a_sweep_has_a_line_for_each_method_that_was_swept():
    rows = [{"method": "SIRT", "iterations": i, "residual (%)": 100 / i} for i in (4, 1, 2)]
    rows += [{"method": "FBP", "residual (%)": None}, {"method": "TV", "weight": 0.1}]
    (line,) = figures.sweep(rows, "iterations").axes[0].lines
    assert line.get_xdata().tolist() == [1, 2, 4]
    assert line.get_ydata().tolist() == [100, 50, 25]
    assert figures.sweep(rows, "weight") is None


def test_tables_say_what_is_known(series):
    text = figures.facts(series)
    assert "| size | 13 x 24 x 32 px, float32 |" in text
    assert "| tilts | -60.0° to 60.0°, 13 projections |" in text
    assert (
        figures.records(series.filter("median")).count("\n") == len(history.read(series)) + 2
    )  # the head, and one step more
    assert figures.table([{"a": "x|y"}]).endswith("| x\\|y |")


def test_grey_levels_pass_over_what_is_not_finite():
    assert grey_levels([np.full((2, 2), np.nan)]) == (0, 1)
    low, high = grey_levels([np.ones((2, 2))])
    assert (low, high) == (1, 2)
