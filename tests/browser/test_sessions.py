"""A page that is closed in the middle of the work, and the next one that goes on."""

import sys

import numpy as np
import pytest

import tomojupyter.api as tomo

pytestmark = pytest.mark.browser

TOKEN = "of-the-tests"
MINUTES = 60_000


@pytest.mark.timeout(900)
def test_closed_page_loses_nothing_and_two_pages_do_not_meet(
    serve, browser_page, recorder, says, free_port, tmp_path
):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    series = tomo.datasets.get_catalyst_data(size=48, tilts=np.arange(-60, 61, 10.0))
    series.save(tmp_path / "series.hspy")
    command = [
        sys.executable, "-m", "tomojupyter", "app", "--no-browser", f"--port={free_port}",
        f"--token={TOKEN}", f"--data-dir={tmp_path}",
    ]  # fmt: skip
    address = serve(command, f"http://127.0.0.1:{free_port}/?token={TOKEN}")
    page = browser_page
    page.goto(address)
    page.wait_for_selector(".tj-load-apply:enabled", timeout=2 * MINUTES)
    page.locator("button", has_text="series.hspy").first.click()
    page.wait_for_function(
        "() => document.querySelector('.tj-load-record')?.innerText.includes('series.hspy')"
    )
    page.click(".tj-load-apply")
    says(page, "series.hspy is loaded")
    page.click(".tj-rail-filter")
    page.click(".tj-filter-apply:enabled")
    says(page, "took")
    page.wait_for_function("() => document.querySelector('.tj-saved').innerText.includes('kept')")

    # another page while the first is open: it may look, and the first one keeps what it has
    second = page.context.new_page()
    recorder.watch(second)
    second.goto(address)
    second.wait_for_selector(".tj-resume-look", timeout=2 * MINUTES)
    assert "Open in another tab since" in second.inner_text(".tj-resume")
    second.click(".tj-resume-look")
    says(second, "is back, with 2 steps")
    second.close()

    # the first page goes away; the next finds the work and does it again on the file
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".tj-resume-goon", timeout=2 * MINUTES)
    assert page.locator(".tj-resume-picture img").bounding_box()["height"] > 40
    page.click(".tj-resume-goon")
    says(page, "is back, with 2 steps")
    assert page.locator(".tj-rail-filter.tj-done").count() == 1
