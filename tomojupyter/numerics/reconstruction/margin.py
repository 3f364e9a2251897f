"""Reconstruction of a volume wider than the images, and held to some of its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.reconstruction.iterative import Iterated

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.projector import Projector

SILENT = Silent()
Found = TypeVar("Found", bound=Iterated)


def with_margin(
    solver: Callable[..., Found],
    projector: Projector,
    sinograms: np.ndarray,
    *,
    margin: int = 0,
    rows: tuple[int, int] | None = None,
    weights: np.ndarray | None = None,
    start: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    **options: Any,
) -> Found:
    """Reconstruct with matter allowed beside the images, and only in some rows.

    Parameters
    ----------
    solver
        An iterative solver, such as :func:`~tomojupyter.numerics.reconstruction.tv.tv`.
    projector, sinograms, weights, start, mask
        As the solver takes them, of the images as they are.
    margin
        Px of volume on either side along y, of which the result has none; what is seen at one
        tilt and not at another lies there. With rows as well, pixels whose rays leave the volume
        at its sides do not count (see :func:`seen_within`). `start` and
        `mask` go on there as at their ends.
    rows
        First and last row along z, from 0, that may hold matter. None: all.
    monitor
        Sees the volume without its margin.
    **options
        For the solver.

    Returns
    -------
    Iterated
        What the solver found, its volume (nx, nz, ny).

    Raises
    ------
    ParameterError
        If the margin is below 0, the rows are not there, or the solver refuses what it is given.
    """
    if margin < 0:
        raise ParameterError(f"margin must be at least 0 px, got {margin}")
    k, (nz, ny) = len(sinograms), projector.slice_shape
    first, last = check_rows(rows, nz) or (0, nz - 1)
    everything = (first, last) == (0, nz - 1)
    if not margin and everything:
        return solver(projector, sinograms, weights=weights, start=start, mask=mask,
                      monitor=monitor, **options)  # fmt: skip
    if not everything:
        # One row for all: no memory but where a block takes its part.
        held = (np.arange(nz) >= first) & (np.arange(nz) <= last)
        allowed = np.broadcast_to(held[:, None], (k, nz, ny))
        mask = allowed if mask is None else (np.asarray(mask) != 0) & allowed
    if margin:
        projector = wider(projector, margin)
        if not everything:  # NaN: without weight
            sinograms = np.where(seen_within(projector, first, last), sinograms, np.nan)
        start = _going_on(start, margin)
        mask = _going_on(mask, margin)
    inner = slice(margin, margin + ny)
    found = solver(projector, sinograms, weights=weights, start=start, mask=mask,
                   monitor=_Inner(monitor, inner), **options)  # fmt: skip
    return replace(found, volume=np.ascontiguousarray(found.volume[:, :, inner]))


def wider(projector: Projector, margin: int) -> Projector:
    """Return the projector of slices with `margin` px more on either side of what is seen."""
    ny = projector.ny + 2 * margin
    return type(projector)(projector.tilts_deg, ny, projector.thickness, projector.detector)


def check_rows(rows: tuple[int, ...] | None, thickness: int) -> tuple[int, int] | None:
    """Return rows as a pair, or raise a sentence."""
    if rows is None:
        return None
    if len(rows) != 2 or not 0 <= rows[0] <= rows[1] < thickness:
        raise ParameterError(
            "rows must be the first and the last row along z that may hold matter, from 0 to "
            f"{thickness - 1}, got {', '.join(map(str, rows)) or 'none'}"
        )
    return int(rows[0]), int(rows[1])


def seen_within(projector: Projector, first: int, last: int) -> np.ndarray:
    """Return which pixels, bool (n, detector), see nothing but the volume, in rows of matter.

    At a high tilt a ray near an edge leaves a slab beyond the margin: what it passes there would
    have to be explained by what is within.
    """
    middle = (projector.thickness - 1) / 2
    height = max(abs(first - middle), abs(last - middle)) + 0.5
    tilts = np.deg2rad(projector.tilts_deg)[:, None]
    pixels = np.abs(np.arange(projector.detector) - (projector.detector - 1) / 2)
    seen = pixels + height * np.abs(np.sin(tilts)) <= projector.ny / 2 * np.abs(np.cos(tilts))
    return np.asarray(seen)


def _going_on(volume: np.ndarray | None, margin: int) -> np.ndarray | None:
    """Return a volume (nx, nz, ny) that goes on beyond its ends along y as it is there."""
    if volume is None:
        return None
    volume = np.asarray(volume)
    if not volume.strides[0] and not volume.strides[2]:  # the same everywhere
        wide = (*volume.shape[:2], volume.shape[2] + 2 * margin)
        return np.broadcast_to(volume[:1, :, :1], wide)
    return np.pad(volume, ((0, 0), (0, 0), (margin, margin)), mode="edge")


class _Part:
    """An iterate that goes on changing, without its margin."""

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, live: Any, inner: slice) -> None:
        self._live, self._inner = live, inner
        self.shape = (*live.shape[:2], inner.stop - inner.start)

    def __len__(self) -> int:
        """Return the number of slices."""
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return a view of one slice, or what the key takes out of a copy of the whole."""
        if not isinstance(key, (int, np.integer)):
            return np.asarray(np.asarray(self)[key])
        return np.asarray(self._live[key][:, self._inner])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Put a copy together."""
        if copy is False:
            raise ValueError("the iterate lies in blocks: an array of it is a copy")
        return np.array([self[x] for x in range(len(self))], dtype or self.dtype)


class _Inner:
    """Passes on what a solver tells, without the margin of the volume."""

    def __init__(self, monitor: Monitor, inner: slice) -> None:
        self._monitor, self._inner = monitor, inner

    @property
    def finish_early(self) -> bool:
        """Whether the iterate is to be kept."""
        return bool(self._monitor.finish_early)

    @finish_early.setter
    def finish_early(self, value: bool) -> None:
        self._monitor.finish_early = value

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Pass a report on; may raise."""
        if values.get("volume") is not None:
            values["volume"] = _Part(values["volume"], self._inner)
        self._monitor(done, total, **values)
