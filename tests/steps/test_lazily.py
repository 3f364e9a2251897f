"""A lazy series becomes work for dask, on this machine or on a cluster that loses a worker."""

import os
import pickle
import signal

import dask
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import TomojupyterWarning
from tomojupyter.signals.rec import LazyRecStack
from tomojupyter.steps import history, make_step

N, NY, NX = 15, 40, 160
TILTS = np.linspace(-70, 70, N)


@pytest.fixture(scope="module")
def stack():
    rng = np.random.default_rng(4)
    y = np.arange(NY)[:, None] - (NY - 1) / 2
    image = np.sqrt(np.clip(100 + 50 * np.sin(np.arange(NX) / 7) - y**2, 0, None))
    images = image + rng.normal(0, 0.05, (N, NY, NX))
    return tomo.TomoStack(images.astype(np.float32), TILTS)


def reconstruct(stack, method="SIRT", **values):
    return stack.reconstruct(method, show_progressbar=False, **values)


def test_nothing_is_computed_before_it_is_asked_for(stack, monkeypatch):
    step = make_step("reconstruct", "SIRT")
    calls = []
    solve = type(step).solve
    monkeypatch.setattr(
        type(step), "solve", lambda *given, **more: calls.append(1) or solve(*given, **more)
    )
    volume = reconstruct(stack.as_lazy(), iterations=2)
    assert type(volume) is LazyRecStack
    assert volume.data.shape == (NX, NY, NY)
    assert not calls
    one = volume.inav[70]
    one.compute(show_progressbar=False)
    assert len(calls) == 1  # of the slab that has the slice
    whole = reconstruct(stack, iterations=2)
    assert np.array_equal(one.data, whole.data[70])
    record = history.read(volume)[-1]
    assert record["after"].startswith("dask:")
    assert record["resolved"] == history.read(whole)[-1]["resolved"]
    assert [a.name for a in volume.axes_manager._axes] == ["x", "z", "y"]


@pytest.mark.parametrize(("method", "values"), [("FBP", {}), ("SART", {"iterations": 1})])
def test_the_voxels_are_those_of_the_series_in_memory(stack, method, values):
    images = np.array(stack.data)
    images[4] = 0
    images[7, 10:14, 60:90] = np.nan
    start = np.zeros((NX, NY, NY), np.float32)
    more = {**values, "start_volume": start + 0.5} if values else {}
    moved = tomo.TomoStack(images, TILTS).isig[5:, :]
    blank, gaps = (pytest.warns(TomojupyterWarning, match=m) for m in ("blank", "are NaN"))
    with blank, gaps:
        whole = reconstruct(moved, method, **{**more, **_cut(more)})
    blank, gaps = (pytest.warns(TomojupyterWarning, match=m) for m in ("blank", "are NaN"))
    with blank, gaps:
        lazy = reconstruct(moved.as_lazy(), method, **{**more, **_cut(more)})
    assert np.array_equal(np.asarray(lazy.data), whole.data)


def _cut(more):
    return {"start_volume": more["start_volume"][5:]} if more else {}


def test_a_lazy_volume_is_saved_slab_by_slab(stack, tmp_path):
    volume = reconstruct(stack.as_lazy(), iterations=1)
    volume.save(tmp_path / "volume.hspy", show_progressbar=False)
    again = tomo.load(tmp_path / "volume.hspy")
    assert np.array_equal(again.data, reconstruct(stack, iterations=1).data)


def test_what_goes_to_workers_is_small(stack):
    mask = np.ones((NX, NY, NY), np.float32)
    step = make_step("reconstruct", "SIRT", mask=mask)
    assert len(pickle.dumps(step.bare())) < 2000
    assert step.given(slice(3, 5))["mask"].shape == (2, NY, NY)


def test_a_worker_killed_in_the_middle_changes_nothing(stack):
    distributed = pytest.importorskip("distributed")
    whole = reconstruct(stack, iterations=30).data
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1", silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        volume = reconstruct(stack.as_lazy(), iterations=30)
        parts = client.compute(list(volume.data.to_delayed().ravel()))
        assert len(parts) >= 4
        first = next(iter(distributed.as_completed(parts)))
        pids = client.run(os.getpid)
        # The worker that holds what was done: that is lost as well.
        victim = next(iter(client.who_has([first]).values()))[0]
        os.kill(pids[victim], signal.SIGKILL)
        made = np.concatenate(client.gather(parts))
        assert os.getpid() not in pids.values()
        assert pids[victim] not in client.run(os.getpid).values()
    assert np.array_equal(made, whole)
