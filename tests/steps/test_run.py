"""The one executor: records, resolved values, cancel, finish; and what is worth a warning."""

import json

import numpy as np
import pytest

import tomojupyter.api as tomo
from tomojupyter.errors import Cancelled, ParameterError, TomojupyterWarning
from tomojupyter.steps import history, make_step, run


class Listener:
    """A monitor that notes what it hears, finishes at one report or cancels at the first."""

    def __init__(self, at=None, cancel=False):
        self.reports, self.at, self.cancel, self.finish_early = [], at, cancel, False

    def __call__(self, done, total, **values):
        self.reports.append((done, total, values))
        if self.cancel:
            raise Cancelled("stopped")
        self.finish_early = done == self.at


def test_finish_keeps_the_iterate_and_records_the_iterations_done(series):
    monitor = Listener(at=3)
    volume = run(series, make_step("reconstruct", "SIRT", iterations=50), monitor)
    record = history.read(volume)[-1]
    assert record["asked"]["iterations"] == 50
    assert record["resolved"]["iterations"] == 3
    assert len(record["scalars"]["residuals"]) == 3
    assert "residual" in monitor.reports[-1][2]
    direct = series.reconstruct("SIRT", 3, show_progressbar=False)
    assert np.array_equal(volume.data, direct.data)
    again = tomo.Recipe.of(volume)
    assert np.array_equal(tomo.Recipe(again.entries[1:]).run(series).data, volume.data)


@pytest.mark.parametrize("method", ["BP", "FBP", "SIRT", "SART", "CGLS", "OS-SIRT", "TV"])
def test_backends_agree_and_are_recorded(series, method):
    found = {
        # More steps of CGLS solve a series without noise down to rounding, which they amplify.
        name: series.reconstruct(
            method,
            **({"iterations": 5} if method == "CGLS" else {}),
            backend=name,
            show_progressbar=False,
        )
        for name in ("numba", "astra")
    }
    assert [history.read(one)[-1]["resolved"]["backend"] for one in found.values()] == list(found)
    ours, reference = (one.data for one in found.values())
    assert np.linalg.norm(ours - reference) <= 2e-4 * np.linalg.norm(reference)
    assert not np.array_equal(ours, reference)  # two programs, not one


@pytest.mark.parametrize(
    "name", [("reconstruct", "SIRT"), ("reconstruct", "FBP"), ("filter", "median"),
             ("stack_register", "PC"), ("stack_register", "StackReg")], ids=" ".join
)  # fmt: skip
def test_cancel_leaves_the_series_as_it_was(series, name):
    pixels, text = series.data.copy(), series.metadata.Tomojupyter.history
    monitor = Listener(cancel=True)
    with pytest.raises(Cancelled):
        run(series, make_step(*name), monitor)
    assert np.array_equal(series.data, pixels)
    assert series.metadata.Tomojupyter.history == text
    assert len(monitor.reports) == 1


@pytest.mark.parametrize("name", [("filter", "median"), ("stack_register", "PC"),
                                  ("reconstruct", "FBP"), ("reconstruct", "SIRT")])  # fmt: skip
def test_progress_counts_up_to_the_total(series, name):
    monitor = Listener()
    run(series, make_step(*name), monitor)
    counts = [done for done, _, _ in monitor.reports]
    assert counts == sorted(counts)
    assert monitor.reports[-1][0] == monitor.reports[-1][1]


def test_residuals_are_the_l2_norms_that_a_check_gives(series):
    volume = series.reconstruct("SIRT", 4, show_progressbar=False)
    scalars = history.read(volume)[-1]["scalars"]
    assert np.all(np.diff(scalars["residuals"]) < 0)
    start = np.sqrt(np.sum(series.data[series.covered()].astype(float) ** 2))
    assert scalars["residual_percent"] == pytest.approx(
        100 * scalars["residuals"][-1] / start, rel=1e-3
    )


def test_the_first_record_is_the_source(series):
    assert history.read(series)[0]["reader"] == "simulation"
    bare = tomo.TomoStack(series.data, series.tilts.data.ravel())
    assert history.read(bare) == []
    records = history.read(bare.filter("median"))
    assert [r["operation"] for r in records] == ["source", "filter"]
    assert records[0]["reader"] == "array"
    assert records[0]["after"] == records[1]["before"] == history.fingerprint(bare.data)


def test_history_is_one_json_text_that_goes_to_the_volume(series):
    volume = series.filter("median").reconstruct(show_progressbar=False)
    text = volume.metadata.Tomojupyter.history
    assert isinstance(text, str)
    assert [r["operation"] for r in json.loads(text)][-2:] == ["filter", "reconstruct"]
    assert series.metadata.Tomojupyter.history != text


