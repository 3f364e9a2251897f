"""Steps: every operation as a recorded, replayable value; and what runs and replays them."""

from __future__ import annotations

# Importing a module of operations fills the registry.
from tomojupyter.steps import (  # noqa: F401  imported for their Steps
    align_other,
    background,
    calibrate,
    coupled,
    decompose,
    exclude,
    filter,  # noqa: A004  the operation's name
    joint,
    line_maps,
    normalise,
    nudge,
    reconstruct,
    reconstruct_dart,
    reconstruct_tv,
    rotate,
    segment,
    stack_register,
    tilt_align,
    trim,
)
from tomojupyter.steps.base import REGISTRY, Outcome, Step, make_step, param, step
from tomojupyter.steps.recipe import Recipe
from tomojupyter.steps.run import run, run_together

__all__ = [
    "REGISTRY",
    "Outcome",
    "Recipe",
    "Step",
    "make_step",
    "param",
    "run",
    "run_together",
    "step",
]
