"""MRC files against mrcfile, RosettaSciIO, real files and bytes at random."""

import os
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomojupyter.errors import (
    DataError,
    FormatError,
    MissingFileError,
    ParameterError,
    TomojupyterError,
)
from tomojupyter.formats import mrc
from tomojupyter.formats.mrc import HEADER, MrcFile, read_mrc, write_mrc

DTYPES = ["i1", "i2", "u2", "f2", "f4"]


def example(dtype, shape=(3, 4, 5), seed=0):
    values = np.random.default_rng(seed).integers(-100, 100, shape)
    return np.abs(values).astype(dtype) if dtype[0] == "u" else values.astype(dtype)


def header_of(path):
    return np.frombuffer(path.read_bytes()[: HEADER.itemsize], HEADER).copy()[0]


def patched(path, **fields):
    """Rewrite fields of the header of a file."""
    raw = bytearray(path.read_bytes())
    header = np.frombuffer(raw, HEADER, 1)
    for name, value in fields.items():
        header[name] = value
    path.write_bytes(raw)
    return path


def with_extended(path, extended, **fields):
    """Put an extended header into a file."""
    raw = path.read_bytes()
    path.write_bytes(raw[: HEADER.itemsize] + extended + raw[HEADER.itemsize :])
    return patched(path, extended=len(extended), **fields)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.mrc"
    write_mrc(path, example("i2"), 0.5, is_volume=False)
    return path


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


def test_bytes_are_signed_unless_imod_says_that_they_are_not(tmp_path):
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
def test_nonsense_cell_gives_no_pixel_size(small, cell):
    assert read_mrc(patched(small, cell=cell)).pixel_nm == (None, None, None)


def test_pixel_sizes_follow_the_order_of_the_axes(small):
    patched(small, grid=(10, 10, 10), cell=(100, 200, 300), map_axes=(3, 1, 2))
    # Columns run along the cell's z, rows along x, sections along y.
    assert read_mrc(small).pixel_nm == pytest.approx((2.0, 1.0, 3.0))
    patched(small, map_axes=(0, 0, 0))
    assert read_mrc(small).pixel_nm == pytest.approx((3.0, 2.0, 1.0))


def test_unknown_pixel_size_stays_unknown(tmp_path):
    write_mrc(tmp_path / "a.mrc", example("i2"), (None, 2.0, 2.0))
    assert read_mrc(tmp_path / "a.mrc").pixel_nm == (None, 2.0, 2.0)


