"""Spectra to 3D: the three calls, on small simulated series; and what they refuse."""

import warnings

import hyperspy.api as hs
import numpy as np
import pytest
from exspy.signals import EDSTEMSpectrum, EELSSpectrum

import tomojupyter.api as tomo
from tomojupyter.errors import (
    DataError,
    ParameterError,
    TiltsError,
    TomojupyterWarning,
    UnknownParameterError,
)

TILTS = np.arange(0, 180, 20.0)
LINES = ["Si_Ka", "Cr_Ka", "Ni_Ka", "Pt_Ma"]


def make(counts, phantom="needle", **how):
    keywords = {"size": 20, "tilts": TILTS, "channels": 256, "channel_width": 0.045, "seed": 2}
    return tomo.datasets.get_simulated_edx_data(phantom, counts=counts, **{**keywords, **how})


@pytest.fixture(scope="module")
def few():
    return make(5)


@pytest.fixture(scope="module")
def many():
    return make(200)


def likeness(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


def error(volume, truth):
    volume = volume * (np.vdot(volume, truth) / np.vdot(volume, volume))
    return np.linalg.norm(volume - truth) / np.linalg.norm(truth)


# ------------------------------------------------------------------ maps


def test_fitted_maps_count_all_lines_of_the_element(many):
    maps = tomo.spectral.line_maps(many.edx, lines=LINES)
    assert list(maps) == LINES
    for name, stack in maps.items():
        element = name[:2]
        truth = many.truth.maps[element] * many.truth.counts[element]
        assert likeness(stack.data, truth) > 0.98
        assert stack.data.sum() == pytest.approx(truth.sum(), rel=0.06)
        assert stack.axes_manager.signal_axes[0].scale == pytest.approx(5.0)
        assert stack.axes_manager.signal_axes[0].units == "nm"


def test_fitted_maps_are_better_than_windows_at_few_counts(few):
    fitted = tomo.spectral.line_maps(few.edx, few.tilts, LINES)
    windows = tomo.spectral.line_maps(few.edx, few.tilts, LINES, method="windows")
    for name in LINES:
        truth = few.truth.maps[name[:2]]
        assert likeness(fitted[name].data, truth) > likeness(windows[name].data, truth)


def test_windows_agree_with_exspys(many):
    background = [[1.2, 1.4, 3.2, 3.4], [4.5, 4.8, 9.0, 9.6]]
    ours = tomo.spectral.line_maps(
        many.edx, lines=["Si_Ka", "Ni_Ka"], method="windows", background=background
    )
    theirs = many.edx.get_lines_intensity(["Si_Ka", "Ni_Ka"], background_windows=background)
    for stack, image in zip(ours.values(), theirs, strict=True):
        # Theirs rounds windows to channels in another way, and adds the two backgrounds.
        assert likeness(stack.data, image.data) > 0.98


def test_lines_are_those_of_the_elements_by_default(many):
    edx = many.edx.deepcopy()
    edx.metadata.Sample.elements = ["Ni", "Pt", "Si"]
    assert list(tomo.spectral.line_maps(edx)) == ["Ni_Ka", "Pt_Ma", "Si_Ka"]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "uint64", "float32"])
def test_counts_may_have_any_type(many, dtype):
    """HyperSpy's rebin makes uint64 of integers."""
    edx = many.edx.inav[:6, :6].deepcopy()
    expected = tomo.spectral.line_maps(edx, lines=LINES)
    edx.data = edx.data.astype(dtype)
    found = tomo.spectral.line_maps(edx, lines=LINES)
    assert np.allclose(found["Ni_Ka"].data, expected["Ni_Ka"].data, atol=1e-3)


def test_rebinned_spectra_lose_no_counts(many):
    coarse = many.edx.rebin(scale=(2, 2, 1, 2))
    assert coarse.data.dtype == np.uint64
    one, other = (tomo.spectral.line_maps(s, lines=LINES)["Ni_Ka"] for s in (many.edx, coarse))
    assert other.data.shape == (9, 10, 10)
    assert other.data.sum() == pytest.approx(one.data.sum(), rel=0.03)


