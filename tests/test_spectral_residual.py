"""What maps leave of the spectra, series of spectra from files, and their sums."""

import warnings

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import DataError, MissingFileError, ParameterError, TiltsError

TILTS = np.arange(-60, 61, 30.0)
LINES = ["Si_Ka", "Ni_Ka", "Pt_Ma", "Cr_Ka"]


@pytest.fixture(scope="module")
def made():
    return tomo.datasets.get_simulated_edx_data(
        size=20, tilts=TILTS, counts=200, channels=256, channel_width=0.045, seed=2
    )


# ------------------------------------------------------------------ residual


def test_maps_of_all_elements_leave_noise_alone(made):
    left = tomo.spectral.residual(made.edx, tomo.spectral.line_maps(made.edx, lines=LINES))
    assert left.maps.data.shape == (5, 20, 20)
    assert left.maps.tilts.data.ravel().tolist() == TILTS.tolist()
    assert abs(np.median(left.maps.data)) < 0.6
    assert np.mean(left.maps.data > 4) < 0.02
    assert left.maps.axes_manager.signal_axes[0].units == "nm"
    assert len(left.energies) == len(left.spectrum) == len(left.noise)


def test_an_element_that_was_not_thought_of_is_a_peak_and_a_place(made):
    maps = tomo.spectral.line_maps(made.edx, lines=LINES[:3], others=["C", "O", "Cu"])
    left = tomo.spectral.residual(made.edx, maps)
    high = left.energies > 3
    worst = left.energies[high][np.argmax((left.spectrum / left.noise)[high])]
    assert worst == pytest.approx(5.41, abs=0.1)  # chromium
    chromium = made.truth.maps["Cr"] > 2
    assert np.median(left.maps.data[chromium]) > 3
    assert abs(np.median(left.maps.data[made.truth.maps["Cr"] == 0])) < 1


def test_components_leave_noise_and_one_that_is_left_out_is_seen(made):
    found = tomo.spectral.decompose(made.edx, components=5)
    whole = tomo.spectral.residual(made.edx, found)
    assert np.mean(whole.maps.data > 4) < 0.03
    nickel = next(name for name in found if "Ni" in name.split("+"))
    part = tomo.spectral.residual(made.edx, {k: v for k, v in found.items() if k != nickel})
    worst = part.energies[np.argmax(part.spectrum / part.noise)]
    assert min(abs(worst - line) for line in (7.48, 0.85)) < 0.1
    lost = found[nickel].data.sum() / whole.spectrum.size
    assert part.spectrum.mean() - whole.spectrum.mean() == pytest.approx(lost, rel=1e-4)
    rich = made.truth.maps["Ni"] > 2
    assert np.median(part.maps.data[rich]) > np.median(whole.maps.data[rich]) + 2


def test_lazy_spectra_leave_the_same(made):
    maps = tomo.spectral.line_maps(made.edx, lines=LINES)
    one, other = (tomo.spectral.residual(s, maps) for s in (made.edx, made.edx.as_lazy()))
    assert np.array_equal(one.maps.data, other.maps.data)
    assert np.array_equal(one.spectrum, other.spectrum)


def test_what_is_no_map_of_these_spectra_is_a_sentence(made):
    maps = tomo.spectral.line_maps(made.edx, lines=LINES)
    residual = tomo.spectral.residual
    with pytest.raises(DataError, match="these are no maps of spectra"):
        residual(made.edx, {})
    with pytest.raises(DataError, match="these are no maps of spectra"):
        residual(made.edx, {"haadf": made.haadf})
    with pytest.raises(DataError, match="were changed by trim since they were made"):
        residual(made.edx, {name: stack.bin(2) for name, stack in maps.items()})
    with pytest.raises(DataError, match="5 x 20 x 20 pixels and the spectra 4 x 20 x 20"):
        residual(made.edx.inav[..., 1:], maps)
    windows = tomo.spectral.line_maps(made.edx, lines=LINES, method="windows")
    with pytest.raises(ParameterError, match="windows say nothing of the counts outside"):
        residual(made.edx, windows)
    found = tomo.spectral.decompose(made.edx, components=2, iterations=5)
    short = made.edx.isig[:100]
    with pytest.raises(DataError, match="found in other spectra"):
        residual(short, found)


# ------------------------------------------------------------------ files and sums


def test_a_file_with_all_tilts_is_loaded_with_those_it_brings(made, tmp_path):
    made.edx.save(tmp_path / "needle.hspy")
    edx = tomo.spectral.load(tmp_path / "needle.hspy")
    assert edx._lazy
    assert type(edx).__name__ == "LazyEDSTEMSpectrum"
    maps = tomo.spectral.line_maps(edx, lines=LINES)
    expected = tomo.spectral.line_maps(made.edx, lines=LINES)
    assert np.array_equal(maps["Ni_Ka"].data, expected["Ni_Ka"].data)
    assert maps["Ni_Ka"].tilts.data.ravel().tolist() == TILTS.tolist()


def test_one_file_a_tilt_is_one_series_with_the_tilts_that_are_given(made, tmp_path):
    folder = tmp_path / "Needle 3"
    folder.mkdir()
    for i in range(len(TILTS)):
        image = made.edx.inav[..., i]
        del image.metadata.Tomography
        image.metadata.General.title = ""
        image.save(folder / f"si_{i:02}.hspy")
    (tmp_path / "tilts.txt").write_text("\n".join(map(str, TILTS)), encoding="utf-8")
    for tilts in (TILTS, tmp_path / "tilts.txt"):
        edx = tomo.spectral.load(folder / "si_01.hspy", tilts)
        assert edx.metadata.General.title == "Needle 3"
        stack = tomo.spectral.sums(edx).stack
        assert stack.tilts.data.ravel().tolist() == TILTS.tolist()
        assert np.array_equal(stack.data, made.edx.data.sum(axis=-1))
    with pytest.raises(TiltsError, match="5 spectrum images but 3 tilts"):
        tomo.spectral.load(folder / "si_01.hspy", [0, 1, 2])
    with pytest.raises(TiltsError, match="bring no tilts along"):
        tomo.spectral.sums(tomo.spectral.load(folder / "si_01.hspy"))


def test_files_without_spectra_are_sentences(made, tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.hspy: there is no such file"):
        tomo.spectral.load(tmp_path / "gone.hspy")
    (tmp_path / "text.hspy").write_text("no", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DataError, match=r"text\.hspy cannot be read as spectra"):
            tomo.spectral.load(tmp_path / "text.hspy")
    made.haadf.save(tmp_path / "haadf.hspy")
    with pytest.raises(DataError, match=r"has the axes \(x, y, tilt\|energy\), got"):
        tomo.spectral.load(tmp_path / "haadf.hspy")


def test_sums_are_those_of_all_pixels_and_of_all_channels(made):
    found = tomo.spectral.sums(made.edx)
    assert np.array_equal(found.spectrum, made.edx.data.sum(axis=(0, 1, 2)))
    assert found.energies[100] == pytest.approx(4.5)
    assert np.array_equal(found.stack.data, made.edx.data.sum(axis=-1))
    assert found.stack.axes_manager.signal_axes[0].scale == pytest.approx(5.0)
