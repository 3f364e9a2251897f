"""Compiled kernels of total nuclear variation: gradients of several volumes, coupled at each voxel.

Flat loops over voxels, in one file, since numba's cache does not notice a change of an imported
module. Arrays are float32, volumes ``(channel, x, z, y)``, and their gradients
``(x, z, y, channel, 3)``: what belongs to a voxel lies together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


def _compiled(function: Any) -> Any:
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder for the cache can be written
        return njit(nogil=True, error_model="numpy")(function)


@_compiled
def _gram(matrix: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (3, 3) with the products of the columns of a matrix."""
    for i in range(3):
        for j in range(i, 3):
            total = 0.0
            for k in range(matrix.shape[0]):
                total += matrix[k, i] * matrix[k, j]
            out[i, j] = out[j, i] = total


@_compiled
def _rotate(work: np.ndarray, turn: np.ndarray, p: int, q: int) -> None:
    """Take one of Jacobi's rotations of a symmetric (3, 3) matrix, and note it in `turn`."""
    off = work[p, q]
    if abs(off) <= 1e-12 * (work[p, p] + work[q, q]):
        return
    theta = 0.5 * (work[q, q] - work[p, p]) / off
    tangent = 1.0 / (abs(theta) + np.sqrt(theta * theta + 1.0))
    tangent = -tangent if theta < 0 else tangent
    c = 1.0 / np.sqrt(tangent * tangent + 1.0)
    s = tangent * c
    for k in range(3):
        a, b = work[k, p], work[k, q]
        work[k, p], work[k, q] = c * a - s * b, s * a + c * b
    for k in range(3):
        a, b = work[p, k], work[q, k]
        work[p, k], work[q, k] = c * a - s * b, s * a + c * b
    for k in range(3):
        a, b = turn[k, p], turn[k, q]
        turn[k, p], turn[k, q] = c * a - s * b, s * a + c * b


@_compiled
def clip(matrix: np.ndarray, limit: float, work: np.ndarray, turn: np.ndarray) -> None:
    """Cut the singular values of a (channels, 3) matrix at `limit`, in place.

    `work` and `turn` are (3, 3) and overwritten.
    """
    size = 0.0  # the sum of the squares of the singular values
    for k in range(matrix.shape[0]):
        size += matrix[k, 0] * matrix[k, 0] + matrix[k, 1] * matrix[k, 1]
        size += matrix[k, 2] * matrix[k, 2]
    if size <= limit * limit:
        return
    _gram(matrix, work)
    for i in range(3):
        for j in range(3):
            turn[i, j] = 1.0 if i == j else 0.0
    for _ in range(4):  # sweeps: enough for the precision of float32
        _rotate(work, turn, 0, 1)
        _rotate(work, turn, 0, 2)
        _rotate(work, turn, 1, 2)
    for i in range(3):
        if work[i, i] <= limit * limit:
            continue
        cut = 1.0 - limit / np.sqrt(work[i, i])
        for k in range(matrix.shape[0]):
            along = 0.0
            for j in range(3):
                along += matrix[k, j] * turn[j, i]
            for j in range(3):
                matrix[k, j] -= cut * along * turn[j, i]


@_compiled
def ascend(
    volumes: np.ndarray,
    dual: np.ndarray,
    along_x: float,
    step: float,
    limit: float,
    first: int,
    end: int,
) -> None:
    """Move `dual` along the gradients of the volumes and cut it, for x from `first` to `end`.

    At the last voxel of each axis the gradient is 0. Differences along x count `along_x` times.
    """
    count, nx, nz, ny = volumes.shape
    matrix = np.empty((count, 3))
    work, turn = np.empty((3, 3)), np.empty((3, 3))
    for x in range(first, end):
        for z in range(nz):
            for y in range(ny):
                for k in range(count):
                    here = volumes[k, x, z, y]
                    matrix[k, 0] = dual[x, z, y, k, 0]
                    matrix[k, 1] = dual[x, z, y, k, 1]
                    matrix[k, 2] = dual[x, z, y, k, 2]
                    if x + 1 < nx:
                        matrix[k, 0] += step * along_x * (volumes[k, x + 1, z, y] - here)
                    if z + 1 < nz:
                        matrix[k, 1] += step * (volumes[k, x, z + 1, y] - here)
                    if y + 1 < ny:
                        matrix[k, 2] += step * (volumes[k, x, z, y + 1] - here)
                clip(matrix, limit, work, turn)
                for k in range(count):
                    for j in range(3):
                        dual[x, z, y, k, j] = matrix[k, j]


@_compiled
def add_divergence(dual: np.ndarray, out: np.ndarray, along_x: float, first: int, end: int) -> None:
    """Add the adjoint of the gradient of `dual` to `out`, for x from `first` to `end`."""
    nx, nz, ny, count, _ = dual.shape
    for x in range(first, end):
        for z in range(nz):
            for y in range(ny):
                for k in range(count):
                    total = 0.0
                    if x > 0:
                        total += along_x * dual[x - 1, z, y, k, 0]
                    if x + 1 < nx:
                        total -= along_x * dual[x, z, y, k, 0]
                    if z > 0:
                        total += dual[x, z - 1, y, k, 1]
                    if z + 1 < nz:
                        total -= dual[x, z, y, k, 1]
                    if y > 0:
                        total += dual[x, z, y - 1, k, 2]
                    if y + 1 < ny:
                        total -= dual[x, z, y, k, 2]
                    out[k, x, z, y] += total
