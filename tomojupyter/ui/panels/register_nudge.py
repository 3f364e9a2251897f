"""One frame moved by hand: the keys, the moves, and the series as it looks with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
from scipy import ndimage

from tomojupyter.steps.base import make_step
from tomojupyter.ui.store import steps_values
from tomojupyter.ui.style import section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomojupyter.steps import Step

ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}
PLAIN, LARGE, SMALL = 0.1, 1.0, 0.01
DIGITS = 4
KEY_CARD = (
    ("N", "nudge the frame with the arrows, on and off"),
    ("arrows", "0.1 px; with Shift 1 px, with Alt 0.01 px"),
    ("A S", "frame"),
    ("D F O", "difference, flicker, overlay"),
    ("Q W", "flicker slower, faster"),
)
KEYS_HTML = (
    '<p class="tj-grey"><kbd class="tj-key">N</kbd> nudge: arrows 0.1 px, '
    '<kbd class="tj-key">Shift</kbd> 1 px, <kbd class="tj-key">Alt</kbd> 0.01 px<br>'
    '<kbd class="tj-key">A</kbd> <kbd class="tj-key">S</kbd> frame, <kbd class="tj-key">D</kbd> '
    'difference, <kbd class="tj-key">F</kbd> flicker, <kbd class="tj-key">O</kbd> overlay</p>'
)


class Nudged:
    """A series with some of its images moved, worked out one at a time for the picture.

    Parameters
    ----------
    stack
        Array (n, ny, nx).
    moves
        (x, y) in px by index.
    """

    def __init__(self, stack: Any, moves: Mapping[int, tuple[float, float]]) -> None:
        self.stack, self.moves, self.shape = stack, moves, stack.shape

    def __getitem__(self, index: int) -> np.ndarray:
        image = np.asarray(self.stack[index])
        x, y = self.moves.get(int(index), (0.0, 0.0))
        if not (x or y):
            return image
        moved = ndimage.shift(image.astype(np.float32), (y, x), order=1, cval=np.nan)
        return np.asarray(moved)


def key_move(key: str, shift: bool, alt: bool) -> tuple[float, float] | None:
    """Return the move (x, y) in px that a key stands for, or None where it is no arrow."""
    if key not in ARROWS:
        return None
    size = LARGE if shift else SMALL if alt else PLAIN
    x, y = ARROWS[key]
    return x * size, y * size


def nudge_step(moves: Mapping[int, tuple[float, float]]) -> Step | None:
    """Return the Step that moves these frames, or None where none is moved."""
    frames = sorted(i for i, move in moves.items() if any(move))
    if not frames:
        return None
    return make_step(
        "stack_register", "manual", projections=tuple(frames),
        x=tuple(moves[i][0] for i in frames), y=tuple(moves[i][1] for i in frames),
    )  # fmt: skip


def draft_values(
    moves: Mapping[int, tuple[float, float]], preview: Step | None
) -> dict[str, Any] | None:
    """Return nudges, and the registration that they were set on, as values for JSON.

    Parameters
    ----------
    moves
        (x, y) in px by index of the frame.
    preview
        What was previewed when they were set; None: the series as it is.

    Returns
    -------
    dict or None
        None where there are no nudges.
    """
    if not moves:
        return None
    shown = steps_values([preview])[0] if preview is not None else None
    n = len(moves)
    text = f"{n} frame{'s' if n != 1 else ''} nudged, not applied yet"
    return {"moves": [[i, *move] for i, move in moves.items()], "preview": shown, "text": text}


def from_draft(
    values: Mapping[str, Any] | None,
) -> tuple[dict[int, tuple[float, float]], Step | None]:
    """Return what `draft_values` was given; nothing for None."""
    if not values:
        return {}, None
    moves = {int(i): (float(x), float(y)) for i, x, y in values["moves"]}
    shown = values["preview"]
    step = make_step(shown["operation"], shown["method"], **shown["values"]) if shown else None
    return moves, step


class NudgePart(widgets.VBox):
    """The fields of the frame that is shown, and the keys.

    Parameters
    ----------
    changed
        Called after the moves have changed.

    Attributes
    ----------
    moves : dict
        (x, y) in px by index of the frame.
    """

    def __init__(self, changed: Callable[[], Any]) -> None:
        self.moves: dict[int, tuple[float, float]] = {}
        self._changed, self._frame, self._quiet = changed, 0, False
        self.head = widgets.HTML()
        self.x, self.y = (widgets.FloatText(0.0, step=PLAIN) for _ in "xy")
        self.x.tooltip, self.y.tooltip = "along the tilt axis, in px", "across it, in px"
        self.x.add_class("tj-register-nudgex")
        self.y.add_class("tj-register-nudgey")
        self.clear = widgets.Button(description="No nudges", icon="undo")
        self.clear.add_class("tj-register-nonudges")
        self.clear.on_click(lambda _: self.forget())
        for control in (self.x, self.y):
            control.observe(lambda _: self._typed(), "value")
        row = widgets.Box([widgets.Label("Nudge"), widgets.HBox([self.x, self.y]),
                           widgets.HTML("px x, y")]).add_class("tj-field")  # fmt: skip
        buttons = widgets.HBox([self.clear]).add_class("tj-buttons")
        super().__init__([self.head, row, widgets.HTML(KEYS_HTML), buttons])
        self.show(0, "")

    def show(self, frame: int, tilt: str) -> None:
        """Show the move of a frame."""
        self._frame, self._quiet = frame, True
        self.head.value = section("This frame", f"{tilt} #{frame}" if tilt else "")
        self.x.value, self.y.value = self.moves.get(frame, (0.0, 0.0))
        self._quiet = False
        self.clear.layout.display = "" if self.moves else "none"

    def add(self, x: float, y: float) -> None:
        """Move the frame that is shown by (x, y) px more."""
        was = self.moves.get(self._frame, (0.0, 0.0))
        self.put(was[0] + x, was[1] + y)

    def put(self, x: float, y: float) -> None:
        """Set the move of the frame that is shown."""
        move = round(x, DIGITS) + 0.0, round(y, DIGITS) + 0.0
        if any(move):
            self.moves[self._frame] = move
        else:
            self.moves.pop(self._frame, None)
        self._changed()

    def forget(self) -> None:
        """Take all nudges back."""
        if self.moves:
            self.moves.clear()
            self._changed()

    def _typed(self) -> None:
        if not self._quiet:
            self.put(self.x.value, self.y.value)
