"""Projections of a tilt series: one at a time, and as a strip of thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.sampling import area_mean, as_picture, percentiles
from tomojupyter.ui.views.texts import tilt_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


LEFT_OUT = {"kind": "tag", "id": "left out", "x": 0, "y": 0, "color": "#F0B55A"}
"""Tag of a projection that is excluded from the work, upper left."""


def checked_tilts(stack: Any, tilts: Sequence[float] | np.ndarray | None) -> np.ndarray:
    """Return one tilt per projection, or the indices where no tilts are known.

    Parameters
    ----------
    stack
        Shape (n_tilts, ny, nx).
    tilts
        Degrees, one per projection; None where they are not known.

    Returns
    -------
    numpy.ndarray
        Shape (n_tilts,), float64.

    Raises
    ------
    DataError
        Not three dimensions, or another number of tilts than projections.
    """
    if len(stack.shape) != 3 or not stack.shape[0]:
        raise DataError(f"a tilt series has shape (tilts, y, x); got {tuple(stack.shape)}")
    if tilts is None:
        return np.arange(stack.shape[0], dtype=np.float64)
    values = np.asarray(tilts, dtype=np.float64).ravel()
    if len(values) != stack.shape[0]:
        raise DataError(f"{stack.shape[0]} projections but {len(values)} tilts: give one for each")
    return values


class StackView(Picture):
    """A projection of a tilt series, with a slider over the tilts in rising order.

    The slider's value `index` counts in order of tilt; `projection` is the index in the series,
    which is what the recipe and the labels (``#51``) use.
    """

    def __init__(self, title: str = "Projection", **traits: Any) -> None:
        super().__init__(title, **traits)
        self._stack: Any = None
        self._order = np.zeros(0, dtype=int)
        self._tilts = np.zeros(0)
        self._out = np.zeros(0, dtype=bool)
        self._reasons: list[str] = []
        self._quiet = False
        self.on_index(self._moved)

    def set(
        self,
        stack: Any,
        tilts: Sequence[float] | np.ndarray | None = None,
        pixel_nm: float | None = None,
        *,
        excluded: Sequence[bool] | np.ndarray | None = None,
        reasons: Sequence[str] = (),
        keep_view: bool = True,
    ) -> None:
        """Show another series; the tilt that is shown is kept as nearly as possible.

        Parameters
        ----------
        stack
            Array-like of shape (n_tilts, ny, nx); one projection is read at a time.
        tilts
            Degrees, one per projection, any order; None shows indices only.
        pixel_nm
            Pixel size in nm; None gives a scale bar in px.
        excluded, reasons
            True for projections that are left out, and why; these are shown too, with a tag.
        keep_view
            Keep zoom and contrast.

        Raises
        ------
        DataError
            Not three dimensions, or not one tilt (or one True or False) per projection.
        """
        values = checked_tilts(stack, tilts)
        before = self.tilt if self._stack is not None else 0.0
        out = np.zeros(len(values), bool) if excluded is None else np.asarray(excluded, bool)
        if out.shape != values.shape:
            raise DataError(f"{len(values)} projections but {out.size} marks of exclusion")
        self._stack, self._tilts, self._out = stack, values, out
        self._reasons = list(reasons) or [""] * len(values)
        self._order = np.argsort(values, kind="stable")
        self.pixel_nm = pixel_nm
        last = len(values) - 1
        known = tilts is not None
        labels = [tilt_text(values[i]) if known else f"#{i}" for i in self._order]
        notes = [
            (f"#{i} of 0–{last}" if known else f"0–{last}") + (", left out" if out[i] else "")
            for i in self._order
        ]
        nearest = self._slot(before)
        self._quiet = True  # it is shown once, below
        self.set_slider(
            len(values), nearest, name="tilt" if known else "frame", labels=labels, notes=notes,
            home=self._slot(0.0), play=len(values) > 1,
        )  # fmt: skip
        self._quiet = False
        self._show_index(nearest, keep_view=keep_view)

    def _slot(self, tilt: float) -> int:
        return int(np.argmin(np.abs(self._tilts[self._order] - tilt)))

    @property
    def projection(self) -> int:
        """Index in the series of the projection that is shown."""
        return int(self._order[self.index]) if len(self._order) else 0

    @projection.setter
    def projection(self, index: int) -> None:
        found = np.flatnonzero(self._order == index)
        if not len(found):
            raise DataError(f"projection must be 0 to {len(self._order) - 1}, got {index}")
        self.index = int(found[0])

    @property
    def tilt(self) -> float:
        """Tilt in degrees of the projection that is shown."""
        return float(self._tilts[self.projection]) if len(self._tilts) else 0.0

    def go_to_tilt(self, tilt: float) -> None:
        """Show the projection nearest to a tilt in degrees."""
        if len(self._tilts):
            self.index = self._slot(tilt)

    def on_projection(self, call: Callable[[int], Any]) -> None:
        """Call with the index in the series whenever another projection is shown."""
        self.on_index(lambda _: call(self.projection))

    def refresh(self) -> None:
        """Show the same projection again, after the series changed in place."""
        self._show_index(self.index)

    def _moved(self, index: int) -> None:
        if not self._quiet:
            self._show_index(index, quick=True)

    def _show_index(self, index: int, keep_view: bool = True, quick: bool = False) -> None:
        if self._stack is None or not 0 <= index < len(self._order):
            return
        projection = int(self._order[index])
        with self.hold_sync():
            if self._out[projection]:
                why = self._reasons[projection]
                self.put({**LEFT_OUT, "text": f"left out: {why}" if why else "left out"})
            elif any(o.get("id") == "left out" for o in self.overlays):
                self.take("left out")
            self.show(np.asarray(self._stack[projection]), keep_view=keep_view, quick=quick)


class StripView(Picture):
    """Thumbnails of projections side by side in one picture; a click chooses one.

    Parameters
    ----------
    count
        At most so many thumbnails, spread evenly over the tilts, the ends included.
    """

    def __init__(self, count: int = 11, **traits: Any) -> None:
        super().__init__(tools=False, scale_bar=False, **traits)
        self.add_class("tj-strip")
        self._count = count
        self._shown = np.zeros(0, dtype=int)
        self._side = 1
        self._labels: list[dict[str, Any]] = []
        self._projection_calls: list[Callable[[int], Any]] = []
        self.on_pick(lambda x, _y: self._picked(x))

    def chosen(self, tilts: np.ndarray) -> np.ndarray:
        """Return the indices of the projections of which thumbnails are shown."""
        order = np.argsort(tilts, kind="stable")
        slots = np.unique(np.linspace(0, len(order) - 1, min(self._count, len(order))).round())
        return order[slots.astype(int)]

    def set(self, stack: Any, tilts: Sequence[float] | np.ndarray | None = None) -> None:
        """Show thumbnails of a series of shape (n_tilts, ny, nx); tilts in degrees."""
        values = checked_tilts(stack, tilts)
        self._shown = self.chosen(values)
        small = [_thumbnail(np.asarray(stack[int(i)])) for i in self._shown]
        self._side = small[0].shape[1] + 4
        sheet = np.full((small[0].shape[0], self._side * len(small) - 4), np.nan, np.float32)
        for k, image in enumerate(small):
            sheet[:, k * self._side : k * self._side + image.shape[1]] = image
        self.show(sheet, keep_view=False)
        self._labels = [
            {
                "kind": "tag", "x": k * self._side, "y": 0, "color": "rgba(255,255,255,.75)",
                "size": 9, "text": tilt_text(values[i], 0) if tilts is not None else f"#{i}",
            }
            for k, i in enumerate(self._shown)
        ]  # fmt: skip
        self.overlays = list(self._labels)

    def mark(self, projections: Iterable[int], color: str = "#56B4E9") -> None:
        """Draw a frame about the thumbnails nearest to these indices in the series."""
        frames = []
        for wanted in projections if len(self._shown) else ():
            k = int(np.argmin(np.abs(self._shown - wanted)))
            x0 = k * self._side
            frames.append(
                {
                    "kind": "rectangle", "x0": x0 + 1, "y0": 1, "x1": x0 + self._side - 5,
                    "y1": self.extent[0] - 1, "color": color, "width": 2.5,
                }
            )  # fmt: skip
        self.overlays = [*self._labels, *frames]

    def on_projection(self, call: Callable[[int], Any]) -> None:
        """Call with the index in the series of the thumbnail that was clicked."""
        self._projection_calls.append(call)

    def _picked(self, x: float) -> None:
        if len(self._shown):
            k = min(max(0, int((x + 0.5) // self._side)), len(self._shown) - 1)
            for call in self._projection_calls:
                call(int(self._shown[k]))


def _thumbnail(image: np.ndarray, pixels: int = 96) -> np.ndarray:
    """Return a small copy whose own contrast runs from 0 to 1."""
    picture = as_picture(image)
    small = area_mean(picture, max(1, max(picture.shape) // pixels)).astype(np.float32)
    lo, hi = percentiles(small)
    return np.clip((small - lo) / (hi - lo), 0, 1)
