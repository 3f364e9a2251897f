"""Hands that use every control of a panel, and keep what went wrong by the control's name."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.formats.mrc import write_mrc

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

PAGE = """
import asyncio, json, logging, os, shutil, tempfile, threading, traceback
from pathlib import Path

import ipywidgets as widgets
import tomojupyter.api as tomo
from ipywidgets.widgets.widget import _instances
from tomojupyter.steps import make_step
from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.jobs import Inline, Worker
from tomojupyter.ui.session import Session
from tomojupyter.ui.store import Store

trouble = []

class Ear(logging.Handler):
    def emit(self, record):
        trouble.append(self.format(record))

for log in (logging.getLogger(), logging.getLogger("traitlets"), get_ipython().kernel.log):
    log.addHandler(Ear(logging.ERROR))
get_ipython().showtraceback = lambda *a, **k: trouble.append(traceback.format_exc())
threading.excepthook = lambda args: trouble.append(repr(args.exc_value))
asyncio.get_event_loop().set_exception_handler(
    lambda _, about: trouble.append(about["message"] + repr(about.get("exception")))
)

data = Path(os.environ["DATA_OF_THE_TESTS"])
folder = Path(tempfile.mkdtemp(dir=data.parent)) / "data"
shutil.copytree(data, folder)
series = tomo.load(folder / "series.mrc")
session = Session(series, "series.mrc", executor=Inline(), folder=folder)
session.apply(make_step("trim", "crop", left=2), label="Trim")
session.apply(make_step("stack_register", "PC"), label="Register")
session.apply(make_step("tilt_align", "manual", shift=1.0, angle=-1.5), label="Tilt axis")
session.apply(make_step("reconstruct", "SIRT", iterations=3), label="Reconstruct")
session.apply(make_step("reconstruct", "FBP"), label="Reconstruct")
session.executor = Worker()
session.keep_in(Store(folder))
app = Dashboard(session)
pong = widgets.Label("{}").add_class("tj-test-pong")
ping = widgets.Button(description="ping").add_class("tj-test-ping")
asked = []
KINDS = (widgets.Button, widgets.ToggleButton, widgets.ToggleButtons, widgets.Dropdown,
         widgets.Checkbox, widgets.Text, widgets.Textarea, widgets.IntText, widgets.FloatText,
         widgets.BoundedIntText, widgets.IntSlider, widgets.FloatSlider)

def answer():
    made = [c for w in _instances.values() if isinstance(w, KINDS) for c in w._dom_classes]
    state = {"count": len(asked), "job": session.job.name if session.job else "",
             "trouble": trouble, "made": sorted({c for c in made if c.startswith("tj-")})}
    pong.value = json.dumps(state).replace("<", "&lt;")

def asks(_):
    asked.append(1)
    asyncio.get_event_loop().call_later(0.09, answer)  # after what waits for a pause

ping.on_click(asks)
place = widgets.Label(str(folder)).add_class("tj-test-folder")
aside = widgets.Box([ping, pong, place], layout=widgets.Layout(width="0", height="0"))
widgets.VBox([app, aside.add_class("tj-test")])
"""
TILTS = np.arange(-60, 61, 10.0)
RECIPE = """tomojupyter: 1
steps:
  - stack_register: {method: PC}
  - tilt_align: {method: manual, shift: 0.5}
  - reconstruct: {method: SIRT, iterations: 3}
