"""HyperSpy's own files, read without HyperSpy's choice of a class."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import FormatError, ParameterError
from tomojupyter.formats.rosetta import read_signals
from tomojupyter.formats.suffixes import FOLDERS

if TYPE_CHECKING:
    from pathlib import Path


def read_hyperspy(path: Path, lazy: bool = False) -> dict[str, Any]:
    """Return data, axes and metadata of the one signal in a file.

    Parameters
    ----------
    path
        A .hspy, .hdf5, .h5 or .zspy.
    lazy
        Leave the pixels on the disk, as a dask array.

    Raises
    ------
    FormatError
        If it is damaged, something else, or holds several signals.
    ParameterError
        If a package is missing.
    """
    need_zarr(path)
    reader = "zspy" if path.suffix.lower() in FOLDERS else "hspy"
    contents = read_signals(path, reader, lazy, "a HyperSpy file")
    if len(contents) != 1:
        raise FormatError(f"{path.name} holds {len(contents)} signals: save the series alone")
    content = contents[0]
    # Explicitly ours: another package may have registered the same signal types.
    _drop_packages(content)
    return content


def need_zarr(path: Path) -> None:
    """Raise ParameterError if a file needs the package zarr, and a fitting one is not there."""
    if path.suffix.lower() not in FOLDERS or zarr_is_there():
        return
    raise ParameterError(
        f"{path.name}: .zspy needs the package zarr in version 2, which is not installed; install "
        "it with: pip install 'zarr<3' 'numcodecs<0.16'; or use .hspy"
    )


def zarr_is_there() -> bool:
    """Tell whether RosettaSciIO can read and write .zspy here."""
    if importlib.util.find_spec("zarr") is None:
        return False
    with warnings.catch_warnings():
        # Old releases warn of what they import, which is nobody's business here.
        warnings.simplefilter("ignore")
        storage = importlib.import_module("zarr.storage")
    # Version 3 has no such store, and RosettaSciIO asks for it.
    return hasattr(storage, "NestedDirectoryStore")


def _drop_packages(content: dict[str, Any]) -> None:
    """Take away whose classes the signals were: HyperSpy would look for that package."""
    content.pop("package", None)
    for part in content.values():
        if isinstance(part, dict):
            _drop_packages(part)
