"""Simulated tilt series with their truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.acquisition import Truth, tilt_series
from tomojupyter.numerics.phantoms import catalyst
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps.run import start_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRUTH = "Tomojupyter.truth"
FIELD_NM = 100.0
"""Side of the simulated field of view in nm."""


def catalyst_series(
    size: int = 256,
    tilts: Sequence[float] | np.ndarray | None = None,
    *,
    shifts: np.ndarray | None = None,
    tilt_shift: float = 0.0,
    tilt_rotate: float = 0.0,
    counts: float | None = None,
    bad: Mapping[int, str] | None = None,
    seed: int = 0,
) -> TomoStack:
    """Simulate a tilt series of metal particles on a porous support.

    Parameters
    ----------
    size
        Width and height of the images in px, at least 8.
    tilts
        Tilt angles in degrees. None: -72 to 72 by 2.
    shifts
        (n, 2) how far (y, x) every image is moved, in px. None: not at all.
    tilt_shift
        How far all images are moved along y, across the tilt axis, in px.
    tilt_rotate
        Angle by which all images are turned, in degrees; positive turns +x to +y.
    counts
        Mean number of counts a pixel of the specimen; true Poisson noise. None: no noise.
    bad
        Index of a projection to its defect: ``"blank"``, ``"hot"`` or ``"dim"``.
    seed
        Of specimen and noise.

    Returns
    -------
    TomoStack
        Its truth is given by :func:`truth_of` and :func:`volume_of`.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """
    if size < 8:
        raise ParameterError(f"size must be at least 8 px, got {size}")
    angles = np.arange(-72.0, 73.0, 2.0) if tilts is None else np.asarray(tilts, float).ravel()
    moves = None if shifts is None else -np.asarray(shifts, float)
    images, truth = tilt_series(
        catalyst(seed),
        angles,
        size,
        size,
        shifts=moves,
        angle=-tilt_rotate,
        shift=-tilt_shift,
        counts=counts,
        bad=bad,
        seed=seed,
    )
    stack = TomoStack(images, angles)
    stack.metadata.General.title = "Simulated catalyst"
    for axis in stack.axes_manager.signal_axes:
        axis.scale, axis.units = FIELD_NM / size, "nm"
    stack.original_metadata.set_item(TRUTH, json.dumps(_plain(truth, size)))
    start_history(
        stack, reader="simulation", file="simulated catalyst", seed=seed, shape=images.shape
    )
    return stack


def _plain(truth: Truth, size: int) -> dict[str, Any]:
    return {
        "tilts_deg": truth.tilts_deg.tolist(),
        "shifts": truth.shifts.tolist(),
        "angle": truth.angle,
        "shift": truth.shift,
        "gain": truth.gain,
        "vacuum": truth.vacuum,
        "bad": {str(i): d for i, d in truth.bad.items()},
        "seed": truth.seed,
        "size": size,
    }


def truth_of(stack: TomoStack) -> Truth:
    """Return what was done to a simulated series, as the corrections that undo it.

    Raises
    ------
    DataError
        If the series is not simulated.
    """
    stored = _stored(stack)
    return Truth(
        tilts_deg=np.array(stored["tilts_deg"]),
        shifts=np.array(stored["shifts"]).reshape(-1, 2),
        angle=stored["angle"],
        shift=stored["shift"],
        gain=stored["gain"],
        vacuum=stored["vacuum"],
        bad={int(i): d for i, d in stored["bad"].items()},
        seed=stored["seed"],
    )


def volume_of(stack: TomoStack) -> RecStack:
    """Return the true volume of a simulated series, (x, z, y), density in each voxel.

    Raises
    ------
    DataError
        If the series is not simulated.
    """
    stored = _stored(stack)
    size = stored["size"]
    volume = RecStack(catalyst(stored["seed"]).volume(size, size, size))
    volume.metadata.General.title = "Simulated catalyst, truth"
    for axis in volume.axes_manager._axes:
        axis.scale, axis.units = FIELD_NM / size, "nm"
    return volume


def _stored(stack: TomoStack) -> dict[str, Any]:
    text = stack.original_metadata.get_item(TRUTH, default="")
    if not text:
        raise DataError("this series is not a simulated one: its truth is not known")
    return json.loads(text)
