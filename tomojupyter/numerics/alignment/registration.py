"""Registration of a tilt series, projection to projection.

Both methods share the preparation of the images, the order (by tilt, whatever the file's
order is) and the robust composition; they differ in how two images are compared.
"""

from __future__ import annotations

import numpy as np
from pystackreg import StackReg
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment.registration_chain import Registration, register
from tomojupyter.numerics.alignment.registration_pairs import Picture, correlate, refine

__all__ = ["Registration", "phase_correlation", "stackreg"]

SILENT = Silent()
SMOOTH = 0.7  # px, Gaussian before TurboReg


def phase_correlation(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None = None,
    *,
    upsample_factor: int = 200,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    conserve_mass: bool = True,
    monitor: Monitor = SILENT,
) -> Registration:
    """Register neighbouring projections by correlation.

    Parameters
    ----------
    images
        Array (n, ny, nx) of any real dtype. NaN pixels have weight 0.
    tilts_deg
        (n,), degrees, in any order.
    start
        Index into `images` of the projection that stays where it is. None: the one in the
        middle of the sorted tilts.
    upsample_factor
        Sub-pixel refinement ends when a step is shorter than ``1 / upsample_factor`` px.
        Shifts are never rounded.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.
    conserve_mass
        Whether to set the shifts along the axis so that every column keeps its mass, where the
        specimen is seen whole.
    monitor
        Told about every comparison. Finish keeps the comparisons made so far; the projections
        beyond get the shift of the last one reached.

    Returns
    -------
    Registration
        Shifts, residuals and left-out frames in the order of `images`.

    Raises
    ------
    AlignmentRefused
        If fewer than two projections have contrast, or they have no structure in common.
    DataError, TiltsError, ParameterError
        If `images` is no stack, the tilts do not fit it, or a parameter is out of range.

    Notes
    -----
    The peak of a half-whitened, band-passed correlation gives the whole-pixel shift; least
    squares on the overlap, with free gain and offset, gives the rest, without the bias of a
    correlation where the specimen crosses the edge.
    Perpendicular to the tilt axis a constant and a motion ``b cos t + c sin t`` cannot be seen
    by any comparison of neighbours.
    """
    if not upsample_factor >= 1:
        raise ParameterError(f"upsample_factor must be at least 1, got {upsample_factor}.")

    def compare(fixed: Picture, moving: Picture) -> np.ndarray:
        return refine(fixed, moving, correlate(fixed, moving), 1 / upsample_factor)

    return register(
        images, tilts_deg, start, compare, mask=mask, vacuum=vacuum,
        conserve_mass=conserve_mass, monitor=monitor,
    )  # fmt: skip


def stackreg(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None = None,
    *,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    conserve_mass: bool = True,
    monitor: Monitor = SILENT,
) -> Registration:
    """Register neighbouring projections by TurboReg's pyramid of least squares.

    Parameters
    ----------
    images, tilts_deg, start, mask, vacuum, conserve_mass, monitor
        As for :func:`phase_correlation`.

    Returns
    -------
    Registration
        Shifts, residuals and left-out frames in the order of `images`.

    Raises
    ------
    AlignmentRefused
        If fewer than two projections have contrast, or they have no structure in common.
    DataError, TiltsError, ParameterError
        If `images` is no stack, the tilts do not fit it, or `start` is out of range.

    Notes
    -----
    Pure translations by pystackreg [1]_, started at the whole-pixel shift of the correlation
    peak, because the pyramid loses small features that move far. Images are smoothed by 0.7 px
    first: on counts that makes the shifts a quarter more accurate.

    References
    ----------
    .. [1] P. Thevenaz, U. E. Ruttimann, M. Unser, IEEE Trans. Image Process. 7 (1998) 27,
       doi:10.1109/83.650848.
    """
    return register(
        images, tilts_deg, start, _turboreg, mask=mask, vacuum=vacuum,
        conserve_mass=conserve_mass, monitor=monitor,
    )  # fmt: skip


def _turboreg(fixed: Picture, moving: Picture) -> np.ndarray:
    """Return the shift (dy, dx) to apply to `moving`, by TurboReg on the overlap."""
    guess = correlate(fixed, moving)
    dy, dx = (int(s) for s in guess)
    ny, nx = fixed.pixels.shape
    first, second = (p.pixels if p.weight is None else p.pixels * p.weight for p in (fixed, moving))
    rows, columns = slice(max(0, dy), ny + min(0, dy)), slice(max(0, dx), nx + min(0, dx))
    first = first[rows, columns]
    second = second[max(0, -dy) : ny + min(0, -dy), max(0, -dx) : nx + min(0, -dx)]
    # The matrix maps the fixed image's coordinates to the moving one's: the reverse of a shift.
    matrix = StackReg(StackReg.TRANSLATION).register(
        *(ndimage.gaussian_filter(cut, SMOOTH) for cut in (first, second))
    )
    found = guess - matrix[[1, 0], 2]
    return found if np.isfinite(found).all() and np.abs(found - guess).max() < 8 else guess
