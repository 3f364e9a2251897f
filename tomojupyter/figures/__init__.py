"""Figures and tables of reports: drawn so that a paper could print them."""

from __future__ import annotations

from tomojupyter.figures.curves import convergence, levels, shifts, sweep
from tomojupyter.figures.images import gallery, projections, sinograms, slices
from tomojupyter.figures.tables import facts, records, table

__all__ = [
    "convergence",
    "facts",
    "gallery",
    "levels",
    "projections",
    "records",
    "shifts",
    "sinograms",
    "slices",
    "sweep",
    "table",
]
