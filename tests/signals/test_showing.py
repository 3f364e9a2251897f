"""Pictures of a series and of a volume, and files of bare pixels."""

import hyperspy.api as hs
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.steps import history


@pytest.fixture(autouse=True)
def _pictures():
    mpl.use("agg")
    yield
    plt.close("all")


def shown(signal):
    """The array that HyperSpy draws of a signal."""
    return signal._plot.signal_plot.ax.images[0].get_array()


def test_a_series_and_a_volume_are_plotted_with_a_slider(series, capsys):
    series.plot()
    assert series._plot.navigator_plot is None
    assert np.array_equal(shown(series), series.data[0])
    series.axes_manager.indices = (5,)
    assert np.array_equal(shown(series), series.data[5])
    volume = series.reconstruct(show_progressbar=False)
    volume.plot()
    volume.axes_manager.indices = (7,)
    assert np.array_equal(shown(volume), volume.data[7])
    series.plot("auto")
    assert series._plot.navigator_plot is not None
    # Outside of a notebook the slider is printed, by HyperSpy.
    assert "IntSlider" in capsys.readouterr().out


def test_sinograms_are_plotted_column_by_column(series, monkeypatch):
    drawn = []
    monkeypatch.setattr(hs.signals.Signal2D, "plot", lambda s, **k: drawn.append((s, k)))
    series.plot_sinos(cmap="viridis")
    (sinograms, keywords), *rest = drawn
    assert rest == []
    assert keywords == {"navigator": "slider", "cmap": "viridis"}
    assert sinograms.data.shape == (32, 13, 24)
    assert np.array_equal(sinograms.inav[12].data, series.extract_sinogram(12).data)


def test_the_correlation_of_two_projections_is_drawn(series):
    image = series.data[3]
    series.data[5] = np.roll(image, (4, -2), axis=(0, 1))
    figure = series.test_correlation([3, 5])
    assert [place.get_title() for place in figure.axes] == [
        "Reference image", "Offset image", "Cross-correlation: -4, 2 px",
    ]  # fmt: skip
    assert np.array_equal(figure.axes[0].images[0].get_array(), image)
    first = series.test_correlation().axes
    assert np.array_equal(first[0].images[0].get_array(), series.data[0])
    assert np.array_equal(first[1].images[0].get_array(), series.data[1])


@pytest.mark.parametrize("images", [[1], [0, 13], [0, 1, 2]])
def test_a_correlation_of_other_than_two_projections_is_refused(series, images):
    with pytest.raises(ParameterError, match="two projections from 0 to 12, got"):
        series.test_correlation(images)


def test_bare_pixels_are_written_under_etspys_name(series, tmp_path):
    counts = tomo.TomoStack(np.arange(60, dtype="u2").reshape(3, 4, 5), [0, 1, 2])
    volume = series.reconstruct(show_progressbar=False)
    for signal, name in ((counts, "bare_3x4x5_uint16.rpl"), (volume, "bare_32x24x24_float32.rpl")):
        path = signal.save_raw(tmp_path / "bare")
        assert path == tmp_path / name
        pixels = np.fromfile(path.with_suffix(".raw"), signal.data.dtype)
        assert np.array_equal(pixels.reshape(signal.data.shape), signal.data)
    counts.metadata.General.title = str(tmp_path / "titled")
    assert counts.save_raw() == tmp_path / "titled_3x4x5_uint16.rpl"


def test_pixels_of_another_type_are_not_written_as_bare_ones(tmp_path):
    counts = tomo.TomoStack(np.zeros((3, 4, 5), "i2"), [0, 1, 2])
    with pytest.raises(DataError, match="not int16: change_data_type"):
        counts.save_raw(tmp_path / "bare")
    assert list(tmp_path.iterdir()) == []


def test_change_data_type_works_in_place(series):
    series.change_data_type("float64")
    assert series.data.dtype == np.float64
    assert isinstance(series, tomo.TomoStack)
    assert series.tilts.data.size == 13
    volume = tomo.RecStack(np.zeros((3, 4, 5), "f4"))
    volume.change_data_type("uint8")
    assert volume.data.dtype == np.uint8


def test_invert_mirrors_the_whole_series_at_one_level(series):
    ends = series.data.min(), series.data.max()
    inverted = series.invert()
    assert np.allclose(inverted.data, ends[0] + ends[1] - series.data, atol=1e-5)
    assert (inverted.data.min(), inverted.data.max()) == pytest.approx(ends, abs=1e-5)
    record = history.read(inverted)[-1]
    assert record["method"] == "invert"
    assert record["resolved"]["level"] == pytest.approx(sum(ends) / 2)
    assert np.allclose(inverted.invert().data, series.data, atol=1e-5)
    unsigned = tomo.TomoStack(np.array([[[0, 200]], [[50, 255]]], "u1"), [0, 1])
    assert unsigned.invert().data.tolist() == [[[255, 55]], [[205, 0]]]
    unsigned.data = np.array([[[np.nan, 1.0]], [[np.inf, 3.0]]], "f4")
    assert unsigned.normalise("invert").data[1, 0, 1] == 1


def test_the_method_may_be_left_out_before_a_number(series):
    entered = series.set_tilts(-76, 2)
    assert entered.tilts.data.ravel().tolist() == list(range(-76, -50, 2))
    assert history.read(entered)[-1]["resolved"] == {"start": -76.0, "increment": 2.0}
    again = series.set_tilts(start=-76, increment=2)
    assert np.array_equal(again.tilts.data, entered.tilts.data)
    assert np.array_equal(series.filter(3).data, series.filter("median", 3).data)


def test_align_other_takes_cuda_and_refuses_what_is_not_there(series, monkeypatch):
    monkeypatch.setattr("tomojupyter.steps.stack_register.cuda_available", lambda: False)
    assert np.array_equal(series.align_other(series, "interp", False).data, series.data)
    with pytest.raises(ParameterError, match="no CUDA device"):
        series.align_other(series, cuda=True)
