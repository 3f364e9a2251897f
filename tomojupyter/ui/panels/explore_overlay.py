"""Several volumes at once, each in its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.steps import history
from tomojupyter.ui.style import section
from tomojupyter.ui.views.paint import added_rgb
from tomojupyter.ui.views.sampling import percentiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomojupyter.ui.views.ortho import OrthoView

COLOURS = ("#E69F00", "#56B4E9", "#CC79A7", "#009E73")
MOST = len(COLOURS)
SAMPLES = 500_000
DENSE = 0.5
"""Part of the range of an overlaid volume at which its surface lies."""


class OverlayForm(widgets.VBox):
    """A box for each other volume of the same shape; ticked ones are drawn in colours.

    Parameters
    ----------
    changed
        Called when the choice changed.
    """

    def __init__(self, changed: Callable[[], Any]) -> None:
        self.changed = changed
        self.boxes: dict[str, widgets.Checkbox] = {}
        self._volumes: dict[str, Any] = {}
        self._limits: dict[int, tuple[float, float]] = {}
        self.list = widgets.VBox()
        super().__init__([widgets.HTML(section("Overlay in colours", "up to 4")), self.list])
        self.layout.display = "none"

    def set(self, main: Any, volumes: Sequence[tuple[str, Any]]) -> None:
        """Offer other volumes of the shape of the main one."""
        fitting = {
            name: signal
            for name, signal in volumes
            if signal is not main and signal.data.shape == main.data.shape
        }
        if list(fitting) == list(self._volumes) and all(
            fitting[name] is self._volumes[name] for name in fitting
        ):
            return
        ticked = [name for name, box in self.boxes.items() if box.value and name in fitting]
        if not ticked and not any(signal is main for signal in self._volumes.values()):
            # Elements that were reconstructed together are looked at together.
            ticked = [n for n, signal in fitting.items() if same_set(main, signal)][: MOST - 1]
        self._volumes = fitting
        self.boxes = {name: widgets.Checkbox(name in ticked, indent=False) for name in fitting}
        for name, box in self.boxes.items():
            box.description = name
            box.observe(lambda _: self.changed(), "value")
        self.list.children = list(self.boxes.values())
        self.layout.display = "" if fitting else "none"

    @property
    def chosen(self) -> list[tuple[str, Any, str]]:
        """Name, volume and colour of each that is ticked; the main volume has the first colour."""
        ticked = [name for name, box in self.boxes.items() if box.value][: MOST - 1]
        return [(name, self._volumes[name], COLOURS[k + 1]) for k, name in enumerate(ticked)]

    def range_of(self, volume: Any) -> tuple[float, float]:
        """Return the values of a volume that are drawn dark and bright."""
        if id(volume) not in self._limits:
            data = np.asarray(volume.data)
            step = max(1, round((data.size / SAMPLES) ** (1 / 3)))
            sample = data[::step, ::step, ::step]
            self._limits[id(volume)] = percentiles(sample.reshape(len(sample), -1))
        return self._limits[id(volume)]

    def level_of(self, volume: Any) -> float:
        """Return the value at which the surface of an overlaid volume lies."""
        lo, hi = self.range_of(volume)
        return lo + DENSE * (hi - lo)

    def paint(self, ortho: OrthoView, main: Any) -> Callable[[str], np.ndarray] | None:
        """Return what draws a slice in colours, or None where nothing is ticked."""
        chosen = self.chosen
        if not chosen:
            return None
        layers = [(main, COLOURS[0]), *((volume, colour) for _, volume, colour in chosen)]

        def draw(axis: str) -> np.ndarray:
            return added_rgb(
                [
                    (ortho.slice_of(np.asarray(v.data), axis), *self.range_of(v), colour)
                    for v, colour in layers
                ]
            )

        return draw


def same_set(one: Any, other: Any) -> bool:
    """Tell whether two volumes were made together by one Step."""
    records = [(history.read(signal) or [{}])[-1] for signal in (one, other)]
    return "together" in records[0] and all(
        records[0].get(key) == records[1].get(key) for key in ("together", "time", "on")
    )
