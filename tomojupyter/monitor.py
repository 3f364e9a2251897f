"""How long work reports progress, and how it is told to stop.

A monitor is called as ``monitor(done, total, **values)``. It raises
:class:`~tomojupyter.errors.Cancelled` when the result is to be thrown away; its attribute
``finish_early`` turns true when the current iterate is to be kept as the result. Among the values
that work may report:

* ``residual`` (number) and ``volume`` (the current iterate, (nx, nz, ny), which goes on changing);
* ``slab`` and ``slabs``: which of how many parts of a volume it is at, from 1;
* ``can_finish``: False from where on ``finish_early`` is heeded no more, and only a cancel is.
"""

from __future__ import annotations

from typing import Any, Protocol


class Monitor(Protocol):
    """Protocol of everything that follows long work."""

    finish_early: bool

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Report that `done` of `total` units are finished; may raise ``Cancelled``."""


class Silent:
    """A monitor that says nothing and never stops anything."""

    finish_early = False

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Ignore the report."""


class Progressbar:
    """A line of text on standard error, rewritten in place.

    Parameters
    ----------
    label
        What is being done.
    """

    finish_early = False

    def __init__(self, label: str = "") -> None:
        self.label = label

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Rewrite the line."""
        import sys

        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{self.label} {done}/{total}{end}")
        sys.stderr.flush()


def progress(show: bool, label: str = "") -> Monitor:
    """Return a progress bar, or silence."""
    return Progressbar(label) if show else Silent()
