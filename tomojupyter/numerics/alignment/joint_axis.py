"""The tilt axis alone, from the joint alignment: the shifts of single images are not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.alignment.detail_paths import path_offset
from tomojupyter.numerics.alignment.joint import Joint, joint
from tomojupyter.numerics.alignment.joint_score import SIGMAS
from tomojupyter.numerics.alignment.mass import masses
from tomojupyter.numerics.alignment.moments import Estimate
from tomojupyter.numerics.alignment.tiltaxis import FINE, displaced
from tomojupyter.numerics.images.filters import bin_mean

if TYPE_CHECKING:
    from tomojupyter.numerics.alignment.joint_score import Score


@dataclass(frozen=True)
class JointAxis:
    """The axis that the joint alignment found, and what it left of the registration.

    Parameters
    ----------
    angle_deg
        Rotate the images by this about their centre; positive turns +x towards +y.
    shift_px
        Then move them by this along +y.
    angle_sigma_deg, shift_sigma_px
        Standard errors; None where they cannot be told (the angle of a slab).
    rule
        What tells the row: ``"volume"``, or for slabs ``"paths"`` of details.
    along_px, across_px
        rms by which single images would still have to move along and across the axis, less what
        a displaced specimen explains.
    joint
        The alignment that this is taken from.
    """

    angle_deg: float
    shift_px: float
    angle_sigma_deg: float | None
    shift_sigma_px: float | None
    along_px: float
    across_px: float
    rule: str
    joint: Joint


def joint_axis(images: np.ndarray, tilts_deg: np.ndarray, **options: Any) -> JointAxis:
    """Find angle and row of the tilt axis by matching a series with its own projections.

    Parameters
    ----------
    images
        (n, ny, nx), registered, any real dtype. Not modified.
    tilts_deg
        (n,) degrees, any order.
    options
        As for :func:`tomojupyter.numerics.alignment.joint.joint`.

    Returns
    -------
    JointAxis
        The rotation and the shift to apply to all images alike.

    Raises
    ------
    AlignmentRefused
        Where the joint alignment refuses.

    Notes
    -----
    All shifts are free while it is looked for, so that an imperfect registration does not turn
    the axis. Those found across the axis are fitted by ``a cos t + b sin t + c``: `a` and `b` are
    a specimen in another place, `c` is the row of the axis, and the rest is what registration
    left over. The volume of a slab takes up nearly all of an offset, and its shifts with it; so
    the row of a slab is that about which details turn, see
    :func:`tomojupyter.numerics.alignment.detail_paths.path_offset`, if that is known better.
    """
    found = joint(images, tilts_deg, **options)
    tilts = np.asarray(tilts_deg, float).ravel()
    good = ~found.blank
    good[list(found.reasons)] = False
    a = np.deg2rad(found.angle_deg)
    dy, dx = found.shifts[good].T
    across, along = np.sin(a) * dx + np.cos(a) * dy, np.cos(a) * dx - np.sin(a) * dy
    t = np.deg2rad(tilts[good])
    waves = np.stack([np.ones_like(t), np.cos(t), np.sin(t)], axis=1)
    fit = np.linalg.lstsq(waves, across, rcond=None)[0]
    left = across - waves @ fit
    variance = float((left**2).sum() / max(len(left) - 3, 1))
    scatter = float(np.sqrt(variance * np.linalg.pinv(waves.T @ waves)[0, 0]))
    angle_sigma, sigma = _sigmas(found.score)
    shift, rule = float(fit[0]), "volume"
    sigma = None if sigma is None else float(np.hypot(sigma, scatter))
    if found.specimen == "slab" and not found.kept:
        rows = _row_of_slab(images, tilts, good, found.angle_deg, options)
        if np.isfinite(rows.sigma) and (sigma is None or rows.sigma < sigma):
            shift, sigma, rule = -rows.value, rows.sigma, "paths"
    return JointAxis(
        found.angle_deg, shift, angle_sigma, sigma,
        float(along.std()), float(np.sqrt(np.mean(left**2))), rule, found,
    )  # fmt: skip


def _row_of_slab(
    images: np.ndarray, tilts: np.ndarray, good: np.ndarray, angle: float, options: dict[str, Any]
) -> Estimate:
    """Return how far below the middle the axis of registered, turned images lies."""
    mask = np.ones(images.shape, bool)
    if options.get("mask") is not None:
        mask &= np.broadcast_to(options["mask"], images.shape)
    found = masses(images, tilts, mask=mask & good[:, None, None], vacuum=options.get("vacuum"))
    factor = max(1, min(images.shape[1:]) // FINE)
    seen = bin_mean(found.covered.astype(np.float32), factor) > 0.999
    small = np.where(seen, bin_mean(found.images, factor), np.nan)
    row = path_offset(displaced(small, angle, 0.0), found.tilts_deg)
    # Rows that did not fill a block were cut off, which moves the middle.
    moved = (small.shape[1] * factor - images.shape[1]) / 2
    return Estimate(row.value * factor + moved, row.sigma * factor, row.residual * factor)


def _sigmas(score: Score) -> tuple[float | None, float | None]:
    """Return the standard errors of angle and offset; None where they cannot be told."""
    angle, shift = (half / SIGMAS for _, half in (score.angle_deg, score.offset_px))
    return (
        angle if np.isfinite(angle) else None,
        shift if np.isfinite(shift) else None,
    )
