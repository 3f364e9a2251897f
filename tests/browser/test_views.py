"""The views in a real page: one picture, one volume, with mouse and keys."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.browser

PAGE = """
import ipywidgets as widgets
import numpy as np

from tomojupyter.ui.style import style_widget
from tomojupyter.ui.views.ortho import OrthoView
from tomojupyter.ui.views.picture import Picture
from tomojupyter.ui.views.stack import StackView
from tomojupyter.ui.views.volume import VolumeView

c = np.arange(48) - 23.5
x, z, y = np.meshgrid(c, c, c, indexing="ij")
r = np.sqrt(x**2 + y**2 + z**2)
volume = ((r < 20) * 1.0 - (r < 15) * 0.7 + (np.hypot(np.hypot(x - 5, y), z) < 4) * 2).astype("f4")
tilts = np.linspace(-72, 72, 37)
stack = np.stack([np.roll(volume.sum(1).T, k - 18, 0) for k in range(37)])

log = widgets.Label("ready").add_class("tj-log")
def say(*words):
    log.value = " ".join(str(w) for w in words)

projection = StackView().add_class("view-stack")
projection.set(stack, tilts, 0.5, excluded=np.arange(37) == 20, reasons=["blank"] * 37)
projection.on_projection(lambda i: say("projection", i))
projection.on_key(lambda *key: say("key", *key))
crop = Picture("Crop", mode="crop").add_class("view-crop")
crop.show(stack[18])
crop.put({"kind": "rectangle", "id": "crop", "x0": 4, "y0": 4, "x1": 40, "y1": 40, "handles": True})
crop.on_rect(lambda *box: say("rect", *box))
solid = VolumeView()
slices = OrthoView(solid)
slices.set(volume, 0.5)
slices.on_move(lambda *point: say("point", *point))
fill = widgets.Button(description="Fill").add_class("fill")
fill.on_click(lambda _: solid.show(volume))
row = widgets.HBox([projection, crop, slices]).add_class("tj-row")
row.layout.height = "600px"
page = widgets.VBox([style_widget(), row, widgets.HBox([fill, log])])
page.layout.display = "block"
page.add_class("tj-app")
"""


def place(page, view, x, y, extent=48):
    """Return where a pixel of a square picture lies on the page."""
    box = page.locator(f"{view} .tj-pic-over").bounding_box()
    size = min(box["width"], box["height"]) / extent
    left = box["x"] + box["width"] / 2 + (x + 0.5 - extent / 2) * size
    return left, box["y"] + box["height"] / 2 + (y + 0.5 - extent / 2) * size


def drag(page, view, start, end):
    page.mouse.move(*place(page, view, *start))
    page.mouse.down()
    page.mouse.move(*place(page, view, *end), steps=5)
    page.mouse.up()


def heard(page, words):
    page.wait_for_function(
        "words => document.querySelector('.tj-log').textContent.includes(words)", arg=words
    )


def test_pictures_slices_and_3d_answer_mouse_and_keys(voila, browser_page):
    page = browser_page
    page.goto(voila(PAGE))
    page.wait_for_selector(".view-stack .tj-pic[data-seq]")
    stack = page.locator(".view-stack")

    # click: focus ring; keys: next frame, which is left out; contrast and zoom in the browser
    page.mouse.click(*place(page, ".view-stack", 24, 24))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("s")
    heard(page, "projection 20")
    assert stack.locator(".tj-pic-foot").inner_text().split("\n")[-1] == "#20 of 0–36, left out"
    page.keyboard.press("x")
    heard(page, "key x False False")
    page.keyboard.press("0")
    heard(page, "projection 18")
    page.keyboard.press("+")
    page.wait_for_selector(".view-stack .tj-pic[data-zoom='1.25']")
    page.mouse.dblclick(*place(page, ".view-stack", 24, 24))
    page.wait_for_selector(".view-stack .tj-pic[data-zoom='1.00']")
    assert "x 24, y 24:" in stack.locator(".tj-pic-facts").inner_text()
    stack.locator("button[title^=Contrast]").click()
    assert stack.locator(".tj-pic-menu canvas").is_visible()
    page.keyboard.press("Escape")

    # a corner of the crop rectangle is dragged, then a side; its bounds are those of a slice
    drag(page, ".view-crop", (39.5, 39.5), (29.5, 34.5))
    heard(page, "rect 4 4 30 35")
    drag(page, ".view-crop", (29.5, 12), (20.5, 25))
    heard(page, "rect 4 4 21 35")

    # three slices move together, 3D fills its place once asked for
    page.mouse.click(*place(page, ".tj-ortho > :nth-child(1)", 30, 20))
    heard(page, "point 30 20 23")
    page.locator(".fill").click()
    page.wait_for_selector(".tj-view3d-figure canvas")
    page.wait_for_function(
        """() => {
            const stage = document.querySelector('.tj-view3d-stage');
            const canvas = stage.querySelector('canvas');
            return Math.abs(canvas.clientWidth - stage.clientWidth) < 2;
        }"""
    )


def test_a_page_without_its_token_is_refused(voila, answers):
    address = voila(PAGE)
    status, led_to = answers(address.split("?")[0])
    assert status == 200
    assert urlsplit(led_to).path == "/login"
