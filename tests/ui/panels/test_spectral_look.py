"""What the Spectral panel shows of spectra, and what maps leave of them; no browser."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.steps import history
from tomojupyter.ui.jobs import Inline

LEFT = "left over"


def shown(panel):
    return np.array(panel.views.plot.series["sum"].y)


@pytest.fixture
def linear(panel):
    panel.look.scale.value = "linear"
    return panel


# ---------------------------------------------------------------- spectrum


def test_the_spectrum_is_that_of_the_series_until_another_is_wanted(linear, made):
    assert np.array_equal(shown(linear), made.edx.data.sum(axis=(0, 1, 2)))
    assert linear.views.plot.y_label == "counts, all tilts"


def test_the_spectrum_of_the_tilt_that_is_seen_follows_the_slider(linear, made):
    linear.look.of.value = "tilt"
    for i in (0, 5):
        linear.views.overlay.projection = i
        assert np.array_equal(shown(linear), made.edx.data[i].sum(axis=(0, 1)))
    assert linear.views.plot.y_label == "counts at 40°"
    # Names of lines stand on the spectrum that is drawn.
    dot = linear.views.plot.marks["l:Ni_Ka"]
    at = linear.views.plot.nearest("sum", dot.x)
    assert dot.y == shown(linear)[at]
    assert len(linear.views.plot.windows) == 4


def test_the_spectrum_of_a_box_is_that_of_its_pixels(linear, made):
    linear.views.overlay.projection = 2
    linear.look.of.value = "box"
    assert linear.views.overlay.mode == "crop"
    linear.views.overlay._emit("rect", 3, 5, 9, 8)
    assert np.array_equal(shown(linear), made.edx.data[2, 5:8, 3:9].sum(axis=(0, 1)))
    assert linear.views.plot.y_label == "counts in the box at −20°"
    # In maps of blocks the box is in px of these.
    linear.controls["rebin"].value = 2
    assert np.array_equal(shown(linear), made.edx.data[2, 10:16, 6:18].sum(axis=(0, 1)))
    linear.look.of.value = "all"
    assert linear.views.overlay.mode == "none"
    assert not [o for o in linear.views.overlay.overlays if o.get("id") == "box"]
    assert np.array_equal(shown(linear), made.edx.data.sum(axis=(0, 1, 2)))


def test_a_box_is_drawn_only_where_one_is_wanted(panel):
    panel.views.overlay._emit("rect", 3, 5, 9, 8)
    assert panel.look.region.tilt is None
    assert not panel.views.overlay.overlays


def test_axes_are_logarithmic_or_not(panel):
    panel.part.value = "Components"
    panel.components.form.controls["iterations"].value = 5
    panel.components.form.controls["components"].value = "2"
    panel.preview_button.click()
    assert panel.views.plot.log_y
    assert panel.components.scree.log_y
    assert shown(panel).min() == 0.5  # a channel without counts has a place
    panel.look.scale.value = "linear"
    assert not panel.views.plot.log_y
    assert not panel.components.scree.log_y
    assert shown(panel).min() == 0


def test_components_are_drawn_with_their_counts_in_the_part_that_is_seen(linear):
    linear.part.value = "Components"
    linear.components.form.controls["iterations"].value = 20
    linear.components.form.controls["components"].value = "3"
    linear.preview_button.click()
    found = linear.components.found
    linear.look.of.value = "tilt"
    linear.views.overlay.projection = 1
    name = next(iter(found))
    energies, spectra = tomo.spectral.component_spectra(found)
    width = 0.02  # keV, of the simulated series
    channels = np.maximum(np.gradient(energies) / width, 1)
    expected = spectra[name] * found[name].data[1].sum(dtype=float) / channels
    drawn = linear.views.plot.series[name].y
    keep = np.isfinite(drawn)
    np.testing.assert_allclose(drawn[keep], expected[keep], rtol=1e-6)
    assert keep.sum() > 20


# ---------------------------------------------------------------- residual


def test_residual_by_panel_and_by_call_are_the_same(panel, made):
    assert panel.look.left.disabled
    panel.preview_button.click()
    panel.look.left.value = True
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    expected = tomo.spectral.residual(made.edx, maps)
    assert np.array_equal(panel.look.found.maps.data, expected.maps.data)
    overlay = panel.views.overlay
    assert overlay.title == "Residual"
    assert np.array_equal(overlay._array, expected.maps.data[overlay.projection])
    assert len(panel.views.plot.series[LEFT].y) == len(expected.spectrum)
    assert "standard deviations above noise" in panel.session.message.text
    panel.look.left.value = False
    assert overlay.title == "Overlay"
    assert overlay._array.ndim == 3
    assert LEFT not in panel.views.plot.series


def test_residual_of_binned_maps_is_that_of_the_maps_before(panel, made):
    panel.controls["rebin"].value = 2
    panel.preview_button.click()
    panel.look.left.value = True
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    expected = tomo.spectral.residual(made.edx, maps)
    assert np.array_equal(panel.look.found.maps.data, expected.maps.data)


def test_residual_of_components(panel, made):
    panel.part.value = "Components"
    panel.components.form.controls["iterations"].value = 20
    panel.preview_button.click()
    panel.look.left.value = True
    expected = tomo.spectral.residual(made.edx, panel.maps)
    assert np.array_equal(panel.look.found.maps.data, expected.maps.data)


def test_residual_goes_with_the_maps_it_belongs_to(panel):
    panel.preview_button.click()
    panel.look.left.value = True
    panel.lines.remove("Pt_Ma")
    assert panel.views.overlay.title == "Overlay"
    panel.preview_button.click()
    assert not panel.look.left.value
    assert panel.look.found is None
    panel.lines.form.choose("windows")
    panel.preview_button.click()
    assert panel.look.left.disabled
    assert "take the fit" in panel.look.left.tooltip


def test_a_residual_that_fails_is_a_sentence(panel, monkeypatch):
    panel.preview_button.click()
    panel.maps["Ni_Ka"].metadata.Tomojupyter.history = ""
    panel.look.left.value = True
    assert not panel.look.left.value
    assert "These are no maps of spectra" in panel.session.message.text


# ---------------------------------------------------------------- Finish


class Impatient(Inline):
    """Presses Finish at the third iteration of the volumes, and too early once before."""

    def __init__(self):
        super().__init__()
        self.heeded = []

    def submit(self, work, on_report, on_done):
        def report(latest):
            heeded = latest.values.get("can_finish")
            self.heeded.append(heeded)
            if heeded and latest.done == 3:
                self.finish()
            on_report(latest)

        super().submit(work, report, on_done)


def test_finish_keeps_the_iterations_that_were_done(panel):
    panel.session.executor = Impatient()
    panel.together.form.controls["iterations"].value = 30
    panel.apply.click()
    heeded = panel.session.executor.heeded
    assert heeded[0] is False  # maps are made to their end
    assert heeded[-1] is True
    record = history.read(panel.volumes["Ni_Ka"])[-1]
    assert record["resolved"]["steps"] == 3
    assert len(panel.maps) == 4


def test_finish_is_not_offered_where_maps_follow_each_other(panel):
    panel.session.executor = Impatient()
    panel.together.form.choose("SIRT")
    panel.together.form.controls["iterations"].value = 5
    panel.apply.click()
    assert not any(panel.session.executor.heeded)
    assert history.read(panel.volumes["Ni_Ka"])[-1]["resolved"]["iterations"] == 5
