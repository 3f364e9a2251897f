"""Arrays for compiled kernels: at the boundaries of cache lines, and given back when dropped."""

from __future__ import annotations

import math
import mmap

import numpy as np

LINE = 64  # bytes of a line of the cache, and of the widest registers
FLOAT = np.dtype(np.float32)
LARGE = 1 << 20  # bytes that get memory pages of their own


def zeros(shape: tuple[int, ...], dtype: np.dtype = FLOAT) -> np.ndarray:
    """Return zeros that kernels load without crossing a line of the cache.

    Loads that cross a line take twice the time, and of the arrays of an allocator nearly all
    do: they begin 16 bytes behind a line. What an allocator gets back it may keep for what comes
    later, up to 32 MB a piece; here the pages of large arrays go back to the system at once.

    Parameters
    ----------
    shape
        Of the array.
    dtype
        Of its numbers.

    Returns
    -------
    numpy.ndarray
        C-contiguous.
    """
    size = dtype.itemsize * math.prod(shape)
    if size >= LARGE:
        return np.frombuffer(_pages(size), dtype).reshape(shape)
    spare = np.zeros(size + LINE, np.uint8)
    skip = -spare.ctypes.data % LINE
    return spare[skip : skip + size].view(dtype).reshape(shape)


def _pages(size: int) -> mmap.mmap:
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return mmap.mmap(-1, size)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            pages.madvise(mmap.MADV_HUGEPAGE)
        except OSError:  # a kernel without them
            return pages
    return pages
