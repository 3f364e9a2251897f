"""Every panel at the size of a laptop and of a wide screen, dark: nothing is cut off or empty."""

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

MINUTES = 60_000
PAGE = """
import numpy as np
import tomojupyter.api as tomo
from tomojupyter.steps import make_step
from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.session import Session

series = tomo.datasets.get_catalyst_data(size=48, tilts=np.arange(-60, 61, 10.0))
session = Session(series, "a_series_with_quite_a_long_name_of_its_file.mrc", executor=Inline())
session.apply(make_step("trim", "crop", left=2), label="Trim")
session.apply(make_step("stack_register", "PC"), label="Register")
session.apply(make_step("tilt_align", "manual", shift=-12.3, angle=-11.5), label="Tilt axis")
session.apply(make_step("reconstruct", "SIRT", iterations=3), label="Reconstruct")
session.apply(make_step("reconstruct", "FBP"), label="Reconstruct")
app = Dashboard(session)
app
"""
SIZES = ((1366, 768), (1920, 1080))
PARTS = ("", ".tj-explore-part button:nth-child(2)", ".tj-explore-part button:nth-child(3)")


def spread(page, path):
    page.screenshot(path=str(path))
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), float)


@pytest.mark.timeout(1200)
def test_every_panel_fits_and_shows_something(
    voila, browser_page, recorder, cut_off, nameless, tmp_path
):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    page = browser_page
    page.goto(voila(PAGE, "--theme=dark"))
    page.wait_for_selector(".tj-panel-load .tj-pic[data-seq]", timeout=3 * MINUTES)
    stages = page.eval_on_selector_all(
        ".tj-rail button",
        "all => all.map(b => [...b.classList].find(c => /^tj-rail-/.test(c)).slice(8))",
    )
    assert stages[:1] == ["load"]
    found = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for stage in stages:
            page.click(f".tj-rail-{stage}")
            page.wait_for_selector(f".tj-panel-{stage}")
            for part in PARTS if stage == "explore" else PARTS[:1]:
                if part:
                    page.click(part)
                page.wait_for_timeout(2000)
                wrong = cut_off(page) + nameless(page)
                if wrong:
                    found[f"{stage} at {width}"] = wrong
            shot = spread(page, tmp_path / f"{stage}-{width}.png")
            if stage == "history":
                assert np.median(shot) < 60, "the dark theme is dark"
            else:
                assert shot[60 : height - 60, 200 : width - 380].std() > 8, stage
    assert found == {}
