"""Binder installs what the project needs and serves the app with our page."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"


def test_requirements_are_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == project["dependencies"]
    python = (BINDER / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    assert project["requires-python"] == f">={python}"


CONDA = {"matplotlib-base": "matplotlib", "hyperspy-base": "hyperspy"}


def test_conda_recipe_has_version_and_dependencies_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = yaml.safe_load((BINDER / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == project["version"]
    python, *needed = (line.partition(" ") for line in recipe["requirements"]["run"])
    assert python[2] == project["requires-python"]
    assert [CONDA.get(name, name) + bound for name, _, bound in needed] == project["dependencies"]
    (program,) = recipe["build"]["python"]["entry_points"]
    assert program == f"tomojupyter = {project['scripts']['tomojupyter']}"
    assert recipe["about"]["license"] == project["license"]
    source = BINDER / "conda" / recipe["source"]["path"]
    assert (source / "pyproject.toml").is_file()
    assert (source / recipe["about"]["license_file"]).is_file()


def test_the_address_of_the_app_is_that_of_a_notebook():
    """What a Binder badge opens, as the how-to gives it."""
    text = (ROOT / "docs" / "how-to" / "binder.md").read_text(encoding="utf-8")
    (address,) = set(re.findall(r"urlpath=voila/render/([^)\s`]+)", text))
    notebook = ROOT / address
    assert notebook.is_file()
    assert "tomojupyter.ui" in notebook.read_text(encoding="utf-8")


def test_post_build_is_a_script_that_uses_what_exists():
    script = BINDER / "postBuild"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text(encoding="utf-8")
    sources = re.findall(r"^cp (\S+)", text, re.MULTILINE)
    assert sources
    assert all((ROOT / source).is_file() for source in sources)
    check = re.search(r'^python -c "(.*)"$', text, re.MULTILINE).group(1)
    subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=True)


@pytest.fixture
def binder(tmp_path):
    """A Jupyter server as Binder starts it; yields its address."""
    config, data = tmp_path / "config", tmp_path / "data"
    config.mkdir()
    shutil.copy(BINDER / "voila.json", config)
    shutil.copytree(ROOT / "apps" / "voila", data / "voila" / "templates")
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    cell = nbformat.v4.new_code_cell("'rewsna eht'[::-1]")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell], metadata=kernel), notebooks / "answer.ipynb"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"ip": "127.0.0.1", "port": port, "port_retries": 0, "root_dir": notebooks}
    options |= {"open_browser": False, "allow_root": True}
    arguments = [f"--ServerApp.{key}={value}" for key, value in options.items()]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_PATH": str(data)}
    log = tmp_path / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--IdentityProvider.token=", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/api", server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def wait_for(address, server, log):
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(address, timeout=10) as reply:
                assert "version" in json.load(reply)
            return
        time.sleep(0.1)
    pytest.fail(log.read_text())


def test_binder_serves_a_notebook_with_our_page(binder):
    with urllib.request.urlopen(f"{binder}/voila/render/answer.ipynb", timeout=120) as reply:
        page = reply.read().decode()
    assert "tj-loading" in page
    assert "the answer" in page
