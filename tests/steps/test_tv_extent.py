"""Total variation of a specimen that leaves the images: rows and margin, found and recorded."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import ParameterError
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.steps import history, make_step, run, streaming

TILTS = np.arange(-70, 71, 5.0)
# A slab fills the images: nothing in them is as dark as vacuum.
pytestmark = pytest.mark.filterwarnings("ignore:the vacuum lies at")
GIVEN = {"iterations": 40, "show_progressbar": False}


@pytest.fixture(scope="module")
def slab():
    return tomo.simulation.phantom_series("slab", 48, TILTS, counts=300)


@pytest.fixture(scope="module")
def volume(slab):
    return slab.reconstruct("TV", **GIVEN)


def resolved(volume):
    return history.read(volume)[-1]["resolved"]


def error(volume, truth):
    """Return the RMS error after the best gain and offset over the scatter of the truth."""
    made, true = (v.data[:, 12:36, 8:40].ravel().astype(float) for v in (volume, truth))
    terms = np.stack([made, np.ones_like(made)], 1)
    left = terms @ np.linalg.lstsq(terms, true, rcond=None)[0] - true
    return np.sqrt(np.mean(left**2)) / true.std()


def test_a_slab_comes_out_better_than_without(slab, volume):
    truth = tomo.simulation.volume_of(slab)
    plain = slab.reconstruct("TV", rows=(0, 47), margin=0, **GIVEN)
    assert volume.data.shape == plain.data.shape == (48, 48, 48)
    assert error(volume, truth) < 0.65 * error(plain, truth)
    first, last = resolved(volume)["rows"]
    assert 13 < first < 20
    assert 27 < last < 34
    assert resolved(volume)["margin"] == 24
    assert (volume.data[:, :first] == 0).all()
    assert (volume.data[:, last + 1 :] == 0).all()


def test_a_replay_gives_the_same_voxels(slab, volume):
    again = run(slab, make_step("reconstruct", "TV", **resolved(volume)))
    np.testing.assert_array_equal(again.data, volume.data)


def test_what_is_given_holds(slab):
    mask = np.ones((48, 48, 48), bool)
    mask[:, :, 20:24] = False
    found = slab.reconstruct("TV", rows=(20, 30), mask=mask, weight=0.3, **GIVEN)
    assert resolved(found)["rows"] == [20, 30]
    assert resolved(found)["margin"] == 24
    assert (found.data[~mask] == 0).all()
    assert (found.data[:, :20] == 0).all()
    assert found.data[:, 20:31].any()


def test_a_compact_specimen_has_all_rows_and_no_margin():
    series = tomo.simulation.phantom_series("hollow", 32, TILTS, counts=300)
    found = series.reconstruct("TV", 5, show_progressbar=False)
    assert (resolved(found)["rows"], resolved(found)["margin"]) == ([0, 31], 0)


def test_slabs_and_lazy_runs_take_what_is_decided_once(slab, volume, monkeypatch):
    weight = resolved(volume)["weight"]
    monkeypatch.setattr(streaming, "HELD_BACK", 0)
    monkeypatch.setattr(type(make_step("reconstruct", "TV")), "halo", 0)
    step = make_step("reconstruct", "TV", weight=weight, iterations=5, tolerance=0)
    projector = make_projector(TILTS, 48, 48)
    least = streaming.slab_bytes(step.resolve(slab), (len(TILTS), 48, 48), 16, None, projector,
                                 gaps=False, copied=True)  # fmt: skip
    parts = run(slab, step, max_memory=int(1.1 * least))
    assert resolved(parts)["rows"] == resolved(volume)["rows"]
    lazy = run(slab.as_lazy(), step)
    decided = resolved(lazy)
    assert decided["margin"] == 24
    lazy.compute(show_progressbar=False)
    first, last = decided["rows"]
    assert 0 < first < last < 47
    empty = [not made.data[:, row].any() for made in (lazy,) for row in range(48)]
    assert empty[:first] == [True] * first
    assert not any(empty[first : last + 1])


def test_memory_counts_the_margin(slab):
    shape, projector = (len(TILTS), 48, 48), make_projector(TILTS, 48, 48)
    step = make_step("reconstruct", "TV")

    def held(**given):
        return step.replace(**given).state_bytes(shape, 48, projector, 1)

    none = held(rows=(0, 47), margin=0)
    assert held(margin=0) >= none + 4 * 48**3  # a mask
    assert held(rows=(0, 47), margin=24) > 1.9 * none
    assert held() == held(rows=(10, 20), margin=24)  # not decided: the most


@pytest.mark.parametrize("rows", [(3,), (5, 4), (-1, 5), (1, 2, 3), ()])
def test_wrong_rows_are_refused(rows):
    with pytest.raises(ParameterError, match="rows must be the first and the last row"):
        make_step("reconstruct", "TV", rows=rows)


def test_rows_beyond_the_thickness_are_refused(slab):
    with pytest.raises(ParameterError, match="from 0 to 29, got 3, 40"):
        slab.reconstruct("TV", rows=(3, 40), thickness=30, **GIVEN)
    with pytest.raises(ParameterError, match="from 0 to 47, got 3, 48"):
        slab.reconstruct("TV", rows=(3, 48), **GIVEN)
