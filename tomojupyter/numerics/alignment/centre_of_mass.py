"""Registration by mass: conserved along the tilt axis, on its path across it (COM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment.across import film_shifts, interpolated, onto_the_axis, paths
from tomojupyter.numerics.alignment.mass import Masses, masses, profiles
from tomojupyter.numerics.alignment.profiles import align_lines, made_lines
from tomojupyter.numerics.alignment.registration_chain import Registration, _validated

if TYPE_CHECKING:
    from collections.abc import Sequence

SILENT = Silent()
UNLIKE = 0.5  # correlation of profiles below which they have nothing in common
VAGUE = 1.0  # px, standard error of a shift that is no answer any more
FEW = 8  # columns; fewer have no profile
FILM_ROUNDS = 3


def centre_of_mass(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None = None,
    *,
    xrange: Sequence[float] | None = None,
    p: int = 20,
    nslices: int = 20,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    monitor: Monitor = SILENT,
) -> Registration:
    """Register by conservation of mass along the axis and by centres of mass across it.

    Parameters
    ----------
    images
        Array (n, ny, nx) of any real dtype. NaN pixels have no say.
    tilts_deg
        (n,), degrees, in any order.
    start
        Index into `images` of the projection that stays where it is. None: the one in the
        middle of the sorted tilts.
    xrange
        First and last column (x) to use, in px. None: all.
    p
        Largest shift along x between neighbours by tilt that is looked for, in px.
    nslices
        Slices along x into which the specimen is divided for the centres of mass. All are used,
        each weighted by its mass.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.
    monitor
        Told about the stages.

    Returns
    -------
    Registration
        Shifts in the order of `images`; the residual of a projection is the rms distance in px
        of its slices' centres of mass from their paths.

    Raises
    ------
    AlignmentRefused
        If fewer than three projections have contrast, or their masses have nothing in common.
    DataError, TiltsError, ParameterError
        If the arguments do not fit together.

    Notes
    -----
    Along x the sum over y is the same profile at every tilt; each projection is laid on the
    mean of all by least squares, to a fraction of a pixel [1]_. Across, the centres of mass of
    all slices must lie on ``a cos t + b sin t`` about the middle row, which is solved for all
    projections and slices together; so the tilt axis comes to lie on the middle row.
    Where the specimen crosses the upper or lower edge it has no centre of mass within the
    images. Then only the part that is seen at every tilt is compared: by its profile along x,
    and by its profile across, stretched by 1 / cos t, which is right for thin films.

    References
    ----------
    .. [1] T. Sanders, M. Prange, C. Akatay, P. Binev, Adv. Struct. Chem. Imaging 1 (2015) 4,
       doi:10.1186/s40679-015-0005-7.
    """
    images, tilts = _validated(images, tilts_deg, start)
    columns = checked_columns(images.shape[2], xrange)
    if not nslices >= 1 or not p >= 1:
        raise ParameterError(f"nslices and p must be at least 1, got {nslices} and {p}")
    found = masses(images, tilts, mask=mask, vacuum=vacuum)
    monitor(1, 3)
    anchor = anchor_of(found, tilts, start)
    if found.film:
        across, along, residual = film(found, anchor, columns, p)
    else:
        along, _ = along_axis(found, anchor, columns, p)
        monitor(2, 3)
        across, residual = onto_the_axis(paths(found, along, columns, nslices), found.tilts_deg)
    monitor(3, 3)
    return assembled(found, across, along, residual, tilts, start)


def checked_columns(nx: int, xrange: Sequence[float] | None) -> tuple[int, int]:
    """Return first and last (exclusive) column, or say what is wrong with them."""
    if xrange is None:
        first, last = 0, nx
    else:
        ends = [round(float(v)) for v in xrange]
        if len(ends) != 2 or not 0 <= ends[0] < ends[1] <= nx:
            raise ParameterError(
                f"xrange must be a first and a last column from 0 to {nx}, got {list(xrange)}"
            )
        first, last = ends
    if last - first < FEW:
        raise AlignmentRefused(
            f"only {last - first} columns are used, and the mass of at least {FEW} must be "
            "compared; use a wider xrange, or another method"
        )
    return first, last


def anchor_of(found: Masses, tilts_deg: np.ndarray, start: int | None) -> int:
    """Return which usable image is nearest by tilt to the projection that stays."""
    if start is None:
        start = int(np.argsort(tilts_deg, kind="stable")[len(tilts_deg) // 2])
    return int(np.argmin(np.abs(found.tilts_deg - tilts_deg[start])))


def along_axis(
    found: Masses,
    anchor: int,
    columns: tuple[int, int],
    reach: float,
    centres: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shifts (k,) along x by conservation of mass, and their standard errors.

    Raises
    ------
    AlignmentRefused
        If most of the profiles are unlike the mean, or have no features.
    """
    first, last = columns
    lines = made_lines(*(part[:, first:last] for part in profiles(found, centres)))
    shifts, sigma, likeness = align_lines(lines, anchor, reach)
    refuse_unlike(sigma, likeness, "along the tilt axis")
    return shifts, sigma


def refuse_unlike(sigma: np.ndarray, likeness: np.ndarray, where: str) -> None:
    """Refuse shifts of profiles that have nothing in common or no features."""
    if np.median(likeness) < UNLIKE:
        raise AlignmentRefused(
            f"the mass profiles {where} have nothing in common (median correlation "
            f"{np.median(likeness):.2f}, needed is {UNLIKE}); use another method, filter the "
            "images, or align by hand."
        )
    if not np.median(sigma) <= VAGUE:
        raise AlignmentRefused(
            f"the mass profiles {where} have no features that tell a shift (standard error "
            f"{np.median(sigma):.1f} px, allowed is {VAGUE:.0f} px); use another method, or "
            "align by hand."
        )


def film(
    found: Masses, anchor: int, columns: tuple[int, int], reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shifts (k,) across and along the axis, and the standard error, for a film."""
    across = np.zeros(len(found.images))
    along = np.zeros(len(found.images))
    for _ in range(FILM_ROUNDS):
        along, _ = along_axis(found, anchor, columns, reach, -across)
        across, sigma, likeness = film_shifts(found, along, anchor, reach)
        refuse_unlike(sigma, likeness, "across the tilt axis")
    return across, along, sigma


def assembled(
    found: Masses,
    across: np.ndarray,
    along: np.ndarray,
    residual: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None,
) -> Registration:
    """Return shifts and residuals in the order of the series; refuse what leaves the images.

    Raises
    ------
    AlignmentRefused
        If shifts are no numbers, or most of them larger than half an image.
    """
    largest = np.median(np.maximum(np.abs(across), np.abs(along)))
    limit = min(found.images.shape[1:]) / 2
    if not largest <= limit:
        raise AlignmentRefused(
            f"most of the shifts would be larger than {largest:.0f} px, half of the image; "
            "the masses have nothing in common: use another method, or align by hand."
        )
    shifts = np.stack([interpolated(s, tilts_deg, found.order) for s in (across, along)], axis=1)
    if start is None:
        start = int(np.argsort(tilts_deg, kind="stable")[len(tilts_deg) // 2])
    whole = np.full(len(tilts_deg), np.nan)
    whole[found.order] = np.where(np.isfinite(residual), residual, np.nan)
    if found.left_out[start]:
        shifts[:, 1] -= shifts[start, 1]
    return Registration(shifts, whole, found.left_out)
