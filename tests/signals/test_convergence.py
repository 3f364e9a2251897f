"""The error of a trial slice, and projection of a volume back to a series."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError, TiltsError, UnknownParameterError
from tomojupyter.steps import history

TILTS = np.arange(-70, 71, 5.0)


@pytest.fixture(scope="module")
def aligned():
    stack = tomo.datasets.get_catalyst_data(size=48, tilts=TILTS)
    return stack.background("constant")


def test_every_iterate_and_its_error_come_back(aligned):
    iterates, error = aligned.recon_error(20, iterations=6)
    assert iterates.data.shape == (6, 48, 48)
    assert error.data.shape == (6,)
    assert (np.diff(error.data) < 0).all()
    # The whole reconstruction holds the same slice, and the error is what its projections miss.
    volume = aligned.reconstruct("SIRT", iterations=6, constrain=True, show_progressbar=False)
    np.testing.assert_allclose(iterates.data[-1], volume.data[20], atol=1e-5)
    back = volume.forward_project(TILTS).data[:, :, 20]
    assert error.data[-1] == pytest.approx(np.linalg.norm(back - aligned.data[:, :, 20]), rel=1e-4)
    assert iterates.axes_manager[0].name == "SIRT iteration"
    assert error.axes_manager[0].offset == 1
    assert error.metadata.Signal.quantity == "L2 norm of the residual"
    scale = aligned.axes_manager[1].scale
    assert [axis.scale for axis in iterates.axes_manager.signal_axes] == [scale, scale]


def test_the_first_column_is_a_column(aligned):
    first, _ = aligned.recon_error(0, "sart", 1)
    middle, _ = aligned.recon_error(None, "SART", 1)
    last, _ = aligned.recon_error(-1, "SART", 1)
    volume = aligned.reconstruct("SART", iterations=1, constrain=True, show_progressbar=False)
    for found, column in ((first, 0), (middle, 24), (last, 47)):
        np.testing.assert_allclose(found.data[0], volume.data[column], atol=1e-5)


def test_a_trial_is_not_recorded(aligned):
    before = history.read(aligned), aligned.data.copy()
    aligned.recon_error(3, iterations=2)
    assert history.read(aligned) == before[0]
    np.testing.assert_array_equal(aligned.data, before[1])


def test_excluded_projections_do_not_count(aligned):
    hurt = aligned.deepcopy()
    hurt.data[4] = 1e4
    hurt._exclude(4, "hot")
    _, error = hurt.recon_error(20, iterations=3)
    _, clean = aligned.recon_error(20, iterations=3)
    assert error.data[-1] == pytest.approx(clean.data[-1], rel=0.1)


def test_trials_that_cannot_be_are_refused(aligned):
    with pytest.raises(ParameterError, match="nslice must be a column from 0 to 47, got 48"):
        aligned.recon_error(48)
    with pytest.raises(UnknownParameterError, match="iterations: not a parameter of FBP"):
        aligned.recon_error(3, "FBP")
    with pytest.raises(TiltsError, match="all tilts are 0"):
        tomo.TomoStack(np.ones((5, 8, 8))).recon_error()


@pytest.mark.parametrize("kind", [list, tuple, np.array, tomo.TomoTilts])
def test_a_volume_is_projected_at_any_angles(kind):
    data = np.random.default_rng(4).random((5, 9, 12))
    volume = tomo.RecStack(data)
    for axis in volume.axes_manager._axes:
        axis.scale, axis.units = 2.5, "nm"
    stack = volume.forward_project(kind([0.0, 90.0, 30.0]))
    assert type(stack) is tomo.TomoStack
    assert stack.data.shape == (3, 12, 5)
    np.testing.assert_array_equal(stack.tilts.data.ravel(), [0, 90, 30])
    # Along z at 0 degrees, along y at 90, where the thin volume covers the middle rows.
    np.testing.assert_allclose(stack.data[0], data.sum(axis=1).T, rtol=1e-5)
    np.testing.assert_allclose(stack.data[1].sum(axis=0), data.sum(axis=(1, 2)), rtol=1e-4)
    assert stack.axes_manager.signal_axes[0].scale == 2.5
    with pytest.raises(TiltsError, match="numbers in degrees"):
        volume.forward_project(["a", "b"])


def test_projecting_a_reconstruction_gives_the_series_back(aligned):
    volume = aligned.reconstruct("SIRT", iterations=60, show_progressbar=False)
    back = volume.forward_project(aligned.tilts)
    assert np.corrcoef(back.data.ravel(), aligned.data.ravel())[0, 1] > 0.995
    assert back.axes_manager[1].scale == aligned.axes_manager[1].scale
