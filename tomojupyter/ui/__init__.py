"""The user interface: panels that work alone in a notebook cell, and the app made of them."""

from __future__ import annotations

from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.panels import (
    BatchPanel,
    ExplorePanel,
    FilterPanel,
    HistoryPanel,
    LoadPanel,
    ReconstructPanel,
    RegisterPanel,
    SpectralPanel,
    TiltAxisPanel,
    TrimPanel,
    ViewerPanel,
)
from tomojupyter.ui.session import Session

__all__ = [
    "BatchPanel",
    "Dashboard",
    "ExplorePanel",
    "FilterPanel",
    "HistoryPanel",
    "LoadPanel",
    "ReconstructPanel",
    "RegisterPanel",
    "Session",
    "SpectralPanel",
    "TiltAxisPanel",
    "TrimPanel",
    "ViewerPanel",
]
