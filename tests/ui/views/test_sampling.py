from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tomojupyter.errors import DataError
from tomojupyter.ui.views.sampling import (
    COLOUR_MAPS,
    NO_VALUE,
    area_mean,
    as_picture,
    binning,
    colour_table,
    encode,
    percentiles,
)


def decoded(codes):
    values = codes.offset + codes.codes.astype(np.float64) * codes.scale
    return np.where(codes.codes == NO_VALUE, np.nan, values)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
def test_whole_numbers_come_back_exactly(dtype):
    info = np.iinfo(dtype)
    first = max(info.min, -32000) if info.min else info.max - min(info.max, 60000)
    last = min(info.max, first + 65534)
    values = np.linspace(first, last, 1200).astype(dtype).reshape(30, 40)
    values[0, 0], values[-1, -1] = first, last
    codes = encode(values, percentiles(values))
    assert codes.whole
    np.testing.assert_array_equal(decoded(codes), values)


def test_integers_that_span_more_than_16_bit_are_not_called_whole():
    values = np.array([[0, 65535], [70000, 5]], np.int32)
    codes = encode(values, percentiles(values))
    assert not codes.whole
    np.testing.assert_allclose(decoded(codes), values, atol=0.5 * codes.scale + 1e-9)


@given(hnp.arrays(np.float64, (7, 9), elements=st.floats(-1e6, 1e6)))
def test_floats_come_back_within_half_a_code(values):
    auto = percentiles(values)
    codes = encode(values, auto)
    reach = 50 * (auto[1] - auto[0])
    clipped = np.clip(values, auto[0] - reach, auto[1] + reach)
    np.testing.assert_allclose(decoded(codes), clipped, atol=0.5001 * codes.scale)


def test_nan_and_infinity_have_no_value():
    values = np.array([[np.nan, 1.0], [np.inf, 3.0]])
    back = decoded(encode(values, percentiles(values)))
    assert np.isnan(back[:, 0]).all()
    np.testing.assert_allclose(back[:, 1], [1, 3], atol=1e-4)


def test_one_hot_pixel_does_not_take_the_grey_levels():
    values = np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)
    values[5, 5] = 1e9
    codes = encode(values, percentiles(values))
    assert codes.scale < 0.01


def test_percentiles_ignore_nan_and_extremes():
    values = np.linspace(0, 1000, 100_000).reshape(250, 400)
    values[0, :10] = np.nan
    values[-1, -1] = 1e12
    lo, hi = percentiles(values)
    assert (lo, hi) == pytest.approx((5, 995), abs=3)


def test_percentiles_of_constant_and_of_nothing():
    assert percentiles(np.full((4, 4), 7.0)) == (6.5, 7.5)
    assert percentiles(np.full((4, 4), np.nan)) == (0.0, 1.0)


def test_percentiles_of_a_few_bright_pixels_reach_them():
    values = np.zeros((100, 100))
    values[50, 50] = 9
    assert percentiles(values) == (0.0, 9.0)


@pytest.mark.parametrize(
    ("length", "screen", "factor"),
    [(512, 0, 1), (512, 400, 1), (1024, 1024, 1), (2048, 0, 2), (2048, 600, 3), (4096, 4096, 4)],
)
def test_binning_is_never_coarser_than_the_screen(length, screen, factor):
    assert binning(length, screen) == factor


def test_area_mean_gives_nan_weight_zero_and_keeps_the_edges():
    values = np.arange(20, dtype=np.int16).reshape(4, 5).astype(float)
    values[0, 0] = np.nan
    values[2:, 4] = np.nan
    mean = area_mean(values, 2)
    assert mean.shape == (2, 3)
    assert mean[0, 0] == pytest.approx((1 + 5 + 6) / 3)
    assert mean[0, 2] == pytest.approx((4 + 9) / 2)
    assert np.isnan(mean[1, 2])


def test_area_mean_of_infinities_of_both_signs_is_that_of_the_rest():
    values = np.array([[np.inf, -np.inf], [3, 5]], np.float32)
    assert area_mean(values, 2) == pytest.approx(4)


def test_area_mean_of_colours_keeps_them_apart():
    colours = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    mean = area_mean(colours, 2)
    np.testing.assert_allclose(mean[0, 0], colours[:2, :2].mean((0, 1)))
    np.testing.assert_allclose(mean[2, 1], colours[4:, 2:].mean((0, 1)))


def test_area_mean_of_one_is_the_picture_itself():
    values = np.ones((3, 3))
    assert area_mean(values, 1) is values


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros(4), "2 dimensions"),
        (np.zeros((2, 2, 2)), "choose one slice"),
        (np.zeros((2, 2), complex), "abs"),
    ],
)
def test_what_cannot_be_shown_is_said(bad, words):
    with pytest.raises(DataError, match=words):
        as_picture(bad)


def test_colour_maps_have_256_entries_and_berlin_a_dark_centre():
    tables = {
        name: np.frombuffer(colour_table(name), np.uint8).reshape(256, 3) for name in COLOUR_MAPS
    }
    brightness = tables["berlin"].sum(1)
    assert brightness[128] < min(brightness[0], brightness[255]) / 2
    np.testing.assert_array_equal(tables["gray"][:, 0], np.arange(256))
    with pytest.raises(DataError, match="jetty"):
        colour_table("jetty")


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_values_too_close_to_zero_for_a_scale_are_one_value(kind):
    span = 60_000 * np.finfo(kind).tiny / 1000
    codes = encode(np.linspace(0, span, 12, dtype=kind).reshape(3, 4), (0.0, span))
    assert (codes.codes == 0).all()
    assert codes.scale == 1
