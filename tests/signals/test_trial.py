"""A few slices to see whether a series is aligned."""

import inspect

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, TiltsError
from tomojupyter.steps import history

ETSPY = {
    "tilt_shift": 0.0, "tilt_rotation": 0.0, "slices": None, "thickness": None, "method": "FBP",
    "iterations": 50, "constrain": True, "cuda": None, "thresh": 0, "vmin_std": 0.1,
    "vmax_std": 10,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("agg")
    yield
    plt.close("all")


def images_of(figure):
    return [np.asarray(place.images[0].get_array()) for place in figure.axes]


def test_signature_is_that_of_etspy():
    found = inspect.signature(tomo.TomoStack.test_align).parameters
    assert {k: p.default for k, p in list(found.items())[1:]} == ETSPY


def test_three_slices_at_the_quarters_are_those_of_the_reconstruction(series):
    figure = series.test_align()
    assert [place.get_title() for place in figure.axes] == ["Slice 8", "Slice 16", "Slice 24"]
    volume = series.reconstruct("FBP", show_progressbar=False).data
    for image, column in zip(images_of(figure), (8, 16, 24), strict=True):
        np.testing.assert_allclose(image, np.maximum(volume[column], 0), atol=1e-5)


@pytest.mark.parametrize("slices", [[5], [0, 3, -1, 10], np.array([31, 2])])
def test_any_number_of_slices(series, slices):
    figure = series.test_align(slices=slices, constrain=False)
    volume = series.reconstruct("FBP", show_progressbar=False).data
    for image, column in zip(images_of(figure), slices, strict=True):
        np.testing.assert_allclose(image, volume[column], atol=1e-5)


def test_shift_and_rotation_are_those_of_the_manual_alignment(series):
    before = history.read(series)
    figure = series.test_align(1.5, -2.0, [12], method="SIRT", iterations=4, thickness=20)
    assert history.read(series) == before
    aligned = series.tilt_align("manual", shift=1.5, angle=-2.0)
    volume = aligned.reconstruct(
        "SIRT", 4, constrain=True, thickness=20, show_progressbar=False
    ).data
    assert volume.shape[1] == 20
    np.testing.assert_allclose(images_of(figure)[0], volume[12], atol=1e-5)


@pytest.mark.parametrize("slices", [[32], [-33], [1.5], []])
def test_a_column_that_is_not_there_is_a_sentence(series, slices):
    with pytest.raises(DataError, match="slices are columns from 0 to 31, got"):
        series.test_align(slices=slices)


def test_tilts_are_needed(series):
    with pytest.raises(TiltsError):
        tomo.TomoStack(series.data).test_align()
