"""The paper's section 10 as it is printed, on the simulated series.

Corrected are the lines that `docs/promises.py` names. The figures of the listing (numbers of
lines, of components, the windows) are the paper's; names of files and the number of tilts are those
of the simulated series. The components come in an order of their own, so those that carry an
element's lines are looked for where the paper writes their numbers.
"""

import doctest
import warnings

import hyperspy.api as hs
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as etspy
from tomojupyter import datasets as ds

TILTS = np.linspace(0, 160, 9)
ELEMENTS = ("Ni", "Si", "Cr", "Pt")


@pytest.fixture(scope="module")
def made():
    """A series that was not aligned as acquired; 13.3 keV are in range, for the paper's windows."""
    return ds.get_simulated_edx_data(
        size=24, tilts=TILTS, counts=400, channels=256, channel_width=0.052, jitter=0.6,
        tilt_shift=1.0, seed=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(made, tmp_path_factory):
    """One file a tilt, as in the paper."""
    folder = tmp_path_factory.mktemp("edx")
    for i in range(len(TILTS)):
        edx = made.edx.inav[:, :, i]
        del edx.metadata.Tomography  # such files know no tilts
        edx.save(folder / f"EDX_SI_{i:02d}.hdf5", file_format="HSPY")
    return folder


def run(listing, **names):
    test = doctest.DocTestParser().get_doctest(listing, names, "listing", None, 0)
    report = []
    done = doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=False)
    assert done.attempted > 0
    assert done.failed == 0, "".join(report)
    return test.globs