def test_all_zero_pixels_have_no_counts(many):
    edx = many.edx.deepcopy()
    edx.data[:, :8] = 0
    for method in ("fit", "windows"):
        assert (
            not tomo.spectral.line_maps(edx, lines=LINES, method=method)["Ni_Ka"].data[:, :8].any()
        )


# ------------------------------------------------------------------ decomposition


def test_components_of_few_counts_are_phases_with_names(few):
    """exSpy's mask of the vacuum would drop nearly all of these pixels."""
    components = tomo.spectral.decompose(few.edx, few.tilts)
    eigenvalues, edge, proposed = tomo.spectral.scree(components)
    assert 3 <= proposed == len(components) <= 5
    assert (eigenvalues[:proposed] > edge).all()
    for element in ("Ni", "Cr", "Pt"):
        stack = next(s for name, s in components.items() if element in name.split("+"))
        assert likeness(stack.data, few.truth.maps[element]) > 0.6
        assert stack.data.min() >= 0
    energies, spectra = tomo.spectral.component_spectra(components)
    assert spectra.keys() == components.keys()
    nickel = next(s for name, s in spectra.items() if "Ni" in name.split("+"))
    high = energies > 6.5
    assert energies[high][np.argmax(nickel[high])] == pytest.approx(7.48, abs=0.1)
    # The scree survives what makes a copy.
    copied = {name: stack.deepcopy() for name, stack in components.items()}
    assert tomo.spectral.scree(copied)[2] == proposed


def test_electron_energy_losses_are_decomposed_too(many):
    """An axis in eV, and no lines to name components by."""
    eels = EELSSpectrum(many.edx.data)
    eels.axes_manager[-1].units, eels.axes_manager[-1].scale = "eV", 2.0
    components = tomo.spectral.decompose(eels, TILTS, 3, iterations=80, block=2)
    assert list(components) == ["component 1", "component 2", "component 3"]
    with pytest.raises(ParameterError, match="names no elements: give lines"):
        tomo.spectral.line_maps(eels, TILTS)


def test_components_that_are_not_unique_are_warned_of(few):
    with pytest.warns(TomojupyterWarning, match="may be mixtures; ask for fewer"):
        tomo.spectral.decompose(few.edx, components=9, iterations=10, block=2)


# ------------------------------------------------------------------ volumes


def test_coupled_volumes_of_few_counts_beat_each_by_itself(few):
    maps = tomo.spectral.line_maps(few.edx, lines=LINES)
    together = tomo.spectral.reconstruct_all(maps, iterations=60)
    guided = tomo.spectral.reconstruct_all(maps, guide=few.haadf, iterations=60)
    plain = [
        tomo.spectral.reconstruct_all(maps, method="SIRT", iterations=i, constrain=True)
        for i in (20, 100)
    ]
    errors = []
    for volumes in (guided, together, *plain):
        assert list(volumes) == LINES
        truth = few.truth.volumes
        errors.append(np.mean([error(volumes[n].data, truth[n[:2]]) for n in LINES]))
    assert errors[0] < errors[1] < 0.7 * min(errors[2:])
    for name in LINES:
        amount = few.truth.volumes[name[:2]].sum() * few.truth.counts[name[:2]]
        # Less by a tenth is usual at 5 counts, and the counts themselves scatter by 5 %.
        assert guided[name].data.sum() == pytest.approx(amount, rel=0.2)
        assert guided[name].metadata.General.title == name
        assert guided[name].axes_manager[0].scale == pytest.approx(5.0)


def test_one_alignment_of_other_pixels_is_applied_to_all():
    made = make(300, jitter=1.0, tilt_shift=1.5)
    aligned = made.haadf.stack_register("COM-CL").tilt_align("CoM")
    maps = tomo.spectral.line_maps(made.edx, lines=LINES)
    volumes = tomo.spectral.reconstruct_all(maps, aligned, "SIRT", iterations=10, constrain=True)
    direct = aligned.align_other(maps["Ni_Ka"]).reconstruct(
        "SIRT", 10, True, show_progressbar=False
    )
    assert np.array_equal(volumes["Ni_Ka"].data, direct.data)
    off = tomo.spectral.reconstruct_all(maps, None, "SIRT", iterations=10, constrain=True)
    still = make(300)
    best = tomo.spectral.reconstruct_all(
        tomo.spectral.line_maps(still.edx, lines=LINES), None, "SIRT", iterations=10, constrain=True
    )

    def sharpness(volume):
        return (volume.data**2).sum() / volume.data.sum() ** 2

    # Misaligned maps blur; aligned ones are as sharp as those that never moved.
    lost = [1 - sharpness(v["Pt_Ma"]) / sharpness(best["Pt_Ma"]) for v in (volumes, off)]
    assert lost[0] < 0.6 * lost[1]


