"""The whole way in the browser, from loading to the volume in 3D, as a person goes it."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import batch

pytestmark = pytest.mark.browser

MINUTES = 60_000


def shoot(page, name):
    folder = os.environ.get("TOMOJUPYTER_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(1500)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def says(page, text, timeout=5 * MINUTES):
    page.wait_for_function(
        "text => document.querySelector('.tj-status-message')?.innerText.includes(text)",
        arg=text,
        timeout=timeout,
    )


def stage(page, name):
    page.click(f".tj-rail-{name}")
    page.wait_for_selector(f".tj-panel-{name}")


def apply(page, name, text, shot=""):
    """Apply the stage that is open and wait for what the status line says of it."""
    page.wait_for_selector(f".tj-{name}-apply:enabled")
    shoot(page, f"{shot}{name}-before")
    page.click(f".tj-{name}-apply")
    says(page, text)
    shoot(page, f"{shot}{name}")


def choose(page, hook, label):
    page.select_option(f"{hook} select", label=label)


def set_iterations(page, count):
    field = page.locator(".tj-reconstruct-iterations input[type=number]").last
    field.fill(str(count))
    field.press("Enter")


def to_the_volume(page, shot, iterations):
    """Go from the loaded series to the 3D view."""
    stage(page, "register")
    apply(page, "register", "PC took", shot)
    stage(page, "tiltaxis")
    page.click(".tj-tiltaxis-mode button:nth-child(2)")
    page.click(".tj-tiltaxis-find")
    page.wait_for_selector(".tj-tiltaxis-take-com:enabled", timeout=3 * MINUTES)
    page.click(".tj-tiltaxis-take-com")
    apply(page, "tiltaxis", "CoM took", shot)
    stage(page, "reconstruct")
    choose(page, ".tj-reconstruct-method", "SIRT")
    set_iterations(page, iterations)
    page.wait_for_selector(".tj-reconstruct-apply:enabled")
    page.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-status-stop:enabled")
    page.wait_for_timeout(2500)
    shoot(page, f"{shot}reconstruct-running")
    says(page, "SIRT took")
    page.wait_for_selector(".tj-panel-explore")
    page.wait_for_selector(".tj-view-explore-4 canvas", timeout=2 * MINUTES)
    shoot(page, f"{shot}explore")
    stage(page, "reconstruct")
    shoot(page, f"{shot}reconstruct")


def export(page, folder, shot, name):
    """Save the volume and export the recipe; return their paths."""
    stage(page, "history")
    page.fill(".tj-history-name input", name)
    page.press(".tj-history-name input", "Enter")
    page.click(".tj-history-export")
    says(page, f"Wrote {name}.yaml")
    shoot(page, f"{shot}history")
    page.click(".tj-history-save")
    says(page, "Saved")
    (volume,) = folder.glob("*_A.hspy")
    return folder / f"{name}.yaml", volume


@pytest.mark.timeout(900)
def test_built_in_catalyst_from_load_to_3d(opened, tmp_path):
    page = opened(tmp_path)
    apply(page, "load", "catalyst is loaded")
    stage(page, "trim")
    choose(page, ".tj-trim-bin", "4")
    apply(page, "trim", "took")
    stage(page, "filter")
    apply(page, "filter", "took")
    to_the_volume(page, "", 5)
    recipe, volume = export(page, tmp_path, "", "catalyst")
    saved = tomo.load(volume)
    assert saved.data.shape == (64, 64, 64)
    again = tomo.Recipe.from_yaml(recipe.read_text()).run(tomo.datasets.get_demo_data())
    assert np.array_equal(again.data, saved.data)
    before = page.locator(".tj-top-undo").inner_text()
    assert before.strip().startswith("Undo")
    page.click(".tj-top-undo")
    says(page, "Undone")


@pytest.mark.timeout(1500)
def test_needle_as_acquired_and_the_same_in_batch(opened, tmp_path):
    source = os.environ.get("TOMOJUPYTER_DATA_DIR")
    if not source:
        pytest.skip("TOMOJUPYTER_DATA_DIR does not name the folder of the needle series")
    for name in ("HAADF.mrc", "HAADF.rawtlt"):
        shutil.copy(Path(source) / name, tmp_path / name)
    page = opened(tmp_path)
    page.locator("button", has_text="HAADF.mrc").first.click()
    page.wait_for_function(
        "() => document.querySelector('.tj-panel-load')?.innerText.includes('load HAADF.mrc')"
    )
    apply(page, "load", "HAADF.mrc is loaded", "needle-")
    stage(page, "trim")
    choose(page, ".tj-trim-bin", "2")
    apply(page, "trim", "took", "needle-")
    stage(page, "filter")
    choose(page, ".tj-filter-method", "vacuum level off")
    apply(page, "filter", "took", "needle-")
    to_the_volume(page, "needle-", 5)
    recipe, volume = export(page, tmp_path, "needle-", "needle")
    again = batch.run_file(recipe, tmp_path / "HAADF.mrc", tmp_path / "again.hspy")
    assert np.array_equal(again.data, tomo.load(volume).data)
