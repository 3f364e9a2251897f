"""What Steps need of a HyperSpy or exSpy signal of spectra, which itself stays as it is."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, ParameterError, TiltsError
from tomojupyter.steps import history
from tomojupyter.steps.base import Step, param
from tomojupyter.steps.xray_lines import families_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomojupyter.steps.xray_lines import Family

SPECTRA = "spectra"
ORIGIN = "Tomojupyter.spectra"
MAKERS: dict[str, Callable[..., Any]] = {}
"""What makes a signal of our own, by signal type; the layer of signals fills it in."""

DETECTOR = "Acquisition_instrument.{}.Detector.EDS.energy_resolution_MnKa"
DEFAULT_RESOLUTION = 130.0  # eV


class Spectra:
    """A signal of spectra as `run` sees it: a series to read, in which nothing is written.

    Parameters
    ----------
    signal
        A HyperSpy signal with the axes (x, y, tilt|energy).

    Raises
    ------
    DataError
        If it has other axes, or holds no real numbers.
    """

    _signal_type = SPECTRA
    _resampled = 0
    _deferred = False
    _lazy = False  # never loaded as a whole: Steps read an image at a time

    def __init__(self, signal: Any) -> None:
        axes = getattr(signal, "axes_manager", None)
        shape = (axes.navigation_dimension, axes.signal_dimension) if axes is not None else None
        if shape != (3, 1) or signal.data.ndim != 4:
            shown = axes._get_dimension_str() if axes is not None else type(signal).__name__
            raise DataError(
                "a series of spectrum images has the axes (x, y, tilt|energy), got "
                f"{shown}; hs.load([...], stack=True) joins the spectrum images of all tilts"
            )
        if signal.data.dtype.kind not in "buif":
            raise DataError(f"spectra hold real numbers, got {signal.data.dtype}")
        self.signal = signal
        self.metadata = signal.metadata
        self.data = signal.data

    def _check(self, needs_tilts: bool = False) -> None:
        """Raise where one image does not fit into memory."""
        image = 4 * int(np.prod(self.data.shape[1:]))
        free = _free_memory()
        if free is not None and image > free:
            raise DataError(
                f"one spectrum image takes {image / 1e9:.1f} GB in memory and {free / 1e9:.1f} GB "
                "are free: rebin the energy axis or crop the images first"
            )

    def _fingerprint(self) -> str:
        return history.fingerprint(self.data)

    @property
    def origin(self) -> dict[str, Any] | None:
        """What is known of the file that the spectra were loaded from; None if none is."""
        text = self.metadata.get_item(ORIGIN, default="")
        found = json.loads(text) if text else {}
        # A part of them is another signal.
        same = found.get("shape") == [int(n) for n in self.data.shape]
        return found if same else None

    @property
    def energies(self) -> np.ndarray:
        """Energies of the channels in keV.

        Raises
        ------
        DataError
            If the axis is not one of energies.
        """
        axis = self.signal.axes_manager.signal_axes[0]
        factor = {"kev": 1.0, "ev": 1e-3}.get(str(axis.units).lower())
        if factor is None or axis.size < 2:
            raise DataError(
                f"the spectra have no axis of energies: its units are {axis.units}, not keV or eV; "
                'enter it, such as signal.axes_manager[-1].units = "keV", with scale and offset'
            )
        return np.asarray(axis.axis, float) * factor

    @property
    def resolution(self) -> float:
        """Width of Mn K-alpha in eV, as the detector states it, else 130."""
        for kind in ("TEM", "SEM"):
            value = self.metadata.get_item(DETECTOR.format(kind), default=None)
            if value:
                return float(value)
        return DEFAULT_RESOLUTION

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that the signal names, as exSpy's ``set_elements`` and ``set_lines`` do."""
        named = list(self.metadata.get_item("Sample.elements", default=None) or ())
        lines = self.metadata.get_item("Sample.xray_lines", default=None) or ()
        named += [line.partition("_")[0] for line in lines]
        return tuple(dict.fromkeys(map(str, named)))

    def tilts(self, given: tuple[float, ...] | None) -> tuple[float, ...]:
        """Return the tilts, those that the signal brings along if none are given.

        Raises
        ------
        TiltsError
            If there are none, or another number of them than of spectrum images.
        """
        stored = self.metadata.get_item("Tomography.tilts", default=None)
        if given is None and stored is None:
            raise TiltsError(
                "the spectra bring no tilts along: give them, one a spectrum image, in degrees"
            )
        angles = np.ravel(stored.data if given is None else given).astype(float)  # type: ignore[union-attr]
        if len(angles) != len(self.data):
            raise TiltsError(
                f"{len(self.data)} spectrum images but {len(angles)} tilts: "
                "give one tilt angle an image, in their order"
            )
        return tuple(float(a) for a in angles)

    def middles(self, edges: np.ndarray) -> np.ndarray:
        """Return the middles of groups of channels, in units of the energy axis.

        Parameters
        ----------
        edges
            (c + 1,) first channels of the groups, and the end of the last.
        """
        middles = (edges[:-1] + edges[1:] - 1) / 2
        axis = self.signal.axes_manager.signal_axes[0].axis
        return np.interp(middles, np.arange(len(axis)), axis)

    def stack(self, images: np.ndarray, tilts: tuple[float, ...], title: str) -> Any:
        """Return a TomoStack of images (n, ny, nx) of the same field."""
        made = MAKERS["TomoStack"](np.ascontiguousarray(images, np.float32), np.array(tilts))
        for axis, known in zip(
            made.axes_manager._axes[1:], self.signal.axes_manager._axes[1:3], strict=True
        ):
            axis.scale, axis.offset, axis.units = known.scale, known.offset, known.units
        made.metadata.General.title = title
        return made


@dataclass(frozen=True, kw_only=True)
class SpectralStep(Step):
    """Base of Steps that make several series of a series of spectrum images."""

    on = SPECTRA
    tilts: tuple[float, ...] | None = param(
        None, "tilt angle of each spectrum image", unit="deg", auto="those of the signal"
    )


def lines_in_range(elements: Mapping[str, Any], energies: np.ndarray) -> dict[str, list[Family]]:
    """Return the families of lines of each element within the range of energies.

    Raises
    ------
    ParameterError
        If an element has none there.
    """
    low, high = max(0.1, float(energies[0])), float(energies[-1])
    found = {}
    for element in elements:
        cut = (family.within(low, high) for family in families_of(element))
        found[element] = [family for family in cut if family is not None]
        if not found[element]:
            raise ParameterError(
                f"{element} has no line between {low:.3g} and {high:.3g} keV, the range of the "
                "spectra: leave it out"
            )
    return found


def _free_memory() -> int | None:
    """Return the bytes of memory that are free, or None where the system does not tell."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
