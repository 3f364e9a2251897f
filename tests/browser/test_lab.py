"""The panels in cells of a notebook in JupyterLab, each alone, as they are in the app."""

import sys

import nbformat
import pytest

from tomojupyter import ui

pytestmark = pytest.mark.browser

MINUTES = 60_000
TOKEN = "secret-of-the-tests"
SETUP = """
import numpy as np
import tomojupyter.api as tomo
from tomojupyter.ui import {names}

series = tomo.datasets.get_catalyst_data(size=48, tilts=np.arange(-60, 61, 6.0))
volume = series.reconstruct("FBP", show_progressbar=False)
"""
OPEN = {
    "BatchPanel": "BatchPanel(series, folder='.')",
    "ExplorePanel": "ExplorePanel(volume)",
    "HistoryPanel": "HistoryPanel(volume)",
    "LoadPanel": "LoadPanel(folder='.')",
    "SpectralPanel": "SpectralPanel()",
    "ViewerPanel": "ViewerPanel(series, beside=series.filter('median'))",
}
PANELS = sorted(name for name in ui.__all__ if name.endswith("Panel"))
PICTURES = ("Explore", "Filter", "Reconstruct", "Register", "TiltAxis", "Trim", "Viewer")
SAYS = "([hook, text]) => document.querySelector(hook)?.innerText.includes(text)"
# Before the kernel has answered, cells that are run are lost.
RUN = """
async () => {
  const context = window.jupyterapp.shell.currentWidget.sessionContext;
  await context.ready;
  await context.session.kernel.info;
  void window.jupyterapp.commands.execute('notebook:run-all-cells');
}
"""


def lab_command(folder, port):
    """Return the command that serves a folder in JupyterLab, and the address of a notebook."""
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    return command, f"http://127.0.0.1:{port}/lab/tree/panels.ipynb?token={TOKEN}&reset"


def write(path):
    """Write a notebook with a cell for each panel."""
    sources = [SETUP.format(names=", ".join(PANELS))]
    for name in PANELS:
        own = name.lower()
        sources.append(f"{own} = {OPEN.get(name, f'{name}(series)')}\n{own}")
    sources.append("registerpanel.result")
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(s, id=f"c{k}") for k, s in enumerate(sources)]
    )
    book.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    nbformat.write(book, path)


@pytest.mark.timeout(900)
def test_every_panel_in_a_cell(serve, person, cut_off, recorder, free_port, tmp_path):
    recorder.allowed.append("WebGL|GL Driver|GPU stall")
    folder = tmp_path / "work"
    folder.mkdir()
    write(folder / "panels.ipynb")
    settings = tmp_path / "settings"
    own = settings / "@jupyterlab" / "apputils-extension"
    own.mkdir(parents=True)
    (own / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    page = person.page
    command, url = lab_command(folder, free_port)
    page.goto(serve(command, url, {"JUPYTERLAB_SETTINGS_DIR": str(settings)}))
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=2 * MINUTES)
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('notebook:run-all-cells')")
    page.evaluate(RUN)
    for name in PANELS:
        hook = f".tj-panel-{name.removesuffix('Panel').lower()}.tj-alone"
        page.wait_for_selector(hook, timeout=6 * MINUTES)
        page.locator(hook).first.scroll_into_view_if_needed()  # the viewer is a Load too
        if name.removesuffix("Panel") in PICTURES:
            page.wait_for_selector(f"{hook} .tj-pic[data-seq]")
        page.wait_for_timeout(500)
        # a notebook is narrower than the app: subtitles end in dots there
        assert cut_off(page, hook, dots=True) == [], name
        person.keep(f"lab-{name}")
    problems = "[data-mime-type*='stderr'], [data-mime-type*='error']"
    assert page.locator(problems).all_inner_texts() == []

    # what a panel did is a value in the next cell
    page.click(".tj-panel-register .tj-register-apply")
    page.wait_for_function(SAYS, arg=[".tj-panel-register .tj-status-message", "PC took"])
    page.locator(".jp-NotebookPanel .jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea-executeResult:has-text('<TomoStack')")
