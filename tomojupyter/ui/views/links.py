"""Pictures that show the same place, in the same contrast."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

if TYPE_CHECKING:
    from tomojupyter.ui.views.picture import Picture

CAMERA = ("camera",)
# Not the table of colours: each picture has that of its map, and the browser cannot send bytes.
CONTRAST = ("lo", "hi", "gamma", "invert", "cmap")


def link_pictures(*pictures: Picture, camera: bool = True, contrast: bool = True) -> list[Any]:
    """Let pictures zoom and change contrast together, in the browser.

    Parameters
    ----------
    *pictures
        Two or more. Their sizes may differ: the same part of each is shown.
    camera
        Common zoom and place.
    contrast
        Common limits, gamma, inversion and colours. Turn `follow` off in all of them.

    Returns
    -------
    list
        The links; call ``unlink()`` of each to take them away.
    """
    names = (CAMERA if camera else ()) + (CONTRAST if contrast else ())
    first = pictures[0]
    for other, name in itertools.product(pictures[1:], names):
        setattr(other, name, getattr(first, name))
    return [
        widgets.jslink((first, name), (other, name))
        for other, name in itertools.product(pictures[1:], names)
    ]
