"""What the status line says: sentences, the job under way, and errors as sentences."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomojupyter.errors import Cancelled, TomojupyterError
from tomojupyter.ui.words import capital, seconds_text

if TYPE_CHECKING:
    from tomojupyter.ui.jobs import Report

log = logging.getLogger(__name__)


@dataclass(eq=False, frozen=True)
class Message:
    """A sentence for the status line; `kind` is info, good, warning or error."""

    text: str = ""
    kind: str = "info"


@dataclass(eq=False, frozen=True)
class Job:
    """The work under way: its name, its latest report, and what Finish and Stop do to it."""

    name: str
    report: Report
    can_finish: bool = False
    stop_text: str = "Stop: throw away"

    @property
    def sentence(self) -> str:
        """What is running and how long it will take."""
        left = self.report.seconds_left
        rest = f", {seconds_text(left)} left" if left is not None else ""
        return f"{capital(self.name)} is running{rest}"


def whole_sentence(text: str) -> str:
    """Begin with a capital and end with a full stop."""
    text = text.strip()
    return capital(text) + ("" if text.endswith((".", "?", "!")) else ".")


def error_message(error: BaseException, name: str) -> Message:
    """Turn an error into a sentence; the traceback goes to the log.

    Parameters
    ----------
    error
        Ours are sentences already. Of others only the type is told, except what the system
        says about files and memory.
    name
        Of what failed.
    """
    if isinstance(error, Cancelled):
        return Message(f"Stopped {name}: nothing was changed.")
    if isinstance(error, TomojupyterError):
        log.info("%s", name, exc_info=error)
        return Message(whole_sentence(str(error)), "error")
    log.error("%s failed", name, exc_info=error)
    if isinstance(error, OSError | MemoryError):
        why = getattr(error, "strerror", None) or "not enough memory"
        where = getattr(error, "filename", None)
        text = f"{name} failed: {why}" + (f" ({where})" if where else "")
        return Message(whole_sentence(text), "error")
    return Message(
        f"{name or 'This'} failed with {type(error).__name__}: nothing was changed. "
        "The details are in the log.",
        "error",
    )
