"""How Load reads: large files lazily, what is complete of one that ends early, all at last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter import api as tomo
from tomojupyter.errors import IncompleteFileError
from tomojupyter.steps.run import run
from tomojupyter.ui.panels.load_look import LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.sources import Source


class PartOffer(widgets.HBox):
    """Offers what is complete of a file that ends early, after reading it has failed.

    Parameters
    ----------
    call
        Called with the path and the number of sections.
    """

    def __init__(self, call: Callable[[Path, int], Any]) -> None:
        self.button = widgets.Button(icon="cut", tooltip="Only the frames that are there whole")
        super().__init__([self.button.add_class("tj-load-part")])
        self.add_class("tj-buttons")
        self._complete, self._path = 0, Path()
        self.hide()
        self.button.on_click(lambda _: call(self._path, self._complete))

    def hide(self) -> None:
        """Offer nothing."""
        self.layout.display = "none"

    def watched(self, work: Callable[[Monitor], Any], path: Path) -> Callable[[Monitor], Any]:
        """Return work that takes note of how much of a file is there."""
        self._complete, self._path = 0, path

        def noted(monitor: Monitor) -> Any:
            try:
                return work(monitor)
            except IncompleteFileError as error:
                self._complete = error.complete
                raise

        return noted

    def offer(self) -> None:
        """Show the button if some sections are complete."""
        if self._complete:
            self.button.description = f"Load the {self._complete} complete frames"
            self.layout.display = ""


def reader(
    what: Path | list[Path], size: int, sections: int | None = None
) -> Callable[[Monitor], Any]:
    """Return what loads a series; of a large one the pixels stay on the disk.

    Parameters
    ----------
    what
        A file, or files of one tilt each.
    size
        Bytes.
    sections
        How many to read of a file that ends early; None: all.
    """

    def work(_monitor: Monitor) -> Any:
        if size > LARGE:
            # They are not needed before somebody works on them; a volume is looked at whole.
            lazy = tomo.load(what, sections=sections, lazy=True)
            if lazy._signal_type == "TomoStack":
                return lazy
        return tomo.load(what, sections=sections)

    return work


def read_whole(origin: Source, steps: Sequence[Step], monitor: Monitor) -> Any:
    """Return a series of which only some frames were looked at, ready to be worked on.

    Parameters
    ----------
    origin
        Its file.
    steps
        What was entered.
    monitor
        Follows, and stops.

    Returns
    -------
    TomoStack
        What the stages ask of it first, bad frames and the level of the vacuum, is known.
    """
    made = origin.load()
    for k, step in enumerate(steps):
        monitor(k + 1, len(steps) + 2)
        made = run(made, step)
    monitor(len(steps) + 1, len(steps) + 2)
    made.bad_frames()
    monitor(len(steps) + 2, len(steps) + 2)
    made.vacuum()
    return made
