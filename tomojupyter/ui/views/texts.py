"""Numbers as the app writes them (true minus, thin spaces), and the texts of files beside this."""

from __future__ import annotations

import math
from importlib import resources


def minus(text: str) -> str:
    """Write a true minus sign in place of the first hyphen."""
    return text.replace("-", "−", 1)


def tilt_text(tilt_deg: float, decimals: int = 1) -> str:
    """Write a tilt, for instance ``−26.0°``; never ``−0.0°``."""
    value = round(float(tilt_deg), decimals) + 0.0
    return minus(f"{value:.{decimals}f}") + "°"


def number_text(value: float, digits: int = 3) -> str:
    """Write a number with so many figures, and thin spaces between thousands."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size != 0 and (size >= 1e7 or size < 1e-4):
        return minus(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - (math.floor(math.log10(size)) if size else 0))
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return minus(text.replace(",", "\u2009"))


def module_text(*names: str) -> str:
    """Return files of this folder as one text; widgets send it to the browser."""
    folder = resources.files("tomojupyter.ui.views")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
