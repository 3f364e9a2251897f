"""The first walk: from the needle series to a labelled 3D picture and a volume, by clicks alone.

Its screenshots are those of docs/images; set TOMOJUPYTER_SCREENSHOTS to a folder to take them.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tomojupyter.api as tomo

pytestmark = pytest.mark.browser

MINUTES = 60_000
MOST_CLICKS = 15


@pytest.mark.timeout(1800)
def test_needle_in_fifteen_clicks(opened, person, tmp_path):
    source = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not source:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the needle series")
    for name in ("HAADF.mrc", "HAADF.rawtlt"):
        shutil.copy(Path(source) / name, tmp_path / name)
    page = opened(tmp_path)

    person.click("button[title='HAADF.mrc']")
    page.wait_for_function(
        "() => document.querySelector('.tj-load-record')?.innerText.includes('HAADF.mrc')"
    )
    person.look("walk-1-load")
    person.click(".tj-load-apply")
    # the vacuum of this series lies far from zero: the next useful stage is Filter, which knows
    page.wait_for_selector(".tj-panel-filter", timeout=MINUTES)
    person.look("walk-2-filter")
    person.click(".tj-filter-apply")
    person.says("Next: Register")
    person.click(".tj-rail-register")
    person.click(".tj-register-apply")
    person.says("Next: Tilt axis")
    person.look("walk-3-register")
    person.click(".tj-rail-tiltaxis")
    person.click(".tj-tiltaxis-mode button:nth-child(2)")
    person.click(".tj-tiltaxis-find")
    person.click(".tj-tiltaxis-take-com")
    person.look("walk-4-tilt-axis")
    person.click(".tj-tiltaxis-apply")
    person.says("Next: Reconstruct")
    person.click(".tj-rail-reconstruct")
    person.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-panel-explore", timeout=6 * MINUTES)
    page.wait_for_selector(".tj-view-explore-4 canvas", timeout=2 * MINUTES)
    person.look("walk-5-explore")
    person.click(".tj-explore-part button:nth-child(3)")
    person.click(".tj-explore-view")
    person.says("Wrote HAADF_A_3d.png")
    person.click(".tj-explore-volume")
    person.says("Saved")
    person.look("walk-6-export")

    assert person.clicks <= MOST_CLICKS
    if os.environ.get("TOMOJUPYTER_SCREENSHOTS"):
        folder = Path(os.environ["TOMOJUPYTER_SCREENSHOTS"])
        shutil.copy(tmp_path / "HAADF_A_3d.png", folder / "walk-7-picture.png")
    with Image.open(tmp_path / "HAADF_A_3d.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5
    assert tomo.load(tmp_path / "HAADF_A.hspy").data.ndim == 3
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".part")]
