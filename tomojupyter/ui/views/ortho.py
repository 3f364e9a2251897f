"""Three orthogonal slices of a volume with one common point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import percentiles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

AXIS_COLOURS = {"x": "#E69F00", "y": "#56B4E9", "z": "#CC79A7"}
"""x orange, y blue, z pink: in titles, cross lines and sliders."""


@dataclass(frozen=True)
class Plane:
    """One of the views: its axes across and down, and the axis that it cuts."""

    title: str
    across: str
    down: str
    cut: str


PLANES = (Plane("Top", "x", "y", "z"), Plane("Front", "x", "z", "y"), Plane("Side", "y", "z", "x"))
AXES = {"x": 0, "z": 1, "y": 2}
"""Where the axes lie in a volume of shape (x, z, y)."""


class OrthoView(widgets.GridBox):
    """Top (x, y), Front (x, z) and Side (y, z) of a volume, linked by one point.

    A click or drag in one view moves the other two; the wheel and the slider move through the
    axis that a view cuts. A double click on a title, or the keys T F S 3, make a view large, and
    back. The three have one contrast: the same grey is the same value.

    Parameters
    ----------
    corner
        Widget for the fourth place, for instance a VolumeView; None sets the three in a row.
    """

    def __init__(self, corner: widgets.Widget | None = None) -> None:
        self.pictures = {
            p.title.lower(): Picture(p.title, mode="cursor", accent=AXIS_COLOURS[p.cut])
            for p in PLANES
        }
        top, front, side = self.pictures.values()
        places = [top, front, side] if corner is None else [top, corner, front, side]
        super().__init__(places)
        self.corner = corner
        stage = getattr(corner, "place", None)
        if stage is not None:
            stage.on_title(lambda: self.enlarge("3d"))
        self.add_class("tj-ortho")
        self.layout.width = self.layout.height = "100%"
        self.average = 1
        self.paint: Callable[[str], np.ndarray] | None = None
        self.point = {"x": 0, "y": 0, "z": 0}
        self._volume: Any = None
        self._large: widgets.Widget | None = None
        self._calls: list[Callable[[int, int, int], Any]] = []
        self._moving = False
        for plane in PLANES:
            self._connect(plane, self.pictures[plane.title.lower()])
        link_pictures(*self.pictures.values(), camera=False)
        self._arrange()

    def _connect(self, plane: Plane, picture: Picture) -> None:
        def pick(across: float, down: float) -> None:
            self.move(**{plane.across: round(across), plane.down: round(down)})

        def slide(index: int) -> None:
            if not self._moving:
                self.move(**{plane.cut: index})

        def line(overlay: dict[str, Any], done: bool) -> None:
            axis = plane.across if "x" in overlay else plane.down
            self.move(**{axis: round(overlay["x" if "x" in overlay else "y"])})
            if done:  # the line was let go between two voxels
                self._draw((), keep_view=True)

        def key(name: str, _shift: bool, _alt: bool) -> None:
            views = {v[0]: v for v in self.pictures} | {"3": "3d"}
            if name.lower() in views:
                self.enlarge(views[name.lower()])

        picture.on_pick(pick)
        picture.on_index(slide)
        picture.on_drag(line)
        picture.on_title(lambda: self.enlarge(plane.title.lower()))
        picture.on_key(key)

    def enlarge(self, name: str | None) -> None:
        """Show one view alone: top, front, side or 3d; the same again, or None: all of them."""
        view = self.corner if name == "3d" else self.pictures.get(name or "")
        self._large = None if view is self._large else view
        self._arrange()

    def contrast(self, lo: float, hi: float) -> None:
        """Set the values that are drawn darkest and brightest, in all three."""
        for picture in self.pictures.values():
            picture.contrast(lo, hi)

    def set(self, volume: Any, pixel_nm: float | None = None, *, keep_view: bool = True) -> None:
        """Show another volume; the point stays where the size is the same.

        Parameters
        ----------
        volume
            Array-like of shape (x, z, y).
        pixel_nm
            Voxel size in nm; None gives scale bars in px.
        keep_view
            Keep zoom and contrast.

        Raises
        ------
        DataError
            Not three dimensions, or an empty axis.
        """
        shape = tuple(volume.shape)
        if len(shape) != 3 or not all(shape):
            raise DataError(f"a volume has shape (x, z, y); got {shape}")
        first = self._volume is None
        same = not first and tuple(self._volume.shape) == shape
        self._volume = volume
        if not same:
            self.point = {a: (shape[k] - 1) // 2 for a, k in AXES.items()}
        for plane in PLANES:
            picture = self.pictures[plane.title.lower()]
            picture.pixel_nm = pixel_nm
            self._moving = True
            picture.set_slider(shape[AXES[plane.cut]], self.point[plane.cut], name=plane.cut)
            self._moving = False
        self._draw("xyz", keep_view and same)
        if first or not keep_view:
            slices = [self.slice(a).ravel() for a in "xyz"]
            self.contrast(*percentiles(np.concatenate(slices)))

    def move(self, *, x: int | None = None, y: int | None = None, z: int | None = None) -> None:
        """Move the common point, in voxels; a value outside stops at the edge.

        `z` is the index along the second axis of the volume, counted downwards from the top.
        """
        if self._volume is None:
            return
        wanted = {a: v for a, v in (("x", x), ("y", y), ("z", z)) if v is not None}
        moved = set()
        for axis, value in wanted.items():
            inside = min(max(0, int(value)), self._volume.shape[AXES[axis]] - 1)
            if inside != self.point[axis]:
                self.point[axis] = inside
                moved.add(axis)
        if moved:
            self._draw(moved, keep_view=True, quick=True)
            for call in self._calls:
                call(self.point["x"], self.point["y"], self.point["z"])

    def on_move(self, call: Callable[[int, int, int], Any]) -> None:
        """Call with (x, y, z) in voxels when the point moved."""
        self._calls.append(call)

    @property
    def value(self) -> float:
        """Value of the volume at the point; NaN without a volume."""
        if self._volume is None:
            return float("nan")
        p = self.point
        return float(np.asarray(self._volume[p["x"], p["z"], p["y"]]))

    def slice(self, axis: str) -> np.ndarray:
        """Return the slice that cuts an axis at the point, down then across.

        Parameters
        ----------
        axis
            x, y or z. With `average` above 1, the mean of so many neighbouring slices.
        """
        return self.slice_of(self._volume, axis)

    def slice_of(self, volume: Any, axis: str) -> np.ndarray:
        """Return the same slice of another volume of the same shape."""
        plane = next(p for p in PLANES if p.cut == axis)
        k, size = self.point[axis], volume.shape[AXES[axis]]
        half = (self.average - 1) // 2
        first = max(0, k - half)
        slab = slice(first, min(size, max(k - half + self.average, first + 1)))
        index: list[Any] = [slice(None)] * 3
        index[AXES[axis]] = slab if self.average > 1 else k
        cut = np.asarray(volume[tuple(index)])
        if self.average > 1:
            cut = cut.mean(axis=AXES[axis], dtype=np.float32)
        return cut if AXES[plane.down] < AXES[plane.across] else cut.T

    def _draw(self, moved: Collection[str], keep_view: bool, quick: bool = False) -> None:
        p = self.point
        for plane in PLANES:
            picture = self.pictures[plane.title.lower()]
            with picture.hold_sync():
                picture.subtitle = f"{plane.across}, {plane.down}   {plane.cut} {p[plane.cut]}"
                picture.overlays = [
                    self._line("x", plane.across, p[plane.across]),
                    self._line("y", plane.down, p[plane.down]),
                ]
                if plane.cut in moved:
                    self._moving = True
                    picture.index = p[plane.cut]
                    self._moving = False
                    picture.show(self.seen(plane.cut), keep_view=keep_view, quick=quick)

    def seen(self, axis: str) -> np.ndarray:
        """Return the slice that cuts an axis as it is drawn: grey values, or colours."""
        return self.paint(axis) if self.paint else self.slice(axis)

    def repaint(self) -> None:
        """Draw the slices again, after `paint` changed.

        It gives the colours (ny, nx, 3) of the slice that cuts an axis; None: grey values.
        """
        if self._volume is not None:
            self._draw("xyz", keep_view=True)

    @staticmethod
    def _line(direction: str, axis: str, value: int) -> dict[str, Any]:
        return {
            "kind": "line", "id": axis, direction: value, "color": AXIS_COLOURS[axis],
            "dash": True, "width": 1.2, "drag": True,
        }  # fmt: skip

    def _arrange(self) -> None:
        """Lay the views out: two by two, in a row, or one of them alone."""
        for child in self.children:
            hidden = self._large is not None and child is not self._large
            child.layout.display = "none" if hidden else None
        if self._large is not None:
            rows, columns = "minmax(0, 1fr)", "minmax(0, 1fr)"
        elif self.corner is None:
            rows, columns = "minmax(0, 1fr)", "repeat(3, minmax(0, 1fr))"
        else:
            rows = columns = "repeat(2, minmax(0, 1fr))"
        self.layout.grid_template_rows, self.layout.grid_template_columns = rows, columns
        self.layout.grid_gap = "10px"
