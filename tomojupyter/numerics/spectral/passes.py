"""What is taken from a series of spectrum images in one pass, an image at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.monitor import Monitor, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT = Silent()
PIXELS = 4096  # spectra worked on at a time, so that they stay in the cache


def images(spectra: Any, monitor: Monitor = SILENT) -> Iterator[tuple[int, np.ndarray]]:
    """Give the images of a series one by one, in memory, as (pixels, channels).

    Parameters
    ----------
    spectra
        (n, ny, nx, nc) array, of NumPy or dask.
    monitor
        Called as ``monitor(images, n)``.

    Raises
    ------
    DataError
        If a value is negative or not finite.
    """
    for i in range(len(spectra)):
        monitor(i, len(spectra))
        image = np.asarray(spectra[i])
        image = image.reshape(-1, image.shape[-1])
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            raise DataError(f"the spectra at tilt #{i} hold values that are not finite: mend them")
        if image.dtype.kind in "if" and image.size and image.min() < 0:
            raise DataError(
                f"the spectra at tilt #{i} hold negative values, so they are not counts: take "
                "the spectra as they were counted, with their background"
            )
        yield i, image
    monitor(len(spectra), len(spectra))


def total_spectrum(spectra: Any, monitor: Monitor = SILENT) -> np.ndarray:
    """Return the counts of the whole series in each channel, float64 (nc,)."""
    total = np.zeros(spectra.shape[-1])
    for _, image in images(spectra, monitor):
        for first in range(0, len(image), PIXELS):
            total += image[first : first + PIXELS].sum(axis=0, dtype=np.float64)
    return total


def sums(spectra: Any, monitor: Monitor = SILENT) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum over all pixels, float64 (nc,), and over all channels, float32 (n, ny, nx)."""
    total = np.zeros(spectra.shape[-1])
    counts = np.empty(spectra.shape[:3], np.float32)
    for i, image in images(spectra, monitor):
        flat = counts[i].reshape(-1)
        for first in range(0, len(image), PIXELS):
            part = image[first : first + PIXELS]
            total += part.sum(axis=0, dtype=np.float64)
            flat[first : first + PIXELS] = part.sum(axis=1, dtype=np.float64)
    return total, counts


def products(spectra: Any, rows: np.ndarray, monitor: Monitor = SILENT) -> np.ndarray:
    """Return the product of every spectrum with each of a few rows.

    Parameters
    ----------
    spectra
        (n, ny, nx, nc). Not modified.
    rows
        (k, nc).
    monitor
        Called as ``monitor(images, n)``.

    Returns
    -------
    numpy.ndarray
        float32 (n, ny, nx, k).
    """
    out = np.empty((*spectra.shape[:3], len(rows)), np.float32)
    columns = np.ascontiguousarray(rows.T, np.float32)
    for i, image in images(spectra, monitor):
        flat = out[i].reshape(-1, len(rows))
        for first in range(0, len(image), PIXELS):
            part = slice(first, first + PIXELS)
            flat[part] = image[part].astype(np.float32) @ columns
    return out


def binned(spectra: Any, edges: np.ndarray, block: int, monitor: Monitor = SILENT) -> np.ndarray:
    """Return sums over blocks of pixels and groups of channels.

    Parameters
    ----------
    spectra
        (n, ny, nx, nc). Not modified.
    edges
        (k + 1,) first channels of the groups, and the end of the last.
    block
        Pixels along each edge of a block; what is left at the ends of the images is left out.
    monitor
        Called as ``monitor(images, n)``.

    Returns
    -------
    numpy.ndarray
        float32 (n, ny // block, nx // block, k).
    """
    n, ny, nx, _ = spectra.shape
    my, mx = ny // block, nx // block
    out = np.empty((n, my, mx, len(edges) - 1), np.float32)
    for i, image in images(spectra, monitor):
        whole = image.reshape(ny, nx, -1)
        for row in range(my):
            part = whole[row * block : (row + 1) * block, : mx * block, : edges[-1]]
            summed = part.sum(axis=0, dtype=np.float32)
            grouped = np.add.reduceat(summed, edges[:-1], axis=1)
            out[i, row] = grouped.reshape(mx, block, -1).sum(axis=1)
    return out
