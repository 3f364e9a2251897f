"""Projection of a volume to a tilt series."""

from __future__ import annotations

from typing import Any

import numpy as np

from tomojupyter.numerics.reconstruction.backends import cuda_available, make_projector
from tomojupyter.numerics.reconstruction.reconstruct import project
from tomojupyter.signals.angles import angles
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps.stack_register import check_cuda


def forward_project(volume: Any, tilts: Any, cuda: bool | None) -> TomoStack:
    """Return the tilt series that a RecStack would show; see ``RecStack.forward_project``."""
    check_cuda(cuda)
    degrees = angles(tilts)
    data = np.asarray(volume.data)
    projector = make_projector(
        degrees, data.shape[2], data.shape[1], cuda=cuda_available() if cuda is None else cuda
    )
    x, _, y = volume.axes_manager._axes
    stack = TomoStack(project(projector, data), degrees)
    for axis, known in zip(stack.axes_manager._axes[1:], (y, x), strict=True):
        axis.scale, axis.offset, axis.units = known.scale, known.offset, known.units
    title = volume.metadata.get_item("General.title", default="")
    stack.metadata.General.title = f"Projections of {title}".strip() if title else "Projections"
    return stack
