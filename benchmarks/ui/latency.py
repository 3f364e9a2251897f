"""Latencies of the app in Chromium, from the event to the pixels; a table in Markdown.

python benchmarks/ui/latency.py [--large GB]

Needs Chromium and Playwright. Times are taken in the page, by its own clock, where the event is
one of the page; else around the call of the browser.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

from tomojupyter import paths
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.server import EXTENSIONS

FLAGS = [
    "--no-sandbox", "--no-first-run", "--disable-background-networking", "--use-gl=angle",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
]  # fmt: skip
MOVES, VOLUMES = 15, 5
PICTURE = """
import numpy as np
from tomojupyter.ui.views.stack import StackView
rng = np.random.default_rng(0)
view = StackView()
view.layout.height = "600px"
view.set(rng.poisson(20, (24, {side}, {side})).astype(np.uint16), np.arange(24.0))
view.index = 0
view
"""
AXIS = """
import tomojupyter.api as tomo
from tomojupyter.ui import TiltAxisPanel
TiltAxisPanel(tomo.datasets.get_demo_data(), height=700)
"""
RUNNING = """
import tomojupyter.api as tomo
from tomojupyter.ui import ReconstructPanel
panel = ReconstructPanel(tomo.datasets.get_demo_data(), height=700)
panel.form.choose("SIRT")
panel.controls["iterations"].value = 2000
panel
"""
VOLUME = """
import numpy as np
from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.session import Session
import tomojupyter.api as tomo
z, y, x = np.ogrid[-1:1:256j, -1:1:256j, -1:1:256j]
ball = ((x**2 + y**2 + z**2 < 0.6) * (2 + np.sin(9 * x))).astype(np.float32)
app = Dashboard(Session(tomo.RecStack(ball), "volume"))
app.warmth.begin()  # as the app does
app
"""
DRAWN = """
() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))
"""
PRESS = """
([focus, watched, key]) => new Promise((resolve) => {
  const at = () => watched.map((w) => document.querySelector(w + ' .tj-pic').dataset.seq);
  const before = at(), begun = performance.now();
  const look = () => at().every((v, k) => v !== before[k])
    ? resolve(performance.now() - begun)
    : performance.now() - begun > 20000 ? resolve(NaN) : requestAnimationFrame(look);
  document.querySelector(focus + ' .tj-pic').dispatchEvent(
    new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
  requestAnimationFrame(look);
})
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(command: list[str], port: int, home: Path):
    """Run a server until the block ends."""
    env = {**os.environ, "JUPYTER_RUNTIME_DIR": str(home / "run"), "IPYTHONDIR": str(home / "ip")}
    with (home / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command, cwd=home, env={**env, "JUPYTER_PATH": str(home / "share")}, stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/?token=t"
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def notebook(source: str, home: Path):
    """Serve one cell in Voila."""
    templates = home / "share" / "voila" / "templates"
    templates.parent.mkdir(parents=True, exist_ok=True)
    if not templates.exists():
        templates.symlink_to(paths.voila_templates())
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="page")])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "P", "language": "python"}
    nbformat.write(book, home / "page.ipynb")
    port = free_port()
    command = [
        sys.executable, "-m", "voila", str(home / "page.ipynb"), f"--port={port}", "--token=t",
        "--Voila.ip=127.0.0.1", "--no-browser", "--template=tomojupyter",
        f"--VoilaConfiguration.extension_allowlist={list(EXTENSIONS)}",
    ]  # fmt: skip
    with served(command, port, home) as url:
        yield url


def milliseconds(times: list[float]) -> str:
    return f"{np.nanmedian(times):.0f} ms ({np.nanmin(times):.0f} to {np.nanmax(times):.0f})"


def pressed(page, url: str, focus: str, watched: list[str], key: str) -> str:
    page.goto(url)
    for each in (focus, *watched):
        page.wait_for_selector(f"{each} .tj-pic[data-seq]", timeout=180_000)
    page.wait_for_timeout(4000)
    times = []
    for _ in range(MOVES):
        times.append(page.evaluate(PRESS, [focus, watched, key]))
        page.wait_for_timeout(250)
    return milliseconds(times[1:])


def pictures(page, home: Path):
    for side, target in ((512, "60 ms"), (2048, "100 ms")):
        with notebook(PICTURE.format(side=side), home) as url:
            told = pressed(page, url, ".tj-picture", [".tj-picture"], "s")
            yield f"slider to picture, {side} x {side}", told, target


