"""Spectral: from spectrum images to maps of elements, and to all of them in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import TomojupyterError
from tomojupyter.spectral.volumes import GUIDE
from tomojupyter.steps.base import make_step
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.spectral_components import ComponentsForm
from tomojupyter.ui.panels.spectral_data import open_file, open_simulated, opened, tilts_differ
from tomojupyter.ui.panels.spectral_lines import LinesForm
from tomojupyter.ui.panels.spectral_look import LookForm
from tomojupyter.ui.panels.spectral_open import OpenForm, SingleMap
from tomojupyter.ui.panels.spectral_results import draw_together
from tomojupyter.ui.panels.spectral_views import MapsView
from tomojupyter.ui.panels.spectral_volumes import SERIES, VolumesForm
from tomojupyter.ui.panels.spectral_work import maps_work, volumes_work
from tomojupyter.ui.views.volume import VolumeView
from tomojupyter.ui.words import capital, seconds_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.panels.spectral_data import OpenSpectra
    from tomojupyter.ui.session import Session

LINES, COMPONENTS, VOLUMES = "Lines", "Components", "Volumes"


class SpectralPanel(OperationPanel):
    """Make maps of a series of spectrum images, and reconstruct all of them together.

    Attributes
    ----------
    spectra : OpenSpectra or None
        What was opened.
    maps : dict
        Name of each line or component to its TomoStack, as they were made last.
    volumes : dict
        Names to RecStacks, as they were reconstructed last.
    """

    panel = "spectral"
    title = "Spectral"
    purpose = (
        "Turn spectra into one map per element. "
        "Good: maps differ, and are dark outside the specimen."
    )
    hint = "spectra to elements"
    icon = "chart-area"
    operations = ("line_maps", "decompose")
    needs = ""
    apply_text = "Reconstruct all"
    preview_text = "Make maps"
    key_card = (("drag", "an edge of a window in the spectrum"), ("click", "what a peak may be"))

    def __init__(self, signal: Any = None, height: int = 600) -> None:
        self.spectra: OpenSpectra | None = None
        self.maps: dict[str, Any] = {}
        self.volumes: dict[str, Any] = {}
        self._kind = LINES
        self._made: tuple[Any, ...] = ()
        self._base: Any = None
        super().__init__(signal, height)
        self.reset.layout.display = "none"

    def _make_form(self) -> None:
        """Return no form: this panel has one for each part."""

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return the spectrum, the maps, and the 3D view in their place."""
        self.views = MapsView(self._edge_moved, self._peak_clicked)
        self.view3d = VolumeView().add_class("tj-view-spectral-6")
        self.view3d.layout.display = "none"
        # Each element has a surface of its own here; the one that this slider moves is not drawn.
        self.view3d.controls.children = [self.view3d.opacity]
        return [self.views.plot, self.views, self.view3d]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return what opens spectra, and the three forms, of which one is seen."""
        self.opener = OpenForm(self.session.folder, self.asked(self.open_file), self.open_simulated)
        self.opener.on_tilts(self._form_changed)
        self.part = widgets.ToggleButtons(options=(LINES, COMPONENTS, VOLUMES), tooltips=[""] * 3)
        self.part.add_class("tj-segments").add_class("tj-spectral-part")
        self.lines = LinesForm(self._form_changed, self._form_changed)
        self.components = ComponentsForm(self._form_changed, self._form_changed)
        self.together = VolumesForm(self._form_changed)
        self.together.explore.on_click(lambda _: self.go_to_stage and self.go_to_stage("explore"))
        self.together.series.on_click(lambda _: self._use_sum(say=True))
        self.look = LookForm(
            self.session, self.views.overlay, self._draw_spectrum, self._form_changed
        )
        self.rebin = widgets.Dropdown(options=[("none", 1), ("2 × 2 px", 2), ("4 × 4 px", 4)])
        self.rebin.add_class("tj-spectral-rebin")
        self.rebin.observe(lambda _: self._form_changed(), "value")
        self._rebin_row = widgets.Box([widgets.Label("Rebin"), self.rebin]).add_class("tj-field")
        self.forms: dict[str, widgets.VBox] = {
            LINES: self.lines, COMPONENTS: self.components, VOLUMES: self.together,
        }  # fmt: skip
        self.part.observe(lambda _: self._part_changed(), "value")
        self.own_controls |= {
            "part": self.part, "rebin": self.rebin, "add": self.lines.add,
            "align": self.together.align, "guide": self.together.guide,
        }  # fmt: skip
        for name, form in self.forms.items():
            form.layout.display = "" if name == LINES else "none"
        self.single = SingleMap(self.session)
        return [
            self.opener,
            self.part,
            *self.forms.values(),
            self._rebin_row,
            self.look,
            self.single,
        ]

    # ------------------------------------------------------------------ opening

    def open_simulated(self) -> bool:
        """Open the simulated series; its dark-field images become the series of the app."""
        return self._open("Simulated EDX", open_simulated)

    def open_file(self, path: Path) -> bool:
        """Open spectra of the data folder."""
        inside = self.opener.files.folder.inside(path)
        return self._open(inside.name, lambda monitor: open_file(inside, monitor))

    def open_signal(self, signal: Any, name: str = "spectra") -> bool:
        """Open exSpy's or HyperSpy's signal of spectra, (x, y, tilt|energy)."""
        return self._open(name, lambda monitor: opened(signal, name, monitor))

    def _open(self, name: str, work: Callable[[Monitor], OpenSpectra]) -> bool:
        return self.session.start(
            f"Opening {name}", work, lambda result: self._opened(result.value)
        )

    def _opened(self, spectra: OpenSpectra) -> None:
        self.spectra, self.maps, self.volumes, self._made = spectra, {}, {}, ()
        self.opener.set(spectra)
        self.single.set({})
        self.look.set(spectra)
        self.components.set({})
        self.together.show_results({}, {}, {})
        self.views.set_spectra(spectra)
        self.lines.set(spectra)
        self.part.value = LINES
        if spectra.beside is not None:
            self.session.replace(spectra.beside, spectra.name, source=spectra.source)
            self._base = self.session.cursor
        elif self.session.signal is None:
            self._use_sum()
        self.together.set_series(self.session, spectra, self.tilts)
        self._form_changed()
        n, ny, nx = spectra.shape
        self.session.say(f"{spectra.name}: {n} spectrum images of {nx} × {ny} px.", "good")

    def _use_sum(self, say: bool = False) -> None:
        """Make the counts of all channels the series of the app, to be aligned there."""
        if self.spectra is None or self.tilts is None:
            return
        self.spectra.use_sum(self.session, self.tilts)
        self._base = self.session.cursor
        if say:
            self.session.say("The series is the sum of all channels: Register aligns it.", "good")

    @property
    def tilts(self) -> tuple[float, ...] | None:
        """Tilts of the spectra in degrees: those typed, else those of the signal."""
        return self.spectra.tilts(self.opener.tilts) if self.spectra is not None else None

    # ------------------------------------------------------------------ showing

    def show(self) -> None:
        """Follow the session: its series may align and guide."""
        self.together.set_series(self.session, self.spectra, self.tilts)
        if self.spectra is None:
            self.views.clear()

    def changed(self) -> None:
        """Draw windows and maps anew."""
        self.soon(self._draw)

    def _part_changed(self) -> None:
        part = self.part.value
        for name, form in self.forms.items():
            form.layout.display = "" if name == part else "none"
        hidden = "none" if part == VOLUMES else ""
        self._rebin_row.layout.display = self.look.layout.display = hidden
        self.single.set(self.maps if part != VOLUMES else {})
        if part != VOLUMES:
            self._kind = part
        in_3d = part == VOLUMES and bool(self.volumes)
        self.view3d.layout.display = "" if in_3d else "none"
        self.views.layout.display = "none" if in_3d else ""
        self._form_changed()

    def _draw(self) -> None:
        if (spectra := self.spectra) is None:
            return
        with self.session.attempt("Preview"):
            by_lines = self._kind == LINES
            elements = spectra.spectra.elements if spectra.energies is not None else ()
            self.views.set_windows(self.lines.windows if by_lines else [], elements)
            self.views.set_components({} if by_lines else self.components.found, self.components)
            made = self.maps if self.up_to_date else {}
            factor = int(self.rebin.value)
            self._draw_spectrum()
            if by_lines:
                self.views.set_lines(self.lines, made, factor, self.tilts)
            else:
                self.views.set_layers(self.components.shown, factor, self.tilts, "components")
            self.views.set_residual(self.look.shown if self.up_to_date else None, self.tilts)

    def _draw_spectrum(self) -> None:
        self.look.draw(self.views, self.components.scree, self.tilts, int(self.rebin.value))

    def _edge_moved(self, name: str, edge: Any, energy: float) -> None:
        with self.session.attempt("Window"):
            self.lines.move(name, edge, energy)

    def _peak_clicked(self, energy: float) -> None:
        self.part.value = LINES
        with self.session.attempt("Peak"):
            self.lines.offer(energy)

    # ------------------------------------------------------------------ steps

    def steps(self) -> list[Step]:
        """Return the Steps in order: maps, their binning, the reconstruction."""
        if self.spectra is None or self.spectra.problem:
            return []
        step = self.together.step()
        if self.together.guided:
            step = step.replace(guide=GUIDE)  # type: ignore[call-arg]
        return [*self._map_steps(), step]

    def _map_steps(self) -> list[Step]:
        typed = self.opener.tilts
        first = self.lines.step(typed) if self._kind == LINES else self.components.step(typed)
        factor = int(self.rebin.value)
        return [first, make_step("trim", "bin", factor=factor)] if factor > 1 else [first]

    @property
    def up_to_date(self) -> bool:
        """Whether `maps` are what the form asks for."""
        try:
            return bool(self.maps) and self._made == tuple(self._map_steps())
        except TomojupyterError:
            return False

    def record_text(self, steps: list[tuple[Step, Step | None]]) -> str:
        """Return the record line, with where the alignment comes from."""
        text = super().record_text(steps)
        if self.together.align.value == SERIES and steps:
            text += f"<div>align_other <b>from</b> {{{self.session.name}}}</div>"
        return text

    def blockers(self) -> list[str]:
        """Return what is missing for volumes, as sentences."""
        found = self._map_blockers()
        if self.spectra is not None and not found and self.together.uses_series:
            theirs = self.session.signal
            assert self.tilts is not None
            if theirs is None:
                return ["There is no series to align by: take none, or load one."]
            differ = tilts_differ(
                self.tilts, [float(t) for t in np.ravel(theirs.tilts.data)], self.session.name
            )
            found += [differ] if differ else []
        return found

    def _map_blockers(self) -> list[str]:
        if self.spectra is None:
            return ["Open a series of spectrum images, or the simulated one."]
        if self.spectra.problem:
            return [self.spectra.problem]
        if self.tilts is None:
            n = self.spectra.shape[0]
            return [f"The spectra bring no tilts along: enter the first one and the step, for {n}."]
        if self._kind == LINES and not self.lines.rows:
            return ["Add an element: there is no line to map."]
        problem = self.components.problem() if self._kind == COMPONENTS else ""
        return [problem] if problem else []

    def cautions(self) -> list[str]:
        """Return what the chosen lines make likely to go wrong."""
        return self.lines.cautions() if self.part.value == LINES else []

    def _check(self) -> None:
        super()._check()
        problem = bool(self._map_blockers())
        try:
            if not problem:
                self._map_steps()
        except TomojupyterError:
            problem = True
        self.preview_button.disabled = problem
        kept = len(self.lines.rows) if self._kind == LINES else len(self.components.kept)
        self.apply.description = f"Reconstruct all {kept}" if kept > 1 else "Reconstruct all"

    # ------------------------------------------------------------------ working

    def preview(self) -> None:
        """Make the maps, in the background."""
        steps = self._map_steps()
        assert self.spectra is not None
        work = maps_work(self.spectra.signal, steps)

        def done(result: Result) -> None:
            self._mapped(result.value, steps, result)

        self.session.start("Maps", work, done)

    def _mapped(self, maps: dict[str, Any], steps: Sequence[Step], result: Result) -> None:
        self.maps, self._made = maps, tuple(steps)
        self.single.set(maps)
        self.look.set_maps(maps, steps)
        if steps[0].operation == "decompose":
            self.components.set(maps)
        self.session._say_with(
            f"{len(maps)} maps took {seconds_text(result.seconds)}.", "good", result.warnings
        )
        self._form_changed()

    def _apply(self) -> None:
        session, steps = self.session, self._map_steps()
        if not session.may_change():
            return
        assert self.spectra is not None
        fresh = self.up_to_date
        kept = self.components.kept if steps[0].operation == "decompose" and fresh else None
        step = self.together.step()
        series = session.signal if self.together.uses_series else None
        work = volumes_work(
            maps_work(self.spectra.signal, steps) if not fresh else None,
            dict(self.maps) if kept is None else kept,
            step,
            series if self.together.align.value == SERIES else None,
            series if self.together.guided else None,
            session.options,
        )

        def done(result: Result) -> None:
            made, volumes, fractions = result.value
            if not fresh:
                self.maps, self._made = made, tuple(steps)
                self.look.set_maps(made, steps)
                if steps[0].operation == "decompose":
                    self.components.set(made)
            self._reconstructed(volumes, fractions, step, result)

        # Maps that are reconstructed one after the other would all end early.
        session.start(capital(step.method), work, done, can_finish=step.together)

    def _reconstructed(
        self, volumes: dict[str, Any], fractions: Any, step: Step, result: Result
    ) -> None:
        session, self.volumes = self.session, volumes
        if not self.together.uses_series and self._belongs_elsewhere():
            self._use_sum()
        source = getattr(self.spectra, "source", None)
        session.add_runs(volumes, step, "Spectral", result.seconds, source)
        colours = (self.lines if self._kind == LINES else self.components).colours
        self.together.show_results(volumes, fractions, colours)
        self.part.value = VOLUMES
        self._part_changed()
        if not self.alone or self.active:
            shown = list(volumes.items())[:4]
            draw_together(self.view3d, [(v.data, colours[name]) for name, v in shown])
        session._say_with(
            f"{len(volumes)} volumes took {seconds_text(result.seconds)}.", "good", result.warnings
        )

    def _belongs_elsewhere(self) -> bool:
        """Tell whether the series of the app is another one than these spectra's."""
        cursor = self.session.cursor
        return cursor is None or self._base is None or cursor.root is not self._base.root

    @property
    def result(self) -> Any:
        """The volumes by name, or None before the first reconstruction."""
        return self.volumes or None

    @classmethod
    def result_line(cls, session: Session, records: list[dict[str, Any]]) -> str:
        """Return what the rail says: how maps were made."""
        names = {"fit": "maps by a fit", "windows": "maps by windows", "NMF": "components"}
        return names.get(str(records[-1]["method"]), "maps") if session and records else cls.hint
