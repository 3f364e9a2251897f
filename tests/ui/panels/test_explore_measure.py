"""Classes, profile, overlay and what Explore writes, on a volume whose answers are known."""

import csv
import re

import numpy as np
import pytest
from PIL import Image

import tomojupyter.api as tomo
from tomojupyter.monitor import Silent
from tomojupyter.steps import make_step
from tomojupyter.ui import ExplorePanel
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.panels.explore_classes import COLOURS, volume_text
from tomojupyter.ui.panels.explore_profile import half_width
from tomojupyter.ui.panels.explore_scene import trimmed
from tomojupyter.ui.session import Session
from tomojupyter.ui.views.html3d import Part, write_scene
from tomojupyter.ui.views.labels import bar_length, grey_picture, labelled
from tomojupyter.ui.views.paint import added_rgb, classes_rgb
from tomojupyter.ui.views.render import Surface, render, rgb

SIDE = 24


@pytest.fixture
def volume():
    """Nothing, a block of 12 x 12 x 12 of value 1 and in it one of 4 x 4 x 4 of value 4."""
    data = np.random.default_rng(1).normal(0, 0.02, (SIDE, SIDE, SIDE)).astype(np.float32)
    data[6:18, 6:18, 6:18] += 1
    data[8:12, 8:12, 8:12] += 3
    signal = tomo.RecStack(data)
    for axis in signal.axes_manager._axes:
        axis.scale, axis.units = 2.0, "nm"
    return signal


@pytest.fixture
def panel(volume, tmp_path):
    session = Session(volume, "blocks.mrc", executor=Inline(), folder=tmp_path)
    made = ExplorePanel(session)
    made.activate()
    return made


def test_proposed_limits_part_the_blocks(panel):
    panel.classes.more.click()
    low, high = panel.classes.limits
    assert 0.05 < low < 1 < high < 4
    rows = panel.classes.values()
    # noise takes a voxel or two across a limit that lies at the edge of its valley
    assert rows[0]["volume"] == pytest.approx((12**3 - 4**3) * 8, rel=0.005)
    assert rows[1]["volume"] == pytest.approx(4**3 * 8, rel=0.05)
    assert rows[1]["share"] == pytest.approx(100 * 4**3 / 12**3, rel=0.05)
    assert rows[0]["units"] == "nm"


def test_limit_typed_or_dragged_counts_anew(panel):
    field = panel.classes.fields[0]
    field.value = 2.0
    assert panel.classes.limits == [2.0]
    assert panel.classes.values()[0]["volume"] == 4**3 * 8
    panel.classes._drag(1.9, 0, False)
    panel.classes._drag(0.5, 0, True)
    assert panel.classes.values()[0]["volume"] == 12**3 * 8
    assert field.value == 0.5


def test_measuring_adds_surfaces_and_how_sure_they_are(panel, volume):
    panel.classes.fields[0].value = 0.5
    panel.classes.measure.click()
    row = panel.classes.values()[0]
    assert row["surface"] == pytest.approx(volume.measure(threshold=0.5).surface.value)
    assert row["surface"] == pytest.approx(6 * 24**2, rel=0.12)  # corners are rounded
    assert "class 1 by up to" in panel.classes.note.value
    panel.classes.fields[0].value = 0.6
    assert panel.classes.values()[0]["surface"] is None  # not that of another limit


def test_classes_are_painted_on_the_slices_while_measuring(panel):
    panel.ortho.move(z=9)
    assert panel.ortho.seen("z").ndim == 2
    panel.controls["part"].value = "Measure"
    picture = panel.ortho.seen("z")
    blue = np.asarray(rgb("#56B4E9"))
    inside, outside = picture[7, 15].astype(float), picture[2, 2].astype(float)
    assert np.corrcoef(inside, blue)[0, 1] > 0.9
    assert np.ptp(outside) <= 2
    panel.controls["part"].value = "Look"
    assert panel.ortho.seen("z").ndim == 2


def test_profile_gives_the_width_of_a_peak(panel):
    panel.ortho.move(z=15)  # the slice with the outer block alone
    panel._profile_along("Top")(0, 15, SIDE - 1, 15)
    assert panel.drawer.layout.display == ""
    text = panel.profile.subtitle
    width = float(re.search(r"peak ([\d.]+) nm", text)[1])
    assert width == pytest.approx(24, abs=1)
    panel._profile_along("Top")(12, 15, SIDE - 1, 15)
    assert "no peak" in panel.profile.subtitle


