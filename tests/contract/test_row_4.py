"""Row 4 of the paper's promises: files of the field, and stacks from arrays and signals."""

import inspect

import numpy as np
import pytest
import tifffile
from hyperspy.signals import BaseSignal, Signal1D, Signal2D

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.suffixes import READABLE
from tomojupyter.steps import history

TILTS = [-10.0, 0.0, 10.0]
COUNTS = np.random.default_rng(0).integers(-900, 900, (3, 6, 8)).astype("i2")


def test_row_4_load_begins_as_in_etspy():
    names = list(inspect.signature(tomo.load).parameters)
    assert names[:3] == ["filename", "tilts", "mdocs"]


def test_row_4_load_reads_every_named_format():
    named = {".mrc", ".st", ".ali", ".rec", ".hspy", ".zspy", ".dm3", ".dm4", ".h5", ".hdf5",
             ".tif", ".tiff", ".emd"}  # fmt: skip
    assert named <= set(READABLE)


@pytest.mark.parametrize(
    ("file", "shape", "dtype", "ends", "pixel"),
    [
        ("HAADF.mrc", (77, 256, 256), "i2", (-76, 76), (3.36, "nm")),
        ("HAADF.dm3", (91, 64, 64), "u2", (-90, 90), (0.0179949, "µm")),
        ("HAADF_Aligned.hspy", (77, 256, 256), "f4", (-76, 76), (3.36, "nm")),
        ("serialem/test_000.mrc", (1, 1024, 1024), "f4", (-0.000488, -0.000488), (0.788, "nm")),
    ],
)
def test_row_4_load_real_files(real_data, file, shape, dtype, ends, pixel):
    stack = tomo.load(real_data / file)
    assert stack.data.shape == shape
    assert stack.data.dtype == dtype
    tilts = stack.tilts.data.ravel()
    assert (tilts[0], tilts[-1]) == pytest.approx(ends)
    for axis in stack.axes_manager.signal_axes:
        assert (axis.scale, axis.units) == (pytest.approx(pixel[0], rel=1e-4), pixel[1])


def test_row_4_load_offsets_no_value(tmp_path, real_data):
    assert tomo.load(real_data / "HAADF.mrc").data.min() == -31908
    write_mrc(tmp_path / "a.mrc", COUNTS, 0.5, is_volume=False)
    tifffile.imwrite(tmp_path / "b.tif", COUNTS, photometric="minisblack")
    for name in ("a.mrc", "b.tif"):
        stack = tomo.load(tmp_path / name, tilts=TILTS)
        assert stack.data.dtype == np.int16
        assert np.array_equal(stack.data, COUNTS)
        assert stack.tilts.data.ravel().tolist() == TILTS
        assert stack.filter("median").data.dtype == np.float32


def test_row_4_load_lists_of_files(real_data):
    stack = tomo.load(sorted((real_data / "dm_series").glob("*.dm3")))
    assert stack.data.shape == (3, 128, 128)
    assert (np.diff(stack.tilts.data.ravel()) > 0).all()


@pytest.mark.parametrize(
    "given",
    [
        COUNTS, COUNTS.tolist(), Signal2D(COUNTS), Signal1D(COUNTS), BaseSignal(COUNTS),
        Signal2D(COUNTS).as_lazy(),
    ],
    ids=["array", "list", "Signal2D", "Signal1D", "BaseSignal", "lazy"],
)  # fmt: skip
def test_row_4_stacks_from_arrays_and_signals(given):
    before = (
        None
        if isinstance(given, np.ndarray | list)
        else (repr(given), given.metadata.as_dictionary())
    )
    stack = tomo.TomoStack(given, TILTS)
    assert np.array_equal(np.asarray(stack.data), COUNTS)
    assert stack.tilts.data.ravel().tolist() == TILTS
    if before:
        assert (repr(given), given.metadata.as_dictionary()) == before


def test_row_4_save_is_lossless(tmp_path, series):
    stack = series.set_axis(angle=3).tilt_align("manual", shift=1)
    volume = stack.reconstruct("FBP", show_progressbar=False)
    for signal, name in ((stack, "stack"), (volume, "volume")):
        signal.save(tmp_path / f"{name}.hspy")
        back = tomo.load(tmp_path / f"{name}.hspy")
        assert type(back) is type(signal)
        assert np.array_equal(back.data, signal.data)
        assert back.data.dtype == signal.data.dtype
        assert back.axes_manager._get_axes_dicts() == signal.axes_manager._get_axes_dicts()
        assert history.read(back) == history.read(signal)
    back = tomo.load(tmp_path / "stack.hspy")
    assert np.array_equal(back.tilts.data, stack.tilts.data)
    assert np.array_equal(back.transforms, stack.transforms)
