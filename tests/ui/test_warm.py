"""What 3D needs is imported and sent before anybody asks for it."""

import asyncio
import subprocess
import sys
import time

from tomojupyter.ui import warm
from tomojupyter.ui.warm import Warmth

BEGIN = Warmth.begin  # other tests do without it
IMPORTED = """
import sys
from ipywidgets.widgets.widget import _instances
from tomojupyter.ui import warm
if sys.argv[1] == "app":
    one = warm.Warmth()
    one.begin(seconds=60)
    one.timer.cancel()
warm.import_all()
import ipywidgets
own = ipywidgets.Label("mine")
print("ipyvolume" in sys.modules, [type(w).__name__ for w in _instances.values()])
"""


def imported(where):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, where], capture_output=True, text=True, check=True
    )
    there, names = done.stdout.split(" ", 1)
    assert there == "True"
    return names


def test_in_an_app_no_widget_is_seen_that_nobody_asked_for():
    assert "Theme" not in imported("app")
    assert "Label" in imported("app")


def test_in_a_notebook_the_import_is_the_usual_one():
    assert "Theme" in imported("notebook")


def test_the_page_gets_its_part_once_the_modules_are_there(monkeypatch):
    monkeypatch.setattr(warm, "AGAIN_S", 0.01)
    monkeypatch.setattr(warm, "MODULES", ("ipyvolume",))
    one = Warmth()

    async def main():
        one.page_is_here(0.01)
        await asyncio.sleep(0.05)
        assert one.made == []  # not the kernel of an app
        BEGIN(one, 0.01)
        one.page_is_here(0.01)
        until = time.monotonic() + 60
        while not one.made and time.monotonic() < until:
            await asyncio.sleep(0.05)
        first = list(one.made)
        one.page_is_here(0.01)
        await asyncio.sleep(0.05)
        assert one.made == first

    try:
        asyncio.run(main())
    finally:
        warm._served.clear()
    assert [type(made).__name__ for made in one.made] == [
        "TransferFunction",
        "AmbientLight",
        "StageSize",
    ]


def test_a_module_that_is_missing_is_no_harm(monkeypatch):
    monkeypatch.setattr(warm, "MODULES", ("not_there_at_all",))
    warm.import_all()
