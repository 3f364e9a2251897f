"""Example series: one measured (the needle), one simulated (the catalyst)."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pooch

from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.io import load
from tomojupyter.signals.series import TomoTilts
from tomojupyter.simulated_edx import SpectralSeries, SpectralTruth, get_simulated_edx_data
from tomojupyter.simulation import catalyst_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.signals.stack import TomoStack

__all__ = [
    "SpectralSeries",
    "SpectralTruth",
    "get_catalyst_data",
    "get_demo_data",
    "get_edx_data",
    "get_needle_data",
    "get_simulated_edx_data",
]

log = logging.getLogger(__name__)

DATA_DIR = "TOMOJUPYTER_DATA_DIR"
URL = "https://github.com/usnistgov/etspy/raw/v1.3.0/etspy/tests/test_data/"
HASHES = {
    "HAADF.mrc": "1a5b441a9ee449d68f7ec01384122f70a7c2e2557eb6de6226dc8251f08596c6",
    "HAADF.rawtlt": "790e133ae4e5e309b09b97b6368d393029fb6dfba5074e4ab1e6f4351c85e1e6",
    "HAADF_Aligned.hspy": "9516accf8b273e21a2426ac9f902f5f7b46b6a5120223bb5a5d5a648b9a65b84",
}

EDX_DOI = "10.18434/mds2-3631"
EDX_FILES = "EDX_SI_*.hdf5"
EDX_TILTS = np.linspace(0, 180, 37)


def data_dir() -> Path | None:
    """Return the folder that ``TOMOJUPYTER_DATA_DIR`` names, or None.

    Raises
    ------
    MissingFileError
        If it names a folder that is not there.
    """
    named = os.environ.get(DATA_DIR)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise MissingFileError(f"{DATA_DIR} names {named}, which is no folder")
    return folder


def use_data_dir(folder: str | Path) -> None:
    """Make `folder` the data folder of this process and of the kernels that it starts."""
    os.environ[DATA_DIR] = str(Path(folder).resolve())


def get_needle_data(aligned: bool = False) -> TomoStack:
    """Return the HAADF series of a needle of NIST SRM-2135c: 77 projections of 256 x 256 px.

    Parameters
    ----------
    aligned
        True: the aligned series; False: as acquired.

    Returns
    -------
    TomoStack

    Raises
    ------
    MissingFileError
        If the file is neither there nor can be downloaded; says where to put it.

    Notes
    -----
    Downloaded once and checked by its hash; the folder that ``TOMOJUPYTER_DATA_DIR`` names
    comes first.

    References
    ----------
    Herzing and Taillon, Micron 190 (2025) 103774, doi:10.1016/j.micron.2024.103774. The data
    are NIST's, from the test data of ETSpy.
    """
    if aligned:
        return load(_fetch("HAADF_Aligned.hspy"))
    _fetch("HAADF.rawtlt")
    stack = load(_fetch("HAADF.mrc"))
    # The paper prints this series without a title; a file gives its name as one.
    stack.metadata.General.title = ""
    return stack


def _fetch(name: str) -> Path:
    folder = data_dir()
    if folder is not None and (folder / name).is_file():
        return folder / name
    cache = pooch.os_cache("tomojupyter")
    try:
        return Path(pooch.retrieve(URL + name, f"sha256:{HASHES[name]}", fname=name, path=cache))
    except (OSError, ValueError):
        # The download's own chain of errors tells a person nothing.
        log.info("%s", name, exc_info=True)
        raise MissingFileError(
            f"{name} could not be downloaded from {URL}: put the file into {cache}, or into a "
            f"folder of your own and name that in {DATA_DIR}"
        ) from None


def get_catalyst_data(
    misalign: bool = False,
    minshift: float = -5,
    maxshift: float = 5,
    tiltshift: float = 0,
    tiltrotate: float = 0,
    y_only: bool = False,
    noise: bool = False,
    noise_factor: float = 0.2,
    *,
    size: int = 256,
    tilts: Sequence[float] | np.ndarray | None = None,
    counts: float | None = None,
    seed: int = 0,
) -> TomoStack:
    """Return a simulated series of a catalyst, with its truth.

    Parameters
    ----------
    misalign
        Move every image by random shifts.
    minshift, maxshift
        Their range in px.
    tiltshift
        How far the whole series is moved across the tilt axis (along y), px.
    tiltrotate
        How far the whole series is turned, degrees.
    y_only
        Random shifts along y only.
    noise
        Add Poisson noise.
    noise_factor
        Its standard deviation relative to the mean of the specimen, above 0; 0.2 are 25 counts.
    size
        Width and height of the images in px.
    tilts
        Tilt angles in degrees. None: -72 to 72 by 2.
    counts
        Mean counts a pixel of the specimen, in place of `noise_factor`.
    seed
        Of specimen, shifts and noise.

    Returns
    -------
    TomoStack
        ``simulation.truth_of`` and ``simulation.volume_of`` give the truth.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Notes
    -----
    The keywords are those of ETSpy's function, in its order; `size` and what follows is ours.
    Deliberate differences:

    * The series is simulated (73 exact projections of `size` px), not read from a file of 90
      projections of 600 px.
    * `tiltshift` moves the images across the tilt axis, along y. In ETSpy it moves them along
      x, which is along the axis, and no alignment of the axis can find it.
    * `tiltshift` and `tiltrotate` count without `misalign` too, which means the random shifts.
    * Images are projected where they are moved to, not interpolated, and what comes into the
      field is there, not 0.
    * Noise is Poisson, of counts, not Gaussian.
    * Everything random repeats with `seed`.
    * The shifts are in the truth, as those to apply; ETSpy puts those that were applied into
      ``stack.shifts``, as if they had been corrected.
    """
    if not minshift <= maxshift:
        raise ParameterError(f"minshift must be at most maxshift, got {minshift} and {maxshift}")
    if noise and counts is None:
        if not noise_factor > 0:
            raise ParameterError(f"noise_factor must be more than 0, got {noise_factor}")
        counts = 1 / noise_factor**2
    shifts = None
    if misalign:
        n = 73 if tilts is None else len(np.ravel(tilts))
        shifts = np.random.default_rng(seed).uniform(minshift, maxshift, (n, 2))
        if y_only:
            shifts[:, 1] = 0
    return catalyst_series(
        size,
        tilts,
        shifts=shifts,
        tilt_shift=tiltshift,
        tilt_rotate=tiltrotate,
        counts=counts,
        seed=seed,
    )


def get_demo_data(size: int = 256) -> TomoStack:
    """Return the catalyst that the app starts with: drifted, its axis off and turned, noisy.

    Parameters
    ----------
    size
        Width and height of the images in px.

    Returns
    -------
    TomoStack
    """
    unit = size / 256
    return get_catalyst_data(
        misalign=True,
        minshift=-6 * unit,
        maxshift=6 * unit,
        tiltshift=5 * unit,
        tiltrotate=1.5,
        counts=400,
        size=size,
    )


def get_edx_data() -> Any:
    """Return the X-ray spectra of a needle of NIST SRM-2135c: 37 spectrum images at 0 to 180°.

    Returns
    -------
    exspy.signals.EDSTEMSpectrum
        (x, y, tilt|energy), lazy: 37 tilts of 162 x 128 px and 2048 channels. Its tilts are in
        ``metadata.Tomography.tilts``, where :func:`tomojupyter.spectral.line_maps` looks.

    Raises
    ------
    MissingFileError
        If the files are not there; says how large they are and where to put them. They are too
        large to be downloaded unasked.

    References
    ----------
    Herzing and Taillon, Micron 190 (2025) 103774, doi:10.1016/j.micron.2024.103774; the data
    are NIST's, doi:10.18434/mds2-3631.
    """
    folder = data_dir() or Path(pooch.os_cache("tomojupyter"))
    files = sorted(folder.glob(EDX_FILES))
    if len(files) != len(EDX_TILTS):
        raise MissingFileError(
            f"the 37 spectrum images {EDX_FILES} are needed in {folder}, {len(files)} are there. "
            "They hold 1.57e9 values (37 x 128 x 162 px x 2048 channels, 3.1 GB as 16-bit counts) "
            f"and are not downloaded unasked: get them from https://doi.org/{EDX_DOI} and put "
            f"them there, or name another folder in {DATA_DIR}. "
            "get_simulated_edx_data() needs no files"
        )
    import hyperspy.api as hs

    edx = hs.load([str(file) for file in files], file_format="HSPY", stack=True, lazy=True)
    edx.metadata.set_item("Tomography.tilts", TomoTilts(EDX_TILTS))
    return edx
