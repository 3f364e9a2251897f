"""How spectra are opened in the Spectral panel: files, or the simulated series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.errors import ParameterError
from tomojupyter.ui.fields import ValueText, parse_list, parse_number
from tomojupyter.ui.panels.filelist import FileList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tomojupyter.ui.panels.spectral_data import OpenSpectra
    from tomojupyter.ui.session import Session


class OpenForm(widgets.VBox):
    """The list of files, the simulated series, and tilts where the spectra bring none.

    Parameters
    ----------
    folder
        The data folder.
    chosen
        Called with the path of a file.
    simulated
        Called for the simulated series.
    """

    def __init__(
        self, folder: Path, chosen: Callable[[Path], Any], simulated: Callable[[], Any]
    ) -> None:
        self._spectra: OpenSpectra | None = None
        self.builtin = widgets.Button(description="Simulated EDX series", icon="cube")
        self.builtin.tooltip = "A needle of known composition; nothing is downloaded"
        self.builtin.add_class("tj-spectral-builtin")
        self.builtin.on_click(lambda _: simulated())
        self.other = widgets.Button(description="Open other spectra", icon="folder-open")
        self.other.add_class("tj-spectral-other")
        self.other.on_click(lambda _: self._toggle())
        self.files = FileList(folder, chosen)
        self.first = ValueText(placeholder="first, such as −70", continuous_update=False)
        self.increment = ValueText(placeholder="step, such as 5", continuous_update=False)
        self.first.add_class("tj-spectral-first")
        self.increment.add_class("tj-spectral-increment")
        self.first.tooltip = "Tilt of the first spectrum image, or one angle for each"
        pair = widgets.HBox([self.first, self.increment])
        self.row = widgets.Box([widgets.Label("First, step"), pair, widgets.HTML("°")])
        self.row.add_class("tj-field")
        self.row.layout.display = "none"
        self.list = widgets.VBox([self.files, widgets.HBox([self.builtin]).add_class("tj-buttons")])
        self.again = widgets.HBox([self.other]).add_class("tj-buttons")
        self.again.layout.display = "none"
        super().__init__([self.list, self.again, self.row])

    def set(self, spectra: OpenSpectra) -> None:
        """Make room for the forms, and ask for tilts if there are none."""
        self._spectra = spectra
        self.list.layout.display = "none"
        self.again.layout.display = ""
        self.first.value = self.increment.value = ""
        self.row.layout.display = "none" if spectra.tilts(None) else ""

    def on_tilts(self, call: Callable[[], Any]) -> None:
        """Call when tilts were typed."""
        for control in (self.first, self.increment):
            control.observe(lambda _: call(), "value")

    @property
    def tilts(self) -> tuple[float, ...] | None:
        """Tilts in degrees as typed, or None where nothing (or nothing readable) was."""
        if self._spectra is None or not self.first.value.strip():
            return None
        try:
            if not self.increment.value.strip():
                return tuple(float(t) for t in parse_list(self.first.value))
            start = float(parse_number(self.first.value))
            step = float(parse_number(self.increment.value))
        except (ValueError, ParameterError):
            return None
        return tuple(start + step * k for k in range(self._spectra.shape[0]))

    def _toggle(self) -> None:
        hidden = self.list.layout.display == "none"
        self.list.layout.display = "" if hidden else "none"
        if hidden:
            self.files.update()


class SingleMap(widgets.Box):
    """Takes one map out: it becomes the series of the app, for all that is done to such.

    Parameters
    ----------
    session
        Of the app.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._maps: dict[str, Any] = {}
        self.which = widgets.Dropdown().add_class("tj-spectral-which")
        self.button = widgets.Button(description="as series", icon="layer-group")
        self.button.tooltip = "Work on this map alone, in the other panels"
        self.button.add_class("tj-spectral-single")
        self.button.on_click(lambda _: self._take())
        super().__init__([widgets.Label("One map"), self.which, self.button])
        self.add_class("tj-field")
        self.set({})

    def set(self, maps: Mapping[str, Any]) -> None:
        """Offer these maps by name."""
        self._maps = dict(maps)
        before = self.which.value
        self.which.options = tuple(self._maps)
        # A list that began empty chooses nothing by itself.
        self.which.value = before if before in self._maps else next(iter(self._maps), None)
        self.layout.display = "" if self._maps else "none"

    def _take(self) -> None:
        name = self.which.value
        if name in self._maps and self._session.may_change():
            self._session.replace(self._maps[name], name)
            self._session.say(f"{name} is the series of the app now; Undo brings the other back.")
