"""What a glance at a series tells: bad frames, NaN pixels, tilts, drift."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.numerics.images.bad_frames import bad_frames, displacements
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.ui.views.texts import tilt_text
from tomojupyter.ui.words import degrees, tilts_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.numerics.images.bad_frames import BadFrame

MENTIONED = 3
ICONS = {"good": "check", "warning": "exclamation-triangle", "move": "arrows-alt"}


def movement(images: np.ndarray | Glances, order: np.ndarray) -> float:
    """Return the largest movement between neighbours in px, from small copies; a rough figure."""
    factor = images.factor if isinstance(images, Glances) else 1
    moves = factor * displacements(images, order)
    return float(np.hypot(moves[:, 0], moves[:, 1]).max(initial=0.0))


def noticed(
    images: np.ndarray | Glances,
    tilts: np.ndarray,
    known: bool,
    bad: Sequence[BadFrame] | None = None,
) -> list[tuple[str, str]]:
    """Return (kind, sentence) for a card; kind is good, warning or move.

    Parameters
    ----------
    images
        Shape (n, ny, nx), or what a look at each of them left.
    tilts
        Degrees, shape (n,).
    known
        Whether the tilts are real ones.
    bad
        Frames to leave out; None: judged here.
    """
    order = np.argsort(tilts, kind="stable")
    found: list[tuple[str, str]] = []
    look = images if isinstance(images, Glances) else Glances.of(images)
    dead = int(look.dead.sum())
    if dead:
        found.append(("warning", f"{dead} pixels have no finite value; they get no weight."))
    bad = bad_frames(look, tilts) if bad is None else bad
    for i, reason in bad[:MENTIONED]:
        verb = "" if reason.startswith("jumped") else "is "
        found.append(
            ("warning", f"Frame {_frame(i, tilts)} {verb}{reason}. Trim can leave it out.")
        )
    if known:
        found.append(_tilts_sentence(np.sort(tilts)))
        if (np.diff(tilts) < 0).any() and (np.diff(tilts) > 0).any():
            found.append(("good", "Sorted by tilt for you; the order of the file is kept."))
    else:
        found.append(("warning", "The tilts are not known: enter them at the right."))
    # A bad frame does not move: it is found somewhere, or nowhere.
    moves = movement(look, order[~np.isin(order, [i for i, _ in bad])])
    if moves:
        found.append(
            ("move", f"Neighbouring frames move by about {moves:.0f} px. Register takes that out.")
        )
    else:
        found.append(("good", "Neighbouring frames hardly move."))
    return found


def _frame(i: int, tilts: np.ndarray) -> str:
    return f"{tilt_text(tilts[i])} (#{i})"


def _tilts_sentence(tilts: np.ndarray) -> tuple[str, str]:
    steps = np.diff(tilts)
    if len(steps) and (steps < 0.005).any():
        return "warning", "A tilt occurs more than once; each of its frames is used."
    even = len(steps) and float(np.ptp(steps)) < 0.1 * float(np.median(steps))
    how = f"rise evenly by {degrees(np.median(steps))}" if even else "are all different"
    zero = " and include 0°" if np.abs(tilts).min() < 0.05 else ""
    return "good", f"Tilts {how}{zero}."


def noticed_html(found: list[tuple[str, str]]) -> str:
    """Return the card's content."""
    rows = "".join(
        f'<p><i class="fa fa-{ICONS[kind]} tj-say-{kind}" aria-hidden="true"></i>{escape(text)}</p>'
        for kind, text in found
    )
    return f"<h2>What we noticed</h2>{rows}"


def facts_html(signal: Any, note: str = "") -> str:
    """Return "what the file says" as a small table."""
    n, ny, nx = signal.data.shape
    rows = [
        ("Frames", f"{n}, {signal.data.dtype}", note),
        ("Size", f"{nx} × {ny} px", ""),
        ("Tilts", tilts_text(signal), ""),
    ]
    cells = "".join(
        f"<tr><td>{escape(a)}</td><td>{escape(b)}</td><td class='tj-n'>{escape(c)}</td></tr>"
        for a, b, c in rows
    )
    return f'<table class="tj-facts">{cells}</table>'
