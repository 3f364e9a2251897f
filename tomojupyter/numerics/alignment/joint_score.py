"""How good an alignment is, without the truth: each half of a series predicts the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment import joint_slab
from tomojupyter.numerics.alignment.joint_rounds import FIRST, Box, Stage
from tomojupyter.numerics.alignment.joint_series import Series, make_series
from tomojupyter.numerics.alignment.joint_start import axis_by_mass, standing
from tomojupyter.numerics.alignment.joint_step import compare
from tomojupyter.numerics.alignment.registration_chain import _validated
from tomojupyter.numerics.blocks import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.alignment.joint_level import Pose

SILENT = Silent()
SIDE = 48  # px that images keep at least when they are binned for the score
APART = 0.24  # of the image, rms distance of points of a specimen from the middle
WIDTH = 2.0  # the stated interval is wider by this both ways than the axis' own intervals make it
NOTHING = (float("nan"), float("nan"))  # of a figure of the axis that cannot be told
SIGMAS = 2.0  # of the stated intervals of angle and offset


@dataclass(frozen=True)
class Score:
    """How good an alignment is, as far as the images tell.

    Parameters
    ----------
    expected_px
        Expected rms misfit of points of the specimen to the ideal geometry.
    interval_px
        In which it lies in most cases.
    moves_px
        (n, 2) (y, x) by which each image is off the projection predicted by the other half of
        the series; NaN where nothing is seen.
    sigma_px
        (n, 2) standard errors of them, by the noise.
    residual
        (n,) rms of image minus that prediction, relative to the rms of the image.
    halves
        Correlation of the volumes of the two halves.
    angle_deg, offset_px
        What is left of the axis' angle and of its distance from the middle row, as a pair:
        estimate and half of its interval (2 standard errors); NaN where it cannot be told.
    left_out
        Projections that were not used.
    noise_px
        The part of `expected_px` that does not come from the axis.
    """

    expected_px: float
    interval_px: tuple[float, float]
    moves_px: np.ndarray
    sigma_px: np.ndarray
    residual: np.ndarray
    halves: float
    angle_deg: tuple[float, float]
    offset_px: tuple[float, float]
    left_out: tuple[int, ...]
    noise_px: float

    def __str__(self) -> str:
        """Say it in one sentence."""
        low, high = self.interval_px
        text = f"{self.expected_px:.2g} px expected ({low:.2g} to {high:.2g})"
        if not self.left_out:
            return f"{text}; no frame left out"
        frames = [str(i) for i in self.left_out]
        listed = " and ".join([", ".join(frames[:-1]), frames[-1]] if frames[1:] else frames)
        return f"{text}; frame{'s' * (len(frames) > 1)} {listed} left out"

    def enlarged(self, factor: int) -> Score:
        """Return what this says of images that were binned before, in px of those given."""
        low, high = self.interval_px
        offset, half = self.offset_px
        return replace(
            self,
            expected_px=factor * self.expected_px,
            interval_px=(factor * low, factor * high),
            moves_px=factor * self.moves_px,
            sigma_px=factor * self.sigma_px,
            offset_px=(factor * offset, factor * half),
            noise_px=factor * self.noise_px,
        )


def score_alignment(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    use: np.ndarray | None = None,
    specimen: str = "auto",
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Score:
    """Estimate how well a series is aligned, by any method.

    Parameters
    ----------
    images, tilts_deg, mask, vacuum, use, specimen, monitor, ncores
        As for :func:`tomojupyter.numerics.alignment.joint.joint`; the images are aligned.

    Returns
    -------
    Score
        What is left.

    Raises
    ------
    AlignmentRefused
        If the images cannot make a volume.

    Notes
    -----
    Volumes are made of every second projection by tilt. Each predicts the projections of the
    other half, so none is compared with what it made itself. How far an image is off its
    prediction, and the standard error of that by the noise that is left, add in quadrature; so
    do what is left of the axis, by the lever that it has.
    """
    images, tilts = _validated(images, tilts_deg, None)
    use = np.ones(len(images), bool) if use is None else use
    series = make_series(images, tilts, mask=mask, vacuum=vacuum, use=use, specimen=specimen)
    ny = images.shape[1]
    box = Box(ny, ny)
    if series.slab:
        shape, seen = series.images.shape, tilts[series.placed]
        box = joint_slab.slab_box(shape, seen, series.flat_deg, joint_slab.THICK)
    with Workers(ncores) as workers:
        return score_pose(series, standing(len(images)), box, workers, lambda _: monitor(0, 1))


def score_pose(
    series: Series,
    pose: Pose,
    box: Box,
    workers: Workers,
    beat: Callable[[int], None],
) -> Score:
    """Return the score of the images of a series in a pose."""
    side = min(series.images.shape[1:])
    factor = max(b for b in (1, 2, 4, 8) if b == 1 or side // b >= SIDE)
    n = len(series.images)
    moves, sigma = np.full((n, 2), np.nan), np.full((n, 2), np.nan)
    residual = np.full(n, np.nan)
    volumes = []
    stage = Stage(series, factor, box, workers, beat)
    for half in halves(series):
        stage.series = replace(series, model=half)
        solver = stage.fresh()
        shown, again, weights = stage.again(pose, FIRST, solver)
        volumes.append(solver.volume().ravel())
        others = series.placed & ~half
        found = compare(shown, again, weights, others, np.zeros(n), stage.columns, stage.window)
        moves[others] = found.moves[others] * factor
        sigma[others] = found.sigma[others] * factor
        residual[others] = found.misfit[others]
    stage.series = series
    angle, offset = _axis(series, pose, stage)
    expected = _expected(series, moves, sigma, angle, offset)
    # An offset of which nothing is seen may as well be right.
    least = _expected(series, moves, sigma, _nearest(angle), _nearest(offset))
    return Score(
        expected, (least / WIDTH, expected * WIDTH), moves, sigma, residual,
        float(np.corrcoef(volumes[0], volumes[1])[0, 1]), angle, offset,
        tuple(int(i) for i in np.flatnonzero(~series.model)),
        _expected(series, moves, sigma, NOTHING, NOTHING),
    )  # fmt: skip


def halves(series: Series) -> list[np.ndarray]:
    """Return which images are in each half: every second by tilt."""
    order = np.argsort(series.tilts_deg, kind="stable")
    order = order[series.model[order]]
    both = []
    for first in (0, 1):
        half = np.zeros(len(series.images), bool)
        half[order[first::2]] = True
        both.append(half)
    return both


def _axis(
    series: Series, pose: Pose, stage: Stage
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return what is left of the angle and of the offset, each with half of its interval."""
    if series.slab:
        offset, sigma = joint_slab.offset(stage, pose)
        limit = joint_slab.FARTHEST * joint_slab.PROBE * series.images.shape[1]
        return NOTHING, (offset, SIGMAS * min(sigma, limit))
    try:
        fit = axis_by_mass(series, pose)
    except AlignmentRefused:
        return NOTHING, NOTHING
    return (
        (fit.angle_deg, SIGMAS * fit.angle_sigma_deg),
        (fit.shift_px, SIGMAS * fit.shift_sigma_px),
    )


