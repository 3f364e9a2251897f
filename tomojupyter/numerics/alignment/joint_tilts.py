"""Errors of the tilt angles, found with the shifts on the reprojections of the volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.alignment.joint_level import Pose
from tomojupyter.numerics.alignment.joint_rounds import FARTHEST, FIRST, MORE, STILL, Rounds
from tomojupyter.numerics.alignment.joint_step import Mixer, compare

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.alignment.joint_rounds import Stage

ASIDE = 0.5  # degrees, to both sides of a tilt, for the derivative of its projection
FIRM = 1e-2  # of the stiffness that a tilt has by itself, below which its error is not seen
LARGEST = 3.0  # degrees off the tilt that was given
ROUNDS = 10


def refine_tilts(
    stage: Stage, pose: Pose, tell: Callable[[Rounds, Stage], bool], rounds: int = ROUNDS
) -> tuple[Pose, np.ndarray]:
    """Fit shifts and tilts together.

    Parameters
    ----------
    stage
        One binning; its series and projector have the refined tilts afterwards.
    pose
        Where the images lie.
    tell
        Called after each round; true ends them.
    rounds
        At most so many.

    Returns
    -------
    pose : Pose
        Where the images lie now.
    tilts : numpy.ndarray
        (n,) degrees. Mean and slope over those given stay: a common error turns the volume only,
        and one in proportion to the tilt is hardly seen.

    Notes
    -----
    The change of a projection with its tilt is the difference of the projections to both sides.
    """
    given = stage.series.tilts_deg
    used = stage.series.model
    lever = stage.level.full[0] / 4
    done, mixer = Rounds(pose), Mixer()
    tilts = given.copy()
    for k in range(rounds):
        images, again, weights = stage.again(done.pose, MORE if k else FIRST, stage.solver)
        found = compare(
            images, again, weights, stage.series.placed, np.zeros(len(tilts)), stage.columns,
            stage.window,
        )  # fmt: skip
        moves, turns = _step(images, again, weights, _slopes(stage), stage)
        turns[used] -= np.polyval(np.polyfit(given[used], turns[used], 1), given[used])
        step = np.clip(moves, -FARTHEST, FARTHEST) * stage.factor
        point = np.append(done.pose.shifts.ravel(), np.deg2rad(tilts) * lever)
        new = done.pose.moved(step, 0.0)
        mixed = mixer.next(
            point, np.append(new.shifts.ravel(), np.deg2rad(tilts + turns) * lever) - point
        )
        off = np.rad2deg(mixed[2 * len(tilts) :] / lever) - given
        tilts = given + np.clip(off, -LARGEST, LARGEST)
        done.pose = Pose(mixed[: 2 * len(tilts)].reshape(-1, 2), done.pose.angle_deg)
        done.found = found
        done.steps.append(float(np.sqrt(np.mean(step[used] ** 2))))
        done.misfits.append(float(np.mean(found.misfit[used])))
        stage.even(found.gains)
        stage.tilted(tilts)
        if tell(done, stage) or done.steps[-1] < STILL:
            break
    return done.pose, tilts


def _slopes(stage: Stage) -> np.ndarray:
    """Return the change of every projection with its tilt, (n, ny, nx) per degree."""
    tilts = stage.series.tilts_deg
    sides = [stage.solver.seen(stage.at(tilts + d)) for d in (ASIDE, -ASIDE)]
    return np.asarray((sides[0] - sides[1]) / (2 * ASIDE))


def _step(
    images: np.ndarray, again: np.ndarray, weights: np.ndarray, slopes: np.ndarray, stage: Stage
) -> tuple[np.ndarray, np.ndarray]:
    """Return moves (n, 2) in px of the level, and changes of the tilts in degrees (n,)."""
    n = len(images)
    moves, turns = np.zeros((n, 2)), np.zeros(n)
    for i in np.flatnonzero(stage.series.placed):
        gy, gx = np.gradient(again[i])
        parts = np.stack([gy, gx, again[i], slopes[i], images[i] - again[i]]).reshape(5, -1)
        products = ((parts * (weights[i] * stage.window).ravel()) @ parts.T).astype(np.float64)
        # What a turn of the specimen does that a shift or a gain does not.
        others = products[:3, :3] + 1e-9 * np.diag(np.diag(products)[:3]) + 1e-30 * np.eye(3)
        solved = np.linalg.solve(others, products[:3, 3:])
        stiff = products[3, 3] - products[3, :3] @ solved[:, 0]
        turn = 0.0
        if stiff > FIRM * products[3, 3] > 0:
            turn = float((products[3, 4] - products[3, :3] @ solved[:, 1]) / stiff)
        moves[i] = (solved[:, 1] - turn * solved[:, 0])[:2]
        turns[i] = turn
    return moves, np.clip(turns, -1, 1)
