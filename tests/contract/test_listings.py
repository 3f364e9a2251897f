"""The paper's listings as they are printed, but for the names of the imports.

Herzing and Taillon, Micron 190 (2025) 103774. Each listing is run as a doctest, so what the paper
prints is compared too. Lines that the journal's columns broke are whole again; a print without
printed result, and a value that a notebook would show, is assigned to `_`. The spectral listing of
section 10 is in test_spectral_listing.py.
"""

import doctest
import functools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

import tomojupyter.api as etspy
from tomojupyter import datasets as ds

IMPORTS = """
>>> import tomojupyter.api as etspy
>>> from tomojupyter import datasets as ds
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Make the example data once for all listings."""
    mpl.use("agg")
    for name in ("get_needle_data", "get_catalyst_data"):
        monkeypatch.setattr(ds, name, made_once(getattr(ds, name)))
    yield
    plt.close("all")


MADE = {}


def made_once(function):
    @functools.wraps(function)
    def wrapped(**keywords):
        key = (function.__name__, *keywords.items())
        if key not in MADE:
            MADE[key] = function(**keywords)
        return MADE[key].deepcopy()

    return wrapped


@pytest.fixture
def needle():
    """Say that a listing needs the measured series."""
    if ds.data_dir() is None:
        pytest.skip(f"{ds.DATA_DIR} is not set, and tests download nothing")


def run(listing, **names):
    """Run a listing; return its names."""
    test = doctest.DocTestParser().get_doctest(listing, names, "listing", None, 0)
    report = []
    done = doctest.DocTestRunner(verbose=False).run(test, out=report.append, clear_globs=False)
    assert done.attempted > 0
    assert done.failed == 0, "".join(report)
    return test.globs


def test_row_2_needle_listing(needle):
    names = run(
        IMPORTS
        + """
>>> s = ds.get_needle_data()  # loads experimental test data
>>> s2 = ds.get_catalyst_data()  # loads simulated catalyst data
>>> s = ds.get_needle_data()
>>> s_aligned = ds.get_needle_data(aligned=True)
"""
    )
    assert names["s"].data.shape == names["s_aligned"].data.shape == (77, 256, 256)
    assert names["s2"].data.shape[1:] == (256, 256)
    assert all(type(names[k]) is etspy.TomoStack for k in ("s", "s2", "s_aligned"))


def test_row_3_classes_listing(needle):
    names = run(
        """
>>> node = s.metadata.Tomography
>>> tilts = s.tilts.data
>>> shifts = s.shifts.data
""",
        s=ds.get_needle_data(),
    )
    assert (names["node"].cropped, names["node"].tiltaxis) == (False, 0)
    assert (names["node"].xshift, names["node"].yshift) == (0, 0)
    assert names["tilts"].ravel().tolist() == list(range(-76, 77, 2))
    assert names["shifts"].tolist() == [[0, 0]] * 77


def test_row_4_load_listing(tmp_path, monkeypatch, real_data):
    """With the names of files that are there."""
    monkeypatch.chdir(real_data)
    names = run(
        """
>>> s = etspy.load("HAADF.mrc")
>>> image_series = ["dm_series/BF_001.dm3", "dm_series/BF_002.dm3", "dm_series/BF_003.dm3"]
>>> s2 = etspy.load(image_series)
""",
        etspy=etspy,
    )
    assert str(names["s"].tilts).endswith("(77|1)>")
    assert names["s2"].data.shape == (3, 128, 128)


def test_row_4_stacks_listing():
    names = run(
        """
>>> import tomojupyter.api as etspy
>>> import hyperspy.api as hs
>>> import numpy as np
>>> tilts = np.arange(0,180,2)
>>> s = np.random.random([90,100,100])
>>> s = etspy.TomoStack(s, tilts)
>>> of_array = s
>>> s = hs.signals.Signal2D(np.random.random([90,100,100]))
>>> s = etspy.TomoStack(s, tilts)
"""
    )
    for s in (names["of_array"], names["s"]):
        assert str(s) == "<TomoStack, title: , dimensions: (90|100, 100)>"
        assert np.array_equal(s.tilts.data.ravel(), names["tilts"])


def test_row_4_save_listing(tmp_path, monkeypatch, series):
    monkeypatch.chdir(tmp_path)
    volume = series.reconstruct(show_progressbar=False)
    names = run(
        """
>>> s.save("stack.hspy")
>>> rec.save("rec.hspy")
>>> s2, rec2 = etspy.load("stack.hspy"), etspy.load("rec.hspy")
""",
        etspy=etspy, s=series, rec=volume,
    )  # fmt: skip
    assert np.array_equal(names["s2"].data, series.data)
    assert np.array_equal(names["rec2"].data, volume.data)
    assert names["s2"].metadata.Tomography.as_dictionary().keys() == (
        series.metadata.Tomography.as_dictionary().keys()
    )


