"""The 3D page that Explore writes: it draws, and asks for nothing."""

import sys

import numpy as np
import pytest
from PIL import Image
from skimage.measure import marching_cubes

from tomojupyter.ui.views.html3d import Part, write_scene

pytestmark = pytest.mark.browser


@pytest.mark.timeout(300)
def test_page_opens_alone_and_shows_the_surfaces(
    serve, browser_page, recorder, free_port, tmp_path
):
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 24)] * 3, indexing="ij"))
    ball = 1 - np.sqrt((grid**2).sum(0))
    parts = []
    for name, level, colour in (("support", 0.2, "#56B4E9"), ("particles", 0.6, "#E69F00")):
        points, faces, _, _ = marching_cubes(ball, level)
        parts.append(Part(name, points * 2.0, faces, colour, 0.4 if level < 0.5 else 1.0))
    (tmp_path / "scene.html").write_text(write_scene(parts, "a <ball>", "nm"), encoding="utf-8")
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    address = f"http://127.0.0.1:{free_port}/scene.html"
    command = [
        sys.executable, "-m", "http.server", str(free_port), "--bind", "127.0.0.1",
        "--directory", str(tmp_path),
    ]  # fmt: skip
    page = browser_page
    page.goto(serve(command, address))
    page.wait_for_selector("#canvasTarget canvas")
    assert "a <ball>" in page.inner_text("body")
    assert "particles" in page.inner_text("body")
    page.wait_for_timeout(4000)
    page.screenshot(path=str(tmp_path / "scene.png"))
    with Image.open(tmp_path / "scene.png") as image:
        pixels = np.asarray(image.convert("RGB"), int)
    orange = (pixels[..., 0] - pixels[..., 2] > 60).mean()
    blue = (pixels[..., 2] - pixels[..., 0] > 20).mean()
    assert orange > 0.005
    assert blue > 0.01
