"""Which recipe a batch does: of the session or of a file, and whether what is by hand stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.batch import read_recipe
from tomojupyter.batch.folder import check_one_signal
from tomojupyter.errors import RecipeError, TomojupyterError
from tomojupyter.steps.recipe import Recipe
from tomojupyter.ui.panels.batch_manual import automatic, frozen, manual_values, recipe_html
from tomojupyter.ui.style import section

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.ui.panels.files import DataFolder
    from tomojupyter.ui.session import Session

SESSION = "session"
BY_HAND, AUTOMATIC = "as set by hand", "automatic"
ENDINGS = (".yaml", ".yml")
RESULT = "reconstruct"
HEAD = 200
"""Characters of a file within which a recipe says that it is one."""


class RecipeChoice(widgets.VBox):
    """The recipe of the session or one of the data folder, in words.

    Parameters
    ----------
    session
        Whose steps are offered.
    folder
        The data folder.
    changed
        Called when another recipe is chosen.
    """

    def __init__(self, session: Session, folder: DataFolder, changed: Callable[[], object]) -> None:
        self.session, self.folder = session, folder
        self.source = widgets.Dropdown(options=[("none yet", None)]).add_class("tj-batch-recipe")
        self.words = widgets.HTML()
        self.manual = widgets.ToggleButtons(options=(BY_HAND, AUTOMATIC), tooltips=["", ""])
        self.manual.add_class("tj-segments").add_class("tj-batch-manual")
        super().__init__([widgets.HTML(section("Recipe")), self.source, self.words, self.manual])
        self.source.tooltip = "The recipe that is done on every series"
        self._changed = changed
        self._quiet, self._picked = False, False
        self.source.observe(self._chosen, "value")
        self.manual.observe(self._chosen, "value")

    def update(self, place: Path) -> None:
        """List the recipes anew: that of the session, and those in the data folder and `place`."""
        options: list[tuple[str, Any]] = []
        if self._of_session() is not None:
            options.append((f"this session: {self.session.name}", SESSION))
        for folder in dict.fromkeys((self.folder.root, place)):
            options += [(str(p.relative_to(self.folder.root)), p) for p in self._files(folder)]
        options = options or [("none yet", None)]
        values = [value for _, value in options]
        # Until a person chose another one, the steps of the session are offered first.
        stays = self._picked and self.source.value in values
        chosen = self.source.value if stays else values[0]
        self._quiet = True
        self.source.options = options
        self.source.value = chosen
        self._quiet = False
        self._write()

    def _files(self, folder: Path) -> list[Path]:
        found = []
        for path in sorted(folder.glob("*")):
            inside = path.resolve().is_relative_to(self.folder.root)
            if path.suffix.lower() in ENDINGS and inside and path.is_file():
                with path.open(encoding="utf-8", errors="replace") as file:
                    if "tomojupyter:" in file.read(HEAD):
                        found.append(path)
        return found

    def _of_session(self) -> Recipe | None:
        """Return the steps of the session, every automatic value left open."""
        signal = self.session.volume if self.session.volume is not None else self.session.result
        try:
            recipe = Recipe() if signal is None else Recipe.of(signal, resolved=False)
        except TomojupyterError:  # of another version, which had other steps
            return None
        return recipe if recipe.entries else None

    def as_given(self) -> Recipe:
        """Return the recipe as it was chosen.

        Raises
        ------
        TomojupyterError
            If there is none, or it is none for a batch.
        """
        if self.source.value is None:
            raise RecipeError(
                "There is no recipe yet: work one series through, or put a recipe (.yaml) into "
                "the data folder."
            )
        chosen = self.source.value
        recipe = self._of_session() if chosen == SESSION else read_recipe(chosen)
        if recipe is None or not recipe.entries:
            raise RecipeError("This recipe has no steps.")
        check_one_signal(recipe)
        return recipe

    def recipe(self) -> Recipe:
        """Return the recipe that is done: as given, or with what was by hand made automatic.

        Raises
        ------
        TomojupyterError
            As for `as_given`.
        """
        recipe = self.as_given()
        return automatic(recipe) if self.is_automatic and manual_values(recipe) else recipe

    @property
    def is_automatic(self) -> bool:
        """Whether what was decided by hand is decided anew."""
        return bool(self.manual.value == AUTOMATIC)

    def file(self) -> Path | None:
        """Return the file that holds the recipe as it is done, or None if none does yet."""
        own = self.source.value == SESSION or self.source.value is None
        changed = not own and self.is_automatic and manual_values(self.as_given())
        return None if own or changed else self.source.value

    @property
    def stem(self) -> str:
        """Name for what is made by the recipe."""
        if self.source.value in (SESSION, None):
            return f"{Path(self.session.name or 'series').stem}_batch"
        return str(self.source.value.stem)

    def cautions(self) -> list[str]:
        """Return what should be known of the recipe, as sentences."""
        try:
            recipe = self.recipe()
        except TomojupyterError:
            return []
        said = []
        if hand := manual_values(recipe):
            said.append(
                f"Manual values ({', '.join(hand)}) will be used for all files: choose automatic?"
            )
        if not any(e.step and e.step.operation == RESULT for e in recipe.entries):
            said.append("The recipe does not reconstruct: the results are series.")
        if places := frozen(recipe):
            said.append(
                f"The recipe keeps values of one series ({', '.join(places)}). History writes one "
                'with "decide anew".'
            )
        return said

    def _chosen(self, _: Any) -> None:
        if not self._quiet:
            self._picked = True
            self._write()
            self._changed()

    def _write(self) -> None:
        """Show the recipe in words; what is wrong with it is said among the blockers."""
        try:
            shown = "" if manual_values(self.as_given()) else "none"
            self.words.value = recipe_html(self.recipe())
        except TomojupyterError:
            shown, self.words.value = "none", ""
        self.manual.layout.display = shown
