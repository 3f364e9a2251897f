"""Components and volumes of the Spectral panel, and how spectra are opened; no browser."""

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.steps import history, make_step
from tomojupyter.ui import ExplorePanel, SpectralPanel
from tomojupyter.ui.dashboard import Dashboard, spectral
from tomojupyter.ui.jobs import Inline
from tomojupyter.ui.session import Session
from tomojupyter.ui.sources import Source
from tomojupyter.ui.store import Store


def quick(panel):
    panel.together.form.controls["iterations"].value = 6


# ---------------------------------------------------------------- components


def test_components_by_panel_and_by_call_are_the_same(panel, made, same):
    panel.part.value = "Components"
    panel.components.form.controls["iterations"].value = 20
    panel.preview_button.click()
    expected = tomo.spectral.decompose(made.edx, iterations=20)
    same(panel.maps, expected)
    _, _, proposed = tomo.spectral.scree(expected)
    assert f"proposed: {proposed}" in panel.components.head.value
    assert len(panel.components.scree.series["taken"].x) == len(expected)


def test_kept_components_are_reconstructed_under_their_new_names(panel):
    panel.part.value = "Components"
    panel.components.form.controls["iterations"].value = 20
    panel.components.form.controls["components"].value = "4"
    panel.preview_button.click()
    first, second, *rest = panel.components.found
    panel.components.texts[first].value = "mine"
    for name in rest:
        panel.components.boxes[name].value = False
    panel.components.boxes[second].value = True
    panel.components.boxes[first].value = True
    quick(panel)
    panel.apply.click()
    assert list(panel.volumes) == ["mine", second]


def test_no_component_kept_is_a_blocker(panel):
    panel.part.value = "Components"
    panel.components.form.controls["iterations"].value = 5
    panel.components.form.controls["components"].value = "2"
    panel.preview_button.click()
    for box in panel.components.boxes.values():
        box.value = False
    assert "none is ticked" in panel.messages.value
    assert panel.apply.disabled


# ---------------------------------------------------------------- volumes


def test_volumes_by_panel_and_by_call_are_the_same(panel, made, same):
    quick(panel)
    panel.apply.click()
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    same(panel.volumes, tomo.spectral.reconstruct_all(maps, iterations=6))


def test_aligned_and_guided_volumes_are_those_of_the_call(panel, made, same):
    aligned = made.haadf.tilt_align("CoM")
    panel.session.replace(aligned, "HAADF")
    assert panel.controls["align"].value == "series"
    panel.controls["guide"].value = True
    quick(panel)
    panel.apply.click()
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    expected = tomo.spectral.reconstruct_all(maps, aligned, guide=aligned, iterations=6)
    same(panel.volumes, expected)


def test_method_that_takes_each_map_by_itself(panel, made, same):
    panel.together.form.choose("FBP")
    assert panel.controls["guide"].disabled
    panel.apply.click()
    maps = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    same(panel.volumes, tomo.spectral.reconstruct_all(maps, method="FBP"))


def test_volumes_are_runs_of_the_session_and_one_undo_takes_them_back(panel):
    quick(panel)
    panel.apply.click()
    session = panel.session
    assert [node.name for node in session.runs] == list(panel.volumes)
    assert session.volume is next(iter(panel.volumes.values()))
    assert session.undo_name == "Spectral"
    session.undo()
    assert not session.cursor.is_volume


def test_explore_draws_all_elements_in_colours(panel):
    quick(panel)
    panel.apply.click()
    explore = ExplorePanel(panel.session)
    explore.activate()
    assert [name for name, _, _ in explore.overlay.chosen] == [
        f"{name}: TNV" for name in list(panel.volumes)[1:]
    ]
    assert len(explore.view3d.figure.meshes) == 4


def test_fractions_are_those_of_the_call(panel):
    quick(panel)
    panel.apply.click()
    fractions = panel.together.fractions.fractions
    assert fractions == tomo.volume_fractions(panel.volumes)
    assert panel.together.fractions.value.count("<tr>") == 4
    assert panel.view3d.figure.meshes


def test_volumes_made_of_spectra_are_never_put_away(panel):
    quick(panel)
    panel.apply.click()
    assert not any(node.put_away() for node in panel.session.runs)


def test_unrelated_series_is_not_the_parent_of_the_volumes(panel, stack):
    panel.session.replace(stack, "catalyst")
    quick(panel)
    panel.apply.click()
    assert panel.session.name == "needle, sum"


# ---------------------------------------------------------------- opening


def test_simulated_series_brings_its_images(empty):
    panel = SpectralPanel(empty)
    panel.opener.builtin.click()
    assert panel.lines.names == ("Si_Ka", "Cr_Ka", "Ni_Ka", "Pt_Ma")
    assert empty.signal is panel.spectra.beside
    assert panel.together.guided


def test_file_of_the_data_folder(made, tmp_path):
    made.edx.save(tmp_path / "needle.hspy")
    panel = SpectralPanel(Session(executor=Inline(), folder=tmp_path))
    panel.open_file(tmp_path / "needle.hspy")
    assert panel.spectra.name == "needle"
    np.testing.assert_array_equal(panel.spectra.total, made.edx.data.sum(axis=(0, 1, 2)))
    panel.preview_button.click()
    expected = tomo.spectral.line_maps(made.edx, lines=panel.lines.names)
    for name in expected:
        np.testing.assert_allclose(panel.maps[name].data, expected[name].data, rtol=1e-5, atol=1e-5)


