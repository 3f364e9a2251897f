"""The compiled projector against ASTRA's matrix: odd sizes, layouts, caches, and without numba."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tomojupyter.errors import Cancelled, ParameterError
from tomojupyter.numerics.blocks import Workers, stopped
from tomojupyter.numerics.reconstruction import backends as module
from tomojupyter.numerics.reconstruction import projector_numba
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.projector_astra import MatrixProjector
from tomojupyter.numerics.reconstruction.projector_numba import NumbaProjector
from tomojupyter.numerics.reconstruction.reconstruct import fbp, sirt

SIZES = pytest.mark.parametrize(
    ("tilts", "nz", "ny", "slices"),
    [
        ([0.0, 45.0, -45.0, 135.0, 90.0, 31.5, -75.0, 180.0], 31, 31, 1),
        (np.linspace(-70, 70, 21), 24, 40, 65),
        ([-61.3, 2.0, 58.8], 33, 20, 17),
        ([8.0], 70, 17, 3),
        (np.linspace(-76, 76, 11), 3, 65, 64),
        ([0.0, 50.0, 90.0], 1, 19, 2),
        ([0.0, 50.0, 90.0], 19, 1, 2),
    ],
    ids=["one slice", "65 slices", "3 tilts", "1 tilt", "thin", "one row", "one column"],
)


def both(tilts, nz, ny):
    return make_projector(tilts, ny, nz), MatrixProjector(tilts, ny, nz)


def test_numba_is_the_default():
    assert isinstance(make_projector([0.0], 4, 4), NumbaProjector)
    assert isinstance(make_projector([0.0], 4, 4, backend="astra"), MatrixProjector)
    with pytest.raises(
        ParameterError, match="backend is one of numba, astra, astra-cuda; got 'cupy'"
    ):
        make_projector([0.0], 4, 4, backend="cupy")


@SIZES
def test_both_directions_agree_with_astra_and_each_other(tilts, nz, ny, slices):
    rng = np.random.default_rng(ny)
    volume = rng.random((slices, nz, ny)).astype(np.float32)
    sinograms = rng.random((slices, len(tilts), ny)).astype(np.float32)
    before = volume.copy(), sinograms.copy()
    ours, astras = both(tilts, nz, ny)
    forward, back = ours.forward(volume), ours.back(sinograms)
    assert forward.dtype == back.dtype == np.float32
    # The aim is 1e-4; ASTRA adds up places in float32, which is what is left.
    expected = astras.forward(volume)
    assert np.linalg.norm(forward - expected) <= 2e-5 * np.linalg.norm(expected)
    expected = astras.back(sinograms)
    assert np.linalg.norm(back - expected) <= 2e-5 * np.linalg.norm(expected)
    left = np.vdot(forward.astype(float), sinograms)
    assert left == pytest.approx(np.vdot(volume.astype(float), back), rel=1e-6)
    np.testing.assert_array_equal(volume, before[0])
    np.testing.assert_array_equal(sinograms, before[1])


@SIZES
def test_sirt_and_fbp_agree_with_astras_matrix(tilts, nz, ny, slices):
    # Data that the model can explain, as measured ones are: noise grows without limit in BP.
    rng = np.random.default_rng(nz)
    ours, astras = both(tilts, nz, ny)
    sinograms = astras.forward(rng.random((slices, nz, ny)))
    found = sirt(ours, sinograms, iterations=20)
    expected = sirt(astras, sinograms, iterations=20)
    np.testing.assert_allclose(found.residuals, expected.residuals, rtol=0.01, atol=1e-3)
    scale = np.linalg.norm(expected.volume)
    assert np.linalg.norm(found.volume - expected.volume) <= 2e-4 * scale
    quick, reference = fbp(ours, sinograms, tilts), fbp(astras, sinograms, tilts)
    assert np.linalg.norm(quick - reference) <= 1e-4 * np.linalg.norm(reference)


def test_places_outside_take_no_nan_from_the_edge():
    """A ray that has left the slice sees nothing, not 0 times the last voxel."""
    volume = np.ones((1, 40, 12), np.float32)
    volume[0, :3] = np.nan  # the top rows, which many inclined rays pass by
    found, expected = (p.forward(volume) for p in both([0.0, 40.0, -44.0], 40, 12))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


@pytest.mark.parametrize("k", [16, 64])
@pytest.mark.parametrize("each", [False, True], ids=["shared factors", "factors of each slice"])
def test_correcting_in_place_is_back_projecting_and_adding(k, each):
    rng = np.random.default_rng(k)
    projector = NumbaProjector(np.linspace(-70, 70, 9), 21, 18)
    volume, data = projector.slices(k), projector.sinograms(k)
    assert volume.shape == (k, 18, 21)
    volume[...] = rng.random(volume.shape)
    data[...] = rng.normal(size=data.shape)
    factors = rng.random(volume.shape if each else volume.shape[1:]).astype(np.float32)
    expected = np.clip(volume + factors * projector.back(data), 0.1, 1.5)
    projector.correct(volume, data, factors, 0.1, 1.5)
    np.testing.assert_allclose(volume, expected, atol=1e-5)
    other = np.ascontiguousarray(volume)  # not in the layout of the kernels
    projector.correct(volume, data, factors)
    projector.correct(other, np.ascontiguousarray(data), factors)
    np.testing.assert_allclose(other, volume, atol=1e-5)


def test_the_residual_is_what_projections_leave():
    rng = np.random.default_rng(4)
    projector = NumbaProjector(np.linspace(-70, 70, 9), 21, 18)
    volume, data, left = projector.slices(16), projector.sinograms(16), projector.sinograms(16)
    volume[...] = rng.random(volume.shape)
    data[...] = rng.random(data.shape)
    before = data.copy()
    expected = data - projector.forward(volume)
    for one in (volume, np.ascontiguousarray(volume)):
        projector.residual(one, data, left)
        np.testing.assert_allclose(left, expected, atol=2e-5)
    np.testing.assert_array_equal(data, before)


def test_tilts_can_be_taken_out():
    tilts = np.linspace(-70, 70, 8)
    whole, volume = NumbaProjector(tilts, 15, 15), np.ones((3, 15, 15))
    part = whole.subset([6, 1])
    assert isinstance(part, NumbaProjector)
    np.testing.assert_array_equal(part.forward(volume), whole.forward(volume)[:, [6, 1]])


def test_work_in_pieces_is_the_same_and_stops_between_them(monkeypatch):
    rng = np.random.default_rng(3)
    projector = NumbaProjector(np.linspace(-70, 70, 9), 37, 50)
    volume, data = rng.random((2, 50, 37)), rng.random((2, 9, 37))
    forward, back = projector.forward(volume), projector.back(data)
    monkeypatch.setattr(projector_numba, "PIECE", 1)  # one tilt, or one row of tiles
    np.testing.assert_array_equal(projector.forward(volume), forward)
    np.testing.assert_array_equal(projector.back(data), back)
    with Workers(1) as workers:
        assert workers.run(lambda _: stopped(), [0], lambda _: None) == [False]
        workers.stop.set()
        for function, block in ((projector.forward, volume), (projector.back, data)):
            with pytest.raises(Cancelled):
                workers.run(function, [block], lambda _: None)
    assert not stopped()


def test_blocks_are_narrow_where_slices_are_few_or_large():
    projector = NumbaProjector([0.0], 256, 256)
    assert [projector.lanes(nx) for nx in (1, 32, 33, 64, 65, 999)] == [16, 16, 32, 32, 64, 64]
    assert projector.blocks(129) == [slice(0, 64), slice(64, 128), slice(128, 129)]
    assert NumbaProjector([0.0], 1024, 1024).lanes(999) == 32
    assert NumbaProjector([0.0], 4096, 4096).lanes(999) == 16


def test_without_a_compiler_astra_takes_its_place(monkeypatch):
    def fail(projector, block):
        raise RuntimeError("no such target\nand more")

    module._compiles.cache_clear()
    monkeypatch.setattr(NumbaProjector, "_forward", fail)
    with pytest.warns(UserWarning, match=r"numba cannot compile .* \(no such target\): ASTRA's"):
        made = make_projector([0.0], 4, 4)
    assert isinstance(made, MatrixProjector)
    make_projector([0.0], 4, 4)  # told once
    module._compiles.cache_clear()


SCRIPT = """
import sys
import numpy as np
from tomojupyter.numerics.reconstruction.backends import make_projector
assert "numba" not in sys.modules, "numba is imported before the first reconstruction"
if sys.argv[1] == "nowhere":
    from numba.core import caching
    caching.CacheImpl._locator_classes = []
    caching.CompileResultCacheImpl._locator_classes = []
projector = make_projector([0.0, 30.0], 4, 4)
assert type(projector).__name__ == "NumbaProjector"
assert projector.forward(np.ones((1, 4, 4))).max() > 3
"""


@pytest.mark.parametrize("where", ["file", "nowhere"])
def test_kernels_work_without_a_cache_that_can_be_written(tmp_path, where):
    (tmp_path / "file").write_text("no folder")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache")}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, where], check=True, env=environment
    )
