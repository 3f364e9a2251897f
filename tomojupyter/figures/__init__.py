"""Figures and tables of reports: drawn so that a paper could print them."""

from __future__ import annotations

from tomojupyter.figures.curves import convergence, levels, shifts, sweep
from tomojupyter.figures.images import gallery, projections, sinograms, slices
from tomojupyter.figures.spectra import (
    coloured,
    component_spectra,
    maps,
    residual_spectrum,
    scree,
    sum_spectrum,
)
from tomojupyter.figures.tables import facts, records, table

__all__ = [
    "coloured",
    "component_spectra",
    "convergence",
    "facts",
    "gallery",
    "levels",
    "maps",
    "projections",
    "records",
    "residual_spectrum",
    "scree",
    "shifts",
    "sinograms",
    "slices",
    "sum_spectrum",
    "sweep",
    "table",
]
