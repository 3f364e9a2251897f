"""What the Spectral panel works on: spectra with their sum, and maps that are made when seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, TomojupyterError
from tomojupyter.formats.spectrum_images import read_spectra
from tomojupyter.numerics.spectral.passes import sums
from tomojupyter.steps.spectra import Spectra
from tomojupyter.ui.sources import EDX, SIMULATED, SUM, Source, simulated_spectra
from tomojupyter.ui.views.paint import added_rgb
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.ui.session import Session


@dataclass(eq=False)
class OpenSpectra:
    """A series of spectrum images, as it was opened.

    Parameters
    ----------
    signal
        exSpy's or HyperSpy's signal (x, y, tilt|energy).
    name
        Its name.
    total
        (nc,) counts of the whole series in each channel.
    images
        (n, ny, nx) counts of each spectrum.
    beside
        A TomoStack that came with the spectra, or None.
    lines
        To begin with; empty: the main lines of the signal's elements.
    source
        Where they can be loaded again; None: nowhere.
    """

    signal: Any
    name: str
    total: np.ndarray
    images: np.ndarray
    beside: Any = None
    lines: tuple[str, ...] = ()
    source: Source | None = None
    spectra: Spectra = field(init=False)

    def __post_init__(self) -> None:
        self.spectra = Spectra(self.signal)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Spectrum images, rows and columns."""
        n, ny, nx, _ = self.signal.data.shape
        return n, ny, nx

    @property
    def energies(self) -> np.ndarray | None:
        """Energies of the channels in keV, or None where the axis is not one of energies."""
        try:
            return self.spectra.energies
        except DataError:
            return None

    @property
    def problem(self) -> str:
        """Why no lines can be looked for, as a sentence, or nothing."""
        try:
            _ = self.spectra.energies
        except DataError as error:
            return f"No energy axis in this series. {capital(str(error))}."
        if not self.total.any():
            return "All spectra are empty: there is nothing to map."
        return ""

    def in_kev(self, values: np.ndarray) -> np.ndarray:
        """Return values on the energy axis, in its own units, in keV."""
        axis = self.signal.axes_manager.signal_axes[0].axis
        return np.interp(values, axis, self.spectra.energies)

    def tilts(self, given: tuple[float, ...] | None) -> tuple[float, ...] | None:
        """Return the tilts in degrees, those of the signal by default; None without any."""
        try:
            return self.spectra.tilts(given)
        except TomojupyterError:
            return None

    def sum_stack(self, tilts: tuple[float, ...]) -> Any:
        """Return the counts of all channels as a TomoStack."""
        return self.spectra.stack(self.images, tilts, f"{self.name}, sum")

    def use_sum(self, session: Session, tilts: tuple[float, ...]) -> None:
        """Make the counts of all channels the series of the app."""
        # Tilts that were typed are not in the file.
        known = self.source if self.tilts(None) == tilts else None
        source = replace(known, kind=SUM) if known is not None and known.path else None
        session.replace(self.sum_stack(tilts), f"{self.name}, sum", source=source)


def opened(signal: Any, name: str, monitor: Monitor, beside: Any = None) -> OpenSpectra:
    """Return a signal with its sums.

    Raises
    ------
    DataError
        If it is no series of spectrum images.
    """
    spectra = Spectra(signal)
    spectra._check()
    total, images = sums(spectra.data, monitor)
    return OpenSpectra(signal, name, total, images, beside)


def open_simulated(monitor: Monitor) -> OpenSpectra:
    """Return the simulated series of a needle, with its dark-field images."""
    made = simulated_spectra()
    found = opened(made.edx, SIMULATED, monitor, made.haadf)
    found.source = Source(kind=EDX)
    # The copper of the holder is in the spectra, but nobody wants a map of it.
    found.lines = ("Si_Ka", "Cr_Ka", "Ni_Ka", "Pt_Ma")
    return found


def open_file(path: Path, monitor: Monitor) -> OpenSpectra:
    """Return the spectra of a file; a file of one tilt stands for all of its kind beside it.

    Raises
    ------
    DataError
        If they cannot be read, or are no spectrum images.
    """
    signal, name, files = read_spectra(path)
    if signal.axes_manager.signal_dimension != 1:
        raise DataError(f"{path.name} holds images, not spectra")
    found = opened(signal, name, monitor)
    found.source = Source.of_file(path) if len(files) == 1 else Source.of_files(files)
    return found


