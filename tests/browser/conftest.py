"""A Voila server and a Chromium for each test; whatever leaves this machine fails the test.

``serve`` starts any command that brings up a page, ``voila`` a notebook with our template, and
``browser_page`` is a page that records requests and errors and complains about them at the end.
Without Chromium the tests skip and say so; where the environment variable CI is set they fail.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import nbformat
import pytest
from PIL import Image

from tomojupyter import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

TOKEN = "secret-of-the-tests"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
]  # fmt: skip


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass
class Recorder:
    """What a page asked for and complained about."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Regular expressions of errors that a test expects."""

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", lambda channel: self._asked(channel.url))
        page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        page.on("console", self._said)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.outside.append(url)

    def _said(self, message) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        return [e for e in self.errors if not any(re.search(a, e) for a in self.allowed)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium of this machine; for one module, as Playwright's event loop is in others' way."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        _missing(f"no Chromium: none of {', '.join(BROWSERS)} is on the PATH")
    playwright = pytest.importorskip("playwright.sync_api") if not os.environ.get("CI") else None
    if playwright is None:
        from playwright import sync_api as playwright
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def recorder() -> Recorder:
    """What `browser_page` has recorded so far; tests may add to `allowed`."""
    return Recorder()


@pytest.fixture
def browser_page(chromium: Browser, recorder: Recorder) -> Iterator[Page]:
    """An empty page of 1366 x 768; at the end nothing may have failed or left the machine."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(60_000)
    recorder.watch(page)
    yield page
    context.close()
    assert not recorder.outside, f"requests that leave the machine: {recorder.outside}"
    assert not recorder.unexpected(), f"errors in the page: {recorder.unexpected()}"


@pytest.fixture
def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start servers by ``serve(command, url, env=None)``; returns the address once it answers.

    Each runs in a home of its own below tmp_path and is ended with the test.
    """
    with _serving(tmp_path) as start:
        yield start


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[Callable[..., str]]:
    """Give a starter of servers; all of them are ended at the end."""
    started: list[subprocess.Popen] = []

    def start(command: list[str], url: str, env: dict[str, str] | None = None) -> str:
        home = folder / f"server{len(started)}"
        home.mkdir()
        log = home / "log.txt"
        own = {
            "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "run"),
            "IPYTHONDIR": str(home / "ipython"),
        }  # fmt: skip
        with log.open("w") as out:
            process = subprocess.Popen(
                command, env={**os.environ, **own, **(env or {})}, cwd=home,
                stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        _wait(process, url, log)
        return url

    yield start
    for process in started:
        process.terminate()
    for process in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen, url: str, log: Path, seconds: float = 90) -> None:
    """Wait until somebody listens; a page is not opened, since that would start a kernel."""
    parts = urlsplit(url)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"the server ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection((str(parts.hostname), int(parts.port or 80)), 1),
        ):
            return
        time.sleep(0.1)
    pytest.fail(f"no answer from {url} in {seconds:g} s:\n{log.read_text()[-3000:]}")


@pytest.fixture
def voila(serve: Callable[..., str], tmp_path: Path, free_port: int) -> Callable[..., str]:
    """Serve a notebook: ``voila(notebook, *args, env=None)`` returns its address with the token.

    The notebook is a path, or Python source, of which a notebook of one cell is made. `args` are
    further options of Voila, for instance ``"--theme=dark"``. One server per test.
    """
    return _voila(serve, tmp_path, free_port)


@pytest.fixture(scope="module")
def voila_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """As `voila`, with one server for all tests of a module."""
    folder = tmp_path_factory.mktemp("voila")
    with _serving(folder) as start:
        yield _voila(start, folder, _free_port())


def _voila(serve: Callable[..., str], folder: Path, free_port: int) -> Callable[..., str]:
    share = folder / "share"

    def start(notebook: Path | str, *args: str, env: dict[str, str] | None = None) -> str:
        if isinstance(notebook, str):
            notebook = write_notebook(folder / "page.ipynb", notebook)
        (share / "voila").mkdir(parents=True, exist_ok=True)
        (share / "voila" / "templates").symlink_to(paths.voila_templates())
        command = [
            sys.executable, "-m", "voila", str(notebook), f"--port={free_port}",
            "--Voila.ip=127.0.0.1", "--no-browser", f"--token={TOKEN}", "--template=tomojupyter",
            "--show_tracebacks=True", *args,
        ]  # fmt: skip
        url = f"http://127.0.0.1:{free_port}/?token={TOKEN}"
        return serve(command, url, {"JUPYTER_PATH": str(share), **(env or {})})

    return start


def write_notebook(path: Path, source: str) -> Path:
    """Write a notebook of one code cell."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="page")])
    book.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    nbformat.write(book, path)
    return path


OVERFLOWS = """
([root, dots]) => [...document.querySelectorAll(root + ' *')]
    .filter(e => e instanceof HTMLElement && e.clientWidth > 0 && e.scrollWidth > e.clientWidth)
    .filter(e => !['SELECT', 'OPTION'].includes(e.tagName) && !/noUi/.test(e.className))
    .filter(e => !e.closest('.tj-view3d-figure'))
    .filter(e => getComputedStyle(e).display !== 'inline')
    .filter(e => !dots || getComputedStyle(e).textOverflow !== 'ellipsis')
    .map(e => `${e.tagName} ${e.className} ${e.scrollWidth} > ${e.clientWidth}: ` +
              (e.innerText || '').slice(0, 40))
