"""Faults of the field that no other test shows to be absent; `pitfalls.yaml` lists them all."""

import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import datasets as ds
from tomojupyter.errors import UnknownParameterError
from tomojupyter.numerics import blocks
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.reconstruct import fbp
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.ui.panels import load_more

TILTS = np.arange(-70, 71, 5.0)


def test_a_second_tilt_alignment_adds_to_the_angle_of_the_first():
    off = ds.get_catalyst_data(size=64, tilts=TILTS, tiltrotate=1.5)
    once = off.tilt_align("CoM")
    again = once.tilt_align("CoM")
    found = [s.metadata.Tomography.tiltaxis for s in (once, again)]
    assert found[0] == pytest.approx(-1.5, abs=0.3)
    # The second finds nothing to do; a tilt axis of 0 would say that the first was forgotten.
    assert found[1] == pytest.approx(found[0], abs=0.05)
    by_hand = again.tilt_align("manual", angle=2)
    assert by_hand.metadata.Tomography.tiltaxis == pytest.approx(found[1] + 2)


@pytest.mark.parametrize("method", ["BP", "FBP"])
@pytest.mark.parametrize("thickness", [20, 31])
def test_a_thin_volume_is_the_middle_of_a_thick_one(series, method, thickness):
    thin = series.reconstruct(method, thickness=thickness, show_progressbar=False)
    thick = series.reconstruct(method, thickness=thickness + 12, show_progressbar=False)
    assert np.allclose(thin.data, thick.data[:, 6:-6], atol=1e-4 * np.abs(thick.data).max())


def test_a_limit_that_fbp_does_not_have_is_refused(series):
    with pytest.raises(UnknownParameterError, match=r"constrain: not a parameter of FBP \(SIRT"):
        series.reconstruct("FBP", constrain=True)


@pytest.mark.parametrize("solver", ["fbp", "sirt"])
def test_all_cores_work_at_once(monkeypatch, solver):
    monkeypatch.setattr(blocks.os, "cpu_count", lambda: 2)
    together, met, run = threading.Barrier(2, timeout=20), set(), blocks.Workers.run

    def run_together(self, function, parts, beat):
        def wait_for_the_other(part):
            if threading.get_ident() not in met and len(parts) > 1:
                met.add(threading.get_ident())
                together.wait()  # raises unless a second thread comes while this one works
            return function(part)

        return run(self, wait_for_the_other, parts, beat)

    monkeypatch.setattr(blocks.Workers, "run", run_together)
    projector = make_projector(TILTS, 16, 16)
    sinograms = np.random.default_rng(0).random((512, len(TILTS), 16), np.float32)
    if solver == "fbp":
        fbp(projector, sinograms, TILTS)
    else:
        sirt(projector, sinograms, iterations=1)
    assert len(met) == 2


@pytest.mark.parametrize("arguments", [("FBP",), ("SIRT", 1)])
def test_memory_is_less_than_four_times_the_volume(arguments):
    """Of the volume 17 MB, of a series a third of that; 2.1 and 2.9 times were measured."""
    images = np.random.default_rng(0).random((21, 64, 1024), np.float32)
    images[:, :10] = images[:, -10:] = 0
    stack = tomo.TomoStack(images, np.linspace(-60, 60, 21))
    tracemalloc.start()
    try:
        volume = stack.reconstruct(*arguments, show_progressbar=False, ncores=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * volume.data.nbytes


def test_only_small_files_are_uploaded_through_the_browser():
    """Files are opened by their path on the server, of whatever size."""
    root = Path(tomo.__file__).parent
    sources = [*root.rglob("*.py"), *root.rglob("*.js")]
    assert len(sources) > 100
    uploads = ("FileUpload", 'type="file"', 'type: "file"', "FileReader", "arrayBuffer()")
    texts = {path.name: path.read_text(encoding="utf-8") for path in sources}
    assert [n for n, text in texts.items() if any(u in text for u in uploads)] == ["drop.js"]
    users = [n for n, text in texts.items() if "import DropZone" in text]
    assert users == ["load_more.py"]
    assert "largest=LARGEST" in texts["load_more.py"]
    assert load_more.LARGEST <= 10_000_000
