"""``tomojupyter report``: a page on a series or a result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

FILES = ("tilts", "recipe", "before", "images")
"""Parameters of templates that are files where they name one: kernels change directory."""


def add(commands: Any) -> None:
    """Add the subcommand."""
    from tomojupyter.paths import template_names

    report = commands.add_parser("report", help="write a page with figures on a file")
    report.add_argument("file", help="series or result")
    report.add_argument("page", nargs="?", help="HTML file to write (default: beside the file)")
    report.add_argument(
        "--template",
        choices=template_names(),
        help="what to do (default: report for a .hspy, quick_look for others)",
    )
    report.add_argument(
        "-p",
        dest="values",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter of the template, its value as in YAML; may be given several times",
    )
    report.add_argument("--code", action="store_true", help="show the code on the page")
    report.add_argument("--pdf", action="store_true", help="print it to a PDF too, by Chromium")
    report.add_argument("--overwrite", action="store_true", help="replace files that are there")
    report.set_defaults(command=write_report)


def write_report(options: argparse.Namespace) -> None:
    """Write it and say where it is."""
    from tomojupyter.batch.report import make_report

    written = make_report(
        options.file,
        options.page,
        template=options.template,
        parameters=values_of(options.values),
        code=options.code,
        pdf=options.pdf,
        overwrite=options.overwrite,
    )
    sys.stderr.write(f"{', '.join(map(str, written))} were written\n")


def values_of(pairs: list[list[str]]) -> dict[str, Any]:
    """Return the values of parameters given as text."""
    import yaml

    from tomojupyter.errors import ParameterError

    values: dict[str, Any] = {}
    for name, text in pairs:
        try:
            values[name] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ParameterError(f"{name}: {text!r} is not a value as in YAML") from error
        if name in FILES and isinstance(values[name], str) and Path(values[name]).is_file():
            values[name] = str(Path(values[name]).absolute())
    return values
