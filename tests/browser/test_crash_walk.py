"""The third walk: the server dies in the middle of the work, and somebody goes on."""

import contextlib

import numpy as np
import psutil
import pytest

import tomojupyter.api as tomo

pytestmark = pytest.mark.browser

MINUTES = 60_000


def kill_server(port):
    """End the server of a port and its kernels, without a word to any of them."""
    for server in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if f"--port={port}" in server.cmdline():
                for process in [*server.children(recursive=True), server]:
                    process.kill()
                server.wait(10)


@pytest.mark.timeout(1500)
def test_after_a_crash(opened, person, recorder, free_port, tmp_path):
    # the page that loses its server says so in its own way
    recorder.allowed.append("WebSocket|ERR_|Failed to fetch|disconnected")
    series = tomo.datasets.get_catalyst_data(size=64, tilts=np.arange(-70, 71, 5.0))
    series.save(tmp_path / "series.hspy")
    page = opened(tmp_path)
    person.click("button[title='series.hspy']")
    person.sees(".tj-load-record", "series.hspy")
    person.click(".tj-load-apply")
    person.says("series.hspy is loaded")
    person.go("filter")
    page.select_option(".tj-filter-method select", label="Gaussian")
    person.click(".tj-filter-apply")
    person.says("Gaussian took")

    # a frame is nudged and not applied; then a long run is under way when the machine goes down
    person.go("register")
    person.type(".tj-register-nudgex", "0.5")
    person.sees(".tj-register-record", "manual")
    person.go("reconstruct")
    page.select_option(".tj-reconstruct-method select", label="SIRT")
    person.type(".tj-reconstruct-iterations", "100000")
    person.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-status-finish:enabled", timeout=2 * MINUTES)
    page.wait_for_timeout(7000)  # how far it is is written now and then
    kill_server(free_port)
    (tmp_path / "series.hspy").rename(tmp_path / "moved.hspy")

    # the next start says what is there, what was cut off, and what is missing
    page.goto("about:blank")
    opened(tmp_path, ready=".tj-resume-find")
    card = page.locator(".tj-resume")
    text = card.inner_text()
    assert "Your work on series.hspy is still here" in text
    assert "while Reconstruct was under way" in text
    assert "of 100000" in text
    assert "1 frame nudged, not applied yet" in text
    assert "series.hspy is not where it was" in text
    assert page.locator(".tj-resume-picture img").bounding_box()["height"] > 40
    person.look("crash-1-resume")
    person.click(".tj-resume-find")
    person.says("Choose the file")
    person.click("button[title='moved.hspy']")
    page.wait_for_selector(".tj-resume-again:visible", timeout=MINUTES)
    person.click(".tj-resume-again")

    # the steps are done again, and the run is under way once more
    page.wait_for_selector(".tj-status-finish:enabled", timeout=3 * MINUTES)
    assert page.locator(".tj-rail-filter.tj-done").count() == 1
    person.go("register")
    person.sees(".tj-register-record", "manual")
    assert page.locator(".tj-register-nudgex input").input_value() == "0.5"
    person.look("crash-2-register")
    person.click(".tj-status-finish")
    person.says("SIRT took")
    person.go("explore")
    page.wait_for_selector(".tj-view-explore-4 canvas", timeout=2 * MINUTES)
    person.look("crash-3-explore")
