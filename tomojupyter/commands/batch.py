"""``tomojupyter batch``: a recipe on all series of a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

SOME_FAILED, INTERRUPTED = 1, 130


def add(commands: Any) -> None:
    """Add the subcommand."""
    many = commands.add_parser(
        "batch",
        help="run a recipe on all series of a folder",
        description="Run a recipe on all series of a folder, several at a time. Run it again, and "
        "what is done already is skipped. Exit codes: 0 all are done, 1 some have failed, "
        "2 nothing could be begun, 130 interrupted.",
    )
    many.add_argument("folder", help="folder of the series; folders in it are left alone")
    many.add_argument("--recipe", required=True, help="recipe (YAML)")
    many.add_argument(
        "--output", help="folder of results and summary (default: FOLDER/NAME OF THE RECIPE)"
    )
    many.add_argument("--pattern", default="*", help='names of the series, such as "*.mrc"')
    many.add_argument("--only", nargs="+", metavar="NAME", default=(), help="do only these series")
    many.add_argument("--again", action="store_true", help="do again what is done already")
    many.add_argument("--tilts", type=Path, help="text file with the tilts of all series")
    many.add_argument("--jobs", type=int, help="series at a time (default: as memory allows)")
    many.add_argument(
        "--memory", type=float, metavar="GB", help="memory for all (default: 0.8 of what is free)"
    )
    many.add_argument("--cores", type=int, help="threads a series (default: an equal share)")
    many.add_argument(
        "--scheduler", metavar="ADDRESS", help="dask scheduler of a cluster, tcp://HOST:PORT"
    )
    many.add_argument(
        "--overwrite", action="store_true", help="replace results that no batch has made"
    )
    many.set_defaults(command=run_batch)


def run_batch(options: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from tomojupyter.batch.folder import Batch, Options

    batch = Batch(
        options.folder,
        options.recipe,
        options.output,
        Options(
            pattern=options.pattern,
            tilts=options.tilts,
            jobs=options.jobs,
            memory=None if options.memory is None else int(options.memory * 1e9),
            cores=options.cores,
            scheduler=options.scheduler,
            overwrite=options.overwrite,
            only=tuple(options.only),
            again=options.again,
        ),
    )
    line = Line()
    try:
        batch.run(line.say, line.follow if sys.stderr.isatty() else None)
    except KeyboardInterrupt:
        line.say("Interrupted: run the same command again to go on")
        return INTERRUPTED
    from tomojupyter.batch.table import counts

    line.say(f"{counts(list(batch.rows.values()))}; see {batch.output / 'summary.html'}")
    return SOME_FAILED if batch.failed else 0


class Line:
    """Lines on standard error, the last of them rewritten in place."""

    def __init__(self) -> None:
        self._shown = 0

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._show(text)
        sys.stderr.write("\n")
        sys.stderr.flush()
        self._shown = 0

    def follow(self, text: str) -> None:
        """Write a line over the last one."""
        self._show(text[:100])
        sys.stderr.flush()

    def _show(self, text: str) -> None:
        blanks = " " * max(0, self._shown - len(text))
        sys.stderr.write(f"\r{text}{blanks}" if self._shown else text)
        self._shown = len(text)