@dataclass(frozen=True)
class Region:
    """A part of a series: all of it, one tilt, or a box of that tilt.

    Parameters
    ----------
    tilt
        Index of the projection; None: all of them.
    box
        x0, y0, x1, y1, half-open, in px of maps; None: the whole image.
    """

    tilt: int | None = None
    box: tuple[int, int, int, int] | None = None

    def spectrum(self, spectra: OpenSpectra, factor: int = 1) -> np.ndarray:
        """Return the counts in each channel, (nc,); a px of the maps is `factor` wide."""
        if self.tilt is None:
            return spectra.total
        return np.asarray(
            spectra.signal.data[(self.tilt, *self._pixels(factor))].sum(axis=(0, 1), dtype=float)
        )

    def counts(self, maps: np.ndarray, factor: int, own: int) -> float:
        """Return the counts of a map (n, ny, nx) whose px are means of `own`^2 of the spectra."""
        part = maps if self.tilt is None else maps[(self.tilt, *self._pixels(factor, own))]
        return float(np.sum(part, dtype=np.float64)) * own**2

    def text(self, tilts: Sequence[float] | None) -> str:
        """Return what it is, as the axis of the spectrum says it."""
        if self.tilt is None:
            return "counts, all tilts"
        at = f"{tilts[self.tilt]:.0f}°".replace("-", "−") if tilts else f"#{self.tilt}"
        return f"counts at {at}" if self.box is None else f"counts in the box at {at}"

    def _pixels(self, factor: int, own: int = 1) -> tuple[slice, slice]:
        if self.box is None:
            return slice(None), slice(None)
        x0, y0, x1, y1 = (factor * edge // own for edge in self.box)
        return slice(y0, y1), slice(x0, x1)


class LiveMap:
    """Maps of one line, each made when it is looked at.

    Parameters
    ----------
    data
        (n, ny, nx, nc).
    row
        (nc,) weight of each channel.
    factor
        Pixels of a block whose mean is shown.
    """

    def __init__(self, data: Any, row: np.ndarray, factor: int = 1) -> None:
        self._data, self._row, self._factor = data, row, factor
        n, ny, nx, _ = data.shape
        self.shape = (n, ny // factor, nx // factor)
        # Only channels that count are read.
        used = np.flatnonzero(row)
        self._part = slice(used[0], used[-1] + 1) if len(used) else slice(0, 1)

    def __getitem__(self, i: int) -> np.ndarray:
        image = np.asarray(self._data[i, ..., self._part], np.float32) @ self._row[self._part]
        f, (_, ny, nx) = self._factor, self.shape
        blocks = image[: ny * f, : nx * f].reshape(ny, f, nx, f)
        return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


class Coloured:
    """Images of several maps in colours, added as light is.

    Parameters
    ----------
    layers
        Of each: the maps (n, ny, nx), the values drawn dark and bright, and the colour.
    """

    def __init__(self, layers: Sequence[tuple[Any, float, float, str]]) -> None:
        self.layers = list(layers)
        self.shape = tuple(layers[0][0].shape)

    def __getitem__(self, i: int) -> np.ndarray:
        return added_rgb([(np.asarray(maps[i]), lo, hi, c) for maps, lo, hi, c in self.layers])


def dark_to_bright(image: np.ndarray) -> tuple[float, float]:
    """Return the values of a map that are drawn dark and bright: vacuum is dark."""
    values = image[np.isfinite(image)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, (25, 99.5))
    low = max(0.0, float(low))
    return low, float(high) if high > low else low + 1.0


def colour_lut(colour: str) -> bytes:
    """Return a colour table (256 x 3 bytes) from black to a colour #rrggbb."""
    ramp = np.linspace(0, 1, 256)[:, None]
    shade = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])
    return np.rint(ramp * shade).astype(np.uint8).tobytes()


def tilts_differ(ours: Sequence[float], theirs: Sequence[float], name: str) -> str:
    """Return the sentence that two series have different tilts, or nothing."""
    a, b = np.asarray(ours, float), np.asarray(theirs, float)
    if len(a) == len(b) and np.allclose(a, b, atol=0.01):
        return ""

    def only(one: np.ndarray, other: np.ndarray) -> list[float]:
        return [float(t) for t in one if not np.any(np.abs(other - t) <= 0.01)]

    def listed(values: list[float]) -> str:
        shown = ", ".join(f"{v:g}°".replace("-", "−") for v in values[:4])
        return shown + (f" and {len(values) - 4} more" if len(values) > 4 else "")

    extra, missing = only(a, b), only(b, a)
    text = f"{name} has {len(b)} tilts, the spectra {len(a)}"
    if not extra and not missing:
        return f"{text}, and their order differs: sort them alike."
    parts = [f"leave out {listed(missing)} in Trim"] if missing else []
    parts += [f"the spectra alone have {listed(extra)}"] if extra else []
    return f"{text}: {'; '.join(parts)}."
