"""Values for every Step that has required parameters or is tested with others than its defaults."""

import numpy as np
import pytest

from tomojupyter.datasets import get_catalyst_data

VALUES = {
    ("trim", "crop"): {"left": 2, "right": -3, "top": 1},
    ("trim", "select_projections"): {"projections": [-1, 0, 3, 4, 5, 6, 7, 8]},
    ("trim", "remove_projections"): {"projections": [1, -2]},
    ("trim", "bin"): {"factor": 2},
    ("trim", "rebin"): {"factor_y": 2, "factor_x": 3},
    ("exclude", "projections"): {"projections": [2, -3], "reason": "blurred"},
    ("filter", "median"): {"size": 3, "taper": 0.1},
    ("filter", "bpf"): {"largest": 60.0},
    ("background", "region"): {"right": 5, "top": -4},
    ("normalise", "smooth"): {"neighbours": 5},
    ("stack_register", "PC"): {"crop": True},
    ("stack_register", "manual"): {"projections": [2, -1], "x": [0.4, -1], "y": [-0.2, 2.5]},
    ("tilt_align", "manual"): {"shift": 1.5, "angle": -2},
    ("align_other", "numbers"): {
        "shifts": [[0.5 * i, -0.25] for i in range(13)],
        "tiltaxis": 2.0,
        "shape": [20, 30],
        "offset": [-1.0, -2.0],
    },
    ("reconstruct", "FBP"): {},
    ("reconstruct", "SIRT"): {"iterations": 2, "constrain": True},
    ("reconstruct", "DART"): {"gray_levels": [0.0, 0.03, 0.1], "iterations": 2, "smoothing": 0.5},
    ("reconstruct", "TNV"): {"iterations": 4, "refinements": 1},
    ("segment", "otsu"): {"smallest": 3},
    ("segment", "value"): {"threshold": 0.02, "dark": True},
    ("rotate", "angles"): {"rotation_angles": [10.0, 0.0, -20.0]},
    ("set_tilts", "list"): {"tilts": [float(i) for i in range(-6, 7)]},
    ("set_tilts", "range"): {"start": -30, "increment": 5},
    ("set_scale", "pixel"): {"size": 0.25},
    ("set_axis", "angle"): {"angle": 4.5},
}

STILL = {("tilt_align", "CoM"): 48, ("tilt_align", "MaxImage"): 96, ("tilt_align", "joint"): 48}
"""Size of a series that stands still, where an axis is to be fitted."""


@pytest.fixture
def series_for(made_series):
    """Return the series that the Step of an operation and method can work on."""

    def made(operation, method):
        size = STILL.get((operation, method))
        if size:
            return get_catalyst_data(size=size, tilts=np.arange(-70, 71, 5.0), tiltshift=2)
        stack = made_series.deepcopy()
        stack.detach()
        return stack

    return made


@pytest.fixture
def values():
    """Return values for the Step of an operation and method."""
    return lambda operation, method: VALUES.get((operation, method), {})
