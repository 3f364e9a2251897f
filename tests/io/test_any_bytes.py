"""No input gives anything but a signal or an error of ours."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tomojupyter.api as tomo
from tomojupyter.errors import TomojupyterError, TomojupyterWarning
from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.mrc_header import HEADER

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
numbers = st.sampled_from(
    ["0", "-1", "1", "2.5", "-60", "nan", "inf", "1e999", "x", "", "90", "45"]
)
mdocs = st.lists(
    st.one_of(
        numbers.map("[ZValue = {}]".format),
        numbers.map("TiltAngle = {}".format),
        numbers.map("PixelSpacing = {}".format),
        numbers.map("RotationAngle = {}".format),
        numbers.map("[T = Tilt axis angle = {}, binning = 1]".format),
        numbers.map("Voltage = {}".format),
        st.text(max_size=10),
    ),
    max_size=14,
).map("\n".join)
lists = st.lists(numbers, max_size=5).map("\n".join)
kinds = st.sampled_from([b"SERI", b"FEI1", b"FEI2", b"AGAR", b""])


def check(source, **options):
    """Load a source, and say what came of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TomojupyterWarning)
        try:
            signal = tomo.load(source, **options)
        except TomojupyterError as error:
            return str(error)
        assert type(signal)._signal_type in ("TomoStack", "RecStack")
        pixels = np.asarray(signal.data)
        assert pixels.ndim == 3
        if type(signal)._signal_type == "TomoStack":
            assert len(signal.tilts.data) == len(pixels) == len(signal.shifts.data)
            assert np.isfinite(signal.tilts.data).all()
            assert np.isfinite(signal.transforms).all()
    scales = [axis.scale for axis in signal.axes_manager._axes[1:]]
    assert all(np.isfinite(s) and s > 0 for s in scales)
    return "a signal"


@given(
    n=st.integers(1, 3),
    mdoc=mdocs | st.none(),
    tlt=lists | st.none(),
    extended=st.binary(max_size=900),
    kind=kinds,
    ints=st.integers(-3, 20) | st.integers(-(2**15), 2**15 - 1),
    reals=st.integers(-3, 64) | st.integers(-(2**15), 2**15 - 1),
    label=numbers.map("Tilt axis angle = {}".format) | st.text(max_size=20),
    frames=st.sampled_from(["mean", "first", "all", 0, 1, -1]),
    suffix=st.sampled_from([".mrc", ".st", ".ali", ".rec"]),
    lazy=st.booleans(),
)
@QUICK
def test_a_sound_stack_among_any_neighbours(
    tmp_path, n, mdoc, tlt, extended, kind, ints, reals, label, frames, suffix, lazy
):
    path = tmp_path / f"any{suffix}"
    write_mrc(path, np.arange(n * 30, dtype="i2").reshape(n, 5, 6), 0.5, is_volume=False)
    raw = path.read_bytes()
    header = np.frombuffer(bytearray(raw[: HEADER.itemsize]), HEADER).copy()
    header["extended"], header["kind"] = len(extended), kind
    header["ints"], header["reals"], header["labels_used"] = ints, reals, 2
    header["labels"][0, 1] = label.encode("utf-8")[:80]
    path.write_bytes(header.tobytes() + extended + raw[HEADER.itemsize :])
    for name, text in (("any.mdoc", mdoc), ("any.tlt", tlt)):
        (tmp_path / name).unlink(missing_ok=True)
        if text is not None:
            (tmp_path / name).write_text(text, encoding="utf-8", errors="replace")
    assert check(path, frames=frames, lazy=lazy)


SUFFIXES = [".mrc", ".rec", ".npy", ".tif", ".dm3", ".dm4", ".hspy", ".h5", ".emd", ".txt", ""]
MAGIC = [
    b"",
    b"II*\0\x08\0\0\0",
    b"MM\0*",
    b"\x89HDF\r\n\x1a\n",
    b"\0\0\0\3",
    b"\0\0\0\4",
    b"\x93NUMPY\1\0",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(
    magic=st.sampled_from(MAGIC),
    raw=st.binary(max_size=300),
    zeros=st.sampled_from([0, 0, 1024]),
    lazy=st.booleans(),
)
@settings(QUICK, max_examples=15)
def test_any_bytes_under_any_name(tmp_path, suffix, magic, raw, zeros, lazy):
    path = tmp_path / f"any{suffix}"
    path.write_bytes(magic + raw + bytes(zeros))
    assert check(path, lazy=lazy) != ""
    assert check([path, path], lazy=lazy) != ""


few = {"max_size": 3}
things = st.one_of(
    st.none(), st.integers(), st.text(**few), st.binary(**few), st.lists(st.text(**few), **few),
    st.lists(st.floats(), **few), st.dictionaries(st.text(**few), st.integers()),
)  # fmt: skip


@given(
    source=things,
    tilts=st.none() | st.lists(st.floats(), **few) | st.text(**few) | st.integers(),
)
@QUICK
def test_anything_at_all(tmp_path, monkeypatch, source, tilts):
    monkeypatch.chdir(tmp_path)
    assert check(source, tilts=tilts) != ""
