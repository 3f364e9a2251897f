"""What a glance at a series tells: dark and blank frames, NaN pixels, tilts, drift."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

from tomojupyter.numerics.filters import blank_frames
from tomojupyter.ui.views.sampling import area_mean
from tomojupyter.ui.views.texts import tilt_text
from tomojupyter.ui.words import degrees, tilts_text

SIDE = 64
ICONS = {"good": "check", "warning": "exclamation-triangle", "move": "arrows-alt"}


def brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean of each image above the darkest 1 %, in % of their median; shape (n,)."""
    floor = np.array([np.nanpercentile(i[:: max(1, len(i) // 128)], 1) for i in images])
    means = np.array([np.nanmean(i) for i in images]) - np.median(floor)
    middle = float(np.median(means))
    return 100 * means / middle if middle else np.zeros(len(images))


def outliers(percent: np.ndarray, order: np.ndarray) -> dict[int, float]:
    """Return images that are darker or brighter than their neighbours in tilt.

    Parameters
    ----------
    percent
        Brightness in %, shape (n,).
    order
        Indices of the images in the order of tilt.

    Returns
    -------
    dict
        By index, how many % brighter (positive) or darker.
    """
    off = percent[order] - median_filter(percent[order], 5, mode="nearest")
    spread = max(1.4826 * float(np.median(np.abs(off - np.median(off)))), 0.4)
    return {int(order[k]): float(off[k]) for k in np.flatnonzero(np.abs(off) > 6 * spread)}


def movement(images: np.ndarray, order: np.ndarray) -> float:
    """Return the largest movement between neighbours in px, from small copies; a rough figure."""
    factor = max(1, max(images.shape[1:]) // SIDE)
    small = np.nan_to_num(np.array([area_mean(np.asarray(images[i]), factor) for i in order]))
    small = small - small.mean(axis=(1, 2), keepdims=True)
    spectra = np.fft.rfft2(small)
    cross = np.fft.irfft2(spectra[1:] * spectra[:-1].conj(), s=small.shape[1:])
    largest = 0.0
    for peak in cross:
        y, x = np.unravel_index(int(np.argmax(peak)), peak.shape)
        y, x = (k - n if k > n // 2 else k for k, n in ((y, peak.shape[0]), (x, peak.shape[1])))
        largest = max(largest, float(np.hypot(y, x)))
    return largest * factor


def noticed(images: np.ndarray, tilts: np.ndarray, known: bool) -> list[tuple[str, str]]:
    """Return (kind, sentence) for a card; kind is good, warning or move.

    Parameters
    ----------
    images
        Shape (n, ny, nx).
    tilts
        Degrees, shape (n,).
    known
        Whether the tilts are real ones.
    """
    order = np.argsort(tilts, kind="stable")
    found: list[tuple[str, str]] = []
    dead = int(images.size - np.count_nonzero(np.isfinite(images)))
    if dead:
        found.append(("warning", f"{dead} pixels have no finite value; they get no weight."))
    blank = blank_frames(images)
    for i in np.flatnonzero(blank)[:3]:
        found.append(("warning", f"Frame {_frame(i, tilts)} is blank. Trim can leave it out."))
    percent = brightness(images)
    odd = {i: off for i, off in outliers(percent, order).items() if not blank[i]}
    for i, off in list(odd.items())[:3]:
        word = "darker" if off < 0 else "brighter"
        found.append(
            (
                "warning",
                f"Frame {_frame(i, tilts)} is {abs(off):.1f} % {word} than its neighbours. "
                "Trim can leave it out.",
            )
        )
    if known:
        found.append(_tilts_sentence(np.sort(tilts)))
    else:
        found.append(("warning", "The tilts are not known: enter them at the right."))
    moves = movement(images, order)
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
