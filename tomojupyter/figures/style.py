"""What all figures have in common: type sizes, scale bars, grey levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 7.2
"""Width of a figure in inches: two columns of a journal."""
RC: Any = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "svg.fonttype": "none",
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, which the colour-blind tell apart."""
BAR = 0.25
"""A scale bar takes at most this part of the width."""


def panels(
    rows: int, columns: int, height: float, sharey: bool = False
) -> tuple[Any, np.ndarray[Any, Any]]:
    """Return a figure and its axes, (rows, columns); `height` in inches."""
    from matplotlib import pyplot as plt

    with plt.rc_context(RC):
        return plt.subplots(
            rows, columns, figsize=(WIDTH, height), layout="constrained", squeeze=False,
            sharey=sharey,
        )  # fmt: skip


def grey_levels(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the 0.5th and 99.8th percentile of all finite pixels of some images."""
    pixels = np.concatenate([image[np.isfinite(image)].ravel() for image in images])
    if not pixels.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(pixels, (0.5, 99.8)))
    return low, high if high > low else low + 1


def picture(
    place: Any, image: np.ndarray, title: str, limits: tuple[float, float], aspect: float = 1.0
) -> None:
    """Draw a grey image without ticks."""
    from matplotlib import pyplot as plt

    with plt.rc_context(RC):
        place.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1], aspect=aspect)
        place.set_title(title, fontsize=RC["axes.titlesize"])
        place.set_axis_off()


def nice_length(width: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at most a quarter of `width`."""
    limit = width * BAR
    power = 10.0 ** math.floor(math.log10(limit))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= limit * (1 + 1e-9))


def scale_bar(place: Any, pixels: int, rows: int, size: float, units: str) -> None:
    """Draw a scale bar into the lower left corner of an image.

    Parameters
    ----------
    place
        Axes with the image.
    pixels, rows
        Width and height of the image in px.
    size, units
        Size of a pixel; in px where it is not known.
    """
    length = nice_length(pixels * size)
    left, y = 0.05 * pixels, 0.94 * rows
    x = (left, left + length / size)
    # Dark below light: to be seen on any grey.
    place.plot(x, (y, y), color="black", linewidth=3.5, solid_capstyle="butt")
    place.plot(x, (y, y), color="white", linewidth=2.0, solid_capstyle="butt")
    text = place.text(
        sum(x) / 2, y - 0.02 * rows, f"{length:g} {units}", color="white", fontsize=7,
        ha="center", va="bottom",
    )  # fmt: skip
    outline(text)


def outline(text: Any) -> None:
    """Give white letters a dark rim, to be read on any grey."""
    from matplotlib import patheffects

    text.set_path_effects([patheffects.withStroke(linewidth=1.5, foreground="black")])


def pixel_of(signal: Any, axis: int) -> tuple[float, str]:
    """Return size and unit of a pixel along an axis of the data; (1, "px") if not known."""
    found = signal.axes_manager._axes[axis]
    units = str(found.units)
    return (1.0, "px") if units in ("", "px", "<undefined>") else (float(found.scale), units)
