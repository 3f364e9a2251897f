"""The Spectral panel against the calls that it stands for; no browser."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.ui import SpectralPanel
from tomojupyter.ui.panels.spectral_data import LiveMap, tilts_differ

TILTS = np.arange(-60, 61, 20.0)


# ---------------------------------------------------------------- maps


def test_maps_by_fit_by_panel_and_by_call_are_the_same(panel, made, same):
    panel.preview_button.click()
    same(panel.maps, tomo.spectral.line_maps(made.edx, lines=panel.lines.names))
    assert panel.up_to_date


def test_maps_by_windows_by_panel_and_by_call_are_the_same(panel, made, same):
    panel.lines.form.choose("windows")
    panel.lines.form.controls["widths"].value = 1.5
    panel.preview_button.click()
    expected = tomo.spectral.line_maps(
        made.edx, lines=panel.lines.names, method="windows", widths=1.5
    )
    same(panel.maps, expected)


def test_preview_by_windows_is_the_map_that_is_made(panel):
    panel.lines.form.choose("windows")
    panel.views.overlay.projection = 2
    shown = [np.array(picture._array) for picture in panel.views.pictures]
    names = [row.name for row in panel.lines.rows if row.shown]
    panel.preview_button.click()
    for image, name in zip(shown, names, strict=True):
        np.testing.assert_allclose(image, panel.maps[name].data[2], rtol=1e-4, atol=1e-3)


def test_dragged_background_window_goes_into_the_step(panel, made, same):
    window = next(w for w in panel.lines.windows if w.name == "Ni_Ka")
    plot = panel.views.plot
    plot._drag(window.beside[0], 1.0, False)
    plot._drag(window.beside[0] - 0.2, 1.0, True)
    step = panel.steps()[0]
    assert step.method == "windows"
    rows = dict(zip(step.lines, step.background, strict=True))
    assert rows["Ni_Ka"][0] == pytest.approx(window.beside[0] - 0.2, abs=1e-3)
    assert rows["Cr_Ka"] == next(w for w in panel.lines.windows if w.name == "Cr_Ka").beside
    panel.preview_button.click()
    expected = tomo.spectral.line_maps(
        made.edx, lines=step.lines, method="windows", background=step.background
    )
    same(panel.maps, expected)


def test_dragged_edge_of_a_line_sets_the_width_of_all(panel):
    window = next(w for w in panel.lines.windows if w.name == "Cr_Ka")
    plot = panel.views.plot
    plot._drag(window.high, 1.0, False)
    plot._drag(window.energy + 1.5 * (window.high - window.energy), 1.0, True)
    assert panel.lines.widths == pytest.approx(3.0, abs=0.02)


def test_no_background_is_taken_off_where_that_is_asked_for(panel, made):
    panel.lines.form.choose("windows")
    panel.lines.bare.value = True
    panel.preview_button.click()
    expected = tomo.spectral.line_maps(
        made.edx, lines=panel.lines.names, method="windows", background=[()] * 4
    )
    np.testing.assert_array_equal(panel.maps["Ni_Ka"].data, expected["Ni_Ka"].data)


def test_rebinned_maps_are_those_of_the_step(panel, made, same):
    panel.controls["rebin"].value = 2
    panel.preview_button.click()
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    same(panel.maps, {name: stack.bin(2) for name, stack in maps.items()})
    assert "trim <b>bin</b>" in panel.record.value


def test_maps_are_not_up_to_date_once_the_form_changed(panel):
    panel.preview_button.click()
    assert "counts" in panel.views.overlay.subtitle
    panel.lines.remove("Pt_Ma")
    assert not panel.up_to_date
    assert "preview" in panel.views.overlay.subtitle


# ---------------------------------------------------------------- lines


def test_clicked_peak_is_named_and_added(panel):
    panel.lines.remove("Cr_Ka")
    panel.views.plot._calls["click"][0](5.42, 100.0)
    assert next(iter(panel.lines.candidates)) == "Cr_Ka"
    panel.lines.candidates["Cr_Ka"].click()
    assert "Cr_Ka" in panel.lines.names


def test_added_element_takes_its_main_line(panel):
    panel.controls["add"].value = "Cu"
    assert panel.lines.names[-1] == "Cu_Ka"
    assert panel.controls["add"].value == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Xx", "not the symbol of an element"),
        ("Ni_Kz", "is not a line"),
        ("H", "has no line"),
    ],
)
def test_what_is_no_line_ends_in_a_sentence(panel, text, says):
    before = panel.lines.names
    panel.controls["add"].value = text
    assert says in panel.lines.says.value
    assert panel.lines.names == before


def test_counts_of_the_table_are_the_mean_of_the_maps_by_windows(panel, made):
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names, method="windows")
    for name, stack in maps.items():
        assert panel.lines.counts[name] == pytest.approx(float(stack.data.mean()), rel=1e-3)


def test_hidden_line_leaves_the_overlay_but_not_the_step(panel):
    panel.lines.eyes["Ni_Ka"].click()
    assert "Ni" not in panel.views.overlay.subtitle
    assert "Ni_Ka" in panel.steps()[0].lines


def test_four_lines_are_shown_at_most(panel):
    panel.lines.add_line("Cu")
    panel.lines.look("Cu_Ka")
    assert sum(row.shown for row in panel.lines.rows) == 4
    assert panel.lines.rows[-1].shown


def test_live_map_reads_only_what_is_seen(made):
    row = np.zeros(made.edx.data.shape[-1])
    row[100:120] = 1
    live = LiveMap(made.edx.data, row, 2)
    assert live.shape == (7, 8, 8)
    whole = made.edx.data[3, ..., 100:120].sum(axis=-1).reshape(8, 2, 8, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(live[3], whole)


# ---------------------------------------------------------------- sentences


def test_overlap_is_a_warning_of_windows_only(panel):
    panel.lines.form.choose("windows")
    panel.lines.add_line("O_Ka")
    assert "O Kα overlaps Cr Lα (0.572 keV)" in panel.messages.value
    panel.lines.form.choose("fit")
    assert "overlaps" not in panel.messages.value


def test_few_counts_are_a_warning(panel):
    assert panel.lines.counts["Pt_Ma"] < 1
    assert "Pt Mα" in panel.messages.value
    assert "Rebin" in panel.messages.value


def test_without_energies_nothing_can_be_made(made, empty):
    edx = made.edx.deepcopy()
    edx.axes_manager[-1].units = ""
    panel = SpectralPanel(empty)
    panel.open_signal(edx, "no energies")
    assert "No energy axis in this series." in panel.messages.value
    assert panel.apply.disabled
    assert panel.preview_button.disabled
    assert panel.views.plot.x_label == "channel"


def test_all_empty_spectra_are_a_sentence(made, empty):
    edx = made.edx.deepcopy()
    edx.data = np.zeros_like(edx.data)
    panel = SpectralPanel(empty)
    panel.open_signal(edx, "empty")
    assert "All spectra are empty" in panel.messages.value
    assert panel.apply.disabled


def test_other_tilts_of_the_aligned_series_are_a_blocker(panel, made):
    short = made.haadf.inav[: len(TILTS) - 1]
    panel.session.replace(short, "HAADF")
    panel.controls["align"].value = "series"
    assert "HAADF has 6 tilts, the spectra 7: the spectra alone have 60°." in panel.messages.value
    assert panel.apply.disabled
    panel.controls["align"].value = "none"
    assert not panel.apply.disabled


def test_tilts_that_differ_are_listed():
    assert tilts_differ([0, 10], [0, 10.001], "HAADF") == ""
    assert "leave out −20° in Trim" in tilts_differ([0, 10], [-20, 0, 10], "HAADF")
    assert "order differs" in tilts_differ([0, 10], [10, 0], "HAADF")


def test_tilts_are_asked_for_where_there_are_none(made, empty):
    edx = made.edx.deepcopy()
    del edx.metadata.Tomography
    panel = SpectralPanel(empty)
    panel.open_signal(edx, "no tilts")
    assert "enter the first one and the step" in panel.messages.value
    panel.opener.first.value, panel.opener.increment.value = "-60", "20"
    assert panel.tilts == tuple(TILTS)
    panel.preview_button.click()
    assert panel.maps["Ni_Ka"].tilts.data.ravel().tolist() == TILTS.tolist()


def test_empty_panel_says_what_to_do(empty):
    panel = SpectralPanel(empty)
    panel.activate()
    assert "Open a series of spectrum images" in panel.messages.value
    assert panel.apply.disabled


def test_spectra_too_large_for_memory_are_a_sentence(made, empty, monkeypatch):
    from tomojupyter.steps import spectra

    monkeypatch.setattr(spectra, "_free_memory", lambda: 1000)
    panel = SpectralPanel(empty)
    panel.open_signal(made.edx, "large")
    assert "rebin the energy axis or crop the images first" in panel.session.message.text
    assert panel.spectra is None


def test_maps_too_large_together_are_a_sentence(panel, monkeypatch):
    from tomojupyter.steps import coupled

    monkeypatch.setattr(coupled, "free_bytes", lambda: 100_000)
    panel.apply.click()
    assert "4 series of 7 x 16 x 16 px together take" in panel.session.message.text
    assert panel.session.message.kind == "error"
    assert not panel.volumes


def test_counts_that_were_made_negative_are_a_sentence(made, empty):
    edx = made.edx.deepcopy()
    edx.change_dtype("float32")
    edx.data[2, 3, 3, 7] = -1
    panel = SpectralPanel(empty)
    panel.open_signal(edx, "corrected")
    assert "at tilt #2 hold negative values, so they are not counts" in panel.session.message.text
    assert panel.spectra is None


def test_pixels_and_a_tilt_without_counts_are_mapped_as_nothing(made, empty):
    edx = made.edx.deepcopy()
    edx.data[:, :4] = 0
    edx.data[3] = 0
    panel = SpectralPanel(empty)
    panel.open_signal(edx, "holes")
    panel.preview_button.click()
    assert not panel.maps["Ni_Ka"].data[:, :4].any()
    assert not panel.maps["Ni_Ka"].data[3].any()
