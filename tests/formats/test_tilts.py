"""Lists of tilts."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomojupyter.errors import FormatError, MissingFileError, TomojupyterError
from tomojupyter.formats.tilts import LARGEST, read_tilts


@pytest.mark.parametrize(
    "text",
    [
        " -76.00\n -74.50\n0\n",
        "-76\r\n-74.5\r\n0",
        "\n\n-76\n\n  \n-74.5\n0\n\n",
        "# as acquired\n-76 # first\n-74.5\n0\n",
        "\ufeff\u221276\n-7.45e1\n+0.0\n",
    ],
)
def test_angles_are_read_in_the_files_order(tmp_path, text):
    path = tmp_path / "a.rawtlt"
    path.write_bytes(text.encode())
    tilts = read_tilts(path)
    assert tilts.dtype == np.float64
    assert tilts.tolist() == [-76, -74.5, 0]


@pytest.mark.parametrize(
    "line", ["-7,4", "one", "1.0 2.0", "nan", "inf", "361", "-76.00, -74.00", "0x10"]
)
def test_bad_line_is_named(tmp_path, line):
    path = tmp_path / "a.tlt"
    path.write_text(f"-76\n\n{line}\n-72\n")
    with pytest.raises(FormatError, match=r"a\.tlt, line 3: .* is not a tilt") as caught:
        read_tilts(path)
    assert line in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing\n"])
def test_file_without_angles_says_so(tmp_path, text):
    path = tmp_path / "a.tlt"
    path.write_text(text)
    with pytest.raises(FormatError, match="holds no angles"):
        read_tilts(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"There is no file .*none\.tlt"):
        read_tilts(tmp_path / "none.tlt")


def test_folder_is_not_a_list(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_tilts(tmp_path)


def test_images_are_not_a_list(tmp_path):
    path = tmp_path / "a.tlt"
    path.write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(FormatError, match="it is not text"):
        read_tilts(path)


def test_long_file_is_not_a_list(tmp_path):
    path = tmp_path / "a.tlt"
    path.write_bytes(b"1\n" * LARGEST)
    with pytest.raises(FormatError, match="too long to be a list of tilts"):
        read_tilts(path)


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_give_anything_but_tilts_or_our_error(tmp_path, raw):
    path = tmp_path / "any.tlt"
    path.write_bytes(raw)
    try:
        tilts = read_tilts(path)
    except TomojupyterError as error:
        sentence = str(error)
    else:
        sentence = "The file was read."
        assert tilts.ndim == 1
        assert np.isfinite(tilts).all()
    assert sentence.endswith(".")
