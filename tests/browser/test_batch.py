"""A folder of series in the browser: one tried, all run, one of them broken, one looked at."""

import csv

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc

pytestmark = pytest.mark.browser

MINUTES = 60_000
TILTS = np.arange(-60, 61, 10.0)
RECIPE = """tomojupyter: 1
steps:
  - stack_register: {method: PC}
  - tilt_align: {method: manual, shift: 3.4}
  - reconstruct: {method: SIRT, iterations: 10}
"""
BROKEN = "particle_b.mrc"


def write_folder(folder):
    for seed, letter in enumerate("abc"):
        series = tomo.simulation.phantom_series(
            "catalyst", 64, TILTS, jitter=1.0, tilt_shift=1.0, counts=60, vacuum=0.0, seed=seed
        )
        file = folder / f"particle_{letter}.mrc"
        write_mrc(file, np.round(series.data).astype(np.int16), 0.6, is_volume=False)
        np.savetxt(file.with_suffix(".rawtlt"), TILTS)
    whole = (folder / BROKEN).read_bytes()
    (folder / BROKEN).write_bytes(whole[: len(whole) // 2])
    (folder / "particles.yaml").write_text(RECIPE, encoding="utf-8")


@pytest.mark.timeout(900)
def test_a_folder_with_a_broken_file(opened, person, nameless, tmp_path):
    write_folder(tmp_path)
    page = opened(tmp_path)

    # what a person had set by hand is warned of, and made automatic by a click
    person.go("batch")
    person.sees(".tj-batch-blockers", "Manual values (axis 3.4 px) will be used for all files")
    person.sees(".tj-batch-plan", "at a time: each needs")
    person.look("batch-1-form")
    person.click(".tj-batch-manual button:nth-child(2)")
    person.sees(".tj-batch-steps", "CoM")
    page.wait_for_function(
        "() => !document.querySelector('.tj-batch-blockers').innerText.includes('Manual values')"
    )

    # one is tried, then all are run
    person.click(".tj-batch-preview")
    person.says("Look at it before you run all")
    page.wait_for_selector(".tj-view-batch-2 .tj-pic[data-seq]", timeout=MINUTES)
    assert page.inner_text(".tj-batch-row.tj-on .tj-batch-name") == "particle_a.mrc"
    person.click(".tj-batch-apply")
    page.wait_for_selector(".tj-status-stop:visible")
    assert page.inner_text(".tj-status-stop").strip() == "Stop: keep what is done"
    person.says("1 done, 1 done before, 1 failed. See summary.html in particles.")

    # the broken one has its reason in its row; rows sort and open at a click anywhere
    row = page.locator(".tj-batch-row", has_text=BROKEN)
    assert "ends early" in row.inner_text()
    page.click(".tj-batch-sort-state")
    page.click(".tj-batch-sort-state")
    page.wait_for_function(
        "name => document.querySelector('.tj-batch-row')?.innerText.includes(name)", arg=BROKEN
    )
    box = page.locator(".tj-batch-row", has_text="particle_c.mrc").bounding_box()
    page.mouse.click(box["x"] + 15, box["y"] + box["height"] / 2)
    person.sees(".tj-batch-card", "particle_c.mrc")
    for width, height in ((1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        person.look(f"batch-2-done-{width}")
        assert nameless(page) == []
    person.click(".tj-batch-open")
    page.wait_for_selector(".tj-panel-load")
    person.says(f"{BROKEN} ends early")

    # what lies on the disk is what the command writes, each file with its own history
    with (tmp_path / "particles" / "summary.csv").open(encoding="utf-8", newline="") as file:
        table = {line["series"]: line["state"] for line in csv.DictReader(file)}
    assert table == {
        "particle_a.mrc": "done before", BROKEN: "failed", "particle_c.mrc": "done",
    }  # fmt: skip
    recipe = tomo.Recipe.from_yaml((tmp_path / "particles" / "recipe.yaml").read_text("utf-8"))
    expected = recipe.run(tomo.load(tmp_path / "particle_c.mrc"))
    made = tomo.load(tmp_path / "particles" / "particle_c.hspy")
    assert np.array_equal(made.data, expected.data)
