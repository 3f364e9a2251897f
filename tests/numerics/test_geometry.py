"""Frames against matrices written out by hand, and the one interpolator."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import (
    Frame,
    centre,
    common_box,
    covered,
    diagonal,
    is_copy,
    resample,
    rotation,
    translation,
)

SHAPE = (21, 34)
SHIFTS = np.array([[0.0, 0.0], [2.5, -1.25], [-4.0, 3.0]])


@pytest.fixture
def frame():
    return Frame.identity(3, SHAPE)


def texture(shape, seed=0, smooth=2.0):
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), smooth)


def test_centre_is_between_the_middle_pixels_of_an_even_axis():
    assert [centre(n) for n in (1, 4, 5)] == [0, 1.5, 2]


def test_positive_angle_turns_x_towards_y_about_the_centre():
    turn = rotation(90, (5, 7))
    assert turn @ [3, 2, 1] == pytest.approx([3, 2, 1])
    assert turn @ [4, 2, 1] == pytest.approx([3, 3, 1])


def test_registered_shifts_acquired_pixels(frame):
    moved = frame.registered(SHIFTS).transforms
    for matrix, (dy, dx) in zip(moved, SHIFTS, strict=True):
        assert np.allclose(matrix, translation(dx, dy))


def test_registrations_add_up(frame):
    assert np.allclose(frame.registered(SHIFTS).registered(SHIFTS[::-1]).shifts[0], [-4, 3])


def test_tilted_rotates_then_moves_in_y(frame):
    matrix = frame.tilted(30, 2.5).transforms[0]
    assert np.allclose(matrix, translation(0, 2.5) @ rotation(30, SHAPE))


def test_tilted_twice_is_composed_and_not_added(frame):
    twice = frame.tilted(10, 3.0).tilted(-4, -1.5)
    by_hand = translation(0, -1.5) @ rotation(-4, SHAPE) @ translation(0, 3.0) @ rotation(10, SHAPE)
    assert np.allclose(twice.transforms[0], by_hand)
    assert twice.tiltaxis == pytest.approx(6)
    # The sum of the parts would leave x alone and move y by 1.5.
    assert abs(twice.xshift) > 0.1


def test_registration_after_a_rotation_moves_current_pixels(frame):
    turned = frame.tilted(20, 1.0)
    for before, after, (dy, dx) in zip(
        turned.transforms, turned.registered(SHIFTS).transforms, SHIFTS, strict=True
    ):
        assert np.allclose(after, translation(dx, dy) @ before)


def test_everything_composes_as_matrices_do(frame):
    ours = (
        frame.registered(SHIFTS)
        .tilted(7, -2)
        .cropped(3, 31, 2, 20)
        .binned(2, 2)
        .registered(SHIFTS[::-1])
        .tilted(-3, 1)
    )
    crop = translation(-3, -2)
    halve = diagonal((0.5, 0.5), (-0.25, -0.25))
    small = (9, 14)
    assert ours.shape == small
    for i in range(3):
        by_hand = (
            translation(0, 1)
            @ rotation(-3, small)
            @ translation(*SHIFTS[2 - i, ::-1])
            @ halve
            @ crop
            @ translation(0, -2)
            @ rotation(7, SHAPE)
            @ translation(*SHIFTS[i, ::-1])
        )
        assert np.allclose(ours.transforms[i], by_hand)


def test_binning_maps_the_middle_of_a_block_to_its_pixel(frame):
    binned = frame.binned(3, 2)
    assert binned.shape == (7, 17)
    assert binned.transforms[0] @ [0.5, 1, 1] == pytest.approx([0, 0, 1])
    assert binned.transforms[0] @ [6.5, 10, 1] == pytest.approx([3, 3, 1])


def test_rotation_of_unequally_binned_images_is_refused(frame):
    with pytest.raises(ParameterError, match="binned differently"):
        frame.binned(1, 2).tilted(1.0, 0)
    assert np.allclose(frame.binned(1, 2).tilted(0, 2).transforms[0] @ [0.5, 0, 1], [0, 2, 1])


def test_selected_keeps_the_chosen_projections(frame):
    chosen = frame.registered(SHIFTS).tilted(3, 0).selected([2, 0])
    assert np.allclose(chosen.shifts, SHIFTS[[2, 0]])
    assert chosen.tiltaxis == pytest.approx(3)


def test_transferred_alignment_puts_the_same_place_at_the_same_pixel(frame):
    ours = frame.registered(SHIFTS).tilted(5, 2).cropped(4, 30, 3, 19)
    # The other was acquired with half as many pixels on the same field, edge to edge.
    to_ours = diagonal((2.0, 2.0), (0.5, 0.5))
    theirs = ours.transferred((11, 17), to_ours, (1.0, 1.0))
    assert theirs.shape == (8, 13)
    for i in range(3):
        for point in ([3, 4, 1], [10, 2, 1], [0, 9, 1]):
            mine = ours.transforms[i] @ to_ours @ point
            other = theirs.transforms[i] @ point
            # A pixel of theirs covers two of ours, edges at -0.5.
            assert (other[:2] + 0.5) * 2 - 0.5 == pytest.approx(mine[:2])


def test_transferred_to_itself_is_itself(frame):
    ours = frame.registered(SHIFTS).tilted(5, 2)
    again = ours.transferred(SHAPE, np.eye(3), (1.0, 1.0))
    assert again.shape == SHAPE
    assert np.allclose(again.transforms, ours.transforms)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_whole_shifts_copy_pixels_exactly(dtype):
    images = np.random.default_rng(0).integers(0, 200, (1, *SHAPE)).astype(dtype)
    out = resample(images, translation(3, -2)[None], SHAPE, fill=-7)
    assert out.dtype == np.float32
    assert np.array_equal(out[0, :-2, 3:], images[0, 2:, :-3])
    assert (out[0, -2:] == -7).all()
    assert (out[0, :, :3] == -7).all()


def test_shift_out_of_the_field_leaves_the_fill():
    out = resample(np.ones((1, 4, 5)), translation(9, 0)[None], (4, 5), fill=2)
    assert (out == 2).all()


def test_input_is_not_modified():
    images = texture((2, *SHAPE)).astype(np.float32)
    images[0, 3, 3] = np.nan
    before = images.copy()
    resample(images, Frame.identity(2, SHAPE).tilted(3, 0.5).transforms, SHAPE)
    assert np.array_equal(images, before, equal_nan=True)


@pytest.mark.parametrize(("shift_type", "tolerance"), [("interp", 2e-3), ("fourier", 2e-3)])
def test_subpixel_shift_agrees_with_the_function_itself(shift_type, tolerance):
    rows, columns = np.mgrid[:48, :64].astype(float)

    def wave(y, x):
        return np.exp(-(((y - 24) / 5) ** 2) - ((x - 30) / 7) ** 2)

    out = resample(
        wave(rows, columns)[None], translation(2.3, -1.6)[None], (48, 64), shift_type=shift_type
    )[0]
    # The vacuum that moves in is vacuum.
    assert np.abs(out - wave(rows + 1.6, columns - 2.3)).max() < tolerance


def test_rotation_agrees_with_the_function_itself():
    rows, columns = np.mgrid[:48, :64].astype(float)

    def bump(y, x):
        return np.exp(-(((y - 20) / 5) ** 2) - ((x - 40) / 7) ** 2)

    matrix = translation(0, 1.5) @ rotation(12, (48, 64))
    back = np.linalg.inv(matrix)
    y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
    x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
    out = resample(bump(rows, columns)[None], matrix[None], (48, 64))[0]
    inside = covered(matrix[None], (48, 64), (48, 64))[0]
    assert np.abs(out - bump(y, x))[inside].max() < 2e-3
    assert (out[~inside] == 0).all()


def test_a_far_or_cropped_fourier_shift_falls_back_to_the_spline():
    image = texture((1, 40, 40))
    for matrix, shape in ((translation(17.5, 0), (40, 40)), (translation(1.5, 0), (30, 40))):
        both = [
            resample(image, matrix[None], shape, shift_type=kind) for kind in ("interp", "fourier")
        ]
        assert np.array_equal(*both)


def test_a_far_vacuum_level_stays_level():
    image = np.full((1, 20, 20), -31882.0)
    out = resample(image, translation(0.4, 0.7)[None], (20, 20), fill=-31882)
    assert np.allclose(out, -31882, atol=0.02)


def test_nan_spreads_over_its_own_footprint_only():
    image = texture((1, 20, 24)).astype(np.float32)
    whole = resample(image, translation(0.5, 0.5)[None], (20, 24))
    image[0, 10, 12] = np.nan
    out = resample(image, translation(0.5, 0.5)[None], (20, 24))
    lost = np.argwhere(np.isnan(out[0]))
    assert sorted(map(tuple, lost)) == [(10, 12), (10, 13), (11, 12), (11, 13)]
    # The live pixels next to it interpolate a guess instead of it: near the truth.
    assert np.nanmax(np.abs(out - whole)) < 0.1 * np.ptp(whole)


def test_dead_image_stays_dead():
    out = resample(np.full((1, 8, 8), np.nan), translation(0.5, 0)[None], (8, 8))
    assert np.isnan(out[0, :, 1:]).all()


def test_covered_ends_at_the_edge_of_the_last_pixel():
    mask = covered(np.stack([translation(0.5, 0), translation(0.6, -1)]), (4, 6), (4, 6))
    assert mask[0].all()
    assert not mask[1, :, 0].any()
    assert not mask[1, -1].any()
    assert mask[1, :-1, 1:].all()


def test_is_copy_wants_a_whole_translation():
    assert is_copy(translation(3, -2))
    assert not is_copy(translation(0.5, 0))
    assert not is_copy(rotation(1, (5, 5)))


def test_common_box_after_shifts_cuts_each_axis_by_its_own_shift():
    moves = np.stack([translation(3, 0), translation(-2, 5)])
    assert common_box(covered(moves, (20, 30), (20, 30))) == (3, 28, 5, 20)


def test_common_box_with_shifts_of_one_sign_is_not_empty():
    moves = np.stack([translation(3, 2), translation(1, 4)])
    assert common_box(covered(moves, (20, 30), (20, 30))) == (3, 30, 4, 20)


def test_common_box_after_a_rotation_holds_covered_pixels_only():
    mask = covered(rotation(8, (60, 90))[None], (60, 90), (60, 90))
    left, right, top, bottom = common_box(mask)
    assert mask[0, top:bottom, left:right].all()
    assert (right - left) * (bottom - top) > 0.6 * 60 * 90


@pytest.mark.parametrize(("row", "kept"), [(3, (0, 12, 4, 20)), (16, (0, 12, 0, 16))])
def test_common_box_avoids_a_hole(row, kept):
    mask = np.ones((1, 20, 12), bool)
    mask[0, row, 6] = False
    assert common_box(mask) == kept


def test_common_box_of_nothing_is_refused():
    with pytest.raises(ParameterError, match="no pixel is covered"):
        common_box(np.zeros((2, 5, 5), bool))
