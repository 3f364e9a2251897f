"""Our own projector: compiled kernels that work on up to 64 slices at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import Cancelled
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.blocks import stopped
from tomojupyter.numerics.reconstruction.projector import Projector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTHS = (16, 32, 64)  # lanes that the kernels are compiled for
BLOCK = 128 << 20  # bytes of the slices of one block: what a thread needs at least
PIECE = 5e8  # products of a voxel and a tilt, about 0.05 s, between two looks at a cancel


class NumbaProjector(Projector):
    """Joseph's projector, as ASTRA's "linear" one, compiled for this processor.

    Notes
    -----
    A ray takes one sample in each row of the slice (in each column, if it is flatter than 45
    degrees), interpolated between the two nearest voxels of the row, times the length of the ray
    from row to row. `back` uses the same weights to rounding. The weight of a voxel and a ray is
    computed once for all slices of a block, whose slices lie innermost in memory; sums are taken
    in the same order for every slice, whatever the block. Memory: what `forward` and `back`
    return, and a copy of what they are given where it has another layout.

    References
    ----------
    P. M. Joseph, IEEE Trans. Med. Imaging 1 (1982) 192, doi:10.1109/TMI.1982.4307572.
    """

    def __init__(
        self, tilts_deg: np.ndarray, ny: int, thickness: int, detector: int | None = None
    ) -> None:
        super().__init__(tilts_deg, ny, thickness, detector)
        self._rays = _rays(self.tilts_deg, self.ny, self.thickness, self.detector)

    def prepare(self, check: Callable[[], None] = lambda: None) -> None:
        """Load the kernels; each is compiled at its first use, and then kept on disk."""
        check()
        from tomojupyter.numerics.reconstruction import kernels  # noqa: F401  numba takes a second to import

    def lanes(self, nx: int) -> int:
        """Return how many slices make a block."""
        wanted = next((w for w in WIDTHS if nx <= 2 * w), WIDTHS[-1])
        fitting = [w for w in WIDTHS if w <= wanted and 4 * w * self.ny * self.thickness <= BLOCK]
        return max(fitting, default=WIDTHS[0])

    def padded(self, k: int) -> int:
        """Return how many slices arrays for k of them have."""
        return _lanes(k)

    def slices(self, k: int) -> np.ndarray:
        """Return k slices of zeros in the layout of the kernels, and some more as padding."""
        return _zeros(k, self.slice_shape)

    def sinograms(self, k: int) -> np.ndarray:
        """Return k sinograms of zeros in the layout of the kernels, and some more as padding."""
        return _zeros(k, self.sinogram_shape)

    def residual(self, volume: np.ndarray, sinograms: np.ndarray, out: np.ndarray) -> None:
        """Do as the base class, in one go where all have the layout of the kernels."""
        if not (_native(volume) and _native(out)):
            super().residual(volume, sinograms, out)
            return
        out[...] = sinograms
        self._add_forward(volume, out, -1.0)

    def correct(
        self,
        volume: np.ndarray,
        sinograms: np.ndarray,
        factors: np.ndarray,
        lowest: float | None = None,
        highest: float | None = None,
    ) -> None:
        """Do as the base class, in one go where `volume` has the layout of the kernels."""
        if not _native(volume):
            super().correct(volume, sinograms, factors, lowest, highest)
            return
        shared = factors.ndim == 2
        made = np.ascontiguousarray(factors, np.float32) if shared else _as_native(factors)
        step = self.ny if shared else _steps(made)[0]
        limits = (-np.inf if lowest is None else lowest, np.inf if highest is None else highest)
        self._run_back(_as_native(sinograms), volume, _flat(made), step, limits)

    def _apply(
        self,
        block: np.ndarray,
        function: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, int],
        out: np.ndarray | None,
    ) -> np.ndarray:
        """Keep the layout of a block that has that of the kernels, else copy to and from it."""
        from tomojupyter.numerics.reconstruction import kernels

        if out is None and _native(block):
            return function(block)
        out = np.empty((len(block), *shape), np.float32) if out is None else out
        for first in range(0, len(block), WIDTHS[-1]):
            part = block[first : first + WIDTHS[-1]]
            kernels.copy(function(_as_native(part))[: len(part)], out[first : first + len(part)])
        return out

    def _forward(self, block: np.ndarray) -> np.ndarray:
        out = self.sinograms(len(block))
        self._add_forward(block, out, 1.0)
        return out

    def _add_forward(self, block: np.ndarray, out: np.ndarray, sign: float) -> None:
        from tomojupyter.numerics.reconstruction import kernels

        row, voxel = _steps(block)
        along_z = (self.thickness, self.ny, row, voxel)
        along_y = (self.ny, self.thickness, voxel, row)
        for rays, sizes in zip(self._rays, (along_z, along_y), strict=True):
            signed = rays * np.array([1.0, 1.0, 1.0, 1.0, sign])  # of the lengths
            for part in _pieces(len(rays), len(block) * self.ny * self.thickness):
                kernels.forward(
                    _flat(block), _flat(out), signed[part], sizes, (self.detector, *_steps(out)),
                    _width(len(block)),
                )  # fmt: skip

    def _back(self, block: np.ndarray) -> np.ndarray:
        out = self.slices(len(block))
        self._run_back(block, out, np.empty(0, np.float32))
        return out

    def _run_back(
        self,
        sinograms: np.ndarray,
        volume: np.ndarray,
        factors: np.ndarray,
        step: int = 0,
        limits: tuple[float, float] = (-np.inf, np.inf),
    ) -> None:
        from tomojupyter.numerics.reconstruction import kernels

        low, high = np.float32(limits[0]), np.float32(limits[1])
        each = len(volume) * self.ny * len(self.tilts_deg)
        for part in _pieces(self.thickness, each, kernels.TILE):
            kernels.back(
                _flat(sinograms), _flat(volume), factors, (low, high), self._rays,
                (part.start, part.stop), (self.ny, _steps(volume)[0], step),
                (self.detector, *_steps(sinograms)), _width(len(volume)),
            )  # fmt: skip


def _pieces(count: int, products: int, multiple: int = 1) -> Iterator[slice]:
    """Cut work of so many products each into pieces; raise where it is wanted no more."""
    size = max(1, int(PIECE / products / multiple)) * multiple
    for first in range(0, count, size):
        if stopped():
            raise Cancelled("stopped")  # heard by nobody: who stopped the threads has raised
        yield slice(first, min(count, first + size))


def _rays(tilts_deg: np.ndarray, ny: int, nz: int, detector: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what the kernels need to know of the rays that step along z, and along y."""
    cos, sin = np.cos(np.deg2rad(tilts_deg)), np.sin(np.deg2rad(tilts_deg))
    y0, z0, d0 = (ny - 1) / 2, (nz - 1) / 2, (detector - 1) / 2
    number = np.arange(len(tilts_deg))
    # In pixels: detector - d0 = (y - y0) cos + (z0 - z) sin.
    steep = np.abs(sin) < np.abs(cos)
    c, s, i = cos[steep], sin[steep], number[steep]
    along_z = np.stack([i, y0 - (d0 + z0 * s) / c, s / c, 1 / c, 1 / np.abs(c)], axis=1)
    c, s, i = cos[~steep], sin[~steep], number[~steep]
    along_y = np.stack([i, z0 + (d0 - y0 * c) / s, c / s, -1 / s, 1 / np.abs(s)], axis=1)
    return along_z, along_y


