"""How a tilt axis comes to x: a quarter turn where it lies near y, and a rest below 45 degrees."""

import numpy as np
import pytest

from tomojupyter.numerics.alignment.axis_angle import to_tilt_axis
from tomojupyter.numerics.geometry import Frame, quarter_turn


@pytest.mark.parametrize("angle", [*np.arange(-360, 361, 7.5), 44.9, 45.1, -44.9, -45.1])
def test_the_axis_comes_to_x(angle):
    turns, rest = to_tilt_axis(angle)
    frame = Frame.identity(1, (20, 31)).turned(turns).tilted(rest, 0)
    a = np.radians(angle)
    axis = frame.transforms[0][:2, :2] @ [-np.sin(a), np.cos(a)]  # from y, turning x towards y
    assert abs(axis[1]) < 1e-9
    assert abs(rest) <= 45
    near_y = abs(np.cos(a)) > np.cos(np.pi / 4) + 1e-9
    assert turns == (-1 if near_y else turns)
    assert (turns == 0) or abs(np.cos(a)) > np.cos(np.pi / 4) - 1e-9


@pytest.mark.parametrize("turns", range(-4, 5))
def test_quarter_turns_fill_the_turned_image(turns):
    matrix = quarter_turn(turns, (4, 7))
    shape = (7, 4) if turns % 2 else (4, 7)
    rows, columns = np.mgrid[:4, :7]
    x, y, _ = matrix @ np.stack([columns.ravel(), rows.ravel(), np.ones(28)])
    assert sorted(zip(y, x, strict=True)) == [
        (r, c) for r in range(shape[0]) for c in range(shape[1])
    ]


@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_a_turn_is_folded_into_the_normal_form(turns):
    frame = Frame.identity(3, (20, 31)).registered([[0, 0], [1.5, -2], [3, 0.25]])
    frame = frame.tilted(3.0, 1.25).cropped(2, 25, 3, 18).binned(2, 2)
    turned = frame.turned(turns)
    expected = quarter_turn(turns, frame.shape) @ frame.transforms
    assert np.allclose(turned.transforms, expected, rtol=0, atol=1e-9)
    assert turned.tiltaxis == pytest.approx(3.0)
    assert turned.shape == (frame.shape[::-1] if turns % 2 else frame.shape)
    back = turned.turned(-turns)
    assert np.allclose(back.transforms, frame.transforms, rtol=0, atol=1e-9)
    assert back.turns == 0
