"""The cross-correlation that is drawn: its peak is the shift that was made."""

import numpy as np
import pytest

from tomojupyter.numerics.images.correlation import cross_correlation, peak


@pytest.mark.parametrize("shape", [(48, 64), (49, 61)])
@pytest.mark.parametrize("level", [0.0, 30_000.0])
def test_the_peak_is_the_shift_that_brings_the_second_onto_the_first(shape, level):
    image = np.random.default_rng(0).random(shape) + level
    moved = np.roll(image, (-5, 3), axis=(0, 1))
    surface = cross_correlation(image, moved)
    assert surface.shape == shape
    assert peak(surface) == (5, -3)
    assert peak(cross_correlation(image, image)) == (0, 0)


def test_missing_pixels_do_not_count():
    image = np.random.default_rng(0).random((32, 40))
    moved = np.roll(image, (2, 1), axis=(0, 1))
    moved[10:14, 20] = np.nan
    assert peak(cross_correlation(image, moved)) == (-2, -1)
    nothing = cross_correlation(image, np.full_like(image, np.nan))
    assert not nothing.any()
