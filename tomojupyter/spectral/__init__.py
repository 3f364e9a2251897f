"""Spectra to 3D: maps, decomposition, and the reconstruction of all of them together.

Functions on exSpy's and HyperSpy's signals, which stay as they are. Each that makes maps or
volumes makes a Step and runs it, so every result carries its history.
"""

from __future__ import annotations

from tomojupyter.spectral.loading import Sums, load, sums
from tomojupyter.spectral.maps import component_spectra, decompose, line_maps, scree
from tomojupyter.spectral.residual import Residual, residual
from tomojupyter.spectral.volumes import reconstruct_all, reconstruct_set

__all__ = [
    "Residual",
    "Sums",
    "component_spectra",
    "decompose",
    "line_maps",
    "load",
    "reconstruct_all",
    "reconstruct_set",
    "residual",
    "scree",
    "sums",
]
