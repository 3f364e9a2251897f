"""A thickness of the volume that holds the specimen, from what kind it is and from the images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tomojupyter.ui.panels.reconstruct_slice import QuickLook

STEP = 8
"""px, a multiple of which is proposed."""
ROOM = 1.15
"""What is left above and below, as a factor."""
WORTH = 0.9
"""Part of the full height above which nothing is gained."""
TAIL = 0.01
"""Part of the mass at either end of an image that is taken for noise."""
COLUMNS = (0.25, 0.5, 0.75)
NOT_SMEAR = 0.3
"""Part of the contrast in a slab that what lies beyond it, smeared by the wedge, stays below."""


def proposed_thickness(signal: Any, specimen: str, quick: QuickLook | None) -> int | None:
    """Return a thickness in px, or None where the height of the images is right.

    Parameters
    ----------
    signal
        A TomoStack, aligned.
    specimen
        ``"compact"``, ``"needle"`` or ``"slab"``; anything else proposes nothing.
    quick
        Its quick look; needed for a slab.

    Notes
    -----
    What is seen whole reaches no further along z than it does across the axis at any tilt; the
    directions that the wedge hides are allowed for by the sine of the largest tilt. A slab is
    looked for in coarse slices, as the rows in which they vary along y.
    """
    if specimen in ("compact", "needle"):
        reach = _reach(signal)
    elif specimen == "slab" and quick is not None:
        reach = _slab(signal, quick)
    else:
        return None
    ny = int(signal.data.shape[1])
    found = STEP * math.ceil(2 * ROOM * reach / STEP) if reach > 0 else ny
    return found if found < WORTH * ny else None


def _reach(signal: Any) -> float:
    """Return how far matter reaches from the middle row, at any tilt, in px."""
    level, ny = signal.vacuum(), signal.data.shape[1]
    middle, far = (ny - 1) / 2, 0.0
    for i in np.flatnonzero(~signal.excluded):
        image = np.asarray(signal.data[int(i)], np.float32)
        rows = np.where(np.isfinite(image), image, level).mean(axis=1) - level
        rows = rows - min(0.0, float(np.percentile(rows, 5)))
        mass = np.cumsum(np.clip(rows, 0, None))
        if mass[-1] > 0:
            ends = np.searchsorted(mass, (TAIL * mass[-1], (1 - TAIL) * mass[-1]))
            far = max(far, float(np.abs(ends - middle).max()))
    tilt = math.radians(min(90.0, float(np.abs(signal.tilts.data).max())))
    return far / max(0.5, math.sin(tilt))


def _slab(signal: Any, quick: QuickLook) -> float:
    """Return how far a slab reaches from the middle row of coarse slices, in px."""
    _, ny, nx = signal.data.shape
    profiles = []
    for part in COLUMNS:
        slice_ = quick.slice(int(part * (nx - 1)), ny)
        inner = slice_[:, ny // 4 : ny - ny // 4]
        with np.errstate(invalid="ignore"):
            profiles.append(
                np.nan_to_num(np.nanstd(np.where(np.isfinite(inner), inner, 0), axis=1))
            )
    profile = np.mean(profiles, axis=0)
    low, high = np.percentile(profile, (10, 98))
    inside = np.flatnonzero(profile > low + NOT_SMEAR * (high - low))
    return float(np.abs(inside - (ny - 1) / 2).max()) if high > low and inside.size else 0.0


class ThicknessProposal:
    """Fills the thickness in where a person said what the specimen is, and did not type one."""

    def __init__(self) -> None:
        self._key: tuple[Any, str] | None = None
        self._px: int | None = None

    def fill(self, form: Any, signal: Any, specimen: str, quick: QuickLook | None) -> None:
        """Set the field of the chosen method; one that a person has set stays.

        Parameters
        ----------
        form
            The panel's form, or None.
        signal, specimen, quick
            As for `proposed_thickness`.
        """
        if form is None or signal is None or "thickness" not in form.controls:
            return
        before = self._px
        if self._key is None or self._key[0] is not signal or self._key[1] != specimen:
            self._key = signal, specimen
            self._px = proposed_thickness(signal, specimen, quick)
        field = form.controls["thickness"]
        if field.value.strip() in ("", str(before)):
            field.value = self._px

    def sentences(self, form: Any, specimen: str) -> list[str]:
        """Say where the thickness comes from, where it is the one that was proposed."""
        field = form.controls.get("thickness") if form is not None else None
        if self._px is None or field is None or field.value.strip() != str(self._px):
            return []
        kind = {"slab": "slab", "needle": "needle"}.get(specimen, "particle")
        return [
            f"The thickness of {self._px} px is proposed for a {kind}: look that nothing is cut "
            "off at the top and bottom of the slice."
        ]
