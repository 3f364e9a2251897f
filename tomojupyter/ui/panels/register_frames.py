"""Two frames compared: their difference, one after the other, or one over the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import percentiles

FLICKER_S = 1 / 3
FASTEST_S, SLOWEST_S = 0.05, 2.0


class ComparePicture(Picture):
    """A picture that compares two images; flicker goes on until `rest`."""

    def __init__(self, title: str = "", **traits: Any) -> None:
        super().__init__(title, **traits)
        self._timer: Any = None
        self._every_s = FLICKER_S

    def compare(self, how: str, mine: np.ndarray, other: np.ndarray) -> None:
        """Show the difference, flicker or overlay of two images (ny, nx)."""
        self.rest()
        limits = percentiles(mine)
        self.cmap = "berlin" if how == "difference" else "gray"
        if how == "overlay":
            self.show(overlay(mine, other, limits))
        elif how == "difference":
            self.show(mine - other)
            half = (limits[1] - limits[0]) / 4
            self.contrast(-half, half)
        else:
            self.show(mine)
            self.contrast(*limits)
            self._flick([mine, other], 1)

    def pace(self, factor: float) -> None:
        """Let each image of a flicker stand so many times as long."""
        self._every_s = min(SLOWEST_S, max(FASTEST_S, self._every_s * factor))

    def rest(self) -> None:
        """End the flicker."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flick(self, images: list[np.ndarray], turn: int) -> None:
        loop = running_loop()
        if loop is None:
            return
        self.show(images[turn])
        self._timer = loop.call_later(self._every_s, self._flick, images, 1 - turn)


def overlay(mine: np.ndarray, other: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Return two images as one in colours, uint8 (ny, nx, 3): magenta and green, white together."""
    low, high = limits
    scaled = [
        np.nan_to_num(255 * np.clip((image - low) / (high - low), 0, 1)).astype(np.uint8)
        for image in (mine, other)
    ]
    return np.stack([scaled[0], scaled[1], scaled[0]], axis=-1)