@pytest.mark.parametrize("sigma", [1.5, 3.0])
def test_half_width_of_a_gaussian(sigma):
    x = np.linspace(-20, 20, 201)
    left, right, half = half_width(x, 3 + 5 * np.exp(-(x**2) / 2 / sigma**2))
    assert right - left == pytest.approx(2.3548 * sigma, rel=0.01)
    assert half == pytest.approx(5.5, rel=1e-3)


@pytest.mark.parametrize("values", [[1, 1, 1, 1], [1, 2, 3, 4], [np.nan, 1, 0, 0], [1, 2]])
def test_half_width_of_no_peak_is_none(values):
    assert half_width(np.arange(len(values), dtype=float), np.array(values, float)) is None


@pytest.mark.parametrize(
    ("name", "ending"),
    [("MRC", ".mrc"), ("TIFF", ".tif"), ("VTK image", ".vti"), ("raw + NRRD header", ".raw"),
     ("OME-Zarr", ".ome.zarr"), ("HyperSpy, with history", ".hspy")],
)  # fmt: skip
def test_volume_is_written_in_every_format(panel, tmp_path, name, ending):
    panel.controls["format"].value = name
    panel.export.volume.click()
    assert (tmp_path / f"blocks{ending}").exists()
    assert panel.session.message.kind == "good"


def test_classes_are_written_as_numbers(panel, tmp_path, volume):
    panel.classes._set([0.5])
    panel.controls["format"].value = "TIFF"
    panel.controls["what"].value = "the classes, 0, 1, 2 ..."
    panel.export.volume.click()
    import tifffile

    labels = tifffile.imread(tmp_path / "blocks_classes.tif")
    assert (labels == 1).sum() == 12**3
    assert labels.max() == 1


def test_nothing_is_written_over(panel, tmp_path):
    (tmp_path / "blocks.mrc").write_text("the raw series")
    panel.controls["format"].value = "MRC"
    panel.export.volume.click()
    assert (tmp_path / "blocks.mrc").read_text() == "the raw series"
    assert (tmp_path / "blocks_2.mrc").exists()


