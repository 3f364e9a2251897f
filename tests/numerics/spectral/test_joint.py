"""Coupled reconstruction: several channels whose edges lie in the same places."""

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.monitor import Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.numerics.spectral.coupling import add_divergence, ascend, clip
from tomojupyter.numerics.spectral.joint import joint
from tomojupyter.numerics.spectral.noise import precision
from tomojupyter.numerics.spectral.operators import Operators, excess

TILTS = np.arange(0, 180, 18.0)
N = 20


@pytest.fixture(scope="module")
def phases():
    """Two phases that fill a ball, side by side, (2, x, z, y)."""
    x, z, y = np.indices((N, N, N)) - (N - 1) / 2
    ball = x**2 + y**2 + z**2 < 7.2**2
    return np.stack([ball & (y < x), ball & (y >= x)]).astype(np.float32)


@pytest.fixture(scope="module")
def projector():
    return make_projector(TILTS, N, N)


@pytest.fixture(scope="module")
def counts(phases, projector):
    """About 6 counts in the middle of each phase."""
    clean = np.stack([projector.forward(phase) for phase in phases])
    return np.random.default_rng(0).poisson(0.5 * clean).astype(np.float32)


def error(volumes, truth):
    volumes = volumes * (np.vdot(volumes, truth) / np.vdot(volumes, volumes))
    return np.linalg.norm(volumes - truth) / np.linalg.norm(truth)


def test_singular_values_are_cut():
    rng = np.random.default_rng(0)
    for count in (1, 2, 5):
        for matrix in (rng.normal(size=(count, 3)), np.zeros((count, 3)), np.eye(5, 3)[:count]):
            u, s, v = np.linalg.svd(matrix, full_matrices=False)
            clip(cut := matrix.copy(), 0.8, np.empty((3, 3)), np.empty((3, 3)))
            assert np.allclose(cut, (u * np.minimum(s, 0.8)) @ v, atol=1e-6)


def test_divergence_is_the_adjoint_of_the_gradient():
    rng = np.random.default_rng(1)
    volumes = rng.normal(size=(2, 5, 4, 3)).astype("f4")
    dual = rng.normal(size=(5, 4, 3, 2, 3)).astype("f4")
    gradient, back = np.zeros_like(dual), np.zeros_like(volumes)
    ascend(volumes, gradient, 0.5, 1.0, 1e9, 0, 5)
    add_divergence(dual, back, 0.5, 0, 5)
    assert np.vdot(gradient, dual) == pytest.approx(np.vdot(volumes, back), rel=1e-5)


