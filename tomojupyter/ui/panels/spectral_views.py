"""Pictures of the Spectral panel: the spectrum, the maps in colours, and one map per element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter import spectral
from tomojupyter.errors import ParameterError
from tomojupyter.steps.xray_lines import line_text
from tomojupyter.ui.panels.spectral_data import (
    Coloured,
    LiveMap,
    Region,
    colour_lut,
    dark_to_bright,
)
from tomojupyter.ui.panels.spectral_lines import MOST_SHOWN
from tomojupyter.ui.panels.spectral_plot import SpectrumPlot
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.words import NM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tomojupyter.ui.panels.spectral_components import ComponentsForm
    from tomojupyter.ui.panels.spectral_data import OpenSpectra
    from tomojupyter.ui.panels.spectral_lines import LinesForm
    from tomojupyter.ui.panels.spectral_plot import Window


LEFT = "left over"
UNEXPLAINED = (0.0, 8.0)
"""Standard deviations that a residual is drawn dark and bright at."""


class MapsView(widgets.HBox):
    """The overlay with its tilt slider, and up to four maps that follow it.

    Parameters
    ----------
    moved, clicked
        As for `SpectrumPlot`, which is `plot`.
    """

    def __init__(
        self, moved: Callable[[str, Any, float], Any], clicked: Callable[[float], Any]
    ) -> None:
        self.plot = SpectrumPlot(moved, clicked).add_class("tj-view-spectral-5")
        self.plot.add_class("tj-low")
        self.overlay = StackView("Overlay").add_class("tj-view-spectral-1").add_class("tj-wide")
        self.pictures = [
            Picture(tools=False, scale_bar=False).add_class(f"tj-view-spectral-map-{k + 1}")
            for k in range(MOST_SHOWN)
        ]
        rows = [
            widgets.HBox(self.pictures[k : k + 2]).add_class("tj-row")
            for k in range(0, MOST_SHOWN, 2)
        ]
        super().__init__([self.overlay, widgets.VBox(rows).add_class("tj-column")])
        self.add_class("tj-row")
        self._spectra: OpenSpectra | None = None
        self._region, self._factor = Region(), 1
        self._components: tuple[Mapping[str, Any], ComponentsForm | None] = {}, None
        self._layers: list[tuple[str, Any, float, float, str]] = []
        self.overlay.on_projection(self._follow)
        self.clear()

    def clear(self) -> None:
        """Say that there is nothing yet."""
        self.plot.clear()
        self.plot.subtitle = ""
        self.overlay.clear("No spectra yet.")
        for picture in self.pictures:
            picture.title = picture.subtitle = ""
            picture.clear("")

    def set_spectra(self, spectra: OpenSpectra) -> None:
        """Show the sum spectrum of a series."""
        self._spectra = spectra
        n, ny, nx = spectra.shape
        self.plot.subtitle = (
            f"{n} tilts, {nx} × {ny} px, {len(spectra.total)} channels: drag an edge of a window; "
            "click a peak"
        )
        self._components = {}, None
        self.plot.set_spectrum(spectra.energies, spectra.total)

    def set_windows(self, windows: Sequence[Window], elements: Sequence[str]) -> None:
        """Draw the windows of lines."""
        self.plot.set_windows(windows, elements)

    def set_spectrum(
        self, region: Region, logarithmic: bool, tilts: Sequence[float] | None, factor: int = 1
    ) -> None:
        """Draw the spectrum of a part of the series, on a logarithmic axis or not."""
        if self._spectra is None:
            return
        self._region, self._factor = region, factor
        self.plot.log_y = logarithmic
        self.plot.set_counts(region.spectrum(self._spectra, factor), region.text(tilts))
        self.set_components(*self._components)

    def set_components(self, found: Mapping[str, Any], form: ComponentsForm | None) -> None:
        """Draw the spectra of components into that of the series."""
        self._components = found, form
        for name in [n for n in self.plot.series if n not in ("sum", LEFT)]:
            self.plot.remove(name)
        if not found or form is None or self._spectra is None or self._spectra.energies is None:
            return
        energies, spectra = spectral.component_spectra(found)
        for name, spectrum in spectra.items():
            maps = found[name].data
            own = self._spectra.shape[1] // maps.shape[1]
            counts = self._region.counts(maps, self._factor, own)
            at, height = self._per_channel(energies, spectrum * counts)
            height[height < 1] = np.nan
            self.plot.set(name, at, height, color=form.colour(name), width=1.6)

    def _per_channel(self, energies: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return energies in keV, and counts of groups of channels as counts of one channel."""
        assert self._spectra is not None
        assert self._spectra.energies is not None
        at = self._spectra.in_kev(energies)
        width = float(np.mean(np.diff(self._spectra.energies)))
        return at, counts / np.maximum(np.gradient(at) / width, 1)

    def set_residual(
        self, found: spectral.Residual | None, tilts: tuple[float, ...] | None
    ) -> None:
        """Show what maps leave unexplained in the place of the overlay; None: the overlay again."""
        self.plot.remove(LEFT)
        self.overlay.title = "Overlay" if found is None else "Residual"
        if found is None or self._spectra is None:
            return
        if self._spectra.energies is not None:
            at, left = self._per_channel(found.energies, found.spectrum)
            if self.plot.log_y:  # less than a count would stretch the axis
                left = np.where(left < 1, np.nan, left)
            self.plot.set(LEFT, at, left, color="#D55E00", width=1.4)
        self.overlay.message = ""
        self.overlay.subtitle = "standard deviations above noise; dark: explained"
        self.overlay.set(found.maps.data, tilts, self._pixel(1))
        self.overlay.contrast(*UNEXPLAINED)

    # ------------------------------------------------------------------ maps

    def set_lines(
        self,
        form: LinesForm,
        made: Mapping[str, Any],
        factor: int,
        tilts: tuple[float, ...] | None,
    ) -> None:
        """Show maps of lines: those that were made, else previews by windows."""
        if self._spectra is None:
            return
        layers = []
        for row, window in zip(form.rows, form.windows, strict=False):
            if not row.shown:
                continue
            if row.name in made:
                layers.append((line_text(row.name), made[row.name], row.colour))
                continue
            try:
                weights = form.row_of(window)
            except ParameterError:  # no channel within: the form says so
                continue
            live = LiveMap(self._spectra.signal.data, weights, factor)
            layers.append((line_text(row.name), live, row.colour))
        self.set_layers(layers, factor, tilts, "counts" if made else "preview by windows")

    def set_layers(
        self,
        layers: Sequence[tuple[str, Any, str]],
        factor: int,
        tilts: tuple[float, ...] | None,
        what: str,
    ) -> None:
        """Show maps by name, TomoStacks or arrays (n, ny, nx), in their colours."""
        arrays = [(name, getattr(maps, "data", maps), colour) for name, maps, colour in layers]
        if not arrays or self._spectra is None:
            self._layers = []
            text = "Make maps: the components are found in all spectra together."
            self.overlay.clear(
                text if what == "components" else "Show a line: none has an open eye."
            )
            for picture in self.pictures:
                picture.title = picture.subtitle = ""
                picture.clear("")
            return
        middle = self.overlay.projection if self.overlay._array is not None else -1
        n = arrays[0][1].shape[0]
        at = middle if 0 <= middle < n else n // 2
        self._layers = [
            (name, maps, *dark_to_bright(np.asarray(maps[at])), colour)
            for name, maps, colour in arrays
        ]
        self.overlay.message = ""
        self.overlay.subtitle = f"{' + '.join(name for name, *_ in arrays)}, {what}"
        self.overlay.set(
            Coloured([layer[1:] for layer in self._layers]), tilts, self._pixel(factor)
        )
        self._follow(self.overlay.projection)

    def _pixel(self, factor: int) -> float | None:
        assert self._spectra is not None
        axis = self._spectra.signal.axes_manager._axes[2]
        unit = NM.get(str(axis.units))
        return float(axis.scale) * unit * factor if unit else None

    def _follow(self, projection: int) -> None:
        """Show the maps of the projection that the overlay shows."""
        for picture, layer in zip(self.pictures, self._layers, strict=False):
            name, maps, lo, hi, colour = layer
            picture.title, picture.accent = name, colour
            picture.lut = colour_lut(colour)
            picture.show(np.asarray(maps[projection]))
            picture.contrast(lo, hi)
        for picture in self.pictures[len(self._layers) :]:
            picture.title = picture.subtitle = picture.accent = ""
            picture.clear("")