def likeness(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


@pytest.fixture(scope="module")
def loaded(files):
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.chdir(files)
    with pytest.warns(match="'reader' parameter is deprecated"):
        names = run(
            """
>>> import hyperspy.api as hs
>>> import tomojupyter.api as etspy
>>> # Load EDX datasets and define tilts
>>> edx = hs.load("EDX_SI_*.hdf5", reader="HSPY",
... stack=True)
>>> import numpy as np
>>> tilts = np.linspace(0, 160, 9)
"""
        )
    monkeypatch.undo()
    return names


@pytest.fixture(scope="module")
def decomposed(loaded):
    """The factors begin with random numbers, as HyperSpy's NMF does without a seed."""
    np.random.seed(0)
    names = dict(loaded, edx=loaded["edx"].deepcopy())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Maximum number of iterations 200 reached")
        return run(DECOMPOSITION, **names)


DECOMPOSITION = """
>>> ## NMF decomposition
>>> # Perform initial singular value decomposition
>>> edx.change_dtype("float32")
>>> edx.decomposition(True)  # doctest: +ELLIPSIS
Decomposition info:
...
>>> # Refine the decomposition using NMF
>>> edx.decomposition(True,
... algorithm="NMF",
... output_dimension=6)  # doctest: +ELLIPSIS
Decomposition info:
...
>>> # Extract phase maps and convert to TomoStacks
>>> loadings = edx.get_decomposition_loadings()
"""


@pytest.fixture(scope="module")
def order(decomposed, made):
    """The components, in the order of the paper: nickel, silicon, chromium, platinum."""
    pixels = decomposed["loadings"].data
    truth = made.truth.maps
    return [int(np.argmax([likeness(pixels[k], truth[e]) for k in range(6)])) for e in ELEMENTS]


def test_row_10_spectra_line_maps_listing(loaded, made):
    names = run(
        """
>>> ## Background Subtraction Method
>>> # Define lines to use and background windows
>>> lines = ["Si_Ka", "Ni_Ka", "Cr_Ka","Pt_La"]
>>> bckg = [[1.2,1.4,3.2,3.4],[4.5,4.8,11.9,12.5],
... [4.5,4.8,11.9,12.5],[4.5,4.8,11.9,12.5]]
>>> # Extract elemental maps
>>> maps = edx.get_lines_intensity(lines,
... background_windows=bckg)
>>> SiKa, NiKa, CrKa, PtLa = maps
>>> # Convert maps to TomoStack
>>> SiKa = etspy.TomoStack(SiKa, tilts)
>>> NiKa = etspy.TomoStack(NiKa, tilts)
>>> CrKa = etspy.TomoStack(CrKa, tilts)
>>> PtLa = etspy.TomoStack(PtLa, tilts)
""",
        **loaded,
    )
    for element, line in (("Si", "SiKa"), ("Ni", "NiKa"), ("Cr", "CrKa"), ("Pt", "PtLa")):
        stack = names[line]
        assert type(stack) is etspy.TomoStack
        assert stack.data.shape == (9, 24, 24)
        assert np.array_equal(stack.tilts.data.ravel(), TILTS)
        # Of 400 counts the lines get 20 to 100; platinum's L are few.
        assert likeness(stack.data, made.truth.maps[element]) > (0.7 if element == "Pt" else 0.9)


def test_row_10_spectra_decomposition_listing(decomposed, order, made):
    names = run(
        """
>>> Ni_NMF = etspy.TomoStack(loadings.inav[order[0]], tilts)
>>> Si_NMF = etspy.TomoStack(loadings.inav[order[1]], tilts)
>>> Cr_NMF = etspy.TomoStack(loadings.inav[order[2]], tilts)
>>> Pt_NMF = etspy.TomoStack(loadings.inav[order[3]], tilts)
""",
        order=order, **decomposed,
    )  # fmt: skip
    assert len(set(order)) == 4
    for element in ELEMENTS:
        stack = names[f"{element}_NMF"]
        assert np.array_equal(stack.tilts.data.ravel(), TILTS)
        assert likeness(stack.data, made.truth.maps[element]) > 0.9


def test_row_10_spectra_from_spectra_to_volumes(decomposed, order, made):
    names = dict(decomposed, order=order)
    for element, k in zip(ELEMENTS, order, strict=True):
        names[f"{element}_NMF"] = etspy.TomoStack(decomposed["loadings"].inav[k], TILTS)
    names = run(
        """
>>> ## Calculate alignment on the spectral sum image series
>>> # Calculate sum image. This results in a HyperSpy
>>> # Signal2D class:
>>> edx_sum = edx.sum(3).as_signal2D((0,1))
>>> # Convert to a TomoStack
>>> edx_sum = etspy.TomoStack(edx_sum, tilts)
>>> edx_reg = edx_sum.stack_register("StackReg")
>>> edx_ali = edx_reg.tilt_align("CoM")
>>> # Apply alignments to the phase maps
>>> Ni_NMF = edx_ali.align_other(Ni_NMF)
>>> Si_NMF = edx_ali.align_other(Si_NMF)
>>> Cr_NMF = edx_ali.align_other(Cr_NMF)
>>> Pt_NMF = edx_ali.align_other(Pt_NMF)
>>> # Reconstruct the datasets
>>> Ni_rec = Ni_NMF.reconstruct(show_progressbar=False)
>>> Si_rec = Si_NMF.reconstruct(show_progressbar=False)
>>> Cr_rec = Cr_NMF.reconstruct(show_progressbar=False)
>>> Pt_rec = Pt_NMF.reconstruct(show_progressbar=False)
>>> pixel_size =Ni_rec.axes_manager[0].scale
>>> Ni_binary =Ni_rec.deepcopy()
>>> Ni_binary[Ni_binary>0] = 1
>>> Cr_binary =Cr_rec.deepcopy()
>>> Cr_binary[Cr_binary>0] = 1
>>> Ni_volume = pixel_size**3 * Ni_binary.data.sum()
>>> Cr_volume = pixel_size**3 * Cr_binary.data.sum()
>>> volume_ratio = Ni_volume/Cr_volume
""",
        **names,
    )
    for element in ELEMENTS:
        volume = names[f"{element}_rec"]
        assert type(volume) is etspy.RecStack
        assert volume.data.shape == (24, 24, 24)
        # 9 tilts; the truth lies where it was before the alignment, a fraction of a pixel off.
        assert likeness(volume.data, made.truth.volumes[element]) > 0.55
    assert names["pixel_size"] == pytest.approx(100 / 24)
    assert 0.2 < names["volume_ratio"] < 5


def test_row_10_figures_of_sum_spectrum_and_components(decomposed, order):
    """Figures 5 and 6: the sum spectrum, one sum image, components of a tilt in one overlay."""
    mpl.use("agg")
    edx, loadings = decomposed["edx"], decomposed["loadings"]
    edx.sum((0, 1, 2)).plot()
    drawn = plt.gca().lines[0].get_ydata()
    assert np.allclose(drawn, edx.data.sum((0, 1, 2)))
    images = [etspy.TomoStack(loadings.inav[k], TILTS).inav[4] for k in order]
    places = hs.plot.plot_images(images, overlay=True, colorbar=None)
    assert len(places) == 1
    plt.close("all")
