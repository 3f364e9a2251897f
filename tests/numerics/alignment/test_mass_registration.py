"""Registration by mass (COM, COM-CL): known shifts come back, absurd answers are refused."""

import numpy as np
import pytest
from scipy import ndimage

from tomojupyter.errors import AlignmentRefused, ParameterError
from tomojupyter.numerics.alignment.centre_of_mass import centre_of_mass
from tomojupyter.numerics.alignment.common_line import common_line
from tomojupyter.numerics.alignment.mass import masses
from tomojupyter.numerics.alignment.profiles import align_lines, made_lines
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom, catalyst

METHODS = [centre_of_mass, common_line]
BOTH = pytest.mark.parametrize("method", METHODS)
TILTS = np.arange(-60, 61, 5.0)
N = len(TILTS)


def moves(seed, n=N, sigma=3.0):
    return sigma * np.clip(np.random.default_rng(seed).normal(size=(n, 2)), -2, 2)


def series(seed=1, counts=400, shape=(80, 88), tilts=TILTS, **more):
    shifts = moves(seed, len(tilts))
    return tilt_series(catalyst(seed), tilts, *shape, shifts=shifts, counts=counts, seed=seed,
                       **more)  # fmt: skip


def left(found, truth, leave_out=()):
    """Return the rms error in px, free of what registration cannot know."""
    error = found - truth.shifts
    t = np.deg2rad(truth.tilts_deg)
    keep = ~np.isin(np.arange(len(t)), leave_out)
    waves = np.stack([np.ones_like(t), np.cos(t), np.sin(t)], 1)
    across = error[:, 0] - waves @ np.linalg.lstsq(waves[keep], error[keep, 0], rcond=None)[0]
    along = error[:, 1] - error[keep, 1].mean()
    return np.sqrt(np.mean(across[keep] ** 2 + along[keep] ** 2))


@pytest.fixture(scope="module")
def acquired():
    return series()


# ------------------------------------------------------------------------------------- accuracy
@BOTH
@pytest.mark.parametrize("shape", [(80, 88), (88, 80), (60, 52)])
def test_shifts_are_recovered_to_a_few_hundredths_of_a_pixel(method, shape):
    """Counts alone allow about 0.02 px; ETSpy rounds x to whole px and needs 105 px of width."""
    images, truth = series(shape=shape)
    found = method(images, TILTS)
    assert left(found.shifts, truth) < 0.06
    assert not found.left_out.any()
    assert np.nanmedian(found.residual) < 0.6