"""


@pytest.fixture
def cut_off() -> Callable[..., list[str]]:
    """Return what is wider than its place in a page, below `root`; `dots` may end a text.

    Left out is what we do not draw: handles of ipywidgets' sliders, and ipyvolume's figure, whose
    hidden tools reach 10 px out of it.
    """

    def look(page: Page, root: str = ".tj-app", dots: bool = False) -> list[str]:
        return list(page.evaluate(OVERFLOWS, [root, dots]))

    return look


NAMELESS = """
() => [...document.querySelectorAll('.tj-app :is(input, select, textarea, button, [role=slider])')]
    .filter(e => e.offsetParent && !e.closest('.tj-view3d-figure'))
    .filter(e => ![e.getAttribute('aria-label'), e.title, e.placeholder, e.innerText,
        ...[...(e.labels || [])].filter(l => l.offsetParent).map(l => l.innerText),
    ].some(text => (text || '').replace(/\\u200b/g, '').trim()))
    .map(e => `${e.parentElement.className}: ${e.outerHTML.slice(0, 120)}`)
"""


@pytest.fixture
def nameless() -> Callable[[Page], list[str]]:
    """Return the controls of a page that a screen reader has no name for."""
    return lambda page: page.evaluate(NAMELESS)


@pytest.fixture
def answers() -> Callable[[str], tuple[int, str]]:
    """Return the HTTP status of an address, and where it led; (0, "") where nobody answers."""

    def ask(url: str) -> tuple[int, str]:
        try:
            with urlopen(url, timeout=60) as reply:
                return int(reply.status), str(reply.url)
        except HTTPError as error:
            error.close()
            return int(error.code), url
        except URLError:
            return 0, ""

    return ask


def wait_for_text(page: Page, hook: str, text: str, minutes: float) -> None:
    """Wait until a part of the page shows a text."""
    page.wait_for_function(
        "([hook, text]) => document.querySelector(hook)?.innerText.includes(text)",
        arg=[hook, text],
        timeout=minutes * 60_000,
    )


@pytest.fixture
def says() -> Callable[[Page, str], None]:
    """Wait until the status line of a page says something."""
    return lambda page, text: wait_for_text(page, ".tj-status-message", text, 5)


class Walker:
    """A person who clicks; every click is counted, and every screen is looked at."""

    def __init__(self, page: Page, cut_off: Callable[..., list[str]]) -> None:
        self.page, self.cut_off, self.clicks = page, cut_off, 0

    def click(self, hook: str) -> None:
        self.clicks += 1
        self.page.click(f"{hook}:enabled", timeout=180_000)

    def says(self, text: str) -> None:
        """Wait until the status line says something."""
        self.sees(".tj-status-message", text)

    def sees(self, hook: str, text: str, minutes: float = 4) -> None:
        """Wait until a part of the page shows a text."""
        wait_for_text(self.page, hook, text, minutes)

    def go(self, stage: str) -> None:
        self.click(f".tj-rail-{stage}")
        self.page.wait_for_selector(f".tj-panel-{stage}")

    def type(self, hook: str, text: str) -> None:
        field = self.page.locator(f"{hook} input, input{hook}").last
        field.fill(text)
        field.press("Enter")

    def look(self, name: str) -> None:
        """Check that nothing is cut off; keep a screenshot where somebody asks for it."""
        self.page.wait_for_timeout(1500)
        self.keep(name)
        assert self.cut_off(self.page) == [], name

    def keep(self, name: str) -> None:
        """Keep a screenshot where somebody asks for it."""
        folder = os.environ.get("TOMOJUPYTER_SCREENSHOTS")
        if folder:
            shot = Path(folder) / f"{name}.png"
            self.page.screenshot(path=str(shot))
            # few colours make a small file; it is a picture of a page
            with Image.open(shot) as image:
                small = image.convert("RGB").quantize(256)
            small.save(shot, optimize=True)


@pytest.fixture
def person(browser_page: Page, cut_off: Callable[..., list[str]]) -> Walker:
    """Return somebody who works with an empty page."""
    return Walker(browser_page, cut_off)


@pytest.fixture
def app_command() -> Callable[[Path, int], tuple[list[str], str]]:
    """Return the command that serves the app on a folder, and the address of its page."""

    def build(folder: Path, port: int, *more: str) -> tuple[list[str], str]:
        command = [
            sys.executable, "-m", "tomojupyter", "app", "--no-browser", f"--port={port}",
            f"--token={TOKEN}", f"--data-dir={folder}", *more,
        ]  # fmt: skip
        return command, f"http://127.0.0.1:{port}/?token={TOKEN}"

    return build


@pytest.fixture
def opened(
    serve: Callable[..., str],
    person: Walker,
    app_command: Callable[..., tuple[list[str], str]],
    recorder: Recorder,
    free_port: int,
) -> Callable[..., Page]:
    """Open the app on a folder: ``opened(folder, *options, ready=hook)`` returns its page.

    It waits until the hook is there: the preview of the catalyst can be used.
    """

    def start(folder: Path, *more: str, ready: str = ".tj-load-apply:enabled") -> Page:
        recorder.allowed.append("WebGL|GL Driver|GPU stall")
        command, url = app_command(folder, free_port, *more)
        person.page.goto(serve(command, url))
        person.page.wait_for_selector(ready, timeout=180_000)
        return person.page

    return start
