"""A session saves its signals for the person; part of `Session`."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.ui.reading import Reading
from tomojupyter.ui.timeline import now
from tomojupyter.ui.words import size_text

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor
    from tomojupyter.ui.jobs import Result


class Saving(Reading):
    """What `Session` does to save.

    Attributes
    ----------
    saved : str
        When the current state was saved, "14:02", or nothing.
    """

    saved = tr.Unicode("")

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self._written: set[Path] = set()

    @property
    def results(self) -> Path:
        """Where results go: `folder`, or the person's own where that cannot be written."""
        return self.folder if os.access(self.folder, os.W_OK) else Path.home()

    def free_name(self, stem: str, ending: str) -> Path:
        """Return a path in `results` that no file has but one that this session wrote."""
        path, count = self.results / f"{stem}{ending}", 1
        while path.exists() and path not in self._written:
            count += 1
            path = self.results / f"{stem}_{count}{ending}"
        return path

    @property
    def stem(self) -> str:
        """Name for files of the current state: of the series, and of the run."""
        node = self.cursor
        end = f"_{node.name}" if node and node.is_volume and node.parent and node.name else ""
        return f"{Path(self.name).stem}{end}"

    def save(self, path: str | Path | None = None) -> bool:
        """Save the current signal with its history, in the background.

        Parameters
        ----------
        path
            Of the file; None: the name of the series in `folder`, as .hspy, with a number
            where another file has this name.
        """
        node = self.cursor
        if node is None:
            self.say("There is nothing to save yet: load a series first.", "error")
            return False
        signal = node.signal
        target = Path(path) if path else self.free_name(self.stem, ".hspy")

        def work(_monitor: Monitor) -> int:
            save_whole(signal, target)
            return target.stat().st_size

        def done(result: Result) -> None:
            self._written.add(target)
            node.file = target
            if self.cursor is node:
                self.saved = f"{now():%H:%M}"
            self._keep()
            self.say(f"Saved {target} ({size_text(result.value)}).", "good")

        return self.start("Save", work, done)


def save_whole(signal: Any, target: Path) -> None:
    """Save a signal so that a file of that name is the old one or the new one, never a part."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        signal.save(part, overwrite=True)
        part.replace(target)
    finally:
        if part.is_file():
            part.unlink()
