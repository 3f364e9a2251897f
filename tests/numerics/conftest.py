"""What several tests of reconstruction need."""

import threading
import time

import astra
import numpy as np
import pytest

from tomojupyter.errors import Cancelled

N = 48
TILTS = np.arange(-90, 90, 3.0)


def disc_sinogram_of(tilts, n, radius, y, z, density=1.0):
    """Return the exact line integrals through a disc, averaged over each detector pixel."""
    fine = 20
    rows = (np.arange(n * fine) + 0.5) / fine - n / 2
    angles = np.deg2rad(tilts)[:, None]
    distance = rows - (y * np.cos(angles) + z * np.sin(angles))
    chords = 2 * density * np.sqrt(np.clip(radius**2 - distance**2, 0, None))
    return chords.reshape(len(tilts), n, fine).mean(axis=2).astype(np.float32)


def distance_from(n, y, z):
    """Distance of the pixels of an (n, n) slice from the point (y, z)."""
    c = (n - 1) / 2
    rows, columns = np.mgrid[:n, :n]
    return np.hypot(columns - c - y, c - rows - z)


def run_astra(name, sinogram, tilts, nz, iterations=1, **options):
    """Reconstruct one slice by one of ASTRA's CPU algorithms."""
    ny = sinogram.shape[1]
    detector = astra.create_proj_geom("parallel", 1.0, ny, np.deg2rad(tilts))
    grid = astra.create_vol_geom(nz, ny)
    config = astra.astra_dict(name)
    config["ProjectorId"] = astra.create_projector("linear", detector, grid)
    config["ProjectionDataId"] = astra.data2d.create("-sino", detector, sinogram)
    config["ReconstructionDataId"] = astra.data2d.create("-vol", grid, 0)
    if "FilterType" in options:
        config["FilterType"] = options.pop("FilterType")
    config["option"] = options
    algorithm = astra.algorithm.create(config)
    astra.algorithm.run(algorithm, iterations)
    result = astra.data2d.get(config["ReconstructionDataId"])
    astra.algorithm.delete(algorithm)
    astra.data2d.delete([config["ProjectionDataId"], config["ReconstructionDataId"]])
    astra.projector.delete(config["ProjectorId"])
    return result


class Recorder:
    """A monitor that keeps what it is told, and acts at one iteration."""

    def __init__(self, finish_at=None, cancel_after=None):
        self.calls, self.threads = [], set()
        self.finish_at, self.cancel_after = finish_at, cancel_after
        self.finish_early = False
        self.cancelled_at = None

    def __call__(self, done, total, **values):
        self.calls.append((done, total, values))
        self.threads.add(threading.get_ident())
        if self.finish_at is not None and done >= self.finish_at:
            self.finish_early = True
        if self.cancel_after is not None and len(self.calls) > self.cancel_after:
            self.cancelled_at = time.perf_counter()
            raise Cancelled("stopped")


@pytest.fixture(scope="session")
def disc_sinogram():
    return disc_sinogram_of


@pytest.fixture(scope="session")
def astra_run():
    return run_astra


@pytest.fixture(scope="session")
def recorder():
    return Recorder


@pytest.fixture(scope="session")
def from_point():
    return distance_from


@pytest.fixture(scope="session")
def noisy():
    """Three sinograms of two discs, with some noise, and a thin projector."""
    rng = np.random.default_rng(5)
    sinograms = np.stack(
        [
            disc_sinogram_of(TILTS, N, 9, 5, 2) + disc_sinogram_of(TILTS, N, 4, -6, 3, 1.5 * k)
            for k in range(3)
        ]
    )
    sinograms += rng.normal(0, 0.2, sinograms.shape).astype(np.float32)
    return sinograms
