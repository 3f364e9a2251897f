"""The runs that were kept: a table to choose from, and up to three side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.steps import history
from tomojupyter.steps.base import find, make_step
from tomojupyter.ui.panels.reconstruct_facts import run_words
from tomojupyter.ui.saving import save_whole
from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.words import pixel_nm, seconds_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.forms import Form
    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.session import Session
    from tomojupyter.ui.timeline import Node

SIDE_BY_SIDE = 3


def record_of(run: Node) -> dict[str, Any]:
    """Return the record that made a run."""
    return history.read(run.signal)[-1]


def can_go_on(record: dict[str, Any]) -> bool:
    """Tell whether a run can be continued: it has iterations and takes a volume to start from."""
    return bool(record["resolved"].get("iterations")) and "start_volume" in record["resolved"]


def kept_file(run: Node, session: Session) -> Path:
    """Return the file that holds the volume of a run, or the one to write it to."""
    if run.file is not None and run.file.is_file():
        return run.file
    return session.free_name(f"{session.stem.removesuffix(f'_{run.name}')}_{run.name}", ".hspy")


def go_on_step(record: dict[str, Any], path: Path) -> Step:
    """Return the Step that goes on from a run whose volume is in a file.

    The file and its checksum are recorded: an array in memory could not be found by a replay.
    """
    settled = ("iterations", *find("reconstruct", record["method"]).decides)
    values = {**record["asked"], **{name: record["resolved"][name] for name in settled}}
    return make_step("reconstruct", record["method"], **{**values, "start_volume": str(path)})


def continue_run(
    run: Node, session: Session, form: Form, label: str, then: Callable[[Any], None]
) -> None:
    """Make a new run that begins with the volume of another, which is saved first.

    Parameters
    ----------
    run
        To go on from.
    session
        Does the work.
    form
        Is set to what is done.
    label, then
        As for `Session.apply`.
    """
    record, path = record_of(run), kept_file(run, session)

    def work(_monitor: Monitor) -> None:
        if path != run.file:
            save_whole(run.signal, path)

    def done(_result: Result) -> None:
        run.file = path
        step = go_on_step(record, path)
        form.set(step)
        session.apply(step, label=label, then=then)

    session.start(f"Keeping {run.name}", work, done)


def residual_text(record: dict[str, Any]) -> str:
    """Return the residual in % of the start, or a dash where the method has none."""
    percent = record.get("scalars", {}).get("residual_percent")
    return f"{percent:.1f} %" if percent is not None else "–"


def residuals_of(run: Node | None) -> tuple[list[float], float, str]:
    """Return the residuals of a run, the norm that counts as 100 %, and what a plot says of it."""
    if run is None:
        return [], 1.0, "log scale"
    record = record_of(run)
    scalars = record.get("scalars", {})
    residuals = scalars.get("residuals") or []
    if not residuals:
        return [], 1.0, f"{record['method']} has no iterations"
    start = 100 * residuals[-1] / (scalars.get("residual_percent") or 100.0)
    return residuals, start, f"log scale, run {run.name}"


def _cell(html: str, width: int, align: str = "right") -> widgets.HTML:
    cell = widgets.HTML(f'<div style="text-align:{align}">{html}</div>').add_class("tj-file-note")
    cell.layout.flex = f"0 0 {width}px"
    return cell


class RunsTable(widgets.VBox):
    """A row for each run: eye, method and parameters, residual, time, star.

    Parameters
    ----------
    choose
        Called with a run that a person clicked.
    look
        Called with a run whose eye was clicked.
    go_on
        Called with a run that is to be continued.
    """

    def __init__(
        self,
        choose: Callable[[Node], Any],
        look: Callable[[Node], Any],
        go_on: Callable[[Node], Any],
    ) -> None:
        self._choose, self._look, self._go_on = choose, look, go_on
        self.more: dict[str, widgets.Button] = {}
        self.buttons: dict[str, widgets.Button] = {}
        self.eyes: dict[str, widgets.Button] = {}
        self.head = widgets.HTML()
        self.rows = widgets.VBox().add_class("tj-files").add_class("tj-reconstruct-runs")
        self.rows.layout.max_height = "none"
        super().__init__([self.head, self.rows])
        self.add_class("tj-card")
        self.show([], None, [])

    def show(self, runs: Sequence[Node], chosen: Node | None, seen: Sequence[Node]) -> None:
        """Show the runs; the chosen one has the star, those seen side by side an open eye."""
        self.buttons, self.eyes, self.more = {}, {}, {}
        note = "click = choose; eye = side by side below" if runs else ""
        self.head.value = f"<h2>Runs kept <span>{note}</span></h2>"
        self.rows.layout.display = "" if runs else "none"
        if not runs:
            self.head.value += (
                '<p class="tj-grey">Each reconstruction is kept here, to compare.</p>'
            )
        self.rows.children = [self._row(run, run is chosen, run in seen) for run in runs]

    def _row(self, run: Node, chosen: bool, seen: bool) -> widgets.Widget:
        record = record_of(run)
        eye = widgets.Button(icon="eye" if seen else "eye-slash")
        eye.tooltip = f"{'Hide' if seen else 'Show'} {run.name} side by side"
        eye.layout.flex = "0 0 34px"
        eye.add_class(f"tj-reconstruct-eye-{run.name.lower()}")
        eye.on_click(lambda _: self._look(run))
        button = widgets.Button(description=f"{run.name}  {run_words(record)}")
        button.tooltip = f"Choose {run.name}: Explore and Save use it"
        button.add_class(f"tj-reconstruct-run-{run.name.lower()}")
        button.on_click(lambda _: self._choose(run))
        self.buttons[run.name], self.eyes[run.name] = button, eye
        count = record["resolved"].get("iterations")
        more = widgets.Button(description=f"+{count}" if can_go_on(record) else "")
        more.tooltip = f"Continue: a new run of {count} more iterations, from {run.name}"
        more.disabled = not can_go_on(record)
        more.layout.flex, more.layout.min_width = "0 0 48px", "48px"
        more.add_class(f"tj-reconstruct-more-{run.name.lower()}")
        more.on_click(lambda _: self._go_on(run))
        self.more[run.name] = more
        star = '<i class="fa fa-star" role="img" aria-label="chosen"></i>' if chosen else ""
        row = widgets.HBox(
            [
                eye, button, more, _cell(residual_text(record), 56),
                _cell(seconds_text(float(record["seconds"])), 78), _cell(star, 24, "center"),
            ]
        ).add_class("tj-file")  # fmt: skip
        return row.add_class("tj-on") if chosen else row


class RunStrip(widgets.HBox):
    """Up to three runs at the same slice, with common contrast and zoom.

    Parameters
    ----------
    main
        The picture that zooms with them.
    """

    def __init__(self, main: Picture) -> None:
        self.pictures = [
            Picture(tools=k == 0, scale_bar=k == 0).add_class(f"tj-view-reconstruct-{k + 2}")
            for k in range(SIDE_BY_SIDE)
        ]
        link_pictures(*self.pictures, camera=False)
        link_pictures(main, *self.pictures, contrast=False)
        self._shown: list[Node] = []
        super().__init__(self.pictures)
        self.add_class("tj-row")
        self.layout.display = "none"

    def show(self, runs: Sequence[Node], x: int) -> None:
        """Show slice x of each of up to three runs; the contrast is kept while they stay."""
        self.layout.display = "" if runs else "none"
        fresh = list(runs) != self._shown
        self._shown = list(runs)
        slices = [slice_of(run.signal, x) for run in runs]
        for picture, run, image in zip(self.pictures, runs, slices, strict=False):
            record = record_of(run)
            picture.title, picture.subtitle = run.name, run_words(record)
            text = residual_text(record)
            picture.facts = "" if text == "–" else text
            picture.pixel_nm = pixel_nm(run.signal)
            picture.show(image)
        for picture in self.pictures[len(runs) :]:
            picture.title = picture.subtitle = picture.facts = ""
            picture.clear("Another run appears here.")
        if runs and fresh:
            limits = [percentiles(image) for image in slices]
            lo, hi = min(a for a, _ in limits), float(np.median([b for _, b in limits]))
            for picture in self.pictures:
                picture.contrast(lo, max(lo, hi))


def slice_of(volume: Any, x: int) -> np.ndarray:
    """Return slice x of a RecStack, (nz, ny); the last one where it has fewer."""
    return np.asarray(volume.data[min(x, len(volume.data) - 1)])


def chosen_run(runs: Sequence[Node], volume: Any) -> Node | None:
    """Return the run whose volume Explore and Save use."""
    return next((run for run in runs if run.signal is volume), None)


def toggled(seen: Sequence[Node], run: Node) -> list[Node]:
    """Return the runs side by side after a click on an eye; the one longest there makes room."""
    if run in seen:
        return [other for other in seen if other is not run]
    return [*seen, run][-SIDE_BY_SIDE:]
