"""The ``tomojupyter`` command."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any, TextIO

from tomojupyter.commands import app, provenance, run
from tomojupyter.errors import TomojupyterError, TomojupyterWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BAD_INPUT = 2
SUBCOMMANDS = (app, run, provenance)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 2 for bad input, or what the subcommand says."""
    options = _parser().parse_args(arguments)
    try:
        with _warnings_as_sentences():
            code = options.command(options)
    except TomojupyterError as error:
        sys.stderr.write(f"Error: {error}\n")
        return BAD_INPUT
    return int(code or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tomojupyter", description="Electron tomography in Jupyter.")
    commands = parser.add_subparsers(required=True, metavar="command")
    for module in SUBCOMMANDS:
        module.add(commands)
    return parser


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
