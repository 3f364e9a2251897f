"""``tomojupyter run``: a recipe on one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


def add(commands: Any) -> None:
    """Add the subcommand."""
    run = commands.add_parser("run", help="run a recipe on a file")
    run.add_argument("recipe", help="recipe (YAML)")
    run.add_argument("input", help="series to work on")
    run.add_argument("output", help="file of the result (.hspy)")
    run.add_argument("--tilts", help="text file with one tilt angle a line")
    run.add_argument("--overwrite", action="store_true", help="replace the result if it is there")
    run.add_argument(
        "--notebook", action="store_true", help="run as a notebook, kept beside the result"
    )
    run.set_defaults(command=run_recipe)


def run_recipe(options: argparse.Namespace) -> None:
    """Run it and say what was written."""
    from tomojupyter import batch

    paths = (options.recipe, options.input, options.output)
    common = {"tilts": options.tilts, "overwrite": options.overwrite}
    if options.notebook:
        notebook = batch.run_notebook(*paths, **common)
        sys.stderr.write(f"{options.output} and {notebook} were written\n")
        return
    result = batch.run_file(*paths, **common)
    sys.stderr.write(f"{options.output} was written: {result}\n")
