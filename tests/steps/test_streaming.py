"""Reconstructions slab by slab give the same voxels, within their memory, and can be stopped."""

import json
import subprocess
import sys

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import Cancelled, MissingFileError, ParameterError, TomojupyterWarning
from tomojupyter.signals.rec import LazyRecStack
from tomojupyter.steps import history, make_step, run, streaming
from tomojupyter.steps.columns import Sinograms

N, NY, NX = 15, 24, 70
TILTS = np.linspace(-70, 70, N)


@pytest.fixture(scope="module")
def made():
    """A series of discs that differ from column to column, with noise."""
    rng = np.random.default_rng(3)
    y = np.arange(NY)[:, None] - (NY - 1) / 2
    radius = 4 + 3 * np.sin(np.arange(NX) / 9)
    images = [
        2 * np.sqrt(np.clip(radius**2 - (y - 3 * np.sin(np.deg2rad(t))) ** 2, 0, None))
        for t in TILTS
    ]
    return (np.array(images) + rng.normal(0, 0.05, (N, NY, NX))).astype(np.float32)


@pytest.fixture
def stack(made):
    return tomo.TomoStack(made.copy(), TILTS)


@pytest.fixture
def tight(monkeypatch):
    """So little memory that slabs have 16 slices; what is held back is for real sizes."""
    monkeypatch.setattr(streaming, "HELD_BACK", 0)
    return 300_000


class Follower:
    """A monitor that keeps what it hears, and finishes or cancels at a report."""

    def __init__(self, finish=None, cancel=None):
        self.calls, self.finish, self.cancel = [], finish, cancel
        self.finish_early = False

    def __call__(self, done, total, **values):
        self.calls.append((done, total, values))
        if self.finish is not None and self.finish(done, values):
            self.finish_early = True
        if self.cancel is not None and self.cancel(done, values):
            raise Cancelled("stopped")


@pytest.mark.parametrize(
    ("method", "values"),
    [("BP", {}), ("FBP", {}), ("SIRT", {"iterations": 3, "constrain": True}),
     ("SART", {"iterations": 2}), ("CGLS", {"iterations": 3}), ("OS-SIRT", {"iterations": 2})],
)  # fmt: skip
def test_slabs_change_no_bit(stack, tight, method, values):
    images = np.array(stack.data)
    images[3, 5:8, 20:40] = np.nan
    stack.data = images
    moved = stack.tilt_align("manual", shift=2.3, angle=1.0)  # pixels without a measured one
    step = make_step("reconstruct", method, **values)
    with pytest.warns(TomojupyterWarning, match="pixels are NaN"):
        whole = run(moved, step, ncores=1)
    follower = Follower()
    with pytest.warns(TomojupyterWarning, match="pixels are NaN"):
        parts = run(moved, step, follower, max_memory=480_000, ncores=2)
    assert {values["slabs"] for _, _, values in follower.calls if "slabs" in values} <= {3, 5}
    assert np.array_equal(parts.data, whole.data)
    assert np.ptp(whole.data) > 0
    known, found = (history.read(volume)[-1] for volume in (whole, parts))
    assert found["after"] == known["after"]
    assert found["environment"]["max_memory"] == "480000"
    for key, value in known["scalars"].items():
        assert np.allclose(found["scalars"][key], value, rtol=1e-6)


def test_sinograms_are_views_and_weights_are_none(stack):
    series = Sinograms(stack)
    sinograms, weights = series.columns(slice(None))
    assert np.shares_memory(sinograms, stack.data)
    assert weights is None
    picked, weights = Sinograms(stack.tilt_align("manual", shift=4.0)).columns(np.array([3, -1]))
    assert picked.shape == weights.shape == (2, N, NY)
    assert 0 < weights.mean() < 1


