"""Volumes in files of other programs, read back by other code than wrote them."""

import json
import re

import mrcfile
import numpy as np
import pytest
import tifffile

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, FormatError, MissingFileError, ParameterError

SHAPE = (6, 4, 5)  # x, z, y
ENDINGS = (".mrc", ".rec", ".tif", ".tiff", ".raw", ".vti", ".ome.zarr")


def volume_of(dtype="f4", units="nm"):
    values = np.random.default_rng(0).integers(0, 100, SHAPE)
    volume = tomo.RecStack(values.astype(dtype))
    for axis, scale in zip(volume.axes_manager._axes, (0.5, 1.5, 0.25), strict=True):
        axis.scale, axis.units = scale, units
    return volume


def expected(volume):
    """The voxels as (z, y, x)."""
    return np.moveaxis(np.asarray(volume.data), 0, 2)


def read_vti(path):
    """Read back what is written there, by what the XML says."""
    raw = path.read_bytes()
    head, _, rest = raw.partition(b'<AppendedData encoding="raw">\n_')
    text = head.decode()
    extent = [int(n) for n in re.search(r'WholeExtent="([^"]+)"', text)[1].split()]
    kind = {"Float32": "<f4", "Float64": "<f8", "Int16": "<i2", "UInt8": "u1", "UInt16": "<u2"}[
        re.search(r'type="(\w+)" Name', text)[1]
    ]
    size = int(np.frombuffer(rest[:8], "<u8")[0])
    spacing = [float(s) for s in re.search(r'Spacing="([^"]+)"', text)[1].split()]
    shape = (extent[5] + 1, extent[3] + 1, extent[1] + 1)
    assert rest[8 + size :] == b"\n</AppendedData>\n</VTKFile>\n"
    return np.frombuffer(rest[8 : 8 + size], kind).reshape(shape), spacing


def read_raw(path):
    lines = path.with_suffix(".nhdr").read_text().splitlines()
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "NRRD0004"
    assert (fields["data file"], fields["encoding"]) == (path.name, "raw")
    kind = {"float": "<f4", "double": "<f8", "int16": "<i2", "uint8": "u1", "uint16": "<u2"}
    shape = [int(n) for n in fields["sizes"].split()][::-1]
    spacing = [float(s) for s in fields.get("spacings", "1 1 1").split()]
    return np.fromfile(path, kind[fields["type"]]).reshape(shape), spacing


def read_zarr(path):
    array = json.loads((path / "0" / ".zarray").read_text())
    data = np.empty(array["shape"], array["dtype"])
    assert array["chunks"] == [1, *array["shape"][1:]]
    for i in range(len(data)):
        raw = (path / "0" / str(i) / "0" / "0").read_bytes()
        data[i] = np.frombuffer(raw, array["dtype"]).reshape(array["shape"][1:])
    (scales,) = json.loads((path / ".zattrs").read_text())["multiscales"]
    assert [axis["name"] for axis in scales["axes"]] == ["z", "y", "x"]
    return data, scales["datasets"][0]["coordinateTransformations"][0]["scale"][::-1]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u2", "u1", "?"])
@pytest.mark.parametrize(
    ("ending", "read"), [(".raw", read_raw), (".vti", read_vti), (".ome.zarr", read_zarr)]
)
def test_values_types_and_sizes_of_voxels(tmp_path, dtype, ending, read):
    volume = volume_of(dtype)
    path = volume.export(tmp_path / f"a{ending}")
    data, spacing = read(path)
    assert data.dtype == ("u1" if dtype == "?" else dtype)
    assert np.array_equal(data, expected(volume))
    assert spacing == pytest.approx([0.5, 0.25, 1.5])


@pytest.mark.parametrize(("units", "factor"), [("nm", 1), ("µm", 1000), ("Å", 0.1)])
@pytest.mark.parametrize("dtype", ["f4", "i2", "?"])
def test_mrc(tmp_path, dtype, units, factor):
    volume = volume_of(dtype, units)
    with mrcfile.open(volume.export(tmp_path / "a.mrc")) as file:
        assert np.array_equal(file.data, expected(volume))
        size = file.voxel_size
        found = (float(size.x), float(size.y), float(size.z))
        assert found == pytest.approx([10 * s * factor for s in (0.5, 0.25, 1.5)], rel=1e-5)
        assert file.is_volume()
    back = tomo.load(volume.export(tmp_path / "a.rec"))
    assert np.array_equal(back.data, volume.data)
    scales = {axis.name: axis.scale for axis in back.axes_manager._axes}
    assert scales == pytest.approx({"x": 0.5 * factor, "z": 1.5 * factor, "y": 0.25 * factor})


@pytest.mark.parametrize("dtype", ["f4", "u1", "?"])
def test_tiff(tmp_path, dtype):
    volume = volume_of(dtype)
    path = volume.export(tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(path), expected(volume))
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["unit"] == "nm"
        assert file.imagej_metadata["spacing"] == 1.5
        number, one = file.pages[0].tags["XResolution"].value
        assert number / one == pytest.approx(2)


@pytest.mark.parametrize("ending", ENDINGS)
def test_lazy_and_uncalibrated_volumes_and_overwriting(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    volume = volume_of(units="px")
    volume.export(path)
    with pytest.raises(ParameterError, match="is there already: choose another name, or over"):
        volume.export(path)
    other = tomo.RecStack(np.ones((3, 4, 5), "f4")).as_lazy()
    assert other.export(str(path), overwrite=True) == path
    if ending in (".mrc", ".rec", ".tif", ".tiff"):
        assert tomo.load(path).data.shape[-1] == (5 if ending == ".rec" else 3)
    elif ending == ".ome.zarr":
        assert read_zarr(path)[0].shape == (4, 5, 3)
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]


def test_what_cannot_be_is_a_sentence(tmp_path):
    volume = volume_of()
    with pytest.raises(ParameterError, match=r"a\.png: a volume is exported to \.mrc, \.rec"):
        volume.export(tmp_path / "a.png")
    for ending in ENDINGS:
        with pytest.raises(MissingFileError, match="is not there; make it first"):
            volume.export(tmp_path / "gone" / f"a{ending}")
    with pytest.raises(DataError, match="float16 numbers cannot be exported"):
        tomo.RecStack(np.ones(SHAPE, "f2")).export(tmp_path / "a.vti")
    (tmp_path / "b.raw").mkdir()
    with pytest.raises(FormatError, match="cannot be written"):
        volume.export(tmp_path / "b.raw", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["b.raw"]
