"""The thickness that is proposed from what the specimen is said to be."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.ui.panels.reconstruct import ReconstructPanel
from tomojupyter.ui.panels.reconstruct_slice import QuickLook
from tomojupyter.ui.panels.reconstruct_thickness import proposed_thickness
from tomojupyter.ui.session import Session

TILTS = np.arange(-66, 67, 4.0)


def bodies(kind, size=128):
    """Return a volume (x, z, y) and the height in px that its matter takes."""
    c = np.arange(size) - (size - 1) / 2
    x, z, y = np.meshgrid(c, c, c, indexing="ij")
    if kind == "slab":
        texture = 1 + 0.8 * np.sin(x / 3) * np.sin(y / 4)
        return (np.abs(z) < 16) * texture, 32
    if kind == "needle":
        return (np.hypot(y, z) < 20) * 1.0, 40
    return (np.sqrt(x**2 + y**2 + z**2) < 24) * 1.0, 48


def series(kind):
    volume, height = bodies(kind)
    images = tomo.RecStack(volume.astype(np.float32)).forward_project(TILTS).data
    return tomo.TomoStack(np.asarray(images), TILTS), height


@pytest.mark.parametrize("kind", ["compact", "needle", "slab"])
def test_the_proposal_holds_the_specimen_and_little_more(kind):
    signal, height = series(kind)
    found = proposed_thickness(signal, kind, QuickLook(signal))
    assert height <= found <= 2 * height
    assert found % 8 == 0


def test_nothing_is_proposed_for_an_unknown_or_a_tall_one(stack):
    assert proposed_thickness(stack, "", QuickLook(stack)) is None
    full = tomo.TomoStack(np.ones((5, 64, 64), np.float32), [-60, -30, 0, 30, 60])
    full.data[:] += np.linspace(0, 1, 64)[:, None]
    assert proposed_thickness(full, "compact", None) is None


def test_the_panel_fills_it_in_and_leaves_what_was_typed(stack):
    signal, height = series("needle")
    session = Session(signal)
    panel = ReconstructPanel(session)
    panel.activate()
    field = panel.controls["thickness"]
    assert field.value == ""
    session.specimen = "needle"
    proposed = int(field.value)
    assert proposed >= height
    assert f"thickness of {proposed} px is proposed for a needle" in panel.messages.value
    panel.form.choose("SIRT")
    assert panel.controls["thickness"].value == str(proposed)
    panel.controls["thickness"].value = 60
    session.specimen = "slab"
    assert panel.controls["thickness"].value == "60"
    assert "is proposed" not in panel.messages.value
    panel.controls["thickness"].value = ""
    session.specimen = ""
    assert panel.controls["thickness"].value == ""
