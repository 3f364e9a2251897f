"""Forward and back projection of blocks of slices, behind one interface.

All slices of a single-axis series share one geometry, so one operator serves them all.
Solvers know nothing but :class:`Projector`;
:mod:`tomojupyter.numerics.reconstruction.backends` chooses among its implementations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError, TiltsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LANES = 32  # slices that one product takes; wider is not faster, and slower to cancel


class Projector(ABC):
    """Projection of slices ``(nz, ny)`` to sinograms ``(n, detector)``, and its adjoint.

    The geometry is that of :mod:`tomojupyter.numerics.geometry`: a point (y, z) of a slice
    appears at ``y cos t + z sin t`` from the centre of the detector, whose pixels are as large
    as those of the slice. The detector may see less than their width, about their middle.

    Parameters
    ----------
    tilts_deg
        (n,) tilts in degrees, any order.
    ny
        Width of the slices in px.
    thickness
        Height nz of the slices in px.
    detector
        Pixels of the detector. None: ny.

    Raises
    ------
    TiltsError
        If there are no tilts, or one is not finite.
    ParameterError
        If a size is below 1 px.
    """

    concurrent = True  # forward and back may run in several threads at a time
    has_matrix = False  # whose size counts

    def __init__(
        self, tilts_deg: np.ndarray, ny: int, thickness: int, detector: int | None = None
    ) -> None:
        tilts = np.array(tilts_deg, dtype=float).ravel()
        if not tilts.size:
            raise TiltsError("no tilts were given, but a projection needs at least one")
        if not np.isfinite(tilts).all():
            bad = np.flatnonzero(~np.isfinite(tilts))
            raise TiltsError(f"the tilts of projections {bad.tolist()} are not finite: enter them")
        detector = ny if detector is None else detector
        for name, value in (("ny", ny), ("thickness", thickness), ("detector", detector)):
            if value < 1:
                raise ParameterError(f"{name} must be at least 1 px, got {value}")
        self.tilts_deg = tilts
        self.ny = int(ny)
        self.thickness = int(thickness)
        self.detector = int(detector)

    @property
    def sinogram_shape(self) -> tuple[int, int]:
        """Shape (n, detector) of one sinogram."""
        return len(self.tilts_deg), self.detector

    @property
    def slice_shape(self) -> tuple[int, int]:
        """Shape (nz, ny) of one slice."""
        return self.thickness, self.ny

    def prepare(self, check: Callable[[], None] = lambda: None) -> None:
        """Make what both directions need; `check` is called in between and may raise."""
        check()

    def lanes(self, nx: int) -> int:
        """Return how many of nx slices are best worked on together."""
        return min(nx, LANES)

    def blocks(self, nx: int) -> list[slice]:
        """Return the blocks of nx slices that are worked on together, whatever the threads."""
        lanes = self.lanes(nx)
        return [slice(first, min(nx, first + lanes)) for first in range(0, nx, lanes)]

    def padded(self, k: int) -> int:
        """Return how many slices `slices` and `sinograms` have for k of them."""
        return k

    def slices(self, k: int) -> np.ndarray:
        """Return zeros for at least k slices, in the layout that takes the least time."""
        return np.zeros((k, *self.slice_shape), np.float32)

    def sinograms(self, k: int) -> np.ndarray:
        """Return zeros for at least k sinograms, in the layout that takes the least time."""
        return np.zeros((k, *self.sinogram_shape), np.float32)

    def subset(self, index: Sequence[int]) -> Projector:
        """Return the projector of some of the tilts, in the order of `index`."""
        tilts = self.tilts_deg[list(index)]
        return type(self)(tilts, self.ny, self.thickness, self.detector)

    def forward(self, block: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Project slices.

        Parameters
        ----------
        block
            (k, nz, ny), any real dtype, any k. Not modified.
        out
            float32, of the shape of the result: filled and returned. None: a new array.

        Returns
        -------
        numpy.ndarray
            float32, (k, n, detector): line integrals in units of the slices times px.

        Raises
        ------
        ParameterError
            If the slices have another shape.
        """
        block = self._checked(block, self.slice_shape, "slices")
        return self._apply(block, self._forward, self.sinogram_shape, out)

    def back(self, block: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Apply the adjoint of `forward`.

        Parameters
        ----------
        block
            (k, n, detector), any real dtype, any k. Not modified.
        out
            float32, of the shape of the result: filled and returned. None: a new array.

        Returns
        -------
        numpy.ndarray
            float32, (k, nz, ny).

        Raises
        ------
        ParameterError
            If the sinograms have another shape.
        """
        block = self._checked(block, self.sinogram_shape, "sinograms")
        return self._apply(block, self._back, self.slice_shape, out)

    def residual(self, volume: np.ndarray, sinograms: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` with what the projections of a volume leave of sinograms of that shape."""
        np.subtract(sinograms, self.forward(volume), out=out)

    def correct(
        self,
        volume: np.ndarray,
        sinograms: np.ndarray,
        factors: np.ndarray,
        lowest: float | None = None,
        highest: float | None = None,
    ) -> None:
        """Add a back-projection to a volume, in place.

        Parameters
        ----------
        volume
            float32, (k, nz, ny).
        sinograms
            (k, n, detector), as for `back`. Not modified.
        factors
            (nz, ny) or (k, nz, ny): factors of the back-projection.
        lowest, highest
            Limits of the corrected volume, or None.
        """
        step = self.back(sinograms)
        step *= factors
        volume += step
        if lowest is not None:
            np.maximum(volume, np.float32(lowest), out=volume)
        if highest is not None:
            np.minimum(volume, np.float32(highest), out=volume)

    @staticmethod
    def _checked(block: np.ndarray, shape: tuple[int, int], what: str) -> np.ndarray:
        block = np.asarray(block, dtype=np.float32)
        if block.ndim != 3 or block.shape[1:] != shape:
            raise ParameterError(
                f"{what} have the shape (k, {shape[0]}, {shape[1]}) here, got {block.shape}; "
                "make the projector for the shape of the data"
            )
        return block

    def _apply(
        self,
        block: np.ndarray,
        function: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, int],
        out: np.ndarray | None,
    ) -> np.ndarray:
        self.prepare()
        out = np.empty((len(block), *shape), np.float32) if out is None else out
        for first in range(0, len(block), LANES):
            lanes = slice(first, first + LANES)
            out[lanes] = function(block[lanes])
        return out

    @abstractmethod
    def _forward(self, block: np.ndarray) -> np.ndarray:
        """Project a block of at most `LANES` slices."""

    @abstractmethod
    def _back(self, block: np.ndarray) -> np.ndarray:
        """Apply the adjoint to a block of at most `LANES` sinograms."""
