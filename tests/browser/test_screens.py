"""Each panel as it looked when somebody last said that it is right.

The kept screens lie in ``screens/``, half as large and in grey. To accept new ones::

    TOMOJUPYTER_ACCEPT_SCREENS=1 pytest -n 0 tests/browser/test_screens.py

What no two runs or machines have alike is taken out before: fonts are those that matplotlib
brings, times and free memory are hidden, and so is the 3D view, which a graphics card draws.
"""

import base64
import os
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib import get_data_path
from PIL import Image, ImageChops

KEPT = Path(__file__).parent / "screens"
NAMES = (
    "load", "trim", "filter", "register", "tiltaxis", "explore", "reconstruct", "history",
)  # fmt: skip
ACCEPT = "TOMOJUPYTER_ACCEPT_SCREENS"
HOW = (
    f"Look at them in {{}}, beside those of {KEPT.name}/. If the new ones are right: "
    f"{ACCEPT}=1 pytest -n 0 tests/browser/test_screens.py"
)
TRIES = 4
MINUTES = 60_000

GREYS = 32
CELL = 4
"""Pixels of a kept screen, 8 of the page."""
SHIFT = 1
"""So many pixels of a kept screen may things be moved."""
LIMIT = 6.0
"""Difference of two cells' means, of 255 grey levels, from which they count as different."""
MOST = 0.002
"""Share of cells that may be different.

Measured on 26 November 2026, on the eight screens: two runs on one machine, no cell; text drawn
without hinting and subpixel positions, at most 0.01 %; the page moved by 1 px, at most 0.06 %;
the buttons of a form hidden, at least 0.58 %; a form, the rail or a picture hidden, or texts that
overlap, at least 0.9 %.
"""

HIDDEN = (
    ".tj-status-message", ".tj-saved", ".tj-reconstruct-facts", ".tj-view3d-stage",
    ".tj-reconstruct-runs .tj-file-note", ".tj-history-list .tj-file-note",
)  # fmt: skip
GONE = ".tj-panel-tiltaxis .tj-field > .tj-grey"
"""A time whose length moves what stands beside it."""
FONTS = (
    ("screens", "normal", "DejaVuSans"), ("screens", "bold", "DejaVuSans-Bold"),
    ("screens-code", "normal", "DejaVuSansMono"),
)  # fmt: skip


# What pictures write on themselves is asked for as "sans-serif", which is another font elsewhere.
STEADY_CANVAS = """
const made = Object.getOwnPropertyDescriptor(CanvasRenderingContext2D.prototype, 'font');
Object.defineProperty(CanvasRenderingContext2D.prototype, 'font', {
  ...made, set(font) { made.set.call(this, font.replace('sans-serif', 'screens')); } });
"""


def steady_style():
    """Return CSS after which a page looks the same on every machine and at any time."""
    faces = []
    for family, weight, name in FONTS:
        data = (Path(get_data_path()) / "fonts" / "ttf" / f"{name}.ttf").read_bytes()
        text = base64.b64encode(data).decode()
        faces.append(
            f"@font-face {{ font-family: {family}; font-weight: {weight}; "
            f"src: url(data:font/ttf;base64,{text}); }}"
        )
    return "\n".join(
        [
            *faces,
            ":root { --jp-ui-font-family: screens !important;",
            "  --jp-code-font-family: screens-code !important; }",
            "* { transition: none !important; animation: none !important; }",
            "* { caret-color: transparent !important; }",
            f"{', '.join(HIDDEN)} {{ opacity: 0 !important; }}",
            f"{GONE} {{ display: none !important; }}",
        ]
    )


# ---------------------------------------------------------------------- comparing


