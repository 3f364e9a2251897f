"""Each panel: every button pressed, every choice taken, every slider moved, every field filled.

The page is the app on a small series that went through all stages. Beside it stands a button that
the kernel answers after whatever was sent before, with the errors that nobody saw.
"""

import re
from pathlib import Path

import pytest

from tomojupyter import ui

pytestmark = pytest.mark.browser

MINUTES = 60_000
FEWEST = {
    "load": 32, "trim": 32, "filter": 40, "register": 45, "tiltaxis": 35, "reconstruct": 45,
    "explore": 42, "spectral": 70, "batch": 32, "history": 11,
}  # fmt: skip
"""So many controls are used at least: the test must not pass by finding none."""
ENTRIES = {"trim": {"tj-trim-left": "3"}, "register": {"tj-register-nudgex": "0.5"}}
"""What is typed so that Apply has something to do."""
HIDDEN = {
    "load": {"part", "preview"},
    "trim": {"method", "more", "preview"},
    "register": {"cuda"},
    "tiltaxis": {"plotresults", "preview"},
    "reconstruct": {"guide", "more-b"},
    "explore": {"3d", "apply", "close", "full", "limit-3", "preview", "reset"},
    "spectral": {
        "background", "elements", "first", "increment", "lines", "mask", "reset", "rows", "tilts",
        "tolerance", "margin",
    },
    "batch": {"open", "reset", "toresult"},
    "history": {"apply", "preview", "reset"},
}  # fmt: skip
"""Controls that a panel has and never shows, or shows in states that other tests make."""


def hooks_in_source(panel):
    """Return the hooks of a panel's buttons as the source sets them."""
    found = set()
    for file in Path(ui.__file__).parent.rglob("*.py"):
        for hook in re.findall(r'Button\([^\n]*\)\.add_class\("(tj-[\w-]+)"\)', file.read_text()):
            found.add(hook)
    return {hook for hook in found if hook.startswith(f"tj-{panel}-")}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("panel", FEWEST)
def test_every_control(panel, address, data, browser_page, recorder, cut_off, hands):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    page = browser_page
    page.goto(address)
    page.wait_for_selector(".tj-test-ping", timeout=2 * MINUTES, state="attached")
    page.click(f".tj-rail-{panel}")
    page.wait_for_selector(f".tj-panel-{panel}")
    person = hands(panel, data.parent / "small.mrc", ENTRIES.get(panel, {}))
    person.settle("open")
    person.use_all()
    print(f"{panel}: {len(person.used)} used; not used: {person.unused()}")
    assert person.wrong == []
    assert cut_off(page) == []
    assert person.look("empty", person.root) == [], "pictures of one colour"
    assert len(person.used) >= FEWEST[panel]
    hidden = {f"tj-{panel}-{name}" for name in HIDDEN.get(panel, ())}
    assert set(person.unused()) - hidden == set()
    assert hooks_in_source(panel) - person.met - hidden == set()
