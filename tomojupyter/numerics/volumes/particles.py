"""The separate bodies above a threshold: where each lies and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.volumes.segmentation import above, chosen_threshold

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Particle:
    """One body whose voxels touch by their faces.

    Parameters
    ----------
    voxels
        Number of its voxels.
    volume
        In `units`, cubed.
    diameter
        Of the ball of the same volume, in `units`.
    centre
        (x, z, y) of its centre, in voxels.
    position
        (x, z, y) of its centre from that of the first voxel, in `units`.
    units
        Of a length.
    cut
        Whether a face of the volume cuts it, so that it is larger than what is seen.
    """

    voxels: int
    volume: float
    diameter: float
    centre: tuple[float, float, float]
    position: tuple[float, float, float]
    units: str
    cut: bool

    def __repr__(self) -> str:
        place = ", ".join(f"{value:.4g}" for value in self.position)
        return (
            f"<Particle, {self.volume:.4g} {self.units}³, diameter {self.diameter:.4g} "
            f"{self.units}, at (x, z, y) = ({place}) {self.units}{', cut' if self.cut else ''}>"
        )


def particles(
    volume: np.ndarray,
    rule: str = "otsu",
    threshold: float | None = None,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    units: str = "px",
    dark: bool = False,
    mask: np.ndarray | None = None,
    smallest: int = 8,
) -> list[Particle]:
    """Find the separate bodies above a threshold.

    Parameters
    ----------
    volume
        (nx, nz, ny); what is not finite belongs to nothing.
    rule, threshold, spacing, units, dark, mask
        As for :func:`tomojupyter.numerics.volumes.measures.measure`.
    smallest
        Bodies of fewer voxels are noise, and left out.

    Returns
    -------
    list of Particle
        The largest one first.

    Raises
    ------
    ParameterError
        If `smallest` is less than 1, or a value is missing.
    DataError
        If there is nothing to separate.
    """
    if smallest < 1:
        raise ParameterError(f"smallest must be at least 1 voxel, got {smallest}")
    chosen = chosen_threshold(volume, rule, threshold, mask)
    inside = above(volume, chosen, dark) & np.isfinite(volume)
    if mask is not None:
        inside &= mask
    labels, count = ndimage.label(inside)
    if not count:
        return []
    at = np.flatnonzero(labels)
    bodies = labels.ravel()[at]
    sizes = np.bincount(bodies, minlength=count + 1)
    places = np.unravel_index(at, volume.shape)
    centres = np.stack(
        [np.bincount(bodies, weights=p, minlength=count + 1) for p in places], axis=1
    ) / np.maximum(sizes, 1)[:, None]  # fmt: skip
    cut = np.zeros(count + 1, bool)
    for axis in range(3):
        for end in (0, -1):
            cut[np.unique(labels.take(end, axis=axis))] = True
    voxel = float(np.prod(np.abs(spacing)))
    found = []
    for body in np.argsort(-sizes[1:], kind="stable") + 1:
        if sizes[body] < smallest:
            break
        content = int(sizes[body]) * voxel
        place = [float(v) for v in centres[body]]
        position = [v * float(size) for v, size in zip(place, spacing, strict=True)]
        found.append(
            Particle(
                int(sizes[body]), content, float((6 * content / np.pi) ** (1 / 3)),
                (place[0], place[1], place[2]), (position[0], position[1], position[2]), units,
                bool(cut[body]),
            )
        )  # fmt: skip
    return found
