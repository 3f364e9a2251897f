"""How many components counted spectra have, and which."""

import numpy as np
import pytest

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.spectral.factors import channel_groups, poisson_nmf, scree
from tomojupyter.numerics.spectral.naming import name_components, within_groups
from tomojupyter.numerics.spectral.shapes import bremsstrahlung, line_shape

AXIS = 0.1 * np.arange(100)
SPECTRA = np.stack([
    line_shape(AXIS, 1.74),
    0.6 * line_shape(AXIS, 7.478) + 0.4 * line_shape(AXIS, 0.851),
    bremsstrahlung(AXIS),
])  # fmt: skip
LINES = {"Si": [([1.74], [1.0])], "Ni": [([7.478], [1.0]), ([0.851], [1.0])]}


def counted(counts, seed=0):
    """600 pixels of two phases, each with background, and 600 empty ones."""
    loads = np.zeros((1200, 3))
    loads[:300, 0] = loads[300:600, 1] = counts
    loads[:600, 2] = 0.3 * counts
    return np.random.default_rng(seed).poisson(loads @ SPECTRA).astype(np.float32)


@pytest.mark.parametrize("counts", [5, 20, 200])
def test_the_scree_counts_what_differs(counts):
    """Two phases, each with its background: two components, at any dose."""
    values, edge, proposed = scree(counted(counts))
    assert proposed == 2
    assert values[1] > 2 * edge > 0 > values[-1]
    assert (np.diff(values) <= 0).all()


def test_noise_alone_has_one_component():
    noise = np.random.default_rng(1).poisson(3.0, (800, 60))
    assert scree(noise)[2] == 1


def test_components_of_few_counts_are_found_whatever_the_vacuum():
    """5 counts a pixel, and half of the pixels without any: no mask is needed."""
    data = counted(5)
    found = poisson_nmf(data, iterations=60)
    assert found.proposed == len(found.spectra) == 2
    assert np.allclose(found.spectra.sum(1), 1, atol=1e-5)
    assert found.counts.sum() == pytest.approx(data.sum(), rel=1e-3)
    truth = (SPECTRA[:2] + 0.3 * SPECTRA[2]) / 1.3
    order = np.argsort(-(found.spectra @ truth[0]))
    for k, expected in zip(order, truth, strict=True):
        assert np.corrcoef(found.spectra[k], expected)[0, 1] > 0.98
    assert found.agreement > 0.95
    assert np.array_equal(poisson_nmf(data, iterations=60).spectra, found.spectra)


def test_components_that_can_be_rotated_are_noticed():
    """More components than the data have: each start finds others."""
    assert poisson_nmf(counted(5), 6, iterations=30).agreement < 0.9


def test_names_are_those_of_the_lines():
    spectra = np.vstack([SPECTRA, SPECTRA[0] + SPECTRA[1], SPECTRA[0]])
    spectra /= spectra.sum(1, keepdims=True)
    names = name_components(spectra, np.arange(101), AXIS, LINES, 130.0)
    assert names[:3] == ["Si", "Ni", "background"]
    assert set(names[3].split("+")) == {"Si", "Ni"}
    assert names[4] == "Si 2"


def test_groups_of_channels_and_rows_over_them():
    total = np.zeros(1000)
    total[:700] = 1
    edges = channel_groups(total, 100)
    assert edges[0] == 0
    assert edges[-1] == 700
    assert len(edges) - 1 == 100
    rows = np.random.default_rng(0).normal(size=(2, 100))
    spectrum = np.random.default_rng(1).poisson(2.0, 1000)
    grouped = np.add.reduceat(spectrum[:700], edges[:-1])
    assert np.allclose(within_groups(rows, edges, 1000) @ spectrum, rows @ grouped)


def test_no_counts_and_too_many_components_are_sentences():
    with pytest.raises(ParameterError, match="no counts"):
        channel_groups(np.zeros(5))
    with pytest.raises(ParameterError, match="no counts"):
        poisson_nmf(np.zeros((5, 5)))
    with pytest.raises(ParameterError, match="components must be at most 4"):
        poisson_nmf(np.ones((6, 4)), 5)
