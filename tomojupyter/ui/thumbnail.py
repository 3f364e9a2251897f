"""A small picture of a signal."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from tomojupyter.ui.views.sampling import percentiles

SIDE = 210


def thumbnail(signal: Any, side: int = SIDE) -> bytes:
    """Return the middle projection of a series, or the middle slice of a volume, as PNG.

    Parameters
    ----------
    signal
        A TomoStack or RecStack.
    side
        Longest side in px.
    """
    image = np.asarray(signal.data[len(signal.data) // 2], np.float32)
    step = max(1, -(-max(image.shape) // side))
    image = np.nan_to_num(image[::step, ::step], nan=0.0, posinf=0.0, neginf=0.0)
    lo, hi = percentiles(image)
    grey = np.clip((image - lo) / ((hi - lo) or 1.0), 0, 1)
    file = io.BytesIO()
    Image.fromarray((255 * grey).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
