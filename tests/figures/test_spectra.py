"""Figures of spectra show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as tomo
from tomojupyter import figures
from tomojupyter.errors import DataError

TILTS = np.array([-40.0, 5.0, 40.0])


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def volume(where, value, units="nm"):
    made = tomo.RecStack(np.zeros((4, 6, 8), "f4"))
    made.data[where] = value
    for axis in made.axes_manager._axes:
        axis.scale, axis.units = 0.5, units
    return made


def test_sum_spectrum_names_lines_where_they_are():
    energies = np.arange(100) * 0.1
    counts = np.r_[np.zeros(2), np.arange(90.0), np.zeros(8)]
    place = figures.sum_spectrum(energies, counts, ["Ni_Ka", "Si_Ka"]).axes[0]
    assert place.lines[0].get_ydata()[50] == 48
    assert place.lines[0].get_ydata()[0] > 0  # has a place on a logarithmic axis
    assert place.get_yscale() == "log"
    assert place.get_xlim()[1] == pytest.approx(9.1)  # the last count
    assert [t.get_text() for t in place.texts] == ["Ni Kα", "Si Kα"]
    assert place.texts[0].xy[0] == pytest.approx(7.47, abs=0.02)


def test_scree_tells_apart_what_stands_out():
    place = figures.scree(np.array([50.0, 9, 2, 0.2, -0.1]), 0.5, 3).axes[0]
    line, taken, left, edge = place.lines
    assert len(line.get_xdata()) == 5
    assert taken.get_xdata().tolist() == [1, 2, 3]
    assert left.get_ydata().tolist() == [0.2, -0.1]
    assert set(edge.get_ydata()) == {0.5}


def test_components_have_a_panel_each():
    energies = np.arange(5.0)
    drawn = figures.component_spectra(energies, {"Ni": energies, "background": 4 - energies})
    assert [place.texts[0].get_text() for place in drawn.axes] == ["Ni", "background"]
    assert drawn.axes[1].get_xlabel() == "energy (keV)"
    with pytest.raises(DataError, match="nothing to draw"):
        figures.component_spectra(energies, {})


def test_residual_is_drawn_with_the_reach_of_noise():
    energies, noise = np.arange(5.0), np.full(5, 2.0)
    place = figures.residual_spectrum(energies, energies - 2, noise).axes[0]
    assert place.lines[0].get_ydata().tolist() == [-2, -1, 0, 1, 2]
    band = place.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (-6, 6)


def test_maps_are_of_the_tilt_nearest_to_zero_each_to_its_own_greys():
    faint = tomo.TomoStack(np.random.default_rng(0).random((3, 6, 6)).astype("f4"), TILTS)
    bright = tomo.TomoStack(1000 * faint.data, TILTS)
    one, other = figures.maps({"Ni_Ka": faint, "all": bright}).axes
    assert np.array_equal(one.images[0].get_array(), faint.data[1])
    assert one.get_title() == "Ni Kα, 5°"
    assert other.images[0].get_clim()[1] == pytest.approx(1000 * one.images[0].get_clim()[1])
    last = figures.maps({"all": bright}, 2).axes[0]
    assert np.array_equal(last.images[0].get_array(), bright.data[2])


def test_elements_are_added_in_their_colours():
    one, other = volume((2, 3, 4), 5), volume((2, 3, 5), 0.1)
    other.data[2, 3, 4] = 0.1
    drawn = figures.coloured({"Ni_Ka": one, "Pt_Ma": other})
    image = np.asarray(drawn.axes[0].images[0].get_array())  # x is cut; (z, y)
    blue = np.array([0x56, 0xB4, 0xE9]) / 255
    orange = np.array([0xE6, 0x9F, 0x00]) / 255
    np.testing.assert_allclose(image[3, 5], blue)
    np.testing.assert_allclose(image[3, 4], np.clip(blue + orange, 0, 1))
    assert not image[0].any()
    assert [t.get_text() for t in drawn.legends[0].get_texts()] == ["Ni Kα", "Pt Mα"]
    assert drawn.axes[0].get_title() == "x = 2 px  (y →, z ↓)"
    small = tomo.RecStack(np.ones((2, 2, 2), "f4"))
    with pytest.raises(DataError, match="different shapes"):
        figures.coloured({"Ni_Ka": one, "Pt_Ma": small})
    with pytest.raises(DataError, match="nothing to draw"):
        figures.coloured({})
