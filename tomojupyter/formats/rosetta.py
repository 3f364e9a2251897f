"""Files that RosettaSciIO reads: DM3, DM4, EMD and HyperSpy's own."""

from __future__ import annotations

import importlib
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import FormatError

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

DEGREES = ("deg", "degree", "degrees", "°")
WHAT = {"digitalmicrograph": "a DM file", "emd": "an EMD file"}


def read_images(path: Path, reader: str, lazy: bool = False) -> dict[str, Any]:
    """Return the images of a file, with axes and metadata as HyperSpy has them.

    Parameters
    ----------
    path
        The file.
    reader
        RosettaSciIO's name of the format: ``"digitalmicrograph"`` or ``"emd"``.
    lazy
        Leave the pixels on the disk, as a dask array.

    Returns
    -------
    dict
        ``data`` (n, ny, nx), values and type as stored; ``axes``, ``metadata``,
        ``original_metadata``.

    Raises
    ------
    FormatError
        If it cannot be read, or does not hold exactly one set of images of real numbers.
    """
    what = WHAT[reader]
    found = read_signals(path, reader, lazy, what)
    images = [c for c in found if c["data"].ndim in (2, 3) and c["data"].dtype.kind in "buif"]
    if not images:
        shapes = "; ".join(f"{c['data'].dtype} {c['data'].shape}" for c in found) or "nothing"
        raise FormatError(
            f"{path.name} holds no images (tilt, y, x) of real numbers, but {shapes}: open it with "
            "hyperspy.api.load and give the right part to TomoStack(...)"
        )
    stacks = [c for c in images if c["data"].ndim == 3] or images
    if len(stacks) > 1:
        names = ", ".join(str(c["metadata"].get("General", {}).get("title", "?")) for c in stacks)
        raise FormatError(
            f"{path.name} holds {len(stacks)} sets of images ({names}): open it with "
            "hyperspy.api.load and give one of them to TomoStack(...)"
        )
    content = stacks[0]
    if content["data"].ndim == 2:
        content["data"] = content["data"][None]
        content["axes"] = [{"name": "z", "size": 1, "scale": 1.0, "offset": 0.0}, *content["axes"]]
    for i, axis in enumerate(content["axes"]):
        axis.pop("index_in_array", None)
        axis["navigate"] = i == 0
        axis["offset"] = axis.get("offset", 0.0) + 0.0  # no -0.0
    keep = ("data", "axes", "metadata", "original_metadata")
    return {key: content[key] for key in keep if key in content}


def read_signals(path: Path, reader: str, lazy: bool, what: str) -> list[dict[str, Any]]:
    """Return all that RosettaSciIO finds in a file.

    Raises
    ------
    FormatError
        If it finds nothing that it can read; `what` says what it should have been.
    """
    module = importlib.import_module(f"rsciio.{reader}")
    try:
        with warnings.catch_warnings():
            # What a reader misses in metadata is not what the person asked for.
            warnings.simplefilter("ignore")
            contents = module.file_reader(str(path), lazy=lazy)
    except Exception as error:  # every reader has errors of its own
        log.info("%s", path, exc_info=True)
        raise FormatError(
            f"{path.name} cannot be read as {what}: it is damaged or something else"
        ) from error
    return list(contents)


def tilts_in(content: dict[str, Any]) -> np.ndarray | None:
    """Return the tilts that the images bring along, (n,) degrees, or None.

    Of a series Digital Micrograph's stage angles, else an axis in degrees; of a single image the
    tilt of the stage.
    """
    n = len(content["data"])
    tags = content.get("original_metadata", {})
    if n == 1:
        # The tags of one image of a series describe the whole series too.
        stage = _below(_image_tags(tags), "Microscope Info", "Stage Position", "Stage Alpha")
        return None if stage is None else _plausible([stage], 1)
    tracked = _tracked(tags, n)
    if tracked is not None:
        return tracked
    axis = content["axes"][0]
    if is_degrees(axis):
        values = axis.get("axis")
        if values is None:
            values = axis.get("offset", 0) + axis.get("scale", 1) * np.arange(n)
        return _plausible(values, n)
    return None


def is_degrees(axis: dict[str, Any]) -> bool:
    """Tell whether an axis is one of angles."""
    return str(axis.get("units", "")).lower() in DEGREES


def _image_tags(tags: dict[str, Any]) -> Any:
    """Return Digital Micrograph's tags of the image."""
    return _below(tags, "ImageList", "TagGroup0", "ImageTags")


def _tracked(tags: dict[str, Any], n: int) -> np.ndarray | None:
    """Return the stage angles in the tags of a tomography series of Digital Micrograph."""
    steps = _below(_image_tags(tags), "Tomography", "Tracking data", "Online tracking data")
    if not isinstance(steps, dict):
        return None
    tilts = np.full(n, np.nan)
    for step in steps.values():
        index = _below(step, "Index in series")
        angle = _below(step, "stage angle (degree)")
        if isinstance(index, int) and 0 <= index < n and angle is not None:
            tilts[index] = angle
    return _plausible(tilts, n)


def _below(tree: Any, *names: str) -> Any:
    """Return what lies in a tree of dictionaries, None where the way ends."""
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _plausible(values: Any, n: int) -> np.ndarray | None:
    """Return the values if they can be the tilts of `n` images."""
    try:
        tilts = np.asarray(values, float).ravel()
    except (TypeError, ValueError):
        return None
    return tilts if len(tilts) == n and (np.abs(tilts) <= 360).all() else None
