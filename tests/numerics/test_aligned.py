"""Arrays that kernels load fast, and whose memory goes back."""

import gc
import sys
from pathlib import Path

import numpy as np
import pytest

from tomojupyter.numerics.aligned import LARGE, LINE, zeros
from tomojupyter.numerics.reconstruction.backends import make_projector


@pytest.mark.parametrize("count", [1, 17, 1000, LARGE // 4 - 1, LARGE // 4, LARGE // 4 + 1])
@pytest.mark.parametrize("dtype", ["f4", "u1", ">i2", "f8"])
def test_zeros_begin_at_a_line_of_the_cache(count, dtype):
    made = zeros((count, 3), np.dtype(dtype))
    assert made.shape == (count, 3)
    assert made.dtype == dtype
    assert made.flags.c_contiguous
    assert made.flags.writeable
    assert made.ctypes.data % LINE == 0
    assert not made.any()
    made += 1
    assert (made == 1).all()


@pytest.mark.parametrize("k", [1, 16, 64])
def test_blocks_of_the_kernels_do(k):
    projector = make_projector(np.linspace(-60, 60, 5), 17, 9)
    for block in (projector.slices(k), projector.sinograms(k)):
        assert block.ctypes.data % LINE == 0
        assert block.strides[1] % LINE == block.strides[2] % LINE == 0


def resident():
    """Bytes of memory that this process has."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it there")
def test_pages_go_back_at_once():
    gc.collect()
    before = resident()
    made = [zeros((2 << 20,)) for _ in range(8)]
    for array in made:
        array.fill(1)
    assert resident() - before > 60 << 20
    last = made.pop()
    made.clear()
    del array
    assert resident() - before < 24 << 20
    assert last.sum() == 2 << 20
