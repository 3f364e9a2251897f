"""The ``tomojupyter`` command."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any, TextIO

from tomojupyter.errors import TomojupyterError, TomojupyterWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        with _warnings_as_sentences():
            options.command(options)
    except TomojupyterError as error:
        sys.stderr.write(f"Error: {error}\n")
        return BAD_INPUT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tomojupyter", description="Electron tomography in Jupyter.")
    commands = parser.add_subparsers(required=True, metavar="command")
    app = commands.add_parser("app", help="start the app in a browser")
    app.add_argument("--data-dir", help="folder whose files the app offers (default: this one)")
    app.add_argument("--port", type=int, help="port to listen on (default: the first free one)")
    app.add_argument("--token", help="what a browser must know (default: made anew)")
    app.add_argument("--no-browser", action="store_true", help="do not open a browser")
    app.set_defaults(command=_app)
    run = commands.add_parser("run", help="run a recipe on a file")
    run.add_argument("recipe", help="recipe (YAML)")
    run.add_argument("input", help="series to work on")
    run.add_argument("output", help="file of the result (.hspy)")
    run.add_argument("--tilts", help="text file with one tilt angle a line")
    run.add_argument("--overwrite", action="store_true", help="replace the result if it is there")
    run.add_argument(
        "--notebook", action="store_true", help="run as a notebook, kept beside the result"
    )
    run.set_defaults(command=_run)
    return parser


def _app(options: argparse.Namespace) -> None:
    from tomojupyter.server import serve

    serve(
        data_dir=options.data_dir,
        port=options.port,
        token=options.token,
        browser=not options.no_browser,
    )


def _run(options: argparse.Namespace) -> None:
    from tomojupyter import batch

    paths = (options.recipe, options.input, options.output)
    common = {"tilts": options.tilts, "overwrite": options.overwrite}
    if options.notebook:
        notebook = batch.run_notebook(*paths, **common)
        sys.stderr.write(f"{options.output} and {notebook} were written\n")
        return
    result = batch.run_file(*paths, **common)
    sys.stderr.write(f"{options.output} was written: {result}\n")


@contextlib.contextmanager
def _warnings_as_sentences() -> Iterator[None]:
    """Write our own warnings as one sentence each, once."""
    said: set[str] = set()
    usual = warnings.showwarning

    def show(
        message: Any, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        if not issubclass(category, TomojupyterWarning):
            usual(message, category, filename, lineno, file, line)
        elif str(message) not in said:
            said.add(str(message))
            sys.stderr.write(f"Warning: {message}\n")

    with warnings.catch_warnings():
        warnings.simplefilter("always", TomojupyterWarning)
        warnings.showwarning = show
        yield


if __name__ == "__main__":
    sys.exit(main())