# RosettaSciIO's store for .zspy; zarr 3 has it no more, and need_zarr says so.
@pytest.mark.filterwarnings("ignore:The NestedDirectoryStore is deprecated:FutureWarning")
@pytest.mark.parametrize("suffix", [".hspy", ".zspy"])
@pytest.mark.parametrize("lazy", [False, True])
def test_volume_goes_into_a_file(stack, tmp_path, tight, suffix, lazy):
    values = {"method": "SIRT", "iterations": 2, "show_progressbar": False}
    whole = stack.reconstruct(**values)
    path = tmp_path / f"volume{suffix}"
    given = stack.as_lazy() if lazy else stack
    made = given.reconstruct(**values, max_memory=tight + 250_000, output=path)
    assert type(made) is LazyRecStack
    assert np.array_equal(np.asarray(made.data), whole.data)
    assert not history.edited(made)
    for again in (tomo.load(path), tomo.load(path, lazy=True)):
        assert np.array_equal(np.asarray(again.data), whole.data)
        assert not history.edited(again)
        records = history.read(again)
        assert [r["operation"] for r in records] == ["source", "reconstruct"]
        assert records[-1]["scalars"]["residuals"] == pytest.approx(
            history.read(whole)[-1]["scalars"]["residuals"]
        )
        assert [a.name for a in again.axes_manager._axes] == ["x", "z", "y"]
    with pytest.raises(ParameterError, match="is there already: give another name"):
        stack.reconstruct(**values, output=path)


def test_outputs_that_cannot_be_are_refused_before_the_start(stack, tmp_path):
    with pytest.raises(ParameterError, match=r"volume.mrc: volumes are written as .hspy or .zspy"):
        stack.reconstruct("FBP", output=tmp_path / "volume.mrc")
    with pytest.raises(MissingFileError, match="no such folder"):
        stack.reconstruct("FBP", output=tmp_path / "none" / "volume.hspy")


def test_the_middle_goes_first_and_finish_there_counts_for_all(stack, tight):
    follower = Follower(finish=lambda done, _: done == 3)
    step = make_step("reconstruct", "SIRT", iterations=9)
    made = run(stack, step, follower, max_memory=tight)
    three = stack.reconstruct("SIRT", iterations=3, show_progressbar=False)
    assert np.array_equal(made.data, three.data)
    assert history.read(made)[-1]["resolved"]["iterations"] == 3
    offered = [values["can_finish"] for _, _, values in follower.calls if "slab" in values]
    assert offered == sorted(offered, reverse=True)
    assert set(offered) == {True, False}
    live = [values["volume"] for _, _, values in follower.calls if "volume" in values]
    assert {len(volume) for volume in live} == {NX}
    assert live[0].nearest(0) == 32  # of the slabs of 16, the third is in the middle
    assert live[0].nearest(40) == 40
    assert np.array_equal(live[-1][0], three.data[live[-1].nearest(0)])
    dones = [done for done, total, _ in follower.calls if total > 1]
    assert dones == sorted(dones)
    assert follower.calls[-1][:2] == (15, 15)


def test_finish_after_the_middle_is_not_heeded(stack, tight):
    follower = Follower(finish=lambda _, values: not values.get("can_finish", True))
    step = make_step("reconstruct", "SIRT", iterations=4)
    made = run(stack, step, follower, max_memory=tight)
    whole = stack.reconstruct("SIRT", iterations=4, show_progressbar=False)
    assert follower.finish_early
    assert np.array_equal(made.data, whole.data)


def test_cancel_throws_the_file_away(stack, tight, tmp_path):
    follower = Follower(cancel=lambda _, values: values.get("slab") == 2)
    step = make_step("reconstruct", "SIRT", iterations=3)
    path = tmp_path / "volume.hspy"
    with pytest.raises(Cancelled):
        run(stack, step, follower, max_memory=tight + 250_000, output=path)
    assert not path.exists()


def test_halo_is_given_and_cut_off(stack, tight, monkeypatch):
    step = make_step("reconstruct", "BP")
    seen = []
    solve = type(step).solve

    def watched(self, projector, sinograms, *rest, **options):
        seen.append(len(sinograms))
        return solve(self, projector, sinograms, *rest, **options)

    monkeypatch.setattr(type(step), "halo", 3)
    monkeypatch.setattr(type(step), "solve", watched)
    made = run(stack, step, max_memory=420_000, ncores=1)
    assert seen == [22, 19, 22, 22, 9]
    monkeypatch.undo()
    assert np.array_equal(made.data, run(stack, step).data)


