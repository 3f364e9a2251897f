"""Keeps the curves of sharpness up to date: at once where you are, the rest while you rest."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tomojupyter.ui.jobs import running_loop
from tomojupyter.ui.panels.axis_score import SharpnessScan

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from tomojupyter.ui.panels.axis_preview import Projectors
    from tomojupyter.ui.panels.axis_views import AxisPictures

    Tops = tuple[float | None, float | None]

AFTER_S = 0.08  # the slices are sent first
REST_S = 0.5
CHUNK_S = 0.02
PAUSE_S = 0.03


class AxisCurves:
    """The scores of the current series, and the two curves through where you are.

    Parameters
    ----------
    pictures
        Where they are drawn.
    projectors
        Shared with the slices.
    told
        Called with (shift, angle, (best shift, best angle)) after each drawing; None for a best
        that is not known yet.
    seen
        Whether it is worth working in the background.
    """

    def __init__(
        self,
        pictures: AxisPictures,
        projectors: Projectors,
        told: Callable[[float, float, Tops], Any],
        seen: Callable[[], bool],
    ) -> None:
        self._pictures, self._projectors = pictures, projectors
        self._told, self._seen = told, seen
        self._points: Iterator[tuple[float, float]] = iter(())
        self._resting: asyncio.TimerHandle | None = None
        self._where = (0.0, 0.0)
        self._signal: Any = None
        self.scan: SharpnessScan | None = None

    def forget(self) -> None:
        """Forget the series."""
        self.scan, self._points = None, iter(())
        self._wait()

    def _wait(self, seconds: float | None = None, then: Callable[[], Any] = lambda: None) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        loop = running_loop()
        if seconds is not None and loop is not None:
            self._resting = loop.call_later(seconds, then)

    def score(self, signal: Any, shift: float, angle: float) -> float:
        """Return the sharpness in % at (shift, angle)."""
        if self.scan is None:
            self.scan = SharpnessScan(signal, self._projectors)
        return self.scan.score(shift, angle)

    def go(self, signal: Any, shift: float, angle: float) -> None:
        """Draw the point at (shift, angle) in a moment, and both curves after a rest."""
        self._signal, self._where = signal, (shift, angle)
        if running_loop() is None:
            self._here()
        else:
            self._wait(AFTER_S, self._here)

    def _here(self) -> None:
        if not self._seen():
            return
        self.score(self._signal, *self._where)
        self._draw()
        assert self.scan is not None
        self._points = self.scan.missing(*self._where)
        self._wait(REST_S, self._some)

    def _some(self) -> None:
        """Work out points for a moment, and go on later."""
        self._resting = None
        if self.scan is None or not self._seen():
            return
        until = time.monotonic() + CHUNK_S
        for point in self._points:
            self.scan.score(*point)
            if time.monotonic() > until:
                self._wait(PAUSE_S, self._some)
                break
        self._draw()

    def finish(self) -> Tops:
        """Work both curves out at once and return where they are highest."""
        if self.scan is None:
            return None, None
        for point in self.scan.missing(*self._where):
            self.scan.score(*point)
        self._draw()
        return self.tops()

    def tops(self) -> Tops:
        """Return the best shift and the best angle; None for one that is not known yet."""
        if self.scan is None:
            return None, None
        shift, angle = self._where
        along, across = self.scan.best(0, angle), self.scan.best(1, shift)
        return along[0] if along else None, across[0] if across else None

    def _draw(self) -> None:
        assert self.scan is not None
        self._pictures.draw_curves(self.scan, *self._where)
        self._told(*self._where, self.tops())
