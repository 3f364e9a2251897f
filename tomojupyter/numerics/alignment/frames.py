"""Several frames of one projection: registered to each other and averaged."""

from __future__ import annotations

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics import geometry
from tomojupyter.numerics.alignment.registration import phase_correlation

FAR = 0.25  # of the image: frames of one projection do not move that far
LEAST = 0.005  # px


def average_frames(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Register frames of one projection to the middle one and average them.

    Parameters
    ----------
    frames
        (k, ny, nx), in the order of time; NaN marks dead pixels.

    Returns
    -------
    mean
        float32 (ny, nx). A pixel is the mean over the frames that have one there;
        blank frames do not count.
    shifts
        float64 (k, 2), px (y, x), that were applied to the frames.
    sure
        False if the frames have no structure in common, or seemed to move by more than a quarter
        of the image: then they are averaged as they are.

    Notes
    -----
    Shifts as of :func:`tomojupyter.numerics.alignment.registration.phase_correlation`, which
    compares frames that follow each other.
    """
    k, ny, nx = frames.shape
    still, blank = np.zeros((k, 2)), np.zeros(k, bool)
    sure = True
    try:
        # Positions in time take the place of tilts: they only say which are neighbours.
        found = phase_correlation(frames, np.arange(float(k)), k // 2)
        shifts, blank = found.shifts, found.left_out
    except AlignmentRefused:
        shifts, sure = still, False
    if not (np.abs(shifts) <= (FAR * ny, FAR * nx)).all():
        shifts, sure = still, False
    # Less than what registration can tell is no reason to interpolate.
    shifts = np.where(np.abs(shifts).max(axis=1, keepdims=True) < LEAST, 0.0, shifts)
    matrices = np.stack([geometry.translation(dx, dy) for dy, dx in shifts])
    moved = geometry.resample(frames, matrices, (ny, nx))
    good = geometry.covered(matrices, (ny, nx), (ny, nx)) & np.isfinite(moved)
    good[blank] = False
    count = good.sum(axis=0)
    total = np.where(good, moved, 0).sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return mean.astype(np.float32), shifts, sure
