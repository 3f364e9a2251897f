"""Shapes of X-ray lines and of the background in the spectrum of a detector."""

from __future__ import annotations

import numpy as np
from scipy.special import erf

SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))  # full width at half maximum of a Gaussian, in sigmas
MANGANESE = 5.8987  # keV, the line at which the resolution of detectors is stated
PER_KEV = 2.5  # broadening by the statistics of charges, eV per eV
NARROWEST = 10.0  # eV, for detectors whose stated width would turn negative at low energy


def width_at(energy_kev: np.ndarray | float, resolution_ev: float = 130.0) -> np.ndarray:
    """Return the full width at half maximum of a line.

    Parameters
    ----------
    energy_kev
        Energy of the line in keV, any shape.
    resolution_ev
        Width at Mn K-alpha in eV.

    Returns
    -------
    numpy.ndarray
        keV, of the shape of `energy_kev`.

    References
    ----------
    C. Fiori and D. Newbury, Scanning Electron Microscopy 1 (1978) 401.
    """
    energy = np.asarray(energy_kev, float)
    square = PER_KEV * 1000 * (energy - MANGANESE) + resolution_ev**2
    return np.sqrt(np.maximum(square, NARROWEST**2)) / 1000


def line_shape(axis_kev: np.ndarray, energy_kev: float, resolution_ev: float = 130.0) -> np.ndarray:
    """Return the share of a line's counts in each channel.

    Parameters
    ----------
    axis_kev
        (nc,) energies at the centres of the channels, evenly spaced.
    energy_kev
        Energy of the line.
    resolution_ev
        Width at Mn K-alpha in eV.

    Returns
    -------
    numpy.ndarray
        (nc,), a Gaussian integrated over each channel; its sum is 1 where it is in range.
    """
    axis = np.asarray(axis_kev, float)
    half = (axis[1] - axis[0]) / 2
    scale = np.sqrt(2) * width_at(energy_kev, resolution_ev) / SIGMA
    upper = erf((axis + half - energy_kev) / scale)
    return (upper - erf((axis - half - energy_kev) / scale)) / 2


def family_shape(
    axis_kev: np.ndarray,
    energies_kev: np.ndarray,
    weights: np.ndarray,
    resolution_ev: float = 130.0,
) -> np.ndarray:
    """Return the share of the counts of several lines in each channel.

    Parameters
    ----------
    axis_kev, resolution_ev
        As for :func:`line_shape`.
    energies_kev, weights
        (k,) energies in keV and relative intensities of the lines.

    Returns
    -------
    numpy.ndarray
        (nc,); its sum is 1 where all lines are in range.
    """
    weights = np.asarray(weights, float)
    shape = sum(
        w * line_shape(axis_kev, float(e), resolution_ev)
        for e, w in zip(energies_kev, weights, strict=True)
    )
    return np.asarray(shape / weights.sum())


def bremsstrahlung(
    axis_kev: np.ndarray, beam_kev: float = 200.0, window: float = 0.45
) -> np.ndarray:
    """Return the shape of the background that slowed electrons make.

    Parameters
    ----------
    axis_kev
        (nc,) energies of the channels.
    beam_kev
        Energy of the electrons.
    window
        Energy in keV below which window and dead layer of the detector take most of it.

    Returns
    -------
    numpy.ndarray
        (nc,), sum 1: Kramers' law times the transmission of the window.

    References
    ----------
    H. A. Kramers, Phil. Mag. 46 (1923) 836, doi:10.1080/14786442308565244.
    """
    energy = np.maximum(np.asarray(axis_kev, float), 0.05)
    shape = (beam_kev - energy) / energy * np.exp(-((window / energy) ** 2))
    shape = np.where(np.asarray(axis_kev) > 0.05, np.maximum(shape, 0), 0)
    return np.asarray(shape / shape.sum())


def hats(axis_kev: np.ndarray, start_kev: float = 0.1, ratio: float = 1.5) -> np.ndarray:
    """Return overlapping triangles that can follow any smooth background.

    Parameters
    ----------
    axis_kev
        (nc,) energies of the channels.
    start_kev
        Energy of the first peak.
    ratio
        Of the energies of neighbouring peaks: wider than lines are, so that they fit none.

    Returns
    -------
    numpy.ndarray
        (k, nc), piecewise linear in the logarithm of the energy; their sum is 1 everywhere.
    """
    last = float(np.max(axis_kev))
    start = min(start_kev, last / ratio)
    count = max(2, int(np.ceil(np.log(last / start) / np.log(ratio))) + 1)
    knots = np.linspace(np.log(start), np.log(last), count)
    place = np.log(np.maximum(np.asarray(axis_kev, float), start))
    return np.stack([np.interp(place, knots, row) for row in np.eye(count)])
