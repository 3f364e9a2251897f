"""What Load shows of a series: a projection, thumbnails, plots over tilt, and what was noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np

from tomojupyter.numerics.images.bad_frames import bad_frames
from tomojupyter.numerics.images.filters import estimate_vacuum
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.numerics.images.intensity import brightness
from tomojupyter.ui.frame_reader import FrameReader
from tomojupyter.ui.panels.noticed import noticed, noticed_html
from tomojupyter.ui.style import sentence
from tomojupyter.ui.views.curves import Curve
from tomojupyter.ui.views.sinogram import SinogramView
from tomojupyter.ui.views.stack import StackView, StripView

if TYPE_CHECKING:
    from tomojupyter.numerics.images.bad_frames import BadFrame

LARGE = 64 * 2**20
"""Bytes of pixels above which a series is shown before all of it was read."""


def is_large(signal: Any) -> bool:
    """Tell whether a series is looked through in the background."""
    return bool(signal.data.nbytes > LARGE)


class SeriesLook(widgets.HBox):
    """The pictures of Load.

    Of a large series only the frame that is shown is read at first. The others follow in the
    background, each once, and the rest of the pictures with them.

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
        self._reader: FrameReader | None = None

    def clear(self, text: str) -> None:
        """Take the pictures away and say why."""
        self._stop()
        self._signal, self._glances = None, (None, None)
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
        looked, glances = self._glances
        if looked is not signal or glances is None:
            self._look_at(signal)
        elif self._reader is None:
            self._tell(glances)

    def adopt(self, signal: Any) -> None:
        """Take another signal with the same images as the one that was looked at."""
        looked, glances = self._glances
        if looked is not None and looked.data.shape == signal.data.shape:
            self._glances = signal, glances

    @property
    def _places(self) -> np.ndarray | None:
        return self._tilts if self._known else None

    @property
    def _across(self) -> np.ndarray:
        return self._tilts if self._known else np.arange(len(self._tilts), dtype=float)

    # ------------------------------------------------------------------ looking

    def _look_at(self, signal: Any) -> None:
        self._stop()
        if not is_large(signal):
            self._glances = signal, Glances.of(signal.data)
            self._tell(self._glances[1])
            return
        for picture in (self.strip, self.sinogram):
            picture.clear("The frames are being read.")
        self.bright.clear()
        self._count(0)
        self._reader = FrameReader(
            signal.data, self.strip.chosen(self._across), self._told, self._failed
        )
        self._glances = signal, self._reader.glances
        self._reader.start()

    def _stop(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None

    def _count(self, done: int) -> None:
        total = len(self._signal.data)
        said = [
            ("move", f"Looking through the frames: {done} of {total}. You can go on meanwhile.")
        ]
        self.card.value = noticed_html(said)

    def _told(self, glances: Glances) -> None:
        if glances.taken < len(glances):
            self._count(glances.taken)
            self.strip.set(glances, self._places)
            return
        self._reader = None
        self._tell(glances)

    def _failed(self, error: BaseException) -> None:
        self._reader = None
        self.card.value = sentence(f"The frames could not be read on: {error}.", "error")

    def _tell(self, glances: Glances | None) -> None:
        """Fill what needs all frames."""
        if glances is None:
            return
        signal, large = self._signal, is_large(self._signal)
        images, pixel = (glances, glances.factor) if large else (signal.data, 1)
        self.strip.set(images, self._places)
        self.sinogram.set(images, self._places, pixel=pixel)
        small = glances.small
        bright = brightness(small, estimate_vacuum(small))
        percent = 100 * bright / (np.nanmedian(bright) or 1)
        self.bright.x_label = "tilt (°)" if self._known else "frame"
        self.bright.clear()
        self.bright.set("mean", self._across, percent, style="points")
        bad = self._bad(glances) if large else signal.bad_frames()
        for i, _ in bad:
            self.bright.mark(f"odd{i}", "ring", self._across[i], percent[i], color="#D55E00")
        self.card.value = noticed_html(noticed(glances, self._across, self._known, bad))
        self._mark()

    def _bad(self, glances: Glances) -> list[BadFrame]:
        """Return what `TomoStack.bad_frames` would, from what was read already."""
        return bad_frames(glances, self._places, use=~self._signal.excluded)

    # ------------------------------------------------------------------ moving

    def _go(self, projection: int) -> None:
        if self._signal is not None:
            self.view.projection = min(max(0, projection), len(self._signal.data) - 1)

    def _mark(self) -> None:
        if self._signal is not None:
            self.strip.mark([self.view.projection])
            self.bright.mark("here", "x", self.view.tilt)