def _nearest(estimate: tuple[float, float]) -> tuple[float, float]:
    """Return the value of an interval that is nearest to 0, as if it were sure."""
    value, half = estimate
    return (max(0.0, abs(value) - half) if np.isfinite(half) else value, 0.0)


def _expected(
    series: Series,
    moves: np.ndarray,
    sigma: np.ndarray,
    angle: tuple[float, float],
    offset: tuple[float, float],
) -> float:
    """Return the expected rms misfit in px."""
    good = series.placed
    t = np.deg2rad(series.tilts_deg[good])
    waves = np.stack([np.cos(t), np.sin(t)], axis=1)
    ones = np.ones(len(t))
    across = moves[good, 0] - waves @ np.linalg.lstsq(waves, moves[good, 0], rcond=None)[0]
    along = moves[good, 1] - moves[good, 1].mean()
    # A few frames that cannot be placed must not stand for all.
    each = across**2 + along**2
    each = np.minimum(each, np.percentile(each, 95))
    noise = np.median((sigma[good] ** 2).sum(axis=1))
    rest = ones - waves @ np.linalg.lstsq(waves, ones, rcond=None)[0]
    seen = float(np.sqrt(np.mean(rest**2)))
    ny, nx = series.images.shape[1:]
    lever = np.hypot(seen * APART * nx, APART * ny * np.cos(t).std())
    total = float(np.mean(each) + noise)
    for (value, half), reach in ((angle, np.deg2rad(lever)), (offset, seen)):
        if np.isfinite(value):
            total += float((value**2 + (half / SIGMAS) ** 2) * reach**2)
    return float(np.sqrt(total))
