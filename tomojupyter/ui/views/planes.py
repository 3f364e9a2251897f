"""A series or a volume as planes that a slider moves through, and how two of them go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.ui.views.ortho import AXES, PLANES
from tomojupyter.ui.views.stack import checked_tilts
from tomojupyter.ui.views.texts import number_text, tilt_text

if TYPE_CHECKING:
    from collections.abc import Sequence

TILT, NUMBER, NM, PART = "tilt", "number", "nm", "part"
"""How planes of two files are paired: by tilt, by their number, by place in nm or as a part."""
SAME_TILT_DEG = 0.05
SAME_SIZE = 0.01
"""Relative difference below which two sizes in nm count as the same."""


@dataclass(frozen=True)
class Planes:
    """Planes in the order of a slider.

    Attributes
    ----------
    images
        Array-like of three dimensions; one plane is read at a time.
    cut
        The axis that the slider moves through: tilt, or x, y or z of a volume.
    order
        Index along that axis at each place of the slider.
    shape
        Rows and columns of a plane.
    pixel_nm
        Pixel size in nm, None where it is not known.
    tilts
        Degrees, rising, of a series of which they are known; else empty.
    """

    images: Any
    cut: str
    order: np.ndarray
    shape: tuple[int, int]
    pixel_nm: float | None = None
    tilts: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of_stack(
        cls,
        images: Any,
        tilts: Sequence[float] | np.ndarray | None = None,
        pixel_nm: float | None = None,
    ) -> Planes:
        """Return the projections of a series in rising order of tilt.

        Parameters
        ----------
        images
            Shape (n_tilts, ny, nx).
        tilts
            Degrees, one each; None keeps the order of the file.
        pixel_nm
            Pixel size in nm.

        Raises
        ------
        DataError
            See `stack.checked_tilts`.
        """
        values = checked_tilts(images, tilts)
        order = np.argsort(values, kind="stable")
        known = values[order] if tilts is not None else np.zeros(0)
        return cls(images, TILT, order, tuple(images.shape[1:]), pixel_nm, known)

    @classmethod
    def of_volume(cls, volume: Any, cut: str, pixel_nm: float | None = None) -> Planes:
        """Return the slices of a volume that cut an axis.

        Parameters
        ----------
        volume
            Shape (x, z, y).
        cut
            x, y or z.
        pixel_nm
            Voxel size in nm.

        Raises
        ------
        DataError
            Not three dimensions, or an empty axis.
        """
        if len(volume.shape) != 3 or not all(volume.shape):
            raise DataError(f"a volume has shape (x, z, y); got {tuple(volume.shape)}")
        plane = next(p for p in PLANES if p.cut == cut)
        shape = (volume.shape[AXES[plane.down]], volume.shape[AXES[plane.across]])
        return cls(volume, cut, np.arange(volume.shape[AXES[cut]]), shape, pixel_nm)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def is_volume(self) -> bool:
        """Whether these are slices of a volume."""
        return self.cut != TILT

    @property
    def field_nm(self) -> tuple[float, float] | None:
        """Height and width of a plane in nm; None where the pixel size is not known."""
        size = self.pixel_nm
        return (self.shape[0] * size, self.shape[1] * size) if size else None

    @property
    def home(self) -> int:
        """Where the slider begins: at 0°, or in the middle."""
        if len(self.tilts):
            return int(np.argmin(np.abs(self.tilts)))
        return (len(self) - 1) // 2 if self.is_volume else 0

    def image(self, slot: int) -> np.ndarray:
        """Return the plane at a place of the slider, shape (rows, columns)."""
        k = int(self.order[slot])
        if not self.is_volume:
            return np.asarray(self.images[k])
        plane = next(p for p in PLANES if p.cut == self.cut)
        index: list[Any] = [slice(None)] * 3
        index[AXES[self.cut]] = k
        cut = np.asarray(self.images[tuple(index)])
        return cut if AXES[plane.down] < AXES[plane.across] else cut.T

    def places(self, how: str) -> np.ndarray:
        """Return the place of each plane by which it is paired, rising.

        Parameters
        ----------
        how
            One of TILT (degrees), NUMBER, NM (from the middle) and PART (0 to 1).
        """
        n = len(self)
        if how == TILT:
            return self.tilts
        if how == NM:
            return (np.arange(n) - (n - 1) / 2) * (self.pixel_nm or 1.0)
        return (np.arange(n) + 0.5) / n if how == PART else np.arange(n, dtype=float)

    def slider(self) -> dict[str, Any]:
        """Return what `Picture.set_slider` takes besides the value."""
        n = len(self)
        if self.is_volume:
            middle, size = (n - 1) / 2, self.pixel_nm
            far = [f"{number_text((k - middle) * size)} nm" for k in range(n)] if size else []
            return {"count": n, "name": self.cut, "notes": far, "home": self.home}
        known = len(self.tilts) > 0
        labels = [tilt_text(t) for t in self.tilts] if known else [f"#{i}" for i in self.order]
        notes = [f"#{i} of 0–{n - 1}" if known else f"0–{n - 1}" for i in self.order]
        return {
            "count": n, "name": TILT if known else "frame", "labels": labels, "notes": notes,
            "home": self.home, "play": n > 1,
        }  # fmt: skip


@dataclass(frozen=True)
class Pairing:
    """How two files are seen together.

    Attributes
    ----------
    how
        By what their planes are paired; empty where they are not.
    notes
        Sentences for what a person may not expect.
    no_difference
        Why there is no difference to show; empty where there is one.
    same_field
        Whether both planes show as much, so that equal parts of them are the same place.
    """

    how: str
    notes: tuple[str, ...]
    no_difference: str
    same_field: bool


def pairing(left: Planes, right: Planes) -> Pairing:
    """Decide how two files are seen together."""
    if left.is_volume != right.is_volume:
        text = "A tilt series and a volume have no plane in common: each has its own slider."
        return Pairing("", (text,), text, same_field=False)
    how, notes = _by_what(left, right)
    one, other = left.field_nm, right.field_nm
    same_field = one is None or other is None or np.allclose(one, other, rtol=SAME_SIZE)
    if one and other and not same_field:
        widths = " and ".join(number_text(width) for _height, width in (one, other))
        notes.append(
            f"The fields of view are {widths} nm wide: zoomed in, both show the same place in "
            "the same scale."
        )
    no_difference = ""
    if left.shape != right.shape:
        sizes = " and ".join(f"{nx} × {ny}" for ny, nx in (left.shape, right.shape))
        no_difference = f"No difference can be shown: the planes have {sizes} px."
    elif not same_field:
        no_difference = "No difference can be shown: the pixel sizes are not the same."
    return Pairing(how, tuple(notes), no_difference, bool(same_field))


def _by_what(left: Planes, right: Planes) -> tuple[str, list[str]]:
    """Return by what planes of the same kind are paired, and what is to be said of it."""
    sides = (("left", left), ("right", right))
    if left.is_volume:
        unknown = [side for side, planes in sides if not planes.pixel_nm]
        if not unknown:
            return NM, []
        if len(left) == len(right):
            return NUMBER, []
        where = _where(unknown)
        return PART, [
            f"No pixel size {where}: slices are paired by their place from edge to edge, not in nm."
        ]
    unknown = [side for side, planes in sides if not len(planes.tilts)]
    if unknown:
        return NUMBER, [f"No tilts {_where(unknown)}: frames are paired by their number."]
    same = len(left) == len(right) and np.allclose(left.tilts, right.tilts, atol=SAME_TILT_DEG)
    return TILT, [] if same else ["The tilts differ: of the other series the nearest is shown."]


def _where(sides: list[str]) -> str:
    return f"on the {sides[0]}" if len(sides) == 1 else "on both sides"
