"""What was done, as a tree of states, and the cursor in it: undo, redo, branch."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomojupyter.steps import Step

_numbers = itertools.count()


@dataclass(eq=False)
class Node:
    """A state of the work: a signal, and the Steps that made it from the parent's.

    Parameters
    ----------
    signal
        A TomoStack or RecStack.
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
    """

    signal: Any
    parent: Node | None = None
    steps: tuple[Step, ...] = ()
    label: str = ""
    name: str = ""
    seconds: float = 0.0
    number: int = field(default_factory=lambda: next(_numbers))
    time: datetime.datetime = field(default_factory=lambda: datetime.datetime.now().astimezone())

    @property
    def is_volume(self) -> bool:
        """Whether the signal is a reconstruction."""
        return bool(self.signal._signal_type == "RecStack")

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
        self.cursor = node

    @property
    def undo_name(self) -> str:
        """What Undo would undo, or nothing."""
        # The state before the first series is an empty session, which nobody wants back.
        return self._back[-1][1] if self._back and self._back[-1][0] is not None else ""

    @property
    def redo_name(self) -> str:
        """What Redo would do again, or nothing."""
        return self._forward[-1][1] if self._forward else ""

    def undo(self) -> bool:
        """Go back to the state before; False where there is none."""
        if not self.undo_name:
            return False
        node, label = self._back.pop()
        self._forward.append((self.cursor, label))
        self.cursor = node
        return True

    def redo(self) -> bool:
        """Take the last Undo back; False where there is none."""
        if not self._forward:
            return False
        node, label = self._forward.pop()
        self._back.append((self.cursor, label))
        self.cursor = node
        return True
