"""ASTRA's projectors: its matrix, the reference for our own kernels, and its GPU algorithms."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from tomojupyter.numerics.reconstruction.projector import Projector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ENTRIES = 2_000_000  # of the matrix that ASTRA holds at a time (12 to 16 bytes each)


class MatrixProjector(Projector):
    """ASTRA's "linear" projector as a sparse matrix, applied to many slices at a time.

    Notes
    -----
    The matrix and its transpose are made once, at first use, and stay in memory: 16 bytes per
    entry, of which there are at most ``2 n max(nz, ny) ny`` (134 MB for 77 tilts of 256 px,
    about 0.6 GB for 73 tilts of 512 px). A product needs ``128 (nz + n) ny`` bytes more per
    thread. Sums are in the order of the matrix for every slice, whatever the block.
    """

    has_matrix = True

    def __init__(
        self, tilts_deg: np.ndarray, ny: int, thickness: int, detector: int | None = None
    ) -> None:
        super().__init__(tilts_deg, ny, thickness, detector)
        self._lock = threading.Lock()
        self._matrix: sparse.csr_matrix | None = None
        self._transpose: sparse.csr_matrix | None = None

    def prepare(self, check: Callable[[], None] = lambda: None) -> None:
        """Make the matrices, some tilts at a time; `check` is called in between."""
        with self._lock:
            if self._transpose is not None:
                return
            per_tilt = 2 * max(self.slice_shape) * self.detector
            step = max(1, ENTRIES // per_tilt)
            parts = []
            for first in range(0, len(self.tilts_deg), step):
                check()
                parts.append(self._part(self.tilts_deg[first : first + step]))
            check()
            matrix = sparse.vstack(parts, format="csr") if len(parts) > 1 else parts[0]
            del parts
            check()
            # Reading rows of a stored transpose is a third faster than scattering by columns.
            self._transpose = matrix.T.tocsr()
            self._matrix = matrix

    def subset(self, index: Sequence[int]) -> Projector:
        """Return the projector of some of the tilts, its matrix cut out of this one's."""
        self.prepare()
        assert self._matrix is not None
        part = MatrixProjector(self.tilts_deg[list(index)], self.ny, self.thickness, self.detector)
        rows = (np.asarray(index)[:, None] * self.detector + np.arange(self.detector)).ravel()
        part._matrix = self._matrix[rows]
        part._transpose = part._matrix.T.tocsr()
        return part

    def _part(self, tilts_deg: np.ndarray) -> sparse.csr_matrix:
        import astra

        with _ids() as own:
            projector = own(astra.projector, self._projector(tilts_deg))
            number = own(astra.matrix, astra.projector.matrix(projector))
            return astra.matrix.get(number).astype(np.float32)

    def _projector(self, tilts_deg: np.ndarray) -> int:
        import astra

        grid = astra.create_vol_geom(self.thickness, self.ny)
        return int(astra.create_projector("linear", _detector(tilts_deg, self.detector), grid))

    def _forward(self, block: np.ndarray) -> np.ndarray:
        return _product(self._matrix, block, self.sinogram_shape)

    def _back(self, block: np.ndarray) -> np.ndarray:
        return _product(self._transpose, block, self.slice_shape)


def _product(matrix: Any, block: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Multiply with the slice axis innermost: each entry of the matrix is read once for all."""
    columns = np.ascontiguousarray(block.reshape(len(block), -1).T)
    return (matrix @ columns).T.reshape(len(block), *shape)


class CudaProjector(Projector):
    """ASTRA's CUDA algorithms, slice by slice; not tested here, for want of a GPU.

    Notes
    -----
    ASTRA's GPU projectors interpolate in another way than its "linear" one, and the adjoint is
    approximate, as is usual on GPUs.
    """

    concurrent = False

    def _forward(self, block: np.ndarray) -> np.ndarray:
        return np.stack([self._run("FP_CUDA", one, forward=True) for one in block])

    def _back(self, block: np.ndarray) -> np.ndarray:
        return np.stack([self._run("BP_CUDA", one, forward=False) for one in block])

    def _run(self, algorithm: str, data: np.ndarray, *, forward: bool) -> np.ndarray:
        import astra

        detector = _detector(self.tilts_deg, self.detector)
        grid = astra.create_vol_geom(self.thickness, self.ny)
        with _ids() as own:
            sinogram = astra.data2d.create("-sino", detector, 0 if forward else data)
            own(astra.data2d, sinogram)
            volume = own(astra.data2d, astra.data2d.create("-vol", grid, data if forward else 0))
            config = astra.astra_dict(algorithm)
            config["ProjectionDataId"] = sinogram
            config["VolumeDataId" if forward else "ReconstructionDataId"] = volume
            astra.algorithm.run(own(astra.algorithm, astra.algorithm.create(config)))
            return astra.data2d.get(sinogram if forward else volume)


def _detector(tilts_deg: np.ndarray, pixels: int) -> Any:
    import astra

    return astra.create_proj_geom("parallel", 1.0, pixels, np.deg2rad(tilts_deg))


@contextmanager
def _ids() -> Iterator[Callable[[Any, int], int]]:
    """Delete the ASTRA objects that are made inside, and only those."""
    made: list[tuple[Any, int]] = []

    def own(module: Any, number: int) -> int:
        made.append((module, number))
        return number

    try:
        yield own
    finally:
        for module, number in reversed(made):
            module.delete(number)
