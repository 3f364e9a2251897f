"""Geometric Steps compose: one resampling from the measured pixels, whatever their number."""

import numpy as np
import pytest
from scipy import ndimage

import tomojupyter.api as tomo
from tomojupyter.steps import history

NY, NX = 40, 48


def spots(place_xy, n=3, sigma=2.0, level=0.0):
    """Return n images with one Gaussian spot at (x, y) each, on a vacuum of `level`."""
    rows, columns = np.mgrid[:NY, :NX]
    x, y = place_xy
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat((100 * spot + level)[None], n, axis=0).astype(np.float32)


def centres(images, level=0.0):
    """Return the (x, y) centres of mass of images."""
    found = [ndimage.center_of_mass(np.clip(image - level, 0, None)) for image in images]
    return np.array(found)[:, ::-1]


def records(signal):
    return history.read(signal)


@pytest.fixture
def spotted():
    return tomo.TomoStack(spots((20, 17)), [-10, 0, 10])


def test_a_point_goes_where_the_transforms_say(spotted):
    moved = (
        spotted.tilt_align("manual", shift=2.3, angle=4)
        .isig[3:, 2:36]
        .tilt_align("manual", shift=-0.7, angle=1.5)
    )
    expected = moved.transforms @ [20, 17, 1]
    # A cubic spline keeps the centre of a spot of 2 px to about 0.01 px.
    assert np.allclose(centres(moved.data), expected[:, :2], atol=0.03)
    assert np.abs(expected[0, :2] - [20, 17]).max() > 1


def test_a_point_follows_binning_too(spotted):
    moved = spotted.tilt_align("manual", shift=1.5, angle=3).bin(2).isig[1:]
    expected = (moved.transforms @ [20, 17, 1])[:, :2]
    assert np.allclose(centres(moved.data), expected, atol=0.05)


def test_composed_transforms_are_the_product_of_the_single_ones(spotted):
    steps = [
        lambda s: s.tilt_align("manual", shift=2.3, angle=4),
        lambda s: s.isig[3:, 2:36],
        lambda s: s.bin(2),
        lambda s: s.tilt_align("manual", shift=-0.7, angle=1.5),
    ]
    stack, product = spotted, np.eye(3)
    for do in steps:
        alone = tomo.TomoStack(stack.data, stack.tilts.data.ravel())
        product = do(alone).transforms @ product
        stack = do(stack)
    assert np.allclose(stack.transforms, product, atol=1e-9)


def test_registration_after_a_rotation_is_folded_back_exactly(series):
    turned = series.tilt_align("manual", shift=1, angle=5)
    registered = turned.stack_register("PC")
    found = np.array(records(registered)[-1]["scalars"]["shifts"])
    move = np.tile(np.eye(3), (13, 1, 1))
    move[:, 0, 2], move[:, 1, 2] = found[:, 1], found[:, 0]
    # The record holds the shifts to 4 digits.
    assert np.allclose(registered.transforms, move @ turned.transforms, atol=1e-4)
    assert registered.metadata.Tomography.tiltaxis == pytest.approx(5)


@pytest.mark.parametrize("n", [1, 4])
def test_any_number_of_geometric_steps_cost_one_resampling(spotted, n):
    stack = spotted
    for i in range(n):
        stack = stack.tilt_align("manual", shift=0.4, angle=0.3 * (i + 1)).isig[1:]
        assert stack._deferred
        assert records(stack)[-1]["resampled"] == 1
    assert np.array_equal(stack.source, spotted.data)
    # By reference: a series of steps costs no memory.
    assert np.shares_memory(stack._source.pixels, spotted.data)
    # The same in one interpolation from the raw pixels, by SciPy.
    inverse = np.linalg.inv(stack.transforms[0])
    linear, offset = inverse[:2, :2][::-1, ::-1], inverse[:2, 2][::-1]
    direct = ndimage.affine_transform(
        spotted.data[0], linear, offset, output_shape=stack.data.shape[1:], order=3, mode="nearest"
    )
    inside = stack.covered()[0]
    assert np.allclose(stack.data[0][inside], direct[inside], atol=1e-4)


