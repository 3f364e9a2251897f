"""Band-pass against cosines, Gaussian and taper against SciPy and arithmetic."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.images.smoothing import band_pass, gaussian, taper

SHAPES = [(32, 32), (31, 47), (1, 9), (2, 3)]
FILTERS = [lambda a: band_pass(a, 4, 9), lambda a: gaussian(a, 1.5), lambda a: taper(a, 0.2)]


def cosine(n, k):
    """Return a wave of k half periods that fits a mirrored row of n pixels."""
    return np.cos(np.pi * k * (np.arange(n) + 0.5) / n)


@pytest.mark.parametrize("k", [1, 4, 9, 20, 39])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_is_passed_by_its_period(k, axis):
    wave = cosine(40, k)
    images = np.broadcast_to(wave[:, None] if axis == 0 else wave, (2, 40, 40))
    pixel = (0.5, 2.0)
    period = 2 * 40 / k * pixel[axis]
    expected = 1 / (1 + (6 / period) ** 3) * (1 - 1 / (1 + (12 / period) ** 3))
    passed = band_pass(images, 6, 12, pixel)
    assert passed.dtype == np.float32
    assert np.allclose(passed, expected * images, atol=1e-6)


def test_the_limits_are_where_half_is_left():
    far = band_pass(np.broadcast_to(cosine(64, 16), (64, 64)), 8, 1e9)
    assert np.abs(far).max() == pytest.approx(0.5 * np.abs(cosine(64, 16)).max(), rel=1e-3)


def test_a_large_offset_is_taken_off_and_costs_nothing():
    image = np.random.default_rng(0).normal(size=(33, 50)).astype(np.float32)
    with_offset = band_pass(image.astype(np.float64) + 30000, 5, 12)
    assert np.abs(with_offset - band_pass(image, 5, 12)).max() < 2e-3
    assert abs(with_offset.mean()) < 1e-5


def test_opposite_edges_do_not_run_into_each_other():
    image = np.zeros((32, 32))
    image[:, 30:] = 100
    assert np.abs(band_pass(image, 4, 8)[:, :6]).max() < 0.5
    assert np.abs(gaussian(image, 2)[:, :6]).max() == 0


@pytest.mark.parametrize("dtype", ["u1", "i2", ">u2", "i8", "f4", "f8", "?"])
@pytest.mark.parametrize("apply", FILTERS)
def test_any_type_and_the_input_stays(dtype, apply):
    images = (np.random.default_rng(0).random((2, 12, 15)) * 2).astype(dtype)
    before = images.copy()
    result = apply(images)
    assert result.dtype == np.float32
    assert np.allclose(result, apply(images.astype("f8")), atol=1e-6)
    assert np.array_equal(images, before)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("apply", FILTERS)
def test_any_size_is_kept(shape, apply):
    assert apply(np.random.default_rng(0).random((3, *shape))).shape == (3, *shape)


@pytest.mark.parametrize("apply", FILTERS)
def test_nan_stays_where_it_is(apply):
    images = np.random.default_rng(0).random((2, 20, 24))
    images[0, 5, 6] = np.nan
    images[1] = np.nan
    result = apply(images)
    assert np.argwhere(np.isnan(result[0])).tolist() == [[5, 6]]
    assert np.isnan(result[1]).all()


def test_gaussian_is_scipys_and_fills_in_for_nan():
    image = np.random.default_rng(0).random((20, 24))
    assert np.allclose(gaussian(image, 1.3), ndimage.gaussian_filter(image, 1.3), atol=1e-6)
    flat = np.full((9, 9), 7.0)
    flat[4, 4] = flat[0, 0] = np.nan
    smooth = gaussian(flat, 2)
    assert np.allclose(smooth[np.isfinite(flat)], 7)


def test_taper_fades_to_the_mean_and_leaves_the_middle():
    image = np.random.default_rng(0).random((40, 60))
    faded = taper(image, 0.25)
    assert np.array_equal(faded[10:30, 15:45], image[10:30, 15:45].astype("f4"))
    edge = np.concatenate([faded[0], faded[-1], faded[:, 0], faded[:, -1]])
    assert np.abs(edge - image.mean()).max() < 0.01
    assert np.array_equal(taper(image, 0), image.astype("f4"))
    # Half way into the border half of the difference is left.
    assert taper(np.pad(np.ones((1, 40)), ((20, 20), (0, 0))), 0.5).shape == (41, 40)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: band_pass(a, 9, 4), "smallest must be above 0 and below largest, got 9 and 4"),
        (lambda a: band_pass(a, 0, 4), "above 0"),
        (lambda a: gaussian(a, -1), "sigma must be at least 0 px, got -1"),
        (lambda a: taper(a, 0.6), "from 0 to 0.5 of the image, got 0.6"),
    ],
)
def test_wrong_values_are_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        call(np.ones((4, 4)))


def test_other_arrays_are_refused():
    with pytest.raises(DataError, match=r"axes \(..., y, x\)"):
        gaussian(np.ones(4), 1)
    with pytest.raises(DataError, match="complex128"):
        band_pass(np.ones((4, 4), complex), 2, 3)