def test_one_file_per_tilt_is_one_series(made, tmp_path):
    folder = tmp_path / "tilts"
    folder.mkdir()
    for i in range(3):
        made.edx.inav[..., i].save(folder / f"si_{i:02}.hspy")
    panel = SpectralPanel(Session(executor=Inline(), folder=tmp_path))
    panel.open_file(folder / "si_01.hspy")
    assert panel.spectra.name == "tilts"
    assert panel.spectra.shape == (3, 16, 16)


def test_file_that_holds_no_spectra_is_a_sentence(stack, tmp_path):
    stack.save(tmp_path / "stack.hspy")
    session = Session(executor=Inline(), folder=tmp_path)
    panel = SpectralPanel(session)
    panel.open_file(tmp_path / "stack.hspy")
    assert session.message.kind == "error"
    assert session.message.text == "stack.hspy holds images, not spectra."
    assert panel.spectra is None


def test_a_tool_of_the_app_and_a_stage_of_its_own(empty):
    assert "spectral" in Dashboard(empty).rail
    app = spectral(empty.folder)
    assert list(app.rail) == ["spectral", "register", "tiltaxis", "explore", "history"]
    panel = app.panels["spectral"]
    panel.session.executor = Inline()
    panel.opener.builtin.click()
    panel.together.form.choose("FBP")
    panel.apply.click()
    assert "maps by a fit" in app.rail["spectral"].description
    assert history.read(panel.session.volume)[-1]["method"] == "FBP"
    panel.together.explore.click()
    assert app.current == "explore"


def test_a_session_goes_on_without_the_volumes_of_spectra(made, tmp_path):
    made.haadf.save(tmp_path / "HAADF.hspy")

    def begin():
        session = Session(executor=Inline(), folder=tmp_path)
        session.keep_in(Store(tmp_path))
        return session

    session = begin()
    source = Source.of_file(tmp_path / "HAADF.hspy")
    session.replace(tomo.load(tmp_path / "HAADF.hspy"), "HAADF", source=source)
    session.apply(make_step("tilt_align", "CoM"), label="Tilt axis")
    panel = SpectralPanel(session)
    panel.open_signal(made.edx, "needle")
    panel.together.form.choose("FBP")
    panel.apply.click()
    assert session.cursor.is_volume
    session.start_new()  # the page is closed
    (saved,) = Store(tmp_path).sessions()
    again = begin()
    again.resume(saved)
    shown, records, text = again.cursor, again.records, again.message.text
    again.start_new()
    assert not shown.is_volume
    assert records[-1]["operation"] == "tilt_align"
    assert "open the spectra in Spectral" in text


def went_on(tmp_path, prepare):
    """Return the volume of a session as it was made, and as it is when it is opened again."""

    def begin():
        session = Session(executor=Inline(), folder=tmp_path)
        session.keep_in(Store(tmp_path))
        return session

    session = begin()
    panel = SpectralPanel(session)
    prepare(panel)
    quick(panel)
    panel.apply.click()
    made = session.cursor
    assert made.is_volume
    session.start_new()  # the page is closed
    (saved,) = Store(tmp_path).sessions()
    again = begin()
    again.resume(saved)
    shown, text = again.cursor, again.message.text
    again.start_new()
    assert "is back, with" in text
    return made, shown


def test_a_session_makes_the_volumes_of_spectra_anew(made, tmp_path):
    made.edx.save(tmp_path / "needle.hspy")
    made.haadf.save(tmp_path / "HAADF.hspy")

    def prepare(panel):
        source = Source.of_file(tmp_path / "HAADF.hspy")
        panel.session.replace(tomo.load(tmp_path / "HAADF.hspy"), "HAADF", source=source)
        panel.session.apply(make_step("tilt_align", "CoM"), label="Tilt axis")
        panel.open_file(tmp_path / "needle.hspy")
        panel.controls["guide"].value = True

    before, after = went_on(tmp_path, prepare)
    assert np.array_equal(after.signal.data, before.signal.data)
    assert history.read(after.signal) == before.records
    assert before.put_away()  # it may be worked out again to save memory, too


def test_volumes_aligned_by_the_sum_are_made_anew(made, tmp_path):
    made.edx.save(tmp_path / "needle.hspy")

    def prepare(panel):
        panel.open_file(tmp_path / "needle.hspy")
        panel.session.apply(make_step("tilt_align", "manual", shift=1.0), label="Tilt axis")
        panel.activate()
        panel.controls["align"].value = "series"

    before, after = went_on(tmp_path, prepare)
    assert np.array_equal(after.signal.data, before.signal.data)


def test_volumes_of_the_simulated_series_are_made_anew(tmp_path):
    def prepare(panel):
        panel.opener.builtin.click()
        panel.controls["rebin"].value = 4

    before, after = went_on(tmp_path, prepare)
    assert np.array_equal(after.signal.data, before.signal.data)


def test_volumes_whose_spectra_are_gone_are_not_promised(made, tmp_path):
    made.edx.save(tmp_path / "needle.hspy")
    panel = SpectralPanel(Session(executor=Inline(), folder=tmp_path))
    panel.open_file(tmp_path / "needle.hspy")
    quick(panel)
    panel.apply.click()
    (tmp_path / "needle.hspy").unlink()
    assert not panel.session.cursor.put_away()


def test_a_map_of_one_element_can_be_the_series(panel):
    panel.preview_button.click()
    assert panel.single.which.value == panel.lines.names[0]
    panel.single.which.value = "Ni_Ka"
    panel.preview_button.click()
    assert panel.single.which.value == "Ni_Ka"
    panel.single.button.click()
    assert panel.session.signal is panel.maps["Ni_Ka"]
    assert panel.session.name == "Ni_Ka"