def test_an_intensity_step_between_costs_one_more(spotted):
    once = spotted.tilt_align("manual", shift=0.5)
    filtered = once.filter("median", size=3)
    assert records(filtered)[-1]["resampled"] == 1
    twice = filtered.tilt_align("manual", shift=0.5)
    assert records(twice)[-1]["resampled"] == 2
    # Moves by whole pixels are copies and cost nothing.
    assert records(filtered.tilt_align("manual", shift=3))[-1]["resampled"] == 1
    assert records(spotted.tilt_align("manual", shift=3).isig[2:])[-1]["resampled"] == 0


def test_whole_moves_copy_pixels_exactly():
    pixels = np.random.default_rng(1).normal(size=(2, NY, NX)).astype(np.float32)
    stack = tomo.TomoStack(pixels, [0, 1], shifts=None)
    moved = stack.tilt_align("manual", shift=3)
    assert np.array_equal(moved.data[:, 3:], pixels[:, :-3])
    assert not moved.covered()[:, :3].any()
    assert moved.covered()[:, 3:].all()
    back = moved.tilt_align("manual", shift=-3)
    assert np.array_equal(back.data, pixels)


def test_half_moves_that_add_up_are_exact(spotted):
    moved = spotted.tilt_align("manual", shift=0.5).tilt_align("manual", shift=0.5)
    assert np.array_equal(moved.data[:, 1:], spotted.data[:, :-1])
    assert records(moved)[-1]["resampled"] == 0


def test_a_crop_keeps_the_source_so_that_a_shift_brings_measured_pixels(spotted):
    cropped = spotted.isig[:, 10:30]
    moved = cropped.tilt_align("manual", shift=5)
    assert np.array_equal(moved.data, spotted.data[:, 5:25])
    assert moved.covered().all()


def test_detach_forgets_the_source(spotted):
    cropped = spotted.isig[:, 10:30]
    cropped.detach()
    assert cropped.source.shape == (3, 20, NX)
    assert np.array_equal(cropped.source, spotted.data[:, 10:30])
    assert np.allclose(cropped.source_transforms, cropped.transforms)
    moved = cropped.tilt_align("manual", shift=5)
    assert not moved.covered()[:, :5].any()
    assert np.array_equal(moved.data[:, 5:], spotted.data[:, 10:25])
    half = spotted.tilt_align("manual", shift=0.5)
    half.detach()
    assert records(half.tilt_align("manual", shift=0.5))[-1]["resampled"] == 2


def test_uncovered_pixels_get_the_vacuum_level(tmp_path):
    stack = tomo.TomoStack(spots((20, 17), level=-5000), [-10, 0, 10])
    moved = stack.tilt_align("manual", shift=6.5, angle=3)
    empty = ~moved.covered()
    assert empty.any()
    assert np.isfinite(moved.data).all()
    # A hundredth of the contrast of 100.
    assert np.allclose(moved.data[empty], -5000, atol=1)
    # The mask is computed, so it survives a file without being stored.
    moved.save(tmp_path / "moved.hspy")
    assert np.array_equal(tomo.load(tmp_path / "moved.hspy").covered(), moved.covered())


def test_pixels_of_no_measured_one_stay_uncovered_after_a_filter(spotted, tmp_path):
    cropped = spotted.isig[:, 10:30].filter("median", size=1)
    moved = cropped.tilt_align("manual", shift=4)
    covered = moved.covered()
    assert not covered[:, :4].any()
    assert covered[:, 4:].all()
    # The source of a filtered series is narrower than what was acquired.
    filtered = moved.filter("median", size=1)
    assert np.array_equal(filtered.covered(), covered)
    assert np.array_equal((filtered * 2).covered(), covered)
    assert np.array_equal(filtered.inav[1:].covered(), covered[1:])
    filtered.save(tmp_path / "filtered.hspy")
    back = tomo.load(tmp_path / "filtered.hspy")
    assert np.array_equal(back.covered(), covered)
    assert not back.tilt_align("manual", shift=2).covered()[:, :6].any()
    # Row i shows row i + 8 of the 20 cropped ones.
    up = moved.isig[:, 6:].tilt_align("manual", shift=-6).covered()
    assert up[:, :12].all()
    assert not up[:, 12:].any()