def test_projections_and_their_adjoint_belong_together(projector):
    rng = np.random.default_rng(1)
    with Workers(1) as workers:
        both = Operators(projector, workers, lambda _: None)
        volumes = rng.normal(size=(2, 3, *projector.slice_shape)).astype("f4")
        sinograms = rng.normal(size=(2, 3, *projector.sinogram_shape)).astype("f4")
        forward, back = both.forward(volumes), both.back(sinograms)
        assert np.vdot(forward, sinograms) == pytest.approx(np.vdot(volumes, back), rel=1e-4)
        rows, columns = both.bounds()
        one = np.zeros_like(volumes[:1, :1])
        one[0, 0, N // 2, N // 2] = 1
        # The sizes of the entries of a column add up to no more than what the descent reckons with.
        size = float(np.abs(both.forward(one)).sum())
        assert 0.85 < size / columns[0, 0, N // 2, N // 2] <= 1
        assert rows.shape == (1, 1, *projector.sinogram_shape)
        # Nothing is lost: a sharper pixel counts as much.
        assert both.forward(one).sum() == pytest.approx(projector.forward(one[0]).sum(), rel=1e-6)


def test_volumes_of_exact_projections_are_no_sharper_than_the_specimen():
    """A cylinder without noise; each pixel is a mean over its width, as in a camera."""
    n, radius, fine = 32, 7.3, 16
    tilts = np.arange(0, 180, 5.0)
    u = (np.arange(n * fine) + 0.5) / fine - n / 2
    chords = [2 * np.sqrt(np.maximum(radius**2 - (u - 0.3 * np.cos(t)) ** 2, 0))
              for t in np.deg2rad(tilts)]  # fmt: skip
    data = np.array([chord.reshape(n, fine).mean(axis=1) for chord in chords], "f4")
    data = np.repeat(data[None, None], 4, axis=1)
    found = joint(make_projector(tilts, n, n), data, iterations=200).volumes[0, 2]
    y, z = np.meshgrid(u - 0.3, u)
    truth = (y**2 + z**2 < radius**2).reshape(n, fine, n, fine).mean(axis=(1, 3))
    # With the projector as it is: 0.046, and 1.11 at the surface.
    assert np.linalg.norm(found - truth) / np.linalg.norm(truth) < 0.042
    assert found.max() < 1.08
    assert found.sum() == pytest.approx(truth.sum(), rel=1e-3)


def test_the_noise_of_counts_is_found(phases, projector, counts):
    clean = 0.5 * np.stack([projector.forward(phase) for phase in phases])
    found = 1 / precision(counts, clean, np.ones(counts.shape, bool))
    matter = clean > 3
    assert found[matter].mean() == pytest.approx(clean[matter].mean(), rel=0.1)
    assert found[clean == 0].mean() < 0.15 * found[matter].mean()


def test_channels_together_beat_each_by_itself(phases, projector, counts):
    together = joint(projector, counts, iterations=60)
    alone = [joint(projector, one[None], iterations=60).volumes[0] for one in counts]
    plain = []
    for one, phase in zip(counts, phases, strict=True):
        found = [sirt(projector, one, iterations=i, constrain=True).volume for i in (20, 100)]
        plain.append(min(found, key=lambda v, phase=phase: error(v, phase)))
    errors = [error(np.stack(v), phases) for v in (together.volumes, alone, plain)]
    assert errors[0] < errors[1] < 0.7 * errors[2]
    assert together.volumes.min() >= 0
    # At 6 counts and 10 tilts smoothness takes a tenth of the counts in all.
    assert together.volumes.sum() == pytest.approx(0.5 * phases.sum(), rel=0.15)


def test_a_guide_of_little_noise_helps(phases, projector, counts):
    guide = projector.forward(phases[0] + 2.5 * phases[1])
    guide += np.random.default_rng(2).normal(0, 0.2, guide.shape).astype("f4")
    series = np.concatenate([counts, guide[None]])
    guided = joint(projector, series, guide=2, iterations=60)
    among = joint(projector, series, iterations=60)
    free = joint(projector, counts, iterations=60)
    errors = [error(found.volumes[:2], phases) for found in (guided, among, free)]
    assert errors[0] < 0.95 * errors[1] < 0.5 * errors[2]
    # Trust says nothing of the noise: neither of the maps nor of what is left of all.
    assert guided.noise[:2] == pytest.approx(among.noise[:2], rel=0.1)
    assert guided.residuals[-1] == pytest.approx(among.residuals[-1], rel=0.1)


def test_a_guide_that_shows_nothing_does_no_harm(phases, projector, counts):
    blank = np.random.default_rng(2).normal(0, 1, counts[:1].shape).astype("f4")
    guided = joint(projector, np.concatenate([blank, counts]), guide=0, iterations=60)
    free = joint(projector, counts, iterations=60)
    assert error(guided.volumes[1:], phases) < 1.06 * error(free.volumes, phases)
    nothing = joint(projector, np.concatenate([0 * blank, counts]), guide=0, iterations=60)
    assert error(nothing.volumes[1:], phases) < 1.06 * error(free.volumes, phases)


def test_what_interpolation_adds_is_known():
    """Against the widths of projected voxels, as the projector in use makes them."""
    tilts = np.array([0.0, 20.0, 45.0, 70.0, 90.0, 123.0])
    nz, ny = 40, 48
    projector = make_projector(tilts, ny, nz)
    y = np.arange(ny) - (ny - 1) / 2
    z = (nz - 1) / 2 - np.arange(nz)
    rows, columns = (g.ravel() for g in np.mgrid[8:32, 10:38])
    voxels = np.zeros((len(rows), nz, ny), "f4")
    voxels[np.arange(len(rows)), rows, columns] = 1
    seen = projector.forward(voxels)
    angle = np.deg2rad(tilts)
    at = y[columns, None] * np.cos(angle) + z[rows, None] * np.sin(angle)
    width = (seen * (y - at[..., None]) ** 2).sum((0, 2)) / seen.sum((0, 2))
    found = excess(projector)
    assert found[[0, 4]] == pytest.approx(0, abs=1e-6)
    assert found == pytest.approx(width, abs=0.005)
    assert found[1] == pytest.approx(np.cos(np.deg2rad(20)) ** 2 / 6, rel=0.02)


def test_units_of_the_channels_do_not_matter(projector, counts):
    one = joint(projector, counts, iterations=20)
    scaled = joint(
        projector, counts * np.array([1e-3, 50.0], "f4")[:, None, None, None], iterations=20
    )
    peak = one.volumes.max()
    assert np.allclose(scaled.volumes[0] * 1e3, one.volumes[0], atol=0.01 * peak)
    assert np.allclose(scaled.volumes[1] / 50, one.volumes[1], atol=0.01 * peak)


def test_pixels_that_do_not_count_may_hold_anything(projector, counts):
    weights = np.ones_like(counts)
    weights[:, 3:6, 2] = 0
    spoilt = np.where(weights > 0, counts, np.nan)
    one = joint(projector, spoilt, iterations=10)
    other = joint(projector, np.where(weights > 0, counts, 1e4), weights=weights, iterations=10)
    assert np.isfinite(one.volumes).all()
    assert np.allclose(one.volumes, other.volumes)


def test_nothing_but_zeros_is_reconstructed_as_nothing(projector):
    found = joint(projector, np.zeros((2, 3, len(TILTS), N)), iterations=3)
    assert not found.volumes.any()


def test_threads_do_not_matter_and_cancel_is_heard(projector, counts):
    one, two = (joint(projector, counts, iterations=4, ncores=n).volumes for n in (1, 2))
    assert np.array_equal(one, two)

    class Stop(Silent):
        def __call__(self, done, *_, **__):
            if done > 1:
                raise Cancelled("stop")

    with pytest.raises(Cancelled):
        joint(projector, counts, iterations=4, monitor=Stop())


@pytest.mark.parametrize(
    "wrong", [{"weight": -1}, {"weight": np.nan}, {"iterations": 0}, {"refinements": -1}]
)
def test_wrong_values_are_sentences(projector, counts, wrong):
    with pytest.raises(ParameterError, match="must be at least"):
        joint(projector, counts, **wrong)
    with pytest.raises(ParameterError, match=r"\(channels, slices, n, ny\)"):
        joint(projector, counts[0])
