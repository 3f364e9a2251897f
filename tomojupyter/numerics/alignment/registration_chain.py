"""From shifts between neighbours by tilt to one shift for each projection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import AlignmentRefused, DataError, ParameterError, TiltsError
from tomojupyter.numerics.alignment.registration_pairs import Picture, prepare
from tomojupyter.numerics.alignment.registration_profile import shifts_by_mass
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

PairEstimator = Callable[[Picture, Picture], np.ndarray]

REACH = 2  # neighbours that are compared on either side
SWEEPS = 24  # of the reweighting
FLOOR = 0.02  # px, misfit between pairs that is never called an outlier
UNRELATED = 3.0  # px, misfit of a comparison that has found nothing in common


@dataclass(frozen=True)
class Registration:
    """Shifts that align a tilt series, image to image.

    Parameters
    ----------
    shifts
        float64 (n, 2), (dy, dx) in px to be applied to each projection; that of the start is 0.
    residual
        float64 (n,), px: rms misfit of the comparisons with neighbours, NaN where none was made.
    left_out
        bool (n,), True for projections that could not be used (blank); their shifts are
        interpolated over tilt.
    by_mass
        Whether the shifts along the axis come from the conservation of mass.
    """

    shifts: np.ndarray
    residual: np.ndarray
    left_out: np.ndarray
    by_mass: bool = False


def register(
    images: np.ndarray,
    tilts_deg: np.ndarray,
    start: int | None,
    estimator: PairEstimator,
    *,
    mask: np.ndarray | None,
    vacuum: float | None,
    conserve_mass: bool,
    monitor: Monitor,
) -> Registration:
    """Register neighbours by tilt and compose their shifts outward from `start`.

    Parameters
    ----------
    images, tilts_deg, start, mask, vacuum, conserve_mass, monitor
        As for :func:`tomojupyter.numerics.alignment.registration.phase_correlation`.
    estimator
        Function of the fixed and the moving picture that returns the shift (dy, dx) in px to
        be applied to the moving one.

    Returns
    -------
    Registration
        Shifts in the order of `images`.

    Raises
    ------
    AlignmentRefused
        If fewer than two projections are usable or they have nothing in common.
    DataError, TiltsError, ParameterError
        If the arguments do not fit together.

    Notes
    -----
    Every projection is compared with the next and the second next usable one. The shifts are
    the robust weighted least-squares solution of all these comparisons (iteratively reweighted,
    Cauchy's weights), so that a comparison with a bad frame cannot throw off what follows.
    Along the axis, the conservation of mass then replaces the chain where it can be seen
    (:func:`~tomojupyter.numerics.alignment.registration_profile.shifts_by_mass`).
    """
    images, tilts = _validated(images, tilts_deg, start)
    left_out = blank_frames(images)
    order = [int(i) for i in np.argsort(tilts, kind="stable") if not left_out[i]]
    if len(order) < 2:
        raise AlignmentRefused(
            f"{len(order)} of {len(images)} projections have any contrast, and at least 2 are "
            "needed; check the data, or shift the images by hand."
        )
    if vacuum is None:
        vacuum = estimate_vacuum(images[~left_out], _frames_of(mask, images.shape, ~left_out))
    if start is None:
        by_tilt = np.argsort(tilts, kind="stable")
        start = int(by_tilt[len(images) // 2])
    # A blank start cannot be an anchor: its nearest neighbour by tilt is, until the end.
    anchor = int(np.argmin(np.abs(tilts[order] - tilts[start])))
    pictures = prepare(images, ~left_out, mask, vacuum)
    pairs = _pairs(len(order), anchor)
    measured, done = [], []
    for count, (i, j) in enumerate(pairs):
        measured.append(estimator(pictures[order[i]], pictures[order[j]]))
        done.append((i, j))
        monitor(count + 1, len(pairs))
        if monitor.finish_early:
            break
    solution, misfit = solve(np.array(done), np.array(measured), len(order), anchor)
    _refuse_unrelated(np.array(done), misfit)
    kept = None
    if conserve_mass and not monitor.finish_early:
        kept = shifts_by_mass(
            np.stack([pictures[i].known() for i in order]), tilts[order], solution
        )
    by_mass = kept is not None
    solution = solution if kept is None else kept
    found = _assembled(solution, misfit, np.array(done), order, tilts, start, left_out)
    return replace(found, by_mass=by_mass)


def solve(
    pairs: np.ndarray, measured: np.ndarray, n: int, anchor: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions that fit differences between them, robustly.

    Parameters
    ----------
    pairs
        int (m, 2), indices (i, j).
    measured
        float64 (m, 2), ``position[j] - position[i]`` (dy, dx) in px.
    n
        Number of positions.
    anchor
        Index of the position that is 0.

    Returns
    -------
    positions
        float64 (n, 2), px. One without a comparison gets its neighbour's on the anchor's side.
    misfit
        float64 (m,), px, length of the residual of each comparison.
    """
    design = np.zeros((len(pairs), n))
    design[np.arange(len(pairs)), pairs[:, 0]] = -1
    design[np.arange(len(pairs)), pairs[:, 1]] = 1
    # Weak ties to the neighbour decide where nothing was measured, and nowhere else.
    ties = np.diff(np.eye(n), axis=0) * 1e-5
    free = np.arange(n) != anchor
    distance = np.abs(pairs[:, 1] - pairs[:, 0]).astype(np.float64)
    # Two second neighbours together must outweigh the one neighbour that they span.
    base = distance**-0.5
    positions = np.zeros((n, 2))
    weight = base.copy()

    def fit() -> np.ndarray:
        root = np.sqrt(weight)[:, None]
        matrix = np.concatenate([design * root, ties])[:, free]
        right = np.concatenate([measured * root, np.zeros((n - 1, 2))])
        positions[free] = np.linalg.lstsq(matrix, right, rcond=None)[0]
        return np.linalg.norm(measured - design @ positions, axis=1)

    for sweep in range(SWEEPS):
        misfit = fit()
        # Least absolute deviations first: they survive any size of outlier.
        scale = max(FLOOR, 1.4826 * float(np.median(misfit)))
        trust = 1 / (1 + (misfit / (2 * scale)) ** 2)
        weight = base / np.maximum(misfit, scale) if sweep < SWEEPS // 2 else base * trust
    misfit = fit()
    return positions, misfit


def _validated(
    images: np.ndarray, tilts_deg: np.ndarray, start: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and tilts as arrays, or say what is wrong with them."""
    images, tilts = np.asarray(images), np.asarray(tilts_deg, np.float64)
    if images.ndim != 3:
        raise DataError(f"a stack (n, ny, nx) is needed, got an array of shape {images.shape}.")
    if tilts.shape != (len(images),):
        raise TiltsError(
            f"{len(images)} projections but tilts of shape {tilts.shape}; give one tilt each."
        )
    if not np.isfinite(tilts).all():
        which = ", ".join(str(i) for i in np.flatnonzero(~np.isfinite(tilts)))
        raise TiltsError(f"tilts must be finite numbers; those of projections {which} are not.")
    if start is not None and not 0 <= start < len(images):
        raise ParameterError(
            f"start must be from 0 to {len(images) - 1} (an index into the file's order), "
            f"got {start}."
        )
    return images, tilts


def _frames_of(
    mask: np.ndarray | None, shape: tuple[int, ...], frames: np.ndarray
) -> np.ndarray | None:
    """Return the mask of some frames."""
    return None if mask is None else np.broadcast_to(mask, shape)[frames]


def _pairs(n: int, anchor: int) -> list[tuple[int, int]]:
    """Return the comparisons: the chain outward from `anchor` first, then the checks."""
    up = [(i, i + 1) for i in range(anchor, n - 1)]
    down = [(i, i - 1) for i in range(anchor, 0, -1)]
    checks = [(i, i + k) for k in range(2, REACH + 1) for i in range(n - k)]
    return up + down + checks


def _refuse_unrelated(pairs: np.ndarray, misfit: np.ndarray) -> None:
    """Refuse if most of the second-neighbour comparisons contradict the chain."""
    check = np.abs(pairs[:, 1] - pairs[:, 0]) > 1
    # With fewer, a contradiction is as likely a single bad frame.
    if check.sum() >= 3 and np.mean(misfit[check] > UNRELATED) > 0.7:
        raise AlignmentRefused(
            f"{np.mean(misfit[check] > UNRELATED):.0%} of the comparisons between neighbouring "
            "projections contradict each other by more than 3 px: the images have no structure "
            "in common that could be followed; filter or bin them first, or align by hand."
        )


def _assembled(
    solution: np.ndarray,
    misfit: np.ndarray,
    pairs: np.ndarray,
    order: list[int],
    tilts: np.ndarray,
    start: int,
    left_out: np.ndarray,
) -> Registration:
    """Return the shifts in file order, with the blank frames' interpolated over tilt."""
    shifts = np.zeros((len(tilts), 2))
    shifts[order] = solution
    missing = np.flatnonzero(left_out)
    for axis in range(2):
        shifts[missing, axis] = np.interp(tilts[missing], tilts[order], solution[:, axis])
    residual = np.full(len(tilts), np.nan)
    for k, i in enumerate(order):
        mine = misfit[(pairs == k).any(axis=1)]
        residual[i] = np.sqrt(np.mean(mine**2)) if len(mine) else np.nan
    return Registration(shifts - shifts[start], residual, left_out)
