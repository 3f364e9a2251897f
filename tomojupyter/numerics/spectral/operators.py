"""Projections of several channels, of voxels that are means over their volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.geometry import centre

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

SLAB = 8  # slices of a volume that a thread takes at a time
SEEN = 256  # rays of a tilt, and steps along them, that its interpolation is looked at for


def excess(projector: Projector) -> np.ndarray:
    """Return by how much linear interpolation widens what a tilt sees of a voxel.

    Parameters
    ----------
    projector
        Steps along its rays from row to row, or from column to column where those are fewer
        degrees away, and interpolates linearly between the two voxels next to the ray.

    Returns
    -------
    numpy.ndarray
        float32 (n,) variance in px^2, from 0 to 1/4.

    Notes
    -----
    A ray at the fraction f between two voxels sees both: a variance of ``f (1 - f)``, along the
    row. Its mean is 1/6 where rays meet rows anywhere, and 0 at 0 and 90 degrees, where they run
    through the voxels' centres. At a slant it counts by the squared cosine, across the ray.
    """
    found = []
    for tilt in np.deg2rad(projector.tilts_deg):
        along, across = np.cos(tilt), np.sin(tilt)
        steps, cells = projector.thickness, projector.ny
        if abs(along) < abs(across):
            along, across, steps, cells = across, along, cells, steps
        at = (_centred(projector.ny)[:, None] - _centred(steps) * across) / along
        at = np.round(at + centre(cells), 6)
        inside = (at >= 0) & (at <= cells - 1)
        part = at - np.floor(at)
        found.append(along**2 * float((part * (1 - part))[inside].mean()) if inside.any() else 0)
    return np.array(found, np.float32)


def _centred(n: int) -> np.ndarray:
    """Return the places of the pixels of an axis about its centre, of the middle ones if many."""
    few = min(n, SEEN)
    return np.arange((n - few) // 2, (n - few) // 2 + few) - centre(n)


def _with_neighbours(sinograms: np.ndarray, share: np.ndarray, sign: int) -> np.ndarray:
    """Return pixels with `share` (n, 1) of their difference from each neighbour along y added.

    For a `sign` of 1: the sums of the sizes of what is added. Its adjoint is itself.
    """
    out = np.asarray((1 + 2 * share) * sinograms)
    out[..., 1:] += sign * share * sinograms[..., :-1]
    out[..., :-1] += sign * share * sinograms[..., 1:]
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
    factor
        Voxels per px along z and y; the projector's pixels are as small as the voxels.
    fine
        Channels whose pixels are measured so finely. Each pixel of the others is the mean over
        `factor` of the projector's, and stands there `factor` times.

    Notes
    -----
    A voxel is the mean over its volume, a variance of 1/12 px^2 at any tilt, and a pixel of a
    camera the mean over its width, 1/12 as well; what linear interpolation adds is too much
    (`excess`). Volumes that explain measured projections with the wider profile are sharper than
    the specimen: their surfaces are too steep, and what lies above a threshold too small. It is
    taken off, tilt by tilt, by a kernel of three pixels along y. Along x, slices have no
    interpolation.
    """

    def __init__(
        self,
        projector: Projector,
        workers: Workers,
        beat: Callable[[int], None],
        factor: int = 1,
        fine: tuple[int, ...] = (),
    ) -> None:
        self.projector, self.workers, self.beat = projector, workers, beat
        self.factor, self.fine = factor, fine
        self.share = excess(projector)[:, None] / 2

    def forward(self, volumes: np.ndarray) -> np.ndarray:
        """Return (channels, nx, n, ny), in units of the volumes times px."""
        seen = self._each(
            lambda part: _with_neighbours(self.projector.forward(part), self.share, -1),
            volumes,
            self.projector.sinogram_shape,
        )
        return self._seen(seen)

    def back(self, sinograms: np.ndarray) -> np.ndarray:
        """Return the adjoint of `forward`, (channels, nx, nz, ny)."""
        return self._each(
            lambda part: self.projector.back(_with_neighbours(part, self.share, -1)),
            self._seen(sinograms if self.factor == 1 else sinograms.copy()),
            self.projector.slice_shape,
        )

    def spread(self, sinograms: np.ndarray) -> np.ndarray:
        """Return what is not negative spread over the volume, per px^3, (channels, nx, nz, ny)."""
        spread = self._each(self.projector.back, sinograms, self.projector.slice_shape)
        spread *= self.factor  # voxels per px^3, over voxels per px
        return spread

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
        ones = np.ones((1, *self.projector.sinogram_shape), np.float32)
        columns = self.projector.back(_with_neighbours(ones, self.share, 1))
        rows = _with_neighbours(rows, self.share, 1)
        return rows[None] / self.factor, columns[None] / self.factor

    def slabs(self, function: Callable[[int, int], None], nx: int) -> None:
        """Call a function for ranges of slices."""
        cuts = [(first, min(first + SLAB, nx)) for first in range(0, nx, SLAB)]
        self.workers.run(lambda cut: function(*cut), cuts, self.beat)

    def _seen(self, sinograms: np.ndarray) -> np.ndarray:
        """Return pixels as the channels have them, in units of px. Its adjoint is itself."""
        if self.factor == 1:
            return sinograms
        sinograms /= self.factor
        for channel, image in enumerate(sinograms):
            if channel not in self.fine:
                pixels = image.reshape(*image.shape[:-1], -1, self.factor)
                pixels[:] = pixels.mean(axis=-1, keepdims=True)
        return sinograms

    def _each(
        self, function: Callable[..., np.ndarray], values: np.ndarray, shape: tuple[int, int]
    ) -> np.ndarray:
        flat = values.reshape(-1, *values.shape[2:])
        out = np.empty((len(flat), *shape), np.float32)

        def one(block: slice) -> None:
            out[block] = function(flat[block])

        self.workers.run(one, self.projector.blocks(len(flat)), self.beat)
        return out.reshape(*values.shape[:2], *shape)
