"""DM, TIFF, EMD and HyperSpy files of others, as series."""

import h5py
import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
from hyperspy.signals import Signal1D, Signal2D

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, FormatError, TomojupyterWarning
from tomojupyter.steps import history

COUNTS = np.random.default_rng(0).integers(0, 1000, (4, 5, 6)).astype("u2")
TILTS = [-3.0, 0.0, 1.0, 7.0]


def angles(signal):
    return signal.tilts.data.ravel()


def calibration(signal):
    return [(a.name, a.scale, a.units) for a in signal.axes_manager._axes[1:]]


@pytest.mark.parametrize("lazy", [False, True])
def test_a_dm_series(real_data, lazy):
    stack = tomo.load(real_data / "HAADF.dm3", lazy=lazy)
    with_hyperspy = hs.load(real_data / "HAADF.dm3")
    assert stack._lazy == lazy
    assert stack.data.dtype == np.uint16
    assert np.array_equal(np.asarray(stack.data), with_hyperspy.data)
    assert np.allclose(angles(stack), np.arange(-90, 91, 2))
    assert calibration(stack) == [(name, pytest.approx(0.017994916), "µm") for name in ("y", "x")]
    assert stack.axes_manager[0].name == "Projections"
    assert history.read(stack)[0]["reader"] == ".dm3"


def test_single_dm_images_are_a_series_in_the_order_of_their_tilts(real_data):
    files = [real_data / "dm_series" / f"BF_00{i}.dm3" for i in (1, 2, 3)]
    alone = [hs.load(file) for file in files]
    tilts = [s.metadata.Acquisition_instrument.TEM.Stage.tilt_alpha for s in alone]
    order = np.argsort(tilts)
    for lazy in (False, True):
        stack = tomo.load([str(file) for file in files], lazy=lazy)
        assert np.array_equal(np.asarray(stack.data), np.stack([alone[i].data for i in order]))
        assert np.allclose(angles(stack), np.sort(tilts))
    assert history.read(stack)[0]["files"] == [files[i].name for i in order]
    assert calibration(stack)[0][1:] == (pytest.approx(0.0191087), "µm")
    one = tomo.load(files[0])
    assert one.data.shape == (1, 128, 128)
    assert angles(one) == pytest.approx(tilts[:1])


def test_tiff_stacks_and_their_lists_of_tilts(tmp_path):
    options = {"imagej": True, "resolution": (2, 2), "metadata": {"unit": "nm"}}
    tifffile.imwrite(tmp_path / "a.tif", COUNTS, **options)
    assert not angles(tomo.load(tmp_path / "a.tif")).any()
    (tmp_path / "a.rawtlt").write_text("-3\n0\n1\n7\n", encoding="utf-8")
    for lazy in (False, True):
        stack = tomo.load(tmp_path / "a.tif", lazy=lazy)
        assert stack._lazy == lazy
        assert stack.data.dtype == np.uint16
        assert np.array_equal(np.asarray(stack.data), COUNTS)
        assert angles(stack).tolist() == TILTS
        assert calibration(stack) == [("y", 0.5, "nm"), ("x", 0.5, "nm")]


def test_rows_of_tiff_count_downwards_for_the_axis_of_an_mdoc(tmp_path, mdoc_text):
    (tmp_path / "a.tif.mdoc").write_text(mdoc_text(TILTS, axis=-86.5), encoding="utf-8")
    tifffile.imwrite(tmp_path / "a.tif", COUNTS, photometric="minisblack")
    with pytest.warns(TomojupyterWarning, match=r"lies 86\.5° from y .* rotated by 3\.5°"):
        stack = tomo.load(tmp_path / "a.tif")
    assert angles(stack).tolist() == TILTS
    assert calibration(stack) == [("y", 0.5, "nm"), ("x", 0.5, "nm")]
    assert stack.metadata.Tomography.tiltaxis == pytest.approx(3.5)


def test_single_tiff_images_in_the_order_given(tmp_path):
    files = [tmp_path / f"{i}.tif" for i in range(4)]
    for file, image in zip(files, COUNTS, strict=True):
        tifffile.imwrite(file, image)
    stack = tomo.load(files[::-1], tilts=TILTS)
    assert np.array_equal(stack.data, COUNTS[::-1])
    assert angles(stack).tolist() == TILTS


def test_pages_of_a_file_of_one_tilt_are_its_frames(tmp_path):
    for i in range(2):
        tifffile.imwrite(tmp_path / f"{i}.tif", COUNTS[2 * i : 2 * i + 2], photometric="minisblack")
    files = [tmp_path / "0.tif", tmp_path / "1.tif"]
    stack = tomo.load(files, tilts=[1, 2], frames="first")
    assert np.array_equal(stack.data, COUNTS[::2])
    assert np.array_equal(tomo.load(files, tilts=TILTS, frames="all").data, COUNTS)


