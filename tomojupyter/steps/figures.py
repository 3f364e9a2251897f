"""Figures of a reconstruction: the memory that solvers hold, and the residual of a whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

ENTRY = 16  # bytes of an entry of ASTRA's matrix and its transpose


def iterative_bytes(
    shape: tuple[int, int, int], thickness: int, projector: Projector, held: tuple[float, float]
) -> int:
    """Return what an iterative solver holds at most beyond its input and result, in bytes.

    Parameters
    ----------
    shape
        (n, ny, nx) of the projections.
    thickness
        Height of the volume in px.
    projector
        Of the geometry.
    held
        Arrays as large as the volume and as the sinograms that the solver holds.

    Notes
    -----
    Blocks of slices are padded to the next width of the kernels. Factors are made with one block
    of the smallest width, before there is a result.
    """
    n, ny, nx = shape
    padded = padded_slices(projector, nx)
    factors = min(16, padded)
    volumes = held[0] * padded + max(0, factors - nx) + 2
    sinograms = held[1] * padded + factors + 2
    numbers = volumes * thickness * projector.ny + sinograms * n * ny
    return int(4 * numbers) + matrix_bytes(projector)


def direct_bytes(
    shape: tuple[int, int, int], thickness: int, projector: Projector, ncores: int | None
) -> int:
    """Return what a filtered back-projection holds at most beyond input and result, in bytes."""
    n, ny, nx = shape
    blocks = projector.blocks(nx)
    threads = min(len(blocks), (ncores or os.cpu_count() or 1) if projector.concurrent else 1)
    lanes = padded_slices(projector, blocks[0].stop)
    fourier = 2 << max(6, (2 * ny - 1).bit_length())  # a spectrum, and what comes of it
    each = 4 * lanes * (n * (fourier + 4 * ny) + thickness * ny)
    return threads * each + matrix_bytes(projector)


def padded_slices(projector: Projector, nx: int) -> int:
    """Return how many slices the blocks of nx slices have with their padding."""
    total = 0
    for block in projector.blocks(nx):
        k = block.stop - block.start
        total += projector.padded(k)
    return total


def matrix_bytes(projector: Projector) -> int:
    """Return the size of ASTRA's matrix, which has at most ``2 n max(nz, ny) ny`` entries."""
    if not projector.has_matrix:
        return 0
    n, ny = projector.sinogram_shape
    return ENTRY * 2 * n * max(projector.thickness, ny) * ny


def norm_of(sinograms: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the L2 norm of weighted sinograms, which is the residual of nothing."""
    squares = 0.0
    for i, sinogram in enumerate(sinograms):
        seen = np.asarray(sinogram, np.float64)
        if weights is not None:
            seen = weights[i] * np.where(weights[i] > 0, seen, 0)
        squares += float(np.nansum(np.square(seen)))
    return float(np.sqrt(squares))


def merged_residuals(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of a volume from those of its slabs; the first slab decided.

    Residuals add up in squares, and so do the norms of the data that they are compared with;
    what else is told is that of the first.
    """
    if len(found) == 1 or "residuals" not in found[0]:
        return found[0]
    residuals = np.sqrt(np.sum([np.square(one["residuals"]) for one in found], axis=0))
    norms = [
        100 * one["residuals"][-1] / one["residual_percent"] if one["residual_percent"] else 0.0
        for one in found
    ]
    norm = float(np.sqrt(np.sum(np.square(norms))))
    percent = 100 * float(residuals[-1]) / norm if norm else 0.0
    return {**found[0], "residuals": residuals.tolist(), "residual_percent": percent}
