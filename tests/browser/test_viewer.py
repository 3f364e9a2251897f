"""The dashboard that only looks: files dropped on its page, two files side by side."""

import base64

import numpy as np
import pytest

import tomojupyter.api as tomo

pytestmark = pytest.mark.browser

MINUTES = 60_000
DROP = """
([hook, name, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  for (const type of ["dragover", "drop"])
    document.querySelector(hook).dispatchEvent(
      new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
}
"""


@pytest.mark.timeout(900)
def test_a_dropped_series_and_a_volume_are_seen(opened, person, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    series = tomo.datasets.get_catalyst_data(size=48, tilts=np.arange(-60, 61, 10.0))
    series.save(tmp_path / "series.hspy")
    series.reconstruct("FBP", show_progressbar=False).save(data / "volume.hspy")
    page = opened(data, "--dashboard", "viewer", ready=".tj-drop")
    content = base64.b64encode((tmp_path / "series.hspy").read_bytes()).decode()

    # beside the panel a file is let go in vain, and the page stays
    page.evaluate(DROP, [".tj-rail", "elsewhere.hspy", content])
    page.evaluate(DROP, [".tj-panel-load .tj-body", "dropped.hspy", content])
    person.sees(".tj-panel-load .tj-facts", "13, ")
    page.wait_for_selector(".tj-view-load-1 .tj-pic[data-seq]")
    person.sees(".tj-noticed", "Tilts rise evenly")
    assert sorted(path.name for path in data.iterdir()) == ["dropped.hspy", "volume.hspy"]
    assert page.locator(".tj-load-apply").is_hidden()
    person.look("viewer-1-open")

    # so is one that is chosen by the dialog; its name is taken already
    page.set_input_files(".tj-load-upload input", data / "dropped.hspy")
    person.says("dropped.hspy is in")

    person.click("button[title='volume.hspy']")
    page.wait_for_selector(".tj-view-explore-4 canvas", timeout=2 * MINUTES)
    person.look("viewer-2-explore")


SEEN = """([hook, title]) => {
  const bold = document.querySelector(hook + ' .tj-pic-foot b');
  return bold && bold.innerText === title;
}"""


def zoom_in(page, view):
    box = page.locator(f"{view} .tj-pic-mat").bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")


def zooms(page):
    """Wait until both pictures are zoomed alike."""
    page.wait_for_function(
        """() => { const [a, b] = ['1', '2'].map(n =>
             document.querySelector(`.tj-view-viewer-${n} .tj-pic`).dataset.zoom);
           return Number(a) > 1.2 && a === b; }"""
    )


@pytest.mark.timeout(900)
def test_two_files_side_by_side(opened, person, nameless, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    series = tomo.datasets.get_catalyst_data(size=96, tilts=np.arange(-70, 71, 5.0), noise=True)
    series.save(data / "catalyst_2026-11-26.hspy")
    series.inav[::2].save(data / "every_second_tilt.hspy")
    for method in ({"method": "FBP"}, {"method": "SIRT", "iterations": 20, "constrain": True}):
        made = series.reconstruct(**method, show_progressbar=False)
        made.save(data / f"catalyst_{method['method']}.hspy")
    page = opened(data, "--dashboard", "viewer", ready=".tj-drop")

    # two series: the slider of one moves both to the nearest tilt, and zoom is common
    person.click("button[title='catalyst_2026-11-26.hspy']")
    person.sees(".tj-top-data", "29 tilts")
    person.click(".tj-viewer-beside")
    person.says("Choose the file that goes beside catalyst_2026")
    person.click("button[title='every_second_tilt.hspy']")
    page.wait_for_selector(".tj-view-viewer-2 .tj-pic[data-seq]")
    person.sees(".tj-viewer-notes", "The tilts differ")
    page.locator(".tj-view-viewer-1 .tj-pic").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(SEEN, arg=[".tj-view-viewer-1", "5.0°"])
    page.keyboard.press("ArrowRight")
    page.wait_for_function(SEEN, arg=[".tj-view-viewer-2", "10.0°"])
    zoom_in(page, ".tj-view-viewer-1")
    zooms(page)
    # the pointer is shown at the same place of the other one, with its value
    page.wait_for_function(
        "() => parseFloat(document.querySelector('.tj-view-viewer-2 .tj-pic-facts').innerText) > 0"
    )
    for width, height in ((1366, 640), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        person.look(f"viewer-3-series-{width}")
        assert nameless(page) == []
    page.set_viewport_size({"width": 1366, "height": 768})
    person.click(".tj-viewer-close")
    page.wait_for_selector(".tj-view-load-1 .tj-pic:visible")

    # two volumes, with their difference; Explore shows the left one
    person.click("button[title='catalyst_FBP.hspy']")
    page.wait_for_selector(".tj-panel-explore")
    person.go("load")
    person.click(".tj-viewer-beside")
    person.click("button[title='catalyst_SIRT.hspy']")
    page.wait_for_selector(".tj-view-viewer-2 .tj-pic[data-seq]")
    person.click(".tj-viewer-direction button:nth-child(2)")
    page.check(".tj-viewer-difference input")
    page.wait_for_selector(".tj-view-viewer-3 .tj-pic[data-seq]:visible")
    box = page.locator(".tj-view-viewer-2 .tj-pic-mat").bounding_box()
    page.mouse.click(box["x"] + 0.45 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(5, 300)
    person.look("viewer-pair")
    zoom_in(page, ".tj-view-viewer-2")
    zooms(page)
    page.locator(".tj-past summary").last.click()
    person.sees(".tj-viewer-history", "only in the first, step 1: reconstruct FBP")
    for width, height in ((1366, 640), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        person.look(f"viewer-4-volumes-{width}")
    person.click(".tj-viewer-swap")
    person.sees(".tj-top-data", "catalyst_SIRT.hspy beside catalyst_FBP.hspy")
    person.go("explore")
    person.sees(".tj-top-data", "catalyst_SIRT.hspy")
    assert page.locator(".tj-status-message").inner_text().strip() != ""
