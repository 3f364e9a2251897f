"""The wheel, installed in a new environment and used outside the checkout.

The new environment borrows the dependencies of this one by a path file, so nothing is fetched.
A path file in the borrowed folder is not read, so the checkout's editable install cannot win.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "secret-of-the-wheel"


def command(*words, **options):
    options.setdefault("timeout", 300)
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command(
        sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT
    )  # fmt: skip
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment with the wheel in it; returns the folder of its programs."""
    home = tmp_path_factory.mktemp("environment")
    venv.EnvBuilder(symlinks=os.name == "posix", with_pip=False).create(home)
    programs = Path(sysconfig.get_path("scripts", "venv", vars={"base": str(home)}))
    python = programs / "python"
    command(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
        "--no-index", "--no-compile", "--disable-pip-version-check", wheel,
    )  # fmt: skip
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(home)}))
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")
    return programs


@pytest.fixture
def elsewhere(tmp_path):
    """Settings of a process that knows nothing of the checkout and of this user's settings."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "PYTHONNOUSERSITE": "1",
        # Voila's own pages and kernels belong to the borrowed dependencies.
        "JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "run"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    folder = tmp_path / "work"
    folder.mkdir()
    return {"cwd": folder, "env": environment}


def test_wheel_holds_the_apps_and_templates(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "tomojupyter/hyperspy_extension.yaml",
        "tomojupyter/ui/style.css",
        "tomojupyter/_apps/tomography.ipynb",
        "tomojupyter/_apps/spectral.ipynb",
        "tomojupyter/_apps/voila/tomojupyter/index.html.j2",
        "tomojupyter/_templates/reconstruct.ipynb",
        "tomojupyter/_templates/sweep.ipynb",
        "tomojupyter/_templates/recipes/quick.yaml",
    ):
        assert name in names
    assert not [n for n in names if "__pycache__" in n or n.startswith(("tests/", "benchmarks/"))]
    shared = "share/jupyter/voila/templates/tomojupyter/index.html.j2"
    assert any(name.endswith(f".data/data/{shared}") for name in names)


def test_source_archive_makes_the_same_wheel(wheel, tmp_path):
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path)
    command(*build, "--sdist", ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    (unpacked,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert (unpacked / "tests" / "conftest.py").is_file()
    command(*build, "--wheel", unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert contents(again) == contents(wheel)


def contents(wheel):
    """Return checksums by name; of RECORD, which lists them, the name only."""
    with zipfile.ZipFile(wheel) as opened:
        return {i.filename: i.CRC for i in opened.infolist() if not i.filename.endswith("RECORD")}


def test_installed_package_is_not_the_checkout(installed, elsewhere):
    code = (
        "import tomojupyter, tomojupyter.paths as p, hyperspy.api as hs, numpy as np;"
        "s = hs.signals.Signal2D(np.zeros((3, 4, 5))); s.set_signal_type('TomoStack');"
        "print(tomojupyter.__file__); print(p.app('tomography')); print(p.template('reconstruct'));"
        "print(type(s).__module__)"
    )
    told = command(installed / "python", "-c", code, **elsewhere).stdout.split()
    for path in map(Path, told[:3]):
        assert path.is_file()
        assert installed.parent in path.parents
    assert told[3] == "tomojupyter.signals.stack"


def test_installed_command_runs_a_recipe(installed, elsewhere, series_file, recipe_file):
    program = installed / "tomojupyter"
    done = command(program, "run", recipe_file, series_file, "volume.hspy", **elsewhere)
    assert "volume.hspy was written" in done.stderr
    code = (
        "import tomojupyter.api as t; v = t.load('volume.hspy'); print(v.data.shape, v.data.std())"
    )
    shape, spread = command(installed / "python", "-c", code, **elsewhere).stdout.rsplit(maxsplit=1)
    assert shape == "(32, 24, 24)"
    assert float(spread) > 0


@contextlib.contextmanager
def running(words, log, **options):
    """Run a server until the end of the block, with all that it started."""
    with log.open("w") as out:
        process = subprocess.Popen(
            words, stdout=out, stderr=subprocess.STDOUT, start_new_session=True, **options
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def get(address, process, log):
    """Return status and text of a page of a server that may still be starting."""
    end = time.monotonic() + 120
    while True:
        try:
            with urlopen(address, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except URLError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)


def test_app_starts_outside_the_checkout(installed, elsewhere, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        installed / "tomojupyter", "app", "--no-browser", "--port", str(port), "--token", TOKEN,
    ]  # fmt: skip
    log = tmp_path / "log.txt"
    with running(words, log, **elsewhere) as process:
        address = f"http://127.0.0.1:{port}/"
        _, stranger = get(address, process, log)
        status, page = get(f"{address}?token={TOKEN}", process, log)
        told = log.read_text()  # before the end, which may cut a kernel off
    assert "tj-loading" not in stranger  # it is asked for the token
    assert "widget-view" not in stranger
    assert status == 200, log.read_text()
    assert "<b>tomojupyter</b>" in page  # our template, not Voila's
    assert "tj-loading" in page
    fetched = re.findall(r"<(?:script|link|img)[^>]*?(?:src|href)=.?(https?://[^>]+)", page)
    assert fetched == []
    assert "widget-view" in page  # the kernel ran the app's notebook
    assert "Traceback" not in told
