"""A simulated series of spectra, and the Spectral panel with it open."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.ui import SpectralPanel

LINES = ("Si_Ka", "Cr_Ka", "Ni_Ka", "Pt_Ma")


@pytest.fixture(scope="session")
def made():
    return tomo.datasets.get_simulated_edx_data(
        size=16, tilts=np.arange(-60, 61, 20.0), counts=20, seed=1
    )


@pytest.fixture
def panel(made, empty):
    panel = SpectralPanel(empty)
    panel.activate()
    panel.open_signal(made.edx, "needle")
    for name in set(panel.lines.names) - set(LINES):
        panel.lines.remove(name)
    return panel


@pytest.fixture
def same(timeless):
    """Compare maps or volumes by name, with their records."""

    def compare(ours, theirs):
        assert set(ours) == set(theirs)
        for name in theirs:
            np.testing.assert_array_equal(ours[name].data, theirs[name].data)
            assert timeless(ours[name]) == timeless(theirs[name])

    return compare
