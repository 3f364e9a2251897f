"""Counts of a line above the background beside it."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.shapes import line_shape
from tomojupyter.numerics.spectral.windows import window_row

AXIS = 0.01 * np.arange(1024)


def test_a_line_on_a_slope_counts_without_the_slope():
    slope = 5 - 0.3 * AXIS
    row = window_row(AXIS, 6.4, 130.0)
    # A window of two widths holds 98 % of a Gaussian.
    assert row @ (1000 * line_shape(AXIS, 6.4) + slope) == pytest.approx(981, abs=3)
    assert abs(row @ slope) < 0.5


def test_given_windows_are_taken():
    row = window_row(AXIS, 6.4, 130.0, background=(5.0, 5.5, 7.0, 7.5))
    outside = (row != 0) & (row != 1)
    assert AXIS[outside].min() == pytest.approx(5.0)
    assert AXIS[outside].max() == pytest.approx(7.49)
    assert row.sum() == pytest.approx(0, abs=1e-9)
    assert window_row(AXIS, 6.4, 130.0, background=()).min() == 0


@pytest.mark.parametrize(
    ("windows", "words"),
    [((5.5, 5.0, 7.0, 7.5), "left to a larger right"), ((11, 12, 13, 14), "has no channel")],
)
def test_wrong_windows_are_sentences(windows, words):
    with pytest.raises(ParameterError, match=words):
        window_row(AXIS, 6.4, 130.0, background=windows)
