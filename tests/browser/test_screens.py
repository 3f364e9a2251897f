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
CELL = 8
LIMIT = 10.0
"""Difference of two cells' means, of 255, from which they count as different."""
MOST = 0.01
"""Share of cells that may be different."""

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
    side = CELL // 2
    ny, nx = small.height // side * side, small.width // side * side
    values = np.asarray(small, np.float32)[:ny, :nx]
    return values.reshape(ny // side, side, nx // side, side).mean(axis=(1, 3))


def share_of_different(one, other):
    """Return the share of the cells of two kept forms that are different; 1 for other sizes."""
    if one.size != other.size:
        return 1.0
    return float((np.abs(cell_means(one) - cell_means(other)) > LIMIT).mean())


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


# ---------------------------------------------------------------------- the walk


def settled(page, path, seconds=20):
    """Return the kept form of a page that has stopped changing."""
    page.mouse.move(2, 400)
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
    yield "reconstruct"
    person.go("history")
    yield "history"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_every_panel_looks_as_it_did(serve, person, app_command, recorder, free_port, tmp_path):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    data, made = tmp_path / "data", tmp_path / "screens"
    data.mkdir()
    made.mkdir()
    command, url = app_command(data, free_port)
    page = person.page
    page.goto(serve(command, url))
    page.wait_for_selector(".tj-load-apply:enabled", timeout=3 * MINUTES)
    page.add_style_tag(content=steady_style())
    page.evaluate("() => document.fonts.ready")
    complaints, seen = [], []
    for name in panels(person):
        seen.append(name)
        complaints.append(found_wrong(page, name, made))
    assert tuple(seen) == NAMES
    wrong = "\n".join(filter(None, complaints))
    assert not wrong, f"{wrong}\n{HOW.format(made)}"
