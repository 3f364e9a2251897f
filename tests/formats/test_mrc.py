"""MRC files against mrcfile, RosettaSciIO, real files and bytes at random."""

import os
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from tomojupyter.errors import (
    DataError,
    FormatError,
    MissingFileError,
    ParameterError,
)
from tomojupyter.formats import mrc
from tomojupyter.formats.mrc import read_mrc, write_mrc
from tomojupyter.formats.mrc_header import HEADER

DTYPES = ["i1", "i2", "u2", "f2", "f4"]


def example(dtype, shape=(3, 4, 5), seed=0):
    values = np.random.default_rng(seed).integers(-100, 100, shape)
    return np.abs(values).astype(dtype) if dtype[0] == "u" else values.astype(dtype)


def header_of(path):
    return np.frombuffer(path.read_bytes()[: HEADER.itemsize], HEADER).copy()[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_file_of_mrcfile_is_read_as_it_is(tmp_path, dtype):
    path, data = tmp_path / "a.mrc", example(dtype)
    with mrcfile.new(path) as file:
        file.set_data(data)
        file.voxel_size = (1.5, 2.5, 40)
    ours = read_mrc(path)
    assert ours.data.dtype == np.dtype(dtype)
    assert np.array_equal(ours.data, data)
    assert ours.pixel_nm == pytest.approx((4.0, 0.25, 0.15))
    assert ours.is_volume
    assert ours.tilts_deg is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("is_volume", [True, False])
def test_mrcfile_reads_what_is_written(tmp_path, dtype, is_volume):
    path, data = tmp_path / "a.mrc", example(dtype)
    write_mrc(path, data, (3.0, 2.0, 1.0), is_volume=is_volume)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # mrcfile sums the squares of half-floats as half-floats, which overflows.
        assert dtype == "f2" or mrcfile.validate(path)
        with mrcfile.open(path) as file:
            assert file.data.dtype == np.dtype(dtype)
            assert np.array_equal(file.data, data)
            assert file.is_volume() == is_volume
            assert file.voxel_size.tolist() == pytest.approx((10, 20, 30))
    ours = read_mrc(path)
    assert np.array_equal(ours.data, data)
    assert ours.pixel_nm == (3.0, 2.0, 1.0)
    assert ours.is_volume == is_volume
    assert [p.name for p in tmp_path.iterdir()] == ["a.mrc"]


# It leaves the file open.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_rosettasciio_reads_what_is_written(tmp_path):
    from rsciio.mrc import file_reader

    path, data = tmp_path / "a.mrc", example("f4")
    write_mrc(path, data, 0.336)
    [theirs] = file_reader(str(path))
    assert np.array_equal(theirs["data"], data)
    assert [a["scale"] for a in theirs["axes"]] == pytest.approx([0.336] * 3)


@pytest.mark.parametrize("dtype", ["i2", "u2", "f2", "f4"])
def test_big_endian_file_has_the_same_values(tmp_path, dtype):
    path, data = tmp_path / "big.mrc", example(dtype)
    write_mrc(path, data, 0.7)
    header = header_of(path).astype(HEADER.newbyteorder(">"))
    header["stamp"] = (0x11, 0x11, 0, 0)
    path.write_bytes(header.tobytes() + data.astype(data.dtype.newbyteorder(">")).tobytes())
    with mrcfile.open(path) as file:
        assert np.array_equal(file.data, data)
    ours = read_mrc(path)
    assert np.array_equal(ours.data, data)
    assert ours.data.dtype.isnative
    assert ours.pixel_nm == pytest.approx((0.7,) * 3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_old_file_without_a_stamp_is_read_in_the_order_that_fits(tmp_path, order):
    path = tmp_path / "old.mrc"
    data = example("i1", (2, 3, 7))
    write_mrc(path, data)
    header = header_of(path).astype(HEADER.newbyteorder(order))
    header["stamp"], header["name"] = 0, b""
    path.write_bytes(header.tobytes() + data.tobytes())
    assert np.array_equal(read_mrc(path).data, data)


def test_bytes_are_signed_unless_imod_says_that_they_are_not(tmp_path, patched):
    path = tmp_path / "bytes.mrc"
    write_mrc(path, example("i1"))
    signed = read_mrc(path).data
    assert signed.dtype == np.int8
    assert np.array_equal(read_mrc(patched(path, imod=b"IMOD", imod_flags=1)).data, signed)
    unsigned = read_mrc(patched(path, imod=b"IMOD", imod_flags=0)).data
    assert np.array_equal(unsigned, signed.view(np.uint8))


def test_large_file_stays_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(mrc, "MAPPED", 100)
    path, data = tmp_path / "a.mrc", example("i2")
    write_mrc(path, data)
    ours = read_mrc(path).data
    assert isinstance(ours, np.memmap)
    assert not ours.flags.writeable
    assert np.array_equal(ours, data)


def test_a_single_image_is_a_stack_of_one(tmp_path):
    path, data = tmp_path / "a.mrc", example("f4", (4, 5))
    write_mrc(path, data)
    assert np.array_equal(read_mrc(path).data, data[None])


@pytest.mark.parametrize(
    ("data", "stored"),
    [
        (np.array([[True, False]]), "u2"),
        (np.array([[0, 255]], np.uint8), "u2"),
        (np.array([[-3, 32767]], np.int64), "i2"),
        (np.array([[0, 65535]], np.uint64), "u2"),
        (np.array([[-1, 70000]], np.int32), "f4"),
        (np.array([[0.25, -1e6]], np.float64), "f4"),
        (np.array([[1.0, np.nan]], np.float32), "f4"),
    ],
)
def test_numbers_are_kept_in_a_type_that_holds_them(tmp_path, data, stored):
    write_mrc(tmp_path / "a.mrc", data)
    ours = read_mrc(tmp_path / "a.mrc").data
    assert ours.dtype == np.dtype(stored)
    assert np.array_equal(ours[0], data, equal_nan=stored == "f4")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.zeros((2, 2), complex), "cannot hold these complex128"),
        (np.array([[0, 2**30]]), "cannot hold these int64"),
        (np.zeros(3), r"got an array of shape \(3,\)"),
        (np.zeros((2, 0, 3)), "got an array of shape"),
    ],
)
def test_data_that_mrc_cannot_hold_is_refused(tmp_path, data, sentence):
    with pytest.raises(DataError, match=sentence):
        write_mrc(tmp_path / "a.mrc", data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pixel", [0, -1.0, np.nan, (1.0, 2.0), (1.0, 1.0, 0.0)])
def test_bad_pixel_size_is_refused(tmp_path, pixel):
    with pytest.raises(ParameterError, match="pixel_nm must be above 0"):
        write_mrc(tmp_path / "a.mrc", example("i2"), pixel)


def test_writing_into_a_missing_folder_says_so(tmp_path):
    with pytest.raises(MissingFileError, match="is not there"):
        write_mrc(tmp_path / "none" / "a.mrc", example("i2"))


def test_writing_over_a_folder_leaves_nothing_behind(tmp_path):
    (tmp_path / "a.mrc").mkdir()
    with pytest.raises(FormatError, match="cannot be written"):
        write_mrc(tmp_path / "a.mrc", example("i2"))
    assert [p.name for p in tmp_path.iterdir()] == ["a.mrc"]


@pytest.mark.parametrize("cell", [0.0, -5.0, np.nan, np.inf, 1e-9, 1e30])
def test_nonsense_cell_gives_no_pixel_size(small, cell, patched):
    assert read_mrc(patched(small, cell=cell)).pixel_nm == (None, None, None)


def test_pixel_sizes_follow_the_order_of_the_axes(small, patched):
    patched(small, grid=(10, 10, 10), cell=(100, 200, 300), map_axes=(3, 1, 2))
    # Columns run along the cell's z, rows along x, sections along y.
    assert read_mrc(small).pixel_nm == pytest.approx((2.0, 1.0, 3.0))
    patched(small, map_axes=(0, 0, 0))
    assert read_mrc(small).pixel_nm == pytest.approx((3.0, 2.0, 1.0))


def test_unknown_pixel_size_stays_unknown(tmp_path):
    write_mrc(tmp_path / "a.mrc", example("i2"), (None, 2.0, 2.0))
    assert read_mrc(tmp_path / "a.mrc").pixel_nm == (None, 2.0, 2.0)


@pytest.fixture
def real_data():
    folder = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not folder:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the real test data")
    return Path(folder)


@pytest.mark.filterwarnings("ignore:Map ID string not found:RuntimeWarning:mrcfile")
@pytest.mark.filterwarnings("ignore:Unrecognised machine stamp:RuntimeWarning:mrcfile")
def test_real_needle_is_as_mrcfile_reads_it(real_data):
    ours = read_mrc(real_data / "HAADF.mrc")
    with mrcfile.open(real_data / "HAADF.mrc", permissive=True) as file:
        assert np.array_equal(ours.data, file.data)
        assert ours.data.dtype == file.data.dtype
    assert ours.data.shape == (77, 256, 256)
    assert ours.data.min() == -31908
    assert ours.tilts_deg == pytest.approx(np.arange(-76, 77, 2))
    # The cell says 1 Angstrom, FEI's header and the notes of the acquisition 3.36 nm.
    assert ours.pixel_nm == (None, 3.36, 3.36)


def test_real_serialem_file_is_as_mrcfile_reads_it(real_data):
    path = real_data / "serialem" / "test_000.mrc"
    ours = read_mrc(path)
    with mrcfile.open(path) as file:
        assert np.array_equal(ours.data, file.data)
    # Its mdoc: PixelSpacing 7.88 (Angstrom), TiltAngle -0.000488.
    assert ours.pixel_nm == pytest.approx((0.788,) * 3)
    assert ours.tilts_deg.tolist() == [0, 0]
