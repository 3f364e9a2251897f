"""The mass of a tilt series: clean pixels, profiles along the axis, centres of mass.

The sum over y of an image does not change with tilt, as long as the specimen lies between the
upper and the lower edge. Where it crosses them (a film), the part ``|y| < h cos t`` takes its
place: the same part of the specimen at every tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.alignment.registration_pairs import prepare
from tomojupyter.numerics.gaps import filled
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum

CROSSES = 0.15  # of the brightest rows: above, at an edge, the specimen crosses it
EDGE_ROWS = 3  # px
KNOWN = 0.5  # of a column that must be covered
SOFT = 0.5  # of the half width of a film's window over which it falls to 0


@dataclass(frozen=True)
class Masses:
    """The usable images of a series, cleaned, in the order of their tilts.

    Parameters
    ----------
    order
        (k,) index of each into the series.
    tilts_deg
        (k,) degrees, ascending.
    images
        float32 (k, ny, nx), vacuum at 0; 0 where nothing was measured.
    covered
        bool (k, ny, nx), where something was.
    left_out
        bool (n,), images of the series that are blank or masked altogether.
    film
        The specimen crosses the upper or the lower edge.
    """

    order: np.ndarray
    tilts_deg: np.ndarray
    images: np.ndarray
    covered: np.ndarray
    left_out: np.ndarray
    film: bool

    @property
    def rows(self) -> np.ndarray:
        """Distance (ny,) of the rows from the middle of the image, in px."""
        ny = self.images.shape[1]
        return np.arange(ny) - (ny - 1) / 2


def masses(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
) -> Masses:
    """Clean the usable images of a series.

    Parameters
    ----------
    images
        (n, ny, nx), any real dtype. NaN pixels are filled from their neighbours.
    tilts_deg
        (n,) degrees, in any order.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.

    Raises
    ------
    AlignmentRefused
        If fewer than three images have any contrast.
    """
    known = np.ones(images.shape, bool) if mask is None else np.broadcast_to(mask, images.shape)
    left_out = blank_frames(images) | ~known.any(axis=(1, 2))
    order = np.argsort(tilts_deg, kind="stable")
    order = order[~left_out[order]]
    if len(order) < 3:
        raise AlignmentRefused(
            f"{len(order)} of {len(images)} projections have any contrast, and the mass of at "
            "least 3 must be compared; check the data, or shift the images by hand."
        )
    if vacuum is None:
        vacuum = estimate_vacuum(images[~left_out], known[~left_out])
    pictures = prepare(images, ~left_out, None, vacuum)
    clean = zeros((len(order), *images.shape[1:]))
    for out, i in zip(clean, order, strict=True):
        pixels = pictures.pop(int(i)).pixels
        out[...] = np.where(known[i], filled(pixels, ~np.isfinite(images[i]) & known[i]), 0)
    covered = known[order]
    return Masses(order, tilts_deg[order], clean, covered, left_out, _crosses(clean, covered))


def _crosses(images: np.ndarray, covered: np.ndarray) -> bool:
    """Tell whether the specimen goes on beyond the upper or the lower edge."""
    rows = images.sum(axis=2) / np.maximum(covered.sum(axis=2), 1)
    ratios = []
    for row, seen in zip(rows, covered, strict=True):
        inside = row[seen.any(axis=1)]
        brightest = np.percentile(inside, 95)
        for edge in (inside[:EDGE_ROWS], inside[-EDGE_ROWS:]):
            ratios.append(edge.mean() / brightest if brightest > 0 else 0.0)
    return bool(np.median(np.reshape(ratios, (-1, 2)).max(axis=1)) > CROSSES)


def profiles(found: Masses, centres: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the mass of every column, and how much of the column was measured.

    Parameters
    ----------
    found
        The images.
    centres
        (k,) row of the axis in each image, in px from the middle; used for films. None: 0.

    Returns
    -------
    tuple of numpy.ndarray
        float64 (k, nx) sums over y; float64 (k, nx), 0 to 1.
    """
    k, ny, _ = found.images.shape
    rows = np.broadcast_to(found.rows, (k, ny))
    if not found.film:
        return found.images.sum(axis=1, dtype=np.float64), found.covered.mean(axis=1)
    place = rows - (0 if centres is None else np.asarray(centres)[:, None])
    # The part of the specimen that is seen at every tilt, with an edge that lets matter in and
    # out slowly, because its height above the axis moves it a little.
    half = ny / 2
    window = soft_window(place / np.cos(np.deg2rad(found.tilts_deg))[:, None] / half)
    masses_of = np.einsum("ky,kyx->kx", window, found.images)
    seen = np.einsum("ky,kyx->kx", window, found.covered.astype(float))
    whole = window.sum(axis=1)[:, None]
    return masses_of * whole / np.maximum(seen, 1e-9 + 0.1 * whole), seen / whole


def soft_window(position: np.ndarray) -> np.ndarray:
    """Return 1 in the middle, falling to 0 as a raised cosine at ``|position| = 1``."""
    inner = 1 - SOFT
    fall = np.clip((np.abs(position) - inner) / SOFT, 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * fall)
