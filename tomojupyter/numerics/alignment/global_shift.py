"""The row of the tilt axis by minimising the sum of a reconstruction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment.mass import Masses, masses
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.reconstruct import sirt

SILENT = Silent()
COLUMNS = 8
SIZE = 64  # px, images are binned to about this height
COARSE, FINEST = 20, 60  # iterations
SMOOTH = 1.0  # px, or the blur of the interpolation would differ from shift to shift
STEPS = 3  # half steps on either side of the best coarse shift
MAX_SIGMA = 1.0  # px


@dataclass(frozen=True)
class ShiftFit:
    """The move along +y that puts the axis on the middle row, and its standard error, in px."""

    shift_px: float
    shift_sigma_px: float


class _Stage(Silent):
    """Tells a monitor which stage is done, and passes its Stop on from inside a stage."""

    def __init__(self, monitor: Monitor, stage: int) -> None:
        self._call = lambda: monitor(stage, 2)

    def __call__(self, *_: object, **__: object) -> None:
        self._call()


def smallest_sum_shift(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    shift_limit: float = 20.0,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    monitor: Monitor = SILENT,
) -> ShiftFit:
    """Find the shift across the axis at which a positive reconstruction has the smallest sum.

    Parameters
    ----------
    images
        (n, ny, nx), registered, their axis along x; any real dtype. Not modified.
    tilts_deg
        (n,) degrees, any order.
    shift_limit
        Largest shift that is tried, in px.
    mask
        bool, broadcastable to `images`; True marks covered pixels. None: all.
    vacuum
        Level of the vacuum in units of the pixels. None: estimated.
    monitor
        Told about the stages, and asked for Stop.

    Raises
    ------
    AlignmentRefused
        If the specimen crosses the upper or lower edge, the smallest sum lies at the limit, or
        the slices disagree by more than a px.
    ParameterError
        If `shift_limit` is not above 0.

    Notes
    -----
    About a wrong axis the projections contradict each other, and values that may not be
    negative can only add matter to make up for it. Eight slices are reconstructed by SIRT with
    positivity, binned to about 64 px, for shifts one binned pixel apart and then, near the
    best, half of one; a parabola through the sums gives the shift to a fraction of a pixel.
    The standard error comes from the scatter over the slices.
    """
    if not shift_limit > 0:
        raise ParameterError(f"shift_limit must be above 0 px, got {shift_limit:g}")
    found = masses(np.asarray(images), np.asarray(tilts_deg, float).ravel(), mask=mask,
                   vacuum=vacuum)  # fmt: skip
    if found.film:
        raise AlignmentRefused(
            "the specimen crosses the upper or lower edge of the images, so the sum of the "
            "reconstruction does not tell where the axis lies; use also_shift=False, or the "
            "manual alignment"
        )
    ny = found.images.shape[1]
    factor = max(1, round(ny / SIZE))
    reach = min(float(shift_limit), ny / 2 - 1)
    sinograms = _sinograms(found)
    steps = max(2, int(np.ceil(reach / factor)))
    coarse = np.linspace(-reach, reach, 2 * steps + 1)
    sums = _sums(found, sinograms, coarse, factor, COARSE, _Stage(monitor, 0))
    best = int(np.argmin(sums.sum(axis=1)))
    if not 0 < best < len(coarse) - 1:
        raise AlignmentRefused(
            f"the sum of the reconstruction still falls at a shift of {coarse[best]:.0f} px: the "
            "axis lies further off, or the specimen is cut off; raise shift_limit, or use the "
            "manual alignment"
        )
    half = (coarse[1] - coarse[0]) / 2
    fine = coarse[best] + half * np.arange(-STEPS, STEPS + 1)
    sums = _sums(found, sinograms, fine, factor, FINEST, _Stage(monitor, 1))
    monitor(2, 2)
    shift = _lowest(fine, sums.sum(axis=1))
    each = np.array([_lowest(fine, np.delete(sums, k, axis=1).sum(axis=1)) for k in
                     range(sums.shape[1])])  # fmt: skip
    n = len(each)
    sigma = float(np.sqrt((n - 1) / n * np.sum((each - each.mean()) ** 2)))
    if not sigma <= MAX_SIGMA:
        raise AlignmentRefused(
            f"the slices disagree on the place of the axis (standard error {sigma:.1f} px, "
            f"allowed is {MAX_SIGMA:.0f} px); use CoM, or the manual alignment"
        )
    return ShiftFit(shift, sigma)


def _sinograms(found: Masses) -> np.ndarray:
    """Return sinograms (m, k, ny) of the columns that have mass, evenly spaced."""
    mass = found.images.sum(axis=1, dtype=np.float64)
    typical = np.median(mass, axis=0)
    seen = found.covered.any(axis=1).all(axis=0)
    use = np.flatnonzero(seen & (typical > 0.2 * np.percentile(typical, 95)) & (typical > 0))
    if len(use) < 3:
        raise AlignmentRefused(
            f"only {len(use)} columns have mass in every projection, and 3 are needed for the "
            "sum of the reconstruction; use also_shift=False, or the manual alignment"
        )
    inner = use[len(use) // 10 : len(use) - len(use) // 10]
    index = inner[np.linspace(0, len(inner) - 1, min(COLUMNS, len(inner))).round().astype(int)]
    # A column of the mean of three: noise that is not the specimen's raises every sum.
    last = found.images.shape[2] - 1
    parts = [found.images[:, :, np.clip(index + d, 0, last)] for d in (-1, 0, 1)]
    return np.ascontiguousarray(np.mean(parts, axis=0).transpose(2, 0, 1))


def _sums(
    found: Masses,
    sinograms: np.ndarray,
    shifts: np.ndarray,
    factor: int,
    iterations: int,
    monitor: Monitor,
) -> np.ndarray:
    """Return the sums (len(shifts), m) of the reconstructions of the shifted sinograms."""
    # Vacuum on both sides, or a specimen that is moved out of the image lowers the sum.
    pad = int(np.ceil(np.abs(shifts).max())) + 1
    smooth = ndimage.gaussian_filter1d(sinograms, SMOOTH, axis=2, mode="constant")
    wide = np.pad(smooth, ((0, 0), (0, 0), (pad, pad)))
    rows, cut = divmod(wide.shape[2], factor)
    # Rows that fill no block are cut off on both sides; the middle of the rest is put back.
    first = cut // 2
    back = (2 * first - cut) / 2
    moved = [ndimage.shift(wide, (0, 0, s + back), order=3, mode="constant") for s in shifts]
    flat = np.stack(moved)[..., first : first + rows * factor]
    blocks = flat.reshape(-1, flat.shape[2], rows, factor)
    binned = blocks.mean(axis=3).astype(np.float32)
    projector = make_projector(found.tilts_deg, rows, rows)
    volume = sirt(projector, binned, iterations=iterations, constrain=True, monitor=monitor).volume
    return np.asarray(volume.sum(axis=(1, 2), dtype=np.float64).reshape(len(shifts), -1))


def _lowest(shifts: np.ndarray, sums: np.ndarray) -> float:
    """Return where a parabola through the five lowest neighbouring sums is lowest."""
    best = int(np.argmin(sums))
    part = slice(max(0, best - 2), best + 3)
    bend, slope, _ = np.polyfit(shifts[part] - shifts[best], sums[part], 2)
    if not bend > 0:
        return float(shifts[best])
    step = shifts[1] - shifts[0]
    return float(shifts[best] + np.clip(-slope / (2 * bend), -step, step))