def _zeros(k: int, shape: tuple[int, int]) -> np.ndarray:
    """Return an array that looks like (lanes, rows, columns), with the lanes innermost."""
    # An odd number of columns: else one column's voxels share a few places of the cache.
    return zeros((shape[0], shape[1] | 1, _lanes(k)))[:, : shape[1]].transpose(2, 0, 1)


def _lanes(k: int) -> int:
    return next((w for w in WIDTHS if k <= w), -(-k // WIDTHS[0]) * WIDTHS[0])


def _steps(block: np.ndarray) -> tuple[int, int]:
    """Return the steps from row to row and from column to column, in numbers."""
    return block.strides[1] // block.itemsize, block.strides[2] // block.itemsize


def _native(block: np.ndarray) -> bool:
    """Tell whether a block has the layout of the kernels."""
    k, _, columns = block.shape
    return (
        k in WIDTHS
        and block.dtype == np.float32
        and block.strides[0] == block.itemsize
        and _steps(block)[1] == k
        and _steps(block)[0] >= k * columns
    )


def _as_native(block: np.ndarray) -> np.ndarray:
    if _native(block):
        return block
    from tomojupyter.numerics.reconstruction import kernels

    made = _zeros(len(block), block.shape[1:])
    kernels.copy(block, made[: len(block)])
    return made


def _flat(block: np.ndarray) -> np.ndarray:
    """Return the memory of a block in its layout, from its first number to its last."""
    size = 1 + sum(
        (n - 1) * s // block.itemsize for n, s in zip(block.shape, block.strides, strict=True)
    )
    return np.lib.stride_tricks.as_strided(block, (size,), (block.itemsize,))


def _width(k: int) -> Any:
    """Return a tuple with one entry for each vector of 16 lanes."""
    return (0,) * (k // WIDTHS[0])
