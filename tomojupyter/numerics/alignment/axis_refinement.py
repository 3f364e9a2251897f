"""A roughly known angle of the axis made better, by what the whole series shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.alignment.detail_paths import path_angle
from tomojupyter.numerics.alignment.moments import Estimate, mass_step, measure
from tomojupyter.numerics.alignment.tiltaxis import displaced, usable_columns

ROUNDS = 10
CLOSE_DEG = 0.005  # a last change below this is none
FARTHEST = 5.0  # degrees from the angle that was given
LARGEST_SIGMA = 0.5  # degrees; what is known less well is no improvement
UNSURE = 2.0  # degrees, of a first estimate that may still get better


@dataclass(frozen=True)
class Refined:
    """An angle in degrees to turn the images by, its standard error, and what it rests on.

    `rule` is ``"mass"`` or ``"paths"``.
    """

    angle_deg: float
    sigma_deg: float
    rule: str


def refined_angle(
    images: np.ndarray, tilts_deg: np.ndarray, film: bool, start_deg: float
) -> Refined | None:
    """Return the angle of the axis by the whole series; None where that tells no more.

    Parameters
    ----------
    images
        float32 (k, ny, nx), ascending in tilt, equally bright, vacuum at 0, NaN where unknown.
    tilts_deg
        (k,) degrees.
    film
        The specimen crosses the upper or the lower edge.
    start_deg
        Turn of the images that brings the axis along x, to a few degrees.

    Notes
    -----
    Where the specimen is seen whole between the upper and the lower edge, every column keeps its
    mass (see :mod:`tomojupyter.numerics.alignment.moments`). Where it is not, details are followed
    (see :mod:`tomojupyter.numerics.alignment.detail_paths`), and also where mass tells too little.
    """
    rules = {"paths": path_angle} if film else {"mass": _mass_angle, "paths": path_angle}
    for rule, measured in rules.items():
        angle, sigma = start_deg, np.inf
        for _ in range(ROUNDS):
            try:
                left = measured(displaced(images, angle, 0.0), tilts_deg)
            except AlignmentRefused:
                sigma = np.inf
                break
            sigma = float(np.rad2deg(left.sigma))
            if not sigma <= UNSURE:
                break
            turn = float(np.rad2deg(left.value))
            angle -= turn
            if abs(turn) < CLOSE_DEG or abs(angle - start_deg) > FARTHEST:
                break
        if sigma <= LARGEST_SIGMA and abs(angle - start_deg) <= FARTHEST:
            return Refined(angle, sigma, rule)
    return None


def _mass_angle(images: np.ndarray, tilts_deg: np.ndarray) -> Estimate:
    """Return what is left of the angle, by the masses of the columns alone."""
    t = np.deg2rad(tilts_deg)
    return mass_step(usable_columns(measure(images, t, np.ones(images.shape[2], bool)), None))
