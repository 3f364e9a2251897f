"""Simulated spectrum images, and the measured ones that are not there."""

import subprocess
import sys

import hyperspy.api as hs
import numpy as np
import pytest

from tomojupyter import datasets as ds
from tomojupyter.errors import MissingFileError, ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.reconstruct import project

TILTS = np.arange(-60, 61, 20.0)


@pytest.fixture(scope="module")
def made():
    return ds.get_simulated_edx_data(size=16, tilts=TILTS, channels=256, channel_width=0.05, seed=3)


def test_row_2_edx_a_simulated_series_needs_no_download(made):
    assert made.edx.data.shape == (7, 16, 16, 256)
    assert made.edx.metadata.Signal.signal_type == "EDS_TEM"
    assert made.edx.axes_manager.signal_axes[0].units == "keV"
    assert made.edx.metadata.Tomography.tilts.data.ravel().tolist() == TILTS.tolist()
    assert made.haadf.data.shape == (7, 32, 32)
    assert made.haadf.tilts.data.ravel().tolist() == TILTS.tolist()
    scale = [s.axes_manager[-2].scale for s in (made.edx.T, made.haadf)]
    assert scale[1] == 100 / 32


def test_row_2_edx_the_measured_series_says_size_and_place(tmp_path, monkeypatch):
    monkeypatch.setenv(ds.DATA_DIR, str(tmp_path))
    with pytest.raises(MissingFileError, match=r"37 x 128 x 162 px x 2048 channels, 3\.1 GB") as e:
        ds.get_edx_data()
    for part in ("10.18434/mds2-3631", str(tmp_path), ds.DATA_DIR, ds.EDX_FILES):
        assert part in str(e.value)


def test_row_2_edx_the_measured_series_is_read_where_it_is(tmp_path, monkeypatch):
    """With small images in its place."""
    monkeypatch.setenv(ds.DATA_DIR, str(tmp_path))
    for i in range(37):
        values = np.full((3, 4, 16), i, np.uint16)
        hs.signals.Signal1D(values).save(tmp_path / f"EDX_SI_{i:02d}.hdf5", file_format="HSPY")
    edx = ds.get_edx_data()
    assert edx._lazy
    assert edx.data.shape == (37, 3, 4, 16)
    assert edx.data[:, 0, 0, 0].compute().tolist() == list(range(37))
    assert edx.metadata.Tomography.tilts.data.ravel().tolist() == list(range(0, 181, 5))


def test_counts_are_poisson_of_the_known_maps(made):
    """Lines of nickel and silicon far from others, in pixels that hold much of them."""
    truth, energy = made.truth, made.edx.axes_manager.signal_axes[0].axis
    total = made.edx.data.sum(axis=-1)
    amounts = np.stack(list(truth.maps.values()))
    covered = amounts.sum(0) > 0.05 * amounts.sum(0).max()
    # 1,000 pixels of about 20 counts: 0.14 from counting; 0.8 come from the holder.
    assert total[covered].mean() == pytest.approx(20.8, abs=0.6)
    window = (energy > 7.25) & (energy < 7.7)
    seen, nickel = made.edx.data[..., window].sum(-1), truth.maps["Ni"]
    there, away = nickel > 0.5 * nickel.max(), (nickel == 0) & ~covered
    assert seen[there].mean() > 20 * seen[away].mean()
    assert away.any()
    vacuum = made.edx.data.sum(-1)[~covered]
    assert vacuum.var() == pytest.approx(vacuum.mean(), rel=0.25)  # as Poisson numbers have it


def test_maps_are_projections_of_the_volumes(made):
    projector = make_projector(TILTS, 16, 16)
    for element in ("Ni", "Si"):
        projected = project(projector, made.truth.volumes[element])
        close = projected[:, 2:-2, 2:-2] - made.truth.maps[element][:, 2:-2, 2:-2]
        # The projector interpolates 16 px, the maps are exact.
        assert np.linalg.norm(close) < 0.15 * np.linalg.norm(made.truth.maps[element])


def test_the_seed_repeats_and_the_truth_of_moves_aligns():
    how = {"size": 16, "tilts": [0.0, 30.0], "channels": 64, "channel_width": 0.15}
    one, two = (ds.get_simulated_edx_data(**how, jitter=1.5, seed=5) for _ in range(2))
    assert np.array_equal(one.edx.data, two.edx.data)
    other = ds.get_simulated_edx_data(**how, seed=6)
    assert not np.array_equal(one.edx.data, other.edx.data)
    still = ds.get_simulated_edx_data(**how, seed=5)
    rows = np.arange(16)[:, None]

    def middle(images):
        return (rows * images).sum((1, 2)) / images.sum((1, 2))

    silicon = [m.truth.maps["Pt"] for m in (one, still)]
    moved = middle(silicon[0]) - middle(silicon[1])
    assert np.allclose(moved, -one.truth.shifts[:, 0], atol=0.05)
    assert np.abs(one.truth.shifts).max() > 0.5


def test_core_and_shell_do_not_share_a_voxel_by_more_than_their_border():
    truth = ds.get_simulated_edx_data("coreshell", 16, [0.0], channels=64).truth
    for volume in truth.volumes.values():
        assert volume.min() >= 0
        assert volume.max() < 1.05
    both = truth.volumes["Ni"] * truth.volumes["Pt"]
    assert both.max() < 0.4  # 1/4 where a border goes through a voxel


@pytest.mark.parametrize(
    "wrong", [{"size": 4}, {"counts": 0}, {"phantom": "cube"}, {"channels": 3}]
)
def test_wrong_values_are_sentences(wrong):
    with pytest.raises(ParameterError, match=str(*wrong)):
        ds.get_simulated_edx_data(**{"size": 16, "tilts": [0.0], "channels": 64, **wrong})


def test_importing_the_package_does_not_import_exspy():
    code = (
        "import sys, tomojupyter.api; sys.exit('exspy' in sys.modules or 'sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
