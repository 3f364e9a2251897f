"""What the form of the tilt axis shows below shift and angle: slices, preview, hints."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from tomojupyter.ui.style import section, sentence
from tomojupyter.ui.views.texts import minus, number_text

KEYS = (
    '<p class="tj-grey"><kbd class="tj-key">↑</kbd> <kbd class="tj-key">↓</kbd> shift 0.1, '
    '<kbd class="tj-key">←</kbd> <kbd class="tj-key">→</kbd> angle 0.1, '
    '<kbd class="tj-key">Shift</kbd> 10 ×, <kbd class="tj-key">B</kbd> before</p>'
)
ARCS = (
    '<svg width="252" height="42" viewBox="0 0 252 42" fill="none" stroke="currentColor" '
    'stroke-width="2.5" role="img" aria-label="arcs that open upwards, round dots, arcs that open '
    'downwards"><path d="M16 8a14 14 0 0 0 28 0M208 22a14 14 0 0 1 28 0"/>'
    '<circle cx="126" cy="14" r="5" fill="currentColor"/>'
    '<g stroke="none" fill="currentColor" font-size="11" text-anchor="middle">'
    '<text x="30" y="38">shift off</text><text x="126" y="38">right</text>'
    '<text x="222" y="38">shift off</text></g></svg>'
)
LOOK_FOR = (
    f"{section('What to look for')}"
    f'<div class="tj-grey">{ARCS}</div>'
    "<p>Bright points should be round dots. Arcs that all open the same way: change the shift. "
    "Arcs that open up in slice 1 and down in slice 3: change the angle.</p>"
)
PREVIEWS: list[tuple[str, tuple[int, int]]] = [
    ("bin 1, FBP", (1, 0)),
    ("bin 2, FBP", (2, 0)),
    ("bin 4, FBP", (4, 0)),
    ("bin 8, FBP", (8, 0)),
    ("bin 2, SIRT 5", (2, 5)),
]
"""Binning and iterations of SIRT (0: filtered back-projection)."""


NUDGE = {
    "ArrowUp": ("shift", 0.1),
    "ArrowDown": ("shift", -0.1),
    "ArrowRight": ("angle", 0.1),
    "ArrowLeft": ("angle", -0.1),
}
"""What a key changes, and by how much."""

MOVES_PX = 2.0
KEY_CARD = (
    ("↑ ↓", "shift by 0.1 px"),
    ("← →", "angle by 0.1°"),
    ("Shift", "with an arrow: ten times as far"),
    ("B", "the slices before this stage"),
)


def default_preview(ny: int) -> tuple[int, int]:
    """Return the preview that follows a hand: slices of 128 to 256 px."""
    return (next((k for k in (1, 2, 4) if ny / k < 192 or (k > 1 and ny / k <= 256)), 8), 0)


def hint(shift: float, angle: float, best_shift: float | None, best_angle: float | None) -> str:
    """Return the sentence about where the slices are sharpest, as HTML."""
    off = abs(best_shift - shift) if best_shift is not None else 0.0
    turn = abs(best_angle - angle) if best_angle is not None else 0.0
    if best_shift is None and best_angle is None:
        return ""
    if off < 0.15 and turn < 0.15:
        return sentence("The slices are sharpest here.", "good")
    parts = [
        text
        for text, far in ((f"{off:.1f} px", off >= 0.15), (f"{turn:.1f}°", turn >= 0.15))
        if far
    ]
    return sentence(f"Sharpness is still rising: the best lies {' and '.join(parts)} from here.")


def one_decimal(value: float) -> str:
    """Write a shift or an angle, never as −0.0."""
    return minus(f"{round(value, 1) + 0.0:.1f}")


def best_text(best_shift: float | None, best_angle: float | None) -> str:
    """Return the text of the button that goes to the best values."""
    if best_shift is None or best_angle is None:
        return "Best"
    return f"Best ({one_decimal(best_shift)}, {one_decimal(best_angle)})"


def slice_field(number: int) -> widgets.BoundedIntText:
    """Return the field of the column that slice 1, 2 or 3 is taken at."""
    field = widgets.BoundedIntText(min=0, max=0, layout=widgets.Layout(flex="1 1 0"))
    field.description = f"Slice {number} at x"  # not seen, but read out
    return field.add_class("tj-named")


def cautions(records: list[dict[str, Any]], moves_px: float, vacuum: float) -> list[str]:
    """Return what would spoil the slices, as sentences.

    Parameters
    ----------
    records
        The history of the series.
    moves_px
        How far neighbouring images move.
    vacuum
        The level of the vacuum that the slices are shown without; 0: it is near zero.
    """
    found = []
    registered = any(r["operation"] == "stack_register" for r in records)
    if moves_px >= MOVES_PX and not registered:
        found.append(f"Register first: the images still move by {moves_px:.0f} px.")
    if vacuum:
        found.append(
            f"The vacuum lies at {number_text(vacuum, 5)}: take it off in Filter. "
            "The slices here are shown without it."
        )
    return found


def record_words(record: dict[str, Any]) -> str:
    """Return the record of a tilt alignment in a few words, as the rail shows it."""
    values = {**record["resolved"], **record.get("scalars", {})}
    shift = values.get("shift", values.get("shift_px"))
    angle = values.get("angle", values.get("angle_deg"))
    if angle is not None and record["operation"] == "stack_register":  # it has no one shift
        row = values.get("axis_row")
        return f"{one_decimal(angle)}°" + ("" if row is None else f", row {number_text(row, 5)}")
    if shift is None or angle is None:
        return str(record["method"])
    return f"{one_decimal(shift)} px, {one_decimal(angle)}°"
