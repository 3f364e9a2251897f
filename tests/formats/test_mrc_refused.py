"""Files that are no MRC files, or damaged ones."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomojupyter.errors import FormatError, MissingFileError, ParameterError, TomojupyterError
from tomojupyter.formats.mrc import MrcFile, read_mrc, write_mrc
from tomojupyter.formats.mrc_header import HEADER


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
    data = np.arange(77 * 48, dtype="i2").reshape(77, 6, 8)
    write_mrc(path, data)
    path.write_bytes(path.read_bytes()[: 1024 + 61 * 96 + 50])
    with pytest.raises(
        FormatError,
        match=r"HAADF\.mrc ends early: the header promises 77 frames, 61 are complete\. "
        r"Load 61 \(sections=61\), or copy the file again\.",
    ):
        read_mrc(path)
    assert np.array_equal(read_mrc(path, sections=61).data, data[:61])
    with pytest.raises(FormatError, match="61 are complete"):
        read_mrc(path, sections=62)


def test_file_without_a_whole_frame_says_so(small):
    small.write_bytes(small.read_bytes()[:1030])
    with pytest.raises(FormatError, match=r"promises 3 frames, 0 are complete\. Copy"):
        read_mrc(small)


@pytest.mark.parametrize("sections", [0, 4, -1])
def test_sections_out_of_range_are_refused(small, sections):
    with pytest.raises(ParameterError, match=r"sections must be from 1 to 3 for small\.mrc"):
        read_mrc(small, sections=sections)


def test_trailing_bytes_do_no_harm(small, pixels):
    small.write_bytes(small.read_bytes() + b"more")
    assert np.array_equal(read_mrc(small).data, pixels)


@pytest.mark.parametrize("size", [(0, 4, 3), (-5, 4, 3), (5, 4, 0)])
def test_nonsense_size_is_refused(small, size, patched):
    with pytest.raises(FormatError, match=r"header is damaged .* mode 1"):
        read_mrc(patched(small, size=size))


def test_gigantic_size_is_a_file_that_ends_early(small, patched):
    with pytest.raises(FormatError, match="promises 2147483647 frames, 0 are complete"):
        read_mrc(patched(small, size=(2147483647,) * 3))


def test_negative_extended_header_is_refused(small, patched):
    with pytest.raises(FormatError, match="-8 bytes of extended header"):
        read_mrc(patched(small, extended=-8))


def test_noise_is_not_an_mrc_file(tmp_path):
    path = tmp_path / "a.mrc"
    path.write_bytes(b"\xff" * 3000)
    with pytest.raises(FormatError, match="it is not an MRC file"):
        read_mrc(path)


@pytest.mark.parametrize(("mode", "name"), [(3, "complex"), (4, "complex"), (16, "RGB")])
def test_pixels_that_are_no_real_numbers_are_refused(small, mode, name, patched):
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
