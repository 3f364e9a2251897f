"""Who may import whom, and what an import costs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = ["ipywidgets", "ipyvolume", "IPython", "anywidget"]


def loaded_by(statement, modules):
    report = f"sys.stdout.write(','.join(m for m in {modules} if m in sys.modules))"
    code = f"import sys\n{statement}\n{report}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [name for name in done.stdout.split(",") if name]


def test_import_direction_follows_the_contracts():
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_import_of_the_package_loads_no_widget_and_no_pyplot():
    assert loaded_by("import tomojupyter", [*WIDGETS, "matplotlib.pyplot", "hyperspy"]) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import tomojupyter.api",
        "import tomojupyter.steps",
        "import tomojupyter.signals",
        "import tomojupyter.__main__",
    ],
)
def test_import_of_the_core_loads_no_widget(statement):
    assert loaded_by(statement, WIDGETS) == []


def test_numerics_load_without_hyperspy():
    modules = ["hyperspy", "matplotlib", "traitlets"]
    code = "import tomojupyter.numerics.geometry, tomojupyter.numerics.images.filters"
    assert loaded_by(code, modules) == []