def test_one_series_by_itself_is_smoothed_too(few):
    stack = tomo.spectral.line_maps(few.edx, lines=LINES)["Ni_Ka"]
    volume = stack.reconstruct("TNV", iterations=40, show_progressbar=False)
    plain = stack.reconstruct("SIRT", 20, True, show_progressbar=False)
    truth = few.truth.volumes["Ni"]
    assert error(volume.data, truth) < 0.8 * error(plain.data, truth)


# ------------------------------------------------------------------ sentences


def test_wrong_spectra_are_sentences(many):
    with pytest.raises(DataError, match=r"\(x, y, tilt\|energy\), got \(20, 20\|256\)"):
        tomo.spectral.line_maps(many.edx.inav[:, :, 0], TILTS, LINES)
    with pytest.raises(DataError, match="got ndarray"):
        tomo.spectral.decompose(many.edx.data)
    plain = hs.signals.Signal1D(many.edx.data)
    with pytest.raises(DataError, match="no axis of energies: its units are <undefined>, not keV"):
        tomo.spectral.line_maps(plain, TILTS, LINES)
    with pytest.raises(DataError, match="real numbers, got complex"):
        tomo.spectral.line_maps(EDSTEMSpectrum(many.edx.data.astype("c8")), TILTS, LINES)
    edx = many.edx.inav[:4, :4].deepcopy()
    edx.change_dtype("float32")
    edx.data[3, 1, 1, 5] = -1
    with pytest.raises(DataError, match="at tilt #3 hold negative values, so they are not counts"):
        tomo.spectral.decompose(edx)
    edx.data[3, 1, 1, 5] = np.nan
    with pytest.raises(DataError, match="at tilt #3 hold values that are not finite"):
        tomo.spectral.line_maps(edx)
    edx.data[:] = 0
    with pytest.raises(ParameterError, match="hold no counts"):
        tomo.spectral.line_maps(edx)


def test_wrong_tilts_are_sentences(many):
    with pytest.raises(TiltsError, match="9 spectrum images but 8 tilts"):
        tomo.spectral.line_maps(many.edx, TILTS[1:], LINES)
    edx = many.edx.deepcopy()
    del edx.metadata.Tomography
    with pytest.raises(TiltsError, match="bring no tilts along: give them"):
        tomo.spectral.decompose(edx)


def test_wrong_lines_are_sentences(many):
    for wrong, words in (
        (["Ni"], "'Ni' is not a line: write it as Ni_Ka; Ni has Ni_Kb, Ni_Ka"),
        (["Xx_Ka"], "'Xx' is not the symbol of an element"),
        (["Mo_Ka"], r"Mo_Ka lies at 17\.5 keV, but the spectra go from 0 to 11\.5 keV"),
    ):
        with pytest.raises(ParameterError, match=words):
            tomo.spectral.line_maps(many.edx, lines=wrong, method="windows")
    with pytest.raises(ParameterError, match="He has no"):
        tomo.spectral.line_maps(many.edx, lines=["Ni_Ka"], others=["He"])
    with pytest.raises(ParameterError, match="name an element twice"):
        tomo.spectral.line_maps(many.edx, lines=["Ni_Ka", "Ni_La"])
    with pytest.raises(ParameterError, match="four energies"):
        tomo.spectral.line_maps(many.edx, lines=LINES, method="windows", background=[[1, 2]])
    with pytest.raises(UnknownParameterError, match="did you mean lines"):
        tomo.spectral.line_maps(many.edx, line=["Ni_Ka"])


