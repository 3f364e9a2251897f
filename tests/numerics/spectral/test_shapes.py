"""Shapes of lines and backgrounds in a spectrum."""

import numpy as np
import pytest

from tomojupyter.numerics.spectral.shapes import (
    bremsstrahlung,
    family_shape,
    hats,
    line_shape,
    width_at,
)

AXIS = 0.01 * np.arange(1024)


def test_a_line_has_the_stated_width_and_all_of_its_counts():
    shape = line_shape(AXIS, 5.8987, 130.0)
    assert shape.sum() == pytest.approx(1, abs=1e-9)
    above = AXIS[shape > shape.max() / 2]
    assert above[-1] - above[0] == pytest.approx(0.130, abs=0.011)  # a channel is 0.01 wide
    assert width_at(5.8987, 140.0) == pytest.approx(0.140)
    assert width_at(0.5, 130.0) < 0.06


def test_a_channel_as_wide_as_the_line_still_gets_its_counts():
    coarse = 0.2 * np.arange(50)
    assert line_shape(coarse, 1.74).sum() == pytest.approx(1, abs=1e-9)
    # It is 0.08 wide: what lies below 1.7, 1.2 sigmas off, is in the channel at 1.6.
    assert line_shape(coarse, 1.74)[8:10] == pytest.approx([0.11, 0.89], abs=0.02)


def test_a_family_is_its_lines_in_their_ratio():
    shape = family_shape(AXIS, [7.478, 8.265], [1.0, 0.25])
    assert shape.sum() == pytest.approx(1)
    assert shape[AXIS < 7.87].sum() == pytest.approx(0.8, abs=1e-3)


def test_hats_add_up_to_one_and_are_wider_than_lines():
    made = hats(AXIS)
    assert np.allclose(made.sum(0), 1)
    assert (made >= 0).all()
    centres = AXIS[made.argmax(1)]
    inner = centres[(centres > 0.1) & (centres < 10)]
    assert (np.diff(inner) > 0.6 * width_at(inner[:-1])).all()


def test_bremsstrahlung_falls_with_energy_above_the_window():
    shape = bremsstrahlung(AXIS)
    assert shape.sum() == pytest.approx(1)
    assert (np.diff(shape[AXIS > 0.7]) < 0).all()
    assert shape[AXIS < 0.1].sum() < 1e-6
