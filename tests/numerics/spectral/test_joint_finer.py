"""Coupled reconstruction in voxels as fine as the pixels of a guide."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.spectral.descent import Descent
from tomojupyter.numerics.spectral.joint import Finer, joint
from tomojupyter.numerics.spectral.operators import Operators

TILTS = np.arange(0, 180, 9.0)
N, SUB = 24, 8  # px, and samples of a px
NX = 4
COUNTS = 30  # of a px of either body


@pytest.fixture(scope="module")
def bodies():
    """A core and its skin, 2 px thick, with their exact projections, from fine samples."""
    u = (np.arange(N * SUB) + 0.5) / SUB - N / 2
    y, z = np.meshgrid(u - 0.7, -u - 0.2)
    inner, outer = (y**2 + z**2 < r**2 for r in (4.3, 6.3))
    truth = np.stack([inner, outer & ~inner]).astype("f4")

    def seen(pixels):
        rays = []
        for t in np.deg2rad(TILTS):
            off = u - (0.7 * np.cos(t) + 0.2 * np.sin(t))
            small, large = (2 * np.sqrt(np.maximum(r**2 - off**2, 0)) for r in (4.3, 6.3))
            rays.append([small, large - small])
        rays = np.array(rays, "f4").transpose(1, 0, 2)
        return rays.reshape(2, len(TILTS), pixels, -1).mean(axis=-1)

    voxels = truth.reshape(2, N, SUB, N, SUB).mean(axis=(2, 4))
    return voxels, seen


@pytest.fixture(scope="module")
def series(bodies):
    """Maps of 300 counts, and a guide in which skin and core differ by a quarter, fine."""
    _, seen = bodies
    rng = np.random.default_rng(3)
    maps = np.repeat(COUNTS * seen(N)[:, None], NX, axis=1)
    maps = rng.poisson(maps).astype("f4")
    fine = np.repeat((seen(2 * N)[0] + 1.3 * seen(2 * N)[1])[None], NX, axis=0)
    guide = (rng.poisson(100 * fine + 10) / 100 - 0.1).astype("f4")
    return maps, guide


def everything(maps, guide):
    return np.concatenate([maps, guide.reshape(1, *guide.shape[:2], -1, 2).mean(axis=-1)])


@pytest.fixture(scope="module")
def projectors():
    return make_projector(TILTS, N, N), make_projector(TILTS, 2 * N, 2 * N)


def error(found, truth):
    found = found * (np.vdot(found, truth) / np.vdot(found, found))
    return np.linalg.norm(found - truth) / np.linalg.norm(truth)


def test_projections_of_finer_voxels_and_their_adjoint_belong_together(projectors):
    coarse, fine = projectors
    rng = np.random.default_rng(1)
    with Workers(1) as workers:
        both = Operators(fine, workers, lambda _: None, 2, (1,))
        volumes = rng.normal(size=(2, 3, *fine.slice_shape)).astype("f4")
        sinograms = rng.normal(size=(2, 3, *fine.sinogram_shape)).astype("f4")
        before = sinograms.copy()
        forward, back = both.forward(volumes), both.back(sinograms)
        assert np.array_equal(sinograms, before)
        assert np.vdot(forward, sinograms) == pytest.approx(np.vdot(volumes, back), rel=1e-3)
        # Only the channel with wide pixels has them in pairs.
        assert np.array_equal(forward[0, ..., ::2], forward[0, ..., 1::2])
        assert not np.allclose(forward[1, ..., ::2], forward[1, ..., 1::2])
        # In px, whatever the voxels: means over pairs are what large voxels project to.
        smooth = np.exp(-((np.indices((N, N)) - (N - 1) / 2) ** 2).sum(0) / 40).astype("f4")
        grown = smooth.repeat(2, axis=0).repeat(2, axis=1)
        large = Operators(coarse, workers, lambda _: None).forward(smooth[None, None])
        small = both.forward(grown[None, None])[..., ::2]
        assert small == pytest.approx(large, abs=0.02 * float(large.max()))
        spread = both.spread(np.ones((1, 1, *fine.sinogram_shape), "f4"))
        assert spread[0, 0, N, N] == pytest.approx(2 * len(TILTS), rel=0.1)


def test_thin_skins_come_out_sharper_and_as_thick_as_they_are(bodies, series, projectors):
    truth, _ = bodies
    coarse, fine = projectors
    maps, guide = series
    data = everything(maps, guide)
    large = joint(coarse, data, guide=2).volumes[:2, 1]
    small = joint(coarse, data, guide=2, finer=Finer(fine, guide))
    assert small.volumes.shape == (3, NX, N, N)
    assert small.iterations == 120
    found = small.volumes[:2, 1]
    errors = [error(volumes, truth) for volumes in (found, large)]
    # 0.072 and 0.099.
    assert errors[0] < 0.8 * errors[1]
    assert found.sum() == pytest.approx(COUNTS * truth.sum(), rel=0.03)


def test_the_noise_of_a_guide_is_seen_in_fine_voxels(bodies, series, projectors):
    """Large voxels leave more of a sharp body than the noise, so that it is overrated."""
    maps, guide = series
    data = everything(maps, guide)
    _, seen = bodies
    clean = seen(2 * N)[0] + 1.3 * seen(2 * N)[1]
    with Workers(1) as workers:
        both = Operators(projectors[1], workers, lambda _: None, 2, (2,))
        start = np.full((3, NX, 2 * N, 2 * N), 0.1, "f4")
        doubled = data.repeat(2, axis=3)
        doubled[2] = guide
        descent = Descent(both, doubled, np.ones_like(doubled), start, 2)
        old = descent.omega.copy()
        for _ in range(60):
            descent.step(1.0)
        descent.look_again(2)
    assert np.array_equal(descent.omega[:2], old[:2])
    unit, trust = descent.unit[2].item(), descent.trust[2].item()
    variance = unit**2 * trust / descent.omega[2]
    expected = (100 * clean + 10) / 100**2
    inside = clean > 3
    assert variance[:, inside].mean() == pytest.approx(expected[inside].mean(), rel=0.15)


def test_pixels_of_a_fine_guide_that_are_not_known_may_hold_anything(series, projectors):
    coarse, fine = projectors
    maps, guide = series
    data = everything(maps, guide)
    weights = np.ones_like(data)
    weights[2, :, 3, 4:6] = 0
    found = []
    for value in (np.nan, 1e3):
        holed = guide.copy()
        holed[:, 3, 8:12] = np.nan
        spoilt = np.where(weights > 0, data, value)
        volumes = joint(
            coarse, spoilt, weights=weights, guide=2, finer=Finer(fine, holed), iterations=6
        ).volumes
        assert np.isfinite(volumes).all()
        found.append(volumes)
    assert np.array_equal(*found)


def test_finer_pixels_of_no_guide_are_a_sentence(series, projectors):
    maps, guide = series
    with pytest.raises(ParameterError, match="no channel is one"):
        joint(projectors[0], everything(maps, guide), finer=Finer(projectors[1], guide))
