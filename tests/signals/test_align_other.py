"""The alignment of one series set on another of the same field: binned, cropped, turned."""

import numpy as np
import pytest
from scipy import ndimage

import tomojupyter.api as tomo
from tomojupyter.errors import DataError
from tomojupyter.steps import history

NY, NX, PIXEL = 48, 64, 2.0
SHIFTS = np.array([[1.5, -2.25], [0, 0], [-3, 0.5]])


def scene(ny, nx, pixel, left=0.0, top=0.0):
    """Return 3 images of spots at fixed places (nm), from the field's corner at (left, top)."""
    x = left + (np.arange(nx) + 0.5) * pixel
    y = top + (np.arange(ny) + 0.5) * pixel
    places = [(30.0, 25.0), (85.0, 40.0), (60.0, 70.0)]
    image = sum(np.exp(-((x - a) ** 2 + (y[:, None] - b) ** 2) / (2 * 7.0**2)) for a, b in places)
    return np.repeat(image[None], 3, axis=0).astype(np.float32)


def stack_of(images, pixel, left=0.0, top=0.0, tilts=(-10, 0, 10)):
    stack = tomo.TomoStack(images, list(tilts))
    x, y = stack.axes_manager.signal_axes
    x.scale = y.scale = pixel
    x.units = y.units = "nm"
    x.offset, y.offset = left, top
    return stack


@pytest.fixture
def aligned():
    """A series shifted, turned and cropped, to be the model of others."""
    stack = tomo.TomoStack(scene(NY, NX, PIXEL), [-10, 0, 10], shifts=SHIFTS)
    for axis in stack.axes_manager.signal_axes:
        axis.scale, axis.units = PIXEL, "nm"
    return stack.tilt_align("manual", shift=2, angle=3).isig[6:58, 5:45]


def ours(aligned):
    """Return the pixels that the alignment gives of our own raw images."""
    raw = stack_of(scene(NY, NX, PIXEL), PIXEL)
    return aligned.align_other(raw)


def test_the_same_field_gets_the_same_transforms(aligned):
    moved = ours(aligned)
    assert np.allclose(moved.transforms, aligned.transforms)
    assert moved.data.shape == aligned.data.shape
    assert np.allclose(moved.shifts.data, aligned.shifts.data)
    assert history.read(moved)[-1]["resampled"] == 1


@pytest.mark.parametrize(("factor", "tolerance"), [(2, 0.06), (0.5, 0.01)])
def test_another_binning_shows_the_same_field(aligned, factor, tolerance):
    pixel = PIXEL * factor
    other = stack_of(scene(round(NY / factor), round(NX / factor), pixel), pixel)
    moved = aligned.align_other(other)
    assert moved.axes_manager["x"].scale == pytest.approx(pixel)
    assert moved.data.shape[1:] == (round(40 / factor), round(52 / factor))
    reference = ours(aligned)
    # A quarter of a coarse pixel off would be a difference of 0.09 at the flanks of the spots;
    # the coarse images are sampled at 1.75 px per sigma and magnified, which costs the rest.
    scaled = ndimage.zoom(moved.data, (1, factor, factor), order=3, grid_mode=True, mode="nearest")[
        :, : reference.data.shape[1], : reference.data.shape[2]
    ]
    inside = reference.covered() & (reference.data > 0.05)
    assert np.abs(scaled - reference.data)[inside].max() < tolerance


