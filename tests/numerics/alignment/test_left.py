"""How far each image is off: the one that was moved stands out, by about its move."""

import numpy as np
from scipy import ndimage

from tomojupyter.datasets import get_catalyst_data
from tomojupyter.numerics.alignment.left import movement_left


def test_the_image_that_was_moved_is_found():
    series = get_catalyst_data(size=48, tilts=np.arange(-60, 61, 8.0))
    images, tilts = np.array(series.data, np.float32), series.tilts.data.ravel()
    still = movement_left(images, tilts)
    images[5] = ndimage.shift(images[5], (0, 2.0), order=1)
    moved = movement_left(images, tilts)
    assert np.nanmax(still) < 0.5
    assert np.nanargmax(moved) == 5
    assert 1 < moved[5] < 3
