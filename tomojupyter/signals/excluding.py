"""Projections of a TomoStack that stay in the series without having a part in the work."""

from __future__ import annotations

from typing import Any

import numpy as np

from tomojupyter.signals import state


class Excluding:
    """What the operation `exclude` is recorded in."""

    @property
    def excluded(self: Any) -> np.ndarray:
        """Which projections estimators and reconstructions leave out, bool (n,)."""
        mask = np.zeros(self._n, bool)
        mask[list(state.read_excluded(self.metadata))] = True
        return mask

    @property
    def excluded_reason(self: Any) -> list[str]:
        """Why, by projection; an empty text for those in use."""
        reasons = state.read_excluded(self.metadata)
        return [reasons.get(i, "") for i in range(self._n)]

    def _exclude(self: Any, index: int, reason: str) -> None:
        reasons = state.read_excluded(self.metadata)
        state.write_excluded(self.metadata, {**reasons, index: reason})

    def _include(self: Any, index: int) -> None:
        reasons = state.read_excluded(self.metadata)
        reasons.pop(index, None)
        state.write_excluded(self.metadata, reasons)