def test_a_nan_spreads_over_its_own_footprint_at_most(spotted):
    whole = spotted.tilt_align("manual", shift=0.5, angle=2)
    spotted.data[1, 20, 30] = np.nan
    moved = spotted.tilt_align("manual", shift=0.5, angle=2)
    dead = ~np.isfinite(moved.data)
    assert not dead[[0, 2]].any()
    assert 1 <= dead[1].sum() <= 9
    x, y, _ = moved.transforms[1] @ [30, 20, 1]
    rows, columns = np.nonzero(dead[1])
    assert max(np.abs(rows - y).max(), np.abs(columns - x).max()) < 2
    far = np.ones((NY, NX), bool)
    far[int(y) - 8 : int(y) + 9, int(x) - 8 : int(x) + 9] = False
    assert np.allclose(moved.data[1][far], whole.data[1][far], atol=1e-3)


def test_a_nan_stays_one_pixel_in_a_whole_move(spotted):
    spotted.data[1, 20, 30] = np.nan
    dead = np.argwhere(np.isnan(spotted.tilt_align("manual", shift=2).data))
    assert dead.tolist() == [[1, 22, 30]]


def _in_place(signal):
    signal.data[...] *= 2
    return signal


def _assigned(signal):
    signal.data = signal.data * 2
    return signal


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: s * 2,
        lambda s: s.map(lambda image: image * 2, inplace=False, show_progressbar=False),
        _in_place,
        _assigned,
    ],
    ids=["times 2", "map", "in place", "assigned"],
)
def test_outside_edits_are_confessed_and_become_the_source(spotted, edit, operations):
    half = spotted.tilt_align("manual", shift=0.5)
    pixels = half.data.copy()
    edited = edit(half)
    moved = edited.tilt_align("manual", shift=3)
    assert operations(moved) == ["source", "tilt_align", "external", "tilt_align"]
    external = records(moved)[2]
    assert external["before"] == records(moved)[1]["after"]
    assert external["after"] == records(moved)[3]["before"]
    assert external["resampled"] == records(moved)[3]["resampled"] == 1
    assert np.array_equal(moved.data[:, 3:], 2 * pixels[:, :-3])


def test_writing_into_the_source_of_a_move_is_confessed(spotted, operations):
    """A move is put off and holds its source by reference, so what is written there shows."""
    cropped = spotted.isig[:, 4:]
    again = cropped.tilt_align("manual", shift=3)
    spotted.data[...] *= 2
    assert operations(again.filter("median", size=1)) == [
        "source", "trim", "tilt_align", "external", "filter",
    ]  # fmt: skip
    assert cropped.data.max() > 150
    assert operations(cropped) == ["source", "trim", "external"]
    assert operations(cropped.isig[1:]) == ["source", "trim", "external", "trim"]


def test_no_edit_no_confession(spotted, operations):
    moved = spotted.tilt_align("manual", shift=0.5)
    assert moved.data.any()
    again = moved.deepcopy().filter("median", size=3).isig[1:].copy()
    assert "external" not in operations(again.filter("sobel"))


def test_fourier_shifts_differ_from_the_spline_but_move_alike(spotted):
    cubic = spotted.stack_register("PC")
    ramp = spotted.stack_register("PC", shift_type="fourier")
    assert np.allclose(cubic.transforms, ramp.transforms)
    other = tomo.TomoStack(spots((20, 17)), [-10, 0, 10])
    shifted = tomo.TomoStack(spots((20, 17)), [-10, 0, 10], shifts=[[0.5, 0.3]] * 3)
    places = [centres(shifted.align_other(other, how).data)[0] for how in ("interp", "fourier")]
    assert np.allclose(places, [20.3, 17.5], atol=0.02)
