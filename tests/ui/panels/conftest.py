"""A series of spectra with the Spectral panel, and a folder of series with the Batch panel."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.ui import BatchPanel, Session, SpectralPanel
from tomojupyter.ui.jobs import Inline

SHORT = """tomojupyter: 1
steps:
  - stack_register: {method: PC}
  - reconstruct: {method: SIRT, iterations: 2}
"""
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


@pytest.fixture
def make_batch(series_folder, here):
    """Return a maker of the panel on a data folder with series, one of them cut short."""

    def panel(count=3, recipe=SHORT, broken=(1,), work=None):
        folder, file = series_folder(count, recipe, broken)
        file.rename(folder / "short.yaml")
        worked = work(tomo.load(folder / "s0.mrc")) if work else None
        session = Session(worked, "catalyst.mrc", executor=Inline(), folder=folder)
        made = BatchPanel(session)
        made.activate()
        return made

    return panel


@pytest.fixture
def states():
    """Return what the table of a Batch panel says of each series."""
    return lambda panel: {name: line.state for name, line in panel.table.lines.items()}


@pytest.fixture
def short():
    """Return the recipe that the Batch panels of the tests have."""
    return SHORT
