"""All shifts, the axis' angle and its place together, by matching projections of the volume."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.alignment import joint_binned, joint_slab, joint_tilts
from tomojupyter.numerics.alignment.joint_level import Pose
from tomojupyter.numerics.alignment.joint_rounds import WORK, Box, Rounds, Stage
from tomojupyter.numerics.alignment.joint_score import APART, Score, score_pose
from tomojupyter.numerics.alignment.joint_series import Series, make_series
from tomojupyter.numerics.alignment.joint_start import axis_by_mass, coarse, on_axis
from tomojupyter.numerics.alignment.registration_chain import _validated
from tomojupyter.numerics.blocks import Workers

SILENT = Silent()
SPECIMENS = ("auto", "compact", "slab")
ROUNDS = {"coarse": 4, "middle": 6, "fine": 6, "costly": 2}
AGAIN, LAST = 3, 1  # times that the offset of a slab is looked for, coarse and fine
WITHIN = 1.5  # times the noise of the shifts, in which a pose is as good as the one found
PART = 0.6  # of the usual rounds' work; what costs more gets few rounds


@dataclass
class Joint:
    """What the joint alignment found.

    Parameters
    ----------
    shifts
        float64 (n, 2), (dy, dx) in px to apply to the images as given.
    angle_deg
        To turn them by afterwards, about their centre.
    specimen
        ``"compact"`` or ``"slab"``.
    thickness
        Of a slab's volume, in px; 0 for a compact specimen.
    flat_deg
        Tilt at which a slab is seen along its normal.
    reasons
        Why projections were left out of the volume, by index.
    blank
        bool (n,), projections that nothing places; their shifts are interpolated over tilt.
    misfit
        (n,) rms of image minus reprojection, relative to the rms of the image; NaN for blank.
    score
        How good it is, as far as the images tell.
    history
        Mean misfit of every round.
    tilts_deg
        (n,) the tilts, refined if that was asked for.
    rounds
        After how many rounds Finish, or `rounds`, ended it; 0: it came to its end.
    kept
        The images lay as well as can be told: nothing is moved.
    """

    shifts: np.ndarray
    angle_deg: float
    specimen: str
    thickness: float
    flat_deg: float
    reasons: dict[int, str]
    blank: np.ndarray
    misfit: np.ndarray
    score: Score
    history: list[float] = field(default_factory=list)
    tilts_deg: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rounds: int = 0
    kept: bool = False

    def enlarged(self, factor: int, shape: tuple[int, ...]) -> Joint:
        """Return the same for images of `shape`, (n, ny, nx), that were binned before."""
        return replace(
            self,
            shifts=joint_binned.enlarged(self.shifts, shape, factor),
            thickness=factor * self.thickness,
            score=self.score.enlarged(factor),
        )


def joint(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    mask: np.ndarray | None = None,
    vacuum: float | None = None,
    use: np.ndarray | None = None,
    specimen: str = "auto",
    thickness: float | None = None,
    refine_tilts: bool = False,
    rounds: int = 0,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Joint:
    """Align a tilt series by matching it with the projections of its own volume.

    Parameters
    ----------
    images
        (n, ny, nx), any real dtype; NaN pixels have no say.
    tilts_deg
        (n,) degrees, any order.
    mask
        bool, broadcastable to `images`; True marks measured pixels. None: all.
    vacuum
        Level of the vacuum. None: estimated.
    use
        bool (n,), images that the volume may be made of. None: all.
    specimen
        ``"compact"``: it lies between the upper and the lower edge at every tilt. ``"slab"``: it
        goes on beyond them. ``"auto"``: told from the images.
    thickness
        Of a slab in px. None: measured.
    refine_tilts
        Fit the error of each tilt too; their mean and their scale stay.
    rounds
        End after so many, as Finish would. 0: as many as it takes.
    monitor
        Told about every round. Finish keeps the pose reached.
    ncores
        Threads. None: one per core.

    Returns
    -------
    Joint
        Shifts and angle.

    Raises
    ------
    AlignmentRefused
        If there are fewer than 7 usable tilts, less than 40 degrees of them, or nothing to see.
    DataError, TiltsError, ParameterError
        If the arguments do not fit together.

    Notes
    -----
    At binning 4, 2 and 1 a positive volume is reconstructed (SIRT with Nesterov's momentum, 60
    iterations and 20 more in each round), projected again, and all images are moved by one
    Gauss-Newton step towards their projections, mixed with those before by Anderson's method.
    The axis of a compact specimen is what its centres of mass say after the rounds. A slab's
    volume is as wide as it is seen at any tilt and as thick as it is measured to be, which is what
    tells its axis. Of large series only binned images are used, as their volume would take too
    long.
    """
    images, tilts = _validated(images, tilts_deg, None)
    if specimen not in SPECIMENS:
        raise ParameterError(f"specimen is one of {', '.join(SPECIMENS)}; got {specimen!r}")
    factor, shape = joint_binned.worth(images.shape), images.shape
    if factor > 1:
        images, mask = joint_binned.binned(images, mask, factor), None
        thickness = None if thickness is None else thickness / factor
    if use is None:
        use = np.ones(len(images), bool)
    series = make_series(images, tilts, mask=mask, vacuum=vacuum, use=use, specimen=specimen)
    with Workers(ncores) as workers:
        before = Pose(joint_binned.as_given(shape, factor), 0.0)
        course = Course(series, workers, monitor, before, rounds)
        found = _aligned(course, thickness, refine_tilts)
    return found if factor == 1 else found.enlarged(factor, shape)


def _aligned(course: Course, thickness: float | None, refine_tilts: bool) -> Joint:
    """Go through the stages of an alignment, and tell what came of it."""
    series, workers = course.series, course.workers
    pose = course.slab(thickness) if series.slab else course.compact()
    if refine_tilts and not course.ended:
        pose, series = course.tilts(pose)
    score = score_pose(series, pose, course.box, workers, course.beat)
    kept = not refine_tilts and apart(pose, course.before, series) <= WITHIN * score.noise_px
    if kept:
        pose = course.before
        score = score_pose(series, pose, course.box, workers, course.beat)
    pose = _with_blank(pose, series)
    misfit = np.full(len(series.images), np.nan)
    if course.last is not None:
        misfit[series.placed] = course.last.misfit[series.placed]
    return Joint(
        pose.shifts, pose.angle_deg, "slab" if series.slab else "compact",
        float(course.box.thickness) if series.slab else 0.0, series.flat_deg,
        series.reasons, ~series.placed, misfit, score, course.history, series.tilts_deg,
        course.done if course.cut else 0, kept,
    )  # fmt: skip


def apart(one: Pose, other: Pose, series: Series) -> float:
    """Return the rms distance, in px, by which two poses place points of the specimen.

    What moves the specimen as a whole does not count. For small angles: shifts along x are along
    the axis.
    """
    good = series.placed
    t = np.deg2rad(series.tilts_deg[good])
    waves = np.stack([np.cos(t), np.sin(t)], axis=1)
    turn = np.deg2rad(one.angle_deg - other.angle_deg)
    moves = (one.shifts - other.shifts)[good]
    across = moves[:, 0] - waves @ np.linalg.lstsq(waves, moves[:, 0], rcond=None)[0]
    along = moves[:, 1] - moves[:, 1].mean()
    lever = APART * max(series.images.shape[1:])
    return float(np.sqrt(np.mean(across**2 + along**2) + (turn * lever) ** 2))


class Course:
    """The stages of one alignment, and how the monitor hears of them."""

    def __init__(
        self, series: Series, workers: Workers, monitor: Monitor, before: Pose, rounds: int = 0
    ) -> None:
        self.series, self.workers, self.monitor, self.before = series, workers, monitor, before
        self.rounds, self.cut = rounds, False
        side = min(series.images.shape[1:])
        self.factors = [b for b in (8, 4, 2, 1) if side >= joint_binned.LEAST * b] or [1]
        self.work = joint_binned.work(series.images.shape)
        self.done, self.total = 0, sum(ROUNDS.values()) + 2
        self.history: list[float] = []
        self.last: Any = None
        ny = series.images.shape[1]
        self.box = Box(ny, ny)

    def beat(self, _: int = 0) -> None:
        """Let the monitor stop the work."""
        self.monitor(min(self.done, self.total), self.total)

    def tell(self, rounds: Rounds, stage: Stage) -> bool:
        """Report a round; true if it is to be the last."""
        self.done += 1
        self.history.append(rounds.misfits[-1])
        self.last = rounds.found
        self.monitor(
            min(self.done, self.total), self.total,
            residual=rounds.misfits[-1], picture=stage.solver.middle(),
        )  # fmt: skip
        return self.ended

    @property
    def ended(self) -> bool:
        """Whether Finish was asked for, or the rounds allowed are done."""
        self.cut = self.cut or bool(self.monitor.finish_early) or self.done >= self.rounds > 0
        return self.cut

    def stage(self, factor: int) -> Stage:
        """Return the series at one binning."""
        return Stage(self.series, factor, self.box, self.workers, self.beat)

    def start(self, stage: Stage) -> Pose:
        """Return the better of two poses: as the images lie, and a coarse alignment."""
        poses = [self.before]
        try:
            poses.append(coarse(self.series))
        except AlignmentRefused:
            return poses[0]
        left = []
        for pose in poses:
            trial = stage.refine(pose, 1, False, lambda *_: False, even=False)
            stage.solver = stage.fresh()
            left.append(trial.misfits[-1])
        return poses[int(np.argmin(left))]

    def compact(self) -> Pose:
        """Align a specimen that is seen whole."""
        stage = self.stage(self.factors[0])
        pose = self.start(stage)
        gains = stage.gains
        for factor, rounds in zip(self.factors, self._rounds(), strict=True):
            stage = self.stage(factor)
            stage.gains = gains
            pose = stage.refine(pose, rounds, False, self.tell).pose
            gains = stage.gains
            pose = self._by_mass(pose)
            if self.ended:
                break
        return pose

    def tilts(self, pose: Pose) -> tuple[Pose, Series]:
        """Fit the tilts and the shifts together, at the finest binning that is not costly."""
        for factor in self._affordable()[-2:]:
            stage = self.stage(factor)
            pose, refined = joint_tilts.refine_tilts(stage, pose, self.tell)
            self.series = replace(self.series, tilts_deg=refined)
            if not self.series.slab:
                pose = self._by_mass(pose)
            if self.ended:
                break
        return pose, self.series

    def _by_mass(self, pose: Pose) -> Pose:
        try:
            return on_axis(pose, axis_by_mass(self.series, pose))
        except AlignmentRefused:
            return pose

    def _is_cheap(self, factor: int) -> bool:
        return bool(self.work / factor**3 <= WORK / PART)

    def _affordable(self) -> list[int]:
        """Return the binnings that are not costly, the coarsest in any case."""
        return [b for b in self.factors if self._is_cheap(b)] or self.factors[:1]

    def _rounds(self) -> list[int]:
        """Return the rounds at each binning."""
        kinds = ["fine"] + ["middle"] * (len(self.factors) - 1)
        return [
            ROUNDS[kind] if self._is_cheap(factor) else ROUNDS["costly"]
            for factor, kind in zip(self.factors, reversed(kinds), strict=True)
        ]

    def slab(self, thickness: float | None) -> Pose:
        """Align a slab or film."""
        series = self.series
        shape, tilts = series.images.shape, series.tilts_deg[series.placed]
        part = joint_slab.THICK if thickness is None else thickness / shape[1]
        self.box = joint_slab.slab_box(shape, tilts, series.flat_deg, part)
        pose = self.start(self.stage(self.factors[0]))
        finest = self._affordable()[-1]
        again = AGAIN * sum(b > finest for b in self.factors) + LAST
        self.total += 2 * len(self.factors) + again * ROUNDS["coarse"]
        for factor, rounds in zip(self.factors, self._rounds(), strict=True):
            stage = self.stage(factor)
            pose = stage.refine(pose, rounds + 2, True, self.tell, even=False).pose
            if self.ended:
                break
            if thickness is None:
                pose = self._thinner(stage, pose)
            if factor >= finest:
                pose = self._axis(factor, pose, AGAIN if factor > finest else LAST)
            if self.ended:
                break
        return pose

    def _thinner(self, stage: Stage, pose: Pose) -> Pose:
        """Fit the box to the slab, once it can be seen."""
        series = self.series
        found = joint_slab.measured(stage, self.box)
        if found is None:
            return pose
        z, thick = found
        self.box = Box(self.box.height, round(thick), self.box.flat_deg)
        return joint_slab.lowered(pose, series.tilts_deg, series.flat_deg, z)

    def _axis(self, factor: int, pose: Pose, rounds: int) -> Pose:
        """Look for the axis of a slab, of which little is left to see."""
        stage = self.stage(factor)
        pose = pose.moved(np.zeros((len(pose.shifts), 2)), joint_slab.turn(stage, pose))
        for _ in range(rounds):
            move, _ = joint_slab.offset(stage, pose)
            pose = pose.moved(np.tile([move, 0.0], (len(pose.shifts), 1)), 0.0)
            stage.solver = stage.fresh()
            pose = stage.refine(pose, ROUNDS["coarse"], True, self.tell, even=False).pose
            if self.ended:
                break
        return pose


def _with_blank(pose: Pose, series: Series) -> Pose:
    """Give the images that nothing places the shifts of their neighbours in tilt."""
    shifts = pose.shifts.copy()
    good, rest = np.flatnonzero(series.placed), np.flatnonzero(~series.placed)
    order = good[np.argsort(series.tilts_deg[good], kind="stable")]
    for axis in (0, 1):
        shifts[rest, axis] = np.interp(
            series.tilts_deg[rest], series.tilts_deg[order], shifts[order, axis]
        )
    return Pose(shifts, pose.angle_deg)
