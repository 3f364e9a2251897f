"""Two files side by side: how planes are paired, and what moves together."""

import numpy as np
import pytest

from tomojupyter.errors import DataError
from tomojupyter.ui.views.pair import PairView, other_camera, other_place
from tomojupyter.ui.views.planes import NM, NUMBER, PART, TILT, Planes, pairing


def series(tilts, size=8, pixel_nm=1.0):
    """Return a series whose frames hold their own tilt."""
    images = np.ones((len(tilts), size, size), np.float32) * np.asarray(tilts)[:, None, None]
    return Planes.of_stack(images, tilts, pixel_nm)


def volume(shape, cut="z", pixel_nm=1.0):
    x, z, y = np.indices(shape, np.float32)
    return Planes.of_volume(10_000 * x + 100 * z + y, cut, pixel_nm)


@pytest.fixture
def view():
    return PairView("test")


def shown(view, side):
    return float(view.pictures[side]._array.ravel()[0])


@pytest.mark.parametrize(
    ("cut", "first", "across", "down"),
    [("z", 200.0, 10_000, 1), ("y", 2.0, 10_000, 100), ("x", 20_000.0, 1, 100)],
)
def test_slices_are_those_of_explore(cut, first, across, down):
    image = volume((4, 5, 6), cut).image(2)
    assert image[0, 0] == first
    assert image[0, 1] - first == across
    assert image[1, 0] - first == down


def test_frames_stand_in_rising_order_of_tilt():
    planes = series([0, 6, -6])
    assert list(planes.tilts) == [-6, 0, 6]
    assert [planes.image(k)[0, 0] for k in range(3)] == [-6, 0, 6]
    assert planes.home == 1
    assert planes.slider()["notes"][0] == "#2 of 0–2"


@pytest.mark.parametrize("shape", [(3, 4), (3, 0, 4)])
def test_what_is_no_volume_is_a_sentence(shape):
    with pytest.raises(DataError, match="a volume has shape"):
        Planes.of_volume(np.zeros(shape), "z")


def test_the_nearest_tilt_is_shown_not_the_same_index(view):
    view.set(series(np.arange(-60, 61, 10.0)), series(np.arange(-60, 61, 3.0)))
    assert view.pairing.how == TILT
    assert "nearest" in view.pairing.notes[0]
    view.pictures[0].index = 1
    assert [shown(view, side) for side in (0, 1)] == [-50, -51]
    # the finer one moves the coarser one, and stays where it was put
    view.pictures[1].index = 2
    assert view.pictures[1].index == 2
    assert [shown(view, side) for side in (0, 1)] == [-50, -54]


def test_without_tilts_frames_go_by_number(view):
    bare = Planes.of_stack(np.arange(5.0)[:, None, None] * np.ones((5, 8, 8)))
    view.set(series([-10, 0, 10]), bare)
    assert view.pairing.how == NUMBER
    assert view.pairing.notes == ("No tilts on the right: frames are paired by their number.",)
    view.pictures[1].index = 4
    assert shown(view, 0) == 10


@pytest.mark.parametrize(
    ("sizes", "pixels", "how", "at"),
    [
        ((20, 10), (1.0, 2.0), NM, 7),  # as long in nm
        ((20, 10), (1.0, 1.0), NM, 9),  # 5.5 nm above the middle is outside of the thin one
        ((20, 10), (1.0, None), PART, 7),
        ((20, 20), (None, 1.0), NUMBER, 15),
    ],
)
def test_slices_are_paired_by_place(view, sizes, pixels, how, at):
    planes = [volume((4, n, 4), "z", pixel) for n, pixel in zip(sizes, pixels, strict=True)]
    view.set(*planes)
    assert view.pairing.how == how
    view.pictures[0].index = 15
    assert view.pictures[1].index == at


def test_a_series_and_a_volume_are_shown_and_not_linked(view):
    view.set(series([-10, 0, 10]), volume((4, 4, 4)))
    before = view.pictures[1].index
    view.pictures[0].index = 2
    view.pictures[0]._emit("pick", 3.0, 3.0)
    assert view.pictures[1].index == before
    assert not view.pictures[1].overlays
    assert view.pairing.notes == (view.pairing.no_difference,)
    assert not view._links


def test_the_cursor_is_at_the_same_place_in_nm(view):
    view.set(series([0, 10], 9, 2.0), series([0, 10], 17, 1.0))
    view.pictures[0]._emit("hover", 5.0, 2.0)
    (cross,) = view.pictures[1].overlays
    assert (cross["x"], cross["y"]) == (10.0, 4.0)
    assert view.pictures[1].facts == "0"
    assert not view.pictures[0].overlays
    view.pictures[1]._emit("pick", 10.0, 4.0)
    assert view.pictures[0].overlays[0]["x"] == pytest.approx(5.0)
    assert len(view.pictures[1].overlays) == 1
    # beside what there is nothing is said
    view.pictures[0]._emit("hover", -5.0, 2.0)
    assert view.pictures[1].facts == ""


