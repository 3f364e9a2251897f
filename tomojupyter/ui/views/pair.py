"""Two series or two volumes side by side, with common slider, zoom and cursor."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.ui.views.links import link_pictures
from tomojupyter.ui.views.ortho import AXIS_COLOURS, PLANES
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.planes import SAME_TILT_DEG, TILT, Pairing, Planes, pairing
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.texts import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

CURSOR = "#E69F00"
LOOKS = ("gamma", "invert", "cmap")


class PairView(widgets.HBox):
    """Two pictures that move together, and their difference where somebody asks for it.

    The slider of either moves both, to the nearest tilt or slice; a click or the pointer sets a
    cross at the same place of both. Contrast is each picture's own, unless `same_contrast`.

    Attributes
    ----------
    pictures : list of Picture
        Left, right, and the difference (right minus left).
    pairing : Pairing or None
        How the two go together; None with less than two.
    """

    def __init__(self, hook: str = "pair") -> None:
        self.pictures = [Picture(mode="cursor") for _ in range(2)]
        self.pictures.append(Picture(cmap="berlin"))
        self.titles = [widgets.HTML().add_class("tj-pair-title") for _ in self.pictures]
        self.columns = []
        for number, (title, picture) in enumerate(zip(self.titles, self.pictures, strict=True), 1):
            picture.add_class(f"tj-view-{hook}-{number}")
            column = widgets.VBox([title.add_class("tj-low"), picture])
            self.columns.append(column.add_class("tj-column"))
        super().__init__(self.columns)
        self.add_class("tj-row").add_class("tj-pair")
        self.planes: list[Planes | None] = [None, None]
        self._at = [-1, -1]
        self.pairing: Pairing | None = None
        self._difference = self._moving = self._same = False
        self._links: list[Any] = []
        self.titles[2].value = "<b>Difference</b><span>right − left</span>"
        for side, picture in enumerate(self.pictures[:2]):
            self._connect(side, picture)
        self.pictures[2].on_index(lambda index: self._slid(0, index))
        self._arrange()

    def _connect(self, side: int, picture: Picture) -> None:
        picture.on_index(lambda index: self._slid(side, index))
        picture.on_pick(lambda x, y: self._point(side, x, y, itself=True))
        picture.on_hover(lambda x, y: self._point(side, x, y))
        picture.observe(lambda change: self._aimed(side, change["new"]), "camera")
        picture.observe(lambda change: self._coloured(side, change), ["lo", "hi", *LOOKS])

    # ------------------------------------------------------------------ showing

    def set(
        self,
        left: Planes | None,
        right: Planes | None,
        titles: Sequence[tuple[str, Sequence[str]]] = (),
        message: str = "",
    ) -> None:
        """Show two files, or one.

        Parameters
        ----------
        left, right
            Planes; None: nothing there.
        titles
            Name and facts of each.
        message
            What stands in place of a left one that is not there.
        """
        old, self.planes = self.planes, [left, right]
        self.pairing = pairing(left, right) if left and right else None
        for title, (name, facts) in zip(self.titles, titles, strict=False):
            spans = "".join(f"<span>{escape(fact)}</span>" for fact in facts)
            title.value = f"<b>{escape(name)}</b>{spans}"
        self._moving = True
        for side, (planes, before) in enumerate(zip(self.planes, old, strict=True)):
            self._fill(self.pictures[side], planes, before, message)
            self._at[side] = self.pictures[side].index
        self._moving = False
        if left is not None and right is not None:
            third = self.pictures[2]
            third.pixel_nm = left.pixel_nm
            for name in ("title", "subtitle", "accent"):
                setattr(third, name, getattr(self.pictures[0], name))
            self._moving = True
            third.set_slider(value=self.pictures[0].index, **left.slider())
            self._moving = False
            self._slid(0, self.pictures[0].index)
        self._link()
        self.show_difference(self._difference)

    @staticmethod
    def _fill(picture: Picture, planes: Planes | None, before: Planes | None, text: str) -> None:
        if planes is None:
            picture.clear(text)
            picture.set_slider(0)
            return
        alike = before is not None and (before.cut, len(before)) == (planes.cut, len(planes))
        plane = next((p for p in PLANES if p.cut == planes.cut), None)
        with picture.hold_sync():
            picture.pixel_nm = planes.pixel_nm
            # The bar of a narrow picture has room for the readout and little else.
            picture.title, picture.subtitle = (plane.title, "") if plane else ("", "Projection")
            picture.accent = AXIS_COLOURS.get(planes.cut, "")
            picture.set_slider(value=picture.index if alike else planes.home, **planes.slider())
            picture.overlays, picture.facts = [], ""
            same = before is not None and before.images is planes.images and alike
            picture.show(planes.image(picture.index), keep_view=same)

    def same_contrast(self, same: bool) -> None:
        """Draw the same value in the same grey in both, or give each its own contrast."""
        self._same = False
        both = [
            (picture, percentiles(picture.pixels))
            for picture in self.pictures[:2]
            if picture.pixels is not None
        ]
        if same and len(both) == 2:
            lo, hi = min(r[0] for _, r in both), max(r[1] for _, r in both)
            both = [(picture, (lo, hi)) for picture, _ in both]
        for picture, limits in both:
            picture.contrast(*limits)
        if same and len(both) == 2:
            for name in LOOKS:
                setattr(self.pictures[1], name, getattr(self.pictures[0], name))
            self._same = True

    def _coloured(self, side: int, change: dict[str, Any]) -> None:
        """Follow a change of contrast or colours, where both have the same."""
        # Not linked in the browser: the contrast of a file that is opened would come back as
        # that of the other one.
        if self._same and not self._moving:
            setattr(self.pictures[1 - side], change["name"], change["new"])

    def show_difference(self, wanted: bool) -> None:
        """Show right minus left beside the two, where they have planes of one size."""
        self._difference = wanted
        self._arrange()
        if self._differs:
            self._subtract(fresh=True)

    @property
    def _differs(self) -> bool:
        pairing = self.pairing
        return bool(self._difference and pairing and not pairing.no_difference)

    def _arrange(self) -> None:
        shown = (True, self.planes[1] is not None, self._differs)
        for column, seen in zip(self.columns, shown, strict=True):
            column.layout.display = "" if seen else "none"

    # ------------------------------------------------------------------ moving together

    def _slid(self, side: int, index: int) -> None:
        """Show another plane, and the nearest one on the other side."""
        one, other = self.planes[side], self.planes[1 - side]
        if self._moving or one is None:
            return
        at = {side: index}
        how = self.pairing.how if self.pairing else ""
        if other is not None and how:
            place = one.places(how)[index]
            at[1 - side] = int(np.argmin(np.abs(other.places(how) - place)))
        self._moving = True
        for which, slot in at.items():
            planes, picture = self.planes[which], self.pictures[which]
            picture.index = slot
            if planes is not None and slot != self._at[which]:  # a plane is read once
                self._at[which] = slot
                picture.show(planes.image(slot), quick=True)
        self.pictures[2].index = self.pictures[0].index
        self._moving = False
        if self._differs:
            self._subtract()

    def _subtract(self, fresh: bool = False) -> None:
        left, right = self.planes
        one, other, third = self.pictures
        if left is None or right is None or one.pixels is None or other.pixels is None:
            return
        if self.pairing is not None and self.pairing.how == TILT:
            apart = abs(left.tilts[one.index] - right.tilts[other.index])
            if apart > SAME_TILT_DEG:
                third.clear(f"These tilts are {number_text(apart, 2)}° apart.")
                return
        values = other.pixels.astype(np.float32) - one.pixels.astype(np.float32)
        fresh = fresh or not third.extent[0]
        third.show(values, quick=not fresh)
        if fresh:
            lo, hi = percentiles(values)
            # Of two series with other backgrounds everything would be one colour about 0.
            middle = 0.0 if lo <= 0 <= hi else float(np.nanmedian(values))
            most = max(hi - middle, middle - lo)
            third.contrast(middle - most, middle + most)
            third.facts = f"dark: {number_text(middle)}"

    # ------------------------------------------------------------------ the same place

    def _link(self) -> None:
        for link in self._links:
            link.unlink()
        together = self.pairing is not None and bool(self.pairing.how)
        same_field = self.pairing is not None and self.pairing.same_field
        self._links = (
            link_pictures(*self.pictures, contrast=False) if together and same_field else []
        )

    def _point(self, side: int, x: float, y: float, *, itself: bool = False) -> None:
        """Set a cross at the same place of the other picture, and say what is there."""
        one, other = self.planes[side], self.planes[1 - side]
        if one is None:
            return
        cross = {"kind": "cross", "id": "cursor", "color": CURSOR}
        if itself:
            self.pictures[side].put({**cross, "x": x, "y": y})
        elif self.pictures[side].overlays:
            self.pictures[side].take("cursor")
        if other is None or self.pairing is None or not self.pairing.how:
            return
        there, picture = other_place(one, other, x, y), self.pictures[1 - side]
        picture.put({**cross, "x": there[0], "y": there[1]})
        column, row = (round(value) for value in there)
        seen = picture.pixels
        picture.facts = ""
        if seen is not None and 0 <= row < seen.shape[0] and 0 <= column < seen.shape[1]:
            picture.facts = number_text(float(seen[row, column]), 4)

    def _aimed(self, side: int, camera: list[float]) -> None:
        """Look at the same place in the same scale where the fields of view differ."""
        one, other = self.planes[side], self.planes[1 - side]
        apart = self.pairing is not None and self.pairing.how and not self.pairing.same_field
        if self._moving or not apart or one is None or other is None:
            return
        self._moving = True
        self.pictures[1 - side].camera = other_camera(
            one, other, camera, self.pictures[side].screen
        )
        self._moving = False


def other_place(one: Planes, other: Planes, x: float, y: float) -> tuple[float, float]:
    """Return the place in px of `other` that lies where (x, y) px of `one` does.

    Places count from the middle, in nm where both pixel sizes are known, else as parts.
    """
    made = []
    for axis, value in ((1, x), (0, y)):
        n, m = one.shape[axis], other.shape[axis]
        scale = one.pixel_nm / other.pixel_nm if one.pixel_nm and other.pixel_nm else m / n
        made.append((value - (n - 1) / 2) * scale + (m - 1) / 2)
    return made[0], made[1]


def other_camera(
    one: Planes, other: Planes, camera: Sequence[float], screen: Sequence[int]
) -> list[float]:
    """Return the camera of `other` that shows the place and scale of `one`'s.

    Parameters
    ----------
    one, other
        With pixel sizes.
    camera
        Of `one`: empty, or centre as parts of width and height, and zoom.
    screen
        Width and height that each picture has, in any unit.

    Returns
    -------
    list of float
        Empty where `other` is seen whole.
    """
    here, there = one.field_nm, other.field_nm
    if not camera or here is None or there is None:
        return []
    width, height = (max(1, side) for side in screen)
    whole, other_whole = (max(nm[1] / width, nm[0] / height) for nm in (here, there))
    zoom = camera[2] * other_whole / whole
    if zoom <= 1:
        return []
    x, y = ((camera[k] - 0.5) * here[1 - k] / there[1 - k] + 0.5 for k in (0, 1))
    return [x, y, zoom]