"""
LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
UNSAID = re.compile(
    r"Traceback|failed with \w+|details are in the log|<class '|object at 0x|\bNone\b|\bnan\b"
)
"""What nobody must ever read."""
LATE = ("-builtin", "-find", "-reset", "-test", "-preview", "-methods-all", "-replay", "-apply")
"""Used last, in this order: they work with what was set."""
LAST = ("-part", "-mode", "-more")
"""Used after what they take away."""
MANY = re.compile(r"tj-reconstruct-(eye|run|more)-[c-z]|Take (?!Si)\w+ out")
"""Of these, the first ones are enough: a run that is gone on with makes a run more."""
QUIET = re.compile(r"Fit to the frame|-reset$|-stop$|-batch-(all|none)$")
"""Buttons that may change nothing."""
GARBAGE = {
    "text": ("garbage!", "-1"),
    "number": ("-99999999", "99999999"),
}
CHOOSE = "(e, k) => { e.selectedIndex = k; e.dispatchEvent(new Event('change', {bubbles: true})); }"
PRESS_MS = 20_000


class Hands:
    """Uses each control of a panel and keeps what went wrong.

    Attributes
    ----------
    used : dict
        What was used, with its kind.
    met : set of str
        All our classes that the page had at any time.
    made : set of str
        Hooks of the panel's controls in the kernel, also of those that were never seen.
    wrong : list of str
        Sentences that begin with the control.
    """

    def __init__(
        self, page: Page, panel: str, recorder: Any, upload: Path, entries: dict[str, str]
    ) -> None:
        self.entries = entries
        self.page, self.panel, self.recorder, self.upload = page, panel, recorder, upload
        self.root = f".tj-panel-{panel}"
        self.used: dict[str, str] = {}
        self.met: set[str] = set()
        self.made: set[str] = set()
        self.wrong: list[str] = []
        self.told = {"kernel": 0, "page": 0}
        self.count = 0

    def look(self, what: str, *values: Any) -> Any:
        """Ask the page by a function of look.js."""
        return self.page.evaluate(f"([w, ...v]) => ({LOOK})[w](...v)", [what, *values])

    # ------------------------------------------------------------------ after each use

    def settle(self, name: str, limit: float = 8) -> None:
        """Wait until the kernel has done what was asked; stop what takes longer than `limit` s."""
        until, stopped = time.monotonic() + limit, False
        while True:
            self.count += 1
            state = self.look("ask", self.root, self.count)
            assert state is not None, f"after {name} the kernel does not answer; {self.wrong}"
            late = time.monotonic() > until
            if not state["job"] or (late and stopped):
                break
            if late:
                self.page.evaluate("document.querySelector('.tj-status-stop').click()")
                until, stopped = time.monotonic() + 30, True
        if state["job"]:
            self.wrong.append(f"{name}: {state['job']} does not stop")
        self._note(name, "kernel", state["trouble"])
        self._note(name, "page", self.recorder.unexpected())
        for found in UNSAID.finditer(state["text"]):
            around = state["text"][max(0, found.start() - 60) : found.end() + 60]
            self.wrong.append(f"{name}: the page says {around!r}")
        self.met |= set(state["classes"])
        self.made |= {c for c in state["made"] if c.startswith(f"tj-{self.panel}-")}
        if not state["here"]:
            self.page.click(f".tj-rail-{self.panel}")
            self.page.wait_for_selector(self.root)

    def _note(self, name: str, where: str, said: list[str]) -> None:
        self.wrong += [f"{name}: {text[-700:]}" for text in said[self.told[where] :]]
        self.told[where] = len(said)

    # ------------------------------------------------------------------ controls

    def controls(self) -> list[dict[str, Any]]:
        """Return what can be used now and was not yet."""
        found = self.look("collect", self.root)
        return [c for c in found if c["key"] not in self.used and not MANY.search(c["key"])]

    def at(self, key: str) -> Locator:
        """Return the control of a name, looked for anew: the page may have drawn it again."""
        self.look("collect", self.root)
        return self.page.locator(f"[data-test-key={json.dumps(key, ensure_ascii=False)}]")

    def unused(self) -> list[str]:
        """Return the hooks of controls that the kernel has and that were not used."""
        used = {hook for key in self.used for hook in re.findall(r"tj-[\w-]+", key)}
        return sorted(hook for hook in self.made - used if not MANY.search(hook))

    def use_all(self) -> None:
        """Use what is there, and what appears by it, until nothing is left."""
        for ending in ("", *LATE):
            if ending == "-find":
                self.automatic()
            if ending:
                self.use(lambda c, ending=ending: c["hook"].endswith(ending))
            if ending == "-reset":
                self.fill()
            self.use(lambda c: not c["hook"].endswith(LATE))
            if not ending:
                self.open_more()
        self.use(lambda _: True)

    def automatic(self) -> None:
        """Go to the last mode of a panel that has some: its methods may have led out of it."""
        modes = self.page.locator(f".tj-{self.panel}-mode button")
        if modes.count():
            modes.last.click(timeout=PRESS_MS)
            self.settle("mode")
            self.open_more()

    def open_more(self) -> None:
        """Press each More twice: what it shows of the method that is chosen is used as well."""
        for _ in range(2):
            for button in self.page.locator(f"{self.root} .tj-more:visible").all():
                button.click(timeout=PRESS_MS)
                self.settle("More")
                self.use(lambda c: not c["hook"].endswith(LATE))

    def fill(self) -> None:
        """Enter what Apply needs, or what brings more controls."""
        for hook, text in self.entries.items():
            self.page.fill(f".{hook} input", text)
            self.page.press(f".{hook} input", "Enter")
            self.settle(f"{hook} {text}")

    def use(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Use the controls that are wanted; ".." leads away from what else is there."""
        while new := [c for c in self.controls() if wanted(c)]:
            # ... as do other parts of a form, and More hides what it has shown
            control = min(new, key=lambda c: [c["said"] == "..", *map(c["hook"].endswith, LAST)])
            key, kind = control["key"], control["kind"]
            self.used[key] = kind
            asks = kind == "button" and not control["on"] and not QUIET.search(key)
            before = self.look("snapshot", self.root) if asks else None
            started = time.monotonic()
            try:
                getattr(self, f"use_{kind}")(key)
                self.settle(key)
            except AssertionError:
                raise
            except Exception as error:
                self.wrong.append(f"{key}: cannot be used: {str(error)[:900]}")
                self.settle(key)
            if asks and self.look("snapshot", self.root) == before:
                self.wrong.append(f"{key}: a press changes nothing")
            print(f"{time.monotonic() - started:5.1f} s  {key}")

    def use_button(self, key: str) -> None:
        """Press; a menu of a picture that opens by it is used too, and closed again."""
        before = {c["key"] for c in self.controls()}
        self.at(key).click(timeout=PRESS_MS)
        if " tj-view-" not in key:
            return
        self.settle(key)
        menu = [c for c in self.controls() if c["key"] not in before]
        for control in menu if "tj-view-" + self.panel + "-1" in key else ():
            self.used[control["key"]] = control["kind"]
            self.at(control["key"]).click(timeout=PRESS_MS)
            self.settle(control["key"])
        if "Play" in key:
            self.page.wait_for_timeout(400)
            self.at(key).click(timeout=PRESS_MS)
        self.page.keyboard.press("Escape")
        self.page.evaluate(
            "document.querySelectorAll('.tj-pic-menu').forEach(menu => { menu.hidden = true; })"
        )

    def use_tick(self, key: str) -> None:
        """Tick, look, and take it back."""
        for _ in range(2):
            self.at(key).click(timeout=PRESS_MS)
            self.settle(key)

    def use_choice(self, key: str) -> None:
        """Choose each entry, use the fields that come with it, and go back to the first choice."""
        at = self.at(key)
        labels = at.evaluate("e => [...e.options].map(o => o.label)")
        chosen = at.evaluate("e => e.selectedIndex")
        for k in [k for k in range(len(labels)) if k != chosen] + [chosen]:
            at = self.at(key)
            if not at.is_visible() or k >= at.evaluate("e => e.disabled ? 0 : e.options.length"):
                return
            at.evaluate(CHOOSE, k)
            self.settle(f"{key} = {labels[k]}")
            opens = key.startswith("choice") and "-method" in key
            self.use(lambda c: c["kind"] != "button" or (opens and c["hook"].endswith("-more")))  # noqa: B023

    def use_slider(self, key: str) -> None:
        """Move by the keyboard: a step, and to both ends."""
        self.at(key).focus()
        self.page.keyboard.press("ArrowRight")
        for press in ("End", "Home"):
            self.page.keyboard.press(press)
            self.settle(f"{key} {press}")

    def use_text(self, key: str) -> None:
        """Type what cannot be meant and what can, and then what was there before."""
        self._type(key, "text")

    def use_number(self, key: str) -> None:
        """Type numbers far out of range and a plain one, and then what was there before."""
        self._type(key, "number")

    def _type(self, key: str, kind: str) -> None:
        before = self.at(key).input_value()
        for text in (*GARBAGE[kind], before):
            at = self.at(key)
            if not at.is_visible():
                return
            at.fill(text, timeout=PRESS_MS)
            at.press("Tab" if at.evaluate("e => e.tagName") == "TEXTAREA" else "Enter")
            self.settle(f"{key} {text!r}")

    def use_upload(self, key: str) -> None:
        """Choose a file in the dialog that the press opens."""
        with self.page.expect_file_chooser() as dialog:
            self.at(key).click(timeout=PRESS_MS)
        dialog.value.set_files(self.upload)


