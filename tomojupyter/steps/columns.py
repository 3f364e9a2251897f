"""The projections of a series as sinograms, some columns at a time, from wherever they lie."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics import geometry
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.blocks import unless_stopped
from tomojupyter.numerics.images.filters import bin_mean
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum, reduction
from tomojupyter.steps.checks import warn_of_projections

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 21  # bytes of images that are read at a time
PREVIEW = 32 << 20  # bytes of the images that stand for those of a lazy series


@dataclass(frozen=True)
class Cover:
    """Which pixels of a series have a measured one under them, window by window.

    Parameters
    ----------
    sources
        Of each source that the pixels came through, the (n, 3, 3) matrices from its pixels to
        the current ones, and its shape (ny, nx).
    shape
        (ny, nx) of the images.
    """

    sources: tuple[tuple[np.ndarray, tuple[int, int]], ...]
    shape: tuple[int, int]

    def whole(self) -> np.ndarray:
        """Return which images are covered everywhere, bool (n,)."""
        # An image lies within a source if its corners do.
        ny, nx = self.shape
        corners = np.diag([1 / max(1, nx - 1), 1 / max(1, ny - 1), 1.0])
        mask = self._seen(corners, (min(2, ny), min(2, nx)))
        return np.asarray(mask.all(axis=(1, 2)))

    def mask(self, factor: int = 1) -> np.ndarray | None:
        """Return which pixels are covered, of images binned by a factor; None if all are."""
        if self.whole().all():
            return None
        binned = np.diag([1 / factor, 1 / factor, 1.0])
        binned[:2, 2] = (1 / factor - 1) / 2
        ny, nx = self.shape
        return self._seen(binned, (ny // factor, nx // factor))

    def select(self, index: np.ndarray) -> Cover:
        """Return the cover of some of the images."""
        return Cover(tuple((m[index], shape) for m, shape in self.sources), self.shape)

    def window(self, columns: slice) -> np.ndarray:
        """Return which pixels of some columns are covered, bool (n, ny, k)."""
        move = np.eye(3)
        move[0, 2] = -columns.start
        return self._seen(move, (self.shape[0], columns.stop - columns.start))

    def _seen(self, then: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Return which pixels of images are covered that lie where `then` puts ours."""
        mask = None
        for matrices, source in self.sources:
            seen = geometry.covered(then @ matrices, source, shape)
            mask = seen if mask is None else mask & seen
        assert mask is not None  # the acquired images are a source
        return mask


