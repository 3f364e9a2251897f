"""Simulated counts, bad frames and their truth."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.vacuum import blank_frames, estimate_vacuum
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom, catalyst

TILTS = [-60.0, -20.0, 0.0, 30.0, 60.0]


@pytest.fixture(scope="module")
def specimen():
    return catalyst(seed=2)


def test_without_noise_the_series_is_the_projection_plus_vacuum(specimen):
    shifts = np.arange(10.0).reshape(5, 2) - 5
    images, truth = tilt_series(
        specimen, TILTS, 48, 56, shifts=shifts, angle=2, shift=-3, vacuum=-7.5
    )
    exact = specimen.project(TILTS, 48, 56, shifts=shifts, angle=2, shift=-3)
    assert np.allclose(images, exact - 7.5, atol=1e-5)
    assert (truth.angle, truth.shift, truth.vacuum, truth.gain) == (2, -3, -7.5, 0)
    assert np.array_equal(truth.shifts, shifts)
    assert np.array_equal(truth.tilts_deg, TILTS)


def test_counts_are_whole_poisson_and_of_the_stated_mean(specimen):
    images, truth = tilt_series(specimen, TILTS, 64, 64, counts=20, vacuum=3.0, seed=1)
    clean = specimen.project(TILTS, 64, 64)
    numbers = images.astype(float) * truth.gain
    assert np.allclose(numbers, np.round(numbers), atol=1e-3)
    inside = clean > 0
    # Standard errors: sqrt(20 / pixels) and below; five of them.
    expected = 20 + 3 * truth.gain
    assert numbers[inside].mean() == pytest.approx(
        expected, abs=5 * np.sqrt(expected / inside.sum())
    )
    empty = numbers[~inside]
    level = 3 * truth.gain
    assert empty.mean() == pytest.approx(level, abs=5 * np.sqrt(level / empty.size))
    # Poisson: the variance is the mean; its relative standard error is about sqrt(2 / pixels).
    assert empty.var() == pytest.approx(level, rel=5 * np.sqrt(2 / empty.size) + 0.02)
    spread = (numbers - truth.gain * (clean + 3.0))[inside] ** 2 / (truth.gain * (clean + 3))[
        inside
    ]
    assert spread.mean() == pytest.approx(1, rel=0.1)


def test_vacuum_level_can_be_estimated_from_the_counts(specimen):
    images, truth = tilt_series(specimen, TILTS, 64, 64, counts=100, vacuum=5.0)
    assert estimate_vacuum(images) == pytest.approx(5.0, abs=1 / truth.gain)


@pytest.mark.parametrize("counts", [None, 50.0])
def test_read_noise_has_the_stated_width(counts):
    empty = Phantom((Ellipsoid.from_axes((0, 0, 0), (0.01,) * 3, 1.0),))
    images, truth = tilt_series(empty, [0], 64, 64, counts=counts, read_noise=4.0)
    width = 4.0 / (truth.gain or 1)
    # The vacuum is 0: no counts, so nothing else spreads.
    assert images[0, :24].std() == pytest.approx(width, rel=0.1)


def test_bad_frames_are_what_they_are_called(specimen):
    bad = {0: "blank", 1: "hot", 3: "dim"}
    images, truth = tilt_series(specimen, TILTS, 64, 64, bad=bad, counts=1000)
    clean = specimen.project(TILTS, 64, 64)
    assert truth.bad == bad
    assert not images[0].any()
    assert blank_frames(images).tolist() == [True, False, False, False, False]
    hot = images[1] > 5 * clean.max()
    assert 0 < hot.sum() < 0.01 * hot.size
    assert images[3].mean() == pytest.approx(0.4 * clean[3].mean(), rel=0.02)
    assert images[4].mean() == pytest.approx(clean[4].mean(), rel=0.02)


def test_a_blurred_frame_keeps_its_mass_and_loses_its_detail(specimen):
    images, _ = tilt_series(specimen, TILTS, 64, 80, bad={2: "blur"})
    clean = specimen.project(TILTS, 64, 80)
    assert images[2].sum() == pytest.approx(clean[2].sum(), rel=1e-3)
    # The Gaussian is 64 / 32 = 2 px wide: a cosine of 8 px drops to exp(-2 (2 pi / 8)^2).
    kept = [np.abs(np.fft.rfft2(image))[8, 10] for image in (images[2], clean[2])]
    assert kept[0] / kept[1] == pytest.approx(np.exp(-2 * 2 * (2 * np.pi / 8) ** 2), rel=0.1)
    assert np.array_equal(images[[0, 1, 3, 4]], clean[[0, 1, 3, 4]])


def test_noise_repeats_with_its_seed_only(specimen):
    first, again, other = (
        tilt_series(specimen, TILTS, 32, 32, counts=10, read_noise=1, seed=s)[0] for s in (7, 7, 8)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"counts": 0}, "counts must be above 0"),
        ({"counts": 10, "vacuum": -1}, "vacuum at least 0"),
        ({"read_noise": -1}, "read_noise must be at least 0"),
        ({"bad": {9: "blank"}}, "index from 0 to 4"),
        ({"bad": {1: "green"}}, "blank, hot, dim, blur"),
    ],
)
def test_bad_arguments_give_a_sentence(specimen, arguments, sentence):
    with pytest.raises(ParameterError, match=sentence):
        tilt_series(specimen, TILTS, 16, 16, **arguments)
