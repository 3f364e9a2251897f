"""A volume drawn without a browser: surfaces lit from the front in a thin cloud, seen from afar.

Parallel projection, so that one scale bar holds everywhere. Rays are sampled at every voxel of a
copy that was turned about the vertical axis and then tipped.

References
----------
M. Levoy, IEEE Computer Graphics and Applications 8 (1988) 29, doi:10.1109/38.511.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

LIGHT = np.array([-0.45, -0.6, -0.66])
"""Direction that the light comes from: left, above, in front (across, down, away)."""
AMBIENT = 0.32
CLOUD = np.array([0.34, 0.71, 0.91])


@dataclass(frozen=True)
class Surface:
    """Where a volume passes a level, in a colour (red, green, blue from 0 to 1)."""

    volume: np.ndarray
    level: float
    colour: tuple[float, float, float]


def rgb(colour: str) -> tuple[float, float, float]:
    """Return #rrggbb as numbers from 0 to 1."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue


def turned(volume: np.ndarray, turn_deg: float, tip_deg: float = 0.0) -> np.ndarray:
    """Return a volume as it is seen: (down, away, across), cubic, float32.

    Parameters
    ----------
    volume
        Shape (x, z, y), z counted downwards; at 0° the viewer looks along y.
    turn_deg
        About the vertical axis; positive moves the near side to the right.
    tip_deg
        About the horizontal axis afterwards; positive shows the top.
    """
    seen = np.asarray(volume, np.float32).transpose(1, 2, 0)  # z, y, x: down, away, across
    side = math.ceil(math.sqrt(sum(n * n for n in seen.shape)))
    a, b = math.radians(turn_deg), math.radians(tip_deg)
    turn = np.array([[1, 0, 0], [0, math.cos(a), math.sin(a)], [0, -math.sin(a), math.cos(a)]])
    tip = np.array([[math.cos(b), math.sin(b), 0], [-math.sin(b), math.cos(b), 0], [0, 0, 1]])
    matrix = turn @ tip  # from seen to stored places
    centre, there = (np.array(seen.shape) - 1) / 2, np.full(3, (side - 1) / 2)
    return ndimage.affine_transform(
        seen, matrix, centre - matrix @ there, (side,) * 3, order=1, mode="constant",
        cval=float(min(0.0, seen.min())) if seen.min() > 0 else float(seen.min()),
    )  # fmt: skip


def render(
    surfaces: Sequence[Surface],
    turn_deg: float = 0.0,
    tip_deg: float = 0.0,
    *,
    cloud: float = 0.0,
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """Draw surfaces, and the first volume as a cloud around them, on black.

    Parameters
    ----------
    surfaces
        Of volumes of one shape.
    turn_deg, tip_deg
        As for `turned`.
    cloud
        Opacity of the brightest voxel of the cloud; 0: no cloud.
    limits
        Values at which the cloud is clear and densest.

    Returns
    -------
    numpy.ndarray
        Shape (n, n, 3), uint8; n is the diagonal of the volume, so nothing is cut off.
    """
    light = LIGHT / np.linalg.norm(LIGHT)
    depth: np.ndarray | None = None
    picture = np.zeros((1, 1, 3))
    first: np.ndarray | None = None
    for surface in surfaces:
        seen = turned(surface.volume, turn_deg, tip_deg)
        first = seen if first is None else first
        at, shade = _hit(seen, surface.level, light)
        if depth is None:
            depth, picture = np.full(at.shape, np.inf), np.zeros((*at.shape, 3))
        nearer = at < depth
        picture[nearer] = shade[nearer][:, None] * np.asarray(surface.colour)
        depth = np.minimum(depth, at)
    if depth is None or first is None:
        return np.zeros((1, 1, 3), np.uint8)
    if cloud > 0 and limits is not None:
        picture = _through_cloud(picture, first, depth, cloud, limits)
    return np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)


def _hit(seen: np.ndarray, level: float, light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where rays meet a level, infinite where they do not, and how bright it is there."""
    inside = seen >= level
    k = inside.argmax(axis=1)
    met = inside.any(axis=1)
    rows, columns = np.indices(k.shape)
    here = seen[rows, k, columns]
    before = seen[rows, np.maximum(k - 1, 0), columns]
    rise = np.where(here > before, here - before, 1.0)
    at = np.where(met, k - np.clip((here - level) / rise, 0, 1), np.inf)
    slopes = []
    for axis in range(3):
        places = [rows, k, columns]
        ends = []
        for step in (-1, 1):
            moved = list(places)
            moved[axis] = np.clip(places[axis] + step, 0, seen.shape[axis] - 1)
            ends.append(seen[tuple(moved)])
        slopes.append(ends[1] - ends[0])
    down, away, across = slopes
    normal = -np.stack([across, down, away], axis=-1)  # values fall outwards
    length = np.linalg.norm(normal, axis=-1)
    lambert = np.divide(normal @ light, length, out=np.zeros_like(length), where=length > 0)
    return at, np.where(met, AMBIENT + (1 - AMBIENT) * np.clip(lambert, 0, 1), 0.0)


def _through_cloud(
    picture: np.ndarray,
    seen: np.ndarray,
    depth: np.ndarray,
    cloud: float,
    limits: tuple[float, float],
) -> np.ndarray:
    lo, hi = limits
    dense = np.clip((seen - lo) / ((hi - lo) or 1.0), 0, 1) ** 1.5
    behind = np.arange(seen.shape[1])[None, :, None] >= depth[:, None, :]
    dense[behind] = 0
    clear = np.exp(-cloud * dense)
    through = np.cumprod(clear, axis=1)
    before = np.concatenate([np.ones_like(through[:, :1]), through[:, :-1]], axis=1)
    glow = (before * (1 - clear)).sum(axis=1)
    return picture * through[:, -1][..., None] + glow[..., None] * CLOUD
