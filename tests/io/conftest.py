"""Files as SerialEM writes them."""

import numpy as np
import pytest

from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.mrc_header import HEADER


@pytest.fixture
def mdoc_text():
    """Return the text of an .mdoc with these tilts."""

    def text(tilts, axis=-90.0, pixel=5.0):
        head = f"PixelSpacing = {pixel}\nVoltage = 300\nImageFile = a.mrc\nSpotSize = 7\n\n"
        title = f"[T =     Tilt axis angle = {axis}, binning = 1  spot = 7  camera = 0]\n"
        return (
            head
            + title
            + "".join(
                f"\n[ZValue = {i}]\nTiltAngle = {tilt}\nMagnification = 115000\nDefocus = -0.5\n"
                for i, tilt in enumerate(tilts)
            )
        )

    return text


@pytest.fixture
def pair(tmp_path, mdoc_text):
    """Return the path of a new pair of stack and .mdoc."""

    def make(data, tilts, name="a.mrc", mdoc="a.mrc.mdoc", **keywords):
        write_mrc(tmp_path / name, data, 0.5, is_volume=False)
        (tmp_path / mdoc).write_text(mdoc_text(tilts, **keywords), encoding="utf-8")
        return tmp_path / name

    return make


@pytest.fixture
def give_header():
    """Return a function that gives an MRC file SerialEM's extended header, and a label."""

    def give(path, tilts, label=""):
        records = np.zeros((len(tilts), 3), "<i2")
        records[:, 0] = np.round(np.array(tilts) * 100)
        raw = bytearray(path.read_bytes())
        header = np.frombuffer(raw, HEADER, 1)
        header["extended"], header["kind"], header["ints"], header["reals"] = (
            records.nbytes,
            b"SERI",
            6,
            5,
        )
        header["labels_used"] = 2
        header["labels"][0, 1] = label.encode()
        path.write_bytes(raw[: HEADER.itemsize] + records.tobytes() + raw[HEADER.itemsize :])

    return give
