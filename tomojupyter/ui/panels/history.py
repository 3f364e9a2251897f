"""History: every step in words, a way back to each, and the recipe to take along."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.errors import ParameterError
from tomojupyter.steps import Recipe
from tomojupyter.ui.panel import OperationPanel
from tomojupyter.ui.panels.history_rows import StateRow, replay_sentence, replayed
from tomojupyter.ui.style import field_row, section, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.ui.jobs import Result
    from tomojupyter.ui.timeline import Node

FORMS = ("YAML", "Python")
SAME, ANEW = "same values", "decide anew"


class HistoryPanel(OperationPanel):
    """See every step, go back, and take the recipe along."""

    panel = "history"
    title = "History"
    purpose = (
        "See every step, go back to any of them, and take the work with you. "
        "Good: the recipe alone gives the same result."
    )
    icon = "history"
    needs = ""

    def __init__(self, signal: Any = None, height: int = 600) -> None:
        super().__init__(signal, height)
        for part in (self.apply, self.reset, self.record):
            part.layout.display = "none"

    def build(self) -> Sequence[widgets.Widget]:
        """Return the list of states and the recipe as text."""
        self.rows = widgets.VBox([]).add_class("tj-history-list").add_class("tj-files")
        self.form_of = widgets.ToggleButtons(options=FORMS, tooltips=["", ""])
        self.form_of.add_class("tj-history-form")
        self.text = widgets.Textarea(disabled=False).add_class("tj-history-text")
        self.text.tooltip = "The steps, to select and copy"
        self.text.layout.width, self.text.layout.height = "100%", "100%"
        self.form_of.observe(lambda _: self._write(), "value")
        head = widgets.HTML("<h2>What was done <span>click a row to go there</span></h2>")
        states = widgets.VBox([head, self.rows]).add_class("tj-card")
        recipe = widgets.VBox(
            [widgets.HTML("<h2>Recipe <span>select and copy, or export</span></h2>"),
             self.form_of, self.text]
        )  # fmt: skip
        return [states, recipe.add_class("tj-card").add_class("tj-history-recipe")]

    def extras(self) -> Sequence[widgets.Widget]:
        """Return the name of the export, and the buttons."""
        self.values = widgets.Dropdown(options=(SAME, ANEW)).add_class("tj-history-values")
        self.values.tooltip = "The values that were used, or every automatic one decided anew"
        self.file = widgets.Text("", placeholder="recipe").add_class("tj-history-name")
        self.check = self._button("Check by replay", "check", "replay", self._check_by_replay)
        self.check.tooltip = "All steps again on the raw series; then every voxel is compared"
        self.checked = widgets.HTML().add_class("tj-history-checked")
        self._checked_of: Any = None
        self.export = self._button(
            "Export recipe, code, notebook", "file-code", "export", self._export
        )
        self.store = self._button("Save signal", "save", "save", self.session.save)
        self.keep = widgets.Checkbox(
            self.session.keep_volumes, description="each reconstruction too", indent=False
        ).add_class("tj-history-keep")
        self.keep.tooltip = "Going on after a crash reads them from disk in place of redoing them"
        widgets.link((self.session, "keep_volumes"), (self.keep, "value"))
        self.kept = widgets.VBox([widgets.HTML(section("Kept on disk")), self.keep])
        self.kept.layout.display = "none" if self.session.store is None else ""
        self.own_controls |= {
            "keep": self.keep,
            "values": self.values,
            "name": self.file,
            "form": self.form_of,
        }
        self.values.observe(lambda _: self._write(), "value")
        return [
            widgets.HTML(section("Export")),
            field_row("Values", self.values),
            field_row("Name", self.file),
            widgets.HBox([self.export]).add_class("tj-buttons"),
            widgets.HTML(
                "<p>Run it on another file: <code>tomojupyter run recipe.yaml series.mrc "
                "volume.hspy</code></p>"
            ).add_class("tj-heading"),
            widgets.HTML(section("Check")),
            widgets.HBox([self.check]).add_class("tj-buttons"),
            self.checked,
            widgets.HTML(section("Keep")),
            widgets.HBox([self.store]).add_class("tj-buttons"),
            self.kept,
        ]

    def show(self) -> None:
        """List the states and write the recipe."""
        nodes = self.session.timeline.nodes
        self.rows.children = [self._row(node) for node in nodes if node is not None] or [
            widgets.HTML("<p>Nothing yet: load a series first.</p>")
        ]
        for button in (self.export, self.store):
            button.disabled = self.session.cursor is None
        self.check.disabled = self.session.cursor is None or self.session.cursor.parent is None
        if self._checked_of is not self.target:
            self.checked.value = ""
        self._write()

    def _row(self, node: Node) -> StateRow:
        # A state is indented for each place where the work went on in more than one way.
        parents = [n.parent for n in self.session.timeline.nodes]
        depth = sum(1 for n in node.line() if n.parent and parents.count(n.parent) > 1)
        return StateRow(node, depth, node is self.session.cursor, self.session.go_to)

    @property
    def target(self) -> Any:
        """The signal whose recipe is shown: the reconstruction if there is one."""
        return self.session.volume if self.session.volume is not None else self.session.result

    def recipe(self) -> Recipe:
        """Return the recipe that is shown."""
        return Recipe.of(self.target, resolved=self.values.value == SAME)

    def _write(self) -> None:
        if self.target is None:
            self.text.value = ""
            return
        recipe = self.recipe()
        self.text.value = recipe.to_yaml() if self.form_of.value == "YAML" else recipe.to_code()

    def _export(self) -> None:
        """Write the recipe and the notebook into the data folder, under names that are free."""
        name = file_name(self.file.value or f"{Path(self.session.name).stem}_recipe")
        folder = self.session.results
        stem, count = name, 1
        while any((folder / f"{stem}{end}").exists() for end in (".yaml", ".py", ".ipynb")):
            count += 1
            stem = f"{name}_{count}"
        recipe = self.recipe()
        (folder / f"{stem}.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        (folder / f"{stem}.py").write_text(recipe.to_code(), encoding="utf-8")
        recipe.to_notebook(folder / f"{stem}.ipynb")
        where = self.session.where(folder / stem)
        self.session.say(f"Wrote {stem}.yaml, {stem}.py and {stem}.ipynb in {where}.", "good")

    def _check_by_replay(self) -> None:
        """Do everything again from the raw series, in the background, and compare the pixels."""
        assert self.session.cursor is not None
        root, made = self.session.cursor.root, self.target

        def done(result: Result) -> None:
            text, kind = replay_sentence(result.value, root.name)
            self.checked.value = sentence(text, kind)
            self._checked_of = made
            self.session.say(text, kind)

        self.session.start("Replay", lambda monitor: replayed(root, made, monitor), done)


def file_name(text: str) -> str:
    """Return a name for files in the data folder.

    Raises
    ------
    ParameterError
        If it would lead out of the folder or is no name.
    """
    name = text.strip().removesuffix(".yaml").removesuffix(".ipynb")
    if not name or name != Path(name).name or name.startswith(".") or "\\" in name:
        raise ParameterError(
            f"name must be that of a file in the data folder, without folders, got {text!r}"
        )
    return name
