"""A volume in 3D: a cloud, a surface, or both, in a bare ipyvolume figure with our own sliders."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.stage import StageSize
from tomojupyter.ui.views.surface import make_lights, make_mesh, triangles
from tomojupyter.ui.views.texts import number_text
from tomojupyter.ui.warm import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHOWN = ("both", "surface", "cloud")
SURFACE_COLOUR = "#E69F00"
CLOUD_COLOUR = (0.34, 0.71, 0.91)
CAMERA_DISTANCE = 1.6
"""In sides of the volume's box, so that it fills the figure however it is turned."""


NO_SURFACE = ((np.zeros(3, np.float32),) * 3, np.array([[0, 1, 2]], np.uint32))
"""Corners and triangles of a mesh that is not seen: ipyvolume does not take an empty one."""
SIZE = (500, 400)
"""px, where the page has not told another one."""
SOFTWARE: dict[str, Any] = {"pixel_ratio": 0.6, "ray_steps": 64}
"""What is drawn coarser where no graphics card draws it: px, and samples along a ray."""

NO_WEBGL = (
    "Your browser shows no WebGL. Slices and exports work; a 3D file opens on another machine."
)


def cloud_colours(until: float = 1.0) -> np.ndarray:
    """Return a blue transfer function whose opacity rises with the value.

    Parameters
    ----------
    until
        Part of the range, 0 to 1, above which the cloud is clear, since a surface stands there.

    Returns
    -------
    numpy.ndarray
        Shape (256, 4), float32: red, green, blue, opacity, each 0 to 1.
    """
    ramp = np.linspace(0, 1, 256)
    rgba = np.empty((256, 4), np.float32)
    for k, channel in enumerate(CLOUD_COLOUR):
        rgba[:, k] = channel * (0.35 + 0.65 * ramp)
    rgba[:, 3] = np.clip((ramp - 0.05) / 0.95, 0, 1) ** 1.5
    if until < 1:
        rgba[ramp >= 0.9 * until, 3] = 0
    return rgba


def reduced(volume: np.ndarray, limit: int = 128) -> np.ndarray:
    """Return the mean over cubes of voxels, so that no side is longer than a limit.

    Parameters
    ----------
    volume
        Shape (x, z, y). Voxels without a finite value have weight 0.
    limit
        Longest side of the result.

    Returns
    -------
    numpy.ndarray
        float32, finite; voxels left over at the far edges are averaged over what is there.

    Raises
    ------
    DataError
        Not three dimensions, or an empty axis.
    """
    if volume.ndim != 3 or not volume.size:
        raise DataError(f"a volume has shape (x, z, y); got {volume.shape}")
    factor = -(-max(volume.shape) // limit)
    with np.errstate(invalid="ignore", over="ignore"):  # of infinities, seen in the next line
        total = _cube_sum(volume, factor)
    if np.isfinite(total).all():
        sides = (np.diff(np.r_[0:n:factor, n]).astype(np.float32) for n in volume.shape)
        return total / np.multiply.outer(np.multiply.outer(next(sides), next(sides)), next(sides))
    valid = np.isfinite(volume)
    total, count = _cube_sum(np.where(valid, volume, 0), factor), _cube_sum(valid, factor)
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0)


