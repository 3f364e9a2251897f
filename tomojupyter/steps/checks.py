"""What is worth a warning before an estimator or a solver looks at the pixels."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import TomojupyterWarning
from tomojupyter.numerics.images.vacuum import blank_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tomojupyter.steps.base import Step

FEW_TILTS = 9  # fewer may well be a test within a few degrees
FLAT_SPAN = np.deg2rad(60)  # a series of at least 60 degrees, in radians


def warn(sentence: str) -> None:
    """Warn a person; work goes on."""
    warnings.warn(sentence, TomojupyterWarning, stacklevel=2)


def frames(indices: Iterable[int], tilts: np.ndarray) -> str:
    """Return "#23 (26.0°), #51 (28.0°)"."""
    return ", ".join(f"#{i} ({tilts[i]:.1f}°)" for i in indices)


def seen_by(step: Step, signal: Any) -> Any:
    """Return the series as an estimator sees it: through the filters set for alignment only."""
    filters = signal.alignment_filters
    doubt = doubt_of(type(step), filters)
    if doubt:
        warn(doubt)
    return signal.for_alignment()


def doubt_of(cls: type[Step], filters: Sequence[Any]) -> str:
    """Return why an estimator and the filters that it looks through do not suit each other."""
    edges = [f.method for f in filters if not f.keeps_mass]
    if not edges or not cls.by_mass:
        return ""
    return (
        f"{cls.method} goes by mass, which {' and '.join(edges)} (for alignment only) does not "
        "keep: register by PC or StackReg, and set the axis by MaxImage or by hand"
    )


def usable(signal: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return which projections and which pixels can be trusted, and warn of the others.

    Returns
    -------
    tuple of numpy.ndarray
        bool (n,) projections that are neither excluded nor blank; bool (n, ny, nx) pixels
        that are covered and finite.
    """
    images = signal.data
    finite = np.isfinite(images)
    dead = finite[0].size - np.count_nonzero(finite, axis=(1, 2))
    good = warn_of_projections(signal, dead, blank_frames(images))
    return good, signal.covered() & finite


def warn_of_projections(signal: Any, dead: np.ndarray, blank: np.ndarray) -> np.ndarray:
    """Return which projections can be trusted, and warn of the others.

    Parameters
    ----------
    signal
        A TomoStack.
    dead
        (n,) how many pixels of each projection are not finite.
    blank
        (n,) which projections have no contrast.

    Returns
    -------
    numpy.ndarray
        bool (n,): neither excluded nor blank.
    """
    tilts = signal.tilts.data.ravel()
    if dead.any():
        where = np.flatnonzero(dead)
        warn(
            f"{dead.sum()} pixels are NaN, in {len(where)} of {len(dead)} projections "
            f"({frames(where[:3], tilts)}{', ...' if len(where) > 3 else ''}); "
            "they get no weight"
        )
    good = np.asarray(~signal.excluded)
    blank = blank & good
    if blank.any():
        warn(f"projection {frames(np.flatnonzero(blank), tilts)} is blank and gets no weight")
    repeated = _repeated(tilts[good])
    if len(repeated):
        shown = ", ".join(f"{t:.2f}°" for t in repeated[:3])
        warn(
            f"more than one projection at {shown}: each is used; leave one out if that is a mistake"
        )
    used = tilts[good]
    if looks_like_radians(used):
        warn(
            f"the tilts go from {used.min():.2f}° to {used.max():.2f}°, which looks like radians: "
            "enter degrees with set_tilts"
        )
    return good & ~blank


def looks_like_radians(tilts: np.ndarray) -> bool:
    """Tell whether tilts in "degrees" are those of a tilt series in radians."""
    if len(tilts) < FEW_TILTS:
        return False
    span = float(np.ptp(tilts))
    return FLAT_SPAN < span <= np.pi and float(np.abs(tilts).max()) <= np.pi


def _repeated(tilts: np.ndarray) -> np.ndarray:
    values, counts = np.unique(np.round(tilts, 2), return_counts=True)
    return values[counts > 1]
