"""One picture with contrast, zoom, readout, shapes on it and a slider under it.

Contrast, zoom, pan and readout happen in the browser. A frame is sent as 16 bit codes, averaged
to at most 1024 px, or the part that is seen when zoomed in; of a burst only the last is sent.

Coordinates are pixels of the array that was shown, centres at whole numbers. A rectangle has
half-open bounds, as a slice has: ``array[y0:y1, x0:x1]``.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets as tr

from tomojupyter.errors import DataError
from tomojupyter.ui.views.sampling import (
    COLOUR_MAPS,
    area_mean,
    as_picture,
    binning,
    colour_table,
    encode,
    percentiles,
)
from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODES = ("none", "pick", "cursor", "crop", "line", "nudge")
ACKNOWLEDGED_WITHIN_S = 1.0


class Picture(anywidget.AnyWidget):
    """A picture on a black mat, with a title bar and, if asked for, a slider.

    Parameters
    ----------
    title, **traits
        Bold text at the left of the bar; any trait, such as ``tools=False``, ``mode="cursor"``.

    Attributes
    ----------
    lo, hi : float
        Contrast limits in the units of the data; `gamma`, `invert`, `cmap` go with them.
    auto_range : list
        0.5 and 99.5 % percentiles of the frame that is shown, without NaN.
    follow : bool
        New automatic contrast for each frame. Off: contrast stays as it is.
    pixel_nm : float or None
        Size of a pixel in nm; None gives a scale bar in px.
    overlays : list of dict
        ``kind`` is line (x0 y0 x1 y1, or only x, or only y), rectangle (x0 y0 x1 y1), cross (x y),
        tag (x y text) or contour (points). Also ``id``, ``color``, ``width``, ``dash``, ``text``;
        ``drag: True`` lets a person move it, ``handles: True`` also turn or size it; either
        needs an ``id``.
    mode : str
        What a drag does when not zoomed: none, pick (cross-hair), cursor (picks while moving),
        crop (draws a rectangle), line (as Shift + drag), nudge (arrow keys go to `on_key`).
    slider : dict
        ``min``, ``max``, ``name``, ``labels`` and ``notes`` (texts for each value), ``home``
        (key 0), ``play``; see `set_slider`. Its value is `index`.
    camera : list
        Empty where the whole picture is seen; else the centre, as parts of width and height, and
        the zoom. Equal cameras show the same place (`links.link_pictures`).
    """

    _esm = module_text("picture_shapes.js", "picture.js")
    _css = module_text("picture.css")

    frame = tr.Bytes(b"").tag(sync=True)
    shape = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    extent = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    window = tr.List(tr.Float(), [0.0, 0.0, 0.0, 0.0]).tag(sync=True)
    offset = tr.Float(0.0).tag(sync=True)
    scale = tr.Float(1.0).tag(sync=True)
    whole = tr.Bool(False).tag(sync=True)
    channels = tr.Int(1).tag(sync=True)
    seq = tr.Int(0).tag(sync=True)
    view_id = tr.Int(0).tag(sync=True)
    lo = tr.Float(0.0).tag(sync=True)
    hi = tr.Float(1.0).tag(sync=True)
    gamma = tr.Float(1.0).tag(sync=True)
    invert = tr.Bool(False).tag(sync=True)
    auto_range = tr.List(tr.Float(), [0.0, 1.0]).tag(sync=True)
    follow = tr.Bool(False).tag(sync=True)
    cmap = tr.Unicode("gray").tag(sync=True)
    cmaps = tr.List(tr.Unicode(), list(COLOUR_MAPS)).tag(sync=True)
    lut = tr.Bytes(colour_table("gray")).tag(sync=True)
    pixel_nm = tr.Float(None, allow_none=True).tag(sync=True)
    scale_bar = tr.Bool(True).tag(sync=True)
    stretch = tr.Bool(False).tag(sync=True)
    overlays = tr.List(tr.Dict()).tag(sync=True)
    mode = tr.Enum(MODES, "none").tag(sync=True)
    title = tr.Unicode().tag(sync=True)
    subtitle = tr.Unicode().tag(sync=True)
    facts = tr.Unicode().tag(sync=True)
    badge = tr.Unicode().tag(sync=True)
    accent = tr.Unicode().tag(sync=True)
    message = tr.Unicode().tag(sync=True)
    tools = tr.Bool(True).tag(sync=True)
    slider = tr.Dict().tag(sync=True)
    index = tr.Int(0).tag(sync=True)
    hover = tr.Bool(False).tag(sync=True)
    camera = tr.List(tr.Float(), []).tag(sync=True)
    screen = tr.List(tr.Int(), [0, 0]).tag(sync=True)

    def __init__(self, title: str = "", **traits: Any) -> None:
        super().__init__(title=title, **traits)
        self.lut = colour_table(self.cmap)
        self.layout.width = self.layout.width or "100%"
        self.layout.height = self.layout.height or "100%"
        self.add_class("tj-picture")
        self._array: np.ndarray | None = None
        self._piece: list[float] | None = None
        self._sent_at = -math.inf
        self._taken = 0
        self._contrast_due = False
        self._waiting: asyncio.TimerHandle | None = None
        self._calls: dict[str, list[Callable[..., Any]]] = {}
        self.on_msg(self._receive)
        self.observe(self._fit_to_screen, "screen")
        self.observe(self._take_colours, "cmap")
        self.observe(self._follow_frames, "follow")

    # ------------------------------------------------------------------ showing
    def show(self, array: object, keep_view: bool = True) -> None:
        """Show a 2D array.

        Parameters
        ----------
        array
            Shape (ny, nx), real or boolean, or (ny, nx, 3) uint8 colours. It is kept by reference
            and must not change while it is shown.
        keep_view
            True keeps the contrast, and the zoom as long as the size stays. False: fit, automatic
            contrast.

        Raises
        ------
        DataError
            See `sampling.as_picture`.
        """
        picture = as_picture(array)
        fresh = self._array is None
        resized = not fresh and self._array.shape[:2] != picture.shape[:2]  # type: ignore[union-attr]
        self._array = picture
        if fresh or resized or not keep_view:
            self._piece, self.camera = None, []
            self.view_id += 1
        self._send_soon(contrast=fresh or not keep_view)

    def clear(self, message: str = "") -> None:
        """Take the picture away and say why in the middle of the mat."""
        self._array, self._piece = None, None
        self._cancel_waiting()
        self.set_trait("message", message)
        self._publish(b"", [0, 0], channels=1, extent=[0, 0], window=[0.0] * 4, overlays=[])

    def contrast(self, lo: float, hi: float) -> None:
        """Set the values that are drawn darkest and brightest."""
        if not -math.inf < lo <= hi < math.inf:
            raise DataError(f"contrast needs two finite numbers, low then high; got {lo}, {hi}")
        self._contrast_due = False
        with self.hold_sync():
            self.lo, self.hi = float(lo), float(hi)

    def auto_contrast(self) -> None:
        """Set the contrast to the 0.5 and 99.5 % percentiles of the frame."""
        self.contrast(*self.auto_range)

    def fit(self) -> None:
        """Show the whole picture."""
        self._piece, self.camera = None, []
        self.view_id += 1
        self._send_soon()

    def set_slider(
        self,
        count: int,
        value: int = 0,
        *,
        name: str = "",
        labels: Sequence[str] = (),
        notes: Sequence[str] = (),
        home: int = 0,
        play: bool = False,
    ) -> None:
        """Put a slider over ``0 ... count - 1`` under the picture; a count of 0 takes it away.

        Parameters
        ----------
        count, value
            Number of values, and the one to start at.
        name, labels, notes
            Text at the left; text of each value in bold; grey text of each value at the right.
        home
            Value that the key 0 goes to.
        play
            Offer a play button (and Space).
        """
        with self.hold_sync():
            if count < 1:
                self.slider = {}
                return
            texts = {"labels": list(labels), "notes": list(notes)}
            self.slider = {
                "min": 0, "max": count - 1, "name": name, "home": home, "play": play, **texts
            }  # fmt: skip
            self.index = min(max(0, value), count - 1)

    def put(self, overlay: dict[str, Any]) -> None:
        """Add a shape, or replace the one with the same ``id``."""
        same = [o for o in self.overlays if "id" in o and o["id"] == overlay.get("id")]
        if same:
            self.overlays = [overlay if o is same[0] else o for o in self.overlays]
        else:
            self.overlays = [*self.overlays, overlay]

    def take(self, name: str) -> None:
        """Take away the shape with this ``id``, if it is there."""
        self.overlays = [o for o in self.overlays if o.get("id") != name]

    # ------------------------------------------------------------------ listening

    def on_pick(self, call: Callable[[float, float], Any]) -> None:
        """Call with (x, y) of a click, and while dragging in the mode "cursor"."""
        self._calls.setdefault("pick", []).append(call)

    def on_rect(self, call: Callable[[int, int, int, int], Any]) -> None:
        """Call with (x0, y0, x1, y1), half-open, when a rectangle was drawn, moved or sized."""
        self._calls.setdefault("rect", []).append(call)

    def on_line(self, call: Callable[[float, float, float, float], Any]) -> None:
        """Call with (x0, y0, x1, y1) of a line drawn with Shift, or in the mode "line"."""
        self._calls.setdefault("line", []).append(call)

    def on_drag(self, call: Callable[[dict[str, Any], bool], Any]) -> None:
        """Call with (shape, done) while a shape moves, up to 20 times a second."""
        self._calls.setdefault("drag", []).append(call)

    def on_key(self, call: Callable[[str, bool, bool], Any]) -> None:
        """Call with (key, shift, alt) for keys that the picture does not use; also Control+z, y."""
        self._calls.setdefault("key", []).append(call)

    def on_title(self, call: Callable[[], Any]) -> None:
        """Call when the title bar was double-clicked."""
        self._calls.setdefault("title", []).append(call)

    def on_hover(self, call: Callable[[float, float], Any]) -> None:
        """Call with (x, y) while the pointer moves, up to 20 times a second."""
        self.hover = True
        self._calls.setdefault("hover", []).append(call)

    def on_index(self, call: Callable[[int], Any]) -> None:
        """Call with the slider's value whenever it changes, from either side."""
        self.observe(lambda change: call(change["new"]), "index")

    def _emit(self, name: str, *values: Any) -> None:
        for call in self._calls.get(name, ()):
            call(*values)

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        """Act on a message of the browser; one that is not known is left alone."""
        kind = content.get("type")
        corners = ("x0", "y0", "x1", "y1")
        if kind == "ack":
            self._acknowledged(int(content["seq"]))
        elif kind in ("pick", "hover"):
            self._emit(kind, float(content["x"]), float(content["y"]))
        elif kind == "rect":
            self._emit("rect", *(int(content[k]) for k in corners))
        elif kind == "line":
            self._emit("line", *(float(content[k]) for k in corners))
        elif kind == "drag":
            self._dragged(dict(content["overlay"]), bool(content.get("done")))
        elif kind == "key":
            shift, alt = bool(content.get("shift")), bool(content.get("alt"))
            self._emit("key", str(content["key"]), shift, alt)
        elif kind == "view":
            self._look_at(content.get("window"))
        elif kind == "title":
            self._emit("title")

    def _dragged(self, overlay: dict[str, Any], done: bool) -> None:
        if done:
            self.put(overlay)
        self._emit("drag", overlay, done)
        if done and overlay.get("kind") == "rectangle":
            self._emit("rect", *(int(overlay[k]) for k in ("x0", "y0", "x1", "y1")))

    # ------------------------------------------------------------------ sending

    def _look_at(self, window: list[float] | None) -> None:
        piece = [float(v) for v in window] if window else None
        coarse = self._array is not None and max(self.extent) > max(self.shape)
        if piece != self._piece and (coarse or self._piece is not None):
            self._piece = piece
            self._send_soon()

    def _fit_to_screen(self, _change: Any) -> None:
        if self._array is None or not self._array.size:
            return
        sent = round((self.window[2] - self.window[0]) / max(1, self.shape[1]))
        if self._bin(self._seen(self._array)) != sent:
            self._send_soon()

    def _take_colours(self, change: dict[str, Any]) -> None:
        self.lut = colour_table(change["new"])

    def _follow_frames(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.auto_contrast()

    def _bin(self, array: np.ndarray) -> int:
        return binning(max(array.shape[:2]), max(self.screen))

    def _send_soon(self, contrast: bool = False) -> None:
        """Send now, or, while the browser has a frame to take, once it has said so."""
        self._contrast_due = contrast or self._contrast_due
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._send_now()
            return
        left = self._sent_at + ACKNOWLEDGED_WITHIN_S - time.monotonic()
        if self._taken >= self.seq or left <= 0:
            self._send_now()
        elif self._waiting is None:
            self._waiting = loop.call_later(left, self._send_now)

    def _acknowledged(self, seq: int) -> None:
        self._taken = max(self._taken, seq)
        if self._waiting is not None and self._taken >= self.seq:
            self._send_now()

    def _cancel_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _piece_bounds(self, array: np.ndarray) -> tuple[int, int, int, int]:
        ny, nx = array.shape[:2]
        if self._piece is None:
            return 0, 0, nx, ny
        x0, y0, x1, y1 = self._piece
        left, top = min(max(0, math.floor(x0)), nx - 1), min(max(0, math.floor(y0)), ny - 1)
        right, bottom = min(nx, math.ceil(x1)), min(ny, math.ceil(y1))
        return left, top, max(left + 1, right), max(top + 1, bottom)

    def _seen(self, array: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = self._piece_bounds(array)
        return array[y0:y1, x0:x1]

    def _send_now(self) -> None:
        self._cancel_waiting()
        array = self._array
        if array is None:
            return
        contrast, self._contrast_due = self._contrast_due or self.follow, False
        ny, nx = array.shape[:2]
        if not array.size:
            self._publish(b"", [0, 0], channels=1, extent=[ny, nx], window=[0.0] * 4)
            return
        x0, y0, _, _ = self._piece_bounds(array)
        part = self._seen(array)
        factor = self._bin(part)
        seen = area_mean(part, factor)
        h, w = seen.shape[:2]
        place = {
            "extent": [ny, nx],
            "window": [float(x0), float(y0), float(x0 + w * factor), float(y0 + h * factor)],
        }
        if seen.ndim == 3:
            self._publish(np.rint(seen).astype(np.uint8).tobytes(), [h, w], channels=3, **place)
            return
        auto = percentiles(seen)
        codes = encode(seen, auto)
        text = "" if np.isfinite(seen).any() else "There is no finite value in this picture."
        limits = {"lo": auto[0], "hi": auto[1]} if contrast else {}
        self._publish(
            codes.codes.tobytes(), [h, w], channels=1, offset=codes.offset, scale=codes.scale,
            whole=codes.whole, auto_range=list(auto), message=text, **limits, **place,
        )  # fmt: skip

    def _publish(self, frame: bytes, shape: list[int], **traits: Any) -> None:
        """Send everything that belongs to a frame in one message."""
        with self.hold_sync():
            self.frame, self.shape = frame, shape
            for name, value in traits.items():
                self.set_trait(name, value)
            self.seq += 1
        self._sent_at = time.monotonic()
