"""The code that the README and the tutorials show runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tomojupyter.api import Recipe, RecStack, load

ROOT = Path(__file__).resolve().parents[2]


def python_of(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run_python(code, folder):
    # exSpy 0.3 imports HyperSpy's lazy classes by a path that HyperSpy 2.5 deprecates.
    quiet = [sys.executable, "-W", "ignore:Importing `Lazy", "-c", code]
    done = subprocess.run(quiet, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


def test_readme_example_has_at_most_ten_lines_and_runs(tmp_path):
    (code,) = python_of("README.md")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    printed = yaml.safe_load(run_python(code, tmp_path))
    operations = [next(iter(step)) for step in printed["steps"]]
    assert operations == ["background", "stack_register", "tilt_align", "reconstruct"]
    volume = load(tmp_path / "catalyst.hspy")
    assert isinstance(volume, RecStack)
    assert volume.data.std() > 0


def test_catalyst_tutorial_runs(tmp_path):
    blocks = python_of("docs/tutorials/catalyst.md")
    assert len(blocks) == 4
    run_python("\n".join(blocks), tmp_path)
    assert isinstance(load(tmp_path / "catalyst.hspy"), RecStack)


def test_simulation_how_to_runs_and_its_truth_aligns(tmp_path):
    blocks = python_of("docs/how-to/simulate.md")
    assert len(blocks) == 3
    lines = run_python("\n".join(blocks), tmp_path).splitlines()
    assert lines[0] == "-3.0 -1.5"
    # 0.26 here; the same reconstruction of the series as it was acquired is off by 0.63.
    assert float(lines[-1]) < 0.35


def test_tutorial_to_a_measured_volume_runs_and_its_numbers_are_found(tmp_path):
    told = run_python("\n".join(python_of("docs/tutorials/measured.md")), tmp_path)
    lines = dict(line.split(" ", 1) for line in told.splitlines())
    # No frame is bad, and so no line begins with an index.
    what = {"volume", "surface", "porosity", "true-volume", "true-porosity"}
    assert set(lines) == {"[-70.", "the", "residual", *what}
    assert (tmp_path / "slices.png").is_file()
    values = {name: float(lines[name].split()[0]) for name in what}
    assert f"{values['volume']:.1e} {values['true-volume']:.1e}" == "7.9e+04 7.3e+04"
    assert f"{values['porosity']:.2f} {values['true-porosity']:.2f}" == "0.04 0.07"
    assert Recipe.from_yaml((tmp_path / "recipe.yaml").read_text(encoding="utf-8")).entries


def test_how_tos_run(tmp_path):
    pages = ["calibrate", "from-etspy", "provenance", "reconstruct", "reports", "trim"]
    code = "\n".join("\n".join(python_of(f"docs/how-to/{page}.md")) for page in pages)
    told = run_python("import matplotlib; matplotlib.use('agg')\n" + code, tmp_path)
    assert "step 1, filter median: size 3 → 5" in told
    assert (tmp_path / "slices.pdf").is_file()


def test_spectra_tutorial_runs(tmp_path):
    blocks = python_of("docs/tutorials/spectra.md")
    assert len(blocks) == 8
    lines = run_python("\n".join(blocks), tmp_path).splitlines()
    # All elements were fitted, so hardly a spectrum stands out of the noise.
    assert float(lines[0].split(" %")[0]) < 1
    assert lines[1].startswith("most is left at ")
    # Each pure phase has a component of its own; the scree stops at what 20 counts tell.
    assert all(f"'{element}" in lines[2] for element in ("Ni", "Cr", "Si", "Pt"))
    assert lines[-1] == "<RecStack, title: Ni_Ka, dimensions: (24|24, 24)>"