@BOTH
def test_the_order_of_the_file_does_not_matter(method, acquired):
    images, _ = acquired
    straight = method(images, TILTS, start=N // 2)
    order = np.argsort(np.abs(TILTS) + (TILTS < 0) * 0.1)  # dose-symmetric
    start = int(np.flatnonzero(order == N // 2)[0])
    mixed = method(images[order], TILTS[order], start=start)
    assert np.allclose(mixed.shifts, straight.shifts[order], atol=1e-6)
    assert np.allclose(mixed.residual, straight.residual[order], atol=1e-6)


@BOTH
@pytest.mark.parametrize(
    "change",
    [lambda a: a - 31882.0, lambda a: a * 7 + 500, lambda a: (a * 50).astype(np.uint16)],
    ids=["vacuum", "gain", "uint16"],
)
def test_units_of_the_pixels_do_not_matter(method, change, acquired):
    images, truth = acquired
    before = images.copy()
    assert left(method(change(images), TILTS).shifts, truth) < 0.08
    assert np.array_equal(images, before)


@BOTH
def test_bad_frames_harm_no_other_and_blank_ones_are_left_out(method):
    """In ETSpy one blank frame makes COM and COM-CL fail with NaN."""
    images, truth = series(bad={3: "blank", 8: "hot", 15: "dim"})
    images[20] = ndimage.gaussian_filter(images[20], 3)
    found = method(images, TILTS)
    assert np.flatnonzero(found.left_out).tolist() == [3]
    assert np.isfinite(found.shifts).all()
    assert np.isnan(found.residual[3])
    assert left(found.shifts, truth, [3]) < 0.08
    # Its own shift is what its neighbours by tilt have.
    assert found.shifts[3] == pytest.approx((found.shifts[2] + found.shifts[4]) / 2)


@BOTH
def test_a_blank_start_hands_over_to_its_neighbour(method):
    images, truth = series(bad={N // 2: "blank"})
    found = method(images, TILTS)
    assert left(found.shifts, truth, [N // 2]) < 0.08


@BOTH
def test_dead_pixels_and_uncovered_borders_have_no_say(method, acquired):
    images, truth = acquired
    images = images.copy()
    images[::3, 40, 30:33] = np.nan
    mask = np.ones(images.shape, bool)
    mask[:, :, :4] = False
    images[:, :, :4] = 1e5
    found = method(images, TILTS, mask=mask)
    assert left(found.shifts, truth) < 0.12


@BOTH
def test_a_specimen_cut_off_along_the_axis_is_no_hindrance(method):
    """A needle enters at the right edge, and more or less of it is seen."""
    rng = np.random.default_rng(4)
    bodies = [
        Ellipsoid.from_axes((x, 0.03 * x, 0.0), (0.06, 0.18, 0.16), rng.uniform(0.5, 2))
        for x in np.arange(-0.35, 1.0, 0.07)
    ]
    truth_shifts = moves(5)
    images, truth = tilt_series(Phantom(tuple(bodies)), TILTS, 72, 72, shifts=truth_shifts,
                                counts=400, seed=3)  # fmt: skip
    assert left(method(images, TILTS).shifts, truth) < 0.06


def film(seed=0, shape=(72, 64), slope=0.0):
    """Return a film with particles that goes on beyond the images, and its shifts."""
    rng = np.random.default_rng(seed)
    bodies = [
        Ellipsoid.from_axes((rng.uniform(-0.5, 0.5), rng.uniform(-1.2, 1.2), slope), (r, r, r), 3.0)
        for r in rng.uniform(0.02, 0.05, 60)
    ]
    shifts = moves(seed, sigma=2.0)
    images, truth = tilt_series(Phantom(tuple(bodies)), TILTS, *shape, shifts=shifts)
    support = 0.3 / np.cos(np.deg2rad(TILTS))[:, None, None]
    return (images + support * images.max()).astype(np.float32), truth


@BOTH
def test_a_film_is_followed_by_its_profiles(method):
    """It has no centre of mass within the images; ETSpy is off by more than the shifts."""
    images, truth = film()
    assert masses(images, TILTS).film
    found = method(images, TILTS)
    assert left(found.shifts, truth) < 0.5
    assert not masses(series()[0], TILTS).film


# -------------------------------------------------------------------------- what the keywords do
def test_com_puts_the_axis_on_the_middle_row():
    images, truth = series(shift=3.0)
    found = centre_of_mass(images, TILTS)
    t = np.deg2rad(TILTS)
    waves = np.stack([np.ones_like(t), np.cos(t), np.sin(t)], 1)
    off = np.linalg.lstsq(waves, found.shifts[:, 0] - truth.shifts[:, 0], rcond=None)[0]
    # The specimen is moved onto the axis, so the axis may be told by the specimen's own centre.
    assert off[0] == pytest.approx(3.0, abs=0.5)
    assert found.shifts[N // 2, 1] == 0


def test_common_line_keeps_its_references():
    images, truth = series()
    found = common_line(images, TILTS, com_ref_index=2, cl_ref_index=9)
    assert found.shifts[2, 0] == pytest.approx(0, abs=1e-9)
    assert found.shifts[9, 1] == pytest.approx(0, abs=1e-9)
    # ETSpy takes the index for a row: the specimen would go to row 2.
    assert np.abs(found.shifts[:, 0]).max() < 12
    assert left(found.shifts, truth) < 0.06
    both = common_line(images, TILTS, start=4)
    assert both.shifts[4] == pytest.approx([0, 0], abs=1e-9)


def test_all_slices_are_used():
    """In ETSpy only the first of `nslices` slices counts."""
    images, truth = series(counts=40)
    some = centre_of_mass(images, TILTS, xrange=(40, 48), nslices=8)
    every = centre_of_mass(images, TILTS, nslices=20)
    across = [left(np.stack([f.shifts[:, 0], truth.shifts[:, 1]], 1),
                   truth) for f in (some, every)]  # fmt: skip
    # Counts of ten times as many columns: the error falls threefold.
    assert across[1] < 0.5 * across[0]
    assert across[1] < 0.1


def test_the_common_line_is_not_rounded_to_its_resolution():
    images, truth = series()
    coarse = common_line(images, TILTS, cl_resolution=0.45, cl_div_factor=2)
    assert left(coarse.shifts, truth) < 0.08
    assert np.abs(coarse.shifts[:, 1] / 0.45 % 1 - 0.5).min() < 0.4


# ------------------------------------------------------------------------------------- refusals
@BOTH
def test_noise_is_refused(method):
    rng = np.random.default_rng(0)
    with pytest.raises(AlignmentRefused, match=r"nothing in common|tell a shift|no slice"):
        method(rng.normal(size=(N, 64, 64)), TILTS)


@BOTH
def test_an_even_cylinder_has_no_place_along_its_axis(method):
    """Its profile along x is flat: whatever shift came out would be invented."""
    rows = np.arange(64) - 31.5
    chord = 2 * np.sqrt(np.clip(14**2 - rows**2, 0, None))
    images = np.tile(chord[:, None], (N, 1, 64)) * 20
    images = np.random.default_rng(1).poisson(images).astype(float)
    with pytest.raises(AlignmentRefused, match=r"nothing in common|tell a shift"):
        method(images, TILTS)


@BOTH
def test_too_few_projections_or_columns_are_refused(method, acquired):
    images, _ = acquired
    with pytest.raises(AlignmentRefused, match="2 of 2 projections have any contrast"):
        method(images[:2], TILTS[:2])
    with pytest.raises(AlignmentRefused, match="only 6 columns are used"):
        method(images[:, :, :6], TILTS)


def test_bad_keywords_give_a_sentence(acquired):
    images, _ = acquired
    with pytest.raises(ParameterError, match="xrange must be a first and a last column"):
        centre_of_mass(images, TILTS, xrange=(30, 10))
    with pytest.raises(AlignmentRefused, match="only 5 columns are used"):
        centre_of_mass(images, TILTS, xrange=(10, 15))
    with pytest.raises(ParameterError, match="nslices and p must be at least 1"):
        centre_of_mass(images, TILTS, nslices=0)
    with pytest.raises(ParameterError, match="cl_ref_index is a projection from 0 to 24"):
        common_line(images, TILTS, cl_ref_index=25)
    for bad in ({"cl_resolution": 0.5}, {"cl_resolution": 0}, {"cl_div_factor": 1}):
        with pytest.raises(ParameterError, match="cl_resolution must be above 0"):
            common_line(images, TILTS, **bad)


# -------------------------------------------------------------------------------------- profiles
def test_lines_are_laid_on_their_mean_and_a_strange_one_spoils_no_other():
    rng = np.random.default_rng(0)
    whole = ndimage.gaussian_filter1d(rng.normal(size=140), 3)
    truth = rng.uniform(-6, 6, 9)
    truth -= truth[4]
    x = np.arange(100) + 20
    lines = np.array([2.0 * np.interp(x + t, np.arange(140), whole) + 1 for t in truth])
    lines[2] = ndimage.gaussian_filter1d(rng.normal(size=100), 3)
    lines[7] *= 0.3
    found, sigma, likeness = align_lines(made_lines(lines, np.ones_like(lines)), 4, 20)
    good = np.arange(9) != 2
    assert found[good] == pytest.approx(truth[good], abs=0.05)
    assert found[4] == 0
    assert likeness[2] < 0.6 < likeness[good].min()
    assert sigma[2] > 5 * np.median(sigma)
