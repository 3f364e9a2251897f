"""The reconstruction inside the joint alignment: positive, accelerated, started from the last one.

Slices lie in blocks, in the projector's own layout, from one round of the alignment to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.reconstruction.iterative import inverse_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

BLOCK = 32  # slices that a thread works on


class Solver:
    """SIRT with Nesterov's momentum, kept positive, for one geometry.

    Parameters
    ----------
    projector
        Of the geometry.
    nx
        Slices.
    workers
        Threads over the blocks.
    beat
        Called on the calling thread about every 0.1 s; may raise.

    Notes
    -----
    Each call of :meth:`run` goes on from the volume of the last one, and the momentum starts anew:
    between two rounds of an alignment the images move by a small part of a pixel only.

    References
    ----------
    A. Beck and M. Teboulle, SIAM J. Imaging Sci. 2 (2009) 183, doi:10.1137/080716542.
    """

    def __init__(
        self, projector: Projector, nx: int, workers: Workers, beat: Callable[[int], None]
    ) -> None:
        self.projector = projector
        self.workers = workers
        self.beat = beat
        projector.prepare()
        self.blocks = [slice(x, min(x + BLOCK, nx)) for x in range(0, nx, BLOCK)]
        self.volumes = [projector.slices(b.stop - b.start) for b in self.blocks]
        ones = np.ones((1, *projector.slice_shape), np.float32)
        self._rows = inverse_of(projector.forward(ones)[0])

    def run(
        self, images: np.ndarray, weights: np.ndarray, use: np.ndarray, iterations: int
    ) -> np.ndarray:
        """Reconstruct, and project the volume again.

        Parameters
        ----------
        images
            (n, ny, nx).
        weights
            (n, ny, nx), 0 where a pixel has no say.
        use
            bool (n,), images that have a say.
        iterations
            Further steps.

        Returns
        -------
        numpy.ndarray
            float32 (n, ny, nx), the projections of the volume, of images without a say too.
        """
        out = zeros(images.shape)

        def one(i: int) -> None:
            block = self.blocks[i]
            k = block.stop - block.start
            data, part = self.projector.sinograms(k), self.projector.sinograms(k)
            data[:k] = images[:, :, block].transpose(2, 0, 1)
            part[:k, use] = weights[use, :, block].transpose(2, 0, 1)
            columns = inverse_of(self.projector.back(part))
            part *= self._rows
            self.volumes[i] = self._accelerated(self.volumes[i], data, part, columns, iterations)
            again = self.projector.forward(self.volumes[i])
            out[:, :, block] = again[:k].transpose(1, 2, 0)

        self.workers.run(one, range(len(self.blocks)), self.beat)
        return out

    def _accelerated(
        self,
        volume: np.ndarray,
        data: np.ndarray,
        factors: np.ndarray,
        columns: np.ndarray,
        iterations: int,
    ) -> np.ndarray:
        ahead, momentum = self.projector.slices(len(volume)), 1.0
        ahead[...] = volume
        residual = self.projector.sinograms(len(data))
        for _ in range(iterations):
            self.projector.residual(ahead, data, residual)
            residual *= factors
            self.projector.correct(ahead, residual, columns, 0.0)
            following = 0.5 + np.sqrt(0.25 + momentum**2)
            share = np.float32((momentum - 1) / following)
            # volume becomes the point ahead, and ahead the volume, without a third array
            np.subtract(ahead, volume, out=volume)
            volume *= share
            volume += ahead
            volume, ahead = ahead, volume
            momentum = following
        return volume

    def seen(self, projector: Projector) -> np.ndarray:
        """Return the projections (n, ny, nx) of the volume at other tilts."""
        projector.prepare()
        out = np.empty((*projector.sinogram_shape, self.blocks[-1].stop), np.float32)

        def one(i: int) -> None:
            block = self.blocks[i]
            again = projector.forward(self.volumes[i])
            out[:, :, block] = again[: block.stop - block.start].transpose(1, 2, 0)

        self.workers.run(one, range(len(self.blocks)), self.beat)
        return out

    def volume(self) -> np.ndarray:
        """Return a copy of the volume (nx, nz, ny)."""
        parts = [v[: b.stop - b.start] for v, b in zip(self.volumes, self.blocks, strict=True)]
        return np.concatenate(parts)

    def middle(self) -> np.ndarray:
        """Return a copy of the central slice (nz, ny)."""
        x = self.blocks[-1].stop // 2
        i, rest = divmod(x, self.blocks[0].stop)
        return np.array(self.volumes[i][rest])
