"""What a model leaves of counts: noise where it holds, and what is missing where it does not."""

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.numerics.spectral.residuals import left_over

CHANNELS = 120
AXIS = np.arange(CHANNELS)
PEAK = np.exp(-0.5 * ((AXIS - 30) / 3) ** 2)
OTHER = np.exp(-0.5 * ((AXIS - 80) / 3) ** 2)
SMOOTH = np.exp(-AXIS / 60)
SHAPES = np.array([shape / shape.sum() for shape in (PEAK, SMOOTH)])
EDGES = np.arange(0, CHANNELS + 1, 2)
GROUPED = np.add.reduceat(SHAPES, EDGES[:-1], axis=1)


def counted(amounts, extra=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(amounts @ SHAPES + extra * OTHER / OTHER.sum()).astype("u2")


@pytest.mark.parametrize("level", [0.5, 5, 50, 5000])
def test_counts_of_the_model_are_noise_of_one_standard_deviation(level):
    amounts = np.full((2, 40, 40, 2), level) * np.linspace(0.2, 2, 40)[:, None]
    left = left_over(counted(amounts), EDGES, GROUPED, amounts)
    assert left.deviations.mean() == pytest.approx(0, abs=0.08)
    assert left.deviations.std() == pytest.approx(1, abs=0.15)
    assert left.model.sum() == pytest.approx(amounts.sum())
    assert np.abs(left.spectrum / np.sqrt(left.model)).max() < 4.5


def test_what_is_missing_is_found_in_its_pixels_and_at_its_energy():
    amounts = np.full((1, 30, 30, 2), 30.0)
    spectra = counted(amounts)
    spectra[0, :, :10] = counted(amounts[:, :, :10], extra=25, seed=1)[0]
    left = left_over(spectra, EDGES, GROUPED, amounts)
    assert left.deviations[0, :, :10].min() > 3
    assert np.mean(left.deviations[0, :, 10:] > 3) < 0.02
    assert EDGES[np.argmax(left.spectrum)] in (78, 80)
    assert left.spectrum.sum() == pytest.approx(25 * 300, rel=0.05)


def test_pixels_without_counts_do_not_stand_out():
    amounts = np.zeros((1, 4, 4, 2))
    amounts[0, :2] = 20
    spectra = counted(amounts)
    left = left_over(spectra, EDGES, GROUPED, amounts)
    assert np.array_equal(left.deviations[0, 2:], np.zeros((2, 4), "f4"))
    spectra[0, 3, 3, 40] = 1  # one count where nothing is expected
    left = left_over(spectra, EDGES, GROUPED, amounts)
    assert 0 < left.deviations[0, 3, 3] < 2


def test_what_is_no_count_is_refused():
    spectra = np.zeros((1, 2, 2, CHANNELS), "f4")
    spectra[0, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        left_over(spectra, EDGES, GROUPED, np.ones((1, 2, 2, 2)))
