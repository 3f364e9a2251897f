"""What 3D needs is made ready while nobody waits for it: two seconds less after the click."""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.views.stage import StageSize

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

MODULES = ("ipyvolume", "skimage.measure")
AFTER_S = 4.0
AGAIN_S = 2.0


_served = threading.Event()
"""Set where the kernel is that of an app, in which nobody else uses ipyvolume's panels."""


class Warmth:
    """Imports the modules in a thread, and has the page load its part of them.

    The page also finds out then how it draws in 3D: its first context takes a while.

    A kernel that is kept warm has them before its page comes. A page asks for the scripts of
    ipyvolume as soon as there is any object of it, so the smallest ones are made.
    """

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.timer: threading.Timer | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, seconds: float = AFTER_S) -> None:
        """Import in a while, in the kernel of an app."""
        _served.set()
        self.timer = threading.Timer(seconds, import_all)
        self.timer.daemon = True
        self.timer.start()

    def page_is_here(self, seconds: float = AFTER_S) -> None:
        """Have the page load its part in a while; nothing is done where no loop runs."""
        loop = running_loop()
        if loop is not None and _served.is_set() and self._timer is None and not self.made:
            self._timer = loop.call_later(seconds, self._make)

    def _make(self) -> None:
        self._timer = None
        if not all(name in sys.modules for name in MODULES):
            self.page_is_here(AGAIN_S)
            return
        import ipyvolume
        import pythreejs

        lamp = pythreejs.AmbientLight(intensity=0)
        self.made = [ipyvolume.TransferFunction(), lamp, StageSize()]


def import_all() -> None:
    """Import the modules; what fails will fail where it is used, with a sentence."""
    for name in MODULES:
        try:
            load(name)
        except Exception as error:
            log.info("%s could not be imported", name, exc_info=error)


def load(name: str) -> Any:
    """Return a module; in an app, the widgets that it makes as it is imported stay unseen.

    ipyvolume imports ipyvuetify for panels that we do not use, and that makes widgets at once,
    for which the page would have to load three megabytes of scripts.
    """
    if name in sys.modules or not _served.is_set():
        return importlib.import_module(name)
    here, opened = threading.current_thread(), widgets.Widget.open

    def elsewhere(widget: widgets.Widget) -> None:
        if threading.current_thread() is not here:
            opened(widget)

    widgets.Widget.open = elsewhere
    try:
        # Warnings are left alone: what catches them is the process's, and a job may be at it.
        return importlib.import_module(name)
    finally:
        widgets.Widget.open = opened