def test_fingerprints_tell_arrays_apart_and_never_mix_kinds(series):
    data = series.data
    crc = history.fingerprint(data)
    assert crc == history.fingerprint(data.copy()) == history.fingerprint(np.asfortranarray(data))
    assert crc != history.fingerprint(data + 1)
    assert crc != history.fingerprint(data.reshape(13, 32, 24))
    assert crc != history.fingerprint(data.astype(float))
    lazy = series.as_lazy()
    assert history.fingerprint(lazy.data).startswith("dask:")
    # A lazy signal of the same pixels is no edit.
    assert "external" not in [r["operation"] for r in history.read(lazy.filter("median"))]


def test_versions_of_missing_packages_are_said(monkeypatch):
    monkeypatch.setattr(history, "PACKAGES", ("numpy", "no-such-package-at-all"))
    assert history.versions() == {
        "numpy": np.__version__, "no-such-package-at-all": "not installed",
    }  # fmt: skip


def test_the_auto_values_are_resolved_into_the_record(series):
    record = history.read(series.stack_register())[-1]
    assert record["asked"]["start"] is None
    assert record["resolved"]["start"] == 6
    record = history.read(series.reconstruct(show_progressbar=False))[-1]
    assert record["resolved"]["thickness"] == 24
    assert record["resolved"]["cuda"] in (True, False)
    record = history.read(series.background())[-1]
    assert record["resolved"]["level"] == pytest.approx(series.vacuum())


def test_the_middle_of_the_tilts_is_not_an_excluded_one(series):
    series._exclude(6, "dim")
    assert history.read(series.stack_register())[-1]["resolved"]["start"] == 7
    shuffled = series.inav[::-1].inav[:9]
    assert shuffled.stack_register("PC").tilts.data.size == 9
    for i in range(9):
        shuffled._exclude(i, "all")
    assert make_step("stack_register", "PC").resolve(shuffled).start is not None


def test_background_finds_a_vacuum_far_below_zero():
    made = tomo.datasets.get_catalyst_data(size=32, tilts=np.arange(-60, 61, 15.0))
    shifted = tomo.TomoStack((made.data * 20 - 31882).astype("i2"), made.tilts.data.ravel())
    result = shifted.background()
    level = history.read(result)[-1]["resolved"]["level"]
    # The counts of the specimen reach over 100.
    assert level == pytest.approx(-31882, abs=2)
    assert abs(result.vacuum()) < 2
    fixed = shifted.background(level=-31000)
    assert np.allclose(fixed.data, shifted.data.astype(float) + 31000)


def test_a_registration_is_recovered_and_cropped(series):
    truth = tomo.simulation.truth_of(series).shifts
    registered = series.stack_register("PC", crop=True)
    found = registered.shifts.data
    error = (found - truth) - (found - truth).mean(axis=0)
    # Neighbours differ by 10 degrees of tilt; half a pixel is what remains of drifts of 2 px.
    assert np.median(np.abs(error)) < 0.5
    assert registered.covered().all()
    assert registered.data.shape[1:] < series.data.shape[1:]


def nan_pixels(pixels):
    pixels[2, 5, 6] = pixels[2, 5, 7] = pixels[9, 1, 1] = np.nan


def blank_frame(pixels):
    pixels[4] = 0


WARNS = [
    (nan_pixels, r"^3 pixels are NaN, in 2 of 13 projections \(#2 \(-40\.0°\), #9 \(30\.0°\)\)"),
    (blank_frame, r"^projection #4 \(-20\.0°\) is blank and gets no weight$"),
]


@pytest.mark.parametrize(("damage", "sentence"), WARNS, ids=["nan", "blank"])
@pytest.mark.parametrize("name", [("stack_register", "PC"), ("stack_register", "StackReg"),
                                  ("reconstruct", "FBP"), ("reconstruct", "SIRT")])  # fmt: skip
def test_damage_is_a_warning_and_work_goes_on(series, damage, sentence, name):
    whole = run(series, make_step(*name))
    damage(series.data)
    with pytest.warns(TomojupyterWarning, match=sentence):
        result = run(series, make_step(*name))
    if name[0] == "reconstruct":
        assert np.isfinite(result.data).all()
        # One frame or three pixels less change a volume, but do not spoil it.
        assert np.abs(result.data - whole.data).mean() < 0.5 * np.abs(whole.data).mean()
        return
    dead = np.isnan(result.data)
    assert dead.sum() <= 9 * np.isnan(series.data).sum()
    others = np.delete(np.arange(13), [2, 4, 9])
    moved = (result.shifts.data - whole.shifts.data)[others]
    assert np.abs(moved - np.median(moved, axis=0)).max() < 0.6
    if damage is blank_frame:
        assert np.flatnonzero(result.excluded).tolist() == [4]
        assert result.excluded_reason[4].startswith("blank")


def test_a_blank_frame_is_named_once(series):
    series.data[4] = 0
    with pytest.warns(TomojupyterWarning, match="projection #4"):
        registered = series.stack_register("PC")
    volume = registered.reconstruct(show_progressbar=False)
    assert np.isfinite(volume.data).all()


