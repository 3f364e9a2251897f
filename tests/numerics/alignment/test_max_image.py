"""The tilt axis from the maximum image, and its row from the sum of the reconstruction."""

import numpy as np
import pytest

from tomojupyter.errors import AlignmentRefused, Cancelled, ParameterError
from tomojupyter.monitor import Silent
from tomojupyter.numerics.alignment.global_shift import smallest_sum_shift
from tomojupyter.numerics.alignment.max_image import max_image_axis
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.phantoms import Ellipsoid, Phantom, catalyst

TILTS = np.arange(-70, 71, 5.0)
FEW = TILTS[::2]


def particles(seed=1, count=40, spread=0.8):
    """Return small bright particles on a sheet that goes on beyond the images."""
    rng = np.random.default_rng(seed)
    return Phantom(
        tuple(
            Ellipsoid.from_axes(
                (rng.uniform(-0.5, 0.5), rng.uniform(-spread, spread), 0), (r,) * 3, 2
            )
            for r in rng.uniform(0.015, 0.04, count)
        )
    )


def series(phantom, angle=0.0, shift=0.0, shape=(96, 96), counts=400, tilts=TILTS, **more):
    return tilt_series(phantom, tilts, *shape, angle=angle, shift=shift, counts=counts, **more)[0]


# --------------------------------------------------------------------------------------- angle
@pytest.mark.parametrize("angle", [0.0, 3.0, -4.3, 7.5])
def test_particles_leave_streaks_across_the_axis(angle):
    """ETSpy returned 65 to 79 degrees on particles for methods without bounds."""
    found = max_image_axis(series(particles(), angle), TILTS)
    # 40 particles in 96 px: streaks that happen to meet are worth half a degree.
    assert found.angle_deg == pytest.approx(angle, abs=0.8)
    assert abs(found.angle_deg - angle) < 4 * found.angle_sigma_deg + 0.2


@pytest.mark.parametrize("shape", [(72, 128), (128, 72)])
def test_images_need_not_be_square(shape):
    found = max_image_axis(series(particles(), 4.0, shape=shape), TILTS)
    assert found.angle_deg == pytest.approx(4.0, abs=1.0)
    assert found.image.shape == shape


def test_order_units_and_bad_frames_do_not_matter():
    images = series(particles(), 3.0)
    plain = max_image_axis(images, TILTS).angle_deg
    order = np.random.default_rng(0).permutation(len(TILTS))
    assert max_image_axis(images[order], TILTS[order]).angle_deg == pytest.approx(plain, abs=1e-3)
    scaled = (images * 50 - 20000).astype(np.int16)
    assert max_image_axis(scaled, TILTS).angle_deg == pytest.approx(plain, abs=0.1)
    bad = series(particles(), 3.0, bad={2: "blank", 9: "hot", 20: "dim"})
    assert max_image_axis(bad, TILTS).angle_deg == pytest.approx(plain, abs=0.3)


def test_what_no_image_covers_is_not_looked_at():
    images = series(particles(), 3.0)
    mask = np.ones(images.shape, bool)
    mask[::2, :, :9] = False
    images[::2, :, :9] = 0
    found = max_image_axis(images, TILTS, mask=mask)
    assert found.angle_deg == pytest.approx(3.0, abs=0.8)


def test_large_images_are_binned(monkeypatch):
    monkeypatch.setattr("tomojupyter.numerics.alignment.max_image.FINE", 90)
    found = max_image_axis(series(particles(), 3.0, shape=(180, 180)), TILTS)
    assert found.angle_deg == pytest.approx(3.0, abs=0.8)
    assert found.image.shape == (180, 180)


def test_nothing_but_noise_or_a_larger_angle_is_refused():
    noise = np.random.default_rng(3).normal(size=(len(TILTS), 64, 64))
    with pytest.raises(AlignmentRefused, match="neighbouring projections have nothing"):
        max_image_axis(noise, TILTS)
    with pytest.raises(AlignmentRefused, match="no direction stands out within ±2°"):
        max_image_axis(series(particles(), 7.0), TILTS, limit=2.0)
    with pytest.raises(AlignmentRefused, match="0 of 29 projections have any contrast"):
        max_image_axis(np.zeros((len(TILTS), 32, 32)), TILTS)
    with pytest.raises(ParameterError, match="at least 5 angles"):
        max_image_axis(noise, TILTS, limit=1.0, delta=1.0)


# --------------------------------------------------------------------------------------- shift
@pytest.mark.parametrize(
    ("shift", "shape"), [(0.0, (48, 40)), (2.35, (40, 48)), (-4.6, (61, 40)), (3.0, (97, 64))]
)
def test_the_axis_comes_to_the_middle_row_to_a_fraction_of_a_pixel(shift, shape):
    """ETSpy tries whole pixels of one column."""
    images = series(catalyst(1), shift=shift, shape=shape, tilts=FEW)
    found = smallest_sum_shift(images, FEW, shift_limit=8)
    assert found.shift_px == pytest.approx(shift, abs=0.15)
    assert abs(found.shift_px - shift) < 4 * found.shift_sigma_px + 0.1


def test_the_shift_survives_bad_frames_and_gaps():
    images = series(catalyst(1), shift=3.0, shape=(48, 40), bad={4: "blank", 8: "dim"}, tilts=FEW)
    images[5, 22:25, 20] = np.nan
    found = smallest_sum_shift(images, FEW, shift_limit=8)
    assert found.shift_px == pytest.approx(3.0, abs=0.25)


def test_a_film_or_an_axis_beyond_the_limit_is_refused():
    film = series(particles(spread=1.2)) + 2.0 / np.cos(np.deg2rad(TILTS))[:, None, None]
    with pytest.raises(AlignmentRefused, match="crosses the upper or lower edge"):
        smallest_sum_shift(film.astype(np.float32), TILTS)
    with pytest.raises(AlignmentRefused, match="still falls at a shift of 3 px"):
        smallest_sum_shift(series(catalyst(1), shift=8.0, shape=(64, 40)), TILTS, shift_limit=3)
    with pytest.raises(ParameterError, match="shift_limit must be above 0"):
        smallest_sum_shift(film, TILTS, shift_limit=0)


def test_stop_ends_it_within_a_reconstruction():
    class Stop(Silent):
        calls = 0

        def __call__(self, done, total, **_):
            self.calls += 1
            assert (done, total) == (0, 2)
            if self.calls == 2:
                raise Cancelled("stopped.")

    with pytest.raises(Cancelled):
        smallest_sum_shift(series(catalyst(1), shape=(64, 40)), TILTS, monitor=Stop())
