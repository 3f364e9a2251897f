"""Simulated tilt series with their truth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.numerics.simulation.acquisition import Truth, tilt_series
from tomojupyter.numerics.simulation.misalignment import random_moves
from tomojupyter.numerics.simulation.phantoms import checked_shifts
from tomojupyter.numerics.simulation.specimens import make_phantom
from tomojupyter.signals.rec import RecStack
from tomojupyter.signals.stack import TomoStack
from tomojupyter.steps.run import start_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TRUTH = "Tomojupyter.truth"
FIELD_NM = 100.0
"""Side of the simulated field of view in nm."""


def phantom_series(
    phantom: str = "catalyst",
    size: int = 256,
    tilts: Sequence[float] | np.ndarray | None = None,
    *,
    shifts: np.ndarray | None = None,
    jitter: float = 0.0,
    drift: float = 0.0,
    tilt_shift: float = 0.0,
    tilt_rotate: float = 0.0,
    tilt_error: float = 0.0,
    counts: float | None = None,
    vacuum: float = 0.0,
    read_noise: float = 0.0,
    bad: Mapping[int, str] | None = None,
    voxels: bool = False,
    seed: int = 0,
) -> TomoStack:
    """Simulate a tilt series of one of five kinds of specimen.

    Parameters
    ----------
    phantom
        ``"catalyst"``: metal particles on a porous support; ``"needle"``: a tapered pillar of
        layers, which leaves the images at large x; ``"slab"``: a lamella that fills the images,
        so that matter enters and leaves with tilt; ``"film"``: particles on both sides of a
        thin film that fills the images; ``"hollow"``: a body with cavities and cores, of the
        densities 0, 1 and 2 only. Any case.
    size
        Width and height of the images in px, at least 8.
    tilts
        Tilt angles in degrees, as the microscope states them. None: -72 to 72 by 2.
    shifts
        (n, 2) how far (y, x) every image is moved, in px. None: not at all.
    jitter
        Standard deviation of a random move of every image, in y and in x, in px, at most 2.5
        of it; added to `shifts`.
    drift
        Range in y and in x, in px, of a slow random path over the series; added too.
    tilt_shift
        How far all images are moved along y, across the tilt axis, in px.
    tilt_rotate
        Angle by which all images are turned, in degrees; positive turns +x to +y.
    tilt_error
        Standard deviation in degrees of the true tilts about those stated.
    counts
        Mean number of counts a pixel of the specimen; true Poisson noise. None: no noise.
    vacuum
        Level of the vacuum in units of the images, density times px; counted too.
    read_noise
        Standard deviation of an additional Gaussian, in counts; in units of the images
        without `counts`.
    bad
        Index of a projection to its defect: ``"blank"``, ``"hot"``, ``"dim"`` or ``"blur"``.
    voxels
        False: exact line integrals. True: projections of :func:`volume_of` by the projector of
        the reconstructions, moved by interpolation. The volume then explains the images
        entirely, which flatters a reconstruction, and nothing beyond it enters the images.
    seed
        Of specimen, misalignment and noise.

    Returns
    -------
    TomoStack
        Its truth is given by :func:`truth_of` and :func:`volume_of`.

    Raises
    ------
    ParameterError
        If a value is out of range.

    Examples
    --------
    >>> import tomojupyter.api as tomo
    >>> stack = tomo.simulation.phantom_series(
    ...     "needle", 32, [-40, 0, 40], jitter=2, tilt_shift=1.5, counts=100, seed=7
    ... )
    >>> stack
    <TomoStack, title: Simulated needle, dimensions: (3|32, 32)>
    >>> truth = tomo.simulation.truth_of(stack)
    >>> truth.shifts.shape, truth.shift
    ((3, 2), -1.5)
    """
    if size < 8:
        raise ParameterError(f"size must be at least 8 px, got {size}")
    if not 0 <= tilt_error < np.inf:
        raise ParameterError(f"tilt_error must be 0 degrees or more, got {tilt_error}")
    specimen = make_phantom(phantom, seed)
    angles = np.arange(-72.0, 73.0, 2.0) if tilts is None else np.asarray(tilts, float).ravel()
    moves = -checked_shifts(shifts, len(angles))
    moves -= random_moves(len(angles), jitter=jitter, drift=drift, seed=seed)
    off = np.random.default_rng([seed, 4]).normal(size=len(angles))
    images, truth = tilt_series(
        specimen,
        angles + tilt_error * off,
        size,
        size,
        shifts=moves,
        angle=-tilt_rotate,
        shift=-tilt_shift,
        counts=counts,
        vacuum=vacuum,
        read_noise=read_noise,
        bad=bad,
        voxels=voxels,
        seed=seed,
    )
    return _as_stack(images, angles, truth, phantom.lower())


def _as_stack(images: np.ndarray, angles: np.ndarray, truth: Truth, name: str) -> TomoStack:
    """Return the series as a signal that carries its truth."""
    size = images.shape[-1]
    stack = TomoStack(images, angles)
    stack.metadata.General.title = f"Simulated {name}"
    for axis in stack.axes_manager.signal_axes:
        axis.scale, axis.units = FIELD_NM / size, "nm"
    plain = {**_plain(truth), "size": size, "phantom": name}
    stack.original_metadata.set_item(TRUTH, json.dumps(plain))
    start_history(
        stack, reader="simulation", file=f"simulated {name}", seed=truth.seed, shape=images.shape
    )
    return stack


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
    size, tilts, shifts, tilt_shift, tilt_rotate, counts, bad, seed
        As for :func:`phantom_series`, of which this is the first kind.

    Returns
    -------
    TomoStack
        Its truth is given by :func:`truth_of` and :func:`volume_of`.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """
    return phantom_series(
        "catalyst",
        size,
        tilts,
        shifts=shifts,
        tilt_shift=tilt_shift,
        tilt_rotate=tilt_rotate,
        counts=counts,
        bad=bad,
        seed=seed,
    )


def _plain(truth: Truth) -> dict[str, Any]:
    return {
        "tilts_deg": truth.tilts_deg.tolist(),
        "shifts": truth.shifts.tolist(),
        "angle": truth.angle,
        "shift": truth.shift,
        "gain": truth.gain,
        "vacuum": truth.vacuum,
        "bad": {str(i): d for i, d in truth.bad.items()},
        "seed": truth.seed,
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
    # Files from before there were other kinds name none.
    name = stored.get("phantom", "catalyst")
    volume = RecStack(make_phantom(name, stored["seed"]).volume(size, size, size))
    volume.metadata.General.title = f"Simulated {name}, truth"
    for axis in volume.axes_manager._axes:
        axis.scale, axis.units = FIELD_NM / size, "nm"
    return volume


def _stored(stack: TomoStack) -> dict[str, Any]:
    text = stack.original_metadata.get_item(TRUTH, default="")
    if not text:
        raise DataError("this series is not a simulated one: its truth is not known")
    return json.loads(text)
