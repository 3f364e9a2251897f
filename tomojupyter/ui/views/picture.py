"""One picture with contrast, zoom, readout, shapes on it and a slider under it.

Contrast, zoom, pan and readout happen in the browser; how frames get there is in frame_sender.py.

Coordinates are pixels of the array that was shown, centres at whole numbers. A rectangle has
half-open bounds, as a slice has: ``array[y0:y1, x0:x1]``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import traitlets as tr

from tomojupyter.errors import DataError
from tomojupyter.ui.views.frame_sender import FrameSender
from tomojupyter.ui.views.sampling import COLOUR_MAPS, as_picture, colour_table
from tomojupyter.ui.views.texts import module_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

MODES = ("none", "pick", "cursor", "crop", "line", "nudge")


class Picture(FrameSender):
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

    gamma = tr.Float(1.0).tag(sync=True)
    invert = tr.Bool(False).tag(sync=True)
    cmap = tr.Unicode("gray").tag(sync=True)
    cmaps = tr.List(tr.Unicode(), list(COLOUR_MAPS)).tag(sync=True)
    lut = tr.Bytes(colour_table("gray")).tag(sync=True)
    pixel_nm = tr.Float(None, allow_none=True).tag(sync=True)
    scale_bar = tr.Bool(True).tag(sync=True)
    overlays = tr.List(tr.Dict()).tag(sync=True)
    mode = tr.Enum(MODES, "none").tag(sync=True)
    title = tr.Unicode().tag(sync=True)
    subtitle = tr.Unicode().tag(sync=True)
    facts = tr.Unicode().tag(sync=True)
    badge = tr.Unicode().tag(sync=True)
    accent = tr.Unicode().tag(sync=True)
    tools = tr.Bool(True).tag(sync=True)
    slider = tr.Dict().tag(sync=True)
    index = tr.Int(0).tag(sync=True)
    hover = tr.Bool(False).tag(sync=True)

    def __init__(self, title: str = "", **traits: Any) -> None:
        super().__init__(title=title, **traits)
        self.lut = colour_table(self.cmap)
        self.layout.width = self.layout.width or "100%"
        self.layout.height = self.layout.height or "100%"
        self.add_class("tj-picture")
        self._calls: dict[str, list[Callable[..., Any]]] = {}
        self.on_msg(self._receive)
        self.observe(self._take_colours, "cmap")

    # ------------------------------------------------------------------ showing
    def show(self, array: object, keep_view: bool = True, quick: bool = False) -> None:
        """Show a 2D array.

        Parameters
        ----------
        array
            Shape (ny, nx), real or boolean, or (ny, nx, 3) uint8 colours. It is kept by reference
            and must not change while it is shown.
        keep_view
            True keeps the contrast, and the zoom as long as the size stays. False: fit, automatic
            contrast.
        quick
            Send 254 grey levels within the contrast first, and the exact values once nothing more
            has come for a moment: for frames that somebody moves through.

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
        self._send_soon(contrast=fresh or not keep_view, quick=quick and not (fresh or resized))

    @property
    def pixels(self) -> np.ndarray | None:
        """The array that is shown, whole; None without one."""
        return self._array

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
        """Set the contrast to the 0.5 and 99.5 % percentiles of the frame.

        Of one that the browser does not have yet, exactly: once it is sent.
        """
        if self._waiting is not None or self._resting is not None:
            self._contrast_due = True
        else:
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

    def _take_colours(self, change: dict[str, Any]) -> None:
        self.lut = colour_table(change["new"])