class Sinograms:
    """What of a series goes into a reconstruction, read by columns.

    Parameters
    ----------
    signal
        A TomoStack: in memory, mapped, or lazy.

    Attributes
    ----------
    index : numpy.ndarray
        Which projections count: neither excluded nor blank.
    tilts : numpy.ndarray
        Their tilts in degrees.
    shape : tuple
        (n, ny, nx) of what counts.
    cover : Cover or None
        Of what counts; None where all is covered.

    Raises
    ------
    ParameterError
        If fewer than 2 projections can be used.
    """

    def __init__(self, signal: Any) -> None:
        self.data = signal.data
        dead = np.zeros(len(self.data), int)
        images = preview(self.data, dead)
        good = warn_of_projections(signal, dead, blank_frames(images))
        if good.sum() < 2:
            raise ParameterError(f"only {good.sum()} projection can be used; at least 2 are needed")
        self.index = np.flatnonzero(good)
        self.tilts = signal.tilts.data.ravel()[self.index]
        self.shape = (len(self.index), *self.data.shape[1:])
        cover = signal._cover().select(self.index)
        self.cover = None if cover.whole().all() else cover

    @property
    def nx(self) -> int:
        """Number of columns."""
        return int(self.shape[2])

    def among(self, index: np.ndarray) -> Sinograms:
        """Return the same of those projections only that are in `index` too."""
        kept = np.isin(self.index, index)
        fewer = copy.copy(self)
        fewer.index, fewer.tilts = self.index[kept], self.tilts[kept]
        fewer.shape = (len(fewer.index), *self.shape[1:])
        if self.cover is not None:
            fewer.cover = self.cover.select(np.flatnonzero(kept))
        return fewer

    def columns(self, wanted: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the sinograms of some columns, and their weights.

        Parameters
        ----------
        wanted
            A slice, or indices.

        Returns
        -------
        tuple
            (k, n, ny), a view where nothing has to be copied, else of the dtype of the images;
            and float32 weights of that shape, 0 or 1, or None where all are covered. A pixel
            that is not finite is left to the solver, for which it has no weight anyway.
        """
        if not isinstance(wanted, slice):
            parts = [self.columns(slice(i, i + 1)) for i in np.asarray(wanted) % self.nx]
            data = np.concatenate([part for part, _ in parts])
            if all(weights is None for _, weights in parts):
                return data, None
            return data, np.concatenate(
                [np.ones(part.shape, np.float32) if w is None else w for part, w in parts]
            )
        wanted = slice(*wanted.indices(self.nx)[:2])
        weights = None
        if self.cover is not None:
            mask = self.cover.window(wanted)
            if not mask.all():
                weights = np.ascontiguousarray(mask.transpose(2, 0, 1), np.float32)
        return self._read(wanted).transpose(2, 0, 1), weights

    def _read(self, wanted: slice) -> np.ndarray:
        everything = len(self.index) == len(self.data)
        if isinstance(self.data, np.ndarray):
            part = self.data[:, :, wanted]
            return np.asarray(part if everything else part[self.index])
        images = zeros((*self.shape[:2], wanted.stop - wanted.start), self.data.dtype)
        for piece in unless_stopped(pieces(self.shape, self.data.dtype.itemsize)):
            rows = piece if everything else self.index[piece]
            images[piece] = np.asarray(self.data[rows, :, wanted])
        return images


def some_columns(
    signal: Any, index: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return tilts, sinograms and weights of some columns of images in memory, without a warning.

    All projections are taken that are not excluded: for what a few bad ones do not spoil.
    """
    used = np.flatnonzero(~np.asarray(signal.excluded))
    cover = signal._cover().select(used)
    sinograms = signal.data[:, :, index][used].transpose(2, 0, 1)
    weights = None
    if not cover.whole().all():
        seen = [cover.window(slice(i, i + 1)) for i in index]
        weights = np.concatenate(seen, axis=2).transpose(2, 0, 1).astype(np.float32)
    return signal.tilts.data.ravel()[used], sinograms, weights


def pieces(shape: tuple[int, ...], itemsize: int) -> Iterator[slice]:
    """Cut the first axis of images (n, ny, nx) so that a piece has about `PIECE` bytes."""
    step = max(1, PIECE // max(1, itemsize * int(np.prod(shape[1:]))))
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))


def preview(data: Any, dead: np.ndarray | None = None) -> np.ndarray:
    """Return images that judge a series as its own would, without all of it in memory.

    Parameters
    ----------
    data
        (n, ny, nx), NumPy or dask.
    dead
        (n,), filled with the number of pixels of each image that are not finite.

    Returns
    -------
    numpy.ndarray
        `data` itself where it is a NumPy array; else its images, binned by
        :func:`preview_factor`.
    """
    there = isinstance(data, np.ndarray)
    if there and (dead is None or data.dtype.kind != "f"):
        return np.asarray(data)
    factor = preview_factor(data)
    made: list[np.ndarray] = []
    for piece in unless_stopped(pieces(data.shape, data.dtype.itemsize)):
        images = np.asarray(data[piece])
        if dead is not None and images.dtype.kind == "f":
            dead[piece] = [image.size - np.count_nonzero(np.isfinite(image)) for image in images]
        if not there:
            made.extend(bin_mean(image, factor) if factor > 1 else image for image in images)
    return np.asarray(data) if there else np.stack(made)


def preview_factor(data: Any) -> int:
    """Return how far a preview is binned: as images are anyway when they are judged, or more."""
    limit = math.ceil(math.sqrt(4 * math.prod(data.shape) / PREVIEW))
    return max(reduction(data.shape), min(limit, *data.shape[1:]))


def vacuum_of(data: Any, cover: Cover) -> float:
    """Return the level of the vacuum of images (n, ny, nx), NumPy or dask."""
    there = isinstance(data, np.ndarray)
    return estimate_vacuum(preview(data), cover.mask(1 if there else preview_factor(data)))
