"""Pixels that were not measured, filled from those that were."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def filled(image: np.ndarray, gaps: np.ndarray | None) -> np.ndarray:
    """Return an image whose gaps hold the nearest pixel that is there.

    Parameters
    ----------
    image
        (ny, nx). Not modified.
    gaps
        bool (ny, nx). None: there are none.

    Returns
    -------
    numpy.ndarray
        The image itself without gaps; zeros where it is nothing else.
    """
    if gaps is None or not gaps.any():
        return image
    if gaps.all():
        return np.zeros_like(image)
    index = ndimage.distance_transform_edt(gaps, return_distances=False, return_indices=True)
    return np.asarray(image[tuple(index)])
