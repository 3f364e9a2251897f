"""What Load shows of a series: a projection, thumbnails, plots over tilt, and what was noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.numerics.images.bad_frames import bad_frames
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.numerics.images.intensity import brightness
from tomojupyter.numerics.images.vacuum import estimate_vacuum
from tomojupyter.ui.frame_reader import FrameReader
from tomojupyter.ui.panels.noticed import noticed, noticed_html
from tomojupyter.ui.style import sentence
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.sinogram import SinogramView
from tomojupyter.ui.views.stack import StackView, StripView

if TYPE_CHECKING:
    from tomojupyter.numerics.images.bad_frames import BadFrame

LARGE = 64 * 2**20
"""Bytes of pixels above which the small pictures wait until the frames were looked through."""


def is_large(signal: Any) -> bool:
    """Tell whether small pictures are made of small copies."""
    return bool(signal.data.nbytes > LARGE)


@dataclass(frozen=True)
class Judged:
    """What was noticed: brightness of each frame in % of the usual, bad frames, sentences."""

    percent: np.ndarray
    bad: list[BadFrame]
    sentences: list[tuple[str, str]]


def judged(signal: Any, look: Glances, across: np.ndarray, places: np.ndarray | None) -> Judged:
    """Judge the frames of a series.

    Parameters
    ----------
    signal
        A TomoStack.
    look
        What was seen of its frames.
    across
        Their tilts in degrees, or their indices.
    places
        The tilts, None where they are not known.
    """
    small = look.small
    level = estimate_vacuum(small)
    bright = brightness(small, level)
    if is_large(signal):
        bad = bad_frames(look, places, vacuum=level, use=~signal.excluded)
    else:
        bad = signal.bad_frames()  # which it remembers for Trim
    percent = 100 * bright / (np.nanmedian(bright) or 1)
    return Judged(percent, bad, noticed(look, across, places is not None, bad))


class SeriesLook(widgets.HBox):
    """The pictures of Load.

    The frame that is shown comes first. All frames are looked through in the background, each
    once, and what needs all of them follows; of a large series nothing else is read before.

    Attributes
    ----------
    view, strip, sinogram : Picture
        The projection, the thumbnails, all tilts of one column.
    bright, angles : Curve
        Brightness and tilt of each frame.
    card : ipywidgets.HTML
        What was noticed.
    """

    def __init__(self) -> None:
        self.view = StackView("Projection", mode="pick").add_class("tj-view-load-1")
        self.view.subtitle = "as stored"
        self.strip = StripView().add_class("tj-view-load-2")
        self.bright = Curve("Brightness of each frame", "tilt (°)", "mean (%)", height="150px")
        self.angles = Curve("Tilt of each frame", "frame", "tilt (°)", height="150px")
        self.card = widgets.HTML().add_class("tj-card").add_class("tj-noticed")
        self.sinogram = SinogramView().add_class("tj-view-load-3")
        self.strip.on_projection(self._go)
        self.view.on_projection(lambda _: self._mark())
        self.view.on_pick(lambda x, _y: self.sinogram.show_column(round(x)))
        self.bright.on_click(lambda x, _y: self.view.go_to_tilt(x))
        self.angles.on_click(lambda x, _y: self._go(round(x)))
        left = widgets.VBox([self.view, self.strip]).add_class("tj-column").add_class("tj-wide")
        right = widgets.VBox([self.bright, self.angles, self.card, self.sinogram])
        super().__init__([left, right.add_class("tj-column")])
        self.add_class("tj-row")
        self._signal: Any = None
        self._tilts = np.zeros(0)
        self._known = False
        self._glances: tuple[Any, Glances | None] = (None, None)
        self._judged: tuple[Any, bytes] = (None, b"")
        self._reader: FrameReader | None = None

    def clear(self, text: str) -> None:
        """Take the pictures away and say why."""
        self._stop()
        self._signal, self._glances, self._judged = None, (None, None), (None, b"")
        self.view.clear(text)
        self.strip.clear()
        self.sinogram.clear()
        for curve in (self.bright, self.angles):
            curve.clear()
        self.card.value = noticed_html([])

    def show(
        self, signal: Any, tilts: np.ndarray, pixel_nm: float | None, *, keep_view: bool
    ) -> None:
        """Show a series.

        Parameters
        ----------
        signal
            A TomoStack.
        tilts
            Degrees, as they are or as they would become.
        pixel_nm
            Size of a pixel, None where it is not known.
        keep_view
            Keep zoom and contrast.
        """
        self._signal, self._tilts = signal, tilts
        self._known = bool(len(tilts) and np.isfinite(tilts).all() and np.ptp(tilts) > 0)
        self.view.set(signal.data, self._places, pixel_nm, keep_view=keep_view)
        self.angles.set("tilt", np.arange(len(tilts)), tilts, style="both")
        judged_of, with_tilts = self._judged
        if judged_of is not signal or with_tilts != tilts.tobytes():
            self._look_at(signal)

    def adopt(self, signal: Any) -> None:
        """Take another signal with the same images as the one that was looked at."""
        looked, glances = self._glances
        if looked is not None and looked.data.shape == signal.data.shape:
            self._glances = signal, glances
            if self._judged[0] is looked:
                self._judged = signal, self._judged[1]

    @property
    def _places(self) -> np.ndarray | None:
        return self._tilts if self._known else None

    @property
    def _across(self) -> np.ndarray:
        return self._tilts if self._known else np.arange(len(self._tilts), dtype=float)

    # ------------------------------------------------------------------ looking

    def _look_at(self, signal: Any) -> None:
        """Look through the frames in the background, and judge them."""
        self._stop()
        looked, glances = self._glances
        if looked is not signal or glances is None:
            glances = Glances(tuple(signal.data.shape), signal.data.dtype)
            for picture in (self.strip, self.sinogram):
                picture.clear("The frames are being read.")
            self.bright.clear()
        self._glances = signal, glances
        self._judged = signal, self._tilts.tobytes()
        if not is_large(signal):
            self._show_small_pictures(glances)
        across, places = self._across, self._places
        self._reader = FrameReader(
            signal.data, glances, self.strip.chosen(across),
            lambda look: judged(signal, look, across, places),
            told=self._told, done=self._tell, failed=self._failed,
        )  # fmt: skip
        if glances.taken < len(glances):
            self._count(glances.taken)
        self._reader.start()

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None

    def _count(self, done: int) -> None:
        total = len(self._signal.data)
        text = f"Looking through the frames: {done} of {total}. You can go on meanwhile."
        self.card.value = noticed_html([("move", text)])

    def _told(self, glances: Glances) -> None:
        self._count(glances.taken)
        if is_large(self._signal):
            self.strip.set(glances, self._places)

    def _failed(self, error: BaseException) -> None:
        self._reader = None
        self.card.value = sentence(f"The frames could not be looked at: {error}.", "error")

    def _show_small_pictures(self, glances: Glances) -> None:
        large = is_large(self._signal)
        images, pixel = (glances, glances.factor) if large else (self._signal.data, 1)
        self.strip.set(images, self._places)
        self.sinogram.set(images, self._places, pixel=pixel)
        self._mark()

    def _tell(self, glances: Glances, found: Judged) -> None:
        """Fill what needs all frames."""
        self._reader = None
        if is_large(self._signal):
            self._show_small_pictures(glances)
        self.bright.x_label = "tilt (°)" if self._known else "frame"
        self.bright.clear()
        self.bright.set("mean", self._across, found.percent, style="points")
        for i, _ in found.bad:
            x, y = self._across[i], found.percent[i]
            self.bright.mark(f"odd{i}", "ring", x, y, color="#D55E00")
        self.card.value = noticed_html(found.sentences)
        self._mark()

    # ------------------------------------------------------------------ moving

    def _go(self, projection: int) -> None:
        if self._signal is not None:
            self.view.projection = min(max(0, projection), len(self._signal.data) - 1)

    def _mark(self) -> None:
        if self._signal is not None:
            self.strip.mark([self.view.projection])
            self.bright.mark("here", "x", self.view.tilt)
