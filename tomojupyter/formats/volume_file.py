"""A HyperSpy file that is filled slab by slab, before what describes it is known."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.formats.hyperspy_files import need_zarr
from tomojupyter.formats.suffixes import FOLDERS, SAVED

if TYPE_CHECKING:
    import numpy as np


def check_new(path: str | Path) -> Path:
    """Return where a volume can be written to.

    Raises
    ------
    ParameterError
        If the format cannot hold it, or the file is there.
    MissingFileError
        If the folder is not there.
    """
    made = Path(path)
    if made.suffix.lower() not in SAVED:
        raise ParameterError(
            f"output: {made.name}: volumes are written as {' or '.join(SAVED)}, which hold "
            "alignment and history"
        )
    need_zarr(made)
    if not made.absolute().parent.is_dir():
        raise MissingFileError(f"{made.parent}: there is no such folder to write to")
    if made.exists():
        raise ParameterError(f"output: {made.name} is there already: give another name")
    return made


class VolumeFile:
    """The voxels of one signal in a ``.hspy`` or ``.zspy``, of which slabs are written.

    Axes and metadata are added by HyperSpy's ``save(..., write_dataset=False)``.

    Parameters
    ----------
    path
        Of a file that is not there yet; see `check_new`.
    title
        Of the signal: the group in the file has this name.
    shape
        (nx, nz, ny) of the voxels, which are float32.
    """

    def __init__(self, path: Path, title: str, shape: tuple[int, int, int]) -> None:
        self.path = path
        self._folder = path.suffix.lower() in FOLDERS
        self._name = f"Experiments/{(title or '__unnamed__').replace('/', '-')}/data"
        self._file: Any = self._open("w")
        # One slice a chunk: written once, and read as it is looked at.
        self._voxels = self._file.create_dataset(
            self._name, shape=shape, dtype="f4", chunks=(1, *shape[1:])
        )

    def _open(self, mode: str) -> Any:
        if self._folder:
            import zarr

            store = zarr.storage.NestedDirectoryStore(str(self.path))
            return zarr.open_group(store, mode=mode)
        import h5py

        return h5py.File(self.path, mode)

    def write(self, where: slice, voxels: np.ndarray) -> None:
        """Write slices."""
        self._voxels[where] = voxels

    def close(self) -> None:
        """Close the file, which others write to."""
        if not self._folder:
            self._file.close()

    def voxels(self) -> Any:
        """Return the voxels as they lie in the file, open for reading."""
        self._file = self._open("r")
        return self._file[self._name]

    def remove(self) -> None:
        """Remove the file: it is not to be kept."""
        self.close()
        if self._folder:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)
