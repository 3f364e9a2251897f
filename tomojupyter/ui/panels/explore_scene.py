"""What Explore draws in 3D, and how it is written: picture, turning movie, HTML file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.volumes.surfaces import isosurface
from tomojupyter.signals.measuring import calibration
from tomojupyter.ui.views.html3d import Part, write_scene
from tomojupyter.ui.views.labels import grey_picture, labelled, montage
from tomojupyter.ui.views.movie import turning_gif
from tomojupyter.ui.views.render import Surface, render, rgb
from tomojupyter.ui.views.volume import reduced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from tomojupyter.monitor import Monitor

DRAWN = 112
"""Longest side in voxels of what turns; a turn takes seconds."""
VIEWED = 144
MESHED = 160
SAMPLES = 200_000
CLOUD = 0.06
VEIL = 0.12
"""Part of the range above the median, which is vacuum, up to which the cloud is clear."""


@dataclass
class Scene:
    """A volume with levels in colours, and other volumes of the same shape.

    Parameters
    ----------
    volume
        A RecStack.
    title
        What a picture says.
    levels
        (name, value, colour #rrggbb) of each surface of the volume.
    others
        (name, RecStack, value, colour) of each surface of another volume.
    limits
        Values drawn black and white in the slices, and clear and dense in the cloud.
    pixel_nm
        Size of a voxel, or None.
    """

    volume: Any
    title: str
    levels: list[tuple[str, float, str]]
    limits: tuple[float, float]
    pixel_nm: float | None = None
    others: list[tuple[str, Any, float, str]] = field(default_factory=list)

    def _all(self) -> list[tuple[str, Any, float, str]]:
        own = [(name, self.volume, level, colour) for name, level, colour in self.levels]
        return [*own, *self.others]

    @property
    def notes(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Names in their colours, for a picture."""
        found = []
        for name, _, _, colour in self._all():
            red, green, blue = (round(255 * v) for v in rgb(colour))
            found.append((name, (red, green, blue)))
        return found

    def _surfaces(self, limit: int) -> tuple[list[Surface], float | None]:
        """Return what is drawn, from copies of at most `limit` voxels a side, and their pixel."""
        small: dict[int, np.ndarray] = {}
        surfaces = []
        for _, volume, level, colour in self._all():
            data = small.setdefault(id(volume), reduced(np.asarray(volume.data), limit))
            surfaces.append(Surface(data, level, rgb(colour)))
        factor = -(-max(self.volume.data.shape) // limit)
        return surfaces, self.pixel_nm * factor if self.pixel_nm else None

    def _cloud(self) -> tuple[float, float]:
        """Return the values at which the cloud is clear and densest."""
        data = np.asarray(self.volume.data)
        step = max(1, round((data.size / SAMPLES) ** (1 / 3)))
        vacuum, top = float(np.nanmedian(data[::step, ::step, ::step])), self.limits[1]
        return vacuum + VEIL * (top - vacuum), top

    def view(self, turn_deg: float, tip_deg: float, side: int = 480) -> Image.Image:
        """Return the 3D view as a labelled picture."""
        surfaces, pixel = self._surfaces(VIEWED)
        picture = render(surfaces, turn_deg, tip_deg, cloud=CLOUD, limits=self._cloud())
        return labelled(trimmed(picture), self.title, pixel, side=side, notes=self.notes)

    def sheet(
        self, slices: Sequence[tuple[str, np.ndarray]], turn_deg: float, tip_deg: float, cmap: str
    ) -> Image.Image:
        """Return slices and the 3D view on one sheet.

        Parameters
        ----------
        slices
            Title and image of each, (ny, nx) or (ny, nx, 3).
        turn_deg, tip_deg
            Of the 3D view.
        cmap
            Colours of the slices.
        """
        pictures = []
        for title, image in slices:
            shown = image if image.ndim == 3 else grey_picture(image, *self.limits, cmap)
            pictures.append(labelled(shown, title, self.pixel_nm))
        pictures.insert(1, self.view(turn_deg, tip_deg))
        return montage(pictures)

    def movie(self, monitor: Monitor) -> bytes:
        """Return a GIF of one turn."""
        surfaces, pixel = self._surfaces(DRAWN)
        return turning_gif(
            surfaces, monitor, pixel_nm=pixel, cloud=CLOUD, limits=self._cloud(), title=self.title
        )

    def html(self, monitor: Monitor) -> str:
        """Return the surfaces as one HTML file that opens offline."""
        spacing, units = calibration(self.volume)
        parts = []
        every = self._all()
        for k, (name, volume, level, colour) in enumerate(every):
            monitor(k, len(every) + 1)
            data = np.asarray(volume.data)
            factor = -(-max(data.shape) // MESHED)
            coarse = [size * factor for size in spacing]
            mesh = isosurface(reduced(data, MESHED), level, coarse, units=units)
            # What encloses another is seen through.
            opacity = 1.0 if k + 1 == len(every) else 0.35
            parts.append(Part(name, mesh.vertices, mesh.faces, colour, opacity))
        monitor(len(every), len(every) + 1)
        return write_scene(parts, self.title, units)


def trimmed(picture: np.ndarray, margin: float = 0.06) -> np.ndarray:
    """Return a picture (n, n, 3) without most of the black around what is drawn, still square."""
    lit = picture.max(axis=-1) > 8
    if not lit.any():
        return picture
    n = len(picture)
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    centre = (n - 1) / 2
    reach = max(abs(v - centre) for v in (rows[0], rows[-1], columns[0], columns[-1]))
    half = min(centre, reach * (1 + margin) + 1)
    first, last = math.floor(centre - half), math.ceil(centre + half) + 1
    return picture[max(0, first) : last, max(0, first) : last]


def camera_angles(figure: Any) -> tuple[float, float]:
    """Return (turn, tip) in degrees of what the person sees in the 3D view.

    Parameters
    ----------
    figure
        Of ipyvolume, whose camera looks at the origin; None: a view from the front.
    """
    if figure is None:
        return 25.0, 12.0
    x, y, z = (float(v) for v in figure.camera.position)
    return math.degrees(math.atan2(x, z)), math.degrees(math.atan2(y, math.hypot(x, z)))
