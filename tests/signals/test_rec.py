"""A volume: its axes, its calibration, what HyperSpy does to it, its slices."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.signals.rec import LazyRecStack
from tomojupyter.steps import history


@pytest.fixture(scope="module")
def made_volume(made_series):
    cut = made_series.isig[2:]
    cut.axes_manager["y"].offset = 7.5
    return cut.reconstruct("FBP", thickness=17, show_progressbar=False)


@pytest.fixture
def volume(made_volume):
    return made_volume.deepcopy()


def test_axes_are_x_z_y_with_a_z_of_its_own(volume):
    x, z, y = volume.axes_manager._axes
    assert [a.name for a in (x, z, y)] == ["x", "z", "y"]
    assert volume.data.shape == (30, 17, 24)
    assert z.scale == y.scale == x.scale == pytest.approx(3.125)
    assert (z.offset, y.offset) == (0, 7.5)
    assert x.offset == pytest.approx(2 * 3.125)
    assert z.units == "nm"
    assert str(volume).endswith("dimensions: (30|24, 17)>")


def test_metadata_of_the_series_comes_along(volume):
    assert volume.metadata.Tomography.tilts.data.shape == (13, 1)
    assert volume.metadata.General.title == "Simulated catalyst"
    assert volume.original_metadata.has_item("Tomojupyter.truth")
    assert history.read(volume)[-1]["operation"] == "reconstruct"


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.deepcopy(),
        lambda v: v.copy(),
        lambda v: v * 2,
        lambda v: v.as_lazy(),
        lambda v: v.isig[2:, 3:],
        lambda v: v.inav[4:],
        lambda v: v.map(np.abs, inplace=False, show_progressbar=False),
        lambda v: v.rebin(scale=(2, 1, 1)),
    ],
)
def test_hyperspys_operations_keep_it_a_volume(volume, change):
    result = change(volume)
    assert isinstance(result, tomo.RecStack)
    assert history.read(result) == history.read(volume)


def test_a_volume_becomes_lazy_and_comes_back(volume):
    lazy = volume.as_lazy()
    assert type(lazy) is LazyRecStack
    figure = lazy.plot_slices(return_fig=True)
    lazy.compute(show_progressbar=False)
    assert type(lazy) is tomo.RecStack
    plt.close(figure)


def test_lazy_volumes_are_segmented_and_turned_in_memory(volume):
    lazy = volume.as_lazy()
    assert np.array_equal(lazy.segment("otsu").data, volume.segment("otsu").data)
    assert np.array_equal(lazy.rotate_volume([5, 0, 0]).data, volume.rotate_volume([5, 0, 0]).data)
    assert lazy._lazy


def test_turned_volumes_are_plain(volume):
    assert type(volume.max(axis=("y", "z"))).__name__ == "BaseSignal"
    assert isinstance(volume.data[volume.data > 0], np.ndarray)


def test_slices_show_what_they_say(volume):
    mpl.use("agg")
    figure = volume.plot_slices(xslice=3, yslice=5, zslice=8, return_fig=True, cmap="viridis")
    by_title = {axes.get_title(): axes for axes in figure.axes}
    expected = {
        # imshow takes (down, across).
        "x = 3": (volume.data[3], "y (px)", "z (px)"),
        "z = 8": (volume.data[:, 8], "y (px)", "x (px)"),
        "y = 5": (volume.data[:, :, 5].T, "x (px)", "z (px)"),
    }
    assert set(by_title) == set(expected)
    for title, (image, across, down) in expected.items():
        axes = by_title[title]
        shown = axes.images[0].get_array()
        assert (axes.get_xlabel(), axes.get_ylabel()) == (across, down)
        assert np.array_equal(shown, image)
    plt.close(figure)
    assert volume.plot_slices() is None
    figure = volume.plot_slices(xslice=-1, return_fig=True)
    assert figure.axes[0].get_title() == "x = 29"
    assert np.array_equal(figure.axes[0].images[0].get_array(), volume.data[29])
    plt.close("all")
    figure = volume.plot_slices(return_fig=True)
    assert {axes.get_title() for axes in figure.axes} == {"x = 14", "y = 11", "z = 8"}
    plt.close(figure)


def test_slices_of_voxels_that_are_no_cubes_have_their_true_shape(volume):
    flat = volume.rebin(scale=(1, 2, 1))
    figure = flat.plot_slices(return_fig=True)
    # Shown down over across: z over y, x over y, z over x.
    assert [axes.get_aspect() for axes in figure.axes] == [0.5, 0.5, 1]
    plt.close(figure)


def test_slice_zero_is_not_taken_for_the_middle(volume):
    figure = volume.plot_slices(0, 0, 0, True)
    assert {axes.get_title() for axes in figure.axes} == {"x = 0", "y = 0", "z = 0"}
    plt.close(figure)


def test_a_volume_is_turned_by_a_list_or_an_array_of_angles(volume):
    turned = volume.rotate_volume([10, 0, -5])
    assert type(turned) is tomo.RecStack
    assert np.array_equal(turned.data, volume.rotate_volume(np.array([10, 0, -5])).data)
    last = history.read(turned)[-1]
    assert (last["operation"], last["method"]) == ("rotate", "angles")
    assert last["resolved"] == {"rotation_angles": [10.0, 0.0, -5.0]}
    assert last["resampled"] == history.read(volume)[-1]["resampled"] + 1
    assert turned.axes_manager._get_axes_dicts() == volume.axes_manager._get_axes_dicts()
    code = tomo.Recipe.of(turned).to_code()
    assert 'stack = stack.rotate("angles", rotation_angles=[10, 0, -5])' in code
    with pytest.raises(ParameterError, match=r"three angles in degrees, about x, z and y, got"):
        volume.rotate_volume([10, 20])
    with pytest.raises(ParameterError, match="needs rotation_angles"):
        volume.rotate_volume()


def test_a_segmented_volume_survives_saving(volume, tmp_path):
    binary = volume.segment("otsu")
    binary.save(tmp_path / "binary.hspy")
    back = tomo.load(tmp_path / "binary.hspy")
    assert type(back) is tomo.RecStack
    assert back.data.dtype == np.uint8
    assert np.array_equal(back.data, binary.data)
    assert history.read(back) == history.read(binary)


def test_slices_outside_are_refused(volume):
    with pytest.raises(DataError, match="zslice must be from 0 to 16, got 17"):
        volume.plot_slices(zslice=17)
    plt.close("all")


def test_steps_of_series_refuse_a_volume(volume):
    with pytest.raises(DataError, match="filter works on a TomoStack, got a RecStack"):
        tomo.Recipe.from_yaml("tomojupyter: 1\nsteps: [{filter: {method: median}}]").run(volume)
