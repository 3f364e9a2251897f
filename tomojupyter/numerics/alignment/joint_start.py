"""Where the joint alignment begins: masses of a compact specimen, profiles of a film."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.alignment.centre_of_mass import centre_of_mass
from tomojupyter.numerics.alignment.joint_level import Pose
from tomojupyter.numerics.alignment.max_image import max_image_axis
from tomojupyter.numerics.alignment.tiltaxis import AxisFit, centre_of_mass_axis
from tomojupyter.numerics.geometry import resample, rotation, translation

if TYPE_CHECKING:
    from tomojupyter.numerics.alignment.joint_series import Series


def standing(n: int) -> Pose:
    """Return the pose of images that stay where they are."""
    return Pose(np.zeros((n, 2)), 0.0)


def coarse(series: Series) -> Pose:
    """Return a pose that is right to about a pixel.

    Raises
    ------
    AlignmentRefused
        If the images have nothing in common.
    """
    images = series.images
    found = centre_of_mass(images, series.tilts_deg, mask=series.known, vacuum=0.0)
    pose = Pose(found.shifts, 0.0)
    try:
        if series.slab:
            moved = _moved(series, pose)
            seen = np.isfinite(moved)
            fit = max_image_axis(moved, series.tilts_deg, mask=seen, vacuum=0.0, refine=False)
            return pose.moved(np.zeros((len(images), 2)), fit.angle_deg)
        return on_axis(pose, axis_by_mass(series, pose))
    except AlignmentRefused:
        return pose


def axis_by_mass(series: Series, pose: Pose) -> AxisFit:
    """Return what is left of the axis' angle and place, by the centres of mass of the columns."""
    return centre_of_mass_axis(_moved(series, pose), series.tilts_deg, vacuum=0.0)


def on_axis(pose: Pose, fit: AxisFit) -> Pose:
    """Return the pose turned and moved as a fit of the axis says."""
    along_y = np.tile([fit.shift_px, 0.0], (len(pose.shifts), 1))
    return pose.moved(along_y, fit.angle_deg)


def matrices(pose: Pose, shape: tuple[int, int]) -> np.ndarray:
    """Return the (n, 3, 3) matrices of a pose of images of `shape`."""
    turn = rotation(pose.angle_deg, shape)
    return np.stack([turn @ translation(dx, dy) for dy, dx in pose.shifts])


def _moved(series: Series, pose: Pose) -> np.ndarray:
    shape = series.images.shape[1:]
    images = np.where(series.known, series.images, np.nan)
    images[~series.model] = np.nan
    return resample(images, matrices(pose, shape), shape, fill=np.nan)
