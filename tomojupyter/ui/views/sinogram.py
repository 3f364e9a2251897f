"""The sinogram of one column: all tilts of the rows at one position along the tilt axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.stack import checked_tilts
from tomojupyter.ui.views.texts import tilt_text

if TYPE_CHECKING:
    from collections.abc import Sequence


class SinogramView(Picture):
    """A sinogram that fills its place: tilt downwards in rising order, y across."""

    def __init__(self, title: str = "Sinogram", **traits: Any) -> None:
        traits = {"stretch": True, "scale_bar": False, "tools": False, **traits}
        super().__init__(title, **traits)
        self._stack: Any = None
        self._order = np.zeros(0, dtype=int)
        self._tilts = np.zeros(0)
        self.column = 0
        self._pixel = 1

    def set(
        self,
        stack: Any,
        tilts: Sequence[float] | np.ndarray | None = None,
        column: int | None = None,
        pixel: int = 1,
    ) -> None:
        """Show another series.

        Parameters
        ----------
        stack
            Array-like of shape (n_tilts, ny, nx).
        tilts
            Degrees, one per projection.
        column
            Position x in px; None keeps the last one in a series as wide, else takes the middle.
        pixel
            Side in px of the series of what is one pixel of `stack`, where this is a small copy.
        """
        before = 0 if self._stack is None else self._stack.shape[2] * self._pixel
        self._pixel = pixel
        self._tilts = checked_tilts(stack, tilts)
        self._stack, self._order = stack, np.argsort(self._tilts, kind="stable")
        nx = stack.shape[2] * pixel
        if column is None:
            column = self.column if nx == before else nx // 2
        self.show_column(column, keep_view=False)

    def show_column(self, column: int, keep_view: bool = True) -> None:
        """Show the sinogram at another x, in px; positions outside are moved to the edge."""
        if self._stack is None:
            return
        self.column = min(max(0, int(column)), self._stack.shape[2] * self._pixel - 1)
        self.subtitle = f"x {self.column}: tilt downwards, y across"
        lines = np.asarray(self._stack[:, :, self.column // self._pixel])
        self.show(lines[self._order], keep_view=keep_view)

    def row_text(self, row: float) -> str:
        """Name the projection of a row of the picture: tilt first, then its index."""
        i = int(self._order[min(max(0, round(row)), len(self._order) - 1)])
        return f"{tilt_text(self._tilts[i])} #{i}"
