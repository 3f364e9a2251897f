"""More of the paper's promises, row by row of `rows.yaml`."""

import json

import hyperspy.api as hs
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as etspy
from tomojupyter import datasets as ds

TILTS = np.arange(-70, 71, 5.0)


@pytest.fixture(scope="module")
def catalyst():
    return ds.get_catalyst_data(size=64, tilts=TILTS)


@pytest.fixture(scope="module")
def off():
    """The same series off its axis: 2 px across, 1.5 degrees turned."""
    return ds.get_catalyst_data(size=64, tilts=TILTS, tiltshift=2, tiltrotate=1.5)


@pytest.fixture
def _pictures():
    mpl.use("agg")
    yield
    plt.close("all")


def likeness(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


def test_row_1_introduction_segmentation_and_fractions():
    """Two balls of densities 1 and 3 in vacuum, 15 and 9 px across."""
    z, y, x = np.indices((40, 40, 40))
    voxels = np.zeros((40, 40, 40), "f4")
    masks = [(z - a) ** 2 + (y - a) ** 2 + (x - a) ** 2 <= r**2 for a, r in ((13, 7.5), (30, 4.5))]
    for mask, density in zip(masks, (1, 3), strict=True):
        voxels[mask] = density
    volume = etspy.RecStack(voxels)
    parts = volume.segment("classes", classes=3)
    assert np.array_equal(parts.data == 1, masks[0])
    assert np.array_equal(parts.data == 2, masks[1])
    light, heavy = (volume.deepcopy() for _ in masks)
    light.data, heavy.data = np.where(masks[0], voxels, 0), np.where(masks[1], voxels, 0)
    shares = etspy.volume_fractions({"light": light, "heavy": heavy})
    counts = np.array([mask.sum() for mask in masks])
    found = [shares[name].value for name in ("light", "heavy")]
    assert found == pytest.approx(counts / counts.sum())


def test_row_1_introduction_total_variation():
    """A body of two densities under noise: better than SIRT, without a weight given."""
    x, z, y = np.indices((16, 48, 48))
    body = (((z - 24) ** 2 + (y - 24) ** 2) < 15**2).astype("f4")
    body[(z > 20) & (y < 28) & (x > 7)] *= 2
    images = etspy.RecStack(body).forward_project(np.arange(-68, 69, 4.0))
    noise = np.random.default_rng(2).normal(0, 2, images.data.shape).astype("f4")
    series = etspy.TomoStack(images.data + noise, images.tilts.data.ravel())
    errors = {
        method: np.linalg.norm(
            series.reconstruct(method, constrain=True, show_progressbar=False).data - body
        )
        for method in ("SIRT", "TV")
    }
    assert errors["TV"] < 0.6 * errors["SIRT"]
    asked, resolved = (
        json.loads(series.reconstruct("TV", 5).metadata.Tomojupyter.history)[-1][name]
        for name in ("asked", "resolved")
    )
    assert asked.get("weight") is None
    assert resolved["weight"] > 0


def test_row_3_tilts_select_by_the_true_ones(catalyst):
    assert np.allclose(catalyst.axes_manager[0].axis, TILTS)
    uneven = catalyst.remove_projections([14, 16, 20])  # 0, 10 and 30 degrees
    assert uneven.inav[0.0:30.0].tilts.data.ravel().tolist() == [5, 15, 20, 25]
    assert uneven.inav[-70.0:-60.0].tilts.data.ravel().tolist() == [-70, -65]


def test_row_8_manual_shift_and_angle_bring_the_axis_back(catalyst, off):
    inner = np.s_[:, 8:-8, 8:-8]
    assert likeness(off.data[inner], catalyst.data[inner]) < 0.95
    by_hand = off.tilt_align("manual", shift=-2, angle=-1.5)
    # Two cubic interpolations of a specimen with sharp edges remain.
    assert likeness(by_hand.data[inner], catalyst.data[inner]) > 0.995


def test_row_8_metadata_keep_the_alignment_for_another_signal(off):
    aligned = off.tilt_align("CoM").tilt_align("manual", shift=0.5, angle=1)
    node = aligned.metadata.Tomography
    assert node.tiltaxis == pytest.approx(-0.5, abs=0.3)
    assert -node.yshift == pytest.approx(-1.5, abs=0.4)
    other = aligned.align_other(off * 2)
    for name in ("tiltaxis", "xshift", "yshift"):
        assert getattr(other.metadata.Tomography, name) == pytest.approx(getattr(node, name))
    assert np.allclose(other.data, 2 * aligned.data, atol=1e-3 * aligned.data.max())


@pytest.mark.parametrize(
    ("arguments", "least"),
    # Back-projection is blurred; 29 tilts over 140 degrees bound the others.
    [(("BP",), 0.6), (("fbp",), 0.85), (("SIRT", 20, True), 0.9), (("SART", 3, True), 0.95)],
)
def test_row_9_reconstruct_by_every_method(catalyst, arguments, least):
    volume = catalyst.reconstruct(*arguments, show_progressbar=False)
    truth = etspy.simulation.volume_of(catalyst)
    assert likeness(volume.data, truth.data) > least
    for mirrored in (truth.data[:, ::-1], truth.data[:, :, ::-1]):
        assert likeness(volume.data, mirrored) < likeness(volume.data, truth.data)
    thin = catalyst.reconstruct(*arguments, thickness=40, show_progressbar=False)
    assert thin.data.shape == (64, 40, 64)
    assert likeness(thin.data, truth.data[:, 12:-12]) > least


def test_row_9_recon_error_of_one_slice(catalyst):
    images, error = catalyst.recon_error(nslice=32, algorithm="SIRT", iterations=8)
    assert str(images) == "<Signal2D, title: SIRT iterates, dimensions: (8|64, 64)>"
    assert str(error) == "<Signal1D, title: SIRT residual, dimensions: (|8)>"
    assert error.metadata.Signal.quantity == "L2 norm of the residual"
    assert (np.diff(error.data) < 0).all()
    volume = catalyst.reconstruct("SIRT", 8, True, show_progressbar=False)
    assert np.allclose(images.data[-1], volume.data[32], atol=1e-5)
    # The error is the norm of the residual that the projected slice leaves.
    left = volume.forward_project(catalyst.tilts).data[:, :, 32] - catalyst.data[:, :, 32]
    assert error.data[-1] == pytest.approx(np.linalg.norm(left), rel=0.01)


@pytest.mark.usefixtures("_pictures")
def test_row_10_figures_of_alignment_convergence_and_slices(catalyst, off):
    registered = off.stack_register("PC")
    aligned = registered.tilt_align("CoM")
    stages = [stage.max(0) for stage in (off, registered, aligned)]
    places = hs.plot.plot_images(stages, colorbar=None, per_row=3)  # figure 3
    for place, stage in zip(places, (off, registered, aligned), strict=True):
        assert np.array_equal(place.images[0].get_array(), stage.data.max(axis=0))
    images, error = catalyst.recon_error(iterations=4)  # figure 4
    assert len(hs.plot.plot_images(images, colorbar=None)) == 4
    error.plot()
    drawn = error._plot.signal_plot.ax.lines[0].get_ydata()
    assert np.array_equal(drawn, error.data)
    volume = aligned.reconstruct(show_progressbar=False)
    figure = volume.plot_slices(return_fig=True)  # figure 7
    assert np.array_equal(figure.axes[0].images[0].get_array(), volume.data[31])