def kept_form(image):
    """Return a screenshot as it is kept: half as large, in few greys."""
    small = image.convert("L").resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    step = 256 // GREYS
    return small.point(lambda v: v // step * step + step // 2)


def cell_means(small):
    """Return the means of the cells of a kept form, shape (rows, columns)."""
    ny, nx = small.height // CELL, small.width // CELL
    values = np.asarray(small, np.float32)[: ny * CELL, : nx * CELL]
    return values.reshape(ny, CELL, nx, CELL).mean(axis=(1, 3))


def share_of_different(new, old):
    """Return the share of the cells of a screen that no small movement of the old one explains.

    A cell is compared with those of the old screen as it is and moved by `SHIFT` in each
    direction: with the range of their means. Screens of other sizes are wholly different.
    """
    if new.size != old.size:
        return 1.0
    moves = range(-SHIFT, SHIFT + 1)
    around = [cell_means(ImageChops.offset(old, x, y)) for x in moves for y in moves]
    seen = cell_means(new)
    beyond = np.maximum(np.min(around, axis=0) - seen, seen - np.max(around, axis=0))
    return float((beyond > LIMIT).mean())


def kept(name):
    """Return the kept form of a screen; None where there is none."""
    path = KEPT / f"{name}.png"
    if not path.exists():
        return None
    with Image.open(path) as image:
        return image.convert("L")


def complaint(name, new, folder):
    """Compare a new screen in its kept form with the kept one; return what is wrong, or nothing."""
    old = kept(name)
    share = 1.0 if old is None else share_of_different(new, old)
    print(f"{name}: {100 * share:.2f} % of the cells differ")
    if share <= MOST:
        return ""
    new.save(folder / f"{name}.png")
    if old is not None and old.size == new.size:
        ImageChops.difference(new, old).save(folder / f"{name}-difference.png")
    return f"{name}: {100 * share:.1f} % of the cells differ, {100 * MOST:g} % may"


FORM, FOOT, RAIL = (525, 25, 683, 365), (525, 330, 683, 365), (0, 25, 88, 365)
PICTURE = (100, 42, 300, 220)


def emptied(screen, place):
    """Return a screen with nothing in one place, on the ground that it has there."""
    made = screen.copy()
    made.paste(0 if place == PICTURE else 250, place)
    return made


def overlapping(screen, place):
    """Return a screen with the texts of a place written twice, a third of a line apart."""
    made, part = screen.copy(), screen.crop(place)
    made.paste(ImageChops.darker(part, ImageChops.offset(part, 0, 4)), place[:2])
    return made


@pytest.fixture(params=NAMES)
def screen(request):
    return kept(request.param)


def test_screens_are_small_and_of_one_size():
    files = list(KEPT.iterdir())
    assert sorted(file.stem for file in files) == sorted(NAMES)
    assert sum(file.stat().st_size for file in files) < 700_000
    assert {kept(name).size for name in NAMES} == {(683, 384)}


@pytest.mark.parametrize("place", [FORM, RAIL, PICTURE], ids=["form", "rail", "picture"])
def test_what_is_gone_is_seen(screen, place):
    assert share_of_different(emptied(screen, place), screen) > 2 * MOST


def test_buttons_that_are_gone_are_seen():
    for name in set(NAMES) - {"history"}:  # which has none there
        assert share_of_different(emptied(kept(name), FOOT), kept(name)) > 2 * MOST, name


def test_texts_that_overlap_are_seen(screen):
    assert share_of_different(overlapping(screen, FORM), screen) > 4 * MOST


def test_another_panel_or_size_is_seen(screen):
    others = [kept(name) for name in NAMES if kept(name) != screen]
    assert min(share_of_different(other, screen) for other in others) > 4 * MOST
    assert share_of_different(screen.resize((640, 360)), screen) == 1


@pytest.mark.parametrize("move", [(0, 0), (1, 0), (0, -1)])
def test_small_movements_and_other_greys_are_no_difference(screen, move):
    noise = np.random.default_rng(0).integers(-4, 5, (screen.height, screen.width))
    greys = np.clip(np.asarray(ImageChops.offset(screen, *move), int) + noise, 0, 255)
    assert share_of_different(Image.fromarray(greys.astype(np.uint8)), screen) < MOST / 2


def test_a_difference_leaves_pictures_and_a_sentence(tmp_path):
    assert complaint("load", kept("load"), tmp_path) == ""
    assert not list(tmp_path.iterdir())
    assert "cells differ, 0.2 % may" in complaint("load", emptied(kept("load"), FORM), tmp_path)
    with Image.open(tmp_path / "load-difference.png") as made:
        box = made.getbbox()
    assert box[0] >= FORM[0]
    assert (tmp_path / "load.png").is_file()


# ---------------------------------------------------------------------- the walk


def settled(page, path, seconds=20):
    """Return the kept form of a page that has stopped changing."""
    page.mouse.move(2, 400)
    page.evaluate("() => document.activeElement.blur()")
    before, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        page.wait_for_timeout(500)
        now = page.screenshot(path=str(path))
        if now == before:
            break
        before = now
    with Image.open(path) as image:
        return kept_form(image)


def found_wrong(page, name, folder):
    """Return what is wrong with the page as it is now; a slow machine gets time to fill it."""
    wrong = ""
    for _ in range(TRIES):
        new = settled(page, folder / f"{name}-whole.png")
        if os.environ.get(ACCEPT):
            KEPT.mkdir(exist_ok=True)
            new.save(KEPT / f"{name}.png", optimize=True)
            return ""
        wrong = complaint(name, new, folder)
        if not wrong:
            break
        page.wait_for_timeout(2000)
    return wrong


def panels(person):
    """Go through the panels, with the catalyst; yield the name of each once it is filled."""
    page = person.page
    person.sees(".tj-noticed", "Tilts rise evenly")
    yield "load"
    person.click(".tj-load-apply")
    person.says("catalyst is loaded")
    person.go("trim")
    yield "trim"
    page.select_option(".tj-trim-bin select", label="4")
    person.click(".tj-trim-apply")
    person.says("Bin took")
    person.go("filter")
    yield "filter"
    person.go("register")
    person.click(".tj-register-apply")
    person.says("PC took")
    yield "register"
    person.go("tiltaxis")
    person.sees(".tj-view-tiltaxis-4", "slice")
    yield "tiltaxis"
    person.go("reconstruct")
    page.select_option(".tj-reconstruct-method select", label="SIRT")
    person.type(".tj-reconstruct-iterations", "5")
    person.click(".tj-reconstruct-apply")
    page.wait_for_selector(".tj-panel-explore", timeout=3 * MINUTES)
    page.wait_for_selector(".tj-view-explore-1 .tj-pic[data-seq]")
    yield "explore"
    person.go("reconstruct")
    # the contrast is that of the first iteration that was seen, which differs from run to run
    for place in (1, 2):
        page.locator(f".tj-view-reconstruct-{place} .tj-pic").focus()
        page.keyboard.press("c")
    yield "reconstruct"
    person.go("history")
    yield "history"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_every_panel_looks_as_it_did(opened, person, tmp_path):
    data, made = tmp_path / "data", tmp_path / "screens"
    data.mkdir()
    made.mkdir()
    person.page.add_init_script(STEADY_CANVAS)
    page = opened(data, ready=".tj-app")
    page.add_style_tag(content=steady_style())
    page.evaluate(
        "() => Promise.all(['', 'bold '].map(w => document.fonts.load(w + '12px screens')))"
    )
    page.wait_for_selector(".tj-load-apply:enabled", timeout=3 * MINUTES)
    complaints, seen = [], []
    for name in panels(person):
        seen.append(name)
        complaints.append(found_wrong(page, name, made))
    assert tuple(seen) == NAMES
    wrong = "\n".join(filter(None, complaints))
    assert not wrong, f"{wrong}\n{HOW.format(made)}"
