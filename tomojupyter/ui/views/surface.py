"""Surfaces of a volume in ipyvolume's figure, and the lamps that light them."""

from __future__ import annotations

from typing import Any

import numpy as np


def triangles(
    data: np.ndarray, level: float
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None:
    """Return the surface of a volume (x, z, y) at a level, as the 3D figure has its axes.

    Returns
    -------
    tuple or None
        x, y, z of the corners and (m, 3) indices; None where no voxel lies on the other side.
    """
    from skimage.measure import marching_cubes

    lo, hi = float(data.min()), float(data.max())
    if not lo < level < hi:
        return None
    points, faces, _, _ = marching_cubes(np.pad(data, 1, constant_values=lo), level)
    nz, ny = data.shape[1:]
    x, z, y = (points[:, k] - 0.5 for k in range(3))
    return (x, nz - z, ny - y), faces.astype(np.uint32)


def make_mesh(corners: Any, faces: np.ndarray, colour: str, visible: bool = True) -> Any:
    """Return a surface of ipyvolume in a CSS colour."""
    import ipyvolume
    import pythreejs

    x, y, z = corners
    return ipyvolume.Mesh(
        x=x, y=y, z=z, triangles=faces, color=colour, visible=visible, cast_shadow=False,
        receive_shadow=False,
        material=pythreejs.MeshPhongMaterial(side="DoubleSide", shininess=20),
    )  # fmt: skip


def make_lights() -> list[Any]:
    """Return lamps that light a surface from both sides, so that none is dark when turned."""
    import pythreejs

    lamps: list[Any] = [pythreejs.AmbientLight(intensity=0.5)]
    for place in ((1, 1, 2), (-1, -1, -2)):
        # The page expects a target and a shadow, though nothing casts one.
        shadow = pythreejs.DirectionalLightShadow(
            camera=pythreejs.OrthographicCamera(left=-1, right=1, top=1, bottom=-1),
        )
        lamp = pythreejs.DirectionalLight(
            position=place, intensity=0.6, target=pythreejs.Object3D(), shadow=shadow
        )
        lamps.append(lamp)
    return lamps
