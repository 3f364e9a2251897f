"""The user interface: panels that work alone in a notebook cell, and the app made of them."""

from __future__ import annotations

from tomojupyter.ui.dashboard import Dashboard
from tomojupyter.ui.panels import FilterPanel, LoadPanel, TiltAxisPanel, TrimPanel
from tomojupyter.ui.session import Session

__all__ = ["Dashboard", "FilterPanel", "LoadPanel", "Session", "TiltAxisPanel", "TrimPanel"]
