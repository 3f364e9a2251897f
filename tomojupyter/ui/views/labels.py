"""Pictures with what belongs on them: scale bar, title, frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tomojupyter.ui.views.sampling import colour_table
from tomojupyter.ui.views.texts import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

INK, EDGE = (255, 255, 255), (0, 0, 0)
FINE_SPACE = "\u2009"


def bar_length(width_px: int, pixel_nm: float | None) -> tuple[float, str]:
    """Return the length of a scale bar in px, 15 to 30 % of a width or so, and its text.

    Parameters
    ----------
    width_px
        Of the picture.
    pixel_nm
        Size of a pixel in nm; None: the bar counts px.
    """
    size = pixel_nm or 1.0
    most = 0.32 * width_px * size
    power = 10 ** math.floor(math.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    unit, value = ("nm", length) if pixel_nm else ("px", length)
    if pixel_nm and length >= 1000:
        unit, value = "µm", length / 1000
    return length / size, f"{number_text(value)} {unit}".replace(FINE_SPACE, " ")


def grey_picture(image: np.ndarray, lo: float, hi: float, cmap: str = "gray") -> np.ndarray:
    """Return an image (ny, nx) in the colours of a map, uint8 (ny, nx, 3)."""
    table = np.frombuffer(colour_table(cmap), np.uint8).reshape(256, -1)[:, :3]
    part = (np.nan_to_num(image.astype(np.float32), nan=lo) - lo) / ((hi - lo) or 1.0)
    return table[np.rint(255 * np.clip(part, 0, 1)).astype(np.uint8)]


def labelled(
    picture: np.ndarray,
    title: str = "",
    pixel_nm: float | None = None,
    *,
    side: int = 480,
    scale_bar: bool = True,
    notes: Sequence[tuple[str, tuple[int, int, int]]] = (),
) -> Image.Image:
    """Return a picture of at least `side` px with title, scale bar and coloured notes on it.

    Parameters
    ----------
    picture
        Shape (ny, nx, 3), uint8.
    title
        At the top left.
    pixel_nm
        Size of a pixel of `picture` in nm, or None.
    side
        The picture is enlarged by a factor, whole if it is 2 or more, to about this many px.
    scale_bar
        Draw it.
    notes
        Texts with their colours, at the top right, one below the other.
    """
    ny, nx = picture.shape[:2]
    factor = side / max(ny, nx)
    factor = float(math.floor(factor)) if factor >= 2 else factor
    size = (max(1, round(nx * factor)), max(1, round(ny * factor)))
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    height = max(12, round(side / 26))
    font = ImageFont.load_default(height)
    edge: dict[str, Any] = {"stroke_width": 2, "stroke_fill": EDGE}
    gap = height // 2
    if title:
        draw.text((gap, gap // 2), title, fill=INK, font=font, **edge)
    for k, (text, colour) in enumerate(notes):
        width = draw.textlength(text, font=font)
        place = (size[0] - width - gap, gap // 2 + k * 1.3 * height)
        draw.text(place, text, fill=colour, font=font, **edge)
    if scale_bar:
        length, text = bar_length(nx, pixel_nm)
        left, bottom = gap, size[1] - gap
        thick = max(3, height // 4)
        box = (left, bottom - thick, left + round(length * factor), bottom)
        draw.rectangle(box, fill=INK, outline=EDGE)
        draw.text((left, bottom - thick - 1.4 * height), text, fill=INK, font=font, **edge)
    return image


def montage(images: Sequence[Image.Image], columns: int = 2, gap: int = 6) -> Image.Image:
    """Return pictures side by side in rows, on black."""
    width, height = (max(i.size[k] for i in images) for k in (0, 1))
    rows = -(-len(images) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    whole = Image.new("RGB", size, (20, 22, 25))
    for k, image in enumerate(images):
        left, top = (k % columns) * (width + gap), (k // columns) * (height + gap)
        left += (width - image.size[0]) // 2
        whole.paste(image, (left, top + (height - image.size[1]) // 2))
    return whole
