"""Files go between ETSpy and us with tilts, shifts, units and values.

The slow test asks ETSpy itself, in an environment of its own. The quick one loads files with the
same metadata, made here.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hyperspy.signals import Signal1D, Signal2D

import tomojupyter.api as tomo

TILTS = [-20.0, -10.0, 0.0, 10.5, 20.0]
DATA = np.random.default_rng(0).normal(100, 10, (5, 8, 10)).astype("f4")
SHIFTS = np.arange(10.0).reshape(5, 2) / 2

SAVE = """
import sys
from pathlib import Path
import numpy as np
from etspy.base import TomoStack
folder = Path(sys.argv[1])
stack = TomoStack(np.load(folder / "data.npy"), np.load(folder / "tilts.npy"))
for axis, scale in zip(stack.axes_manager.signal_axes, (0.5, 0.25)):
    axis.scale, axis.units = scale, "nm"
stack.shifts = np.load(folder / "shifts.npy")
stack.metadata.Tomography.tiltaxis = 1.5
stack.metadata.Tomography.xshift = 0.25
stack.metadata.Tomography.yshift = -2.0
stack.save(folder / "stack.hspy")
stack.inav[0:3].save(folder / "cut.hspy")
volume = stack.reconstruct("FBP", cuda=False)
volume.save(folder / "volume.hspy")
np.save(folder / "volume.npy", volume.data)
"""
LOAD = """
import json, sys
from pathlib import Path
import numpy as np
import etspy.io
folder = Path(sys.argv[1])
stack = etspy.io.load(folder / "ours.hspy")
assert type(stack).__module__.startswith("etspy."), type(stack)
np.save(folder / "read.npy", stack.data)
tomography = stack.metadata.Tomography
axes = [[a.name, a.scale, a.units] for a in stack.axes_manager.signal_axes]
told = {"tilts": stack.tilts.data.ravel().tolist(), "shifts": stack.shifts.data.tolist(),
        "axes": axes, "tiltaxis": tomography.tiltaxis, "xshift": tomography.xshift,
        "yshift": tomography.yshift, "cropped": tomography.cropped}
print(json.dumps(told))
"""

OWN = """
import json, sys
from pathlib import Path
import numpy as np
import etspy, etspy.io
folder = Path(etspy.__file__).parent / "tests" / "test_data"
told = {"folder": str(folder), "files": {}}
for number, names in enumerate(json.loads(sys.argv[1])):
    found = [str(f) for f in sorted(folder.glob(names))]
    stack = etspy.io.load(found if len(found) > 1 else found[0])
    np.save(f"own-{number}.npy", stack.data)
    x = stack.axes_manager.signal_axes[0]
    told["files"][names] = [stack.tilts.data.ravel().tolist(), x.scale, x.units]
