"""Serve an app's notebook by Voila: on this machine only, with a token, with our own page."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Any
from urllib.parse import quote

from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

from tomojupyter import datasets
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.paths import app, voila_templates

ADDRESS = "127.0.0.1"
FIRST_PORT = 8866
PORTS = 50
LARGEST_MESSAGE = 16 * 1024 * 1024
EXTENSIONS = (
    "@voila-dashboards/widgets-manager8", "@jupyter-widgets/jupyterlab-manager", "anywidget",
    "bqscales", "ipyvolume", "jupyter-threejs", "jupyter-webrtc", "jupyterlab-datawidgets",
)  # fmt: skip
"""What our widgets are drawn with. Others that are installed would only slow the page down."""
REFILL_AFTER_S = 10
IDLE_S = 3600
"""Kernels of pages that nobody looks at any more are ended after this time."""


class _Server(Voila):
    """Voila with our page, which waits for nothing from the internet."""

    def setup_template_dirs(self) -> None:
        """Put our page before that of the template it extends."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(voila_templates() / "tomojupyter"))

    def init_handlers(self) -> list[Any]:
        """Let a page end its kernel as it goes; Voila refuses that where a token is asked for."""
        return [
            (handler[0], _Goodbye, *handler[2:])
            if handler[1] is VoilaShutdownKernelHandler
            else handler
            for handler in super().init_handlers()
        ]


class _Goodbye(VoilaShutdownKernelHandler):
    """Takes the last message of a page.

    The page has no XSRF cookie to send back, as no form was shown. It proves itself by the login
    and by the name of its kernel, which no other page knows.
    """

    def check_xsrf_cookie(self) -> None:
        """Ask for none."""


def serve(
    name: str = "tomography",
    *,
    data_dir: str | Path | None = None,
    port: int | None = None,
    token: str | None = None,
    browser: bool = True,
    dark: bool = False,
) -> None:
    """Serve an app until it is interrupted.

    Parameters
    ----------
    name
        Of the app, such as ``"tomography"``.
    data_dir
        The folder whose files the app offers. None: the current folder.
    port
        None: the first free one from 8866.
    token
        What a browser must know. None: made anew.
    browser
        Open the page in a browser.
    dark
        Light text on a dark ground.

    Raises
    ------
    MissingFileError
        If the folder or the app is not there.
    ParameterError
        If the port is taken or cannot be one.
    """
    folder = Path.cwd() if data_dir is None else Path(data_dir)
    if not folder.is_dir():
        raise MissingFileError(f"{folder}: there is no such data folder")
    notebook = app(name)
    if not notebook.is_file():
        raise MissingFileError(f"there is no app called {name}: {notebook} is missing")
    if token is not None and not token:
        raise ParameterError("token must not be empty: anybody on this machine could open the app")
    chosen = _free_port(port)
    secret = token or secrets.token_urlsafe(24)
    datasets.use_data_dir(folder)
    print(
        f"tomojupyter runs at http://{ADDRESS}:{chosen}/?token={quote(secret)}\n"
        f"Data folder: {folder.resolve()}\nCtrl+C ends it.",
        flush=True,
    )
    _Server.launch_instance(argv=_arguments(notebook, chosen, secret, browser, dark))


def _arguments(
    notebook: Path, port: int, token: str, browser: bool, dark: bool = False
) -> list[str]:
    """Return Voila's command line."""
    settings: dict[str, Any] = {
        "Voila.ip": ADDRESS,
        "Voila.port": port,
        "Voila.port_retries": 0,
        "Voila.token": token,
        "Voila.open_browser": browser,
        "VoilaConfiguration.preheat_kernel": True,
        "VoilaConfiguration.default_pool_size": 1,
        "VoilaConfiguration.template": "lab",
        "VoilaConfiguration.theme": "dark" if dark else "light",
        "VoilaConfiguration.allow_template_override": "NO",
        "VoilaConfiguration.allow_theme_override": "NO",
        "VoilaConfiguration.show_tracebacks": False,
        "VoilaConfiguration.extension_allowlist": list(EXTENSIONS),
        "MappingKernelManager.cull_idle_timeout": IDLE_S,
        "MappingKernelManager.cull_interval": 60,
        # The page that took the kernel needs the processors first.
        "VoilaKernelManager.fill_delay": REFILL_AFTER_S,
        "Voila.log_level": "ERROR",
        # A file that is uploaded is one message.
        "Voila.tornado_settings": {"websocket_max_message_size": LARGEST_MESSAGE},
    }
    if os.name == "posix":
        # Sockets of this user's own, in place of ports that others could listen on.
        settings["KernelManager.transport"] = "ipc"
    return [str(notebook), *(f"--{key}={value}" for key, value in settings.items())]


def _free_port(port: int | None) -> int:
    """Return a port that can be listened on."""
    if port is not None and not 1 <= port <= 65535:
        raise ParameterError(f"port must be from 1 to 65535, got {port}")
    candidates = [port] if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS)
    for candidate in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, candidate))
            except OSError:
                continue
            return candidate
    taken = str(port) if port is not None else f"{FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise ParameterError(f"port {taken} is taken: choose another with --port")