def test_pictures_and_movie_show_something(panel, tmp_path):
    panel.export.picture.click()
    panel.export.view.click()
    panel.export.movie.click()
    assert panel.session.message.kind == "good", panel.session.message.text
    with Image.open(tmp_path / "blocks.png") as image:
        sheet = np.asarray(image.convert("L"))
    ny, nx = (n // 2 for n in sheet.shape)
    for part in (sheet[:ny, :nx], sheet[:ny, nx:], sheet[ny:, :nx], sheet[ny:, nx:]):
        assert part.std() > 5
    with Image.open(tmp_path / "blocks_3d.png") as view:
        assert max(view.size) > 500
    with Image.open(tmp_path / "blocks.gif") as movie:
        assert movie.n_frames == 36
        first = np.asarray(movie.convert("L"), float)
        movie.seek(5)
        assert np.abs(np.asarray(movie.convert("L"), float) - first).mean() > 1


def test_table_has_units_in_its_head(panel, tmp_path):
    panel.classes._set([0.5])
    panel.export.table.click()
    rows = list(csv.reader((tmp_path / "blocks.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0][2] == "volume (nm³)"
    assert float(rows[1][2]) == 12**3 * 8


def test_page_in_3d_needs_nothing_from_outside(panel, tmp_path):
    panel.export.html.click()
    assert panel.session.message.kind == "good", panel.session.message.text
    text = (tmp_path / "blocks.html").read_text(encoding="utf-8")
    assert "class 1" in text
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']http", text)


def test_scene_without_a_surface_is_refused():
    from tomojupyter.errors import DataError

    empty = Part("none", np.zeros((0, 3)), np.zeros((0, 3), int), "#E69F00")
    with pytest.raises(DataError, match="no surface lies"):
        write_scene([empty], "title", "nm")


def test_runs_of_one_shape_are_overlaid_in_colours(session):
    for iterations in (1, 2):
        session.apply(make_step("reconstruct", "SIRT", iterations=iterations))
    panel = ExplorePanel(session)
    panel.activate()
    (box,) = panel.overlay.boxes.values()
    assert box.description == "A: SIRT"
    box.value = True
    picture = panel.ortho.seen("x")
    assert picture.shape == (32, 32, 3)
    assert len(panel.view3d.figure.meshes) == 2
    assert [name for name, *_ in panel.scene().others] == ["A: SIRT"]
    box.value = False
    assert panel.ortho.seen("x").ndim == 2
    assert len(panel.view3d.figure.meshes) == 1


def test_contrast_is_dragged_on_the_histogram(panel):
    panel.ortho.contrast(0.0, 2.0)
    panel._drag_contrast(0.3, 0, True)
    panel._drag_contrast(3.0, 0, True)
    assert panel._limits() == (0.3, 3.0)
    panel.auto.click()
    assert panel._limits() != (0.3, 3.0)


def test_near_surface_hides_the_far_one():
    volume = np.zeros((20, 20, 20), np.float32)
    volume[8:12, 8:12, 2:6] = 1  # near: small y
    other = np.zeros_like(volume)
    other[6:14, 6:14, 14:18] = 1
    red, green = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    picture = render([Surface(volume, 0.5, red), Surface(other, 0.5, green)])
    middle = len(picture) // 2
    assert picture[middle, middle, 0] > 50 > picture[middle, middle, 1]
    behind = render([Surface(volume, 0.5, red), Surface(other, 0.5, green)], 180)
    assert behind[middle, middle, 1] > 50 > behind[middle, middle, 0]


def test_viewer_who_walks_to_the_right_sees_the_near_side_go_left():
    volume = np.zeros((21, 21, 21), np.float32)
    volume[9:12, 9:12, 0:3] = 1
    columns = np.flatnonzero(render([Surface(volume, 0.5, (1, 1, 1))], 40).any(axis=(0, 2)))
    assert columns.mean() < 18 - 3
    rows = np.flatnonzero(render([Surface(volume, 0.5, (1, 1, 1))], 0, 40).any(axis=(1, 2)))
    assert rows.mean() > 18 + 3


def test_scale_bar_has_a_round_length_and_its_size():
    assert bar_length(200, 0.5) == (40.0, "20 nm")
    assert bar_length(100, None) == (20.0, "20 px")
    assert bar_length(500, 10.0)[1] == "1 µm"
    image = labelled(np.zeros((100, 100, 3), np.uint8), "", None, side=400)
    white = np.asarray(image).min(axis=-1) > 250
    longest = max(int(row.sum()) for row in white)
    assert longest == pytest.approx(80, abs=2)


def test_colours_of_slices():
    ramp = np.linspace(0, 1, 5)[None]
    grey = grey_picture(ramp, 0, 1)
    assert grey[0, 0].tolist() == [0, 0, 0]
    assert grey[0, -1].min() > 250
    both = added_rgb([(ramp, 0, 1, "#FF0000"), (ramp[:, ::-1], 0, 1, "#0000FF")])
    assert both[0, 0].tolist() == [0, 0, 255]
    assert both[0, -1].tolist() == [255, 0, 0]
    nothing = classes_rgb(np.full((2, 2), np.nan), [0.5], ["#E69F00"], 0, 1)
    assert not nothing.any()


@pytest.mark.parametrize(
    ("volume", "text"),
    [(9_300_578.0, "9\u2009300\u2009000 nm³"), (27_812_345.0, "27\u2009800\u2009000 nm³"),
     (2.5e8, "0.25 µm³"), (12.34, "12.3 nm³")],
)  # fmt: skip
def test_volumes_have_three_figures(volume, text):
    assert volume_text({"volume": volume, "units": "nm"}) == text


def test_black_around_a_picture_is_cut_square():
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[40:60, 30:50] = 200
    cut = trimmed(picture)
    assert cut.shape[0] == cut.shape[1] < 60
    assert cut.any(axis=-1).sum() == 400
    assert trimmed(np.zeros((9, 9, 3), np.uint8)).shape == (9, 9, 3)


def test_mesh_of_the_page_is_in_nm(panel):
    panel.classes._set([0.5])
    seen = []
    scene = panel.scene()

    def keep(parts, title, units):
        seen.append((parts, title, units))
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tomojupyter.ui.panels.explore_scene.write_scene", keep)
        scene.html(Silent())
    ((parts, title, units),) = seen
    assert (title, units) == ("blocks.mrc, blocks.mrc", "nm")
    size = np.ptp(parts[0].vertices, axis=0)
    assert np.allclose(size, 24, atol=1.5)


def test_the_surface_in_3d_has_the_colour_of_its_class(panel):
    assert len(panel.classes.limits) == 1
    mesh = panel.view3d.figure.meshes[0]
    assert mesh.color == COLOURS[0]
    panel.classes.more.click()
    assert mesh.color == COLOURS[1]
    panel.view3d.clear("away")
    panel._in_3d = None
    panel.show_3d()
    assert panel.view3d.figure.meshes[0].color == COLOURS[1]
