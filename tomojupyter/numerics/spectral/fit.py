"""Amounts of known line shapes in spectra: a linear fit, from the sum spectrum to every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.shapes import family_shape, hats, width_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Lines = Sequence[tuple[Sequence[float], Sequence[float]]]

APART = 0.7  # widths of a line from which two of them are told apart in the sum spectrum
FAINT = 0.15  # of the strongest line of a family: its share is taken from the table
SWEEPS = 60  # over all shapes, of the non-negative fit
ROUNDS = 4  # of weights by the spectrum that was fitted


@dataclass(frozen=True)
class Shapes:
    """What spectra are made of.

    Parameters
    ----------
    names
        Of the shapes.
    shapes
        (k, nc) counts in each channel per count of the shape; each has the sum 1 where all of
        it is in range. The last is the background.
    total
        (nc,) the sum spectrum that was fitted.
    fitted
        (nc,) the fit.
    """

    names: tuple[str, ...]
    shapes: np.ndarray
    total: np.ndarray
    fitted: np.ndarray


def find_shapes(
    total: np.ndarray,
    axis_kev: np.ndarray,
    lines: Mapping[str, Lines],
    resolution_ev: float = 130.0,
) -> Shapes:
    """Find the shape of each element's lines and of the background in a sum spectrum.

    Parameters
    ----------
    total
        (nc,) counts of the whole series in each channel.
    axis_kev
        (nc,) energies of the channels.
    lines
        Name of each shape to its families, each a pair of energies (keV) and relative
        intensities.
    resolution_ev
        Width of Mn K-alpha in eV.

    Returns
    -------
    Shapes
        One shape a name, and the background.

    Raises
    ------
    ParameterError
        If there are no counts or no lines.

    Notes
    -----
    Non-negative least squares weighted by the counts: every line that stands apart has its own
    height, so that detector and absorption need not be known, and the background is any smooth
    function that is not negative. Lines that overlap within 0.7 of their width, and faint ones,
    keep the ratio of the table.
    """
    if not lines:
        raise ParameterError("a fit needs the lines of one element at least")
    total = np.asarray(total, float)
    if not total.sum() > 0:
        raise ParameterError("the spectra hold no counts: all of them are zero")
    owners: list[str] = []
    columns: list[np.ndarray] = []
    for name, families in lines.items():
        for energies, weights in families:
            for group in _groups(np.asarray(energies), np.asarray(weights), resolution_ev):
                owners.append(name)
                few, shares = np.asarray(energies)[group], np.asarray(weights)[group]
                columns.append(family_shape(axis_kev, few, shares, resolution_ev))
    background = hats(axis_kev)
    matrix = np.vstack([*columns, background]).T
    heights, fitted = _weighted(matrix, total)
    shapes = []
    for name in lines:
        mine = [i for i, owner in enumerate(owners) if owner == name]
        # An element that is not there keeps the shape of its first family.
        scale = heights[mine] if heights[mine].any() else np.eye(len(mine))[0]
        shapes.append(sum(h * columns[i] for h, i in zip(scale, mine, strict=True)) / scale.sum())
    smooth = heights[len(columns) :] @ background
    smooth = smooth if smooth.any() else np.ones(len(total))
    shapes.append(smooth / smooth.sum())
    return Shapes((*lines, "background"), np.stack(shapes), total, fitted)


def _groups(energies: np.ndarray, weights: np.ndarray, resolution_ev: float) -> list[list[int]]:
    """Return the lines of a family in groups that the sum spectrum can tell apart."""
    leaders: list[int] = []
    members: dict[int, list[int]] = {}
    for i in np.argsort(-weights):
        distances = [abs(energies[i] - energies[j]) for j in leaders]
        width = APART * float(width_at(energies[i], resolution_ev))
        if not leaders or (weights[i] >= FAINT * weights.max() and min(distances) > width):
            leaders.append(int(i))
            members[int(i)] = [int(i)]
        else:
            members[leaders[int(np.argmin(distances))]].append(int(i))
    return list(members.values())


def _weighted(matrix: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return non-negative heights and the fit, weighted by the variance that the fit says."""
    fitted = total
    heights = np.zeros(matrix.shape[1])
    for _ in range(ROUNDS):
        root = 1 / np.sqrt(np.maximum(fitted, 1e-6 * total.max()) + 1)
        heights, _ = nnls(matrix * root[:, None], total * root)
        fitted = matrix @ heights
    return heights, fitted


def linear_filter(shapes: Shapes) -> tuple[np.ndarray, np.ndarray]:
    """Return what turns a spectrum into amounts.

    Parameters
    ----------
    shapes
        As found in the sum spectrum.

    Returns
    -------
    projection
        (k, nc): its product with a spectrum is ``gram @ amounts``.
    gram
        (k, k).

    Raises
    ------
    ParameterError
        If two shapes are the same, so that no fit can tell them apart.

    Notes
    -----
    Least squares weighted by the mean spectrum, since counts vary as their mean does.
    """
    weights = 1 / np.maximum(shapes.fitted, 1e-4 * shapes.fitted.max())
    weights = weights * shapes.fitted.sum()
    projection = shapes.shapes * weights
    gram = projection @ shapes.shapes.T
    scale = np.sqrt(np.diag(gram))
    if not (scale > 0).all() or np.linalg.cond(gram / np.outer(scale, scale)) > 1e8:
        raise ParameterError(
            f"the lines of {', '.join(shapes.names[:-1])} cannot be told apart in these spectra: "
            "leave one out"
        )
    return projection, gram


def amounts(products: np.ndarray, gram: np.ndarray, positive: bool) -> np.ndarray:
    """Return the counts of each shape.

    Parameters
    ----------
    products
        (..., k) products of ``linear_filter``'s `projection` with spectra. Not modified.
    gram
        (k, k).
    positive
        True: the best fit without negative counts. False: the best fit, whose mean is true.

    Returns
    -------
    numpy.ndarray
        float32 (..., k).
    """
    values = products.reshape(-1, len(gram)).astype(np.float64)
    free = np.linalg.solve(gram, values.T).T
    if positive:
        free = _descend(np.maximum(free, 0), values, gram, np.flatnonzero((free < 0).any(axis=1)))
    return free.reshape(products.shape).astype(np.float32)


def _descend(
    found: np.ndarray, values: np.ndarray, gram: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Improve the rows that were cut at 0, one coordinate at a time, for all pixels at once."""
    part, target = np.ascontiguousarray(found[rows].T), np.ascontiguousarray(values[rows].T)
    for _ in range(SWEEPS):
        largest = 0.0
        for k in range(len(gram)):
            change = (target[k] - gram[k] @ part) / gram[k, k]
            new = np.maximum(part[k] + change, 0)
            largest = max(largest, float(np.max(np.abs(new - part[k]), initial=0)))
            part[k] = new
        if largest < 1e-4:
            break
    found[rows] = part.T
    return found
