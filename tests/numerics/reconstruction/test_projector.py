"""The projector: geometry, adjointness, agreement with ASTRA's own algorithms."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import astra
import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError, TiltsError
from tomojupyter.numerics.reconstruction import backends as interface
from tomojupyter.numerics.reconstruction import projector_astra as module
from tomojupyter.numerics.reconstruction.backends import cuda_available, make_projector
from tomojupyter.numerics.reconstruction.projector import LANES, Projector
from tomojupyter.numerics.reconstruction.projector_astra import CudaProjector

BACKENDS = pytest.mark.parametrize("backend", ["numba", "astra"])
TILTS = np.array([0.0, -63.0, 31.5, 75.0, 90.0, -17.0, 45.0])


def astra_forward(image, tilts, ny):
    """Project by ASTRA's FP algorithm."""
    detector = astra.create_proj_geom("parallel", 1.0, ny, np.deg2rad(tilts))
    grid = astra.create_vol_geom(*image.shape)
    number = astra.create_projector("linear", detector, grid)
    sinogram_id, sinogram = astra.create_sino(image, number)
    astra.data2d.delete(sinogram_id)
    astra.projector.delete(number)
    return sinogram


@BACKENDS
@pytest.mark.parametrize(("nz", "ny"), [(33, 33), (20, 41), (41, 20)])
def test_point_appears_at_its_analytic_row(backend, nz, ny):
    projector = make_projector(TILTS, ny, nz, backend=backend)
    rows = np.arange(ny) - (ny - 1) / 2
    for iz, iy in ((nz // 2 - 5, ny // 2 + 3), (nz // 2 + 4, ny // 2 - 2)):
        block = np.zeros((1, nz, ny), np.float32)
        block[0, iz, iy] = 1
        y, z = iy - (ny - 1) / 2, (nz - 1) / 2 - iz
        expected = y * np.cos(np.deg2rad(TILTS)) + z * np.sin(np.deg2rad(TILTS))
        sinogram = projector.forward(block)[0]
        found = sinogram @ rows / sinogram.sum(axis=1)
        # A single pixel: the linear kernel is off by up to 0.3 px near 45 deg, on average by 0.
        np.testing.assert_allclose(found, expected, atol=0.35)


@BACKENDS
def test_wide_blob_appears_at_its_analytic_row(backend):
    n = 64
    y = np.arange(n) - (n - 1) / 2
    blob = np.exp(-((y[None, :] - 9.3) ** 2 + (-y[:, None] - 6.1) ** 2) / 18)
    sinogram = make_projector(TILTS, n, n, backend=backend).forward(blob[None])[0]
    expected = 9.3 * np.cos(np.deg2rad(TILTS)) + 6.1 * np.sin(np.deg2rad(TILTS))
    np.testing.assert_allclose(sinogram @ y / sinogram.sum(axis=1), expected, atol=2e-3)
    np.testing.assert_allclose(sinogram.sum(axis=1), blob.sum(), rtol=1e-3)


@BACKENDS
@pytest.mark.parametrize(("nz", "ny"), [(31, 31), (18, 40)])
def test_forward_equals_astra_slice_by_slice(backend, nz, ny):
    slices = np.random.default_rng(0).random((3, nz, ny)).astype(np.float32)
    found = make_projector(TILTS, ny, nz, backend=backend).forward(slices)
    for one, sinogram in zip(slices, found, strict=True):
        expected = astra_forward(one, TILTS, ny)
        # 1e-6 is the rounding of float32 sums of some 40 terms; besides, ASTRA adds up the places
        # along a ray in float32, we compute them in float64.
        limit = 2e-6 if backend == "astra" else 2e-5
        np.testing.assert_allclose(sinogram, expected, atol=limit * expected.max())


@BACKENDS
@pytest.mark.parametrize(("nz", "ny", "pixels"), [(18, 81, 31), (40, 130, 24), (21, 20, 33)])
def test_a_detector_may_see_less_or_more_than_the_slices(backend, nz, ny, pixels):
    rng = np.random.default_rng(3)
    slices = rng.random((3, nz, ny)).astype(np.float32)
    projector = make_projector(TILTS, ny, nz, backend=backend, detector=pixels)
    found = projector.forward(slices)
    assert found.shape[1:] == projector.sinogram_shape == (len(TILTS), pixels)
    for one, sinogram in zip(slices, found, strict=True):
        expected = astra_forward(one, TILTS, pixels)
        np.testing.assert_allclose(sinogram, expected, atol=2e-5 * expected.max())
    other = rng.random(found.shape).astype(np.float32)
    both = np.vdot(found, other), np.vdot(slices, projector.back(other))
    assert both[0] == pytest.approx(both[1], rel=1e-5)
    assert projector.subset([2, 0]).sinogram_shape == (2, pixels)
    with pytest.raises(ParameterError, match="detector must be at least 1 px"):
        make_projector(TILTS, ny, nz, backend=backend, detector=0)


@BACKENDS
@pytest.mark.parametrize("slices", [1, LANES, 2 * LANES + 5])
def test_back_is_the_adjoint_of_forward(backend, slices):
    rng = np.random.default_rng(1)
    projector = make_projector(TILTS, 25, 19, backend=backend)
    volume = rng.random((slices, 19, 25)).astype(np.float32)
    sinograms = rng.random((slices, len(TILTS), 25)).astype(np.float32)
    forward, back = projector.forward(volume), projector.back(sinograms)
    assert forward.dtype == back.dtype == np.float32
    left = np.sum(forward * sinograms, dtype=float)
    right = np.sum(volume * back, dtype=float)
    assert abs(left - right) <= 1e-6 * abs(left)


@BACKENDS
def test_slices_do_not_depend_on_their_block_or_thread(backend):
    rng = np.random.default_rng(2)
    volume = rng.random((LANES + 7, 16, 16))
    before = volume.copy()
    whole = make_projector(TILTS, 16, 16, backend=backend).forward(volume)
    fresh = make_projector(TILTS, 16, 16, backend=backend)  # prepared by the first thread
    with ThreadPoolExecutor(4) as pool:
        single = list(pool.map(lambda i: fresh.forward(volume[i : i + 1])[0], range(len(volume))))
    assert np.array_equal(whole, single)
    assert np.array_equal(volume, before)


def test_matrix_made_in_parts_is_the_same(monkeypatch):
    volume = np.random.default_rng(3).random((2, 16, 16))
    whole = make_projector(TILTS, 16, 16, backend="astra").forward(volume)
    monkeypatch.setattr(module, "ENTRIES", 2 * 16 * 16 * 2)  # two tilts at a time
    np.testing.assert_array_equal(
        make_projector(TILTS, 16, 16, backend="astra").forward(volume), whole
    )


def test_preparing_can_be_cancelled_and_begun_again(monkeypatch):
    monkeypatch.setattr(module, "ENTRIES", 1)
    projector = make_projector(TILTS, 16, 16, backend="astra")
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        projector.prepare(check)
    projector.prepare(lambda: calls.append(1))
    assert len(calls) > 3 + len(TILTS)
    made = len(calls)
    projector.prepare(check)  # already there
    assert len(calls) == made


def test_the_users_astra_objects_stay_and_none_of_ours(monkeypatch):
    grid = astra.create_vol_geom(4, 4)
    users = astra.data2d.create("-vol", grid, 3.0)
    deleted = []
    for name in ("projector", "matrix"):
        part = getattr(astra, name)
        delete = part.delete
        monkeypatch.setattr(part, "delete", lambda i, d=delete, n=name: (deleted.append(n), d(i)))
    make_projector(TILTS, 8, 8, backend="astra").prepare()
    assert sorted(deleted) == ["matrix", "projector"]

    def fail(number):
        raise RuntimeError("no memory")

    monkeypatch.setattr(astra.matrix, "get", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        make_projector(TILTS, 8, 8, backend="astra").prepare()
    assert sorted(deleted) == ["matrix", "matrix", "projector", "projector"]
    assert (astra.data2d.get(users) == 3).all()
    astra.data2d.delete(users)


@BACKENDS
def test_bad_input_gives_sentences(backend):
    with pytest.raises(ParameterError, match="thickness must be at least 1 px, got 0"):
        make_projector(TILTS, 8, 0, backend=backend)
    with pytest.raises(TiltsError, match="no tilts"):
        make_projector(np.array([]), 8, 8, backend=backend)
    with pytest.raises(TiltsError, match=r"projections \[1\] are not finite"):
        make_projector(np.array([0, np.nan]), 8, 8, backend=backend)
    projector = make_projector(TILTS, 8, 6, backend=backend)
    with pytest.raises(ParameterError, match=r"slices have the shape \(k, 6, 8\)"):
        projector.forward(np.zeros((1, 8, 8)))
    with pytest.raises(ParameterError, match=r"sinograms have the shape \(k, 7, 8\)"):
        projector.back(np.zeros((7, 8)))


def test_the_interface_alone_does_not_project():
    with pytest.raises(TypeError, match=r"abstract .*_back.*_forward"):
        Projector(TILTS, 8, 8)


def test_cuda_without_a_gpu_is_a_sentence(monkeypatch):
    assert cuda_available() == astra.use_cuda()
    monkeypatch.setattr(astra, "use_cuda", lambda: False)
    with pytest.raises(ParameterError, match='backend="astra-cuda", but ASTRA finds no CUDA'):
        make_projector(TILTS, 8, 8, backend="astra-cuda")
    with pytest.raises(ParameterError, match="no CUDA device"):
        make_projector(TILTS, 8, 8, cuda=True)


def test_cuda_path_speaks_astras_language(monkeypatch):
    """Run the CUDA path with ASTRA's CPU algorithms in place of the CUDA ones."""
    monkeypatch.setattr(astra, "use_cuda", lambda: True)
    original = astra.astra_dict
    numbers = []

    def on_cpu(name):
        config = original(name.removesuffix("_CUDA"))
        detector = astra.create_proj_geom("parallel", 1.0, 9, np.deg2rad(TILTS))
        grid = astra.create_vol_geom(7, 9)
        numbers.append(astra.create_projector("linear", detector, grid))
        config["ProjectorId"] = numbers[-1]
        return config

    monkeypatch.setattr(astra, "astra_dict", on_cpu)
    cuda = make_projector(TILTS, 9, 7, cuda=True)
    assert isinstance(cuda, CudaProjector)
    assert isinstance(make_projector(TILTS, 9, 7, backend="astra-cuda"), CudaProjector)
    assert not cuda.concurrent
    cpu = make_projector(TILTS, 9, 7, backend="astra")
    rng = np.random.default_rng(4)
    volume, sinograms = rng.random((3, 7, 9)), rng.random((3, len(TILTS), 9))
    np.testing.assert_allclose(cuda.forward(volume), cpu.forward(volume), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(cuda.back(sinograms), cpu.back(sinograms), rtol=1e-5, atol=1e-5)
    astra.projector.delete(numbers)


def test_astra_is_imported_at_first_use_only():
    assert "astra" in sys.modules  # this test file imports it
    for file in (interface.__file__, module.__file__):
        lines = Path(file).read_text(encoding="utf-8").splitlines()
        assert not any(line.startswith(("import astra", "from astra")) for line in lines)
