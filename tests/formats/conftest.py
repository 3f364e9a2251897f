"""A small MRC file, and its damage."""

import numpy as np
import pytest

from tomojupyter.formats.mrc import write_mrc
from tomojupyter.formats.mrc_header import HEADER


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(-100, 100, (3, 4, 5)).astype("i2")


@pytest.fixture
def small(tmp_path, pixels):
    path = tmp_path / "small.mrc"
    write_mrc(path, pixels, 0.5, is_volume=False)
    return path


@pytest.fixture
def patched():
    """Return a function that rewrites fields of the header of a file."""

    def patch(path, **fields):
        raw = bytearray(path.read_bytes())
        header = np.frombuffer(raw, HEADER, 1)
        for name, value in fields.items():
            header[name] = value
        path.write_bytes(raw)
        return path

    return patch
