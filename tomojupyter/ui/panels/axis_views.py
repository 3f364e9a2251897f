"""The pictures of the tilt axis: the lines to drag, three slices, and two curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from tomojupyter.ui.panels.axis_form import one_decimal
from tomojupyter.ui.panels.axis_lines import (
    COLOURS,
    angle_of,
    axis_line,
    column_of,
    shift_of,
    slice_line,
)
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.words import pixel_nm, tilts_known, tilts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from tomojupyter.ui.panels.axis_score import SharpnessScan

GREEN = "#009E73"
SAME_ANGLE = 0.02  # degrees; a drag that turns the line less than this moves it


class AxisPictures:
    """What is seen of the tilt axis.

    Parameters
    ----------
    dragged
        Called with (shift, angle) while the yellow line is dragged; None for what stays.
    moved
        Called with (number of a slice, column) while its line is dragged.
    key
        Called with (key, shift, alt) from any of the pictures.
    """

    def __init__(
        self,
        dragged: Callable[[float | None, float | None], Any],
        moved: Callable[[int, int], Any],
        key: Callable[[str, bool, bool], Any],
    ) -> None:
        self._dragged, self._moved = dragged, moved
        self._where = (0.0, 0.0)
        self._shape = (1, 1)
        self._scanned: tuple[float, float] | None = None
        self.view = StackView("Sum of all tilts", mode="nudge").add_class("tj-view-tiltaxis-1")
        self.view.on_drag(self._drag)
        self.slices = [
            Picture(badge=str(k + 1), accent=colour, tools=k == 0).add_class(
                f"tj-view-tiltaxis-{k + 2}"
            )
            for k, colour in enumerate(COLOURS)
        ]
        for picture in (self.view, *self.slices):
            picture.on_key(key)
        self.curves = [
            Curve("Shift", "shift (px)", "sharpness (%)", height="100%"),
            Curve("Angle", "angle (°)", "sharpness (%)", height="100%"),
        ]
        for curve, name in zip(self.curves, ("shift", "angle"), strict=True):
            curve.add_class("tj-grow").add_class(f"tj-view-tiltaxis-{name}")
        plots = widgets.VBox(self.curves).add_class("tj-column")
        top = widgets.HBox([self.view, plots]).add_class("tj-row")
        low = widgets.HBox(self.slices).add_class("tj-row")
        self.widgets = [top, low]

    def clear(self, text: str) -> None:
        """Take everything away and say why."""
        self.view.set_slider(0)
        for picture in (self.view, *self.slices):
            picture.clear(text)
        for curve in self.curves:
            curve.clear()

    def show_series(self, signal: Any, total: np.ndarray | None, keep_view: bool) -> None:
        """Show the sum of all tilts, or, where it is None, one projection with a slider."""
        self._shape = tuple(signal.data.shape[1:])  # type: ignore[assignment]
        self.view.pixel_nm = pixel_nm(signal)
        if total is None:
            self.view.title = "Projection"
            tilts = tilts_of(signal) if tilts_known(signal) else None
            self.view.set(signal.data, tilts, pixel_nm(signal), keep_view=keep_view)
        else:
            self.view.title = "Sum of all tilts"
            self.view.set_slider(0)
            self.view.show(total, keep_view=keep_view)

    def draw_lines(self, shift: float, angle: float, columns: Sequence[int]) -> None:
        """Draw the axis and the slices where they lie in the picture."""
        self._where = (shift, angle)
        self.view.subtitle = f"axis {one_decimal(shift)} px, {one_decimal(angle)}°"
        lines = [slice_line(k, x, shift, angle, self._shape) for k, x in enumerate(columns)]
        self.view.overlays = [*lines, axis_line(shift, angle, self._shape)]

    def _drag(self, line: dict[str, Any], _done: bool) -> None:
        shift, angle = self._where
        name = str(line.get("id"))
        if name == "axis":
            turned = angle_of(line)
            if abs(turned - angle) > SAME_ANGLE:
                self._dragged(None, round(turned, 1))
            else:
                self._dragged(round(shift_of(line, angle, self._shape), 1), None)
        elif name.startswith("slice"):
            self._moved(int(name[5:]) - 1, column_of(line, shift, angle, self._shape))

    def show_slices(
        self, slices: np.ndarray, columns: Sequence[int], pixel: float | None, *,
        fresh: bool, same_contrast: bool, note: str = "",
    ) -> None:  # fmt: skip
        """Show the slices (k, z, y) of some columns; `pixel` is their pixel size in nm."""
        for picture, image, column in zip(self.slices, slices, columns, strict=True):
            picture.pixel_nm = pixel
            picture.title = f"x {column}"
            picture.subtitle = note or "slice z, y"
            picture.show(image, keep_view=not fresh)
        if same_contrast:
            lo, hi = percentiles(slices.reshape(-1, slices.shape[-1]))
            for picture in self.slices:
                picture.contrast(lo, hi)

    def say_no_slices(self, text: str) -> None:
        """Say why there are no slices."""
        for picture in self.slices:
            picture.clear(text)

    def draw_curves(self, scan: SharpnessScan, shift: float, angle: float) -> None:
        """Draw what is known of the sharpness through (shift, angle), "you" and the best."""
        score = scan.score(shift, angle)
        for axis, (curve, here, at) in enumerate(
            zip(self.curves, (shift, angle), (angle, shift), strict=True)
        ):
            x, y = scan.curve(axis, at)
            best = scan.best(axis, at)
            if best is None:
                # While the hand moves, the last whole curve stays rather than a few points.
                curve.unmark("best")
            if best is not None or "sharpness" not in curve.series:
                curve.set("sharpness", x, y, style="both", color="#0072B2")
            curve.mark("line", "x", here)
            text = "you"
            if best is not None:
                unit = "°" if axis else " px"
                there = one_decimal(best[0]) + unit
                near = abs(best[0] - here) < 0.1
                said = f"you are at the best, {there}" if near else f"best {there}"
                curve.mark("best", "star", *best, color=GREEN, text=said)
                beside = len(x) > 1 and abs(best[0] - here) < 0.15 * (x[-1] - x[0])
                text = "" if near or beside else "you"
            curve.mark("you", "dot", here, score, text=text)
