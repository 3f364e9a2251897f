"""Boolean masks on a volume: ``volume[volume > 0] = 1``."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import BaseSignal

from tomojupyter.errors import DataError, ParameterError


def mask_of(signal: Any, mask: Any) -> Any:
    """Return a mask as a boolean array of the signal's shape.

    Parameters
    ----------
    signal
        The volume.
    mask
        A boolean signal or array.

    Raises
    ------
    DataError
        If it is not boolean, or of another shape.
    """
    values = mask.data if isinstance(mask, BaseSignal) else mask
    if not signal._lazy:
        values = np.asarray(values)
    shape = tuple(getattr(values, "shape", ()))
    if not shape or values.dtype.kind != "b":
        raise DataError(
            "a volume is indexed by a boolean mask of its own shape, such as volume > 0, "
            f"got {type(mask).__name__}; use inav, isig or data for positions"
        )
    if shape != tuple(signal.data.shape):
        raise DataError(
            f"the mask has the shape {shape} and the volume {tuple(signal.data.shape)}: "
            "both must be the same"
        )
    return values


class Masked:
    """Reading and writing the voxels under a boolean mask."""

    def __getitem__(self: Any, mask: Any) -> Any:
        """Return the values under a boolean mask, as a one-dimensional array."""
        return self.data[mask_of(self, mask)]

    def __setitem__(self: Any, mask: Any, value: Any) -> None:
        """Write a value, or one value a voxel, under a boolean mask.

        The history notices the edit, as it does for any other made outside of operations.
        """
        where = mask_of(self, mask)
        value = value.data if isinstance(value, BaseSignal) else value
        if np.ndim(value) == 3 and tuple(value.shape) == tuple(where.shape):
            value = value[where]
        _check_fits(self.data.dtype, value)
        if self._lazy:
            changed = self.data.copy()
            changed[where] = value
            self.data = changed
        else:
            self.data[where] = value
        self.events.data_changed.trigger(obj=self)


def _check_fits(dtype: np.dtype, value: Any) -> None:
    """Refuse what an integer volume would silently round or wrap around."""
    if hasattr(value, "dask") or dtype.kind == "f":
        return
    array = np.asarray(value)
    if array.dtype.kind == "b" or not array.size:
        return
    if dtype.kind == "b":
        low, high = 0, 1
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    with np.errstate(invalid="ignore"):
        fits = (array >= low) & (array <= high) & (array == np.floor(array))
    if not fits.all():
        wrong = array[~fits].ravel()[0]
        raise ParameterError(
            f"a volume of {dtype} cannot hold {wrong:g}: whole numbers from {low} to {high} fit; "
            'use change_dtype("float32") first'
        )
