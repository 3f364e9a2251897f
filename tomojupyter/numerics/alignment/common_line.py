"""Registration by the common line along the axis and the centre of mass across it (COM-CL)."""

from __future__ import annotations

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment.across import film_shifts, onto_the_axis, paths
from tomojupyter.numerics.alignment.centre_of_mass import (
    FILM_ROUNDS,
    anchor_of,
    assembled,
    checked_columns,
    refuse_unlike,
)
from tomojupyter.numerics.alignment.mass import Masses, masses, profiles
from tomojupyter.numerics.alignment.profiles import (
    OVERLAP,
    Lines,
    coarse_shift,
    correlation,
    fine_shift,
    made_lines,
    mean_line,
)
from tomojupyter.numerics.alignment.registration_chain import Registration, _validated

SILENT = Silent()
COARSEST = 0.5  # px, no resolution above it
ROUNDS = 2  # the reference first, then the mean of all
CROWD = 20  # px, largest shift across a film between neighbours
SLICES = 20  # along x; a slice that an image lacks does not pull its centre of mass


def common_line(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None = None,
    *,
    com_ref_index: int | None = None,
    cl_ref_index: int | None = None,
    cl_resolution: float = 0.05,
    cl_div_factor: int = 8,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    monitor: Monitor = SILENT,
) -> Registration:
    """Register by common lines along the axis and by the centre of mass across it.

    Parameters
    ----------
    images
        Array (n, ny, nx) of any real dtype. NaN pixels have no say.
    tilts_deg
        (n,), degrees, in any order.
    start
        Index into `images` that stands for the two references below where they are None.
        None: the projection in the middle of the sorted tilts.
    com_ref_index
        Projection whose centre of mass stays where it is across the axis.
    cl_ref_index
        Projection whose common line stays where it is along the axis.
    cl_resolution
        Width in px, below 0.5, to which the search for the common line's shift goes; a
        parabola through the best three places gives the rest, so shifts are not rounded to it.
    cl_div_factor
        Parts into which every step of that search divides the last one's best part, at least 2.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.
    monitor
        Told about the stages.

    Returns
    -------
    Registration
        Shifts in the order of `images`; the residual of a projection is the standard error in
        px of its shift along the axis.

    Raises
    ------
    AlignmentRefused
        If fewer than three projections have contrast, or their lines have nothing in common.
    DataError, TiltsError, ParameterError
        If the arguments do not fit together.

    Notes
    -----
    The spectra of all projections share the line along the tilt axis: it is the spectrum of the
    sum over y [1]_. These sums are laid on the reference's, and once more on the mean of all,
    by the largest correlation on their overlap; only columns that both hold count, so a
    specimen that is cut off at an edge pulls no shift. Across, the centre of mass of every
    projection is put on the row of the reference's, which puts the tilt axis there.
    Films that cross the upper or lower edge are treated as by
    :func:`~tomojupyter.numerics.alignment.centre_of_mass.centre_of_mass`.

    References
    ----------
    .. [1] M. C. Scott et al., Nature 483 (2012) 444, doi:10.1038/nature10934.
    """
    images, tilts = _validated(images, tilts_deg, start)
    for name, index in (("com_ref_index", com_ref_index), ("cl_ref_index", cl_ref_index)):
        if index is not None and not 0 <= index < len(images):
            raise ParameterError(f"{name} is a projection from 0 to {len(images) - 1}, got {index}")
    if not 0 < cl_resolution < COARSEST or not cl_div_factor >= 2:
        raise ParameterError(
            f"cl_resolution must be above 0 and below {COARSEST} px and cl_div_factor at least "
            f"2, got {cl_resolution} and {cl_div_factor}"
        )
    columns = checked_columns(images.shape[2], None)
    found = masses(images, tilts, mask=mask, vacuum=vacuum)
    monitor(1, 3)
    line_of = anchor_of(found, tilts, start if cl_ref_index is None else cl_ref_index)
    mass_of = anchor_of(found, tilts, start if com_ref_index is None else com_ref_index)
    across = np.zeros(len(found.images))
    for _ in range(FILM_ROUNDS if found.film else 1):
        lines = made_lines(*profiles(found, -across))
        along, sigma, likeness = lines_on(lines, line_of, cl_resolution, cl_div_factor)
        refuse_unlike(sigma, likeness, "along the tilt axis")
        monitor(2, 3)
        across = _across(found, along, columns, mass_of)
    monitor(3, 3)
    return assembled(found, across, along, sigma, tilts, start)


def _across(
    found: Masses, along: np.ndarray, columns: tuple[int, int], reference: int
) -> np.ndarray:
    """Return the shifts (k,) that put all centres of mass on the row of the reference's."""
    if found.film:
        across, sigma, likeness = film_shifts(found, along, reference, CROWD)
        refuse_unlike(sigma, likeness, "across the tilt axis")
        return across
    across, _ = onto_the_axis(paths(found, along, columns, SLICES), found.tilts_deg)
    return across - across[reference]


def lines_on(
    lines: Lines, reference: int, resolution: float, parts: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the shifts (k,) of lines onto the reference, standard errors and likeness."""
    k, nx = lines.values.shape
    shifts, sigma, likeness = np.zeros(k), np.zeros(k), np.zeros(k)
    mean, known = lines.values[reference], lines.weights[reference]
    for done in range(ROUNDS):
        for i in range(k):
            line, weight = lines.values[i], lines.weights[i]
            if done == 0 and i != reference:
                reach = (1 - OVERLAP) * nx
                shifts[i] = coarse_shift(line, weight, mean, known, reach)
            if done or i != reference:
                shifts[i] = _divided(line, weight, mean, known, shifts[i], resolution, parts)
            likeness[i] = correlation(line, weight, mean, known, shifts[i])
            sigma[i] = fine_shift(line, weight, mean, known, shifts[i])[1]
        shifts = shifts - shifts[reference]
        mean, known = mean_line(lines, shifts, np.clip(likeness, 0.01, 1) ** 4)
    return shifts, sigma, likeness


def _divided(
    line: np.ndarray,
    weight: np.ndarray,
    mean: np.ndarray,
    known: np.ndarray,
    start: float,
    resolution: float,
    parts: int,
) -> float:
    """Return the shift within a pixel of `start` at which a line is most like the mean."""
    low, width = start - 1.0, 2.0
    spread = np.arange(parts)
    while True:
        step = width / parts
        places = low + (spread + 0.5) * step
        scores = [correlation(line, weight, mean, known, place) for place in places]
        best = int(np.argmax(scores))
        if step <= resolution:
            break
        # More than the part, because the best place is not always in the part of the best middle.
        low, width = places[best] - 0.75 * step, 1.5 * step
    around = places[best] + np.array([-step, 0.0, step])
    left, middle, right = (correlation(line, weight, mean, known, place) for place in around)
    curve = left - 2 * middle + right
    if not curve < 0:
        return float(places[best])
    return float(places[best] + np.clip(0.5 * (left - right) / curve, -1, 1) * step)