def test_places_without_pixel_size_are_parts():
    assert other_place(series([0, 1], 10, None), series([0, 1], 20), 9.5, -0.5) == (19.5, -0.5)


def test_zoom_keeps_the_scale_where_fields_differ(view):
    wide, narrow = series([0, 1], 100, 1.0), series([0, 1], 50, 1.0)
    camera = [0.6, 0.5, 4.0]  # 10 nm right of the middle, 25 nm wide
    there = other_camera(wide, narrow, camera, (300, 300))
    assert there == pytest.approx([0.7, 0.5, 2.0])
    assert other_camera(narrow, wide, there, (300, 300)) == pytest.approx(camera)
    assert other_camera(wide, narrow, [0.5, 0.5, 1.5], (300, 300)) == []
    view.set(wide, narrow)
    assert "100 and 50 nm wide" in view.pairing.notes[0]
    view.pictures[0].screen = [300, 300]
    view.pictures[0].camera = camera
    assert view.pictures[1].camera == pytest.approx(there)
    assert view.pictures[0].camera == camera


def test_equal_fields_zoom_together_in_the_browser(view):
    view.set(volume((8, 8, 8), "z", 1.0), volume((4, 4, 4), "z", 2.0))
    assert {link.source[1] for link in view._links} == {"camera"}
    view.set(volume((8, 8, 8)), None)
    assert not view._links


def test_contrast_is_own_until_it_is_asked_for(view):
    view.set(series([1, 2]), series([5, 9]))
    view.pictures[0].index = 1
    view.same_contrast(True)
    assert view.pictures[0].lo == view.pictures[1].lo == pytest.approx(1.5)
    assert view.pictures[0].hi == view.pictures[1].hi == pytest.approx(5.5)
    view.pictures[1].contrast(3, 4)
    view.pictures[0].cmap = "inferno"
    assert (view.pictures[0].lo, view.pictures[0].hi) == (3, 4)
    assert view.pictures[1].cmap == "inferno"
    view.same_contrast(False)
    assert view.pictures[1].lo == pytest.approx(4.5)
    view.pictures[0].contrast(0, 1)
    assert view.pictures[1].lo == pytest.approx(4.5)


def test_the_difference_is_right_minus_left(view):
    view.set(volume((6, 5, 6)), Planes.of_volume(2 * volume((6, 5, 6)).images, "z", 1.0))
    view.show_difference(True)
    view.pictures[0].index = 3
    third = view.pictures[2]
    np.testing.assert_array_equal(third._array, view.planes[0].image(3))
    assert third.index == 3
    third.index = 1
    assert view.pictures[0].index == view.pictures[1].index == 1
    np.testing.assert_array_equal(third._array, view.planes[0].image(1))
    view.show_difference(False)
    assert view.columns[2].layout.display == "none"


def test_other_backgrounds_do_not_hide_the_difference(view):
    noise = np.random.default_rng(0).normal(size=(2, 16, 16)).astype(np.float32)
    view.set(Planes.of_stack(noise, [0, 1]), Planes.of_stack(noise[::-1] + 1000, [0, 1]))
    view.show_difference(True)
    third = view.pictures[2]
    assert (third.lo + third.hi) / 2 == pytest.approx(1000, abs=1)
    assert third.hi - third.lo < 20
    assert third.facts.startswith("dark: 1")


def test_tilts_that_are_apart_have_no_difference(view):
    view.set(series([0, 10]), series([0, 12]))
    view.show_difference(True)
    assert view.pictures[2].extent == [8, 8]
    view.pictures[0].index = 1
    assert view.pictures[2].message == "These tilts are 2° apart."
    view.pictures[0].index = 0
    assert view.pictures[2].extent == [8, 8]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        (series([0, 10], 9), "the planes have 8 × 8 and 9 × 9 px"),
        (series([0, 10], 8, 2.0), "the pixel sizes are not the same"),
    ],
)
def test_no_difference_is_said_and_not_drawn(view, other, text):
    view.show_difference(True)
    view.set(series([0, 10]), other)
    assert text in view.pairing.no_difference
    assert view.columns[2].layout.display == "none"


def test_other_planes_keep_the_place_and_one_alone_stands_alone(view):
    view.set(series(np.arange(5.0)), series(np.arange(5.0) + 10), [("a", ["5 tilts"]), ("b", [])])
    assert "<b>a</b><span>5 tilts</span>" in view.titles[0].value
    view.pictures[0].index = 3
    view.set(series(np.arange(5.0) + 10), series(np.arange(5.0)))
    assert view.pictures[0].index == 3
    view.set(None, None, message="Nothing.")
    assert view.pictures[0].message == "Nothing."
    assert [column.layout.display for column in view.columns] == ["", "none", "none"]


def test_two_identical_files(view):
    planes = volume((5, 5, 5))
    assert pairing(planes, planes).notes == ()
    view.set(planes, planes)
    view.show_difference(True)
    assert not view.pictures[2]._array.any()
