"""The pixels of a TomoStack: measured ones, or the promise of one resampling of a source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tomojupyter.numerics import geometry
from tomojupyter.numerics.images.vacuum import estimate_vacuum


@dataclass(frozen=True)
class Source:
    """Pixels by reference, and how they relate to the acquired ones.

    Parameters
    ----------
    pixels
        (m, ny, nx) array, NumPy or dask; never changed.
    rows
        (n,) which of them the stack's projections are.
    transforms
        (n, 3, 3) acquired to source pixels.
    resampled
        Interpolations that they have been through.
    """

    pixels: Any
    rows: np.ndarray
    transforms: np.ndarray
    resampled: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (ny, nx) of the images."""
        return tuple(self.pixels.shape[1:])

    def select(self, index: np.ndarray) -> Source:
        """Return the source of some projections."""
        return Source(self.pixels, self.rows[index], self.transforms[index], self.resampled)

    def matrices(self, transforms: np.ndarray) -> np.ndarray:
        """Return the (n, 3, 3) source to current matrices."""
        return transforms @ np.linalg.inv(self.transforms)

    def interpolations(self, transforms: np.ndarray) -> int:
        """Return how many interpolations lie between the acquired and the current pixels."""
        moved = any(not geometry.is_copy(m) for m in self.matrices(transforms))
        return self.resampled + int(moved)

    def cut(self, transforms: np.ndarray, frame: geometry.Frame) -> Any:
        """Return a view of the source if the current pixels are a plain cut of it, else None."""
        matrices = self.matrices(transforms)
        if not all(geometry.is_copy(m) for m in matrices):
            return None
        moves = np.round(matrices[:, :2, 2]).astype(int)
        if not len(moves) or (moves != moves[0]).any():
            return None
        left, top = -moves[0]
        bottom, right = top + frame.shape[0], left + frame.shape[1]
        if min(left, top) < 0 or bottom > self.shape[0] or right > self.shape[1]:
            return None
        rows: Any = self.rows
        if len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
            rows = slice(int(rows[0]), int(rows[0]) + len(rows))
        return self.pixels[rows, top:bottom, left:right]

    def resample(
        self, transforms: np.ndarray, frame: geometry.Frame, shift_type: str
    ) -> np.ndarray:
        """Return the current pixels, float32 (n, ny, nx), in one resampling."""
        plain = self.cut(transforms, frame)
        if plain is not None:
            return np.array(plain, np.float32)
        images = np.asarray(self.pixels[self.rows])
        covered = geometry.covered(self.matrices(transforms), self.shape, frame.shape)
        fill = 0.0 if covered.all() else estimate_vacuum(images)
        return geometry.resample(
            images, self.matrices(transforms), frame.shape, fill=fill, shift_type=shift_type
        )
