"""A result of every operation, replayed from its own file on the raw file: identical voxels."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import provenance
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.steps import REGISTRY, history, make_step, run
from tomojupyter.steps.spectra import SPECTRA

# Steps on spectra have files of another kind: test_replay_spectra.py walks these.
ALL = [
    (operation, method)
    for operation, methods in REGISTRY.items()
    for method, cls in methods.items()
    if cls.on != SPECTRA
]


@pytest.fixture
def raw_file(tmp_path, series_for):
    """Return a function that writes the raw series for a Step and returns its path."""

    def write(operation, method):
        series = series_for(operation, method)
        path = tmp_path / "raw.mrc"
        write_mrc(path, series.data.astype("f4"), 0.5, is_volume=False)
        tilts = "".join(f"{t:.2f}\n" for t in series.tilts.data.ravel())
        path.with_suffix(".rawtlt").write_text(tilts, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", ALL, ids=" ".join)
def test_the_result_of_every_operation_replays_from_its_file(name, raw_file, values, tmp_path):
    raw = raw_file(*name)
    made = tomo.load(raw)
    if REGISTRY[name[0]][name[1]].on == "RecStack":
        made = made.reconstruct("FBP", thickness=17, show_progressbar=False)
    made = run(made, make_step(*name, **values(*name)))
    made.save(tmp_path / "made.hspy")
    done = provenance.replay(tmp_path / "made.hspy", raw)
    assert done.comparison is not None
    assert done.comparison.identical, str(done.comparison)
    assert done.comparison.history == ()
    assert np.array_equal(done.signal.data, made.data)
    assert history.read(done.signal)[-1]["after"] == history.read(made)[-1]["after"]


class Finisher:
    """A monitor that presses Finish after some reports."""

    def __init__(self, after):
        self.after, self.finish_early = after, False

    def __call__(self, done, *_, **__):
        self.finish_early = self.finish_early or done >= self.after


FINISHED = [name for name in ALL if REGISTRY[name[0]][name[1]].finished_by]


def test_all_that_iterates_can_be_finished():
    of_volumes = {m for m, cls in REGISTRY["reconstruct"].items() if hasattr(cls, "iterations")}
    assert {m for o, m in FINISHED if o == "reconstruct"} == of_volumes
    assert {name for name in FINISHED if name[0] != "reconstruct"} == {
        ("stack_register", "joint"), ("tilt_align", "joint"),
    }  # fmt: skip


@pytest.mark.parametrize("name", FINISHED, ids=" ".join)
def test_what_was_finished_early_replays_with_what_was_done(name, raw_file, values, tmp_path):
    raw = raw_file(*name)
    count = REGISTRY[name[0]][name[1]].finished_by
    more = {"iterations": 30} if hasattr(REGISTRY[name[0]][name[1]], "iterations") else {}
    step = make_step(*name, **{**values(*name), **more})
    made = run(tomo.load(raw), step, Finisher(2))
    assert history.read(made)[-1]["resolved"][count] == 2
    made.save(tmp_path / "made.hspy")
    done = provenance.replay(tmp_path / "made.hspy", raw)
    assert done.comparison.identical
    assert history.read(done.signal)[-1]["asked"][count] == 2
