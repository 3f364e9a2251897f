"""``tomojupyter history``, ``replay`` and ``diff``: how results were made."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

DIFFERENT = 1


def add(commands: Any) -> None:
    """Add the subcommands."""
    told = commands.add_parser("history", help="say how a result was made")
    told.add_argument("file", help="result (.hspy)")
    form = told.add_mutually_exclusive_group()
    form.add_argument("--recipe", action="store_true", help="as a recipe (YAML)")
    form.add_argument("--code", action="store_true", help="as a Python script")
    form.add_argument("--json", action="store_true", help="all that is recorded")
    told.set_defaults(command=tell)

    again = commands.add_parser("replay", help="do with a raw file what made a result")
    again.add_argument("result", help="result (.hspy)")
    again.add_argument("source", help="raw file: the one it was made from, or another")
    again.add_argument(
        "output",
        nargs="?",
        help="file of the new result (.hspy); not given, a replay on the same raw file is compared "
        "and not kept, one on another is written as NAME_replayed.hspy in this folder",
    )
    again.add_argument("--tilts", help="text file with one tilt angle a line")
    again.add_argument(
        "--automatic",
        action="store_true",
        help="decide anew what was left to the program, as suits other data",
    )
    again.add_argument(
        "--with", dest="others", action="append", default=[], metavar="NAME=FILE",
        help="file of a signal that was taken together with it, such as guide=haadf.mrc",
    )  # fmt: skip
    again.add_argument("--overwrite", action="store_true", help="replace the output if it is there")
    again.set_defaults(command=replay)

    compared = commands.add_parser("diff", help="say what is different in two results")
    compared.add_argument("one", help="result")
    compared.add_argument("other", help="result")
    compared.set_defaults(command=diff)


def tell(options: argparse.Namespace) -> None:
    """Write a history on standard output."""
    from tomojupyter import provenance
    from tomojupyter.io import load
    from tomojupyter.steps import Recipe

    records = provenance.read_history(options.file)
    if options.json:
        text = json.dumps(records, indent=1)
    elif options.recipe or options.code:
        recipe = Recipe.of(load(options.file, lazy=True))
        text = (recipe.to_yaml() if options.recipe else recipe.to_code()).rstrip()
    else:
        text = provenance.tell(options.file)
    sys.stdout.write(text + "\n")


def replay(options: argparse.Namespace) -> int:
    """Replay; return 1 if the voxels of a replay on the same raw file are not identical."""
    from pathlib import Path

    from tomojupyter import batch, provenance

    target = Path(options.output or f"{Path(options.source).stem}_replayed.hspy")
    if options.output:
        batch.check_output(target, options.overwrite)
    done = provenance.replay(
        options.result, options.source, tilts=options.tilts, resolved=not options.automatic,
        others=files_of(options.others),
    )  # fmt: skip
    if options.output or done.comparison is None:
        batch.check_output(target, options.overwrite)
        batch.save_whole(done.signal, target)
        sys.stderr.write(f"{target} was written: {done.signal}\n")
    if done.comparison is None:
        sys.stderr.write("The raw file is another, so there is nothing to compare with.\n")
        return 0
    sys.stdout.write(f"{done.comparison}\n")
    return 0 if done.comparison.identical else DIFFERENT


def files_of(given: list[str]) -> dict[str, str]:
    """Return the files that were given as ``name=file``."""
    from tomojupyter.errors import ParameterError

    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise ParameterError(f"--with must be NAME=FILE, such as guide=haadf.mrc, got {text!r}")
        found[name] = path
    return found


def diff(options: argparse.Namespace) -> int:
    """Write what is different; return 1 if anything is."""
    from tomojupyter import provenance

    found = provenance.compare(options.one, options.other)
    sys.stdout.write(f"{found}\n")
    return 0 if found.identical and not found.history else DIFFERENT
