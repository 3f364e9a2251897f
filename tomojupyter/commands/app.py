"""``tomojupyter app``: the app in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse


DASHBOARDS = ("tomography", "spectral", "viewer")


def add(commands: Any) -> None:
    """Add the subcommand."""
    app = commands.add_parser("app", help="start the app in a browser")
    app.add_argument(
        "--dashboard",
        default="tomography",
        choices=DASHBOARDS,
        help="which one: the whole work (tomography), spectra to chemistry in 3D (spectral), or "
        "only to look at series and volumes (viewer)",
    )
    app.add_argument("--data-dir", help="folder whose files the app offers (default: this one)")
    app.add_argument("--port", type=int, help="port to listen on (default: the first free one)")
    app.add_argument("--token", help="what a browser must know (default: made anew)")
    app.add_argument("--no-browser", action="store_true", help="do not open a browser")
    app.add_argument("--dark", action="store_true", help="light text on a dark ground")
    app.set_defaults(command=start)


def start(options: argparse.Namespace) -> None:
    """Start the server; it ends with Ctrl-C."""
    from tomojupyter.server import serve

    serve(
        name=options.dashboard,
        data_dir=options.data_dir,
        port=options.port,
        token=options.token,
        browser=not options.no_browser,
        dark=options.dark,
    )
