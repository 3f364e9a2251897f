"""Tilt angles: as given, checked, and shown on the navigation axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tomojupyter.errors import TiltsError


def angles(tilts: Any) -> np.ndarray:
    """Return angles given as a signal, list or array as float64 (n,), degrees."""
    values = np.asarray(getattr(tilts, "data", tilts))
    if values.dtype.kind not in "iuf":
        raise TiltsError(f"tilts must be numbers in degrees, got {tilts!r}")
    return values.astype(float).ravel()


def check_angles(tilts: np.ndarray) -> None:
    """Raise if these cannot be the tilt angles of a series."""
    bad = np.flatnonzero(~np.isfinite(tilts))
    if len(bad):
        named = ", ".join(f"#{i}" for i in bad[:5])
        raise TiltsError(
            f"the tilts of projections {named} are not numbers: enter them with set_tilts, "
            "or leave these projections out with trim"
        )
    if len(tilts) > 1 and not tilts.any():
        raise TiltsError("all tilts are 0°: enter them with set_tilts, or as load(..., tilts=...)")


def show_tilts(axis: Any, tilts: np.ndarray) -> None:
    """Let the navigation axis agree with the tilts where they are uniform."""
    axis.units = "degrees"
    steps = np.diff(tilts)
    uniform = len(steps) and steps[0] and np.allclose(steps, steps[0], rtol=0, atol=1e-3)
    axis.scale = float(np.mean(steps)) if uniform else 1.0
    axis.offset = float(tilts[0]) if uniform else 0.0
