"""TIFF files: stacks of images with their pixel size, read as they are stored, and written.

ImageJ, OME and the resolution of plain TIFF are understood. Tilts are in a text file beside.
"""

from __future__ import annotations

import logging
import math
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from tomojupyter.errors import DataError, FormatError, MissingFileError

log = logging.getLogger(__name__)

NM = {
    "nm": 1.0, "µm": 1e3, "μm": 1e3, "um": 1e3, "micron": 1e3, "\\u00b5m": 1e3, "pm": 1e-3,
    "å": 0.1, "a": 0.1, "angstrom": 0.1, "mm": 1e6, "cm": 1e7, "inch": 2.54e7,
}  # fmt: skip
CENTIMETRE, INCH = 3, 2  # values of TIFF's ResolutionUnit
LEAST_NM, MOST_NM = 1e-4, 1e4  # printers' resolutions, such as 72 dpi, mean nothing here


def read_tiff(path: Path, lazy: bool = False) -> tuple[Any, tuple[float, float] | None, str]:
    """Read a TIFF file of one image or more.

    Parameters
    ----------
    path
        The file.
    lazy
        Leave the pixels on the disk as a memory map, if they are not compressed.

    Returns
    -------
    data
        (n, ny, nx), values and type as stored.
    pixel_nm
        Size (y, x) of a pixel in nm, or None.
    description
        The text in the file.

    Raises
    ------
    FormatError
        If it is no TIFF file, or damaged.
    DataError
        If the images are in colour, complex or have more axes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with tifffile.TiffFile(path) as file:
                series = file.series[0]
                page = series.keyframe
                text = str(page.description)
                size = _pixel_nm(file, page)
                shape, colours = tuple(series.shape), _is_in_colour(series)
                dtype = series.dtype
                data = None
                if not colours and dtype is not None and dtype.kind in "buif":
                    data = _pixels(path, file, series, lazy)
    except Exception as error:  # tifffile has many errors of its own
        log.info("%s", path, exc_info=True)
        raise FormatError(
            f"{path.name} cannot be read as a TIFF file: it is damaged or something else"
        ) from error
    images = None if data is None else _as_images(data)
    if images is None:
        what = "images in colour" if colours else f"{dtype} of shape {shape}"
        raise DataError(
            f"{path.name} holds {what}; a tilt series has the axes (tilt, y, x) and real numbers"
        )
    return images, size, text


def write_tiff(
    path: str | Path, data: np.ndarray, pixel_nm: tuple[float | None, float | None, float | None]
) -> None:
    """Write a volume as a stack of pages that ImageJ and Fiji open with its calibration.

    Parameters
    ----------
    path
        The file; one that exists is replaced when the new one is complete.
    data
        (nz, ny, nx). uint8, uint16 and float32 are written as they are, others as float32 if
        that holds every value.
    pixel_nm
        Size (z, y, x) of a voxel in nm, None where it is unknown.

    Raises
    ------
    DataError
        If float32 cannot hold the values.
    FormatError, MissingFileError
        If the file cannot be written.
    """
    path = Path(path)
    pixels = data
    if data.dtype not in (np.uint8, np.uint16, np.float32):
        pixels = data.astype(np.float32)
        if data.dtype.kind in "iu" and not np.array_equal(pixels.astype(data.dtype), data):
            raise DataError(
                f"ImageJ's TIFF cannot hold these {data.dtype} numbers exactly; convert them to "
                "float32 first."
            )
    z, y, x = pixel_nm
    known = y is not None and x is not None
    about: dict[str, Any] = {"axes": "ZYX"}
    if known:
        about |= {"unit": "nm", **({"spacing": z} if z else {})}
    if not path.parent.is_dir():
        raise MissingFileError(f"The folder {path.parent} is not there; make it first.")
    part = path.with_name(path.name + ".part")
    try:
        tifffile.imwrite(
            part, pixels, imagej=True, metadata=about,
            resolution=(1 / x, 1 / y) if x and y else None,
        )  # fmt: skip
        part.replace(path)
    except (OSError, ValueError) as error:
        part.unlink(missing_ok=True)
        raise FormatError(f"{path} cannot be written: {error}.") from error


def _pixels(path: Path, file: tifffile.TiffFile, series: Any, lazy: bool) -> np.ndarray:
    if lazy and series.dataoffset is not None:
        dtype = np.dtype(file.byteorder + series.dtype.char)
        return np.memmap(path, dtype, "r", series.dataoffset, tuple(series.shape))
    data = np.asarray(series.asarray())
    return data.astype(data.dtype.newbyteorder("="), copy=False)


def _is_in_colour(series: Any) -> bool:
    """Tell whether the last axis holds samples of a colour."""
    return str(series.axes).endswith("S")


def _as_images(data: np.ndarray) -> np.ndarray | None:
    """Return the pixels as (n, ny, nx), without axes of one entry; None if there are more."""
    shape = [n for n in data.shape[:-2] if n > 1]
    if data.ndim < 2 or len(shape) > 1 or not data.size:
        return None
    return data.reshape(*(shape or [1]), *data.shape[-2:])


def _pixel_nm(file: tifffile.TiffFile, page: Any) -> tuple[float, float] | None:
    """Return the size (y, x) of a pixel in nm: by OME, ImageJ or plain TIFF."""
    sizes = _of_ome(file.ome_metadata) if file.is_ome and file.ome_metadata else None
    if sizes is None:
        unit = str((file.imagej_metadata or {}).get("unit", "")).strip().lower()
        factor = NM.get(unit)
        if factor is None and not file.is_imagej:
            number = page.tags.valueof("ResolutionUnit", default=INCH)
            factor = {CENTIMETRE: NM["cm"], INCH: NM["inch"]}.get(int(number))
        pairs = [page.tags.valueof(f"{k}Resolution") for k in "YX"]
        if factor is None or not all(pairs):
            return None
        sizes = [factor * d / n if n else math.nan for n, d in pairs]
    if not all(LEAST_NM <= size <= MOST_NM for size in sizes):
        return None
    # Resolutions are kept as fractions of whole numbers; six digits are what they can mean.
    return float(f"{sizes[0]:.6g}"), float(f"{sizes[1]:.6g}")


def _of_ome(text: str) -> list[float] | None:
    for item in ElementTree.fromstring(text).iter():
        if item.tag.endswith("}Pixels"):
            sizes = [
                float(item.get(f"PhysicalSize{k}", "nan"))
                * NM.get(item.get(f"PhysicalSize{k}Unit", "µm").lower(), math.nan)
                for k in "YX"
            ]
            return sizes if all(math.isfinite(s) for s in sizes) else None
    return None
