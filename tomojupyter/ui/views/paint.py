"""Slices in colours: the classes of one volume, or several volumes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.ui.views.render import rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

TINT = 0.55


def _part(image: np.ndarray, lo: float, hi: float) -> np.ndarray:
    values = np.nan_to_num(np.asarray(image, np.float32), nan=lo, posinf=hi, neginf=lo)
    return np.clip((values - lo) / ((hi - lo) or 1.0), 0, 1)


def classes_rgb(
    image: np.ndarray, limits: Sequence[float], colours: Sequence[str], lo: float, hi: float
) -> np.ndarray:
    """Return an image in grey with each class tinted, uint8 (ny, nx, 3).

    Parameters
    ----------
    image
        Shape (ny, nx).
    limits
        Lowest value of each class, rising.
    colours
        As many, #rrggbb.
    lo, hi
        Values drawn black and white.
    """
    grey = _part(image, lo, hi)
    picture = np.repeat(grey[..., None], 3, axis=-1)
    for limit, colour in zip(limits, colours, strict=True):
        inside = image >= limit
        tint = np.asarray(rgb(colour), np.float32)
        picture[inside] = (1 - TINT) * grey[inside, None] + TINT * tint * (
            0.35 + 0.65 * grey[inside, None]
        )
    return np.rint(255 * picture).astype(np.uint8)


def added_rgb(layers: Sequence[tuple[np.ndarray, float, float, str]]) -> np.ndarray:
    """Return images in colours, added as light is, uint8 (ny, nx, 3).

    Parameters
    ----------
    layers
        Of each: the image (ny, nx), the values drawn dark and bright, and the colour #rrggbb.
    """
    parts = [
        _part(image, lo, hi)[..., None] * np.asarray(rgb(colour), np.float32)
        for image, lo, hi, colour in layers
    ]
    total = np.sum(parts, axis=0)
    return np.rint(255 * np.clip(total, 0, 1)).astype(np.uint8)
