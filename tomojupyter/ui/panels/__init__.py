"""The panels, in the order of the rail. A new panel is one line in STAGES or TOOLS."""

from __future__ import annotations

from tomojupyter.ui.panels.batch import BatchPanel
from tomojupyter.ui.panels.explore import ExplorePanel
from tomojupyter.ui.panels.filter import FilterPanel
from tomojupyter.ui.panels.history import HistoryPanel
from tomojupyter.ui.panels.load import LoadPanel
from tomojupyter.ui.panels.reconstruct import ReconstructPanel
from tomojupyter.ui.panels.register import RegisterPanel
from tomojupyter.ui.panels.spectral import SpectralPanel
from tomojupyter.ui.panels.tilt_axis import TiltAxisPanel
from tomojupyter.ui.panels.trim import TrimPanel
from tomojupyter.ui.panels.viewer import ViewerPanel

STAGES = (
    LoadPanel,
    TrimPanel,
    FilterPanel,
    RegisterPanel,
    TiltAxisPanel,
    ReconstructPanel,
    ExplorePanel,
)
"""Stages of the work, numbered in the rail."""

TOOLS = (SpectralPanel, BatchPanel, HistoryPanel)
"""Panels below the line: not a stage of their own."""

__all__ = [
    "STAGES",
    "TOOLS",
    "BatchPanel",
    "ExplorePanel",
    "FilterPanel",
    "HistoryPanel",
    "LoadPanel",
    "ReconstructPanel",
    "RegisterPanel",
    "SpectralPanel",
    "TiltAxisPanel",
    "TrimPanel",
    "ViewerPanel",
]
