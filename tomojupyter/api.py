"""The public names: ``import tomojupyter.api as tomo``."""

from __future__ import annotations

from tomojupyter import datasets, simulation, spectral
from tomojupyter.io import load
from tomojupyter.signals.measuring import volume_fractions
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.series import TomoShifts, TomoTilts
from tomojupyter.signals.slicing import concatenate
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps import REGISTRY, Recipe

__all__ = [
    "REGISTRY",
    "RecStack",
    "Recipe",
    "TomoShifts",
    "TomoStack",
    "TomoTilts",
    "concatenate",
    "datasets",
    "load",
    "simulation",
    "spectral",
    "volume_fractions",
]
