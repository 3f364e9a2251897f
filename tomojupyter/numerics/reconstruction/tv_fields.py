"""The dual field of total variation on one block of slices, compiled or in NumPy.

The total variation of a volume is the largest sum of ``gradient . field`` over fields whose
vectors are no longer than 1. A field belongs to a block of slices, laid out as the projector
likes it; its neighbours are known by faces, the values at the first or last slice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from tomojupyter.errors import Cancelled
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.blocks import stopped

PIECE = 1 << 24  # voxels, about 0.1 s, between two looks at a cancel


class Field(ABC):
    """Dual field of one block, and the steps that it takes part in.

    Parameters
    ----------
    volume
        (k, nz, ny), the block's array as the solver has it: padding after its slices included.
    count
        Slices that are no padding.
    limits
        Lowest and highest value of the volume.
    inside
        As large as `volume`, in its layout: 1, or 0 where the primal point must be 0. None: 1.

    Notes
    -----
    The field is scaled by the step of the data, so that the primal point is
    ``within(volume + divergence(field))``. Differences are forward; none leads beyond the volume.
    """

    def __init__(
        self,
        volume: np.ndarray,
        count: int,
        limits: tuple[float, float],
        inside: np.ndarray | None,
    ) -> None:
        self.count = count
        self.limits = limits
        self.inside = inside
        self.shape = volume.shape
        self.none = np.zeros(self.shape[1:], np.float32)  # of a block without one before it
        self.last = np.zeros(self.shape[1:], np.float32)  # along x, at the last slice

    @abstractmethod
    def first(self, volume: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Return the primal point (nz, ny) of the first slice."""

    @abstractmethod
    def ascend(
        self, volume: np.ndarray, before: np.ndarray, after: np.ndarray | None, bound: float
    ) -> np.ndarray:
        """Take a step of projected gradient ascent.

        Parameters
        ----------
        volume
            The block whose proximal point is sought.
        before
            (nz, ny) field along x of the last slice before this block, or `none`.
        after
            (nz, ny) primal point of the first slice after this block, or None.
        bound
            Greatest length of a vector.

        Returns
        -------
        numpy.ndarray
            What `last` will be: the neighbours still need the old one.
        """

    @abstractmethod
    def descend(
        self, volume: np.ndarray, found: np.ndarray, before: np.ndarray, momentum: float
    ) -> tuple[float, float]:
        """Set `found` to the primal point, and `volume` to ``new + momentum (new - old)``.

        Returns
        -------
        tuple[float, float]
            Sums of squares of the change and of the new point.
        """


