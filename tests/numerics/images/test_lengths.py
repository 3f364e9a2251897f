"""Lengths that exceed the images are refused before they take memory or time."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.filters import median
from tomojupyter.numerics.images.smoothing import gaussian
from tomojupyter.numerics.images.spikes import despike

IMAGES = np.ones((2, 9, 12))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: median(IMAGES, 99_999_999), "size must be .* longer edge .*, 12 px, got 9{8}"),
        (lambda: despike(IMAGES, 13), "size must be at most .*, 12 px, got 13"),
        (lambda: gaussian(IMAGES, 1e8), "sigma must be at most .*, 12 px, got 10{8}"),
    ],
)
def test_a_length_beyond_the_image_is_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        call()


@pytest.mark.parametrize("smooth", [median, gaussian])
def test_a_length_of_the_longer_edge_is_done(smooth):
    np.testing.assert_allclose(smooth(IMAGES, 12), 1, rtol=1e-6)