def test_series_that_do_not_fit_are_sentences(many):
    maps = tomo.spectral.line_maps(many.edx, lines=LINES)
    with pytest.raises(DataError, match=r"Si_Ka: the aligned stack has 8 projections, the other 9"):
        tomo.spectral.reconstruct_all(maps, many.haadf.inav[1:])
    with pytest.raises(DataError, match=r"the aligned stack has 8 projections, the other 9"):
        tomo.spectral.reconstruct_all(maps, many.haadf.inav[1:], guide=many.haadf.inav[1:])
    with pytest.raises(DataError, match=r"Si_Ka and guide have different tilts \(9 and 8\)"):
        tomo.spectral.reconstruct_all(maps, guide=many.haadf.inav[1:])
    turned = many.haadf.set_tilts("list", tilts=TILTS + 1)
    with pytest.raises(DataError, match=r"first at projection #0: 1\.00° and 0\.00°"):
        tomo.spectral.reconstruct_all(maps, turned)
    with pytest.raises(DataError, match="Si_Ka and guide have different tilts"):
        tomo.spectral.reconstruct_all(maps, guide=turned)
    with pytest.raises(ParameterError, match="maps by name, as line_maps returns them, got list"):
        tomo.spectral.reconstruct_all(list(maps.values()))
    with pytest.raises(DataError, match="Ni_Ka must be a TomoStack, got a Signal2D"):
        tomo.spectral.reconstruct_all({"Ni_Ka": maps["Ni_Ka"]._plain()})
    with pytest.raises(ParameterError, match="SIRT takes each map by itself; TNV can be guided"):
        tomo.spectral.reconstruct_all(maps, method="SIRT", guide=many.haadf)
    with pytest.raises(DataError, match="Si_Ka has images of 20 x 20 px and Ni_Ka of 20 x 18"):
        tomo.spectral.reconstruct_all({**maps, "Ni_Ka": maps["Ni_Ka"].isig[2:, :]})
    with pytest.raises(
        DataError, match=r"is 1\.6 and 1\.6 pixels of the guide wide: a whole number"
    ):
        tomo.spectral.reconstruct_all(
            maps, guide=make(5, image_ratio=1).haadf.set_scale(size=3.125)
        )
    with pytest.raises(DataError, match="these are no components"):
        tomo.spectral.scree(maps)
    with pytest.raises(DataError, match="names another series, and this one is by itself"):
        maps["Ni_Ka"].reconstruct("TNV", guide="haadf", show_progressbar=False)


def test_images_too_large_for_memory_are_a_sentence(many, monkeypatch):
    from tomojupyter.steps import spectra

    monkeypatch.setattr(spectra, "_free_memory", lambda: 1000)
    with pytest.raises(DataError, match="rebin the energy axis or crop the images first"):
        tomo.spectral.line_maps(many.edx, lines=LINES)


def test_series_too_large_together_are_a_sentence(many, monkeypatch):
    from tomojupyter.steps import coupled

    maps = tomo.spectral.line_maps(many.edx, lines=LINES)
    monkeypatch.setattr(coupled, "free_bytes", lambda: 2_000_000)
    with pytest.raises(
        ParameterError,
        match=r"4 series of 9 x 20 x 20 px together take .* of memory, but may take 1 MB: bin or",
    ):
        tomo.spectral.reconstruct_all(maps, iterations=2)
    # One by itself may go slab by slab, or say the same.
    assert len(tomo.spectral.reconstruct_all(maps, method="FBP")) == 4


def test_a_tilt_without_counts_is_no_error(many):
    edx = many.edx.deepcopy()
    edx.data[4] = 0
    maps = tomo.spectral.line_maps(edx, lines=LINES)
    assert not maps["Ni_Ka"].data[4].any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TomojupyterWarning)  # so few iterations agree on nothing
        found = tomo.spectral.decompose(edx, components=3, iterations=20)
    assert not any(stack.data[4].any() for stack in found.values())
    with pytest.warns(TomojupyterWarning, match=r"#4 \(80\.0°\) is blank and gets no weight"):
        volumes = tomo.spectral.reconstruct_all(maps, iterations=4)
    assert np.isfinite(volumes["Ni_Ka"].data).all()


def test_classes_of_others_stay_as_they_are():
    """What exSpy's classes have is theirs, or another extension's."""
    for cls in (EDSTEMSpectrum, EELSSpectrum, hs.signals.Signal1D):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            members = vars(cls).values()
        modules = {getattr(m, "__module__", "") or "" for m in members}
        assert not [m for m in modules if m.startswith("tomojupyter")]
