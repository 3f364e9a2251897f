"""A tilt series as a GIF: its frames in the order of tilt, there and back."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.ui.views.labels import grey_picture, labelled
from tomojupyter.ui.views.sampling import percentiles
from tomojupyter.ui.views.texts import tilt_text

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor

FRAME_MS = 80


def series_gif(
    images: Any, tilts_deg: np.ndarray, pixel_nm: float | None, monitor: Monitor
) -> bytes:
    """Return a GIF of a series, in one contrast, with the tilt and a scale bar on each frame.

    Parameters
    ----------
    images
        Array-like (n, ny, nx), read one at a time.
    tilts_deg
        (n,).
    pixel_nm
        Size of a pixel in nm, or None.
    monitor
        Told of each frame.
    """
    order = np.argsort(tilts_deg, kind="stable")
    limits = [percentiles(np.asarray(images[int(i)])) for i in order[:: max(1, len(order) // 8)]]
    lo, hi = min(a for a, _ in limits), max(b for _, b in limits)
    frames = []
    for k, i in enumerate(order):
        monitor(k, len(order))
        picture = grey_picture(np.asarray(images[int(i)]), lo, hi)
        frames.append(labelled(picture, tilt_text(tilts_deg[i]), pixel_nm, side=360).quantize(128))
    monitor(len(order), len(order))
    first, *rest = [*frames, *frames[-2:0:-1]]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=rest, loop=0, duration=FRAME_MS)
    return file.getvalue()
