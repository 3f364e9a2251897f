"""Proposals of a series: excluded projections, tilts that are not known, files of a microscope."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.datasets import data_dir
from tomojupyter.steps import history


@pytest.fixture
def spoilt(series):
    series.data[4] = 0
    series.data[9] *= np.float32(0.3)
    return series


def test_a_series_proposes_frames_and_changes_nothing(spoilt):
    before = history.read(spoilt)
    found = spoilt.bad_frames()
    assert [(i, reason.partition(":")[0]) for i, reason in found] == [(4, "blank"), (9, "dim")]
    assert found[0].reason == found[0][1] == "blank: nothing to see"
    assert history.read(spoilt) == before
    assert not spoilt.excluded.any()
    rest = spoilt.remove_projections([i for i, _ in found])
    assert rest.bad_frames() == []


def test_excluded_projections_are_not_proposed_again(spoilt):
    assert len(spoilt.bad_frames()) == 2
    spoilt._exclude(4, "by hand")
    assert [i for i, _ in spoilt.bad_frames()] == [9]


def test_it_is_judged_anew_where_pixels_changed(spoilt):
    assert len(spoilt.bad_frames()) == 2
    spoilt.data[6] = 0
    assert [i for i, _ in spoilt.bad_frames()] == [4, 6, 9]


def test_without_tilts_the_order_of_the_file_serves(spoilt):
    assert [i for i, _ in tomo.TomoStack(spoilt.data).bad_frames()] == [4, 9]


def test_a_lazy_series_is_judged_too(spoilt):
    assert [i for i, _ in spoilt.as_lazy().bad_frames()] == [4, 9]


def test_nothing_is_wrong_with_the_real_needle():
    if data_dir() is None:
        pytest.skip("the needle's data are not here")
    assert tomo.datasets.get_needle_data().bad_frames() == []
