""".mdoc files of any length."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tomojupyter.errors import FormatError, MissingFileError, TomojupyterError
from tomojupyter.formats.serialem import axis_of, read_mdoc

HEAD = """PixelSpacing = 7.88
Voltage = 300
ImageFile = a.mrc

[T = SerialEM: somewhere   31-Mar-23  16:24:14    ]

[T =     Tilt axis angle = -86.7, binning = 2  spot = 7  camera = 0 bidir = -0.0]
"""


def section(z, tilt, begin="ZValue", more=""):
    return f"\n[{begin} = {z}]\nTiltAngle = {tilt}\nStagePosition = -15.99 -8.5543\n{more}"


@pytest.fixture
def mdoc(tmp_path):
    def read(text):
        path = tmp_path / "a.mrc.mdoc"
        path.write_text(text, encoding="utf-8")
        return read_mdoc(path)

    return read


def test_what_is_in_a_file(mdoc):
    read = mdoc(HEAD + section(0, -3) + section(1, 0.5) + section(2, "4e0"))
    assert read.general == {"PixelSpacing": "7.88", "Voltage": "300", "ImageFile": "a.mrc"}
    assert read.titles[0].startswith("SerialEM: somewhere")
    assert read.sections[1] == {
        "ZValue": "1",
        "TiltAngle": "0.5",
        "StagePosition": "-15.99 -8.5543",
    }
    assert read.tilts_deg(3).tolist() == [-3, 0.5, 4]
    assert read.pixel_nm == 0.788
    assert read.axis_deg == -86.7
    assert read.image_file == "a.mrc"


@pytest.mark.parametrize("n", [1, 2, 500])
def test_any_number_of_sections(mdoc, n):
    read = mdoc(HEAD + "".join(section(i, i / 10) for i in range(n)))
    assert np.allclose(read.tilts_deg(n), np.arange(n) / 10)
    assert read.tilts_deg(n + 1) is None


def test_sections_in_any_order_go_where_they_belong(mdoc):
    read = mdoc(section(2, 3) + section(0, -3) + section(1, 0))
    assert read.tilts_deg(3).tolist() == [-3, 0, 3]
    assert mdoc(section(2, 3) + section(2, -3)).tilts_deg(2) is None


def test_sections_without_a_place_count_in_the_order_of_the_file(mdoc):
    read = mdoc(section("a.tif", 3, "Image") + section("b.tif", -3, "Image"))
    assert read.tilts_deg(2).tolist() == [3, -3]
    read = mdoc(section(0, 3, "FrameSet") + "\n[Navigator = 7]\nTiltAngle = 9\n")
    assert read.tilts_deg(1).tolist() == [3]


def test_short_and_sparse_files(mdoc):
    read = mdoc("Voltage = 300\n")
    assert (read.sections, read.pixel_nm, read.axis_deg) == ((), None, None)
    assert read.tilts_deg(2) is None
    for tilt in ("", "north", "nan", "4000"):
        assert mdoc(section(0, tilt)).tilts_deg(1) is None
    assert mdoc(section(0, 3, more="PixelSpacing = 2.5\n")).pixel_nm == 0.25
    for pixel in ("0", "-7", "nan", "1e300"):
        assert mdoc(f"PixelSpacing = {pixel}\n").pixel_nm is None


def test_the_axis_where_no_title_names_it(mdoc):
    # As in real files: a rotation of 3.3 degrees stands beside an axis of -86.7.
    assert mdoc(section(0, 3, more="RotationAngle = 3.3\n")).axis_deg == pytest.approx(-86.7)
    assert mdoc(section(0, 3)).axis_deg is None
    assert axis_of(["", "tilt AXIS angle =85"]) == 85
    assert axis_of(["Tilt axis angle = ...", "Tilt axis angle = 9999"]) is None


def test_files_that_are_none(tmp_path, mdoc):
    with pytest.raises(MissingFileError, match="There is no file"):
        read_mdoc(tmp_path / "none.mdoc")
    with pytest.raises(FormatError, match="cannot be read"):
        read_mdoc(tmp_path)
    with pytest.raises(FormatError, match="has no line such as TiltAngle"):
        mdoc("Dear all,\nthe needle broke.\n")
    with pytest.raises(FormatError, match="it is not text"):
        mdoc("\0" * 40)


lines = st.sampled_from(
    [
        "[ZValue = 0]", "[ZValue = -1]", "[ZValue = 1e999]", "[ZValue = nan]", "[ZValue]", "[=]",
        "[T = Tilt axis angle = 1e999]", "TiltAngle = 1", "TiltAngle = inf", "= 3", "[Image = x]",
        "PixelSpacing = 1e999", "RotationAngle = nan", "x = ", "[", "]", "",
    ]
) | st.text(max_size=30)  # fmt: skip


@given(
    raw=st.binary(max_size=200) | st.lists(lines, max_size=12).map(lambda t: "\n".join(t).encode())
)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_bytes_give_anything_but_an_mdoc_or_our_error(tmp_path, raw):
    path = tmp_path / "any.mdoc"
    path.write_bytes(raw)
    sentence = "The file was read."
    try:
        read = read_mdoc(path)
    except TomojupyterError as error:
        sentence = str(error)
    else:
        n = len(read.sections)
        tilts = read.tilts_deg(n)
        assert tilts is None or (tilts.shape == (n,) and np.isfinite(tilts).all())
        assert read.pixel_nm is None or read.pixel_nm > 0
        assert read.axis_deg is None or np.isfinite(read.axis_deg)
    assert sentence.endswith(".")


def test_a_real_file():
    folder = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not folder:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the real test data")
    read = read_mdoc(Path(folder) / "serialem" / "test_000.mdoc")
    assert read.tilts_deg(2).tolist() == [-0.000488, -0.000488]
    assert (read.pixel_nm, read.axis_deg) == (0.788, -90)
    assert read.sections[1]["ExposureTime"] == "0.524"
