"""What the paper promises, row by row of `rows.yaml`; its listings are in test_listings.py.

Herzing and Taillon, Micron 190 (2025) 103774.
"""

import hyperspy.api as hs
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as etspy
from tomojupyter import datasets as ds
from tomojupyter.steps import history


@pytest.fixture(scope="module")
def needle():
    if ds.data_dir() is None:
        pytest.skip(f"{ds.DATA_DIR} is not set, and tests download nothing")
    return ds.get_needle_data()


@pytest.fixture
def s(needle):
    return needle.deepcopy()


@pytest.fixture(scope="module")
def catalyst():
    return ds.get_catalyst_data(size=64, tilts=np.arange(-70, 71, 5.0))


@pytest.fixture(scope="module")
def drifting():
    return ds.get_catalyst_data(
        misalign=True, minshift=-3, maxshift=3, tiltshift=2, size=64, tilts=np.arange(-70, 71, 5.0)
    )


def test_row_2_needle_series(s):
    assert str(s) == "<TomoStack, title: , dimensions: (77|256, 256)>"
    s_aligned = ds.get_needle_data(aligned=True)
    assert isinstance(s_aligned, etspy.TomoStack)
    assert len(s_aligned.tilts.data) == len(s_aligned.data)
    assert np.isfinite(s_aligned.transforms).all()


def test_row_2_catalyst_series():
    s2 = ds.get_catalyst_data()
    assert s2.data.shape[1:] == (256, 256)
    assert s2.tilts.data.shape == (len(s2.data), 1)


def test_row_3_classes_and_metadata(drifting):
    s = drifting
    node = s.metadata.Tomography
    assert (node.cropped, node.tiltaxis, node.xshift, node.yshift) == (False, 0, 0, 0)
    assert str(s.tilts) == "<TomoTilts, title: Image tilt values, dimensions: (29|1)>"
    assert str(s.shifts) == "<TomoShifts, title: Image shift values, dimensions: (29|2)>"
    assert s.tilts.data.shape == (29, 1)
    assert s.shifts.data.shape == (29, 2)
    assert issubclass(etspy.TomoStack, hs.signals.Signal2D)
    assert issubclass(etspy.RecStack, hs.signals.Signal2D)


def test_row_3_slices_of_a_reconstruction(catalyst):
    mpl.use("agg")
    figure = catalyst.reconstruct(show_progressbar=False).plot_slices(return_fig=True)
    assert len(figure.axes) == 3
    plt.close(figure)


def test_row_4_save_keeps_the_history(drifting, tmp_path):
    drifting.save(tmp_path / "filename.hspy")
    s = etspy.load(str(tmp_path / "filename.hspy"))
    assert np.array_equal(s.data, drifting.data)
    assert history.read(s) == history.read(drifting)


def test_row_5_plot_and_swap_axes(catalyst):
    mpl.use("agg")
    s = catalyst.deepcopy()
    s.plot()
    sinograms = s.swap_axes(0, 1)
    sinograms.plot()
    assert sinograms.data.shape[1:] != s.data.shape[1:]
    images = hs.plot.plot_images([s.inav[0], s.extract_sinogram(12)], colorbar=None)
    assert len(images) == 2
    plt.close("all")


def test_row_6_crop_images(s):
    s_cropped = s.isig[5:-10, 10:-5]
    assert str(s_cropped) == "<TomoStack, title: , dimensions: (77|241, 241)>"
    assert np.array_equal(s_cropped.data, s.data[:, 10:-5, 5:-10])
    assert s_cropped.metadata.Tomography.cropped is True


def test_row_6_bin(catalyst):
    binned = catalyst.rebin(scale=(1, 2, 2))
    assert str(binned) == "<TomoStack, title: Simulated catalyst, dimensions: (29|32, 32)>"
    assert np.allclose(binned.data, 4 * catalyst.bin(2).data, rtol=1e-5)
    assert binned.axes_manager["x"].scale == 2 * catalyst.axes_manager["x"].scale


