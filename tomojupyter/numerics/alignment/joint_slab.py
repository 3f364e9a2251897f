"""What only slabs and films need: how thick they are, and where the axis is across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.alignment.joint_rounds import FIRST, Box
from tomojupyter.numerics.alignment.joint_step import compare

if TYPE_CHECKING:
    from tomojupyter.numerics.alignment.joint_level import Pose
    from tomojupyter.numerics.alignment.joint_rounds import Stage

SMOOTH = 4.0  # px of the level; slower changes of the density do not count
STANDS_OUT = 0.25  # of the way from the quietest rows to the liveliest
MARGIN = 0.03  # of the image, on both sides of the slab
PROBE = 0.012  # of the image, the steps of the offset that are tried
TURN = 0.4  # degrees, the steps of the angle that are tried
FARTHEST = 3.0  # steps
GROUPS = 8  # of projections, whose answers tell how sure theirs is
THICK = 0.5  # of the image, a slab before its thickness is known
WIDEST = 3.0  # images that the volume of a slab is wide at most


def slab_box(shape: tuple[int, ...], tilts_deg: np.ndarray, flat_deg: float, part: float) -> Box:
    """Return a box as wide as the slab is seen at any tilt, and a part of an image thick."""
    ny = shape[1]
    steepest = np.cos(np.deg2rad(np.abs(tilts_deg - flat_deg).max()))
    wide = min(ny / max(float(steepest), 1 / WIDEST), WIDEST * ny)
    return Box(int(np.ceil(wide)) + 8, max(8, round(part * ny)), flat_deg)


def measured(stage: Stage, box: Box) -> tuple[float, float] | None:
    """Return the height z of a slab's middle and its thickness, in full px; None if not seen.

    Notes
    -----
    Where there is matter the density changes from place to place within the plane; above and
    below it does not.
    """
    volume = stage.solver.volume()
    middle, half = volume.shape[2] // 2, max(4, int(0.3 * stage.level.size[0]))
    seen = volume[:, :, max(0, middle - half) : middle + half]
    lively = seen - ndimage.gaussian_filter(seen, (SMOOTH, 0, SMOOTH))
    rows = lively.std(axis=(0, 2))[1:-1]  # the outermost ones take up what is left
    quiet = np.percentile(rows, 20)
    there = np.flatnonzero(rows > quiet + STANDS_OUT * (rows.max() - quiet))
    if not len(there) or rows.max() < 1.5 * quiet:
        return None
    first, last = there[0] + 1, there[-1] + 1
    b = stage.factor
    z = ((volume.shape[1] - 1) / 2 - (first + last) / 2) * b
    thick = (last - first + 1) * b + 2 * MARGIN * stage.series.images.shape[1]
    if thick >= 0.9 * box.thickness:
        return None
    return float(z), float(thick)


def lowered(pose: Pose, tilts_deg: np.ndarray, flat_deg: float, z: float) -> Pose:
    """Return the pose in which the specimen lies lower by z, in px."""
    moves = np.zeros((len(tilts_deg), 2))
    moves[:, 0] = -z * np.sin(np.deg2rad(tilts_deg - flat_deg))
    return pose.moved(moves, 0.0)


def offset(stage: Stage, pose: Pose) -> tuple[float, float]:
    """Return how far to move the images along y so that the axis is in the middle, in full px.

    Returns
    -------
    tuple of float
        The move and its standard error, by the scatter of the projections; 0 and infinity where
        nothing is to be seen of it.

    Notes
    -----
    Reconstruction takes up nearly all of an offset of the axis of a slab; what it leaves in the
    residual changes sign where the offset is right. It is looked at for three offsets, within a
    window that is even about the axis, with what a displaced specimen does taken out.
    """
    series = stage.series
    size = PROBE * series.images.shape[1]
    tried = size * np.array([-1.0, 0.0, 1.0])
    t = np.deg2rad(series.tilts_deg)
    waves = np.stack([np.cos(t), np.sin(t)], axis=1)[series.model]
    rest = np.zeros(len(t))
    rest[series.model] = 1 - waves @ np.linalg.lstsq(waves, np.ones(len(waves)), rcond=None)[0]
    pulls = []
    for d in tried:
        moves = np.tile([d, 0.0], (len(t), 1))
        images, again, weights = stage.again(pose.moved(moves, 0.0), FIRST, stage.fresh())
        pull, stiff = np.zeros(len(t)), np.zeros(len(t))
        for i in np.flatnonzero(series.placed):
            slope = np.gradient(again[i], axis=0)
            counts = weights[i] * stage.window * slope
            pull[i], stiff[i] = np.vdot(counts, images[i] - again[i]), np.vdot(counts, slope)
        pulls.append(rest * pull / (rest**2 * stiff).sum())
    order = np.argsort(series.tilts_deg, kind="stable")
    order = order[series.model[order]]
    ordered = np.array(pulls)[:, order]
    whole = _root(tried, ordered)
    if whole is None:
        return 0.0, float("inf")
    gains, at_zero = np.polyfit(tried, ordered, 1)
    left = at_zero + gains * whole  # these sum to nothing; how they scatter says how surely
    parts = np.array([left[k::GROUPS].sum() for k in range(GROUPS)])
    variance = (parts**2).sum() * GROUPS / (GROUPS - 1)
    sigma = float(np.sqrt(variance) / abs(gains.sum()))
    limit = FARTHEST * size
    return float(np.clip(whole, -limit, limit)), min(sigma, limit)


def turn(stage: Stage, pose: Pose) -> float:
    """Return by how many degrees to turn the images so that the axis lies along x.

    Notes
    -----
    As for :func:`offset`: the volume takes up most of a wrong angle, and what is left changes
    sign where it is right.
    """
    series, still = stage.series, np.zeros((len(pose.shifts), 2))
    tried, pulls = TURN * np.array([-1.0, 0.0, 1.0]), []
    for d in tried:
        images, again, weights = stage.again(pose.moved(still, d), FIRST, stage.fresh())
        found = compare(
            images, again, weights, series.model, series.model.astype(float), stage.columns,
            stage.window, stage.turning,
        )  # fmt: skip
        pulls.append([found.turn_rad])
    angle = _root(tried, np.array(pulls))
    return 0.0 if angle is None else float(np.clip(angle, -FARTHEST * TURN, FARTHEST * TURN))


def _root(tried: np.ndarray, pulls: np.ndarray) -> float | None:
    """Return the offset at which the pulls (k, n) of images sum to nothing; None if nowhere."""
    gain, at_zero = np.polyfit(tried, pulls.sum(axis=1), 1)
    return -at_zero / gain if gain < 0 else None