print(json.dumps(told))
"""
FILES = ("HAADF.dm3", "HAADF.mrc", "HAADF.ali", "HAADF_Aligned.hspy", "DM_Series_Test/*.dm3",
         "Catalyst3DModel_TiltSeries180.hspy")  # fmt: skip


def run_in(python, code, folder, *given):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", code, *(given or [folder])], cwd=folder, env=environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1:]


def assert_loaded(stack, n=5):
    assert type(stack)._signal_type == "TomoStack"
    assert stack.tilts.data.ravel().tolist() == TILTS[:n]
    assert np.array_equal(stack.shifts.data, SHIFTS[:n])
    assert np.array_equal(np.asarray(stack.data), DATA[:n])
    x, y = stack.axes_manager.signal_axes
    assert (x.scale, x.units, y.scale, y.units) == (0.5, "nm", 0.25, "nm")
    tomography = stack.metadata.Tomography
    assert (tomography.tiltaxis, tomography.xshift, tomography.yshift) == (1.5, 0.25, -2.0)
    # What ETSpy applied is where ours goes on: rotation and shifts are in the transforms.
    assert np.degrees(np.arctan2(*stack.transforms[0][[1, 0], 0])) == pytest.approx(1.5)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "data.npy", DATA)
    np.save(tmp_path / "tilts.npy", TILTS)
    np.save(tmp_path / "shifts.npy", SHIFTS)
    return tmp_path


@pytest.mark.parametrize("lazy", [False, True])
def test_a_file_with_the_metadata_of_etspy(tmp_path, lazy):
    signal = Signal2D(DATA)
    for axis, scale in zip(signal.axes_manager.signal_axes, (0.5, 0.25), strict=True):
        axis.scale, axis.units = scale, "nm"
    signal.metadata.set_item("Signal.signal_type", "TomoStack")
    values = {"cropped": False, "tiltaxis": 1.5, "xshift": 0.25, "yshift": -2.0,
              "tilts": Signal1D(np.array(TILTS)[:, None]), "shifts": Signal1D(SHIFTS)}  # fmt: skip
    for key, value in values.items():
        signal.metadata.set_item(f"Tomography.{key}", value)
    signal.save(tmp_path / "a.hspy")
    assert_loaded(tomo.load(tmp_path / "a.hspy", lazy=lazy))


@pytest.mark.slow
def test_files_of_etspy_itself(folder, etspy_python):
    run_in(etspy_python, SAVE, folder)
    for lazy in (False, True):
        assert_loaded(tomo.load(folder / "stack.hspy", lazy=lazy))
    cut = tomo.load(folder / "cut.hspy")
    assert_loaded(cut, 3)
    # Its axis counted from the first projection kept; ours shows the tilts.
    assert (cut.axes_manager[0].offset, cut.axes_manager[0].scale) == (-20, 10)
    volume = tomo.load(folder / "volume.hspy")
    assert type(volume) is tomo.RecStack
    assert np.array_equal(volume.data, np.load(folder / "volume.npy"))
    x, y, z = volume.axes_manager[0], *volume.axes_manager.signal_axes
    assert [(a.name, a.units) for a in (x, y, z)] == [("x", "nm"), ("y", "nm"), ("z", "nm")]
    assert (x.scale, y.scale) == (0.5, 0.25)


@pytest.mark.slow
def test_our_files_in_etspy(folder, etspy_python):
    stack = tomo.TomoStack(DATA, TILTS, SHIFTS).set_scale(size=0.5, units="nm")
    turned = stack.set_axis(angle=0).tilt_align("manual", shift=2, angle=1.5)
    for ours in (stack, turned, turned.isig[1:, 2:-1]):
        ours.save(folder / "ours.hspy", overwrite=True)
        told = json.loads(run_in(etspy_python, LOAD, folder)[0])
        assert told["tilts"] == TILTS
        assert np.allclose(told["shifts"], ours.shifts.data)
        assert told["axes"] == [["x", 0.5, "nm"], ["y", 0.5, "nm"]]
        for key in ("tiltaxis", "xshift", "yshift"):
            assert told[key] == pytest.approx(ours.metadata.Tomography[key])
        assert told["cropped"] == (ours.data.shape[1:] not in [(8, 10), (10, 8)])
        # It takes the least value off when it is below 0; ours is not.
        assert ours.data.min() >= 0
        assert np.array_equal(np.load(folder / "read.npy"), np.asarray(ours.data, "f4"))


@pytest.mark.slow
def test_the_test_data_of_etspy(tmp_path, etspy_python):
    told = json.loads(run_in(etspy_python, OWN, tmp_path, json.dumps(FILES))[0])
    for number, (names, (tilts, scale, units)) in enumerate(told["files"].items()):
        found = sorted(Path(told["folder"]).glob(names))
        stack = tomo.load(found if len(found) > 1 else found[0])
        assert np.allclose(stack.tilts.data.ravel(), tilts), names
        x = stack.axes_manager.signal_axes[0]
        assert (x.scale, x.units) == (pytest.approx(scale), units), names
        theirs = np.load(tmp_path / f"own-{number}.npy")
        # A stack whose least value is below 0 is lifted by it there; ours is as stored.
        lifted = min(0.0, float(stack.data.min()))
        assert np.array_equal(np.asarray(stack.data, float) - lifted, theirs), names