def serialem_records(tilts, flags=1 | 4, length=6):
    records = np.zeros((len(tilts), length // 2), "<i2")
    records[:, 0] = np.round(np.array(tilts) * 100)
    records[:, 1:] = -400
    return records.tobytes(), {"kind": b"SERI", "ints": length, "reals": flags}


def test_tilts_of_serialem(small):
    extended, fields = serialem_records([-60.0, 0.0, 59.97])
    ours = read_mrc(with_extended(small, extended, **fields))
    assert ours.tilts_deg == pytest.approx([-60.0, 0.0, 59.97])
    assert (ours.extended, ours.extended_kind) == (extended, "SERI")
    assert np.array_equal(ours.data, example("i2"))
    assert read_mrc(small, frames=2).tilts_deg == pytest.approx([-60.0, 0.0])


def test_serialem_without_tilts_has_none(small):
    extended, fields = serialem_records([7.0, 8.0, 9.0], flags=4)
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


def test_serialem_header_that_is_too_short_has_none(small):
    extended, fields = serialem_records([7.0, 8.0])
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
def test_tilts_and_metres_of_fei(small, kind):
    from mrcfile.dtypes import get_ext_header_dtype

    records = np.zeros(3, get_ext_header_dtype(kind, "<"))
    records["Metadata size"] = records.dtype.itemsize
    records["Alpha tilt"] = [-3.0, 0.0, 3.5]
    records["Pixel size X"], records["Pixel size Y"] = 1.25e-9, 2.5e-9
    ours = read_mrc(with_extended(small, records.tobytes(), kind=kind))
    assert ours.tilts_deg == pytest.approx([-3.0, 0.0, 3.5])
    assert ours.pixel_nm == (None, 2.5, 1.25)


def test_records_of_fei_that_nobody_filled_are_not_believed(small):
    records = np.zeros((3, 768), np.uint8)
    records[:, :4] = np.array([768], "<i4").view(np.uint8)
    ours = read_mrc(with_extended(small, records.tobytes(), kind=b"FEI1"))
    assert ours.tilts_deg is None
    assert ours.pixel_nm == (0.5, 0.5, 0.5)


def test_fei_record_that_is_too_short_is_not_believed(small):
    ours = read_mrc(with_extended(small, np.full(64, 12, "<i4").tobytes(), kind=b"FEI1"))
    assert ours.tilts_deg is None


def agard_records(tilts, ints=0, pixel=3.36e-9):
    records = np.zeros((1024, ints + 32), "<f4")
    records[: len(tilts), ints] = tilts
    records[: len(tilts), ints + 11] = pixel
    return records.tobytes(), {"ints": ints, "reals": 32}


@pytest.mark.parametrize("ints", [0, 2])
def test_tilts_and_metres_of_the_older_fei_layout(small, ints):
    extended, fields = agard_records([-76.0, 0.0, 76.0], ints)
    labels = np.array([b"    Fei Company (c) Copyright 2003"] + [b""] * 9, "S80")
    ours = read_mrc(with_extended(small, extended, labels=labels, **fields))
    assert ours.tilts_deg.tolist() == [-76, 0, 76]
    assert ours.pixel_nm == (None, 3.36, 3.36)


def test_metres_are_read_from_files_of_fei_only(small):
    extended, fields = agard_records([-76.0, 0.0, 76.0])
    assert read_mrc(with_extended(small, extended, **fields)).pixel_nm == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("tilt", [np.nan, 4000.0, 0.0])
def test_values_that_cannot_be_tilts_are_not_believed(small, tilt):
    extended, fields = agard_records([0.0, tilt, 0.0])
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file .*none\.mrc"):
        read_mrc(tmp_path / "none.mrc")


def test_folder_is_not_a_file(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_mrc(tmp_path)


@pytest.mark.parametrize("times", [1, 300])
def test_text_named_mrc_is_called_text(tmp_path, times):
    path = tmp_path / "notes.mrc"
    path.write_text(
        "Tilt series of 12 May, needle 4\r\n\tno drift, no charging here at all " * times
    )
    with pytest.raises(
        FormatError, match=r"notes\.mrc is not an MRC file: it is text .*'Tilt series"
    ):
        read_mrc(path)


def test_other_formats_are_named(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000))
    with pytest.raises(FormatError, match="it is an HDF5 file"):
        read_mrc(path)


@pytest.mark.parametrize("length", [0, 1023])
def test_file_shorter_than_its_header_ends_early(small, length):
    small.write_bytes(small.read_bytes()[:length])
    with pytest.raises(FormatError, match=f"ends early: .* 1024 bytes, this file has {length}"):
        read_mrc(small)


def test_truncated_file_says_how_many_frames_are_complete(tmp_path):
    path = tmp_path / "HAADF.mrc"
    data = example("i2", (77, 6, 8))
    write_mrc(path, data)
    path.write_bytes(path.read_bytes()[: 1024 + 61 * 96 + 50])
    with pytest.raises(
        FormatError,
        match=r"HAADF\.mrc ends early: the header promises 77 frames, 61 are complete\. "
        r"Load 61 \(frames=61\), or copy the file again\.",
    ):
        read_mrc(path)
    assert np.array_equal(read_mrc(path, frames=61).data, data[:61])
    with pytest.raises(FormatError, match="61 are complete"):
        read_mrc(path, frames=62)


def test_file_without_a_whole_frame_says_so(small):
    small.write_bytes(small.read_bytes()[:1030])
    with pytest.raises(FormatError, match=r"promises 3 frames, 0 are complete\. Copy"):
        read_mrc(small)


@pytest.mark.parametrize("frames", [0, 4, -1])
def test_frames_out_of_range_are_refused(small, frames):
    with pytest.raises(ParameterError, match=r"frames must be from 1 to 3 for small\.mrc"):
        read_mrc(small, frames=frames)


def test_trailing_bytes_do_no_harm(small):
    small.write_bytes(small.read_bytes() + b"more")
    assert np.array_equal(read_mrc(small).data, example("i2"))


@pytest.mark.parametrize("size", [(0, 4, 3), (-5, 4, 3), (5, 4, 0)])
def test_nonsense_size_is_refused(small, size):
    with pytest.raises(FormatError, match=r"header is damaged .* mode 1"):
        read_mrc(patched(small, size=size))


def test_gigantic_size_is_a_file_that_ends_early(small):
    with pytest.raises(FormatError, match="promises 2147483647 frames, 0 are complete"):
        read_mrc(patched(small, size=(2147483647,) * 3))


def test_negative_extended_header_is_refused(small):
    with pytest.raises(FormatError, match="-8 bytes of extended header"):
        read_mrc(patched(small, extended=-8))


def test_noise_is_not_an_mrc_file(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(b"\xff" * 3000)
    with pytest.raises(FormatError, match="it is not an MRC file"):
        read_mrc(path)


@pytest.mark.parametrize(("mode", "name"), [(3, "complex"), (4, "complex"), (16, "RGB")])
def test_pixels_that_are_no_real_numbers_are_refused(small, mode, name):
    with pytest.raises(FormatError, match=rf"has {name} pixels \(mode {mode}\)"):
        read_mrc(patched(small, mode=mode))


numbers = st.integers(-(2**31), 2**31 - 1)
few = st.integers(0, 5) | numbers


@given(
    size=st.tuples(few, few, few),
    mode=st.sampled_from([0, 1, 2, 3, 4, 5, 6, 12, 101]) | numbers,
    extended=st.integers(0, 300) | numbers,
    kind=st.sampled_from([b"SERI", b"FEI1", b"FEI2", b"AGAR", b""]),
    ints=st.integers(-(2**15), 2**15 - 1) | st.integers(0, 64),
    reals=st.integers(-(2**15), 2**15 - 1) | st.integers(0, 64),
    stamp=st.sampled_from([0x11, 0x44, 0]),
    cell=st.floats(width=32),
    labels_used=numbers,
    label=st.binary(max_size=80) | st.just(b"Fei Company"),
    rest=st.binary(max_size=600),
    cut=st.integers(0, 2000),
)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_header_gives_anything_but_data_or_our_error(
    tmp_path, size, mode, extended, kind, ints, reals, stamp, cell, labels_used, label, rest, cut
):
    header = np.zeros((), HEADER)
    header["size"], header["mode"], header["extended"] = size, mode, extended
    header["kind"], header["ints"], header["reals"] = kind, ints, reals
    header["stamp"], header["cell"], header["grid"] = stamp, cell, size
    header["labels_used"], header["labels"] = labels_used, label
    check(tmp_path / "any.mrc", (header.tobytes() + rest)[:cut])


@given(raw=st.binary(max_size=1100) | st.text(max_size=300).map(str.encode))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_give_anything_but_data_or_our_error(tmp_path, raw):
    check(tmp_path / "any.mrc", raw)
    check(tmp_path / "any.mrc", raw + bytes(1024))


def check(path, raw):
    path.write_bytes(raw)
    try:
        ours = read_mrc(path)
    except TomojupyterError as error:
        sentence = str(error)
    else:
        sentence = "The file was read."
        assert isinstance(ours, MrcFile)
        assert ours.data.ndim == 3
        assert ours.data.size > 0
        assert ours.tilts_deg is None or len(ours.tilts_deg) == len(ours.data)
        assert all(p is None or p > 0 for p in ours.pixel_nm)
    assert sentence.endswith(".")


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
