"""An environment with ETSpy, which needs a package index."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def etspy_python(tmp_path_factory):
    """The interpreter of an environment of its own with ETSpy and, behind it, ours."""
    home = tmp_path_factory.mktemp("etspy") / "environment"
    venv.EnvBuilder(symlinks=os.name == "posix", with_pip=False).create(home)
    scheme = {"vars": {"base": str(home), "platbase": str(home)}}
    python = Path(sysconfig.get_path("scripts", "venv", **scheme)) / "python"
    # The dependencies of this environment, which pip would fetch again, are borrowed.
    borrowed = Path(sysconfig.get_path("purelib", "venv", **scheme)) / "borrowed.pth"
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    borrowed.write_text("\n".join([str(ROOT), *sorted(ours)]), encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "etspy==1.3.0"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stdout + installed.stderr
    found = subprocess.run(
        [python, "-c", "import etspy; print(etspy.__file__)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert home in Path(found.stdout.strip()).parents
    return python
