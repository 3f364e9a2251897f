"""Files of spectrum images, as HyperSpy reads them: one with all tilts, or one a tilt."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tomojupyter.errors import DataError, MissingFileError


def read_spectra(path: str | Path) -> tuple[Any, str, list[Path]]:
    """Read a series of spectrum images; the spectra stay on the disk until they are asked for.

    Parameters
    ----------
    path
        A file that holds the whole series, or that of one tilt: then all files of its kind beside
        it are taken, in the order of their names.

    Returns
    -------
    signal
        HyperSpy's or exSpy's, lazy, with the axes (x, y, tilt|energy).
    name
        That of the file, or of the folder of files.
    files
        That were read.

    Raises
    ------
    MissingFileError
        If there is no such file.
    DataError
        If files cannot be read, or are no spectrum images of one series.
    """
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"{path}: there is no such file")
    try:
        signal = _loaded(path)
    except Exception as error:
        raise DataError(f"{path.name} cannot be read as spectra: {error}") from error
    if isinstance(signal, list):
        cubes = [s for s in signal if s.axes_manager.signal_dimension == 1]
        if not cubes:
            raise DataError(f"{path.name} holds no spectrum image")
        signal = max(cubes, key=lambda s: s.data.size)
    axes = signal.axes_manager
    if (axes.navigation_dimension, axes.signal_dimension) != (2, 1):
        return signal, path.stem, [path]
    files = sorted(p for p in path.parent.iterdir() if p.suffix == path.suffix)
    try:
        return _loaded(files, stack=True), path.absolute().parent.name, files
    except Exception as error:
        raise DataError(
            f"the {len(files)} {path.suffix} files beside {path.name} are not spectrum images of "
            f"one series: {error}"
        ) from error


def _loaded(files: Any, **how: Any) -> Any:
    """Return what HyperSpy loads lazily, without its warnings about names of its own."""
    import hyperspy.api as hs

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Importing `Lazy")
        return hs.load(files, lazy=True, **how)
