"""From spectrum images to a colour overlay in 3D and a table of volume fractions, by clicks.

Set TOMOJUPYTER_SCREENSHOTS to a folder to take the picture of the documentation.
"""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.browser

TOKEN = "of-the-tests"
MINUTES = 60_000


def look(page, name, cut_off):
    page.wait_for_timeout(1000)
    folder = os.environ.get("TOMOJUPYTER_SCREENSHOTS")
    if folder:
        shot = Path(folder) / f"{name}.png"
        page.screenshot(path=str(shot))
        with Image.open(shot) as image:
            small = image.convert("RGB").quantize(128)
        small.save(shot, optimize=True)
    assert cut_off(page) == [], name


@pytest.mark.timeout(600)
def test_spectra_to_colours_in_3d(
    serve, browser_page, recorder, cut_off, says, free_port, tmp_path
):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    command = [
        sys.executable, "-m", "tomojupyter", "app", "--dashboard", "spectral", "--no-browser",
        f"--port={free_port}", f"--token={TOKEN}", f"--data-dir={tmp_path}",
    ]  # fmt: skip
    page = browser_page
    page.goto(serve(command, f"http://127.0.0.1:{free_port}/?token={TOKEN}"))
    page.wait_for_selector(".tj-spectral-builtin", timeout=2 * MINUTES)
    look(page, "spectral-0", cut_off)
    page.click(".tj-spectral-builtin")
    says(page, "37 spectrum images")
    page.click(".tj-spectral-preview:enabled")
    says(page, "4 maps took")
    page.wait_for_selector(".tj-view-spectral-map-4 canvas")
    assert page.locator(".tj-spectral-which select").input_value() == "Si_Ka"
    look(page, "spectral", cut_off)
    page.click(".tj-spectral-residual")
    says(page, "standard deviations above noise")
    page.wait_for_function(
        "() => document.querySelector('.tj-view-spectral-1').innerText.includes('Residual')"
    )
    look(page, "spectral-residual", cut_off)
    page.click(".tj-spectral-residual")
    page.wait_for_function(
        "() => document.querySelector('.tj-view-spectral-1').innerText.includes('Overlay')"
    )
    page.select_option(".tj-spectral-of select", label="a box in it")
    page.wait_for_function(
        """() => [...document.querySelectorAll('.tj-view-spectral-1 *')]
                  .some(e => e.style.cursor === 'crosshair')"""
    )
    seen = page.locator(".tj-view-spectral-1 canvas").first.bounding_box()
    x, y = seen["x"] + seen["width"] / 2, seen["y"] + seen["height"] / 2
    page.mouse.move(x - 40, y - 30)
    page.mouse.down()
    page.mouse.move(x + 50, y + 40, steps=5)
    page.mouse.up()
    page.click(".tj-spectral-scale button:nth-child(2)")
    page.wait_for_function(
        "() => document.querySelector('.tj-view-spectral-5').innerHTML.includes('in the box at 0')"
    )
    look(page, "spectral-box", cut_off)
    page.select_option(".tj-spectral-of select", label="the whole series")
    page.click(".tj-spectral-scale button:nth-child(1)")
    page.click(".tj-spectral-part button:nth-child(2)")
    page.click(".tj-spectral-preview:enabled")
    says(page, "6 maps took")
    look(page, "spectral-components", cut_off)
    page.click(".tj-spectral-part button:nth-child(1)")
    page.click(".tj-spectral-apply:enabled")
    says(page, "4 volumes took")
    page.wait_for_selector(".tj-view-spectral-6 canvas", timeout=MINUTES)
    rows = page.locator(".tj-spectral-fractions tr")
    assert rows.count() == 4
    shares = [float(t.split("%")[0].split()[-1]) for t in rows.all_inner_texts()]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    look(page, "spectral-3d", cut_off)

    page.click(".tj-spectral-explore")
    page.wait_for_selector(".tj-view-explore-4 canvas", timeout=MINUTES)
    ticked = page.locator(".tj-panel-explore input[type=checkbox]:checked")
    assert ticked.count() == 3
    look(page, "spectral-explore", cut_off)
    saturated = page.evaluate(
        """() => [...document.querySelectorAll('.tj-view-explore-1 canvas')].map(c => {
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let n = 0;
            for (let i = 0; i < d.length; i += 4)
                n += Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60;
            return n / (d.length / 4);
        })"""
    )
    assert max(saturated) > 0.02
