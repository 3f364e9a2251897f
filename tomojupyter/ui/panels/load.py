"""Load: choose a series, see what was read, and enter what the file does not say."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter import api as tomo
from tomojupyter.errors import DataError, MissingFileError, TomojupyterError
from tomojupyter.steps.base import make_step
from tomojupyter.steps.run import run
from tomojupyter.ui.fields import ValueText, parse_number
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.filelist import FileList
from tomojupyter.ui.panels.load_look import SeriesLook
from tomojupyter.ui.panels.load_more import (
    SPECIMEN_HELP,
    SPECIMENS,
    Upload,
    axis_step,
    list_step,
    offer_lists,
    range_step,
    tilts_dropdown,
)
from tomojupyter.ui.panels.load_reading import PartOffer, read_whole, reader
from tomojupyter.ui.panels.noticed import facts_html
from tomojupyter.ui.panels.resume import ResumeCard
from tomojupyter.ui.sources import Source
from tomojupyter.ui.style import field_row, section
from tomojupyter.ui.views.texts import minus
from tomojupyter.ui.words import pixel_nm, size_text, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tomojupyter.steps import Step
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session

FROM_FILE, RANGE, LIST = "as read", "start and step", "list of angles"


class LoadPanel(OperationPanel):
    """Open a series from the data folder, or the built-in one.

    Parameters
    ----------
    signal, height
        As for every panel.
    folder
        The data folder; None: the session's folder.
    """

    panel = "load"
    title = "Load"
    purpose = (
        "Open a tilt series and check what was read. "
        "Good: every frame has its own tilt and the pixel size is known."
    )
    hint = "open a series"
    icon = "folder-open"
    needs = ""
    apply_text = "Use this series"
    opened_text = "Preview only. Nothing is changed until you press Use this series."
    moves_on = True

    def __init__(
        self, signal: Any = None, height: int = 600, *, folder: str | Path | None = None
    ) -> None:
        self._folder = folder
        self.candidate: Any = None
        self.candidate_name = ""
        self.source = ""
        self.origin: Source | None = None
        self._drawn_signal: Any = None
        self._drawn: tuple[bytes, str] = (b"", "")
        super().__init__(signal, height)

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return the projection with thumbnails, two plots, the card and the sinogram."""
        self.pictures = SeriesLook()
        self.view, self.card = self.pictures.view, self.pictures.card
        self.resume = ResumeCard(self.session, lambda: setattr(self.pictures.layout, "display", ""))
        return [self.resume, self.pictures]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the list of files, and tilts and pixel size."""
        root = self._folder or self.session.folder
        self.files = FileList(root, self.asked(self.open_file), self.asked(self.open_series))
        self.upload = Upload(self.session, self.open_file)
        self.catalyst = self._button("Built-in catalyst", "cube", "builtin", self.open_catalyst)
        self.catalyst.tooltip = "A simulated catalyst particle; nothing is downloaded"
        self.says = widgets.HTML()
        self.tilts = widgets.Dropdown(options=[FROM_FILE, RANGE, LIST])
        self.start = ValueText(placeholder="−76", continuous_update=False)
        self.increment = ValueText(placeholder="2", continuous_update=False)
        self.list = widgets.Textarea(
            placeholder="one angle a frame: −70, −68, ...", rows=3, continuous_update=False
        )
        self.pixel = ValueText(continuous_update=False)
        self.pixel_note = widgets.HTML("nm/px")
        self.axis = ValueText(continuous_update=False)
        self.axis.tooltip = "As SerialEM and FEI give it: 0 along y, 90 and −90 along x"
        self._range_row = field_row("First, step", widgets.HBox([self.start, self.increment]), "°")
        self.tilts_file = tilts_dropdown(
            self.session, lambda text: setattr(self.list, "value", text)
        )
        self._list_row = widgets.VBox(
            [field_row("From a file", self.tilts_file), field_row("Tilts", self.list, "°")]
        )
        self.specimen = widgets.Dropdown(options=SPECIMENS, tooltip=SPECIMEN_HELP)
        widgets.link((self.session, "specimen"), (self.specimen, "value"))
        rows = [
            field_row("Take tilts", self.tilts),
            self._range_row,
            self._list_row,
            field_row("Pixel size", self.pixel, self.pixel_note),
            field_row("Tilt axis", self.axis, "° from y"),
            field_row("Specimen", self.specimen),
        ]
        self.own_controls = {
            "tilts": self.tilts, "start": self.start, "increment": self.increment,
            "list": self.list, "pixel": self.pixel, "axis": self.axis, "filter": self.files.needle,
        }  # fmt: skip
        self.own_controls |= {"specimen": self.specimen, "tiltsfile": self.tilts_file}
        for name, control in self.own_controls.items():
            control.add_class(f"tj-load-{name}")
            if name not in ("filter", "specimen", "tiltsfile"):
                control.observe(lambda _: self._form_changed(), "value")
        self.details = widgets.VBox([widgets.HTML(section("What the file says")), self.says, *rows])
        buttons = widgets.HBox([self.catalyst]).add_class("tj-buttons")
        self.part = PartOffer(self.asked(self.open_file))
        return [self.files, self.part, buttons, self.upload, self.details]

    # ------------------------------------------------------------------ choosing

    def open_file(self, path: str | Path, sections: int | None = None) -> None:
        """Read a file of the data folder and show it; nothing is changed yet.

        Parameters
        ----------
        path
            Within the folder.
        sections
            How many to read of a file that ends early; None: all.
        """
        whole = self.files.folder.inside(path)
        if not whole.exists():
            self.files.update()
            raise MissingFileError(f"{whole.name} is not in the data folder any more")
        if self.resume.found(whole):
            return
        self.resume.close()
        size = whole.stat().st_size
        work = self.part.watched(reader(whole, size, sections), whole)
        origin = Source.of_file(whole, sections)
        self._begin(whole.name, work, size_text(size), origin, path=whole)

    def open_series(self, paths: Sequence[Path]) -> None:
        """Read files of one tilt each as one series and show it; nothing is changed yet."""
        whole = [self.files.folder.inside(path) for path in paths]
        self.resume.close()
        name, size = whole[0].parent.name, sum(path.stat().st_size for path in whole)
        source = f"{len(whole)} files, {size_text(size)}"
        self._begin(name, reader(whole, size), source, Source.of_files(whole))

    def open_catalyst(self, *, yields: bool = False) -> None:
        """Simulate the built-in series and show it; unless asked for, it yields to other work."""
        self.resume.close()
        self._begin(
            "catalyst", lambda _monitor: tomo.datasets.get_demo_data(), "simulated", Source(),
            yields=yields,
        )  # fmt: skip

    def offer_sessions(self) -> None:
        """Offer what earlier sessions left, while nothing was done in this one yet."""
        if self.session.store is None or self.session.cursor is not None:
            return
        if self.resume.offer(self.session.store.sessions()):
            self.pictures.layout.display = "none"
            # Another series that could be used would be in the way.
            self.candidate = None
            self.refresh()
            self.session.say("Go on from here, or choose a series.")

    def _begin(
        self, name: str, work: Any, source: str, origin: Source | None,
        *, path: Path | None = None, yields: bool = False,
    ) -> None:  # fmt: skip
        before = self.files.chosen_path

        def failed(_text: str) -> None:
            self.files.choose(before)
            self.part.offer()

        def done(result: Result) -> None:
            if self.resume.is_open:  # it was offered while this was read
                return
            self.received(result.value, name, source, origin)

        self.part.hide()
        self.files.choose(path)
        if not self.session.start(name, work, done, failed=failed, yields=yields):
            self.files.choose(before)

    def received(self, signal: Any, name: str, source: str, origin: Source | None) -> None:
        """Show what was read: a series here, a volume in Explore."""
        if signal._signal_type == "RecStack":
            self.session.replace(signal, name, source=origin)
            self.session.say(f"{name} is a reconstruction: Explore shows it.", "good")
            self._applied(signal)
            return
        self.candidate, self.candidate_name, self.source = signal, name, source
        self.origin = origin
        self.reset_form()
        self.refresh()
        self.session.say(self.opened_text)

    @property
    def shown(self) -> Any:
        """The series in the picture: the one just opened, else the session's."""
        return self.candidate if self.candidate is not None else self.session.signal

    def reset_form(self) -> None:
        """Forget what was entered."""
        self.tilts.value = FROM_FILE
        for control in (self.start, self.increment, self.list, self.pixel, self.axis):
            control.value = ""

    # ------------------------------------------------------------------ showing

    def show(self) -> None:
        """Fill all pictures."""
        signal = self.shown
        self.details.layout.display = "none" if signal is None else ""
        first = signal is None and not self.resume.is_open
        (self.catalyst.add_class if first else self.catalyst.remove_class)("tj-main")
        if signal is None:
            text = "Choose a series at the right, or start with the built-in catalyst."
            self.pictures.clear(text)
            return
        size = pixel_nm(signal)
        self.says.value = facts_html(signal, self.source)
        self.pixel.placeholder = f"{size:.4g}" if size else ""
        angle = signal._axis_angle()
        known = signal._axis_angle(of_file=True) if angle is None else angle
        self.axis.placeholder = minus(f"{-90 if known is None else known:.4g}")
        self.pixel_note.value = (
            "nm/px" if size else "nm/px <b class='tj-say-warning'>not in file</b>"
        )
        self._draw(keep_view=False)

    def changed(self) -> None:
        """Show the tilts as they would become."""
        how = self.tilts.value
        if how == LIST and self._list_row.layout.display == "none":
            offer_lists(self.tilts_file, self.files.folder, self.files.place)
        self._range_row.layout.display = "" if how == RANGE else "none"
        self._list_row.layout.display = "" if how == LIST else "none"
        if self.shown is not None and self.active:
            self._draw(keep_view=True)

    def _new_tilts(self) -> np.ndarray:
        """Return the tilts as entered, or as they are where the entry does not fit."""
        n = len(self.shown.data)
        for step in self._steps_or_none():
            values = step.as_dict()
            if "increment" in values:
                return values["start"] + values["increment"] * np.arange(n)
            if len(values.get("tilts", ())) == n:
                return np.array(values["tilts"], float)
        return tilts_of(self.shown)

    def _steps_or_none(self) -> list[Step]:
        try:
            return self.steps()
        except TomojupyterError:
            return []

    def _draw(self, keep_view: bool) -> None:
        signal = self.shown
        tilts = self._new_tilts()
        key = (tilts.tobytes(), self.pixel.value)
        if self._drawn_signal is signal and key == self._drawn:
            return
        self._drawn_signal, self._drawn = signal, key
        size = self._size() or pixel_nm(signal)
        self.pictures.show(signal, tilts, size, keep_view=keep_view)

    # ------------------------------------------------------------------ applying

    def _size(self) -> float | None:
        text = self.pixel.value.strip()
        try:
            return float(parse_number(text)) if text else None
        except ValueError as error:
            raise DataError(f"the pixel size must be a number in nm; got {text!r}") from error

    def steps(self) -> list[Step]:
        """Return set_tilts, set_axis and set_scale where something was entered."""
        steps = []
        if self.tilts.value == RANGE and self.start.value and self.increment.value:
            steps.append(range_step(self.start.value, self.increment.value))
        elif self.tilts.value == LIST and self.list.value.strip():
            steps.append(list_step(self.list.value))
        if self.axis.value.strip():
            steps.append(axis_step(self.axis.value))
        size = self._size()
        return [*steps, make_step("set_scale", "pixel", size=size)] if size is not None else steps

    def record_text(self, steps: list[tuple[Step, Step | None]]) -> str:
        """Return the file, then the Steps."""
        if self.candidate is None:
            return super().record_text(steps)
        name = escape(self.candidate_name)
        line = f'<div><i class="fa fa-file-code" aria-hidden="true"></i>load <b>{name}</b></div>'
        return line + super().record_text(steps)

    def blockers(self) -> list[str]:
        """Return what is missing."""
        text = self._blocker()
        return [text] if text else []

    def _blocker(self) -> str:  # noqa: PLR0911  one line for each thing that can be missing
        if self.shown is None:
            return "Choose a series first."
        steps = {s.operation: s for s in self._steps_or_none()}
        n = len(self.shown.data)
        given = len(getattr(steps.get("set_tilts"), "tilts", ())) or n
        if given != n:
            return f"{n} frames but {given} tilts: give one for each, in the order of the file."
        if self.tilts.value == RANGE and "set_tilts" not in steps:
            return "Enter the first tilt and the step."
        if self.tilts.value == LIST and "set_tilts" not in steps:
            return "Enter the tilts, one for each frame."
        if "set_tilts" not in steps and not tilts_known(self.shown):
            return "The tilts are not known: choose start and step, or a list, and enter them."
        if self.candidate is None and not steps:
            return "This series is in use. Choose another one, or change tilts or pixel size."
        return ""

    def cautions(self) -> list[str]:
        """Return what is worth knowing before going on."""
        if self.shown is None or pixel_nm(self.shown) or self.pixel.value.strip():
            return []
        return ["No pixel size yet. Enter it now, or lengths and volumes stay in pixels."]

    def _apply(self) -> None:
        steps = self.steps()
        if self.candidate is None:
            self.session.apply(*steps, label=self.title, then=self._applied)
            return
        if self.session.busy():  # another file is being read: this would take the one before
            return
        name, origin = self.candidate_name, self.origin
        if self.candidate._lazy and origin is not None:
            self.session.start(
                f"Reading {name}",
                lambda monitor: read_whole(origin, steps, monitor),
                lambda result: self._take(result.value, name, steps),
            )
            return
        made = self.candidate
        for step in steps:  # entries, no pixels: quick enough to do here
            made = run(made, step)
        self._take(made, name, steps)

    def _take(self, made: Any, name: str, steps: list[Step]) -> None:
        """Begin the work with a series."""
        if all(step.operation != "set_axis" for step in steps):  # which turns the images
            self.pictures.adopt(made)
        self.candidate = None
        self.reset_form()
        self.session.replace(made, name, source=self.origin, steps=tuple(steps))
        self.session.say(f"{name} is loaded.", "good")
        self._applied(made)

    @classmethod
    def result_line(
        cls,
        session: Session,
        records: list[dict[str, Any]],  # noqa: ARG003  the series says it all
    ) -> str:
        """Return frames and size."""
        if session.cursor is None:
            return cls.hint
        n, ny, nx = session.cursor.root.shape
        if session.signal is None:
            return f"volume, {n}³" if n == ny == nx else f"volume, {n}×{ny}×{nx}"
        return f"{n} frames, {nx}²" if nx == ny else f"{n} frames, {nx}×{ny}"
