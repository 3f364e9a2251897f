"""Filters, backgrounds and normalisations as methods of a series."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images import filters, smoothing
from tomojupyter.steps import REGISTRY, history

METHODS = [(o, m) for o in ("filter", "background", "normalise") for m in REGISTRY[o]]


@pytest.mark.parametrize(("operation", "method"), METHODS)
@pytest.mark.parametrize("dtype", ["u1", "f8"])
def test_any_type_and_odd_sizes_keep_size_and_axes(series, operation, method, dtype):
    # ETSpy pads the images, which leaves its axes stale, and its bpf needs them to be square.
    pixels = np.round(series.data / series.data.max() * 200).astype(dtype)
    odd = tomo.TomoStack(pixels[:, 2:-1, :-1], series.tilts.data.ravel())
    result = getattr(odd, operation)(method)
    assert result.data.dtype == np.float32
    assert result.data.shape == odd.data.shape == (13, 21, 31)
    assert [a.size for a in result.axes_manager._axes] == [13, 21, 31]
    assert result.axes_manager._get_axes_dicts() == odd.axes_manager._get_axes_dicts()
    as_floats = tomo.TomoStack(odd.data.astype("f4"), odd.tilts.data.ravel())
    plain = getattr(as_floats, operation)(method)
    if method != "despike":  # which takes one count more of whole numbers for no spike
        assert np.allclose(result.data, plain.data, atol=1e-3)


def test_sobel_of_unsigned_integers_does_not_wrap_around():
    step = np.zeros((3, 6, 8), np.uint8)
    step[:, :, 4:] = 200
    edges = tomo.TomoStack(step, [-5, 0, 5]).filter("sobel")
    assert edges.data[0, 3, 3] == edges.data[0, 3, 4] == 800
    assert edges.data[0, 3, 1] == 0


def test_both_is_median_and_sobel(series):
    expected = filters.sobel(filters.median(series.data, 3))
    assert np.allclose(series.filter("both", 3).data, expected)


def test_taper_has_etspys_place_and_keeps_the_size(series):
    tapered = series.filter("median", 3, 0.1)
    expected = smoothing.taper(filters.median(series.data, 3), 0.1)
    assert np.array_equal(tapered.data, expected)
    resolved = history.read(tapered)[-1]["resolved"]
    assert resolved == {"size": 3, "taper": 0.1, "alignment_only": False}


def test_band_pass_is_in_units_of_the_axes(series):
    scale = series.axes_manager.signal_axes[0].scale
    in_nm = series.filter("bpf", smallest=4 * scale, largest=8 * scale)
    assert np.allclose(in_nm.data, smoothing.band_pass(series.data, 4, 8), atol=1e-5)
    resolved = history.read(in_nm)[-1]["resolved"]
    assert resolved["pixel"] == [scale, scale]
    automatic = history.read(series.filter("bpf"))[-1]["resolved"]
    assert automatic["smallest"] == pytest.approx(10 * scale)
    assert automatic["largest"] == pytest.approx(20 * scale)


def test_band_pass_of_pixels_that_are_not_square(series):
    flat = series.rebin(scale=(1, 1, 2))
    scale = series.axes_manager.signal_axes[0].scale
    passed = flat.filter("bpf", smallest=5 * scale, largest=12 * scale)
    assert np.allclose(passed.data, smoothing.band_pass(flat.data, 5, 12, (2, 1)), atol=1e-4)


def test_band_pass_is_found_anew_on_another_series(series):
    passed = series.filter("bpf")
    other = series.set_scale(size=0.5)
    last = tomo.Recipe.of(passed, resolved=False).entries[-1:]
    replayed = tomo.Recipe(last).run(other)
    assert np.allclose(replayed.data, passed.data, atol=1e-5)
    assert history.read(replayed)[-1]["resolved"]["smallest"] == 5.0


def test_despike_says_how_many_pixels_it_replaced(series):
    spoilt = series.deepcopy()
    hot = np.zeros(spoilt.data.shape, bool)
    hot[2, 5, 6] = hot[7, 20, 3] = True
    spoilt.data[hot] = 100 * spoilt.data.max()
    clean = series.filter("despike")
    repaired = spoilt.filter("despike")
    record = history.read(repaired)[-1]
    assert record["scalars"]["replaced"] >= 2
    assert np.array_equal(repaired.data[~hot], clean.data[~hot])
    assert repaired.data.max() <= series.data.max()


def test_a_region_of_vacuum_counts_from_the_far_side_too(series):
    levels = np.arange(13, dtype=np.float32)[:, None, None]
    raised = series.deepcopy()
    raised.data = series.data + levels
    box = {"left": -4, "top": 0, "bottom": 6}
    plain, other = series.background("region", **box), raised.background("region", **box)
    assert np.allclose(other.data, plain.data, atol=1e-4)
    assert abs(other.data[:, :6, -4:].mean()) < 1e-4
    resolved = history.read(other)[-1]["resolved"]
    assert resolved == {"left": 28, "right": 32, "top": 0, "bottom": 6}


@pytest.fixture
def uneven(series):
    """The series with the beam changed by known factors, about a vacuum at -50."""
    changes = np.exp(np.random.default_rng(0).normal(0, 0.2, 13)).astype(np.float32)
    changed = series.deepcopy()
    changed.data = series.data * changes[:, None, None] - 50
    return changed, changes


def test_uneven_beam_is_evened_out_about_the_vacuum(uneven):
    changed, changes = uneven
    even = changed.normalise("total", -50)
    record = history.read(even)[-1]
    product = np.array(record["resolved"]["factors"]) * changes
    assert np.std(product) / np.mean(product) < 0.06
    assert np.std(changes) / np.mean(changes) > 0.15
    assert np.allclose(even.data + 50, (changed.data + 50) * np.reshape(
        record["resolved"]["factors"], (13, 1, 1)), atol=1e-4)  # fmt: skip
    assert record["scalars"]["largest_factor"] == max(record["resolved"]["factors"])


def test_excluded_and_blank_images_are_left_alone(uneven):
    changed, _ = uneven
    changed._exclude(4, "by hand")
    changed.data[8] = -50
    even = changed.normalise("smooth", -50)
    found = history.read(even)[-1]["resolved"]["factors"]
    assert found[4] == found[8] == 1
    assert np.array_equal(even.data[8], changed.data[8])


def test_factors_that_were_given_are_taken(series):
    halved = series.normalise("total", 0.0, factors=[0.5] * 13)
    assert np.allclose(halved.data, series.data / 2)
    with pytest.raises(ParameterError, match="13 projections but 2 factors"):
        series.normalise("total", factors=[1, 2])


def test_normalize_is_the_contrast_of_each_image(series):
    stretched = series.normalize()
    assert history.read(stretched)[-1]["method"] == "contrast"
    assert stretched.data.min() == 0
    lowered = series.data[3] - series.data[3].min()
    full = lowered.mean() + 3 * lowered.std()
    assert np.allclose(stretched.data[3], lowered / full, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.filter("bpf", smallest=9, largest=4), "smallest must be below largest"),
        (lambda s: s.filter("bpf", pixel=[1]), "pixel must be two sizes"),
        (lambda s: s.filter("despike", size=4), "size must be odd"),
        (lambda s: s.filter("bpf", taper=0.7), "taper must be at most 0.5"),
        (lambda s: s.background("region", left=99), "columns from 99 do not lie in the image"),
    ],
)
def test_wrong_values_are_refused(series, call, words):
    with pytest.raises(ParameterError, match=words):
        call(series)