def test_many_damaged_projections_are_counted_not_listed(series):
    series.data[:6, 0, 0] = np.nan
    with pytest.warns(TomojupyterWarning, match=r"in 6 of 13 projections .*#2 \(-40\.0°\), \.\.\."):
        series.reconstruct(show_progressbar=False)


def test_repeated_tilts_are_a_warning(series):
    tilts = series.tilts.data.ravel().copy()
    tilts[3] = tilts[4]
    twice = series.set_tilts("list", tilts=tilts)
    with pytest.warns(TomojupyterWarning, match=r"^more than one projection at -20\.00°: each is"):
        volume = twice.reconstruct(show_progressbar=False)
    assert np.isfinite(volume.data).all()


def test_vacuum_far_from_zero_is_a_warning(series):
    lifted = tomo.TomoStack(series.data + 500, series.tilts.data.ravel())
    with pytest.warns(
        TomojupyterWarning, match=r"^the vacuum lies at 5\d\d.*background\(\) first$"
    ):
        lifted.reconstruct(show_progressbar=False)


def test_uncovered_pixels_have_no_weight(series):
    """What fills the edges after a shift must not be reconstructed as matter."""
    lifted = tomo.TomoStack(series.data, series.tilts.data.ravel())
    moved = lifted.tilt_align("manual", shift=6).filter("median", size=1)
    assert not moved.covered()[:, :6].any()
    reference = moved.reconstruct("SIRT", 3, show_progressbar=False)
    moved.data[:, :6] = 1e4
    spoilt = moved.reconstruct("SIRT", 3, show_progressbar=False)
    assert np.array_equal(spoilt.data, reference.data)


@pytest.mark.parametrize("method", ["SIRT", "SART", "CGLS", "OS-SIRT"])
def test_a_chosen_number_of_iterations_is_recorded_with_its_reason(noisy_series, method):
    volume = noisy_series.reconstruct(method, iterations="auto", show_progressbar=False)
    record = history.read(volume)[-1]
    number = record["resolved"]["iterations"]
    assert record["asked"]["iterations"] is None
    assert 1 <= number == len(record["scalars"]["residuals"])
    assert str(number) in record["scalars"]["chosen"]["why"]
    assert record["scalars"]["chosen"]["slices_tried"] == len(volume.data)
    direct = noisy_series.reconstruct(method, iterations=number, show_progressbar=False)
    assert np.array_equal(volume.data, direct.data)
    again = tomo.Recipe.from_yaml(tomo.Recipe.of(volume).to_yaml())
    assert np.array_equal(tomo.Recipe(again.entries[-1:]).run(noisy_series).data, volume.data)
    asked = tomo.Recipe.of(volume, resolved=False).to_yaml()
    assert "iterations: auto" in asked
    assert tomo.Recipe.from_yaml(asked).entries[-1].step.iterations is None


@pytest.fixture
def noisy_series(series):
    noise = np.random.default_rng(3).normal(0, 0.05 * series.data.max(), series.data.shape)
    return tomo.TomoStack((series.data + noise).astype("f4"), series.tilts.data.ravel())


def test_the_smoothing_of_dart_is_chosen_and_recorded(noisy_series):
    top = float(noisy_series.reconstruct("SIRT", show_progressbar=False).data.max())
    step = make_step("reconstruct", "DART", gray_levels=(0, top / 2), iterations=2)
    volume = run(noisy_series, step)
    record = history.read(volume)[-1]
    chosen = record["resolved"]["smoothing"]
    assert record["asked"]["smoothing"] is None
    assert f"{chosen:g}" in record["scalars"]["chosen"]["held_out_percent_by_smoothing"]
    assert set(np.unique(volume.data)) == {0, np.float32(top / 2)}
    again = tomo.Recipe(tomo.Recipe.of(volume).entries[-1:]).run(noisy_series)
    assert np.array_equal(again.data, volume.data)


def test_the_gpu_is_one_thing_under_two_names(series, monkeypatch):
    gpu = "tomojupyter.steps.{}.cuda_available"
    for there in (False, True):
        for module in ("reconstruct", "stack_register"):
            monkeypatch.setattr(gpu.format(module), lambda there=there: there)
        plain = make_step("reconstruct", "SIRT").resolve(series)
        assert (plain.cuda, plain.backend) == (there, "astra-cuda" if there else "numba")
        never = make_step("reconstruct", "SIRT", cuda=False).resolve(series)
        assert (never.cuda, never.backend) == (False, "numba")
        named = make_step("reconstruct", "SIRT", backend="astra-cuda")
        if there:
            assert named.resolve(series) == plain
            assert make_step("reconstruct", "SIRT", cuda=True).resolve(series) == plain
        else:
            with pytest.raises(ParameterError, match='backend="astra-cuda", but ASTRA finds no'):
                named.resolve(series)
    with pytest.raises(ParameterError, match="cuda=False never uses a GPU"):
        make_step("reconstruct", "SIRT", cuda=False, backend="astra-cuda")
