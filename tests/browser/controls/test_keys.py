"""Each key of the Keys card: what it does in the panel that names it."""

import re

import pytest

pytestmark = pytest.mark.browser

MINUTES = 60_000
INVERTED = "e => e.getContext('2d').getImageData(3, Math.round(e.height / 2), 1, 1).data[0]"


class Keyboard:
    """Presses keys with a picture in focus, and reads what came of it."""

    def __init__(self, page):
        self.page = page

    def go(self, panel):
        self.page.click(f".tj-rail-{panel}")
        self.page.wait_for_selector(f".tj-panel-{panel} .tj-pic[data-seq]")
        self.page.wait_for_timeout(500)

    def press(self, view, *keys):
        self.page.locator(f"{view} .tj-pic").first.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def sees(self, script, *values):
        self.page.wait_for_function(script, arg=[*values], timeout=MINUTES)

    def reads(self, hook, text):
        """Wait until the text or value of a part of the page holds something."""
        self.sees(
            """([hook, text]) => [...document.querySelectorAll(hook)].some(
                e => `${e.value ?? ''} ${e.innerText ?? ''}`.includes(text))""",
            hook, text,
        )  # fmt: skip

    def frame(self, view):
        """Return the index that a picture shows."""
        foot = self.page.inner_text(f"{view} .tj-pic-right")
        return int(re.search(r"#(\d+)", foot)[1])

    def at(self, view, index):
        self.sees(
            "([view, i]) => document.querySelector(`${view} .tj-pic-right`)"
            ".innerText.startsWith(`#${i} `)",
            view, index,
        )  # fmt: skip


@pytest.fixture
def keyboard(address, browser_page, recorder):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    browser_page.goto(address)
    browser_page.wait_for_selector(".tj-panel-load .tj-pic[data-seq]", timeout=2 * MINUTES)
    return Keyboard(browser_page)


@pytest.mark.timeout(600)
def test_keys_of_every_picture(keyboard):
    page, view = keyboard.page, ".tj-view-load-1"
    keyboard.at(view, 6)
    for key, index in (
        ("ArrowRight", 7), ("ArrowLeft", 6), ("s", 7), ("a", 6), ("End", 12), ("Home", 0),
        ("0", 6),
    ):  # fmt: skip
        keyboard.press(view, key)
        keyboard.at(view, index)
    keyboard.press(view, " ")
    page.wait_for_selector(f"{view} .tj-playing")
    keyboard.sees(
        "([view]) => !document.querySelector(`${view} .tj-pic-right`).innerText.startsWith('#6 ')",
        view,
    )
    keyboard.press(view, "q", "w", " ")
    page.wait_for_selector(f"{view} .tj-pic-play:not(.tj-playing)")

    canvas = page.locator(f"{view} canvas").first
    before = canvas.evaluate(INVERTED)
    keyboard.press(view, "i")
    keyboard.sees(
        f"([view, b]) => ({INVERTED})(document.querySelector(`${{view}} canvas`)) === 255 - b",
        view, before,
    )  # fmt: skip
    keyboard.press(view, "i", "c", "+", "+")
    page.wait_for_selector(f"{view} .tj-pic[data-zoom='1.56']")
    keyboard.press(view, "-", "-")
    page.wait_for_selector(f"{view} .tj-pic[data-zoom='1.00']")
    keyboard.press(view, "Escape")
    assert page.evaluate("document.activeElement.classList.contains('tj-pic')") is False
    page.click(".tj-top-keyboard")
    keyboard.sees("() => document.querySelector('.tj-keys').innerText.includes('Every picture')")
    page.click(".tj-top-keyboard")
    page.wait_for_selector(".tj-keys", state="hidden")


