"""Counts of a line above the background beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.shapes import width_at

if TYPE_CHECKING:
    from collections.abc import Sequence


def line_windows(
    energy_kev: float, resolution_ev: float, widths: float = 2.0
) -> tuple[float, float, tuple[float, float, float, float]]:
    """Return the window of a line, and the two beside it for the background, in keV.

    Parameters
    ----------
    energy_kev, resolution_ev, widths
        As for :func:`window_row`.

    Returns
    -------
    low, high
        Of the window about the line.
    background
        Left, right, left, right of two windows, each as wide as the line.
    """
    width = float(width_at(energy_kev, resolution_ev))
    half = widths * width / 2
    near, far = half + width / 2, half + 1.5 * width
    beside = (energy_kev - far, energy_kev - near, energy_kev + near, energy_kev + far)
    return energy_kev - half, energy_kev + half, beside


def window_row(
    axis_kev: np.ndarray,
    energy_kev: float,
    resolution_ev: float,
    widths: float = 2.0,
    background: Sequence[float] | None = None,
) -> np.ndarray:
    """Return the row whose product with a spectrum is the net counts of a line.

    Parameters
    ----------
    axis_kev
        (nc,) energies of the channels.
    energy_kev
        Energy of the line.
    resolution_ev
        Width of Mn K-alpha in eV.
    widths
        Width of the window about the line, in widths of the line.
    background
        Two windows in keV (left, right, left, right), whose mean is taken off. None: windows
        as wide as a width of the line, at both sides of the line's; empty: none is taken off.

    Returns
    -------
    numpy.ndarray
        (nc,): 1 in the window of the line, negative in those of the background.

    Raises
    ------
    ParameterError
        If a window has no channel.
    """
    low, high, beside_line = line_windows(energy_kev, resolution_ev, widths)
    inside = _within(axis_kev, low, high)
    if background is None:
        background = beside_line
    row = inside.astype(float)
    if background:
        beside = np.zeros(len(axis_kev), bool)
        for low, high in zip(background[::2], background[1::2], strict=True):
            if not low < high:
                raise ParameterError(
                    f"a background window goes from left to a larger right, got {low} to {high} keV"
                )
            beside |= _within(axis_kev, low, high)
        row -= beside * inside.sum() / beside.sum()
    return row


def _within(axis: np.ndarray, low: float, high: float) -> np.ndarray:
    inside = (axis >= low) & (axis < high)
    if not inside.any():
        raise ParameterError(
            f"the window from {low:.3g} to {high:.3g} keV has no channel: the spectra go from "
            f"{axis[0]:.3g} to {axis[-1]:.3g} keV, {axis[1] - axis[0]:.3g} each"
        )
    return np.asarray(inside)
