"""Total variation: against another minimiser, across blocks, and as it is given and stopped."""

import numpy as np
import pytest
from scipy import optimize

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.monitor import Silent
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.tv import tv

N, NZ = 18, 13  # an even width has padded rows in the kernels' layout
TILTS = np.linspace(-70, 70, 9)
NOTHING = {"constrain": True, "iterations": 25}


def series(slices, tilts=TILTS, ny=N, nz=NZ, noise=0.3, seed=0):
    """Sinograms of a box whose density changes along x, with noise; and the box."""
    projector = make_projector(tilts, ny, nz)
    volume = np.zeros((slices, nz, ny), np.float32)
    x = np.arange(slices)[:, None, None]
    volume[:, nz // 4 : -nz // 4, ny // 4 : -ny // 3] = 1 + (x // 6) % 3
    clean = projector.forward(volume)
    return clean + np.random.default_rng(seed).normal(0, noise, clean.shape), volume


def distance(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(other)


def cost(x, projector, data, weight, smooth=0.0):
    """What is minimised, and its gradient where `smooth` rounds the edges off."""
    residual = projector.forward(x) - data
    steps = [np.diff(x, axis=a, append=np.take(x, [-1], a)).astype(float) for a in range(3)]
    lengths = np.sqrt(sum(s**2 for s in steps) + smooth**2)
    value = 0.5 * np.sum(residual.astype(float) ** 2) + weight * lengths.sum()
    if not smooth:
        return value
    slope = projector.back(residual).astype(float)
    for axis, step in enumerate(steps):
        along = weight * step / lengths
        slope -= np.diff(along, axis=axis, prepend=0 * np.take(along, [0], axis))
    return value, slope


def test_no_other_minimiser_finds_less():
    tilts, weight = np.linspace(-70, 70, 7), 0.3
    data, _ = series(6, tilts, 9, 8)
    projector = make_projector(tilts, 9, 8, backend="astra")
    found = tv(projector, data, weight=weight, iterations=600, constrain=True)

    def rounded(x):
        given = x.reshape(6, 8, 9).astype(np.float32)
        value, slope = cost(given, projector, data, 7 * weight, 1e-3)
        return value, slope.ravel()

    other = optimize.minimize(
        rounded, np.zeros(6 * 8 * 9), jac=True, method="L-BFGS-B", bounds=[(0, None)] * (6 * 8 * 9),
        options={"maxiter": 400},
    )  # fmt: skip
    theirs = cost(other.x.reshape(6, 8, 9).astype(np.float32), projector, data, 7 * weight)
    ours = cost(found.volume, projector, data, 7 * weight)
    assert ours <= theirs * 1.002  # single precision, and edges rounded off by theirs
    assert theirs <= ours * 1.02  # so theirs is a minimum and no failure
    assert distance(found.volume, other.x.reshape(6, 8, 9)) < 0.05


@pytest.mark.parametrize("slices", [1, 7, 65, 70])
@pytest.mark.parametrize("constrain", [True, False])
def test_kernels_and_numpy_agree_whatever_the_blocks(slices, constrain):
    """Our projector has blocks of 16 and 64 here, ASTRA's matrix of 32: borders lie elsewhere."""
    data, _ = series(slices)
    data[0, 3, 4:9] = np.nan
    mask = np.ones((slices, NZ, N), bool)
    mask[:, :2] = False
    mask[0, :, :5] = False
    found = [
        tv(make_projector(TILTS, N, NZ, backend=backend), data, weight=0.3, iterations=30,
           constrain=constrain, upper=2.5, mask=mask)
        for backend in ("numba", "astra")
    ]  # fmt: skip
    assert distance(found[0].volume, found[1].volume) < 1e-4
    np.testing.assert_allclose(found[0].residuals, found[1].residuals, rtol=1e-4)
    assert (found[0].volume[~mask] == 0).all()


def test_slices_of_a_slab_with_its_halo_are_those_of_the_whole():
    from tomojupyter.steps.base import REGISTRY

    halo = REGISTRY["reconstruct"]["TV"].halo
    data, _ = series(80)
    projector = make_projector(TILTS, N, NZ)
    given = {"weight": 0.15, "iterations": 120, "constrain": True}
    whole = tv(projector, data, **given).volume
    assert halo <= 24
    part = tv(projector, data[24 - halo : 48 + halo], **given).volume[halo:-halo]
    assert distance(part, whole[24:48]) < 1e-3
    cut = tv(projector, data[24:48], **given).volume
    assert distance(cut, whole[24:48]) > 1e-3  # so the halo was needed


def test_results_do_not_depend_on_threads_nor_change_the_input():
    data, _ = series(70)
    before = data.copy()
    found = [tv(make_projector(TILTS, N, NZ), data, ncores=n, **NOTHING) for n in (1, 2)]
    np.testing.assert_array_equal(found[0].volume, found[1].volume)
    np.testing.assert_array_equal(found[0].residuals, found[1].residuals)
    assert found[0].weight == found[1].weight
    np.testing.assert_array_equal(data, before)


def test_residuals_are_those_of_the_volume():
    data, _ = series(20)
    projector = make_projector(TILTS, N, NZ)
    weights = np.ones_like(data)
    weights[:, 2] = 0.5
    weights[4, 3] = 0
    found = tv(projector, data, weight=0.2, iterations=60, constrain=True, weights=weights)
    left = weights * (data - projector.forward(found.volume))
    assert found.residuals[-1] == pytest.approx(np.linalg.norm(left), rel=1e-4)
    assert len(found.residuals) == found.iterations == 60


def test_pixels_without_weight_have_no_influence():
    data, _ = series(9)
    weights = np.ones_like(data)
    weights[2, 4, 3:7] = 0
    spoilt = data.copy()
    spoilt[2, 4, 3:7] = [1e6, -1e6, np.nan, np.inf]
    projector = make_projector(TILTS, N, NZ)
    found = [tv(projector, one, weights=weights, **NOTHING) for one in (data, spoilt)]
    np.testing.assert_array_equal(found[0].volume, found[1].volume)
    assert found[0].weight == found[1].weight > 0


@pytest.mark.parametrize("noise", [4.0, 8.0])
def test_the_weight_comes_near_the_best(noise):
    tilts = np.arange(-70, 71, 4.0)
    data, truth = series(16, tilts, 40, 40, noise)
    projector = make_projector(tilts, 40, 40)
    given = {"iterations": 80, "constrain": True}
    found = tv(projector, data, **given)
    errors = {
        factor: distance(tv(projector, data, weight=found.weight * factor, **given).volume, truth)
        for factor in (0.25, 0.5, 1, 2, 4)
    }
    assert errors[1] <= 1.15 * min(errors.values())
    assert errors[1] < 0.8 * max(errors.values())  # so the weight matters
    assert min(misfit for _, misfit in found.tried) < found.tried[0][1]


def test_the_weight_scales_with_the_data():
    data, _ = series(9)
    projector = make_projector(TILTS, N, NZ)
    one, other = (tv(projector, scale * data, **NOTHING) for scale in (1, 1024))
    assert other.weight == pytest.approx(1024 * one.weight, rel=1e-4)
    assert distance(other.volume, 1024 * one.volume) < 1e-4


def test_no_noise_and_no_data():
    projector = make_projector(TILTS, N, NZ)
    found = tv(projector, np.zeros((2, len(TILTS), N)), iterations=3)
    assert (found.volume == 0).all()
    assert found.weight == 0


def test_tolerance_ends_when_the_volume_rests():
    data, _ = series(9)
    projector = make_projector(TILTS, N, NZ)
    found = tv(projector, data, weight=0.3, iterations=400, tolerance=2e-3, constrain=True)
    assert 10 < found.iterations < 400
    same = tv(projector, data, weight=0.3, iterations=found.iterations, constrain=True)
    np.testing.assert_array_equal(found.volume, same.volume)
    more = tv(projector, data, weight=0.3, iterations=400, constrain=True)
    assert distance(found.volume, more.volume) < 0.05


def test_a_good_start_saves_iterations():
    data, _ = series(9)
    projector = make_projector(TILTS, N, NZ)
    given = {"weight": 0.3, "constrain": True}
    end = tv(projector, data, iterations=300, **given).volume
    start = end.copy()
    far, near = (tv(projector, data, iterations=10, start=s, **given).volume for s in (None, start))
    assert distance(near, end) < 0.5 * distance(far, end)
    np.testing.assert_array_equal(start, end)


class Listener(Silent):
    """Ends or cancels after some iterations."""

    def __init__(self, finish=None, cancel=None):
        self.finish, self.cancel, self.seen = finish, cancel, []

    def __call__(self, done, _total, **values):
        if "volume" in values:
            self.seen.append(np.array(values["volume"]))
        self.finish_early = done == self.finish
        if self.cancel is not None and done >= self.cancel:
            raise Cancelled("stopped")


def test_finish_keeps_the_iterate_that_was_shown():
    data, _ = series(20)
    listener = Listener(finish=4)
    found = tv(make_projector(TILTS, N, NZ), data, weight=0.3, iterations=50, monitor=listener)
    assert found.iterations == len(listener.seen) == 4
    np.testing.assert_array_equal(found.volume, listener.seen[-1])


@pytest.mark.parametrize("at", [0, 3])
def test_cancel_is_heard_also_while_the_weight_is_sought(at):
    data, _ = series(20)
    with pytest.raises(Cancelled):
        tv(make_projector(TILTS, N, NZ), data, monitor=Listener(cancel=at))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"weight": -1.0}, "weight must be 0 or more and finite, or None, got -1.0"),
        ({"weight": np.nan}, "weight must be 0 or more"),
        ({"weight": 1.0, "relaxation": 1.5}, "relaxation must be at most 1 with TV, got 1.5"),
        ({"weight": 1.0, "tolerance": -1.0}, "tolerance must be 0 or more, got -1.0"),
        ({"weight": 1.0, "iterations": 0}, "iterations must be at least 1, got 0"),
    ],
)
def test_wrong_parameters_are_refused(given, sentence):
    data, _ = series(2)
    with pytest.raises(ParameterError, match=sentence):
        tv(make_projector(TILTS, N, NZ), data, **given)


def test_two_projections_leave_none_to_choose_by():
    projector = make_projector(TILTS[:2], N, NZ)
    with pytest.raises(ParameterError, match="at least 3 projections to choose a weight by, got 2"):
        tv(projector, np.ones((1, 2, N)))
