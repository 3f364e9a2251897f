"""What one look at each image of a series leaves: copies small enough to be kept for all."""

from __future__ import annotations

from typing import Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.numerics.images.filters import bin_mean

SIDE = 256  # px, to which large images are binned before they are judged
WINDOW = 160  # px, side of the middle part that is kept as it is


def reduction(shape: tuple[int, ...]) -> int:
    """Return the side, in px, of the blocks whose means are judged in place of images (ny, nx)."""
    return max(1, min(shape) // SIDE)


class Glances:
    """Small copies of images that are each read once, in any order.

    Parameters
    ----------
    shape
        (n, ny, nx) of the series.
    dtype
        Of its pixels.

    Attributes
    ----------
    factor : int
        Side of a block of px that is one pixel of a small copy.
    dead : numpy.ndarray
        int (n,), pixels of each image without a finite value.

    Raises
    ------
    DataError
        If it is no stack of images.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        if len(shape) != 3:
            raise DataError(f"a stack (n, ny, nx) is needed, got an array of shape {shape}")
        self.images, self.dtype = shape, np.dtype(dtype)
        self.factor = reduction(shape[1:])
        self.dead = np.zeros(shape[0], int)
        self._small: list[np.ndarray | None] = [None] * shape[0]
        self._middles: list[np.ndarray | None] = [None] * shape[0]
        self._whole: np.ndarray | None = None

    @classmethod
    def of(cls, images: Any) -> Glances:
        """Return those of a whole series (n, ny, nx); one image is read at a time."""
        found = cls(tuple(images.shape), images.dtype)
        for i in range(len(images)):
            found.take(i, np.asarray(images[i]))
        if found.factor == 1 and isinstance(images, np.ndarray):
            found._whole = images  # small as it is
        return found

    def take(self, index: int, image: np.ndarray) -> None:
        """Keep what is needed of an image (ny, nx)."""
        if self.dtype.kind == "f":
            self.dead[index] = image.size - np.count_nonzero(np.isfinite(image))
        top, left = (max(0, (m - WINDOW) // 2) for m in image.shape)
        if self.factor == 1:
            self._middles[index] = image[top : top + WINDOW, left : left + WINDOW]
            self._small[index] = image
        else:
            self._middles[index] = np.array(image[top : top + WINDOW, left : left + WINDOW])
            self._small[index] = bin_mean(image, self.factor)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the small copies, all together."""
        n, ny, nx = self.images
        return n, ny // self.factor, nx // self.factor

    def __len__(self) -> int:
        return self.images[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return the small copy of an image, NaN where it was not looked at yet, or a part."""
        if isinstance(index, tuple):
            return self.small[index]
        found = self._small[index]
        return np.full(self.shape[1:], np.nan, np.float32) if found is None else found

    def has(self, index: int) -> bool:
        """Tell whether an image was looked at."""
        return self._small[index] is not None

    @property
    def taken(self) -> int:
        """How many images were looked at."""
        return sum(small is not None for small in self._small)

    @property
    def small(self) -> np.ndarray:
        """All small copies, (n, ny // factor, nx // factor)."""
        if self._whole is not None:
            return self._whole
        return np.stack([self[i] for i in range(len(self))]) if len(self) else np.zeros(self.shape)

    @property
    def middles(self) -> list[np.ndarray]:
        """The middle part of each image, 160 px wide at most, with its own pixels."""
        empty = np.zeros((0, 0), np.float32)
        return [empty if middle is None else middle for middle in self._middles]