def write_berkeley(path, tilts, tilt_first):
    """Write an EMD file whose axes stand in either order."""
    dims = [
        ("tilt", "[deg]", tilts),
        ("y", "[n_m]", np.arange(5) * 0.5),
        ("x", "[n_m]", np.arange(6) * 0.25),
    ]
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/series")
        group.attrs["emd_group_type"] = 1
        group.create_dataset("data", data=COUNTS if tilt_first else COUNTS.T)
        for i, (name, units, values) in enumerate(dims if tilt_first else dims[::-1], start=1):
            dim = group.create_dataset(f"dim{i}", data=np.asarray(values, float))
            dim.attrs["name"], dim.attrs["units"] = name, units
        for name in ("microscope", "user", "sample", "comments"):
            file.create_group(name)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("tilt_first", [False, True])
def test_emd_with_uneven_tilts_in_either_order(tmp_path, tilt_first, lazy):
    write_berkeley(tmp_path / "a.emd", TILTS, tilt_first)
    stack = tomo.load(tmp_path / "a.emd", lazy=lazy)
    assert np.array_equal(np.asarray(stack.data), COUNTS)
    assert stack.data.dtype == np.uint16
    assert angles(stack).tolist() == TILTS
    assert calibration(stack) == [("y", 0.5, "nm"), ("x", 0.25, "nm")]


def test_emd_with_two_sets_of_images_is_refused(tmp_path):
    write_berkeley(tmp_path / "a.emd", TILTS, tilt_first=False)
    with h5py.File(tmp_path / "a.emd", "a") as file:
        file.copy("data/series", "data/other")
    with pytest.raises(FormatError, match=r"a\.emd holds 2 sets of images \(.*series.*\): open it"):
        tomo.load(tmp_path / "a.emd")


def test_emd_as_hyperspy_writes_it(tmp_path):
    signal = Signal2D(COUNTS)
    tilt, x, y = (signal.axes_manager[i] for i in range(3))
    tilt.name, tilt.units, tilt.scale, tilt.offset = "tilt", "deg", 2.0, -4.0
    x.scale, x.units, y.scale, y.units = 0.5, "nm", 0.5, "nm"
    signal.save(tmp_path / "a.emd")
    stack = tomo.load(tmp_path / "a.emd")
    assert np.array_equal(stack.data, COUNTS)
    assert angles(stack).tolist() == [-4, -2, 0, 2]


def test_what_is_no_single_series_is_refused(tmp_path):
    for suffix, what in ((".dm3", "a DM file"), (".dm4", "a DM file"), (".emd", "an EMD file")):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"\0\0\0\3nothing")
        with pytest.raises(FormatError, match=f"cannot be read as {what}"):
            tomo.load(path)
    Signal1D(np.ones((2, 3, 4, 5))).save(tmp_path / "map.emd")
    with pytest.raises(
        FormatError, match=r"map\.emd holds no images .* but float64 \(2, 3, 4, 5\)"
    ):
        tomo.load(tmp_path / "map.emd")


@pytest.mark.parametrize("suffix", [".hspy", ".hdf5", ".h5"])
def test_hyperspy_files_of_others(tmp_path, suffix):
    signal = Signal2D(COUNTS)
    axis = signal.axes_manager[0]
    axis.units, axis.scale, axis.offset = "degrees", 2.0, -4.0
    signal.save(tmp_path / "a.hspy")
    path = (tmp_path / "a.hspy").rename(tmp_path / f"b{suffix}")
    stack = tomo.load(path)
    assert type(stack) is tomo.TomoStack
    assert np.array_equal(stack.data, COUNTS)
    assert angles(stack).tolist() == [-4, -2, 0, 2]


def test_numbers_that_are_not_real_are_refused(tmp_path):
    Signal2D(COUNTS * 1j).save(tmp_path / "a.hspy")
    np.save(tmp_path / "a.npy", COUNTS * 1j)
    for name in ("a.hspy", "a.npy"):
        with pytest.raises(DataError, match=r"complex128 .*a tilt series has the axes"):
            tomo.load(tmp_path / name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Tomography.tilts", 5.0), ("Tomography.tilts", "north"), ("Tomography.shifts", 3),
        ("Tomography.tiltaxis", "x"), ("Tomojupyter.frame", "no JSON"), ("Tomojupyter.frame", "{}"),
        ("Tomojupyter.history", "no JSON"), ("Tomojupyter.sources", "no JSON"),
        ("Tomojupyter.axis", "up"), ("Tomojupyter.file_axis", [1, 2]),
    ],
)  # fmt: skip
def test_nonsense_in_the_metadata_is_a_sentence(tmp_path, series, key, value):
    series.metadata.set_item(key, value)
    Signal2D(series.data, metadata=series.metadata.as_dictionary()).save(tmp_path / "a.hspy")
    with pytest.raises((FormatError, DataError), match=r"a\.hspy: the metadata|projections but"):
        tomo.load(tmp_path / "a.hspy")
