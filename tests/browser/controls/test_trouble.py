"""A long run stopped and another finished, what cannot be opened, and narrow windows."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

MINUTES = 60_000
NARROW = ((1000, 760), (700, 900))


@pytest.fixture
def opened(address, person, recorder):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    person.page.goto(address)
    person.page.wait_for_selector(".tj-panel-load .tj-pic[data-seq]", timeout=2 * MINUTES)
    return person


@pytest.mark.timeout(600)
def test_a_long_run_is_stopped_and_another_is_finished(opened):
    page = opened.page
    opened.go("reconstruct")
    page.select_option(".tj-reconstruct-method select", label="SIRT")
    opened.type(".tj-reconstruct-iterations", "1000000")
    runs = page.locator("[class*=tj-reconstruct-run-]")
    before = runs.count()
    opened.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-status-finish:enabled", timeout=2 * MINUTES)

    # meanwhile other stages can be looked at, and say what is running when they are to apply
    opened.go("filter")
    page.select_option(".tj-filter-method select", label="Gaussian")
    opened.click(".tj-filter-apply")
    assert page.locator(".tj-status-stop").is_visible()
    opened.go("reconstruct")
    opened.click(".tj-status-stop")
    opened.says("Stopped")
    assert runs.count() == before
    assert page.locator(".tj-status-stop").is_hidden()
    field = page.locator(".tj-reconstruct-iterations input, input.tj-reconstruct-iterations").last
    assert field.input_value() == "1000000", "the settings of the run stay in the form"

    opened.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-status-finish:enabled", timeout=2 * MINUTES)
    opened.click(".tj-status-finish")
    opened.says("SIRT took")
    opened.go("reconstruct")
    page.wait_for_function(
        "n => document.querySelectorAll('[class*=tj-reconstruct-run-]').length === n",
        arg=before + 1,
    )


@pytest.mark.timeout(600)
def test_what_cannot_be_opened_is_a_sentence_and_the_list_stays(opened, nameless):
    page = opened.page
    place = Path(page.text_content(".tj-test-folder"))

    def refused(name, words):
        page.click(f"button[title='{name}']")
        opened.says(words)
        assert page.locator(".tj-status-message [role=alert]").count() == 1
        assert page.locator("button[title='series.mrc']").is_enabled()

    (place / "words.mrc").write_text("this is no picture, only words; " * 80)
    page.fill(".tj-load-filter input", "w")
    page.wait_for_selector("button[title='words.mrc']")
    page.fill(".tj-load-filter input", "")
    page.wait_for_selector("button[title='short.mrc']")
    refused("words.mrc", "words.mrc")
    refused("short.mrc", "ends early")
    page.click(".tj-load-part")
    opened.sees(".tj-load-record", "short.mrc")
    (place / "gone.mrc").write_bytes((place / "series.mrc").read_bytes())
    page.fill(".tj-load-filter input", "g")
    page.wait_for_selector("button[title='gone.mrc']")
    (place / "gone.mrc").unlink()
    page.click("button[title='gone.mrc']")
    opened.says("gone.mrc is not in the data folder any more")
    page.fill(".tj-load-filter input", "")
    page.wait_for_selector("button[title='words.mrc']")

    # a folder that cannot be read has a way back
    inside = place / "inside"
    inside.mkdir()
    page.fill(".tj-load-filter input", "i")
    page.wait_for_selector("button[title='inside']")
    page.fill(".tj-load-filter input", "")
    inside.rmdir()
    page.click("button[title='inside']")
    opened.sees(".tj-load-files, .tj-files", "cannot be read")
    page.locator(".tj-files button", has_text="..").click()
    page.wait_for_selector("button[title='series.mrc']")
    assert nameless(page) == []


@pytest.mark.timeout(600)
def test_every_panel_in_narrow_windows(opened):
    page = opened.page
    found = {}
    for width, height in NARROW:
        page.set_viewport_size({"width": width, "height": height})
        for stage in ("load", "trim", "filter", "register", "tiltaxis", "reconstruct", "explore",
                      "spectral", "batch", "history"):  # fmt: skip
            opened.go(stage)
            page.wait_for_timeout(800)
            rail = page.locator(".tj-rail").bounding_box()
            form = page.locator(f".tj-panel-{stage} .tj-form").bounding_box()
            body = page.locator(f".tj-panel-{stage} .tj-body").bounding_box()
            wide = page.evaluate("document.documentElement.scrollWidth")
            below = form["y"] >= body["y"] + body["height"] - 2
            wrong = opened.cut_off(page, f".tj-panel-{stage}", True)
            if wide > width:
                wrong.append(f"the page is {wide} px wide")
            if rail["width"] > 46:
                wrong.append(f"the rail is {rail['width']} px wide")
            if below != (width < 760):
                wrong.append(f"form {form} and pictures {body}")
            if wrong:
                found[f"{stage} at {width}"] = wrong
        opened.keep(f"narrow-{width}")
    assert found == {}
