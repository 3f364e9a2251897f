"""What a model of counted spectra leaves: where, and at which energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.spectral.passes import images

SILENT = Silent()
PARTS = 48  # of equal counts, in which a single spectrum is looked at


@dataclass(frozen=True)
class Left:
    """What a model leaves of counted spectra.

    Parameters
    ----------
    deviations
        float32 (n, ny, nx): by how many standard deviations of counting noise the residual of a
        spectrum is larger than noise alone makes it; about 0 +- 1 where the model holds.
    spectrum
        (c,) counts less the model, of all pixels together.
    model
        (c,) counts of the model, of all pixels together.
    """

    deviations: np.ndarray
    spectrum: np.ndarray
    model: np.ndarray


def left_over(
    spectra: Any,
    edges: np.ndarray,
    shapes: np.ndarray,
    amounts: np.ndarray,
    monitor: Monitor = SILENT,
) -> Left:
    """Return what shapes in known amounts leave of counted spectra.

    Parameters
    ----------
    spectra
        (n, ny, nx, nc) counts, of NumPy or dask. Not modified.
    edges
        (c + 1,) first channels of groups, and the end of the last.
    shapes
        (k, c) shares of the groups in each shape, sum 1.
    amounts
        (n, ny, nx, k) counts of each shape in every pixel.
    monitor
        Called as ``monitor(images, n)``.

    Returns
    -------
    Left

    Raises
    ------
    DataError
        If a value is no count.

    Notes
    -----
    Groups are joined to parts of equal counts. With x counts where m are expected, a share s of
    all counts in the part, ``sum((x - m)^2 / s)`` has the mean ``sum(m / s)`` and the variance
    ``sum((m + 2 m^2) / s^2)``, if x are Poisson numbers. That holds for few counts too, where
    Pearson's ``sum((x - m)^2 / m)`` is ruled by channels in which hardly anything is expected.
    Amounts that were fitted to the same counts take up a little of their noise, so that the mean
    lies somewhat below 0.
    """
    total = amounts.reshape(-1, len(shapes)).sum(axis=0, dtype=np.float64)
    model = total @ shapes
    parts = _parts(model)
    joined = np.add.reduceat(shapes, parts, axis=1)
    share = np.add.reduceat(np.maximum(model, 0), parts)
    share = np.maximum(share / share.sum(), 1e-9)
    found = np.zeros(len(edges) - 1)
    deviations = np.empty(amounts.shape[:3], np.float32)
    for i, image in images(spectra, monitor):
        grouped = np.add.reduceat(image[:, : edges[-1]], edges[:-1], axis=1, dtype=np.float64)
        found += grouped.sum(axis=0)
        counts = np.add.reduceat(grouped, parts, axis=1)
        expected = np.maximum(amounts[i].reshape(-1, len(shapes)) @ joined, 0)
        excess = (np.square(counts - expected) - expected) @ (1 / share)
        # A pixel where nothing is expected has the noise of one count.
        variance = (expected + 2 * np.square(expected)) @ (1 / share**2)
        variance = np.maximum(variance, (1 / share).sum())
        deviations[i] = (excess / np.sqrt(variance)).reshape(deviations.shape[1:])
    return Left(deviations, found - model, model)


def _parts(model: np.ndarray) -> np.ndarray:
    """Return the first groups of parts with about the same counts each."""
    summed = np.cumsum(np.maximum(model, 0))
    cuts = np.searchsorted(summed, summed[-1] * np.arange(1, PARTS) / PARTS, side="right")
    return np.unique(np.append(0, cuts[cuts < len(model)]))
