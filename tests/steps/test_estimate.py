"""What is told before the start holds when it runs."""

import tracemalloc

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError, UnknownParameterError
from tomojupyter.steps import estimate as estimates
from tomojupyter.steps import make_step, memory, run
from tomojupyter.steps.estimate import estimated

N, NY, NX = 21, 64, 128


@pytest.fixture(scope="module")
def stack():
    y = np.arange(NY)[:, None] - (NY - 1) / 2
    image = np.sqrt(np.clip(300 + 100 * np.sin(np.arange(NX) / 7) - y**2, 0, None))
    images = image + np.random.default_rng(0).normal(0, 0.05, (N, NY, NX))
    return tomo.TomoStack(images.astype(np.float32), np.linspace(-60, 60, N))


@pytest.mark.parametrize(
    ("method", "values"),
    [
        ("BP", {}),
        ("FBP", {}),
        ("SIRT", {"iterations": 2}),
        ("SART", {"iterations": 1}),
        ("CGLS", {"iterations": 2}),
        ("OS-SIRT", {"iterations": 1}),
    ],
)
@pytest.mark.parametrize("moved", [False, True])
def test_memory_is_what_it_takes_at_most(stack, method, values, moved, monkeypatch):
    # Pages of their own are not counted by tracemalloc.
    monkeypatch.setattr("tomojupyter.numerics.aligned.LARGE", 1 << 60)
    given = stack.tilt_align("manual", shift=3.0) if moved else stack
    _ = given.data
    step = make_step("reconstruct", method, **values)
    run(given.isig[:70, :], step, ncores=2)  # what is loaded once
    told = estimated(given, step, ncores=2, timed=False)
    assert told.slabs == 1
    assert told.input_bytes == given.data.nbytes
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        volume = run(given, step, ncores=2)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert told.output_bytes == volume.data.nbytes
    # Two passes of a look at the images take a little as well.
    assert peak - told.output_bytes <= 1.05 * told.peak_bytes + 2e6
    # The peaks of the threads of BP and FBP hardly ever meet.
    assert peak - told.output_bytes >= (0.4 if values else 0.2) * told.peak_bytes


def test_time_grows_with_the_iterations_and_is_measured_once(stack, monkeypatch):
    ten, hundred = (stack.estimate("SIRT", iterations=k, ncores=1).seconds for k in (10, 100))
    assert 0 < ten < hundred
    monkeypatch.setattr(estimates, "_trial", lambda *_: (1.0, 0.5))
    assert stack.estimate("SIRT", iterations=11, ncores=1).seconds == 2 * (1.0 + 10 * 0.5)
    assert stack.estimate("FBP", ncores=2).seconds == 1.0


def test_slabs_are_told(stack, monkeypatch):
    monkeypatch.setattr("tomojupyter.steps.streaming.HELD_BACK", 0)
    told = stack.estimate("SIRT", max_memory="3 MB", ncores=2)
    assert told.slabs > 1
    assert told.peak_bytes <= 3e6
    assert f"in {told.slabs} slabs of up to {told.slices} slices" in str(told)
    assert "beyond the series, 688 kB, and the volume, 2.1 MB" in str(told)


def test_what_cannot_run_says_why(stack, monkeypatch):
    told = stack.estimate("SIRT", max_memory="1 MB")
    assert told.seconds is None
    assert "SIRT takes at least" in told.refusal
    assert str(told).startswith("cannot run: max_memory: SIRT takes at least")
    monkeypatch.setattr(estimates, "free_bytes", lambda: 3_000_000)
    told = stack.estimate("FBP", max_memory="1 GB", ncores=1)
    assert "3 MB are free" in told.refusal
    assert stack.estimate("FBP", max_memory="1 GB", output="volume.hspy").refusal == ""
    monkeypatch.setattr(estimates, "free_bytes", lambda: None)
    assert stack.estimate("BP").refusal == ""
    with pytest.raises(UnknownParameterError, match="iteration: not a parameter of reconstruct"):
        stack.estimate("SIRT", iteration=3)
    with pytest.raises(ParameterError, match="only reconstructions are estimated, not filter"):
        estimated(stack, make_step("filter", "median"))


def test_free_memory_minds_the_container(tmp_path, monkeypatch):
    assert memory.free_bytes() > 10**6
    for name, text in (("limit", "5000000"), ("use", "1000000")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(
        memory, "GROUPS", [("/no/such", "/file"), (tmp_path / "limit", tmp_path / "use")]
    )
    assert memory.free_bytes() == 4_000_000
    (tmp_path / "limit").write_text("max")
    assert memory.free_bytes() > 4_000_000


@pytest.mark.parametrize(
    ("text", "size"),
    [("256 MB", 256e6), ("2GiB", 2**31), (" 1.5 kb ", 1500), ("7", 7), (12, 12), (2.5e6, 2.5e6)],
)
def test_sizes_as_text(text, size):
    assert memory.allowed_bytes(text, None) == size


def test_default_is_half_of_what_is_free():
    assert memory.allowed_bytes(None, 1000) == 500
    assert memory.allowed_bytes(None, None) is None
    assert [memory.bytes_text(s) for s in (12, 1234, 99.96e6, 2e12, 3e15)] == [
        "12 bytes", "1.23 kB", "100 MB", "2 TB", "3e+03 TB",
    ]  # fmt: skip