def test_row_5_plot_listing():
    """The slider that a notebook shows is printed elsewhere."""
    names = run(
        """
>>> from tomojupyter import datasets as ds
>>> s = ds.get_catalyst_data()
>>> s.plot()  # doctest: +ELLIPSIS
VBox(...Label(value='Projections'...IntSlider(...max=72)...max=72.0, min=-72.0...'degrees'...
"""
    )
    drawn = names["s"]._plot.signal_plot.ax.images[0].get_array()
    assert np.array_equal(drawn, names["s"].data[0])


def test_row_5_plot_images_listing():
    names = run(
        """
>>> import hyperspy.api as hs
>>> _ = hs.plot.plot_images([s.inav[0], s.extract_sinogram(128)],
...     colorbar=None)
""",
        s=ds.get_catalyst_data(),
    )
    image, sinogram = (place.images[0].get_array() for place in names["_"])
    s = names["s"]
    assert np.array_equal(image, s.data[0])
    assert np.array_equal(sinogram, s.data[:, :, 128])


def test_row_6_crop_listing(needle):
    names = run(
        """
>>> s = ds.get_needle_data()
>>> print(s)
<TomoStack, title: , dimensions: (77|256, 256)>
>>> s_cropped = s.isig[5:-10, 10:-5]
>>> print(s_cropped)
<TomoStack, title: , dimensions: (77|241, 241)>
""",
        ds=ds,
    )
    # The text around it counts otherwise: columns are the first of the two.
    assert np.array_equal(names["s_cropped"].data, names["s"].data[:, 10:-5, 5:-10])


def test_row_6_crop_listing_of_tilts(needle):
    names = run(
        """
>>> # each of the following has a navigation size of 77 pixels:
>>> print(s)
<TomoStack, title: , dimensions: (77|256, 256)>
>>> print(s.tilts)
<TomoTilts, title: Image tilt values, dimensions: (77|1)>
>>> print(s.shifts)
<TomoShifts, title: Image shift values, dimensions: (77|2)>
>>> s_cropped = s.inav[5: -10]
>>> # after slicing, each of the following has a navigation size of 62
>>> # pixels:
>>> print(s_cropped)
<TomoStack, title: , dimensions: (62|256, 256)>
>>> print(s_cropped.tilts)
<TomoTilts, title: Image tilt values, dimensions: (62|1)>
>>> print(s_cropped.shifts)
<TomoShifts, title: Image shift values, dimensions: (62|2)>
""",
        s=ds.get_needle_data(),
    )
    assert names["s_cropped"].tilts.data.ravel().tolist() == list(range(-66, 57, 2))


def test_row_6_crop_listing_of_removed_projections(needle):
    names = run(
        """
>>> print(s)
<TomoStack, title: , dimensions: (77|256, 256)>
>>> s_new = s.remove_projections([10, 20])
>>> print(s_new)
<TomoStack, title: , dimensions: (75|256, 256)>
>>> print(s_new.tilts)
<TomoTilts, title: Image tilt values, dimensions: (75|1)>
>>> print(s_new.shifts)
<TomoShifts, title: Image shift values, dimensions: (75|2)>
""",
        s=ds.get_needle_data(),
    )
    left = names["s_new"].tilts.data.ravel().tolist()
    assert left == [t for t in range(-76, 77, 2) if t not in (-56, -36)]


def test_row_10_masks_listing(series):
    """``Ni_binary.sum()`` reads ``Ni_binary.data.sum()``, as the axes of a signal's sum demand."""
    nickel = series.reconstruct(show_progressbar=False)
    nickel.data = np.clip(nickel.data, 0, None)
    chromium = nickel.deepcopy()
    chromium.data[:10] = 0
    names = run(
        """
>>> pixel_size = Ni_rec.axes_manager[0].scale
>>> Ni_binary = Ni_rec.deepcopy()
>>> Ni_binary[Ni_binary>0] = 1
>>> Cr_binary = Cr_rec.deepcopy()
>>> Cr_binary[Cr_binary>0] = 1
>>> Ni_volume = pixel_size**3 * Ni_binary.data.sum()
>>> Cr_volume = pixel_size**3 * Cr_binary.data.sum()
>>> volume_ratio = Ni_volume/Cr_volume
""",
        Ni_rec=nickel, Cr_rec=chromium,
    )  # fmt: skip
    counts = (nickel.data > 0).sum(), (chromium.data > 0).sum()
    assert names["pixel_size"] == series.axes_manager["x"].scale
    assert names["Ni_volume"] == pytest.approx(counts[0] * names["pixel_size"] ** 3)
    assert names["volume_ratio"] == pytest.approx(counts[0] / counts[1])
