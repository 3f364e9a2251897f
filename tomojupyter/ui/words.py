"""Times, sizes and facts as the app writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.ui.views.texts import minus, number_text

if TYPE_CHECKING:
    from tomojupyter.steps import Step

NM = {"nm": 1.0, "Å": 0.1, "A": 0.1, "µm": 1000.0, "um": 1000.0, "pm": 0.001, "m": 1e9}
OF_SOMETHING = ("background", "normalise")
"""Operations whose methods say nothing alone: constant, smooth."""


def capital(text: str) -> str:
    """Begin a sentence with a capital, unless it begins with the name of a file."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.rstrip(",:;").isalpha() else text


def seconds_text(seconds: float) -> str:
    """Write a time: ``0.3 s``, ``40 s``, ``3 min 40 s``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole / 3600:.1f} h"


def rough_text(seconds: float) -> str:
    """Write a time that is not known well: ``about 40 s``, ``about 8 min``, ``about 2.5 h``."""
    if seconds < 95:
        return f"about {max(10, 10 * round(seconds / 10))} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 100 else f"about {seconds / 3600:.1f} h"


def size_text(size: float) -> str:
    """Write a number of bytes in decimal units: ``39 MB``."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{number_text(size)} {units[0]}"


def pixel_nm(signal: Any) -> float | None:
    """Return the pixel size in nm of a stack or volume; None where it is not known."""
    axis = signal.axes_manager.signal_axes[0]
    factor = NM.get(str(axis.units))
    scale = float(axis.scale)
    return scale * factor if factor and np.isfinite(scale) and scale > 0 else None


def tilts_of(signal: Any) -> np.ndarray:
    """Return the tilts in degrees, shape (n,)."""
    return np.asarray(signal.tilts.data, dtype=float).ravel()


def tilts_known(signal: Any) -> bool:
    """Tell whether a stack has tilts that are not all the same."""
    tilts = tilts_of(signal)
    return bool(len(tilts) and np.isfinite(tilts).all() and (tilts != tilts[0]).any())


def tilts_text(signal: Any) -> str:
    """Write the range of tilts: ``−76° to 76°``."""
    if not tilts_known(signal):
        return "no tilts"
    tilts = tilts_of(signal)
    return f"{degrees(tilts.min())} to {degrees(tilts.max())}"


def degrees(value: float) -> str:
    """Write an angle without needless zeros."""
    return minus(f"{round(float(value), 2) + 0.0:g}") + "°"


def pixel_text(signal: Any) -> str:
    """Write the pixel size with its unit, or nothing."""
    size = pixel_nm(signal)
    return f"{number_text(size)} nm/px" if size else ""


def facts(signal: Any) -> list[str]:
    """Return the facts of the top bar: tilts, size, pixel."""
    if signal is None:
        return []
    if signal._signal_type == "RecStack":
        nx, nz, ny = signal.data.shape
        parts = [f"reconstruction: {nx} × {nz} × {ny} voxels"]
    else:
        n, ny, nx = signal.data.shape
        parts = [f"{n} tilts, {tilts_text(signal)}", f"{nx} × {ny} px"]
    return [part for part in (*parts, pixel_text(signal)) if part]


def spoken(step: Step) -> str:
    """Return what a Step is called in a sentence: its method, with what that belongs to."""
    method = step.method.replace("_", " ")
    return f"{step.operation} {method}" if step.operation in OF_SOMETHING else method
