"""What was done, as a tree of states, and the cursor in it: undo, redo, branch."""

from __future__ import annotations

import datetime
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.steps import history
from tomojupyter.ui.recall import can_recall, recall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tomojupyter.monitor import Monitor
    from tomojupyter.steps import Step
    from tomojupyter.ui.sources import Source

_numbers = itertools.count()


def now() -> datetime.datetime:
    """Return the time here, with its zone."""
    return datetime.datetime.now().astimezone()


class Node:
    """A state of the work: a signal, and the Steps that made it from the parent's.

    The signal may be put away to save memory; it is worked out again when it is asked for.

    Parameters
    ----------
    signal
        A TomoStack or RecStack; None for a state of which only `records` are known yet.
    parent
        The state before; None for a series as it was loaded.
    steps
        What was asked for, in order.
    label
        Name of the stage, for Undo.
    name
        Of the series, or of the run for a reconstruction.
    seconds
        What it took.
    source
        For a series as it was loaded: where it can be loaded again.

    Attributes
    ----------
    records : list of dict
        The history of the signal, oldest first.
    shape : tuple of int
        Of its pixels.
    file : pathlib.Path or None
        A file that holds the signal with its history.
    """

    def __init__(
        self,
        signal: Any,
        parent: Node | None = None,
        steps: tuple[Step, ...] = (),
        label: str = "",
        name: str = "",
        seconds: float = 0.0,
        source: Source | None = None,
    ) -> None:
        self.parent, self.steps, self.label, self.name = parent, steps, label, name
        self.seconds, self.source = seconds, source
        self.number = next(_numbers)
        self.time = now()
        self.file: Path | None = None
        self.is_volume = False
        self.shape: tuple[int, ...] = ()
        self.records: list[dict[str, Any]] = []
        self.used = next(_numbers)
        self._signal = signal
        if signal is not None:
            self.is_volume = signal._signal_type == "RecStack"
            self.shape = tuple(signal.data.shape)
            self.records = history.read(signal)

    @property
    def signal(self) -> Any:
        """The signal; one that was put away is worked out now, which may take its time."""
        if self._signal is None:
            self.fetch()
        return self._signal

    @property
    def held(self) -> Any:
        """The signal if it is in memory, else None."""
        return self._signal

    def fetch(self, monitor: Monitor | None = None, **options: Any) -> Any:
        """Work the signal out again if it was put away; see `recall.recall`."""
        if self._signal is None:
            self._signal = recall(self, monitor, **options)
        return self._signal

    def put_away(self) -> bool:
        """Let go of the signal; False where it could not be had again."""
        # Pixels that somebody edited in a notebook since are not in the recipe.
        if not can_recall(self, held=False) or history.edited(self._signal):
            return False
        self._signal = None
        return True

    def line(self) -> Iterator[Node]:
        """Yield this state and those before it, newest first."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    @property
    def root(self) -> Node:
        """The series as it was loaded."""
        *_, first = self.line()
        return first

    @property
    def stack(self) -> Node | None:
        """The nearest state, this one included, that is a tilt series."""
        return next((node for node in self.line() if not node.is_volume), None)


class Timeline:
    """All states, and the one that is current. Nothing is ever taken out by Undo."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.cursor: Node | None = None
        self._back: list[tuple[Node | None, str]] = []
        self._forward: list[tuple[Node | None, str]] = []

    def add(self, node: Node) -> Node:
        """Add a state and make it the current one."""
        self.nodes.append(node)
        self._visit(node, node.label)
        return node

    def go_to(self, node: Node, label: str = "Go back") -> None:
        """Make a known state the current one; the next Step branches off from it."""
        if node not in self.nodes:
            raise DataError("this state is not in the timeline of this session")
        if node is not self.cursor:
            self._visit(node, label)

    def _visit(self, node: Node | None, label: str) -> None:
        self._back.append((self.cursor, label))
        self._forward.clear()
        self._arrive(node)

    def _arrive(self, node: Node | None) -> None:
        self.cursor = node
        if node is not None:
            node.used = next(_numbers)

    @property
    def undo_name(self) -> str:
        """What Undo would undo, or nothing."""
        # The state before the first series is an empty session, which nobody wants back.
        return self._back[-1][1] if self.undo_to is not None else ""

    @property
    def undo_to(self) -> Node | None:
        """The state that Undo would go back to, or None."""
        return self._back[-1][0] if self._back else None

    @property
    def redo_name(self) -> str:
        """What Redo would do again, or nothing."""
        return self._forward[-1][1] if self._forward else ""

    @property
    def redo_to(self) -> Node | None:
        """The state that Redo would go to, or None."""
        return self._forward[-1][0] if self._forward else None

    def undo(self) -> bool:
        """Go back to the state before; False where there is none."""
        if not self.undo_name:
            return False
        node, label = self._back.pop()
        self._forward.append((self.cursor, label))
        self._arrive(node)
        return True

    def redo(self) -> bool:
        """Take the last Undo back; False where there is none."""
        if not self._forward:
            return False
        node, label = self._forward.pop()
        self._back.append((self.cursor, label))
        self._arrive(node)
        return True

    @property
    def moves(self) -> tuple[list[tuple[Node | None, str]], list[tuple[Node | None, str]]]:
        """The states, with labels, that Undo and Redo go through, the nearest last."""
        return self._back, self._forward

    def spare(self, budget: float, needed: Iterable[Node | None]) -> list[Node]:
        """Put states away until the others fit into a budget; return them.

        Parameters
        ----------
        budget
            Bytes.
        needed
            States that stay in memory whatever they take.

        Notes
        -----
        Series go before reconstructions, which take longer to be made again, and of each what
        was looked at longest ago.
        """
        kept = [node for node in needed if node is not None]
        others = [n for n in self.nodes if n.held is not None and n not in kept]
        gone: list[Node] = []
        for node in sorted(others, key=lambda n: (n.is_volume, n.used)):
            if memory(self.nodes) <= budget:
                break
            if node.put_away():
                gone.append(node)
        return gone


def memory(nodes: Iterable[Node]) -> int:
    """Return the bytes of the signals in memory; pixels that several share count once."""
    arrays: dict[int, int] = {}
    for node in nodes:
        signal = node.held
        if signal is None:
            continue
        source = getattr(signal, "_source", None)
        for pixels in (signal.data, getattr(source, "pixels", None)):
            while isinstance(pixels, np.ndarray) and isinstance(pixels.base, np.ndarray):
                pixels = pixels.base  # noqa: PLW2901  a view holds the whole array
            if isinstance(pixels, np.ndarray) and not isinstance(pixels, np.memmap):
                arrays[id(pixels)] = pixels.nbytes
    return sum(arrays.values())
