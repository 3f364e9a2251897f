"""Results of every Step on spectra, and of several series together, replayed from their files."""

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter import provenance
from tomojupyter.__main__ import main
from tomojupyter.errors import RecipeError
from tomojupyter.steps import REGISTRY, Recipe, history, make_step, run
from tomojupyter.steps.spectra import SPECTRA

TILTS = np.arange(-60, 61, 20.0)
VALUES = {
    ("line_maps", "windows"): {"lines": ["Si_Ka", "Ni_Ka"]},
    ("line_maps", "fit"): {"lines": ["Si_Ka", "Ni_Ka"], "others": ["Cr", "Pt", "Cu"]},
    ("decompose", "NMF"): {"components": 2, "iterations": 60, "block": 2},
}
ON_SPECTRA = [
    (operation, method)
    for operation, methods in REGISTRY.items()
    for method, cls in methods.items()
    if cls.on == SPECTRA
]
TOGETHER = [
    (operation, method)
    for operation, methods in REGISTRY.items()
    for method, cls in methods.items()
    if cls.together
]


@pytest.fixture(scope="module")
def made():
    return tomo.datasets.get_simulated_edx_data(
        size=16, tilts=TILTS, counts=60, channels=128, channel_width=0.08, seed=4, jitter=0.5
    )


@pytest.fixture(scope="module")
def files(made, tmp_path_factory):
    """The spectra and the dark-field images, in files."""
    folder = tmp_path_factory.mktemp("raw")
    made.edx.save(folder / "edx.hspy")
    images = tomo.TomoStack(made.haadf.data, TILTS)
    for axis, known in zip(images.axes_manager._axes, made.haadf.axes_manager._axes, strict=True):
        axis.scale, axis.units = known.scale, known.units
    images.save(folder / "haadf.hspy")
    return {"spectra": folder / "edx.hspy", "guide": folder / "haadf.hspy"}


@pytest.mark.parametrize("name", ON_SPECTRA, ids=" ".join)
def test_the_result_of_every_operation_on_spectra_replays_from_its_file(name, files, tmp_path):
    step = make_step(*name, **VALUES[name])
    results = run(tomo.spectral.load(files["spectra"]), step)
    for output, stack in results.items():
        changed = stack.filter("median", 3)
        changed.save(tmp_path / f"{output}.hspy")
        done = provenance.replay(tmp_path / f"{output}.hspy", files["spectra"])
        assert done.comparison is not None
        assert done.comparison.identical, str(done.comparison)
        assert done.comparison.history == ()
        assert history.read(done.signal)[-1]["after"] == history.read(changed)[-1]["after"]
    source = history.read(changed)[0]
    assert (source["file"], source["shape"]) == ("edx.hspy", [7, 16, 16, 128])
    assert source["bytes"] == files["spectra"].stat().st_size


@pytest.fixture
def volumes(files):
    """All maps, aligned by the images, which guide them; one volume is turned afterwards."""
    edx, haadf = tomo.spectral.load(files["spectra"]), tomo.load(files["guide"])
    aligned = haadf.stack_register("COM-CL").tilt_align("manual", shift=1.0)
    maps = tomo.spectral.line_maps(edx, lines=["Si_Ka", "Ni_Ka"])
    maps = {"silicon": maps["Si_Ka"], "Ni_Ka": maps["Ni_Ka"].filter("median", 3)}
    made = tomo.spectral.reconstruct_all(maps, aligned, guide=aligned, iterations=4)
    made["Ni_Ka"] = made["Ni_Ka"].rotate(rotation_angles=(0, 0, 10))
    return made


def test_only_one_method_takes_several_together():
    assert TOGETHER == [("reconstruct", "TNV")]  # which the next tests replay


def test_a_volume_of_several_replays_from_the_files_of_all(volumes, files, tmp_path):
    for name, volume in volumes.items():
        volume.save(tmp_path / "made.hspy", overwrite=True)
        done = provenance.replay(
            tmp_path / "made.hspy", files["spectra"], others={"guide": files["guide"]}
        )
        assert done.comparison is not None
        assert done.comparison.identical, f"{name}: {done.comparison}"
        assert done.comparison.history == ()
        assert np.array_equal(done.signal.data, volume.data)


def test_its_recipe_names_all_signals_and_goes_through_yaml(volumes, files):
    recipe = Recipe.of(volumes["silicon"])
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert [entry.on for entry in recipe.entries] == [
        ("spectra",), ("Si_Ka",), ("Ni_Ka",), ("Ni_Ka",),
        ("guide",), ("guide",), ("Si_Ka", "Ni_Ka", "guide"),
    ]  # fmt: skip
    signals = {"spectra": tomo.spectral.load(files["spectra"]), "guide": tomo.load(files["guide"])}
    again = recipe.run(signals)
    assert np.array_equal(again["Si_Ka"].data, volumes["silicon"].data)
    compile(recipe.to_code(), "recipe", "exec")


def test_a_replay_by_command_asks_for_the_other_file(volumes, files, tmp_path, capsys):
    volumes["silicon"].save(tmp_path / "made.hspy")
    command = ["replay", str(tmp_path / "made.hspy"), str(files["spectra"])]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "made together with guide: give its file too" in said
    assert "--with guide=file.mrc" in said
    assert main([*command, "--with", "guide"]) == 2
    assert "--with must be NAME=FILE" in capsys.readouterr().err
    assert main([*command, "--with", f"guide={files['guide']}"]) == 0
    assert "pixels: all 4096 pixels are identical" in capsys.readouterr().out
    with pytest.raises(RecipeError, match=r"haadf: not taken together .* \(that is guide\)"):
        provenance.replay(command[1], command[2], others={**files, "haadf": files["guide"]})


def test_files_that_nothing_was_made_with_are_refused(files, tmp_path):
    stack = tomo.load(files["guide"]).filter("median", 3)
    stack.save(tmp_path / "made.hspy")
    with pytest.raises(RecipeError, match=r"guide: not taken together with the result \(nothing"):
        provenance.replay(tmp_path / "made.hspy", files["guide"], others={"guide": "x.mrc"})


def test_other_spectra_are_replayed_and_not_compared(volumes, files, made, tmp_path):
    volumes["silicon"].save(tmp_path / "made.hspy")
    other = made.edx.deepcopy()
    other.data[:, :2] = 0
    other.save(tmp_path / "other.hspy")
    done = provenance.replay(
        tmp_path / "made.hspy", tmp_path / "other.hspy", others={"guide": files["guide"]}
    )
    assert done.comparison is None
    assert done.signal.data.shape == volumes["silicon"].data.shape
    assert not np.array_equal(done.signal.data, volumes["silicon"].data)


def test_a_part_of_the_spectra_does_not_claim_to_be_the_file(files):
    edx = tomo.spectral.load(files["spectra"])
    maps = tomo.spectral.line_maps(edx.inav[:10], lines=["Ni_Ka"], others=[])
    assert "file" not in history.read(maps["Ni_Ka"])[0]


def test_methods_for_one_series_replay_from_spectra_alone(files, tmp_path):
    maps = tomo.spectral.line_maps(tomo.spectral.load(files["spectra"]), lines=["Ni_Ka"])
    volume = tomo.spectral.reconstruct_all(maps, method="FBP")["Ni_Ka"]
    volume.save(tmp_path / "made.hspy")
    assert provenance.replay(tmp_path / "made.hspy", files["spectra"]).comparison.identical
