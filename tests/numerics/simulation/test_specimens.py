"""The five specimens: what they are made of, and that their projections are theirs."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.simulation.acquisition import tilt_series
from tomojupyter.numerics.simulation.specimens import PHANTOMS, make_phantom

TILTS = np.array([-66.0, -31.0, 0.0, 24.0, 58.0])
N = 64


@pytest.fixture(scope="module", params=list(PHANTOMS))
def name(request):
    return request.param


@pytest.mark.parametrize("compact", ["catalyst", "hollow"])
def test_the_mass_of_compact_specimens_is_the_same_at_every_tilt(compact):
    phantom = make_phantom(compact, 4)
    images = phantom.project(TILTS, N, N, angle=2, shift=3)
    assert np.allclose(images.sum((1, 2), dtype=float), phantom.mass * N**3, rtol=2e-3)


def test_slab_and_film_gain_matter_with_tilt_as_one_over_the_cosine():
    for flat in ("slab", "film"):
        images = make_phantom(flat, 4).project([0, 60, -60], N, N)
        low = np.percentile(images, 3, axis=(1, 2)) if flat == "film" else images.mean((1, 2))
        # Inclined by up to 4 degrees: cos 60 / cos 64 is 1.14; the slab's inclusions vary too.
        assert low[1:] / low[0] == pytest.approx(2, rel=0.25)
        # No image has an edge of vacuum.
        assert images.min() > 0


def test_matter_enters_and_leaves_the_slab():
    """The image at 70 degrees shows inclusions that lie outside the one at 0."""
    phantom = make_phantom("slab", 2)
    outside = [b for b in phantom.bodies if 0.6 < abs(b.middle[1]) < 1.4]
    assert len(outside) > 50
    seen = type(phantom)(tuple(outside)).project([0, 70], N, N)
    assert not seen[0].any()
    assert np.count_nonzero(seen[1]) > 0.2 * seen[1].size


def test_the_needle_has_a_tip_in_the_images_and_leaves_them():
    images = make_phantom("needle", 3).project(TILTS, N, N)
    assert not images[:, :, :5].any()
    assert (images[:, N // 2, 16:] > 0).all()
    # Its width grows by a quarter of 0.33 to 0.38 over the field, and stays inside the images.
    width = np.count_nonzero(images > 0, axis=1)
    assert width[:, -1] - width[:, 16] == pytest.approx(0.25 * 0.35 * (N - 17), abs=1.5)
    assert not images[:, [0, -1]].any()


def test_the_hollow_body_has_three_levels():
    volume = make_phantom("hollow", 1).volume(N, N, N)
    levels = np.array([0.0, 1.0, 2.0])
    far = np.abs(volume[..., None] - levels).min(-1)
    # Voxels at the edges hold a mean of two.
    assert np.count_nonzero(far > 0.02) < 0.08 * volume.size
    for level, least in zip(levels, (0.8, 0.03, 0.0005), strict=True):
        assert np.mean(np.abs(volume - level) < 0.02) > least
    assert volume.max() < 2.02


def test_densities_are_never_negative(name):
    for seed in range(3):
        assert make_phantom(name, seed).volume(32, 32, 32).min() > -1e-5


def test_the_projection_of_the_voxels_is_that_of_the_formulas(name):
    """At 24 degrees all that is seen at these rows lies in the volume, of slab and film too."""
    phantom = make_phantom(name, 2)
    exact, _ = tilt_series(phantom, [0, 24], N, N)
    voxels, _ = tilt_series(phantom, [0, 24], N, N, voxels=True)
    rows = slice(14, -14) if name in {"slab", "film"} else slice(None)
    difference = (voxels - exact)[:, rows]
    # At 0 degrees voxels add up to the image, but for the samples at edges. Tilted, the projector
    # blurs by about a pixel: single pixels at edges differ (up to 7 %), on average little.
    assert np.abs(difference[0]).max() < 0.01 * exact.max()
    assert np.sqrt(np.mean(difference**2)) < 0.01 * exact.max()
    assert difference.sum() == pytest.approx(0, abs=2e-3 * float(exact[:, rows].sum()))


def test_specimens_repeat_with_their_seed_only(name):
    first, again, other = (make_phantom(name, s).volume(24, 24, 24) for s in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_names_are_taken_in_any_case_and_others_are_refused():
    assert len(make_phantom("Film").bodies) == 61
    with pytest.raises(
        ParameterError, match="one of catalyst, needle, slab, film, hollow, got 'x'"
    ):
        make_phantom("x")
