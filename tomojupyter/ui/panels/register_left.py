"""How far each frame still is from where the others say it should be, drawn and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.steps import history
from tomojupyter.ui.messages import whole_sentence
from tomojupyter.ui.panels.register_compare import left_sentence, stands_out, worst_sentence
from tomojupyter.ui.style import sentence
from tomojupyter.ui.views.texts import number_text, tilt_text
from tomojupyter.ui.words import tilts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import ipywidgets as widgets

    from tomojupyter.ui.session import Session
    from tomojupyter.ui.views.curves import Curve


PLACES = ("stack_register", "tilt_align", "align_other", "trim", "external")
"""Operations after which what a registration says of itself holds no longer."""


def score_sentence(signal: Any) -> str:
    """Say how good the last registration takes itself to be; nothing where it does not tell."""
    placed = [r for r in history.read(signal) if r["operation"] in PLACES]
    told = placed[-1].get("scalars", {}) if placed else {}
    if "score" not in told:
        return ""
    stays = "Nothing to mend was seen, so the images stay where they are: "
    return whole_sentence((stays if told.get("kept") else "") + told["score"])


class LeftPlots:
    """Part of the Register panel: the plots over tilt and what they say."""

    # What the panel has besides.
    session: Session
    seen: Callable[[], Any]
    shifts: Curve
    moves: Curve
    said: widgets.HTML
    _left: list[tuple[Any, np.ndarray]]

    def left(self, signal: Any) -> np.ndarray:
        """Return how far each frame is off, (n,) px, or nothing where it was not measured."""
        return next((px for known, px in self._left if known is signal), np.zeros(0))

    def _note_left(self, signal: Any, px: np.ndarray) -> None:
        kept = [pair for pair in self._left if pair[0] is self.session.signal is not signal]
        self._left = [(signal, px), *kept]

    def _plot(self, signal: Any) -> None:
        tilts = tilts_of(signal)
        order = np.argsort(tilts, kind="stable")
        # They are kept in acquired px; what a person sees are those of the series.
        shifts = (np.asarray(signal.shifts.data, float) * signal._frame.scale[::-1])[order]
        for k, name in ((1, "x"), (0, "y")):
            self.shifts.set(name, tilts[order], shifts[:, k], style="both")
        self.moves.clear()
        if len(self.left(signal)):
            self._plot_left(signal, tilts, order)
            return
        score = self._score(signal)
        length = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
        self.moves.title = "Taken out between neighbours"
        self.moves.subtitle = "length of it" if length.any() else "nothing yet"
        self.moves.set("between", tilts[order][1:], length, style="bars")
        worst = int(np.argmax(length)) if len(length) else 0
        self.said.value = score + (
            f"<p>Largest movement taken out: {number_text(length[worst], 2)} px, before "
            f"{tilt_text(tilts[order][worst + 1])}.</p>"
            if len(length) and length[worst] > 0
            else ("" if score else "<p>Nothing is registered yet.</p>")
        )

    def _score(self, signal: Any) -> str:
        """Return what the registration says of itself as HTML, where it says anything."""
        text = score_sentence(signal)
        return sentence(text, "good") if text else ""

    def _plot_left(self, signal: Any, tilts: np.ndarray, order: np.ndarray) -> None:
        """Draw how far each frame is off: before in grey, now in blue, the worst in orange."""
        px = self.left(signal)
        before = self.left(self.session.signal)
        if signal is not self.session.signal and len(before) == len(px):
            self.moves.set("before", tilts[order], before[order], style="bars", color="#c4c9cf")
        self.moves.set("now", tilts[order], px[order], style="bars", color="#0072B2")
        median, worst = float(np.nanmedian(px)), int(np.nanargmax(px))
        if stands_out(px):
            rest = np.where(np.arange(len(px)) == worst, px, np.nan)
            self.moves.set("worst", tilts[order], rest[order], style="bars", color="#D55E00")
        self.moves.title = "Movement left in each frame"
        self.moves.subtitle = f"median {number_text(median, 2)} px"
        self.said.value = f"{self._score(signal)}<p>{left_sentence(px, tilts)}</p>"

    def cautions(self) -> list[str]:
        """Return the frame that stands out, and what to do about it."""
        signal = self.seen()
        px = self.left(signal) if signal is not None else np.zeros(0)
        return [worst_sentence(px, tilts_of(signal))] if len(px) and stands_out(px) else []
