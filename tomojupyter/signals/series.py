"""TomoTilts and TomoShifts: what belongs to each projection of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import Signal1D

from tomojupyter.errors import DataError

AXES = ("Projections", "Values")


class _PerProjection(Signal1D):
    """One short row of numbers per projection."""

    _columns = 1
    _title = ""
    _units = ""

    def __init__(self, data: Any, **keywords: Any) -> None:
        given = "axes" in keywords or not keywords.get("full_initialisation", True)
        if not given:
            data = self._rows(data)
        super().__init__(data, **keywords)
        if not given:
            self.metadata.General.title = self._title
            rows, values = self.axes_manager._axes
            rows.name, values.name = AXES
            values.units = self._units

    @classmethod
    def _rows(cls, data: Any) -> np.ndarray:
        values = np.asarray(getattr(data, "data", data), float)
        try:
            return np.array(values.reshape(-1, cls._columns))
        except ValueError as error:
            raise DataError(
                f"{cls.__name__} holds {cls._columns} numbers a projection, "
                f"got an array of shape {values.shape}"
            ) from error


class TomoTilts(_PerProjection):
    """Tilt angles of a series in degrees, shape (n, 1)."""

    _signal_type = "TomoTilts"
    _title = "Image tilt values"
    _units = "degrees"


class TomoShifts(_PerProjection):
    """Shifts (y, x) applied to the acquired images in px, shape (n, 2)."""

    _signal_type = "TomoShifts"
    _title = "Image shift values"
    _units = "pixels"
    _columns = 2
