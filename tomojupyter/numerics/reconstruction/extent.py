"""Where matter lies that leaves the images: whether it does, and in which rows along z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.reconstruction.sinograms import fill_gaps

if TYPE_CHECKING:
    from tomojupyter.numerics.reconstruction.projector import Projector

EDGE_ROWS = 3  # at an edge of an image, that are looked at
CROSSES = 0.15  # of the brightest rows: above, at both edges, matter goes on beyond them
FEWEST = 8  # slices, below which no rows are told
SLICES = 32  # that are looked at, at most
SMOOTH = 1 / 20  # of the images' height: what is slower along y tells nothing of z
QUIET = 0.6  # of the rows, the quietest, tell what a row without matter is like
STANDS_OUT = 1.5  # times a quiet row: what the liveliest row must be
PART = 0.05  # of the way from the quiet rows to the liveliest: matter
CLEAR = 5.0  # standard deviations of the quiet rows, at least
BESIDE = 1 / 64  # of the images' height, for what is too small or too few to be seen


def looked_at(nx: int) -> np.ndarray:
    """Return which of nx slices tell of the whole, spread evenly."""
    return np.unique(np.linspace(0, nx - 1, min(nx, SLICES)).round().astype(int))


def leaves_images(sinograms: np.ndarray, weights: np.ndarray | None = None) -> bool:
    """Tell whether matter crosses the upper and lower edges of the images at most tilts.

    Parameters
    ----------
    sinograms
        (nx, n, ny) line integrals, 0 in vacuum, any real dtype. Not modified.
    weights
        (nx, n, ny); a pixel with weight 0, and a NaN, is not looked at. None: all count.

    Returns
    -------
    bool
        Whether in more than half of the projections the outermost 3 rows that are known, at
        either edge, are brighter than 0.15 of the bright rows (their 90th percentile).
    """
    known = np.isfinite(sinograms)
    if weights is not None:
        known &= weights > 0
    counts = known.sum(axis=0)
    sums = np.where(known, sinograms, 0).sum(axis=0, dtype=np.float64)
    crossing = []
    for row, count in zip(sums, counts, strict=True):
        seen = row[count > 0] / count[count > 0]
        if not seen.size:
            continue
        bright = CROSSES * np.percentile(seen, 90)
        edges = min(seen[:EDGE_ROWS].mean(), seen[-EDGE_ROWS:].mean())
        crossing.append(bool(edges > bright > 0))
    return bool(crossing) and 2 * sum(crossing) > len(crossing)


def rows_of_matter(
    projector: Projector, sinograms: np.ndarray, weights: np.ndarray | None = None
) -> tuple[int, int] | None:
    """Find the rows along z that hold matter.

    Parameters
    ----------
    projector
        Of the geometry.
    sinograms
        (nx, n, ny) line integrals, any real dtype. Not modified. Up to 32 slices are looked at,
        spread over all.
    weights
        (nx, n, ny); a pixel with weight 0, and a NaN, is interpolated. None: all count.

    Returns
    -------
    tuple of int or None
        First and last row, from 0, with a margin of 1/64 of the images' height. None where
        they are not seen: fewer than 8 slices, rows all alike, or matter in all of them.

    Notes
    -----
    Projections of an even slab tell its thickness times its density, not its thickness. What
    lies in it is seen at its place: the sinograms without what changes slowly along y (a Gaussian
    of 1/20 of ny), times the cosine of the tilt, are back-projected, and the standard deviation
    over x and the middle half of y stands out, row by row, where things lie. Rows count from the
    first to the last that lies above the quiet ones (the median of the lowest 60 %) by 0.05 of
    the way to the liveliest, and by 5 standard deviations of the quiet ones. So the specimen must
    hold things up to near its faces; where it holds few, its rows come out too few.
    """
    index = looked_at(len(sinograms))
    if len(index) < FEWEST:
        return None
    _, ny = projector.sinogram_shape
    known = None if weights is None else weights[index]
    data = fill_gaps(sinograms[index], known, projector.tilts_deg)
    data -= ndimage.gaussian_filter1d(data, SMOOTH * ny, axis=2, mode="nearest")
    # A slab is thicker, and noise larger, at a high tilt.
    data *= np.cos(np.deg2rad(projector.tilts_deg)).astype(np.float32)[:, None]
    seen = projector.back(data)[:, :, ny // 4 : ny - ny // 4]
    lively = seen.std(axis=(0, 2), dtype=np.float64)
    still = np.sort(lively)[: max(1, round(QUIET * len(lively)))]
    quiet, most = float(np.median(still)), float(lively.max())
    if not most > STANDS_OUT * quiet:
        return None
    spread = 1.48 * float(np.median(np.abs(still - quiet)))
    rows = np.flatnonzero(lively > quiet + max(PART * (most - quiet), CLEAR * spread))
    if not rows.size:
        return None
    beside = max(1, round(BESIDE * ny))
    last = len(lively) - 1
    found = max(0, int(rows[0]) - beside), min(last, int(rows[-1]) + beside)
    return None if found == (0, last) else found
