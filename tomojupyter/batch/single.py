"""Run a recipe on one file: directly or as a papermill notebook."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter import spectral
from tomojupyter.batch.notebooks import execute
from tomojupyter.errors import MissingFileError, ParameterError, RecipeError
from tomojupyter.formats.hyperspy_files import need_zarr
from tomojupyter.formats.suffixes import SAVED
from tomojupyter.io import load
from tomojupyter.steps import Recipe
from tomojupyter.steps.spectra import SPECTRA

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Parameters
    ----------
    path
        A YAML file.

    Raises
    ------
    MissingFileError
        If it is not there.
    RecipeError, UnknownMethodError, UnknownParameterError, ParameterError
        If it is no recipe or one of its steps is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: there is no such recipe")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path.name} is not a text file, so it is no recipe") from error
    return Recipe.from_yaml(text)


def check_output(path: str | Path, overwrite: bool) -> Path:
    """Return the path to write to, or say before the work starts why it cannot be written.

    Raises
    ------
    ParameterError
        If the file is there and `overwrite` is false, or the format cannot hold the result.
    MissingFileError
        If the folder is not there.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise MissingFileError(f"{path.parent}: there is no such folder to write to")
    if path.suffix.lower() not in SAVED:
        raise ParameterError(
            f"{path.name}: results are written as .hspy, which holds tilts, alignment and history"
        )
    need_zarr(path)
    if path.exists() and not overwrite:
        raise ParameterError(f"{path} is there already: choose another name, or use --overwrite")
    return path


def load_for(recipe: Recipe, source: str | Path, tilts: Any = None) -> Any:
    """Load what a recipe begins with: a series, or spectra where its first step works on such.

    Parameters
    ----------
    recipe
        The recipe.
    source
        Path of the file.
    tilts
        As for :func:`tomojupyter.io.load`.

    Raises
    ------
    TomojupyterError
        If it cannot be read.
    """
    if _of_spectra(recipe):
        return spectral.load(source, tilts)
    return load(source, tilts=tilts)


def _of_spectra(recipe: Recipe) -> bool:
    first = recipe.entries[0].step if recipe.entries else None
    return first is not None and first.on == SPECTRA


def run_file(
    recipe: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    tilts: Any = None,
    overwrite: bool = False,
    monitor: Monitor | None = None,
) -> Any:
    """Run a recipe on one file and save the result.

    Parameters
    ----------
    recipe, source, target
        Paths of the recipe, the series and the result (``.hspy``).
    tilts
        As for :func:`tomojupyter.io.load`.
    overwrite
        Replace the result if it is there.
    monitor
        Follows the work.

    Returns
    -------
    TomoStack or RecStack

    Raises
    ------
    TomojupyterError
        If anything is wrong with the files or the recipe.
    """
    steps = read_recipe(recipe)
    path = check_output(target, overwrite)
    result = steps.run(load_for(steps, source, tilts), monitor)
    save_whole(result, path)
    return result


def save_whole(signal: Any, path: Path) -> None:
    """Save so that the file is there whole or not at all, also where the work is killed."""
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    signal.save(part, overwrite=True)
    if path.is_dir():
        shutil.rmtree(path)
    part.replace(path)


def run_notebook(
    recipe: str | Path,
    source: str | Path,
    target: str | Path,
    *,
    tilts: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Run the papermill template with a recipe; return the executed notebook's path.

    Parameters
    ----------
    recipe, source, target, tilts, overwrite
        As for :func:`run_file`, `tilts` as a file only. The notebook lies beside `target`.

    Raises
    ------
    TomojupyterError
        If anything is wrong with the files or the recipe.
    """
    steps = read_recipe(recipe)
    if _of_spectra(steps):
        raise RecipeError(
            "this recipe begins with spectra: run it without a notebook, or write a report on "
            "them by the template spectral"
        )
    path = check_output(target, overwrite)
    if not Path(source).exists():
        raise MissingFileError(f"{source}: there is no such file")
    if tilts is not None and not Path(tilts).is_file():
        raise MissingFileError(f"{tilts}: there is no such file")
    notebook = path.with_suffix(".ipynb")
    if notebook.exists() and not overwrite:
        raise ParameterError(
            f"{notebook} is there already: choose another name, or use --overwrite"
        )
    parameters = {
        # Notebook kernels change directory.
        "input": str(Path(source).absolute()),
        "output": str(path.absolute()),
        "tilts": str(Path(tilts).absolute()) if tilts else None,
        "recipe": steps.to_yaml(),
    }
    return execute("reconstruct", notebook, parameters)
