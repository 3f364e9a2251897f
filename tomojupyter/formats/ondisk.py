"""Arrays that stay on the disk, as dask arrays of single sections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class OnDisk:
    """A C-contiguous array in a file; each look at it opens the file.

    Dask copies memory maps whole into memory, and pickles them so; this it does not.

    Parameters
    ----------
    path
        The file.
    dtype, shape
        Of the array.
    offset
        Bytes before it.
    """

    path: str
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return a part of it, in memory."""
        return np.array(np.memmap(self.path, self.dtype, "r", self.offset, self.shape)[index])

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        """Return what tells it from other arrays: another file under the name is another one."""
        about = Path(self.path).stat()
        return (self.path, about.st_mtime_ns, about.st_size, str(self.dtype), self.shape,
                self.offset)  # fmt: skip


def lazily(data: Any) -> Any:
    """Return pixels (n, ny, nx) as a dask array of single sections; a dask array as it is."""
    from dask import array

    if not isinstance(data, np.ndarray):
        return data
    source: Any = data
    if isinstance(data, np.memmap) and data.filename and data.flags.c_contiguous:
        source = OnDisk(str(data.filename), data.dtype, data.shape, data.offset)
    return array.from_array(source, chunks=(1, *data.shape[1:]))