def write_series(path, images):
    write_mrc(path, np.round(images).astype(np.int16), 0.6, is_volume=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with what panels can open, and what they cannot."""
    folder = tmp_path_factory.mktemp("files") / "data"
    (folder / "single").mkdir(parents=True)
    for seed, name in enumerate(("series", "other", "small")):
        made = tomo.simulation.phantom_series(
            "catalyst", 40, TILTS, jitter=1.0, counts=60, vacuum=0.0, seed=seed
        )
        write_series(folder / f"{name}.mrc", made.data)
        np.savetxt(folder / f"{name}.rawtlt", TILTS)
    for k in range(3):
        write_series(folder / "single" / f"tilt_{k}.mrc", made.data[k : k + 1])
    (folder / "small.mrc").rename(folder.parent / "small.mrc")
    whole = (folder / "other.mrc").read_bytes()
    (folder / "short.mrc").write_bytes(whole[: len(whole) // 2])
    (folder / "steps.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "readme.txt").write_text("nothing to see", encoding="utf-8")
    edx = tomo.datasets.get_simulated_edx_data(size=16, tilts=TILTS[::2], counts=20, seed=1).edx
    edx.save(folder / "spectra.hspy")
    return folder


@pytest.fixture(scope="module")
def address(voila_of_module, data):
    """Return where the page is served; a kernel is always ready for the next one."""
    ready = ("--preheat_kernel=True", "--pool_size=1", "--VoilaKernelManager.fill_delay=0")
    return voila_of_module(PAGE, *ready, env={"DATA_OF_THE_TESTS": str(data)})


@pytest.fixture
def hands(browser_page: Page, recorder: Any, tmp_path: Path) -> Callable[..., Hands]:
    """Return a maker of hands for a panel of the page."""
    return lambda *about: Hands(browser_page, about[0], recorder, *about[1:])