@pytest.mark.timeout(600)
def test_keys_of_trim_register_and_tilt_axis(keyboard):
    page = keyboard.page
    keyboard.go("trim")
    keyboard.press(".tj-view-trim-1", "Home", "x")
    keyboard.reads(".tj-trim-projections input", "0")
    keyboard.at(".tj-view-trim-1", 1)
    keyboard.press(".tj-view-trim-1", "z")
    keyboard.sees("() => document.querySelector('.tj-trim-projections input').value === ''")
    page.fill(".tj-trim-right input", "30")
    page.press(".tj-trim-right input", "Enter")
    keyboard.press(".tj-view-trim-1", "Alt+ArrowRight")
    keyboard.sees("() => document.querySelector('.tj-trim-left input').value === '1'")
    keyboard.press(".tj-view-trim-1", "Alt+Shift+ArrowLeft")
    keyboard.sees("() => document.querySelector('.tj-trim-left input').value === ''")

    keyboard.go("register")
    one = ".tj-view-register-1"
    for key, name in (("f", "flicker"), ("o", "overlay"), ("d", "difference")):
        keyboard.press(one, key)
        keyboard.reads(".tj-register-compare .mod-active", name)
    keyboard.press(one, "f", "q", "w", "d")
    before = keyboard.frame(one)
    keyboard.press(one, "s")
    keyboard.at(one, before + 1)
    keyboard.press(one, "n")
    keyboard.reads(f"{one} .tj-pic-badge", "N")
    keyboard.press(one, "ArrowRight", "Shift+ArrowRight", "Alt+ArrowDown")
    keyboard.sees("() => document.querySelector('.tj-register-nudgex input').value === '1.1'")
    keyboard.sees("() => document.querySelector('.tj-register-nudgey input').value === '0.01'")
    keyboard.press(one, "n")
    page.click(".tj-register-nonudges")

    keyboard.go("tiltaxis")
    axis = ".tj-view-tiltaxis-1"
    field = ".tj-tiltaxis-{} input"
    page.wait_for_selector(".tj-view-tiltaxis-4 .tj-pic[data-seq]", timeout=MINUTES)
    keyboard.press(axis, "ArrowUp", "Shift+ArrowUp", "ArrowDown")
    keyboard.reads(field.format("shift"), "1")
    for key, angle in (("ArrowRight", "0.1"), ("ArrowRight", "0.2"), ("ArrowLeft", "0.1"),
                       ("Shift+ArrowRight", "1.1")):  # fmt: skip
        keyboard.press(axis, key)
        keyboard.reads(field.format("angle"), angle)
    keyboard.press(axis, "b")
    page.wait_for_selector(".tj-tiltaxis-before.mod-active")
    keyboard.press(axis, "b")
    page.wait_for_selector(".tj-tiltaxis-before:not(.mod-active)")
    keyboard.press(axis, "Control+z")
    page.wait_for_function(
        "() => document.querySelector('.tj-status-message').innerText.includes('Undone')"
    )


@pytest.mark.timeout(600)
def test_keys_of_explore(keyboard):
    page = keyboard.page
    keyboard.go("explore")
    views = {"t": "1", "f": "2", "s": "3"}
    for key, number in views.items():
        keyboard.press(f".tj-view-explore-{number}", key)
        others = [f".tj-view-explore-{n}" for n in views.values() if n != number]
        for other in others:
            page.wait_for_selector(other, state="hidden")
        # the picture still has the focus
        page.keyboard.press(key)
        for other in others:
            page.wait_for_selector(other, state="visible")
        page.wait_for_timeout(500)
    keyboard.press(".tj-view-explore-1", "3")
    page.wait_for_selector(".tj-view-explore-1", state="hidden")
    assert page.locator(".tj-view-explore-4").bounding_box()["width"] > 600
    page.locator(".tj-view-explore-4 .tj-picture-title").dblclick()
    page.wait_for_selector(".tj-view-explore-1", state="visible")
    place = page.locator(".tj-view-explore-1 .tj-pic-over").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.keyboard.down("Shift")
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_selector(".tj-explore-drawer", state="visible")
    page.click(".tj-explore-close")
    page.wait_for_selector(".tj-explore-drawer", state="hidden")
