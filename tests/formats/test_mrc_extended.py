"""Tilts and pixel sizes of extended headers."""

import numpy as np
import pytest

from tomojupyter.formats.mrc import read_mrc
from tomojupyter.formats.mrc_header import HEADER


@pytest.fixture
def with_extended(patched):
    """Return a function that puts an extended header into a file."""

    def insert(path, extended, **fields):
        raw = path.read_bytes()
        path.write_bytes(raw[: HEADER.itemsize] + extended + raw[HEADER.itemsize :])
        return patched(path, extended=len(extended), **fields)

    return insert


def serialem_records(tilts, flags=1 | 4, length=6):
    records = np.zeros((len(tilts), length // 2), "<i2")
    records[:, 0] = np.round(np.array(tilts) * 100)
    records[:, 1:] = -400
    return records.tobytes(), {"kind": b"SERI", "ints": length, "reals": flags}


def test_tilts_of_serialem(small, with_extended, pixels):
    extended, fields = serialem_records([-60.0, 0.0, 59.97])
    ours = read_mrc(with_extended(small, extended, **fields))
    assert ours.tilts_deg == pytest.approx([-60.0, 0.0, 59.97])
    assert (ours.extended, ours.extended_kind) == (extended, "SERI")
    assert np.array_equal(ours.data, pixels)
    assert read_mrc(small, sections=2).tilts_deg == pytest.approx([-60.0, 0.0])


def test_serialem_without_tilts_has_none(small, with_extended):
    extended, fields = serialem_records([7.0, 8.0, 9.0], flags=4)
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


def test_serialem_header_that_is_too_short_has_none(small, with_extended):
    extended, fields = serialem_records([7.0, 8.0])
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
def test_tilts_and_metres_of_fei(small, kind, with_extended):
    from mrcfile.dtypes import get_ext_header_dtype

    records = np.zeros(3, get_ext_header_dtype(kind, "<"))
    records["Metadata size"] = records.dtype.itemsize
    records["Alpha tilt"] = [-3.0, 0.0, 3.5]
    records["Pixel size X"], records["Pixel size Y"] = 1.25e-9, 2.5e-9
    ours = read_mrc(with_extended(small, records.tobytes(), kind=kind))
    assert ours.tilts_deg == pytest.approx([-3.0, 0.0, 3.5])
    assert ours.pixel_nm == (None, 2.5, 1.25)


def test_records_of_fei_that_nobody_filled_are_not_believed(small, with_extended):
    records = np.zeros((3, 768), np.uint8)
    records[:, :4] = np.array([768], "<i4").view(np.uint8)
    ours = read_mrc(with_extended(small, records.tobytes(), kind=b"FEI1"))
    assert ours.tilts_deg is None
    assert ours.pixel_nm == (0.5, 0.5, 0.5)


def test_fei_record_that_is_too_short_is_not_believed(small, with_extended):
    ours = read_mrc(with_extended(small, np.full(64, 12, "<i4").tobytes(), kind=b"FEI1"))
    assert ours.tilts_deg is None


def agard_records(tilts, ints=0, pixel=3.36e-9):
    records = np.zeros((1024, ints + 32), "<f4")
    records[: len(tilts), ints] = tilts
    records[: len(tilts), ints + 11] = pixel
    return records.tobytes(), {"ints": ints, "reals": 32}


@pytest.mark.parametrize("ints", [0, 2])
def test_tilts_and_metres_of_the_older_fei_layout(small, ints, with_extended):
    extended, fields = agard_records([-76.0, 0.0, 76.0], ints)
    labels = np.array([b"    Fei Company (c) Copyright 2003"] + [b""] * 9, "S80")
    ours = read_mrc(with_extended(small, extended, labels=labels, **fields))
    assert ours.tilts_deg.tolist() == [-76, 0, 76]
    assert ours.pixel_nm == (None, 3.36, 3.36)


def test_metres_are_read_from_files_of_fei_only(small, with_extended):
    extended, fields = agard_records([-76.0, 0.0, 76.0])
    assert read_mrc(with_extended(small, extended, **fields)).pixel_nm == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("tilt", [np.nan, 4000.0, 0.0])
def test_values_that_cannot_be_tilts_are_not_believed(small, tilt, with_extended):
    extended, fields = agard_records([0.0, tilt, 0.0])
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


def test_serialem_header_without_a_name_is_known_by_its_flags(small, with_extended):
    extended, fields = serialem_records([-60.0, 0.0, 59.97], flags=1 | 4)
    ours = read_mrc(with_extended(small, extended, **{**fields, "kind": b""}))
    assert ours.tilts_deg == pytest.approx([-60.0, 0.0, 59.97])
    # Flags that do not add up to the size of a record are Agard's numbers.
    extended, fields = agard_records([-76.0, 0.0, 76.0], ints=4)
    assert read_mrc(with_extended(small, extended, **fields)).tilts_deg is None


@pytest.mark.parametrize("flags", range(1, 64, 2))
def test_every_layout_of_serialem(small, flags, with_extended):
    size = sum({1: 2, 2: 6, 4: 4, 8: 2, 16: 2, 32: 4}[1 << k] for k in range(6) if flags >> k & 1)
    for kind in (b"SERI", b""):
        extended, fields = serialem_records([-60.0, 0.0, 59.97], flags, size)
        name = small.with_name(f"{flags}{kind.decode()}.mrc")
        name.write_bytes(small.read_bytes())
        ours = read_mrc(with_extended(name, extended, **{**fields, "kind": kind}))
        assert ours.tilts_deg == pytest.approx([-60.0, 0.0, 59.97])


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
@pytest.mark.parametrize(("angle", "expected"), [(85.5, 85.5), (0.0, None), (np.nan, None)])
def test_axis_of_fei(small, kind, angle, expected, with_extended):
    from mrcfile.dtypes import get_ext_header_dtype

    records = np.zeros(3, get_ext_header_dtype(kind, "<"))
    records["Metadata size"] = records.dtype.itemsize
    records["Tilt axis angle"] = angle
    ours = read_mrc(with_extended(small, records.tobytes(), kind=kind))
    assert ours.axis_deg == expected


@pytest.mark.parametrize(("angle", "expected"), [(-4.25, -4.25), (0.0, None)])
def test_axis_of_the_older_fei_layout(small, angle, expected, with_extended):
    extended, fields = agard_records([-76.0, 0.0, 76.0])
    reals = np.frombuffer(extended, "<f4").reshape(-1, 32).copy()
    reals[:, 10] = angle
    labels = np.array([b"Fei Company (c) Copyright 2003"] + [b""] * 9, "S80")
    ours = read_mrc(with_extended(small, reals.tobytes(), labels=labels, **fields))
    assert ours.axis_deg == expected


def test_axis_in_a_label_of_serialem(small, patched):
    label = b"    Tilt axis angle = -86.7, binning = 1 spot = 7 camera = 1"
    patched(small, labels_used=2, labels=np.array([b"SerialEM: x", label] + [b""] * 8, "S80"))
    assert read_mrc(small).axis_deg == -86.7


@pytest.mark.parametrize("order", [">", "<"])
def test_records_of_fei_in_either_byte_order(small, order, with_extended, pixels):
    from mrcfile.dtypes import get_ext_header_dtype

    records = np.zeros(3, get_ext_header_dtype(b"FEI1", order))
    records["Metadata size"] = records.dtype.itemsize
    records["Alpha tilt"] = [-3.0, 0.0, 3.5]
    raw = with_extended(small, records.tobytes(), kind=b"FEI1").read_bytes()
    if order == ">":
        header = np.frombuffer(raw[:1024], HEADER).astype(HEADER.newbyteorder(">"))
        header["stamp"] = (0x11, 0x11, 0, 0)
        body = raw[1024 + records.nbytes :]
        swapped = np.frombuffer(body, "<i2").astype(">i2").tobytes()
        small.write_bytes(header.tobytes() + records.tobytes() + swapped)
    ours = read_mrc(small)
    assert ours.tilts_deg == pytest.approx([-3.0, 0.0, 3.5])
    assert np.array_equal(ours.data, pixels)
