"""A volume that turns, as a GIF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from tomojupyter.ui.views.labels import labelled
from tomojupyter.ui.views.render import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.monitor import Monitor
    from tomojupyter.ui.views.render import Surface

FRAMES = 36


def turning_gif(
    surfaces: Sequence[Surface],
    monitor: Monitor,
    *,
    pixel_nm: float | None = None,
    seconds: float = 4.0,
    frames: int = FRAMES,
    cloud: float = 0.0,
    limits: tuple[float, float] | None = None,
    title: str = "",
) -> bytes:
    """Return a GIF of one whole turn about the vertical axis, which repeats for ever.

    Parameters
    ----------
    surfaces, cloud, limits
        As for `render`.
    monitor
        Told of each frame.
    pixel_nm
        Size of a voxel in nm, for the scale bar.
    seconds
        A turn takes.
    frames
        Of a turn.
    title
        Written on each.
    """
    images = []
    for k in range(frames):
        monitor(k, frames)
        picture = render(surfaces, 360 * k / frames, 12.0, cloud=cloud, limits=limits)
        images.append(labelled(picture, title, pixel_nm, side=360))
    monitor(frames, frames)
    file = io.BytesIO()
    first, *rest = [image.quantize(128) for image in images]
    first.save(
        file, "GIF", save_all=True, append_images=rest, loop=0,
        duration=round(1000 * seconds / frames), disposal=1,
    )  # fmt: skip
    return file.getvalue()
