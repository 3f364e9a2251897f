from __future__ import annotations

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.ui.views.sinogram import SinogramView
from tomojupyter.ui.views.stack import StackView, StripView


def level(view):
    """Return the index that the pixels of the shown projection say."""
    codes = np.frombuffer(view.frame, "<u2").reshape(view.shape)
    return (view.offset + codes[0, 0] * view.scale) / 10


def test_stepping_goes_through_the_tilts_in_order(series):
    stack, tilts = series
    view = StackView()
    view.set(stack, tilts, 0.5)
    assert (view.tilt, view.projection) == (0.0, 0)
    seen = []
    for k in range(37):
        view.index = k
        assert level(view) == view.projection
        seen.append(view.tilt)
    assert seen == sorted(tilts)
    assert view.slider["labels"][0] == "−72.0°"
    assert view.slider["notes"][0] == "#36 of 0–36"
    assert view.slider["home"] == 18
    assert view.pixel_nm == 0.5


def test_excluded_frames_are_shown_with_their_reason(series):
    stack, tilts = series
    excluded = np.zeros(37, bool)
    excluded[[3, 4]] = True
    view = StackView()
    view.put({"kind": "cross", "id": "mine", "x": 1, "y": 1})
    view.set(
        stack, tilts, excluded=excluded, reasons=["blank" if k == 3 else "" for k in range(37)]
    )
    assert [o["id"] for o in view.overlays] == ["mine"]
    view.projection = 3
    assert level(view) == 3
    assert view.overlays[-1]["text"] == "left out: blank"
    assert view.slider["notes"][view.index] == "#3 of 0–36, left out"
    view.projection = 4
    assert view.overlays[-1]["text"] == "left out"
    view.projection = 5
    assert [o["id"] for o in view.overlays] == ["mine"]


def test_another_series_keeps_the_tilt_that_is_shown(series):
    stack, tilts = series
    view, heard = StackView(), []
    view.set(stack, tilts)
    view.go_to_tilt(29)
    view.on_projection(heard.append)
    view.set(stack[1:], tilts[1:])
    assert view.tilt == 28
    assert heard[-1] == view.projection == np.flatnonzero(tilts[1:] == 28)[0]


def test_without_tilts_frames_are_named_by_index(series):
    view = StackView()
    view.set(series[0])
    assert view.slider["labels"][4] == "#4"
    assert view.slider["name"] == "frame"


def test_refresh_shows_what_changed_in_place(series):
    stack, tilts = series
    view = StackView()
    view.set(stack, tilts)
    stack[0] += 10
    view.refresh()
    assert level(view) == 1


@pytest.mark.parametrize(
    ("shape", "tilts", "excluded", "words"),
    [
        ((4, 8, 8), [0, 1, 2], None, "4 projections but 3 tilts"),
        ((8, 8), None, None, "shape"),
        ((0, 8, 8), None, None, "shape"),
        ((4, 8, 8), None, [True], "4 projections but 1 marks"),
    ],
)
def test_what_does_not_fit_is_said(shape, tilts, excluded, words):
    with pytest.raises(DataError, match=words):
        StackView().set(np.zeros(shape), tilts, excluded=excluded)


def test_projection_outside_is_said(series):
    view = StackView()
    view.set(*series)
    with pytest.raises(DataError, match="0 to 36, got 40"):
        view.projection = 40


def test_a_click_on_a_thumbnail_names_its_projection(series):
    stack, tilts = series
    strip, heard = StripView(count=5), []
    strip.set(stack, tilts)
    strip.on_projection(heard.append)
    width = (strip.extent[1] + 4) / 5
    for k in range(5):
        strip._receive(strip, {"type": "pick", "x": (k + 0.4) * width, "y": 3}, [])
    assert [tilts[i] for i in heard] == [-72, -36, 0, 36, 72]
    assert [o["text"] for o in strip.overlays] == ["−72°", "−36°", "0°", "36°", "72°"]
    strip.mark([heard[1]])
    assert strip.overlays[-1]["x0"] == width + 1


def test_sinogram_rows_are_tilts_in_rising_order(series):
    stack, tilts = series
    view = SinogramView()
    view.set(stack, tilts, column=5)
    codes = np.frombuffer(view.frame, "<u2").reshape(view.shape)
    values = view.offset + codes * view.scale
    np.testing.assert_array_equal(values, stack[np.argsort(tilts), :, 5])
    assert view.row_text(0) == "−72.0° #36"
    view.show_column(99)
    assert view.column == 31
    view.set(stack[:, :, :20], tilts)
    assert view.column == 10, "the middle of another width, not what lay at the edge"
    view.show_column(3)
    view.set(stack[:, :, :20], tilts)
    assert view.column == 3
