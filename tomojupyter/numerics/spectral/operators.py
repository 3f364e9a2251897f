"""Projections of several channels, of voxels that are means over their volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

SLAB = 8  # slices of a volume that a thread takes at a time
SHARPER = 1 / 12  # of each neighbour along y, taken off a projected pixel


def sharpened(sinograms: np.ndarray) -> np.ndarray:
    """Take back along y (the last axis) what a projector blurs more than a camera does.

    Its adjoint is itself.
    """
    return _with_neighbours(sinograms, -1)


def _with_neighbours(sinograms: np.ndarray, sign: int) -> np.ndarray:
    c = np.float32(SHARPER)
    out = np.asarray((1 + 2 * c) * sinograms)
    out[..., 1:] += sign * c * sinograms[..., :-1]
    out[..., :-1] += sign * c * sinograms[..., 1:]
    return out


class Operators:
    """Projections of all channels, (channels, nx, ...), in threads.

    Parameters
    ----------
    projector
        Of one channel, with linear interpolation.
    workers
        Threads.
    beat
        Called while they work.

    Notes
    -----
    A voxel is the mean over its volume (variance 1/12 px^2 across), and linear interpolation
    spreads it over two pixels (1/6): together 1/4. A pixel of a camera is a mean over its width
    (1/12). Volumes that explain measured projections with the wider profile are sharper than the
    specimen: their surfaces are too steep, and what lies above a threshold too small. Taken off
    is a variance of 1/6, by a kernel of three pixels along y. Along x, slices have no
    interpolation.
    """

    def __init__(self, projector: Projector, workers: Workers, beat: Callable[[int], None]) -> None:
        self.projector, self.workers, self.beat = projector, workers, beat

    def forward(self, volumes: np.ndarray) -> np.ndarray:
        """Return (channels, nx, n, ny)."""
        return self._each(
            lambda part: sharpened(self.projector.forward(part)),
            volumes,
            self.projector.sinogram_shape,
        )

    def back(self, sinograms: np.ndarray) -> np.ndarray:
        """Return the adjoint of `forward`, (channels, nx, nz, ny)."""
        return self._each(
            lambda part: self.projector.back(sharpened(part)),
            sinograms,
            self.projector.slice_shape,
        )

    def spread(self, sinograms: np.ndarray) -> np.ndarray:
        """Return what is not negative spread over the volume, (channels, nx, nz, ny)."""
        return self._each(self.projector.back, sinograms, self.projector.slice_shape)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of the sizes of the entries of rows and of columns.

        Returns
        -------
        rows
            (1, 1, n, ny).
        columns
            (1, 1, nz, ny).
        """
        rows = self.projector.forward(np.ones((1, *self.projector.slice_shape), np.float32))
        seen = _with_neighbours(np.ones((1, *self.projector.sinogram_shape), np.float32), 1)
        return _with_neighbours(rows, 1)[None], self.projector.back(seen)[None]

    def slabs(self, function: Callable[[int, int], None], nx: int) -> None:
        """Call a function for ranges of slices."""
        cuts = [(first, min(first + SLAB, nx)) for first in range(0, nx, SLAB)]
        self.workers.run(lambda cut: function(*cut), cuts, self.beat)

    def _each(
        self, function: Callable[..., np.ndarray], values: np.ndarray, shape: tuple[int, int]
    ) -> np.ndarray:
        flat = values.reshape(-1, *values.shape[2:])
        out = np.empty((len(flat), *shape), np.float32)

        def one(block: slice) -> None:
            out[block] = function(flat[block])

        self.workers.run(one, self.projector.blocks(len(flat)), self.beat)
        return out.reshape(*values.shape[:2], *shape)
