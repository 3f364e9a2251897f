"""COM, COM-CL and MaxImage as recorded Steps: quality in the record, refusals, composition."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused, ParameterError, TiltsError, TomojupyterWarning
from tomojupyter.steps import history, make_step

TILTS = np.arange(-70, 71, 5.0)
CALLS = {
    "COM": lambda s: s.stack_register("COM"),
    "COM-CL": lambda s: s.stack_register("COM-CL"),
    "MaxImage": lambda s: s.tilt_align("MaxImage"),
}


@pytest.fixture(scope="module")
def leaning():
    return tomo.datasets.get_catalyst_data(size=96, tilts=TILTS, tiltshift=2.4, tiltrotate=2.0)


@pytest.mark.parametrize("method", ["COM", "com-cl"])
def test_the_record_has_the_quality_and_what_auto_stood_for(series, method):
    record = history.read(series.register_stack(method))[-1]
    scalars, resolved = record["scalars"], record["resolved"]
    n = len(series.data)
    assert len(scalars["residual_px"]) == len(scalars["shifts"]) == n
    assert 0 < scalars["median_residual_px"] < 2
    assert scalars["left_out"] == []
    assert resolved["start"] == n // 2
    if method == "COM":
        assert resolved["xrange"] == [0, 32]
    else:
        assert resolved["com_ref_index"] == resolved["cl_ref_index"] == n // 2


@pytest.mark.parametrize("method", ["COM", "COM-CL"])
def test_a_blank_projection_is_left_out_and_named(series, method):
    series.data[2] = 0
    with pytest.warns(TomojupyterWarning, match=r"#2 \(-40.0°\) is blank"):
        found = series.stack_register(method)
    assert found.excluded[2]
    assert history.read(found)[-1]["scalars"]["left_out"] == [2]
    assert np.isfinite(found.data).all()


def test_max_image_brings_the_axis_to_the_middle(leaning):
    found = leaning.tilt_align("MAXIMAGE", also_shift=True)
    node = found.metadata.Tomography
    assert node.tiltaxis == pytest.approx(-2.0, abs=1.0)
    assert -node.yshift == pytest.approx(-2.4, abs=0.25)
    scalars = history.read(found)[-1]["scalars"]
    assert scalars["angle_deg"] == pytest.approx(node.tiltaxis)
    assert scalars["shift_px"] == pytest.approx(-node.yshift)
    assert 0 < scalars["shift_sigma_px"] < 0.5
    assert 0 < scalars["angle_sigma_deg"] < 4


def test_a_second_method_adds_to_what_was_applied(leaning):
    """ETSpy's MaxImage overwrites the angle that was accumulated."""
    turned = leaning.tilt_align("manual", angle=1.5, shift=2.0)
    found = turned.tilt_align("MaxImage")
    extra = history.read(found)[-1]["scalars"]["angle_deg"]
    assert found.metadata.Tomography.tiltaxis == pytest.approx(1.5 + extra)
    turn = np.deg2rad(extra)
    place = found.transforms[0] @ np.linalg.inv(turned.transforms[0])
    assert place[:2, :2] == pytest.approx(
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    )
    # Turned about the centre of the pixel grid, which stays where it is.
    assert place @ [47.5, 47.5, 1] == pytest.approx([47.5, 47.5, 1])


def test_plot_results_draws_the_axis(leaning):
    mpl.use("agg")
    plt.close("all")
    leaning.tilt_align("MaxImage", plot_results=True)
    (place,) = plt.gcf().axes
    assert place.get_title().startswith("Maximum; axis at ")
    assert len(place.lines) == 2
    plt.close("all")


@pytest.mark.parametrize("method", CALLS)
def test_tilts_that_are_no_angles_are_refused_or_flagged(leaning, method):
    bad = leaning.deepcopy()
    bad.metadata.Tomography.tilts.data = np.zeros((29, 1))
    with pytest.raises(TiltsError, match="all tilts are 0°"):
        CALLS[method](bad)
    bad.metadata.Tomography.tilts.data = np.where(np.arange(29) == 4, np.nan, TILTS)[:, None]
    with pytest.raises(TiltsError, match="tilts of projections #4 are not numbers"):
        CALLS[method](bad)
    bad.metadata.Tomography.tilts.data = np.deg2rad(TILTS)[:, None]
    with pytest.warns(TomojupyterWarning, match="from -1.22° to 1.22°, which looks like radians"):
        CALLS[method](bad)


@pytest.mark.parametrize("method", CALLS)
def test_noise_is_refused_with_a_sentence(method):
    noise = np.random.default_rng(0).normal(size=(29, 64, 64))
    with pytest.raises(AlignmentRefused, match=r"; "):
        CALLS[method](tomo.TomoStack(noise, TILTS))


def test_bad_values_are_sentences(series):
    for name in ("com_ref_index", "cl_ref_index"):
        with pytest.raises(ParameterError, match=f"{name} is projection 13, but they count"):
            series.stack_register("COM-CL", **{name: 13})
    with pytest.raises(ParameterError, match=r"cl_resolution must be less than 0.5 px"):
        make_step("stack_register", "COM-CL", cl_resolution=0.5)
    with pytest.raises(ParameterError, match="xrange must be a first and a last column"):
        series.stack_register("COM", xrange=(20, 40))


def test_keywords_have_the_defaults_of_etspy():
    steps = {
        ("stack_register", "COM"): {"xrange": None, "p": 20, "nslices": 20},
        ("stack_register", "COM-CL"): {
            "com_ref_index": None, "cl_ref_index": None, "cl_resolution": 0.05,
            "cl_div_factor": 8,
        },
        ("tilt_align", "CoM"): {"slices": None, "nslices": None},
        ("tilt_align", "MaxImage"): {
            "limit": 10, "delta": 0.1, "plot_results": False, "also_shift": False,
            "shift_limit": 20.0,
        },
    }  # fmt: skip
    for (operation, method), keywords in steps.items():
        found = make_step(operation, method).as_dict()
        assert [k for k in found if k in keywords] == list(keywords)
        assert {k: found[k] for k in keywords} == keywords
