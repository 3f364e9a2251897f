"""A small simulated series, its files, and what tests compare."""

import os
from pathlib import Path

import numpy as np
import pytest

from tomojupyter.batch.jobs import do
from tomojupyter.datasets import get_catalyst_data
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import history

VARIES = ("time", "seconds", "environment", "versions")
QUICK = """tomojupyter: 1
steps:
  - background: {method: constant}
  - stack_register: {method: PC}
  - tilt_align: {method: manual, shift: 1.5, angle: -1.0}
  - reconstruct: {method: SIRT, iterations: 3, constrain: true}
"""


@pytest.fixture(scope="session")
def made_series():
    """A drifting series of 24 x 32 px (y, x): not square, so that mixed-up axes show."""
    made = get_catalyst_data(
        misalign=True, minshift=-2, maxshift=2, size=32, tilts=np.arange(-60, 61, 10.0), counts=900
    )
    return made.isig[:, 4:28]


@pytest.fixture
def series(made_series):
    """A copy of the series that a test may change; its only pixels are its own."""
    made = made_series.deepcopy()
    made.detach()
    return made


@pytest.fixture(scope="session")
def counted(made_series):
    """The same series as counts, int16, with its vacuum at -1000."""
    pixels = made_series.data
    return np.round(pixels / pixels.max() * 3000 - 1000).astype("i2")


@pytest.fixture
def series_file(tmp_path, counted, made_series):
    """An MRC file of the counts with its list of tilts beside it."""
    path = tmp_path / "series.mrc"
    write_mrc(path, counted, 0.5, is_volume=False)
    write_tilts(path.with_suffix(".rawtlt"), made_series.tilts.data.ravel())
    return path


@pytest.fixture
def series_folder(tmp_path, counted, made_series):
    """Return a function that makes a folder of series s0, s1 ... and a recipe beside it."""

    def make(count, recipe_text=QUICK, broken=()):
        path = tmp_path / "series"
        path.mkdir()
        for i in range(count):
            source = path / f"s{i}.mrc"
            write_mrc(source, np.roll(counted, i, axis=2), 0.5, is_volume=False)
            write_tilts(source.with_suffix(".rawtlt"), made_series.tilts.data.ravel())
            if i in broken:
                source.write_bytes(source.read_bytes()[:5000])
        recipe = tmp_path / "quick.yaml"
        recipe.write_text(recipe_text, encoding="utf-8")
        return path, recipe

    return make


@pytest.fixture
def here(monkeypatch):
    """Do the jobs of a batch in this process, one after the other, which spares its start."""

    def run_jobs(jobs, _count, _memory):
        for job, _ in jobs:
            yield job, None
            yield job, do(job)

    monkeypatch.setattr("tomojupyter.batch.workers.run_jobs", run_jobs)


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(QUICK, encoding="utf-8")
    return path


def write_tilts(path, tilts):
    path.write_text("".join(f"{t:.2f}\n" for t in tilts), encoding="utf-8")
    return path


@pytest.fixture
def timeless():
    """Return the records of a signal without what differs from run to run."""

    def without(records):
        found = [{k: v for k, v in record.items() if k not in VARIES} for record in records]
        for record in found:  # histories of what was taken together
            if "with" in record:
                record["with"] = {name: without(of) for name, of in record["with"].items()}
        return found

    return lambda signal: without(history.read(signal))


@pytest.fixture
def operations():
    """Return the operations in the history of a signal, in order."""

    def names(signal):
        return [record["operation"] for record in history.read(signal)]

    return names


@pytest.fixture
def real_data():
    """The folder of the real test data."""
    folder = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not folder:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the real test data")
    return Path(folder)
