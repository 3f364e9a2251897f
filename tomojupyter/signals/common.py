"""What TomoStack and RecStack share: class, metadata and history through HyperSpy's operations."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from tomojupyter.errors import DataError, MissingFileError, ParameterError
from tomojupyter.formats.hyperspy_files import need_zarr
from tomojupyter.formats.suffixes import FOLDERS, SAVED
from tomojupyter.signals.state import OURS, TOMOGRAPHY
from tomojupyter.steps import history

RESAMPLED = f"{OURS}.resampled"
RIPPLE = ("uint8", "uint16", "int32", "int64", "float32", "float64")


def on_cluster() -> bool:
    """Tell whether dask would leave its work to a client of dask.distributed."""
    import dask

    return bool(dask.config.get("scheduler", None) == "dask.distributed")


class TomoSignal(Signal2D):
    """Base of our signals; keeps the class and the history where HyperSpy makes new objects."""

    _lazy_class: ClassVar[type]
    _eager_class: ClassVar[type]
    _deferred = False
    _source: Any = None
    data: Any

    def copy(self) -> Any:
        """Return a copy that shares the pixels but has metadata and axes of its own."""
        result = type(self)(**self._to_dictionary())
        result._source = self._source
        return result

    def _twin(self) -> Any:
        """Return a copy with pixels of its own; those of a file that is only read are shared."""
        data = self.data
        mapped = isinstance(data, np.memmap) and not data.flags.writeable
        return self.copy() if mapped else self.deepcopy()

    @property
    def _resampled(self) -> int:
        """How many interpolations the pixels went through."""
        return int(self.metadata.get_item(RESAMPLED, default=0))

    def _fingerprint(self) -> str:
        """Return the fingerprint of the pixels."""
        return history.fingerprint(self.data)

    def _note_pixels(self) -> None:
        """Remember the pixels as they are, to notice edits made outside."""
        history.note_pixels(self)

    def plot(self, navigator: Any = "slider", *args: Any, **keywords: Any) -> None:
        """Do HyperSpy's ``plot`` with a slider to step through the images."""
        super().plot(navigator, *args, **keywords)

    def change_data_type(self, dtype: Any) -> None:
        """Do HyperSpy's ``change_dtype``, by ETSpy's name."""
        self.change_dtype(dtype)

    def save_raw(self, filename: str | Path | None = None) -> Path:
        """Write the bare pixels as a pair of files, ``.raw`` and ``.rpl`` (Ripple).

        Parameters
        ----------
        filename
            Its name without the ending; size and type of the pixels are appended. None: the title.

        Returns
        -------
        pathlib.Path
            The ``.rpl``. It holds calibration but neither tilts nor history.

        Raises
        ------
        DataError
            If the format does not have the type of the pixels.
        """
        if self.data.dtype.name not in RIPPLE:
            raise DataError(
                f"a .rpl file holds pixels of the types {', '.join(RIPPLE)}, not "
                f"{self.data.dtype.name}: change_data_type('float32') first, or save as .hspy"
            )
        given = filename or self.metadata.get_item("General.title") or self._signal_type
        size = "x".join(map(str, self.data.shape))
        path = Path(given)
        path = path.with_name(f"{path.stem}_{size}_{self.data.dtype.name}.rpl")
        self._plain().save(path)
        return path

    def _check(self, needs_tilts: bool = False) -> None:
        """Raise if the signal cannot be worked on; a volume always can."""

    def _assign_subclass(self, chunks: Any = False) -> None:
        """Keep our class where HyperSpy would look one up by its signal type."""
        if self.metadata.get_item("_HyperSpy.Folding.unfolded", default=False):
            # HyperSpy unfolds in place, for decompositions, and folds again.
            return
        kind = self.metadata.get_item("Signal.signal_type", default="")
        fits = self.axes_manager.signal_dimension == 2 and self.data.dtype.kind in "buif"
        if kind != self._signal_type or not fits:
            if kind == self._signal_type:
                self.metadata.Signal.signal_type = ""
            super()._assign_subclass(chunks=chunks)
            return
        self.__class__ = self._lazy_class if self._lazy else self._eager_class
        self.__init__(self.data, full_initialisation=False)  # type: ignore[misc]
        if self._lazy:
            self.data = self._lazy_data(rechunk=chunks)

    def _plain(self) -> Any:
        """Return HyperSpy's own signal of the same pixels, without what makes a series."""
        content = self._to_dictionary()
        for key in (TOMOGRAPHY, OURS):
            content["metadata"].pop(key, None)
        content["metadata"]["Signal"]["signal_type"] = ""
        return (LazySignal2D if self._lazy else Signal2D)(**content)

    def _shell(self, data: Any, axes: list[dict[str, Any]] | None = None) -> Any:
        """Return a signal of our kind with other pixels and the same metadata."""
        lazy = not isinstance(data, np.ndarray)
        # Not _to_dictionary(): it would ask for pixels that may not be there yet.
        content = {
            "data": data,
            "axes": axes if axes is not None else self.axes_manager._get_axes_dicts(),
            "metadata": copy.deepcopy(self.metadata.as_dictionary()),
            "original_metadata": copy.deepcopy(self.original_metadata.as_dictionary()),
            "tmp_parameters": self.tmp_parameters.as_dictionary(),
            "attributes": {"_lazy": lazy},
        }
        return (self._lazy_class if lazy else self._eager_class)(**content)

    def _save_description(self, path: Path) -> None:
        """Write axes and metadata into a file that has the pixels already."""
        super().save(path, overwrite=True, write_dataset=False)

    def save(self, filename: Any = None, overwrite: bool | None = None, **keywords: Any) -> None:
        """Save pixels and all metadata, history included.

        Parameters
        ----------
        filename
            Path, best with the extension ``.hspy``; ``.zspy`` needs the package zarr.
        overwrite
            True replaces a file, False keeps it, None asks.
        **keywords
            As for HyperSpy's ``save``.

        Raises
        ------
        MissingFileError
            If the folder is not there.
        ParameterError
            If the format cannot hold the metadata.
        """
        if filename is not None:
            path = Path(filename)
            if not path.absolute().parent.is_dir():
                raise MissingFileError(f"{path.parent}: there is no such folder to save in")
            need_zarr(path)
            if path.suffix.lower() not in ("", *SAVED):
                raise ParameterError(
                    f"{path.name} would lose tilts, alignment and history: save as .hspy"
                )
            if self._lazy and path.suffix.lower() not in FOLDERS and on_cluster():
                raise ParameterError(
                    f"{path.name}: the workers of a dask cluster cannot write into one file: "
                    "save as .zspy, or close the client"
                )
        super().save(filename, overwrite=overwrite, **keywords)