def axis(page, home: Path):
    slices = [f".tj-view-tiltaxis-{k}" for k in (2, 3, 4)]
    with notebook(AXIS, home) as url:
        told = pressed(page, url, ".tj-view-tiltaxis-1", slices, "ArrowUp")
        yield "tilt axis by hand to three new slices, 256 px", told, "250 ms"


def stop(page, home: Path):
    with notebook(RUNNING, home) as url:
        page.goto(url)
        page.wait_for_selector(".tj-reconstruct-apply:enabled", timeout=180_000)
        page.click(".tj-reconstruct-apply")
        page.wait_for_function(
            "() => /iteration [1-9]/.test(document.querySelector('.tj-status-message').innerText)",
            timeout=180_000,
        )
        page.wait_for_timeout(2000)
        begun = time.monotonic()
        page.click(".tj-status-stop")
        page.wait_for_selector(".tj-status-stop", state="hidden")
        yield "Stop while SIRT runs, 256 px", f"{time.monotonic() - begun:.2f} s", "1 s"


def volume(page, home: Path):
    took = []
    for _ in range(VOLUMES):
        with notebook(VOLUME, home) as url:
            page.goto(url)
            page.wait_for_selector(".tj-rail-explore", timeout=180_000)
            page.wait_for_timeout(15_000)  # nobody comes to a volume sooner
            begun = time.monotonic()
            page.click(".tj-rail-explore")
            page.wait_for_selector(".tj-view-explore-4 canvas", timeout=180_000)
            page.evaluate(DRAWN)
            took.append(time.monotonic() - begun)
    told = f"{np.median(took):.2f} s ({min(took):.2f} to {max(took):.2f})"
    yield "3D of a 256³ volume after the click", told, "3 s"


def opening(page, home: Path, large: float):
    data = home / "data"
    data.mkdir(exist_ok=True)
    frames = max(3, round(large * 1e9 / (2048 * 2048 * 2)))
    frame = np.random.default_rng(1).poisson(20, (1, 2048, 2048)).astype(np.int16)
    write_mrc(data / "large.mrc", np.broadcast_to(frame, (frames, 2048, 2048)), is_volume=False)
    (data / "large.rawtlt").write_text("\n".join(str(k - frames // 2) for k in range(frames)))
    port = free_port()
    command = [
        sys.executable, "-m", "tomojupyter", "app", "--no-browser", f"--port={port}",
        "--token=t", f"--data-dir={data}",
    ]  # fmt: skip
    with served(command, port, home) as url:
        for kind, target, wait in (("cold", "12 s", 0), ("warm kernel", "3 s", 25_000)):
            page.wait_for_timeout(wait)
            begun = time.monotonic()
            page.goto(url)
            page.wait_for_selector("button.tj-load-builtin:enabled", timeout=180_000)
            told = f"{time.monotonic() - begun:.1f} s"
            yield f"page open to first usable control, {kind}", told, target
        page.wait_for_timeout(8000)
        before = page.get_attribute(".tj-view-load-1 .tj-pic", "data-seq")
        begun = time.monotonic()
        page.locator("button", has_text="large.mrc").first.click()
        page.wait_for_function(
            """before => document.querySelector('.tj-load-record').innerText.includes('large.mrc')
                && document.querySelector('.tj-view-load-1 .tj-pic').dataset.seq !== before""",
            arg=before,
            timeout=300_000,
        )
        told = f"{time.monotonic() - begun:.1f} s"
        yield f"a series of {large:g} GB opened by path, to the first picture", told, "3 s"


def main() -> None:
    """Measure everything, one after the other, and print a row at once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", type=float, default=1.0, help="GB of the large series")
    large = parser.parse_args().large
    out = sys.stdout
    out.write(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    out.write("| what | median (range) | target |\n|---|---|---|\n")
    browser_path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=browser_path, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        home = Path(folder)
        for measure in (pictures, axis, stop, volume, lambda p, h: opening(p, h, large)):
            try:
                for what, told, target in measure(page, home):
                    out.write(f"| {what} | {told} | {target} |\n")
                    out.flush()
            except Exception as error:
                out.write(f"| {measure.__name__} | failed: {str(error).splitlines()[0]} | |\n")
        browser.close()
    out.write(f"load average {os.getloadavg()[0]:.1f} at the end\n")


if __name__ == "__main__":
    main()
