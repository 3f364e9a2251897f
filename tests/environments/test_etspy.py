"""Beside a package that registers the same signal types, our classes stay ours.

The quick tests put a package made here on the path of a new process, registered for HyperSpy
as ETSpy is. The slow one does the same with ETSpy itself, in an environment of its own; it needs
a package index.
"""

import json
import os
import subprocess
import sys

import pytest

KINDS = {"TomoStack": 2, "RecStack": 2, "TomoTilts": 1, "TomoShifts": 1}
PACKAGE = "import hyperspy.signals as hs\n" + "".join(
    f"class {name}(hs.Signal{dimension}D):\n    _signal_type = '{name}'\n"
    for name, dimension in KINDS.items()
)
EXTENSION = "signals:\n" + "".join(
    f"  {name}:\n    signal_type: {name}\n    signal_dimension: {dimension}\n"
    f"    dtype: real\n    lazy: false\n    module: rival.base\n"
    for name, dimension in KINDS.items()
)

# Prints the module of each object's class, and who owns the signal type for HyperSpy itself.
PROBE = """
import json, sys
from pathlib import Path
sys.path.extend(sys.argv[2:])  # behind ours, so that its extension is registered last
import numpy as np
import hyperspy.api as hs
from hyperspy.extensions import ALL_EXTENSIONS
import tomojupyter.api as tomo

seen = {}
def see(name, signal):
    seen[name] = type(signal).__module__ + "." + type(signal).__name__

tilts = np.arange(-30, 31, 10)
stack = tomo.TomoStack(np.random.default_rng(0).random((7, 8, 9)).astype("f4"), tilts)
see("constructor", stack)
see("map", stack.map(np.fliplr, inplace=False, show_progressbar=False))
changed = stack.deepcopy()
changed.map(np.fliplr, show_progressbar=False)
see("map in place", changed)
changed.change_dtype("float64")
see("change_dtype", changed)
see("deepcopy", stack.deepcopy())
see("copy", stack.copy())
see("inav", stack.inav[1:4])
see("isig", stack.isig[2:, 1:])
see("sum of two", stack + stack)
see("rebin", stack.rebin(scale=(1, 2, 2)))
lazy = stack.as_lazy()
see("as_lazy", lazy)
lazy.change_dtype("float64")
see("lazy change_dtype", lazy)
lazy.compute(show_progressbar=False)
see("compute", lazy)
see("tilts", stack.tilts)
see("shifts", stack.shifts)
see("registered", stack.filter("median", size=3))
volume = stack.reconstruct("FBP")
see("volume", volume)
see("volume copy", volume.deepcopy())
folder = Path(sys.argv[1])
for name, signal in (("stack", stack), ("volume", volume)):
    signal.save(folder / f"{name}.hspy", overwrite=True)
    see(f"load {name}", tomo.load(folder / f"{name}.hspy"))
back = tomo.load(folder / "stack.hspy")
see("loaded tilts", back.tilts)
see("load lazily", tomo.load(folder / "stack.hspy", lazy=True))
back.change_dtype("float64")
see("loaded change_dtype", back)
plain = hs.load(folder / "stack.hspy")
see("wrapped", tomo.TomoStack(plain))
assert np.allclose(back.tilts.data.ravel(), tilts)
print(json.dumps({"seen": seen, "owner": ALL_EXTENSIONS["signals"]["TomoStack"]["module"]}))
"""


def probe(python, folder, environment, *behind):
    """Return what the probe printed, run by `python` in an empty folder."""
    script = folder / "probe.py"
    script.write_text(PROBE, encoding="utf-8")
    done = subprocess.run(
        [python, "-W", "ignore", script, folder, *behind], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def assert_ours(told):
    assert len(told["seen"]) > 20
    strangers = {k: v for k, v in told["seen"].items() if not v.startswith("tomojupyter.signals.")}
    assert strangers == {}
    for name in ("as_lazy", "lazy change_dtype", "load lazily"):
        assert told["seen"][name].endswith(".LazyTomoStack")
    for name in ("constructor", "map", "map in place", "change_dtype", "load stack", "wrapped"):
        assert told["seen"][name] == "tomojupyter.signals.stack.TomoStack"
    for name in ("volume", "load volume"):
        assert told["seen"][name] == "tomojupyter.signals.rec.RecStack"


def without_path():
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}


@pytest.fixture
def rival(tmp_path):
    """A folder with a package that is registered for HyperSpy as ETSpy is."""
    package = tmp_path / "site" / "rival"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "base.py").write_text(PACKAGE, encoding="utf-8")
    (package / "hyperspy_extension.yaml").write_text(EXTENSION, encoding="utf-8")
    info = package.parent / "rival-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rival\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hyperspy.extensions]\nrival = rival\n")
    return package.parent


def test_classes_stay_ours_where_the_other_package_registers_last(tmp_path, rival):
    told = probe(sys.executable, tmp_path, {**os.environ}, rival)
    assert told["owner"] == "rival.base"
    assert_ours(told)


def test_classes_stay_ours_where_the_other_package_registers_first(tmp_path, rival):
    told = probe(sys.executable, tmp_path, {**os.environ, "PYTHONPATH": str(rival)})
    assert told["owner"].startswith("tomojupyter")
    assert_ours(told)


@pytest.mark.slow
def test_classes_stay_ours_beside_etspy_itself(tmp_path, etspy_python):
    assert_ours(probe(etspy_python, tmp_path, without_path()))