def test_a_binned_series_gives_its_alignment_to_a_fine_one():
    coarse = stack_of(scene(NY // 2, NX // 2, 2 * PIXEL), 2 * PIXEL)
    aligned = coarse.tilt_align("manual", shift=1.5, angle=3)
    fine = aligned.align_other(stack_of(scene(NY, NX, PIXEL), PIXEL))
    direct = stack_of(scene(NY, NX, PIXEL), PIXEL).tilt_align("manual", shift=3, angle=3)
    assert np.allclose(fine.transforms, direct.transforms, atol=1e-9)
    assert np.array_equal(fine.data, direct.data)


def test_software_binning_is_the_same_as_hardware_binning(aligned):
    raw = stack_of(scene(NY, NX, PIXEL), PIXEL)
    binned = raw.bin(2)
    moved = aligned.align_other(binned)
    assert moved.data.shape[1:] == (20, 26)
    direct = ours(aligned).bin(2)
    inside = direct.covered() & moved.covered()
    # Binning before or after one interpolation: equal to a few per cent of the peak of 1.
    assert np.abs(moved.data - direct.data)[inside].max() < 0.03


def test_a_cropped_series_lies_where_its_offsets_say(aligned):
    left, top = 10 * PIXEL, 8 * PIXEL
    part = stack_of(scene(30, 40, PIXEL, left, top), PIXEL, left, top)
    moved = aligned.align_other(part)
    reference = ours(aligned)
    assert moved.data.shape == reference.data.shape
    inside = moved.covered()
    assert 0.3 < inside.mean() < 1
    # Away from the edges, where a spline knows less.
    inside = np.stack([ndimage.binary_erosion(m, iterations=3) for m in inside])
    assert np.abs(moved.data - reference.data)[inside].max() < 0.01


def test_a_slice_of_the_other_series_is_known_by_its_transforms(aligned):
    raw = stack_of(scene(NY, NX, PIXEL), PIXEL)
    moved = aligned.align_other(raw.isig[4:50, 3:40])
    # The crop keeps its source: nothing is lost.
    assert np.array_equal(moved.data, ours(aligned).data)


def test_the_alignment_is_set_not_added(aligned):
    turned = stack_of(scene(NY, NX, PIXEL), PIXEL).tilt_align("manual", shift=-4, angle=11)
    once = aligned.align_other(turned)
    twice = aligned.align_other(once)
    assert np.allclose(once.transforms, aligned.transforms)
    assert np.allclose(twice.transforms, aligned.transforms)
    assert np.array_equal(once.data, ours(aligned).data)


def test_the_record_replays_alone(aligned):
    raw = stack_of(scene(NY, NX, PIXEL), PIXEL)
    moved = aligned.align_other(raw)
    recipe = tomo.Recipe.from_yaml(tomo.Recipe.of(moved).to_yaml())
    assert np.array_equal(recipe.run(raw).data, moved.data)
    with pytest.raises(DataError, match="the alignment is for 3 projections, this stack has 2"):
        tomo.Recipe(recipe.entries).run(raw.inav[1:])


def test_neither_series_is_touched(aligned, timeless):
    raw = stack_of(scene(NY, NX, PIXEL), PIXEL)
    pixels, records = raw.data.copy(), timeless(aligned)
    aligned.align_other(raw)
    assert np.array_equal(raw.data, pixels)
    assert history.read(raw) == []
    assert timeless(aligned) == records


@pytest.mark.parametrize(
    ("tilts", "sentence"),
    [
        ((-10, 0, 12), r"the tilts differ, first at projection #2: 10\.00° and 12\.00°"),
        ((-10, 10, 0), r"the tilts differ, first at projection #1: 0\.00° and 10\.00°"),
    ],
)
def test_other_tilts_are_refused(aligned, tilts, sentence):
    other = stack_of(scene(NY, NX, PIXEL), PIXEL, tilts=tilts)
    with pytest.raises(DataError, match=sentence):
        aligned.align_other(other)


def test_another_number_of_projections_is_refused(aligned):
    other = stack_of(scene(NY, NX, PIXEL), PIXEL).inav[:2]
    with pytest.raises(DataError, match=r"has 3 projections, the other 2: leave the same ones out"):
        aligned.align_other(other)


def test_foreign_fields_are_refused(aligned):
    away = stack_of(scene(20, 20, PIXEL), PIXEL, left=500.0)
    with pytest.raises(DataError, match="no common field of view: check the axis offsets"):
        aligned.align_other(away)


def test_other_units_and_stretched_pixels_are_refused(aligned):
    other = stack_of(scene(NY, NX, PIXEL), PIXEL)
    other.axes_manager["x"].units = other.axes_manager["y"].units = "µm"
    with pytest.raises(DataError, match=r"different units \(nm and µm\): use set_scale"):
        aligned.align_other(other)
    flat = stack_of(scene(NY, NX // 2, PIXEL), PIXEL)
    flat.axes_manager["x"].scale = 2 * PIXEL
    with pytest.raises(DataError, match="the pixel sizes differ by 2 along x but 1 along y"):
        aligned.align_other(flat)


def test_what_is_no_series_is_refused(aligned):
    with pytest.raises(DataError, match="align_other works on a TomoStack, got a Signal2D"):
        aligned.align_other(aligned._plain())


def test_almost_square_pixels_share_their_middle(aligned):
    # 63 columns of the same field: the ratio differs by 1.6 % along x, within one coarse pixel.
    other = stack_of(scene(NY, NX, PIXEL), PIXEL)
    narrow = stack_of(other.data[:, :, :-1].copy(), PIXEL)
    with pytest.raises(DataError, match="the pixel sizes differ"):
        aligned.align_other(narrow)
    wide = stack_of(np.repeat(np.repeat(other.data, 3, 1), 3, 2)[:, :, :-1], PIXEL / 3)
    moved = aligned.align_other(wide)
    assert moved.transforms[0, 0, 0] == pytest.approx(moved.transforms[0, 1, 1])