def test_too_little_memory_is_refused_with_figures(stack, monkeypatch):
    with pytest.raises(ParameterError, match=r"SIRT takes at least .* MB, for 16 slices of 24 x"):
        stack.reconstruct("SIRT", max_memory="2 kB")
    for wrong in ("much", 0, -3, "5 m", True, float("nan")):
        with pytest.raises(ParameterError, match='bytes above 0, or text such as "256 MB", got'):
            stack.reconstruct("SIRT", max_memory=wrong)
    monkeypatch.setattr("tomojupyter.steps.reconstructed.free_bytes", lambda: 400_000)
    with pytest.raises(ParameterError, match=r'400 kB of memory are free.* output="volume.hspy"'):
        stack.reconstruct("FBP", max_memory="1 GB")


WITHIN = """
import json, resource, sys
import numpy as np
import tomojupyter.api as tomo
path, out, method, iterations = sys.argv[1:]
more = {"iterations": int(iterations)} if int(iterations) else {}
rng = np.random.default_rng(0)
for width in (16, 64, 128):  # the code of the kernels is no memory of this run
    small = tomo.TomoStack(rng.random((5, 16, width), np.float32), np.linspace(-60, 60, 5))
    small.reconstruct(method, show_progressbar=False, **more)
small.as_lazy().reconstruct(method, show_progressbar=False, output=out + "small.hspy", **more)
tilts = np.linspace(-70, 70, 40)
stack = tomo.load(path, tilts=tilts, lazy=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
volume = stack.reconstruct(
    method, thickness=32, show_progressbar=False, max_memory=LIMIT, output=out, **more
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([1024 * (peak - before), volume.data.nbytes, float(volume.data[9].sum())]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB there")
@pytest.mark.parametrize(("method", "iterations"), [("SIRT", 1), ("FBP", 0)])
def test_a_series_larger_than_its_memory_stays_within(tmp_path, method, iterations):
    limit = 128 << 20
    path = tmp_path / "large.npy"
    images = np.lib.format.open_memmap(path, "w+", np.float32, (40, 160, 6000))
    rng = np.random.default_rng(0)
    images[:] = rng.random((160, 6000), np.float32) + np.arange(160)[:, None] % 16
    images.flush()
    assert images.nbytes > limit
    del images
    script = WITHIN.replace("LIMIT", str(limit))
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(path), str(tmp_path / "v.hspy"), method,
         str(iterations)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-2000:]
    beyond, size, total = json.loads(found.stdout.splitlines()[-1])
    assert size == 4 * 6000 * 32 * 160
    assert total != 0
    assert beyond <= limit


def test_the_middle_chooses_the_iterations_for_all(stack, tight):
    made = run(stack, make_step("reconstruct", "SIRT", iterations=None), max_memory=tight)
    record = history.read(made)[-1]
    count = record["resolved"]["iterations"]
    middle = stack.isig[32:48, :].reconstruct("SIRT", iterations=None, show_progressbar=False)
    assert history.read(middle)[-1]["resolved"]["iterations"] == count
    assert record["scalars"]["chosen"] == history.read(middle)[-1]["scalars"]["chosen"]
    whole = stack.reconstruct("SIRT", iterations=count, show_progressbar=False)
    assert np.array_equal(made.data, whole.data)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB there")
def test_512_cubed_from_73_tilts_takes_256_mb(tmp_path):
    path = tmp_path / "large.npy"
    images = np.lib.format.open_memmap(path, "w+", np.float32, (73, 512, 512))
    rng = np.random.default_rng(0)
    for image in images:
        image[:] = rng.random((512, 512), np.float32) + np.arange(512)[:, None] % 16
    images.flush()
    del images
    script = WITHIN.replace("LIMIT", str(256 * 10**6))
    script = script.replace("70, 70, 40", "72, 72, 73").replace("thickness=32, ", "")
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(path), str(tmp_path / "v.hspy"), "SIRT",
         "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-2000:]
    beyond, size, _ = json.loads(found.stdout.splitlines()[-1])
    assert size == 4 * 512**3
    assert beyond <= 256e6
