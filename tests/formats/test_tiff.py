"""TIFF stacks: values and type as stored, pixel sizes of ImageJ, OME and plain TIFF."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from tomojupyter.errors import DataError, FormatError, MissingFileError
from tomojupyter.formats.tiff import read_tiff, write_tiff

IMAGES = np.random.default_rng(0).integers(0, 1000, (4, 5, 6))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.tif"


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "f4", "f8", ">u2", ">f4"])
def test_values_and_types_are_kept(path, dtype, lazy):
    images = IMAGES.astype(dtype) - (50 if dtype.startswith("i") else 0)
    tifffile.imwrite(
        path, images, photometric="minisblack", byteorder=dtype[0] if ">" in dtype else "<"
    )
    data, pixel_nm, _ = read_tiff(path, lazy)
    assert data.dtype.newbyteorder("=") == images.dtype.newbyteorder("=")
    assert np.array_equal(data, images)
    assert pixel_nm is None
    assert isinstance(data, np.memmap) == lazy


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"bigtiff": True}, {"tile": (16, 16)}]
)
def test_layouts(path, options):
    tifffile.imwrite(path, IMAGES.astype("u2"), photometric="minisblack", **options)
    for lazy in (False, True):
        assert np.array_equal(read_tiff(path, lazy)[0], IMAGES)


def test_three_images_are_no_colours(path):
    tifffile.imwrite(path, IMAGES[:3].astype("u2"), photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_tiff(path)[0], IMAGES[:3])


def test_pages_of_another_writer(path):
    first, *more = [Image.fromarray(i.astype("u2")) for i in IMAGES]
    first.save(path, save_all=True, append_images=more)
    assert np.array_equal(read_tiff(path)[0], IMAGES)
    first.save(path)
    assert np.array_equal(read_tiff(path)[0], IMAGES[:1])


def test_pixel_size_of_imagej(path):
    options = {"imagej": True, "resolution": (1 / 0.5, 1 / 0.25)}
    for unit, factor in (("nm", 1), ("\\u00B5m", 1000), ("micron", 1000), ("pixel", None)):
        tifffile.imwrite(path, IMAGES.astype("u2"), metadata={"unit": unit}, **options)
        expected = factor and (0.25 * factor, 0.5 * factor)
        assert read_tiff(path)[1] == expected


def test_pixel_size_of_ome(path):
    path = path.with_name("a.ome.tif")
    about = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm",
             "PhysicalSizeY": 2.5e-4, "PhysicalSizeYUnit": "µm"}  # fmt: skip
    tifffile.imwrite(path, IMAGES.astype("u2"), metadata=about)
    assert read_tiff(path)[1] == (0.25, 0.5)


def test_pixel_size_of_plain_tiff(path):
    # 2e7 pixels a centimetre are 0.5 nm; what printers use means nothing.
    for resolution, unit, expected in (
        ((2e7, 2e7), "CENTIMETER", (0.5, 0.5)),
        ((2.54e7, 5.08e7), "INCH", (0.5, 1.0)),
        ((72, 72), "INCH", None),
        ((2e7, 2e7), "NONE", None),
    ):
        tifffile.imwrite(
            path, IMAGES.astype("u2"), photometric="minisblack",
            resolution=resolution, resolutionunit=unit,
        )  # fmt: skip
        assert read_tiff(path)[1] == expected


def test_colours_and_more_axes_are_refused(path):
    tifffile.imwrite(path, np.zeros((5, 6, 3), "u1"), photometric="rgb")
    with pytest.raises(DataError, match=r"a\.tif holds images in colour; a tilt series has"):
        read_tiff(path)
    tifffile.imwrite(path, np.zeros((2, 3, 5, 6), "u1"), photometric="minisblack")
    with pytest.raises(DataError, match=r"holds uint8 of shape \(2, 3, 5, 6\)"):
        read_tiff(path)
    tifffile.imwrite(path, np.zeros((3, 5, 6), "c8"), photometric="minisblack")
    with pytest.raises(DataError, match="holds complex64 of shape"):
        read_tiff(path)


@pytest.mark.parametrize("raw", [b"", b"II*\0", b"II*\0" + b"\xff" * 60, b"not a picture at all"])
def test_files_that_are_none(path, raw):
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=r"a\.tif cannot be read as a TIFF file"):
        read_tiff(path)


def test_a_file_cut_off_is_refused(path):
    tifffile.imwrite(path, IMAGES.astype("u2"), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(FormatError, match=r"a\.tif cannot be read as a TIFF file"):
        read_tiff(path)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "i2", "f8"])
def test_what_is_written_comes_back_with_its_calibration(path, dtype):
    write_tiff(path, IMAGES.astype(dtype), (1.5, 0.25, 0.5))
    data, pixel_nm, _ = read_tiff(path)
    assert data.dtype == (dtype if dtype in ("u1", "u2", "f4") else np.float32)
    assert np.array_equal(data, IMAGES.astype(dtype))
    assert pixel_nm == pytest.approx((0.25, 0.5), rel=1e-5)
    with tifffile.TiffFile(path) as file:
        assert (file.imagej_metadata["unit"], file.imagej_metadata["spacing"]) == ("nm", 1.5)
    write_tiff(path, IMAGES.astype(dtype), (None, None, None))
    assert read_tiff(path)[1] is None


def test_what_cannot_be_written_is_refused(path):
    with pytest.raises(DataError, match="cannot hold these int64 numbers exactly"):
        write_tiff(path, np.full((1, 2, 3), 2**40 + 1), (None, None, None))
    with pytest.raises(MissingFileError, match="is not there; make it first"):
        write_tiff(path / "b.tif", IMAGES.astype("u1"), (None, None, None))
    path.mkdir()
    with pytest.raises(FormatError, match="cannot be written"):
        write_tiff(path, IMAGES.astype("u1"), (None, None, None))
    assert [p.name for p in path.parent.iterdir()] == ["a.tif"]
