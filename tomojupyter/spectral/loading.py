"""Series of spectrum images from files, and their sums."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tomojupyter.formats.spectrum_images import read_spectra
from tomojupyter.formats.tilts import read_tilts
from tomojupyter.monitor import progress
from tomojupyter.numerics.spectral.passes import sums as sums_of
from tomojupyter.signals.series import TomoTilts
from tomojupyter.steps.spectra import ORIGIN, Spectra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.signals.stack import TomoStack


class Sums(NamedTuple):
    """Sums of a series of spectrum images.

    Parameters
    ----------
    energies
        (nc,) of the channels in keV.
    spectrum
        (nc,) counts of the whole series in each channel.
    stack
        TomoStack of the counts of all channels, to align the series by.
    """

    energies: np.ndarray
    spectrum: np.ndarray
    stack: TomoStack


def load(path: str | Path, tilts: Sequence[float] | np.ndarray | str | Path | None = None) -> Any:
    """Load a series of spectrum images; the spectra stay on the disk until they are asked for.

    Parameters
    ----------
    path
        A file that holds the whole series, or that of one tilt: then all files of its kind beside
        it are taken, in the order of their names.
    tilts
        Tilt of each spectrum image in degrees, or the path of a text file with one a line. None:
        those that the file brings along, if it does.

    Returns
    -------
    hyperspy.signals.BaseSignal
        exSpy's signal where the file says what it holds, with the axes (x, y, tilt|energy).

    Raises
    ------
    MissingFileError
        If there is no such file.
    DataError
        If files cannot be read, or are no spectrum images of one series.
    TiltsError
        If the number of tilts is not that of the spectrum images.
    """
    signal, name, files = read_spectra(path)
    spectra = Spectra(signal)
    origin = {
        "reader": "spectra", "file": files[0].name if len(files) == 1 else name,
        "bytes": sum(f.stat().st_size for f in files if f.is_file()),
        "shape": [int(n) for n in signal.data.shape],
    }  # fmt: skip
    signal.metadata.set_item(ORIGIN, json.dumps(origin))
    if not signal.metadata.General.title:
        signal.metadata.General.title = name
    if tilts is not None:
        angles = read_tilts(tilts) if isinstance(tilts, str | Path) else np.ravel(tilts)
        known = np.array(spectra.tilts(tuple(map(float, angles))))
        signal.metadata.set_item("Tomography.tilts", TomoTilts(known))
    return signal


def sums(
    edx: Any,
    tilts: Sequence[float] | np.ndarray | None = None,
    *,
    show_progressbar: bool = False,
) -> Sums:
    """Return the sum spectrum, and the counts of all channels as a TomoStack.

    Parameters
    ----------
    edx, tilts, show_progressbar
        As for :func:`line_maps`.

    Returns
    -------
    Sums

    Raises
    ------
    DataError, TiltsError
        If axes, values or tilts do not fit the spectra.
    """
    spectra = Spectra(edx)
    spectra._check()
    angles = spectra.tilts(None if tilts is None else tuple(map(float, np.ravel(tilts))))
    energies = spectra.energies
    total, counts = sums_of(spectra.data, progress(show_progressbar, "Sums"))
    title = str(edx.metadata.General.title or "spectra")
    return Sums(energies, total, spectra.stack(counts, angles, f"{title}, sum"))
