"""Fits of known shapes to spectra."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.fit import amounts, find_shapes, linear_filter
from tomojupyter.numerics.spectral.shapes import bremsstrahlung, family_shape

AXIS = 0.04 * np.arange(256)
LINES = {
    "Cr": [([5.415, 5.947], [1.0, 0.13]), ([0.573], [1.0])],
    "Mn": [([5.899, 6.490], [1.0, 0.13])],  # its K-alpha lies on chromium's K-beta
    "Ni": [([7.478, 8.265], [1.0, 0.13]), ([0.851], [1.0])],
}


@pytest.fixture(scope="module")
def shapes():
    """Spectra of each element, with more of the L lines in nickel than any table says."""
    made = {name: family_shape(AXIS, *map(np.array, fs[0])) for name, fs in LINES.items()}
    made["Ni"] = 0.4 * made["Ni"] + 0.6 * family_shape(AXIS, np.array([0.851]), np.array([1.0]))
    return {**made, "background": bremsstrahlung(AXIS)}


def mixed(shapes, counts):
    return sum(n * shapes[name] for name, n in counts.items())


def test_shapes_are_found_in_the_sum_spectrum(shapes):
    truth = {"Cr": 4e5, "Mn": 1e5, "Ni": 3e5, "background": 2e5}
    total = np.random.default_rng(0).poisson(mixed(shapes, truth))
    found = find_shapes(total, AXIS, LINES)
    assert found.names == tuple(truth)
    for name, shape in zip(found.names[:-1], found.shapes, strict=False):
        assert np.abs(shape - shapes[name]).sum() < 0.03
    assert np.abs(found.shapes[-1] - shapes["background"]).sum() < 0.15  # hats follow it roughly
    # Poisson noise of the sum: 1 in each channel.
    misfit = (total - found.fitted) / np.sqrt(found.fitted + 1)
    assert misfit.std() < 1.6


def test_amounts_are_right_on_average_at_one_count_an_element(shapes):
    """Overlapping lines at 1 to 3 counts each: negative amounts belong there."""
    truth = {"Cr": 3.0, "Mn": 1.0, "Ni": 2.0, "background": 1.5}
    spectra = np.random.default_rng(1).poisson(mixed(shapes, truth), (20000, 256))
    rows, gram = linear_filter(find_shapes(spectra.sum(0), AXIS, LINES))
    free = amounts(spectra @ rows.T, gram, positive=False)
    cut = amounts(spectra @ rows.T, gram, positive=True)
    error = free.std(0) / np.sqrt(20000)
    expected = np.array(list(truth.values()))[:3]
    assert (np.abs(free.mean(0)[:3] - expected) < 4 * error[:3] + 0.05 * expected).all()
    assert free.min() < 0 <= cut.min()
    # Without negative amounts the mean is too high: that of manganese by a tenth.
    assert cut.mean(0)[1] > free.mean(0)[1] + 0.05


def test_amounts_without_negatives_are_the_best_there_are(shapes):
    from scipy.optimize import nnls

    spectra = np.random.default_rng(2).poisson(mixed(shapes, {"Cr": 2, "background": 2}), (40, 256))
    found = find_shapes(1000 * mixed(shapes, dict.fromkeys(shapes, 1.0)), AXIS, LINES)
    rows, gram = linear_filter(found)
    root = np.sqrt(found.fitted.sum() / np.maximum(found.fitted, 1e-4 * found.fitted.max()))
    best = [nnls((found.shapes * root).T, spectrum * root)[0] for spectrum in spectra]
    assert np.allclose(amounts(spectra @ rows.T, gram, True), best, atol=2e-3)


def test_an_element_that_is_not_there_gets_nothing(shapes):
    total = 1e5 * shapes["Cr"]
    found = find_shapes(total, AXIS, {"Cr": LINES["Cr"], "Ni": LINES["Ni"]})
    rows, gram = linear_filter(found)
    # One part in 100, of what bins of other widths leave of the shape of chromium.
    assert abs(amounts((total @ rows.T)[None], gram, True)[0, 1]) < 1e3


def test_what_cannot_be_told_apart_or_is_empty_is_a_sentence():
    with pytest.raises(ParameterError, match="no counts"):
        find_shapes(np.zeros(256), AXIS, LINES)
    twice = {"one": LINES["Mn"], "other": LINES["Mn"]}
    with pytest.raises(ParameterError, match="one, other cannot be told apart"):
        linear_filter(find_shapes(np.ones(256), AXIS, twice))
    with pytest.raises(ParameterError, match="needs the lines of one element"):
        find_shapes(np.ones(256), AXIS, {})
