"""Boolean masks on volumes."""

import hyperspy.api as hs
import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, ParameterError
from tomojupyter.steps import history, make_step, run


@pytest.fixture
def volume():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 10
    return tomo.RecStack(values)


@pytest.mark.parametrize("kind", ["volume", "signal", "array"])
def test_assignment_under_a_mask_changes_these_voxels_only(volume, kind):
    before = volume.data.copy()
    mask = volume > 0
    assert isinstance(mask, tomo.RecStack)
    if kind == "array":
        mask = mask.data
    elif kind == "signal":
        mask = hs.signals.Signal2D(mask.data)
    assert volume[mask].tolist() == list(range(1, 14))
    volume[mask] = 1
    assert np.array_equal(volume.data, np.where(before > 0, 1, before))


def test_one_value_a_voxel_is_written_where_it_belongs(volume):
    mask = volume.data % 2 == 0
    volume[mask] = volume.data[mask] * 10
    assert volume.data[0, 0].tolist() == [-100, -9, -80, -7]
    volume[~mask] = volume * 0 + 5
    assert volume.data[0, 0].tolist() == [-100, 5, -80, 5]


def test_lazy_volumes_take_masks_too(volume):
    expected = np.where(volume.data > 0, 1, volume.data)
    lazy = volume.as_lazy()
    lazy[lazy > 0] = 1
    assert lazy._lazy
    assert np.array_equal(lazy.data.compute(), expected)
    assert volume.data.max() == 13


def test_the_edit_is_confessed(volume):
    turned = run(volume, make_step("rotate", "angles", rotation_angles=(0, 0, 0)))
    turned[turned > 0] = 1
    again = turned.rotate("angles", (0, 0, 0))
    assert [r["operation"] for r in history.read(again)] == [
        "source", "rotate", "external", "rotate",
    ]  # fmt: skip


def test_listeners_hear_of_the_edit(volume):
    heard = []

    def hear(obj):
        heard.append(obj)

    volume.events.data_changed.connect(hear, ["obj"])
    volume[volume > 0] = 1
    assert heard == [volume]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (3, "indexed by a boolean mask of its own shape.*got int; use inav"),
        (slice(2), "got slice"),
        (np.ones((2, 3, 4), int), "got ndarray"),
        (np.ones((3, 4), bool), r"shape \(3, 4\) and the volume \(2, 3, 4\)"),
    ],
)
def test_other_indices_are_refused(volume, mask, words):
    with pytest.raises(DataError, match=words):
        volume[mask] = 1
    with pytest.raises(DataError, match=words):
        volume[mask]


@pytest.mark.parametrize("value", [0.5, 300, -1, np.nan])
def test_integers_are_not_rounded_or_wrapped_around(volume, value):
    volume.change_dtype("uint8")
    with pytest.raises(ParameterError, match=r"uint8 cannot hold .*from 0 to 255 fit"):
        volume[volume > 250] = value
    volume[volume > 250] = 255.0
    volume[volume == 0] = True