class CompiledField(Field):
    """A field for blocks in the layout of the projector's kernels."""

    def __init__(
        self,
        volume: np.ndarray,
        count: int,
        limits: tuple[float, float],
        inside: np.ndarray | None,
    ) -> None:
        super().__init__(volume, count, limits, inside)
        from tomojupyter.numerics.reconstruction import tv_kernels

        self._kernels: Any = tv_kernels
        self._inside = np.empty(0, np.float32) if inside is None else _flat(inside)
        lanes, nz, ny = volume.shape
        self._sizes = (nz, ny, volume.strides[1] // volume.itemsize, lanes)
        self._dual = zeros((tv_kernels.VECTOR + 3 * volume.size,))
        self._float_limits = (np.float32(limits[0]), np.float32(limits[1]))
        rows = max(1, PIECE // (lanes * ny))
        self._pieces = [(z, min(nz, z + rows)) for z in range(0, nz, rows)]

    def first(self, volume: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Do as the base class says."""
        out = np.empty(self.shape[1:], np.float32)
        self._kernels.first(
            _flat(volume), self._inside, self._dual, before.ravel(), self._float_limits,
            self._sizes, out.ravel(),
        )  # fmt: skip
        return out

    def ascend(
        self, volume: np.ndarray, before: np.ndarray, after: np.ndarray | None, bound: float
    ) -> np.ndarray:
        """Do as the base class says."""
        out = np.empty(self.shape[1:], np.float32)
        beyond = np.empty(0, np.float32) if after is None else after.ravel()
        faces = (before.ravel(), beyond, out.ravel())
        lanes, _, ny = self.shape
        buffer = np.empty(2 * ny * lanes + self._kernels.VECTOR, np.float32)
        for rows in self._pieces:
            _look()
            self._kernels.ascend(
                _flat(volume), self._inside, self._dual, faces, np.float32(bound),
                self._float_limits, rows, (*self._sizes, self.count - 1), buffer,
            )  # fmt: skip
        return out

    def descend(
        self, volume: np.ndarray, found: np.ndarray, before: np.ndarray, momentum: float
    ) -> tuple[float, float]:
        """Do as the base class says."""
        change = size = 0.0
        for rows in self._pieces:
            _look()
            more = self._kernels.descend(
                _flat(volume), self._inside, _flat(found), self._dual, before.ravel(),
                self._float_limits, np.float32(momentum), rows, (*self._sizes, self.count - 1),
            )  # fmt: skip
            change, size = change + more[0], size + more[1]
        return change, size


class PlainField(Field):
    """A field for blocks in any layout, in NumPy."""

    STEP = np.float32(1 / 12)

    def __init__(
        self,
        volume: np.ndarray,
        count: int,
        limits: tuple[float, float],
        inside: np.ndarray | None,
    ) -> None:
        super().__init__(volume, count, limits, inside)
        self._dual = np.zeros((3, *volume.shape), np.float32)

    def _primal(self, volume: np.ndarray, before: np.ndarray) -> np.ndarray:
        x, y, z = self._dual
        point = volume + x
        point[0] -= before
        point[1:] -= x[:-1]
        point += y
        point[:, :, 1:] -= y[:, :, :-1]
        point += z
        point[:, 1:] -= z[:, :-1]
        np.clip(point, *self.limits, out=point)
        if self.inside is not None:
            point *= self.inside
        return point

    def first(self, volume: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Do as the base class says."""
        return self._primal(volume, before)[0]

    def ascend(
        self, volume: np.ndarray, before: np.ndarray, after: np.ndarray | None, bound: float
    ) -> np.ndarray:
        """Do as the base class says."""
        point = self._primal(volume, before)
        end = self.count - 1
        x, y, z = self._dual
        x[:end] += self.STEP * (point[1 : end + 1] - point[:end])
        if after is not None:
            x[end] += self.STEP * (after - point[end])
        y[:, :, :-1] += self.STEP * np.diff(point, axis=2)
        z[:, :-1] += self.STEP * np.diff(point, axis=1)
        length = np.sqrt(x * x + y * y + z * z)
        self._dual *= np.float32(bound) / np.maximum(length, np.float32(max(bound, 1e-30)))
        return x[end].copy()

    def descend(
        self, volume: np.ndarray, found: np.ndarray, before: np.ndarray, momentum: float
    ) -> tuple[float, float]:
        """Do as the base class says."""
        new = self._primal(volume, before)
        change = new - found
        found[...] = new
        volume[...] = new + np.float32(momentum) * change
        squares = [
            np.sum(np.square(part[: self.count], dtype=np.float64)) for part in (change, new)
        ]
        return float(squares[0]), float(squares[1])


def make_field(
    volume: np.ndarray,
    count: int,
    limits: tuple[float, float],
    inside: np.ndarray | None = None,
) -> Field:
    """Return the field of a block: compiled where it has the layout of the kernels."""
    lanes = volume.strides[0] == volume.itemsize and len(volume) % 16 == 0
    if lanes and volume.strides[2] == volume.itemsize * len(volume):
        return CompiledField(volume, count, limits, inside)
    return PlainField(volume, count, limits, inside)


def _look() -> None:
    if stopped():
        raise Cancelled("stopped")  # heard by nobody: who stopped the threads has raised


def _flat(block: np.ndarray) -> np.ndarray:
    """Return the memory of a block, from its first number to its last."""
    size = 1 + sum(
        (n - 1) * s // block.itemsize for n, s in zip(block.shape, block.strides, strict=True)
    )
    return np.lib.stride_tricks.as_strided(block, (size,), (block.itemsize,))