def _cube_sum(volume: np.ndarray, factor: int) -> np.ndarray:
    for axis in range(3):
        shape = list(volume.shape)
        shape[axis] = -(-shape[axis] // factor)
        total = np.zeros(shape, np.float32)
        for k in range(factor):
            places = [slice(None)] * 3
            places[axis] = slice(k, None, factor)
            part = volume[tuple(places)]
            places[axis] = slice(part.shape[axis])
            total[tuple(places)] += part
        volume = total
    return volume


class VolumeView(widgets.VBox):
    """A volume in 3D on a black mat, empty until `show` is called.

    Call `show` from a button or another callback, after the page has loaded: a volume in the
    first page is sent twice or not at all. ipyvolume is imported then, not before.

    Parameters
    ----------
    limit
        Longest side in voxels that is sent; larger volumes are averaged.

    Attributes
    ----------
    level, opacity, shown : ipywidgets
        Sliders of the surface's level (a part of the contrast range, 0 to 1; `threshold` is the
        value itself) and of the cloud's opacity, and the choice of both, surface or cloud.
    """

    def __init__(self, limit: int = 128) -> None:
        self.limit = limit
        self.figure: Any = None
        self._then: Callable[[], None] | None = None
        self._wishes: list[Callable[[], None]] = []
        self._volume: Any = None
        self._mesh: Any = None
        self.colour = SURFACE_COLOUR
        self._data = np.zeros((0, 0, 0), np.float32)
        self._range = (0.0, 1.0)
        self.title = widgets.HTML().add_class("tj-picture-title")
        self.message = widgets.HTML("No volume yet.").add_class("tj-view3d-note")
        slider = {"readout": False, "layout": widgets.Layout(width="auto", flex="1 1 60px")}
        self.opacity = widgets.FloatLogSlider(
            description="cloud", base=10, min=-2, max=1, value=0.3, **slider
        )
        self.level = widgets.FloatSlider(
            description="surface", min=0, max=1, step=0.005, continuous_update=False, value=0.5,
            **slider,
        )  # fmt: skip
        self.level_text = widgets.Label(layout=widgets.Layout(flex="0 0 auto"))
        self.shown = widgets.ToggleButtons(options=SHOWN, value="both")
        self.shown.style.button_width = "auto"
        self.controls = widgets.HBox([self.level, self.level_text, self.opacity, self.shown])
        self.controls.add_class("tj-view3d-foot")
        self.controls.layout.display = "none"
        self.stage = widgets.Box([self.message]).add_class("tj-view3d-stage")
        self.place = StageSize().add_class("tj-view3d-size")
        super().__init__([self.title, self.stage, self.controls, self.place])
        self.add_class("tj-view3d")
        self.layout.width = self.layout.height = "100%"
        self._name("")
        self.level.observe(lambda _: self._surface_changed(), "value")
        self.opacity.observe(lambda _: self._opacity_changed(), "value")
        self.shown.observe(lambda _: self._shown_changed(), "value")
        self.place.observe(lambda _: self._size_changed(), "size")

    @property
    def waits(self) -> bool:
        """Whether a volume will be drawn as soon as the page has told the size of the place."""
        return self._then is not None

    def _name(self, text: str) -> None:
        self.title.value = f"<b>3D</b><span class='tj-pic-sub'>{text}</span>"

    def clear(self, sentence: str = "No volume yet.") -> None:
        """Take the volume away and say why."""
        self._then, self._wishes = None, []
        self.message.value = escape(sentence)
        self.stage.children = [self.message]
        self.controls.layout.display = "none"
        self._name("")
        self.figure = self._volume = self._mesh = None

    def show(
        self, volume: Any, threshold: float | None = None, colour: str = SURFACE_COLOUR
    ) -> None:
        """Draw a volume.

        Parameters
        ----------
        volume
            Array-like of shape (x, z, y), z counted downwards. A constant volume is said, not
            drawn.
        threshold
            Value at which its surface lies. None: where the slider stands.
        colour
            Of its surface, as CSS has it.
        """
        if not self.place.webgl:
            self.clear(NO_WEBGL)
            return
        if not any(self.place.size) and running_loop() is not None:
            # Drawn in another size first, all would be drawn twice. Nor is it sent before: a
            # page that takes in millions of bytes is that much later with the place.
            self.clear("One moment ...")
            self._then = lambda: self.show(volume, threshold, colour)
            return
        data = np.asarray(volume)
        small = reduced(data, self.limit)
        if not np.isfinite(data).any():
            self.clear("No voxel has a finite value: nothing to draw.")
            return
        if not float(small.min()) < float(small.max()):
            self.clear(f"All voxels have the same value ({small.flat[0]:g}): nothing to draw.")
            return
        self._volume = self._mesh = None
        self._data, self.colour = small, colour
        self._range = percentiles(small.reshape(small.shape[0], -1), 1, 99.9)
        if threshold is not None:
            self.set_threshold(threshold)
        self.level_text.value = number_text(self.threshold)
        self._make()
        sides = " × ".join(str(n) for n in (small.shape[0], small.shape[2], small.shape[1]))
        self._name(f"{sides} preview" if small.shape != data.shape else f"{sides} voxels")

    def _make(self) -> None:
        """Make the figure with all that it shows: what is changed later is drawn once more."""
        ipyvolume = load("ipyvolume")
        # ipyvolume has screen y upwards and z towards the viewer: its array is (-y, +z, x).
        # What lies beyond data_min and data_max would wrap around in its 8 bits.
        lo, hi = self._range
        screen = np.clip(self._data, lo, hi).transpose(2, 1, 0)[::-1, ::-1]
        screen = np.ascontiguousarray(screen)
        extent = [[0, n] for n in screen.shape[::-1]]
        shown = self.shown.value
        width, height = self.place.size if any(self.place.size) else SIZE
        coarse = SOFTWARE if self.place.software else {}
        self.figure = figure = ipyvolume.Figure(
            width=width, height=height, pixel_ratio=coarse.get("pixel_ratio")
        )
        figure.camera.position = (0, 0, CAMERA_DISTANCE)
        side, half = max(screen.shape), [n / 2 for n in screen.shape[::-1]]
        for name, centre in zip(("xlim", "ylim", "zlim"), half, strict=True):
            setattr(figure, name, [centre - side / 2, centre + side / 2])
        # ipyvolume looks up a colour of each axis, also of those that it does not draw.
        unseen = {"visible": False, "color": "#888"}
        figure.style = {
            **figure.style, "background-color": "black", "box": {"visible": False},
            "axes": {**unseen, **dict.fromkeys("xyz", unseen)},
        }  # fmt: skip
        figure.add_class("tj-view3d-figure")
        figure.layout = widgets.Layout(width="100%", height="100%", min_height="80px")
        clear_from = self.level.value if shown == "both" else 1.0
        with np.errstate(invalid="ignore"):  # it casts the gradient of empty space, 0 / 0
            self._volume = ipyvolume.Volume(
                data_original=screen, data_max_shape=max(screen.shape), data_min=lo, data_max=hi,
                show_min=lo, show_max=hi, extent_original=extent,
                tf=ipyvolume.TransferFunction(rgba=cloud_colours(clear_from)),
                opacity_scale=self.opacity.value, visible=shown != "surface",
                lighting=not coarse, ray_steps=coarse.get("ray_steps"),
            )  # fmt: skip
        figure.volumes = [self._volume]
        found = None if shown == "cloud" else triangles(self._data, self.threshold)
        corners, faces = found or NO_SURFACE
        self._mesh = make_mesh(corners, faces, self.colour, visible=found is not None)
        figure.lights = make_lights()
        figure.meshes = [self._mesh]
        self.stage.children = [figure]
        self.controls.layout.display = None

    @property
    def threshold(self) -> float:
        """Value at which the surface lies, in the units of the volume."""
        low, high = self._range
        return low + self.level.value * (high - low)

    def _size_changed(self) -> None:
        if self._then is not None:
            then, wishes = self._then, self._wishes
            self._then, self._wishes = None, []
            then()
            for wish in wishes:
                wish()
        elif self.figure is not None:
            with self.figure.hold_sync():
                self.figure.width, self.figure.height = self.place.size

    def _surface_changed(self) -> None:
        self.level_text.value = number_text(self.threshold)
        if self._mesh is None or self.shown.value == "cloud":
            return
        if self.shown.value == "both":
            self._volume.tf.rgba = cloud_colours(self.level.value)
        found = triangles(self._data, self.threshold)
        if found is None:
            self._mesh.visible = False
            return
        (x, y, z), faces = found
        with self._mesh.hold_sync():
            self._mesh.x, self._mesh.y, self._mesh.z = x, y, z
            self._mesh.triangles = faces
            self._mesh.visible = True

    def set_threshold(self, value: float, colour: str = "") -> None:
        """Put the surface at a value, in the units of the volume, and give it a colour."""
        if self._then is not None:
            self._wishes.append(lambda: self.set_threshold(value, colour))
            return
        if colour and colour != self.colour:
            self.colour = colour
            if self._mesh is not None:
                self._mesh.color = colour
        low, high = self._range
        self.level.value = min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)

    def overlay(self, others: Sequence[tuple[np.ndarray, float, str]]) -> None:
        """Draw surfaces of other volumes too.

        Parameters
        ----------
        others
            Of each: the volume (x, z, y) of the same shape, the level, and the CSS colour.
        """
        if self._then is not None:
            self._wishes.append(lambda: self.overlay(others))
        if self.figure is None:
            return
        meshes = [self._mesh]
        for volume, level, colour in others:
            found = triangles(reduced(volume, self.limit), level)
            if found is not None:
                meshes.append(make_mesh(*found, colour))
        self.figure.meshes = meshes

    def _opacity_changed(self) -> None:
        if self._volume is not None:
            self._volume.opacity_scale = self.opacity.value

    def _shown_changed(self) -> None:
        if self._mesh is None:
            return
        self._volume.visible = self.shown.value != "surface"
        if self.shown.value == "cloud":
            self._volume.tf.rgba = cloud_colours()
        self._mesh.visible = self.shown.value != "cloud"
        self._surface_changed()
