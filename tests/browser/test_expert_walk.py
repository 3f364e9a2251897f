"""The second walk: a series of SerialEM, by somebody who knows what to look for."""

import numpy as np
import pytest
import yaml

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc

pytestmark = pytest.mark.browser

MINUTES = 60_000
TILTS = [s * 6.0 * k for k in range(11) for s in ((1, -1) if k else (1,))]
"""Dose-symmetric: 0, 6, -6, 12, -12 ..."""
BLANK = (7, 12)


def write_pair(folder):
    """Write a stack and its .mdoc as SerialEM does, the tilt axis along y."""
    series = tomo.simulation.phantom_series(
        "catalyst", 128, TILTS, jitter=1.5, tilt_shift=3.0, counts=60, vacuum=0.0,
        bad=dict.fromkeys(BLANK, "blank"), seed=4,
    )  # fmt: skip
    images = np.round(series.data).astype(np.int16)
    spots = np.random.default_rng(0).integers(4, 124, (40, 3)) % [21, 128, 128]
    images[tuple(spots.T)] = images.max() * 4
    images = np.rot90(images, 1, axes=(1, 2))
    write_mrc(folder / "tilt4.mrc", images, 0.6, is_volume=False)
    head = "PixelSpacing = 6.0\nVoltage = 300\nImageFile = tilt4.mrc\n\n"
    title = "[T =     Tilt axis angle = 0.0, binning = 1  spot = 7  camera = 0]\n"
    sections = [f"\n[ZValue = {i}]\nTiltAngle = {t}\n" for i, t in enumerate(TILTS)]
    (folder / "tilt4.mrc.mdoc").write_text(head + title + "".join(sections))


def press(page, view, *keys):
    """Press keys with a picture in focus."""
    page.locator(f"{view} .tj-pic").first.focus()
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(150)


@pytest.mark.timeout(1500)
def test_serialem_series_by_an_expert(opened, person, tmp_path):
    write_pair(tmp_path)
    page = opened(tmp_path)

    # Load: the pair is one series; axis and tilts come from the .mdoc
    row = page.locator(".tj-file", has_text="tilt4.mrc")
    assert "21 frames + mdoc" in row.inner_text()
    person.click("button[title='tilt4.mrc']")
    person.sees(".tj-load-record", "tilt4.mrc")
    person.sees(".tj-noticed", "is blank")
    person.sees(".tj-noticed", "Tilts rise evenly by 6°")
    person.look("expert-1-load")
    person.click(".tj-load-apply")

    # Trim opens by itself, as two frames are blank; they are struck out by keys
    page.wait_for_selector(".tj-panel-trim", timeout=MINUTES)
    person.sees(".tj-trim-frames", "blank")
    for i in BLANK:
        page.click(f".tj-trim-frames button[title='show #{i}']")
        page.wait_for_timeout(300)
        press(page, ".tj-view-trim-1", "x")
    assert page.input_value(".tj-trim-projections input") == "7, 12"
    page.select_option(".tj-trim-bin select", label="2")
    person.look("expert-2-trim")
    person.click(".tj-trim-apply")
    person.says("Remove projections and bin took")

    # Filter: hot pixels off; the picture of what was taken out shows them
    person.go("filter")
    page.select_option(".tj-filter-method select", label="hot and dead pixels off")
    page.wait_for_timeout(1500)
    person.look("expert-3-filter")
    person.click(".tj-filter-apply")
    person.says("Despike took")

    # Register: all methods are compared, one is taken, one frame is nudged
    person.go("register")
    person.click(".tj-register-methods-all")
    person.sees(".tj-status-message", "Compared all methods", minutes=8)
    person.click(".tj-register-row-pc")
    person.says("Preview of PC")
    press(page, ".tj-view-register-1", "Home", "n", "ArrowUp", "ArrowUp", "ArrowRight", "n")
    person.sees(".tj-register-record", "manual")
    assert page.locator(".tj-register-nudgey input").input_value() == "-0.2"
    person.look("expert-4-register")
    person.click(".tj-register-apply")
    person.says("PC and manual took")

    # Tilt axis by keys alone
    person.go("tiltaxis")
    page.wait_for_selector(".tj-view-tiltaxis-4 .tj-pic[data-seq]", timeout=MINUTES)
    press(page, ".tj-view-tiltaxis-1", "Shift+ArrowUp", "ArrowUp", "ArrowRight")
    person.sees(".tj-tiltaxis-record", "angle: 0.1")
    person.look("expert-5-tilt-axis")
    person.click(".tj-tiltaxis-apply")
    person.says("Manual took")

    # Reconstruct: a test slice, then two runs that stand side by side
    person.go("reconstruct")
    page.select_option(".tj-reconstruct-method select", label="SIRT")
    person.click(".tj-reconstruct-test")
    person.says("the whole volume takes about")
    person.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-panel-explore", timeout=5 * MINUTES)
    person.go("reconstruct")
    page.select_option(".tj-reconstruct-method select", label="FBP")
    person.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-panel-explore", timeout=5 * MINUTES)
    person.go("reconstruct")
    person.look("expert-6-reconstruct")
    for place, name in ((2, "A"), (3, "B")):
        assert page.locator(f".tj-view-reconstruct-{place} b").inner_text() == name

    # History: the recipe is taken along, and gives the same voxels
    person.go("history")
    person.click(".tj-history-replay")
    person.says("same")
    person.click(".tj-history-export")
    person.says("Wrote tilt4_recipe.yaml")
    person.look("expert-7-history")
    written = yaml.safe_load((tmp_path / "tilt4_recipe.yaml").read_text())
    done = [(name, values["method"]) for step in written["steps"] for name, values in step.items()]
    assert done == [
        ("set_axis", "angle"), ("trim", "remove_projections"), ("trim", "bin"),
        ("filter", "despike"), ("stack_register", "PC"), ("stack_register", "manual"),
        ("tilt_align", "manual"), ("reconstruct", "FBP"),
    ]  # fmt: skip
    assert (tmp_path / "tilt4_recipe.ipynb").is_file()
