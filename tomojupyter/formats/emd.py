"""EMD files: the images by RosettaSciIO, the tilts as they are in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from tomojupyter.formats.rosetta import is_degrees, read_images

if TYPE_CHECKING:
    from pathlib import Path


def read_emd(path: Path, lazy: bool = False) -> dict[str, Any]:
    """Return the images of an EMD file, tilts first.

    Parameters
    ----------
    path
        A file of Berkeley's layout, of Velox, or as HyperSpy writes it.
    lazy
        Leave the pixels on the disk, as a dask array.

    Returns
    -------
    dict
        As of :func:`tomojupyter.formats.rosetta.read_images`. An axis of tilts comes first, with
        the angles in ``axis``.

    Raises
    ------
    FormatError
        If it cannot be read, or does not hold exactly one set of images.

    Notes
    -----
    Berkeley's layout lets axes stand in either order, and tilts at any distance.
    """
    content = read_images(path, "emd", lazy)
    axes = content["axes"]
    if is_degrees(axes[2]) and not is_degrees(axes[0]):
        content["data"] = content["data"].transpose(2, 1, 0)
        axes.reverse()
    for i, axis in enumerate(axes):
        axis["navigate"] = i == 0
    if is_degrees(axes[0]):
        tilts = _angles(path, len(content["data"]))
        if tilts is not None:
            axes[0]["axis"] = tilts
    return content


def _angles(path: Path, n: int) -> np.ndarray | None:
    """Return the `n` angles of the dimension in degrees."""
    found: list[np.ndarray] = []

    def look(name: str, item: Any) -> None:
        units = item.attrs.get("units", "")
        units = units.decode("latin-1") if isinstance(units, bytes) else str(units)
        dimension = name.rpartition("/")[2].startswith("dim") and isinstance(item, h5py.Dataset)
        if dimension and is_degrees({"units": units.strip("[]")}) and item.shape == (n,):
            found.append(np.asarray(item, float))

    try:
        with h5py.File(path) as file:
            file.visititems(look)
    except (OSError, ValueError, TypeError):
        return None
    return found[0] if len(found) == 1 else None
