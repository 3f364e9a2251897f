"""Registration recovers shifts that were applied, whatever order and defects a series has."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import (
    AlignmentRefused,
    Cancelled,
    DataError,
    ParameterError,
    TiltsError,
)
from tomojupyter.monitor import Silent
from tomojupyter.numerics.alignment.registration import phase_correlation, stackreg
from tomojupyter.numerics.alignment.registration_chain import solve
from tomojupyter.numerics.alignment.registration_pairs import Picture, correlate, refine
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import catalyst

METHODS = [phase_correlation, stackreg]
TILTS = np.arange(-40, 41, 4.0)
N = len(TILTS)
BOTH = pytest.mark.parametrize("method", METHODS)


def shifts_of(seed, n=N, sigma=3.0):
    return sigma * np.clip(np.random.default_rng(seed).normal(size=(n, 2)), -2.5, 2.5)


def series(seed=1, counts=300, shape=(64, 80), **more):
    return tilt_series(
        catalyst(seed), TILTS, *shape, shifts=shifts_of(seed), counts=counts, seed=seed, **more
    )


def residual(found, truth, leave_out=()):
    """Return the rms error in px of what a comparison of neighbours can see.

    Along the axis a constant is free; across it also what a moved specimen does.
    """
    error = found - truth.shifts
    t = np.deg2rad(truth.tilts_deg)
    keep = ~np.isin(np.arange(len(t)), leave_out)
    basis = np.stack([np.ones_like(t), np.cos(t), np.sin(t)], 1)
    across = error[:, 0] - basis @ np.linalg.lstsq(basis[keep], error[keep, 0], rcond=None)[0]
    along = error[:, 1] - error[keep, 1].mean()
    return np.sqrt(np.mean(across[keep] ** 2 + along[keep] ** 2))


@pytest.fixture(scope="module")
def acquired():
    return series()


def still(n=4, shape=(48, 60), seed=0):
    """Return the same image n times, moved without interpolation, and how."""
    moves = np.array([[0, 0], [3, -2], [-4, 5], [1, 1]])[:n]
    scene = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    scene *= np.outer(*(np.hanning(k) for k in shape)) ** 0.5
    return np.stack([np.roll(scene, -m, axis=(0, 1)) for m in moves]), moves


@BOTH
def test_whole_shifts_of_one_image_are_recovered(method):
    images, moves = still()
    found = method(images, np.arange(4.0), start=0)
    assert found.shifts == pytest.approx(moves, abs=0.05)
    assert not found.left_out.any()
    assert (found.residual < 0.05).all()


@BOTH
@pytest.mark.parametrize("shape", [(64, 80), (80, 64)])
def test_subpixel_shifts_of_a_tilted_specimen_are_recovered(method, shape):
    images, truth = series(shape=shape)
    found = method(images, truth.tilts_deg)
    # Neighbours differ by 4 degrees, and the errors of comparisons add up along the chain; the
    # shifts themselves are 4 px rms.
    assert residual(found.shifts, truth) < 0.35
    assert np.array_equal(found.shifts[N // 2], [0, 0])


@BOTH
def test_order_of_the_file_does_not_matter(method, acquired):
    images, _ = acquired
    sorted_ = method(images, TILTS, start=N // 2)
    shuffled = np.random.default_rng(0).permutation(N)
    dose_symmetric = np.argsort(np.abs(TILTS) + (TILTS < 0) * 0.1)
    for order in (shuffled, dose_symmetric):
        start = int(np.flatnonzero(order == N // 2)[0])
        found = method(images[order], TILTS[order], start=start)
        assert np.allclose(found.shifts, sorted_.shifts[order], atol=1e-6)
        assert np.allclose(found.residual, sorted_.residual[order], atol=1e-6)


@BOTH
def test_start_only_decides_which_projection_stays(method, acquired):
    images, _ = acquired
    first, other = (method(images[:6], TILTS[:6], start=s).shifts for s in (0, 4))
    assert np.array_equal(first[0], [0, 0])
    assert np.array_equal(other[4], [0, 0])
    # A comparison is taken from the other side, so that it differs a little.
    assert np.allclose(first - first[4], other, atol=0.1)


@BOTH
@pytest.mark.parametrize(
    "change",
    [lambda a: a - 31882.0, lambda a: a * 7 + 500, lambda a: (a * 50).astype(np.uint16)],
    ids=["vacuum", "gain", "uint16"],
)
def test_units_of_the_pixels_do_not_matter(method, change, acquired):
    images, truth = acquired
    plain, changed = (method(a, TILTS).shifts for a in (images, change(images)))
    assert np.allclose(plain, changed, atol=0.05)
    assert residual(changed, truth) < 0.35


@BOTH
def test_a_blank_frame_is_left_out_and_harms_no_other(method):
    images, truth = series(bad={3: "blank", N // 2: "blank"})
    found = method(images, TILTS)
    assert np.flatnonzero(found.left_out).tolist() == [3, N // 2]
    assert np.isnan(found.residual[[3, N // 2]]).all()
    assert np.isfinite(found.shifts).all()
    assert residual(found.shifts, truth, [3, N // 2]) < 0.45
    # Its own shift is what its neighbours by tilt have.
    assert found.shifts[3] == pytest.approx((found.shifts[2] + found.shifts[4]) / 2)


@BOTH
@pytest.mark.parametrize("defect", ["hot", "dim"])
def test_a_bad_frame_harms_no_other(method, defect):
    images, truth = series(bad={6: defect})
    found = method(images, TILTS)
    assert not found.left_out.any()
    assert residual(found.shifts, truth, [6]) < 0.35
    assert np.abs((found.shifts - truth.shifts)[6] - (found.shifts - truth.shifts)[5]).max() < 2


@BOTH
def test_a_frame_of_something_else_harms_no_other(method, acquired):
    images, truth = acquired
    images = images.copy()
    images[7] = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=images[0].shape), 3)
    images[7] *= images[6].max() / images[7].max()
    found = method(images, TILTS)
    assert residual(found.shifts, truth, [7]) < 0.5
    assert found.residual[7] > 3 * np.median(found.residual)


@BOTH
def test_dead_pixels_do_not_pull(method, acquired):
    images, truth = acquired
    images = images.copy()
    images[:, 20:24, 30:36] = np.nan
    images[:, :, 5] = np.inf
    found = method(images, TILTS)
    assert residual(found.shifts, truth) < 0.5


@BOTH
def test_fill_outside_the_mask_does_not_pull(method, acquired):
    images, truth = acquired
    images, mask = images.copy(), np.ones(images.shape, bool)
    for i, (image, covered) in enumerate(zip(images, mask, strict=True)):
        image[: 3 + i % 5] = 400
        covered[: 3 + i % 5] = False
    assert residual(method(images, TILTS, mask=mask).shifts, truth) < 0.4


def test_given_vacuum_is_used(acquired):
    images, _ = acquired
    auto, given = (phase_correlation(images, TILTS, vacuum=v).shifts for v in (None, 0.0))
    assert np.allclose(auto, given, atol=0.05)


@BOTH
def test_unrelated_images_are_refused(method):
    rng = np.random.default_rng(0)
    images = ndimage.gaussian_filter(rng.normal(size=(12, 64, 64)), (0, 2, 2))
    with pytest.raises(AlignmentRefused, match="contradict each other by more than 3 px"):
        method(images, np.arange(12.0))


@BOTH
def test_fewer_than_two_usable_projections_are_refused(method):
    images = np.zeros((4, 32, 32))
    images[1] = still(1, (32, 32))[0][0]
    with pytest.raises(AlignmentRefused, match="1 of 4 projections have any contrast"):
        method(images, np.arange(4.0))


def test_bad_arguments_give_a_sentence():
    images, tilts = still()[0], np.arange(4.0)
    with pytest.raises(DataError, match=r"a stack \(n, ny, nx\) is needed"):
        phase_correlation(images[0], tilts)
    with pytest.raises(TiltsError, match="4 projections but tilts of shape"):
        phase_correlation(images, tilts[:3])
    with pytest.raises(TiltsError, match="those of projections 1, 3 are not"):
        stackreg(images, np.array([0, np.nan, 1, np.inf]))
    for start in (-1, 4):
        with pytest.raises(ParameterError, match="start must be from 0 to 3"):
            stackreg(images, tilts, start)
    for factor in (0, np.nan):
        with pytest.raises(ParameterError, match="upsample_factor must be at least 1"):
            phase_correlation(images, tilts, upsample_factor=factor)


class Watcher(Silent):
    """Counts, and stops after some comparisons."""

    def __init__(self, finish_after=None, cancel_after=None):
        self.calls = []
        self.finish_after, self.cancel_after = finish_after, cancel_after

    def __call__(self, done, total, **values):
        self.calls.append((done, total, *values))
        self.finish_early = done == self.finish_after
        if done == self.cancel_after:
            raise Cancelled("stopped.")


@BOTH
def test_every_comparison_is_reported(method):
    watch = Watcher()
    method(*[still()[0], np.arange(4.0)], monitor=watch)
    # Three neighbours and two second neighbours.
    assert watch.calls == [(k, 5) for k in range(1, 6)]


@BOTH
def test_stop_throws_away(method):
    with pytest.raises(Cancelled):
        method(still()[0], np.arange(4.0), monitor=Watcher(cancel_after=2))


@BOTH
def test_finish_keeps_what_was_reached(method, acquired):
    images, _ = acquired
    watch = Watcher(finish_after=3)
    found = method(images, TILTS, start=5, monitor=watch)
    assert len(watch.calls) == 3
    whole = method(images, TILTS, start=5)
    assert found.shifts[5:9] == pytest.approx(whole.shifts[5:9], abs=0.3)
    # Those beyond get the shift of the last one reached, on either side.
    assert np.allclose(found.shifts[9:], found.shifts[8], atol=1e-6)
    assert np.allclose(found.shifts[:5], 0, atol=1e-6)
    assert np.isnan(found.residual[12])
    assert np.isfinite(found.residual[7])


def test_input_is_not_modified(acquired):
    images = acquired[0].copy()
    images[2, 3, 3] = np.nan
    before = images.copy()
    phase_correlation(images[:4], TILTS[:4])
    assert np.array_equal(images, before, equal_nan=True)


def test_solution_survives_a_gross_outlier():
    truth = np.cumsum(np.random.default_rng(0).normal(size=(9, 2)), axis=0)
    truth -= truth[4]
    pairs = np.array([(i, i + k) for k in (1, 2) for i in range(9 - k)])
    measured = truth[pairs[:, 1]] - truth[pairs[:, 0]]
    measured[2] += 40
    positions, misfit = solve(pairs, measured, 9, 4)
    assert positions == pytest.approx(truth, abs=0.01)
    assert misfit[2] == pytest.approx(40 * np.sqrt(2), abs=0.1)
    assert np.delete(misfit, 2).max() < 0.05


def test_misfit_belongs_to_the_positions_that_are_returned():
    rng = np.random.default_rng(1)
    pairs = np.array([(i, i + k) for k in (1, 2) for i in range(7 - k)])
    measured = rng.normal(size=(len(pairs), 2))
    positions, misfit = solve(pairs, measured, 7, 3)
    again = np.linalg.norm(measured - positions[pairs[:, 1]] + positions[pairs[:, 0]], axis=1)
    assert misfit == pytest.approx(again)
    assert positions[3].tolist() == [0, 0]


def test_large_images_are_compared_to_a_fraction_of_a_pixel():
    rng = np.random.default_rng(2)
    scene = ndimage.gaussian_filter(rng.normal(size=(1100, 1100)), 2.5)
    fixed, moving = Picture(scene[38:1062, 38:1062]), Picture(scene[51:1075, 21:1045])
    guess = correlate(fixed, moving)
    assert np.abs(guess - [13, -17]).max() <= 4  # binned four times
    assert refine(fixed, moving, guess, 0.005) == pytest.approx([13, -17], abs=0.02)


def test_images_without_common_structure_keep_the_guess():
    flat = Picture(np.zeros((32, 32)))
    scene = still(1, (32, 32))[0][0]
    assert refine(flat, flat, np.array([2.0, 1.0]), 0.01).tolist() == [2, 1]
    # A negative picture would need a negative gain.
    assert refine(Picture(scene), Picture(-scene), np.zeros(2), 0.01).tolist() == [0, 0]
    stripes = Picture(np.tile(np.sin(np.arange(32.0)), (32, 1)))
    assert np.isfinite(refine(stripes, stripes, np.zeros(2), 0.01)).all()
