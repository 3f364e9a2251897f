"""Coupled volumes with a guide whose pixels are finer than those of the maps."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.steps import make_step, run_together

TILTS = np.arange(0, 180, 10.0)
SCALE = 100 / 32  # nm, of the maps
LINES = ["Si_Ka", "Cr_Ka", "Ni_Ka", "Pt_Ma"]


@pytest.fixture(scope="module")
def made():
    return tomo.datasets.get_simulated_edx_data(
        "coreshell", size=32, tilts=TILTS, counts=60, channels=256, channel_width=0.045, seed=2
    )


@pytest.fixture(scope="module")
def maps(made):
    return tomo.spectral.line_maps(made.edx, lines=LINES)


@pytest.fixture(scope="module")
def finer(made, maps):
    return tomo.spectral.reconstruct_all(maps, guide=made.haadf, iterations=60)


def mean_error(volumes, truth):
    errors = []
    for name in LINES:
        found, own = volumes[name].data, truth.volumes[name[:2]]
        found = found * (np.vdot(found, own) / np.vdot(found, found))
        errors.append(np.linalg.norm(found - own) / np.linalg.norm(own))
    return np.mean(errors)


def test_a_guide_of_half_the_pixels_makes_volumes_better(made, maps, finer):
    binned = tomo.spectral.reconstruct_all(maps, guide=made.haadf.bin(2), iterations=60)
    errors = [mean_error(volumes, made.truth) for volumes in (finer, binned)]
    # 0.16 and 0.20.
    assert errors[0] < 0.9 * errors[1]
    for name, volume in finer.items():
        assert volume.data.shape == binned[name].data.shape == (32, 32, 32)
        assert [axis.scale for axis in volume.axes_manager._axes] == pytest.approx([SCALE] * 3)


def test_still_finer_pixels_are_binned_to_half(made, maps, finer):
    quarter = tomo.TomoStack(
        np.kron(made.haadf.data, np.ones((1, 2, 2), np.float32)), made.haadf.tilts.data.ravel()
    )
    for axis in quarter.axes_manager.signal_axes:
        axis.scale, axis.units = SCALE / 4, "nm"
    same = tomo.spectral.reconstruct_all(maps, guide=quarter, iterations=60)
    assert np.allclose(same["Ni_Ka"].data, finer["Ni_Ka"].data, atol=1e-4)


def test_pixels_of_a_third_are_binned_to_those_of_the_maps(made, maps):
    third = tomo.TomoStack(
        np.kron(made.haadf.bin(2).data, np.ones((1, 3, 3), np.float32)),
        made.haadf.tilts.data.ravel(),
    )
    for axis in third.axes_manager.signal_axes:
        axis.scale, axis.units = SCALE / 3, "nm"
    same = tomo.spectral.reconstruct_all(maps, guide=third, iterations=3)
    binned = tomo.spectral.reconstruct_all(maps, guide=made.haadf.bin(2), iterations=3)
    assert np.allclose(same["Ni_Ka"].data, binned["Ni_Ka"].data, atol=1e-4)


def test_the_volumes_are_as_thick_as_asked(made, maps):
    thin = tomo.spectral.reconstruct_all(maps, guide=made.haadf, iterations=2, thickness=14)
    assert thin["Ni_Ka"].data.shape == (32, 14, 32)


def test_a_fine_guide_that_is_named_first_is_a_sentence(made, maps):
    step = make_step("reconstruct", "TNV", guide="guide", iterations=2)
    with pytest.raises(DataError, match="name it last where it is the guide"):
        run_together({"guide": made.haadf, **maps}, step)


def test_too_little_memory_says_that_the_guide_may_be_binned(made, maps):
    step = make_step("reconstruct", "TNV", guide="guide", iterations=2)
    series = {**maps, "guide": made.haadf}
    with pytest.raises(ParameterError, match=r"18 x 32 x 32 px.*bin the guide to the pixels"):
        run_together(series, step, max_memory="20 MB")
    run_together({**series, "guide": made.haadf.bin(2)}, step, max_memory="20 MB")
