"""Rounds of the joint alignment at one binning: reconstruct, reproject, register, mix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.alignment.joint_binned import MOST
from tomojupyter.numerics.alignment.joint_level import Level, Pose
from tomojupyter.numerics.alignment.joint_solver import Solver
from tomojupyter.numerics.alignment.joint_step import Found, Mixer, compare
from tomojupyter.numerics.reconstruction.backends import make_projector

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.alignment.joint_series import Series
    from tomojupyter.numerics.blocks import Workers
    from tomojupyter.numerics.reconstruction.projector import Projector

FIRST = 60  # iterations of a volume made from nothing
MORE = 20  # further ones after the images have moved
FARTHEST = 2.0  # px of the level, of one step; gradients reach no farther
STILL = 5e-4  # px; shorter steps are none
BRIGHTER = 0.02  # a gain nearer to 1 is noise
WORK = 2.2e8  # voxels times tilts of one iteration that are worth their time
ROOM = 1 / 16  # of the image, by which slabs may be moved and are still seen whole
PIECE = 16  # slices of a piece, as many as the projector takes at a time
EMPTY = 0.1  # of the strongest column


@dataclass(frozen=True)
class Box:
    """The space that the volume takes, in full px: `height` across the axis, `thickness` in z."""

    height: int
    thickness: int
    flat_deg: float = 0.0


@dataclass
class Rounds:
    """What rounds left behind.

    Parameters
    ----------
    pose
        Where the images lie now.
    found
        The last comparison.
    steps
        rms of the step in each round, px.
    misfits
        Mean relative misfit of the images of the model, of each round.
    """

    pose: Pose
    found: Found | None = None
    steps: list[float] = field(default_factory=list)
    misfits: list[float] = field(default_factory=list)


class Stage:
    """A series at one binning in one box."""

    def __init__(
        self,
        series: Series,
        factor: int,
        box: Box,
        workers: Workers,
        beat: Callable[[int], None],
    ) -> None:
        self.series = series
        self.box = box
        self.factor = factor
        width = -(-series.images.shape[2] // factor)
        nz = -(-box.thickness // factor)
        each = len(series.images) * -(-box.height // factor) * nz
        pieces = _pieces(series, factor, width, max(1, int(MOST / each)))
        seen = min(box.height, round((1 + 2 * ROOM) * series.images.shape[1]))
        self.level = Level(series.images, series.known, factor, seen, pieces)
        self.wide, self.nz = -(-box.height // factor), nz
        self.projector = self.at(series.tilts_deg)
        self.window = self._window()
        self.workers, self.beat = workers, beat
        self.solver = self.fresh()
        self.gains = np.ones(len(series.images))

    def at(self, tilts_deg: np.ndarray) -> Projector:
        """Return the projector of the volume at some tilts."""
        tilts = tilts_deg - self.box.flat_deg
        return make_projector(tilts, self.wide, self.nz, detector=self.level.shape[0])

    def fresh(self) -> Solver:
        """Return a solver that starts from nothing."""
        return Solver(self.projector, self.level.shape[1], self.workers, self.beat)

    def tilted(self, tilts_deg: np.ndarray) -> None:
        """Go on with other tilts, and with the volume that there is."""
        self.series = replace(self.series, tilts_deg=tilts_deg)
        self.projector = self.at(tilts_deg)
        volumes = self.solver.volumes
        self.solver = self.fresh()
        self.solver.volumes = volumes

    def moved(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """Return the images in their pose, equally bright, and their weights."""
        images, weights = self.level.moved(pose)
        images /= self.gains[:, None, None].astype(np.float32)
        weights[~self.series.placed] = 0
        return images, weights

    def again(self, pose: Pose, iterations: int, solver: Solver) -> tuple[np.ndarray, ...]:
        """Return images, reprojections and weights."""
        images, weights = self.moved(pose)
        return images, solver.run(images, weights, self.series.model, iterations), weights

    def _window(self) -> np.ndarray:
        """Return factors (ny, nx) for comparisons: of a slab, less towards the edges.

        Which rays a slab's edges are seen by depends on the offset of the axis, and drags it
        along; a window that is even about the axis does not.
        """
        if not self.series.slab:
            return np.broadcast_to(self.level.inner, self.level.shape)
        ny, nx = self.series.images.shape[1:]
        rows, columns = self._apart
        down = np.clip((0.40 * ny - rows) / (0.23 * ny), 0, 1)
        beside = np.clip((0.40 * nx - columns) / (0.23 * nx), 0, 1)
        return (down[:, None] * beside * self.level.inner).astype(np.float32)

    def turning(self, i: int) -> np.ndarray:
        """Return factors (ny, nx) for the turn of an image: of a slab, what every tilt sees."""
        if not self.series.slab:
            return self.window
        ny, nx = self.series.images.shape[1:]
        rows, columns = self._apart
        half = 0.5 * ny * np.cos(np.deg2rad(self.series.tilts_deg[i] - self.box.flat_deg))
        down = np.clip((half - 0.08 * ny - rows) / (0.1 * ny), 0, 1)
        beside = np.clip((0.42 * nx - columns) / (0.1 * nx), 0, 1)
        return (down[:, None] * beside * self.level.inner).astype(np.float32)

    @property
    def _apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Distances of rows and of columns from the centre, in full px."""
        height = self.level.shape[0]
        rows = np.abs(np.arange(height) - (height - 1) / 2) * self.factor
        return rows, np.abs(self.columns) * self.factor

    @property
    def columns(self) -> np.ndarray:
        """Distance of the columns from the centre, in px of the level."""
        return self.level.columns - (self.level.whole[1] - 1) / 2

    def refine(
        self,
        start: Pose,
        rounds: int,
        turn: bool,
        tell: Callable[[Rounds, Stage], bool],
        even: bool = True,
    ) -> Rounds:
        """Do some rounds.

        Parameters
        ----------
        start
            Where the images lie.
        rounds
            At most so many.
        turn
            Fit the angle too.
        tell
            Called after each round; true ends them.
        even
            Make the images equally bright.
        """
        series, scale = self.series, self.series.images.shape[2] / 4
        done, mixer = Rounds(start), Mixer()
        trust = series.model.astype(float) * turn
        for k in range(rounds):
            pose = done.pose
            found = self._compared(pose, MORE if k else FIRST, trust)
            step = np.clip(found.moves, -FARTHEST, FARTHEST) * self.factor
            new = pose.moved(step, float(np.rad2deg(found.turn_rad)) if turn else 0.0)
            point = _vector(pose, scale)
            mixed = mixer.next(point, _vector(new, scale) - point)
            done.pose = Pose(mixed[:-1].reshape(-1, 2), float(np.rad2deg(mixed[-1] / scale)))
            done.found = found
            done.steps.append(float(np.sqrt(np.mean(step[series.model] ** 2))))
            done.misfits.append(float(np.mean(found.misfit[series.model])))
            if even:
                self.even(found.gains)
            if tell(done, self) or done.steps[-1] < STILL:
                break
        return done

    def _compared(self, pose: Pose, iterations: int, trust: np.ndarray) -> Found:
        """Go on with the volume, and compare; the arrays are gone before the next round."""
        images, again, weights = self.again(pose, iterations, self.solver)
        return compare(
            images, again, weights, self.series.placed, trust, self.columns, self.window,
            self.turning,
        )  # fmt: skip

    def even(self, gains: np.ndarray) -> None:
        """Take note of images that are brighter or darker than their reprojection."""
        off = np.abs(gains - np.median(gains[self.series.model])) > BRIGHTER
        off &= self.series.placed & (gains > 0.2)
        self.gains[off] *= gains[off]


def _vector(pose: Pose, scale: float) -> np.ndarray:
    return np.append(pose.shifts.ravel(), np.deg2rad(pose.angle_deg) * scale)


def _pieces(
    series: Series, factor: int, width: int, affordable: int
) -> list[tuple[int, int]] | None:
    """Return pieces of slices, evenly spread over the specimen, that can be afforded."""
    if affordable >= width:
        return None
    count = max(2, affordable // PIECE)
    gradient = np.mean([np.abs(np.diff(image, axis=0)).sum(axis=0)
                        for image in series.images[series.model]], axis=0)  # fmt: skip
    there = np.flatnonzero(gradient > EMPTY * gradient.max()) // factor
    first, last = int(there[0]), min(int(there[-1]) + 1, width)
    room = last - first
    if count * PIECE >= room:
        return [(first, last)]
    starts = np.round(first + np.linspace(0, room - PIECE, count)).astype(int)
    return [(int(a), int(a) + PIECE) for a in starts]