@pytest.mark.parametrize("method", ["median", "bpf", "both", "sobel"])
def test_row_6_filter(catalyst, method):
    filtered = catalyst.filter(method)
    assert filtered.data.shape == catalyst.data.shape
    assert not np.array_equal(filtered.data, catalyst.data)


@pytest.mark.parametrize("method", ["PC", "StackReg", "COM", "COM-CL"])
def test_row_7_register_neighbours(drifting, method):
    truth = etspy.simulation.truth_of(drifting).shifts
    for registered in (drifting.stack_register(method), drifting.register_stack(method)):
        error = registered.shifts.data - truth
        error -= np.median(error, axis=0)
        # Along the axis nothing but the drift moves the images.
        assert np.median(np.abs(error[:, 1])) < 0.3
    assert history.read(registered)[-1]["resolved"]["start"] == 14


def test_row_7_align_other_series(drifting):
    filtered = drifting.filter("sobel")
    aligned = filtered.stack_register("PC").tilt_align("manual", shift=1.5, angle=0.5)
    other = aligned.align_other(drifting)
    assert np.array_equal(other.shifts.data, aligned.shifts.data)
    assert other.metadata.Tomography.tiltaxis == aligned.metadata.Tomography.tiltaxis == 0.5
    assert np.allclose(other.transforms, aligned.transforms)
    assert history.read(other)[-1]["resampled"] == 1


@pytest.mark.parametrize("name", ["CoM", "COM"])
def test_row_8_axis_by_centre_of_mass(name):
    off = ds.get_catalyst_data(size=64, tilts=np.arange(-70, 71, 5.0), tiltshift=2, tiltrotate=1.5)
    aligned = off.tilt_align(name)
    node = aligned.metadata.Tomography
    assert node.tiltaxis == pytest.approx(-1.5, abs=0.3)
    assert -node.yshift == pytest.approx(-2, abs=0.3)


def test_row_8_axis_by_maximum_image():
    off = ds.get_catalyst_data(size=96, tilts=np.arange(-70, 71, 5.0), tiltshift=2, tiltrotate=1.5)
    node = off.tilt_align("MaxImage", also_shift=True).metadata.Tomography
    assert node.tiltaxis == pytest.approx(-1.5, abs=1)
    assert -node.yshift == pytest.approx(-2, abs=0.3)


def test_row_8_manual_three_slices(catalyst):
    mpl.use("agg")
    figure = catalyst.test_align(tilt_shift=1.0, tilt_rotation=0.5)
    assert [p.get_title() for p in figure.axes] == ["Slice 16", "Slice 32", "Slice 48"]
    plt.close(figure)


@pytest.mark.parametrize("arguments", [(), ("FBP",), ("SIRT", 5)])
def test_row_9_reconstruct(catalyst, arguments):
    volume = catalyst.reconstruct(*arguments, show_progressbar=False)
    assert isinstance(volume, etspy.RecStack)
    assert volume.data.shape == (64, 64, 64)
    truth = etspy.simulation.volume_of(catalyst)
    # 29 tilts over 140 degrees; a volume turned the wrong way round has about 0.3.
    assert np.corrcoef(volume.data.ravel(), truth.data.ravel())[0, 1] > 0.6


def test_row_10_masks_volume_surface_and_fraction(catalyst):
    truth = etspy.simulation.volume_of(catalyst)
    scale = truth.axes_manager[0].scale
    for rule in ("otsu", "li"):
        found = truth.measure(rule)
        assert found.voxels == (truth.data > found.threshold).sum()
        assert found.volume.value == pytest.approx(found.voxels * scale**3)
        assert found.fraction.value == pytest.approx(found.voxels / truth.data.size)
        assert (found.volume.units, found.surface.units) == ("nm³", "nm²")
        assert found.volume.low <= found.volume.value <= found.volume.high
