"""How the frames of a picture get to the browser: no finer than its screen, none in vain.

A frame is sent as 16 bit codes, averaged to what the screen shows and to at most 1024 px, or the
part that is seen when zoomed in. Of a burst only the last is sent: while the browser has a frame
to take, the next one waits. A frame that somebody moves through is sent with 8 bits first.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets as tr

from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.views.sampling import (
    area_mean,
    binning,
    encode,
    encode_quickly,
    percentiles,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

ACKNOWLEDGED_WITHIN_S = 1.0
SMALL = 100_000
"""Pixels; of so few the exact values are sent at once."""
LEAST_CONTRAST = 1e-30
REST_S = 0.15
"""After this time without another frame the exact values are sent."""


class FrameSender(anywidget.AnyWidget):
    """The part of a `Picture` that sends; its traits are described there."""

    frame = tr.Bytes(b"").tag(sync=True)
    shape = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    extent = tr.List(tr.Int(), [0, 0]).tag(sync=True)
    window = tr.List(tr.Float(), [0.0, 0.0, 0.0, 0.0]).tag(sync=True)
    offset = tr.Float(0.0).tag(sync=True)
    scale = tr.Float(1.0).tag(sync=True)
    whole = tr.Bool(False).tag(sync=True)
    channels = tr.Int(1).tag(sync=True)
    depth = tr.Int(2).tag(sync=True)
    seq = tr.Int(0).tag(sync=True)
    view_id = tr.Int(0).tag(sync=True)
    lo = tr.Float(0.0).tag(sync=True)
    hi = tr.Float(1.0).tag(sync=True)
    auto_range = tr.List(tr.Float(), [0.0, 1.0]).tag(sync=True)
    follow = tr.Bool(False).tag(sync=True)
    stretch = tr.Bool(False).tag(sync=True)
    message = tr.Unicode().tag(sync=True)
    camera = tr.List(tr.Float(), []).tag(sync=True)
    screen = tr.List(tr.Int(), [0, 0]).tag(sync=True)

    auto_contrast: Callable[[], None]

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._array: np.ndarray | None = None
        self._piece: list[float] | None = None
        self._sent_at = -math.inf
        self._taken = 0
        self._contrast_due = self._quick = False
        self._waiting: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None
        self.observe(self._fit_to_screen, "screen")
        self.observe(self._follow_frames, "follow")

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

    def _follow_frames(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.auto_contrast()

    def _bin(self, array: np.ndarray) -> int:
        """Return how many px to average along each side: the screen shows no more."""
        ny, nx = array.shape[:2]
        # A piece is twice as wide as what is seen of it.
        across, down = (side * (1 if self._piece is None else 2) for side in self.screen)
        if not (across and down):
            return binning(max(ny, nx), 0)
        choose = min if self.stretch else max
        length, side = choose((nx, across), (ny, down), key=lambda pair: pair[0] / pair[1])
        return max(binning(length, side), binning(max(ny, nx), 0))

    def _send_soon(self, contrast: bool = False, quick: bool = False) -> None:
        """Send now, or, while the browser has a frame to take, once it has said so."""
        self._contrast_due = contrast or self._contrast_due
        self._quick = quick and not (self._contrast_due or self.follow)
        loop = running_loop()
        if loop is None:
            self._quick = False
            self._send_now()
            return
        left = self._sent_at + ACKNOWLEDGED_WITHIN_S - time.monotonic()
        if self._taken >= self.seq or left <= 0:
            self._send_now()
        elif self._waiting is None:
            self._waiting = loop.call_later(left, self._send_now)

    def _exactly_soon(self) -> None:
        """Send the frame again, exactly, unless another one comes before."""
        loop = running_loop()
        if loop is not None:
            self._resting = loop.call_later(REST_S, self._send_soon)

    def _acknowledged(self, seq: int) -> None:
        self._taken = max(self._taken, seq)
        if self._waiting is not None and self._taken >= self.seq:
            self._send_now()

    def _cancel_waiting(self) -> None:
        for timer in (self._waiting, self._resting):
            if timer is not None:
                timer.cancel()
        self._waiting = self._resting = None

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
        if self._quick and seen.size > SMALL and self.hi - self.lo > LEAST_CONTRAST:
            quick = encode_quickly(seen, self.lo, self.hi)
            self._publish(
                quick.codes.tobytes(), [h, w], channels=1, depth=1, offset=quick.offset,
                scale=quick.scale, whole=quick.whole, message="", **place,
            )  # fmt: skip
            self._exactly_soon()
            return
        auto = percentiles(seen)
        codes = encode(seen, auto)
        text = "" if np.isfinite(seen).any() else "There is no finite value in this picture."
        limits = {"lo": auto[0], "hi": auto[1]} if contrast else {}
        self._publish(
            codes.codes.tobytes(), [h, w], channels=1, depth=2, offset=codes.offset,
            scale=codes.scale, whole=codes.whole, auto_range=list(auto), message=text, **limits,
            **place,
        )  # fmt: skip

    def _publish(self, frame: bytes, shape: list[int], **traits: Any) -> None:
        """Send everything that belongs to a frame in one message."""
        with self.hold_sync():
            self.frame, self.shape = frame, shape
            for name, value in traits.items():
                self.set_trait(name, value)
            self.seq += 1
        self._sent_at = time.monotonic()
