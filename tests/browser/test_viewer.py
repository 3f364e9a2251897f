"""The dashboard that only looks, and files that are dropped on its page."""

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
def test_a_dropped_series_and_a_volume_are_seen(
    serve, person, app_command, recorder, free_port, tmp_path
):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    data = tmp_path / "data"
    data.mkdir()
    series = tomo.datasets.get_catalyst_data(size=48, tilts=np.arange(-60, 61, 10.0))
    series.save(tmp_path / "series.hspy")
    series.reconstruct("FBP", show_progressbar=False).save(data / "volume.hspy")
    command, url = app_command(data, free_port, "--dashboard", "viewer")
    page = person.page
    page.goto(serve(command, url))
    page.wait_for_selector(".tj-drop", timeout=3 * MINUTES)
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
