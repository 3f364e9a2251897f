"""Batch: the same steps on many series, by the code of ``tomojupyter batch``."""

from __future__ import annotations

import shlex
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.batch.folder import Batch, Options
from tomojupyter.batch.table import WAITING, Row
from tomojupyter.errors import DataError, TomojupyterError
from tomojupyter.ui.fields import ValueText, parse_number
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.batch_files import EVERY, SeriesList
from tomojupyter.ui.panels.batch_look import SeriesLook
from tomojupyter.ui.panels.batch_recipe import RecipeChoice
from tomojupyter.ui.panels.batch_table import Line, ResultTable
from tomojupyter.ui.panels.batch_work import (
    Planning,
    end_sentence,
    plan_sentence,
    work_through,
)
from tomojupyter.ui.panels.files import DataFolder
from tomojupyter.ui.style import section
from tomojupyter.ui.words import capital

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.steps import Recipe, Step
    from tomojupyter.ui.jobs import Result

NAMES_SHOWN = 2
STOP = "Stop: keep what is done"


class BatchPanel(OperationPanel):
    """Run a recipe on the series of a folder and compare what came of them.

    Parameters
    ----------
    signal, height
        As for every panel; the history of a signal is offered as a recipe.
    folder
        The data folder; None: the session's.

    Attributes
    ----------
    result : Batch or None
        What was run last, with its rows.
    """

    panel = "batch"
    title = "Batch"
    purpose = (
        "Run the same steps on many series. "
        "Good: every row is done, and the figures look alike; odd ones stand out."
    )
    icon = "layer-group"
    needs = ""
    apply_text = "Run"
    preview_text = "Try on the first"

    def __init__(
        self, signal: Any = None, height: int = 600, *, folder: str | Path | None = None
    ) -> None:
        self._folder = folder
        self._batch: Batch | None = None
        self._key: tuple[Any, ...] = ()
        self._running = False
        super().__init__(signal, height)
        self.reset.layout.display = "none"
        self.session.observe(lambda _: self._follow(), "job")

    # ------------------------------------------------------------------ building

    def build(self) -> Sequence[widgets.Widget]:
        """Return the table, and one series before and after."""
        self.look = SeriesLook()
        self.table = ResultTable(self._look_at)
        self.look.add_class("tj-batch-look")
        return [self.table, self.look]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return recipe, series and results."""
        folder = DataFolder(self._folder or self.session.folder)
        self.choice = RecipeChoice(self.session, folder, self._form_changed)
        self.files = SeriesList(folder.root, self._files_changed)
        self.outputs = widgets.Text(continuous_update=False).add_class("tj-batch-outputs")
        self.outputs.tooltip = "Folder of the results, within the data folder"
        self.jobs = ValueText(placeholder="auto", continuous_update=False)
        self.jobs.add_class("tj-batch-jobs")
        self.jobs.tooltip = "Series at a time; auto: one a processor, as far as memory goes"
        self.plan = widgets.HTML().add_class("tj-help").add_class("tj-batch-plan")
        self.skip = widgets.Checkbox(True, description="skip what is done", indent=False)
        self.skip.add_class("tj-batch-skip")
        self.skip.tooltip = "Done is what the same recipe made of the same files"
        self.planning = Planning(self._check)
        self.own_controls = {
            "recipe": self.choice.source, "manual": self.choice.manual,
            "pattern": self.files.needle, "outputs": self.outputs, "jobs": self.jobs,
            "skip": self.skip,
        }  # fmt: skip
        for control in (self.outputs, self.jobs, self.skip):
            control.observe(lambda _: self._form_changed(), "value")
        return [
            self.choice,
            self.files,
            widgets.HTML(section("Results")),
            widgets.Box([widgets.Label("Folder"), self.outputs]).add_class("tj-field"),
            widgets.Box([widgets.Label("At a time"), self.jobs]).add_class("tj-field"),
            self.plan,
            widgets.Box([widgets.Label(""), self.skip]).add_class("tj-field"),
        ]

    # ------------------------------------------------------------------ the form

    @property
    def result(self) -> Batch | None:
        """What was run last, or None."""
        return self._batch

    @property
    def output(self) -> Path:
        """The folder of the results.

        Raises
        ------
        DataError
            If it lies outside of the data folder, or is that of the series.
        """
        text = self.outputs.value.strip()
        root = self._results
        whole = (root / text).resolve() if text else self._usual_output()
        if not whole.is_relative_to(root):
            raise DataError(f"the results stay in {root}, got {text!r}")
        if whole == self.files.place or whole.is_file():
            raise DataError("choose a folder of its own for the results")
        return whole

    @property
    def _results(self) -> Path:
        """The data folder, or the person's own where that cannot be written."""
        if self._folder is not None:
            return self.files.folder.root
        return self.session.results.resolve()

    def _usual_output(self) -> Path:
        root = self._results
        place = self.files.place if root == self.files.folder.root else root
        return place / self.choice.stem

    def options(self) -> Options:
        """Return how the batch is run.

        Raises
        ------
        TomojupyterError
            If a number is wrong.
        """
        text = self.jobs.value.strip()
        try:
            jobs = None if text.lower() in ("", "auto") else int(parse_number(text))
        except ValueError as error:
            raise DataError(f"at a time must be a whole number or auto; got {text!r}") from error
        return Options(
            pattern=self.files.pattern, only=self.files.only, jobs=jobs, again=not self.skip.value
        )

    def _files_changed(self) -> None:
        self.choice.update(self.files.place)
        self._form_changed()

    def _recipe(self) -> Recipe | None:
        try:
            return self.choice.recipe()
        except TomojupyterError:
            return None

    def show(self) -> None:
        """List recipes and series anew."""
        self.table.open_it = self._open_series if self.open_in_app else None
        self.look.open_it = self.open_in_app
        self.files.update()

    def changed(self) -> None:
        """Show the series that are chosen, until a batch has told more of them."""
        self.apply.description = f"Run {len(self.files.ticked) or ''}".strip()
        self.outputs.placeholder = self._within(self._usual_output())
        self._fill()

    def steps(self) -> list[Step]:
        """Return nothing: a batch runs whole recipes, each on its own file."""
        return []

    def blockers(self) -> list[str]:
        """Return what is missing."""
        found = []
        if not self.files.ticked:
            found.append("Choose at least one series.")
        for ask in (self.choice.recipe, lambda: self.output, self.options):
            try:
                ask()
            except TomojupyterError as error:
                found.append(capital(str(error)))
        return found

    def cautions(self) -> list[str]:
        """Return what should be known before many series are worked on."""
        return [*self.choice.cautions(), *self._plan()]

    def _plan(self) -> list[str]:
        """Show what a series takes; return a warning where one does not fit."""
        recipe, jobs = self._recipe(), None
        try:
            jobs = self.options().jobs
        except TomojupyterError:
            recipe = None
        plan = self.planning.plan(self.files.ticked, recipe, jobs) if recipe else None
        text, fits = plan_sentence(plan) if plan else ("", True)
        self.plan.value = f"<p>{escape(text)}</p>" if text else ""
        if fits:
            return []
        return [f"{text}: the largest may not fit. Bin the series in the recipe."]

    def record_text(self, steps: list[tuple[Step, Step | None]]) -> str:  # noqa: ARG002
        """Return the command that does the same."""
        if self._recipe() is None or not self.files.ticked:
            return ""
        try:
            options, output = self.options(), self.output
        except TomojupyterError:
            return ""
        words = ["tomojupyter", "batch", self._within(self.files.place) or "."]
        words += ["--recipe", self._within(self.choice.file() or output / "recipe.yaml")]
        words += ["--output", self._within(output)]
        words += ["--pattern", options.pattern] if options.pattern != EVERY else []
        words += ["--jobs", str(options.jobs)] if options.jobs else []
        words += ["--again"] if options.again else []
        words += ["--only"] if options.only else []
        command = shlex.join([*words, *options.only])
        shown = shlex.join([*words, *options.only[:NAMES_SHOWN]])
        more = len(options.only) - NAMES_SHOWN
        rest = f" +{more}" if more > 0 else ""
        return (
            f'<div title="In the data folder: {escape(command, quote=True)}">'
            f'<i class="fa fa-file-code" aria-hidden="true"></i>{escape(shown)}{rest}</div>'
        )

    def _within(self, path: Path) -> str:
        """Return a path as seen from the data folder."""
        root = self.files.folder.root
        inside = path.is_relative_to(root)
        return (str(path.relative_to(root)) if inside else str(path)).removeprefix(".")

    # ------------------------------------------------------------------ running

    def preview(self) -> None:
        """Do the first series only."""
        self._run(1)

    def _apply(self) -> None:
        self._run(None)

    def _run(self, most: int | None) -> None:
        if self.session.busy():
            return
        output = self.output
        batch = Batch(self.files.place, self._recipe_file(output), output, self.options())
        self._batch, self._key, self._running = batch, self._chosen_key(), True
        where = self._within(output)
        self._fill()

        def failed(_text: str) -> None:
            self._running = False
            self._fill()

        def done(result: Result) -> None:
            self._running = False
            self._fill()
            self.session.say(*end_sentence(batch, result.value, most, where))
            first = batch.jobs[0].name
            if most is not None and result.value:
                self.table.select(first)
            elif self.table.selected:
                self._look_at(self.table.selected)

        self.session.start(
            self.title, lambda monitor: work_through(batch, monitor, most), done,
            stop_text=STOP, failed=failed,
        )  # fmt: skip

    def _recipe_file(self, output: Path) -> Path:
        """Return the file of the recipe; one that is in no file yet is written to the results."""
        known = self.choice.file()
        if known is not None:
            return known
        text = self.choice.recipe().to_yaml()
        output.mkdir(parents=True, exist_ok=True)
        path, count = output / "recipe.yaml", 1
        while path.exists() and path.read_text(encoding="utf-8") != text:
            count += 1
            path = output / f"recipe_{count}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def _follow(self) -> None:
        """Show how far the series are, while a batch is at work."""
        if self.active and self._running and self.session.job is not None:
            self._fill()

    # ------------------------------------------------------------------ showing

    def _chosen_key(self) -> tuple[Any, ...]:
        recipe = self._recipe()
        text = recipe.to_yaml() if recipe else ""
        return (self.files.place, tuple(self.files.ticked), self.outputs.value, text)

    def _fill(self) -> None:
        """Show the rows of the batch, or those that it would have."""
        batch = self._batch
        if batch is not None and (self._running or self._key == self._chosen_key()):
            at = dict(batch.at)
            self.table.show({n: Line(row, at.get(n, "")) for n, row in batch.rows.items()})
            return
        chosen = [path.name for path in self.files.ticked]
        self.table.show({name: Line(Row(name, WAITING)) for name in chosen})

    def _open_series(self, name: str) -> None:
        if self.open_in_app is not None:
            self.open_in_app(self._paths(name)[0])

    def _paths(self, name: str) -> tuple[Path, Path]:
        """Return the files of a series and of its result."""
        jobs = self._batch.jobs if self._batch is not None else []
        found = next((job for job in jobs if job.name == name), None)
        if found is not None:
            return found.source, found.target
        return self.files.place / name, self.output / f"{Path(name).stem}.hspy"

    def _look_at(self, name: str) -> None:
        with self.session.attempt(self.title):
            self.look.show(self.table.lines[name], *self._paths(name))
