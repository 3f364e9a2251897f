"""What goes wrong between a specimen and its images, drawn from a seed or applied to images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.geometry import Frame, resample
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.simulation.phantoms import checked_shifts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.numerics.simulation.phantoms import Phantom

WAVES = 4  # half periods of the fastest part of a drift


def random_moves(n: int, *, jitter: float = 0.0, drift: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return how far a stage moves every image: a slow path, and a jump for each.

    Parameters
    ----------
    n
        Number of images, in the order of their acquisition.
    jitter
        Standard deviation of the jumps in px, in y and in x; none is larger than 2.5 of it.
    drift
        Range of the slow path in px, in y and in x.
    seed
        Of both. The path is the same with and without jumps.

    Returns
    -------
    numpy.ndarray
        (n, 2) moves (y, x) in px.

    Raises
    ------
    ParameterError
        If a length is negative.
    """
    for name, value in (("jitter", jitter), ("drift", drift)):
        if not 0 <= value < math.inf:
            raise ParameterError(f"{name} must be 0 px or more, got {value}")
    waves = np.arange(1, WAVES + 1)
    weights = np.random.default_rng([seed, 3]).normal(size=(WAVES, 2)) / waves[:, None]
    path = np.cos(np.pi * np.linspace(0, 1, n)[:, None] * waves) @ weights
    span = np.ptp(path, axis=0) if n > 1 else np.ones(2)
    path = (path - path.mean(0)) * (drift / span)
    jumps = np.random.default_rng([seed, 2]).normal(size=(n, 2))
    return path + jitter * np.clip(jumps, -2.5, 2.5)


def misaligned(
    images: np.ndarray, shifts: np.ndarray | None = None, angle: float = 0.0, shift: float = 0.0
) -> np.ndarray:
    """Return ideal images misaligned, so that the given corrections undo it.

    Parameters
    ----------
    images
        (n, ny, nx), the tilt axis along x through row ``(ny - 1) / 2``.
    shifts, angle, shift
        As for :meth:`tomojupyter.numerics.simulation.phantoms.Phantom.project`.

    Returns
    -------
    numpy.ndarray
        float32 (n, ny, nx), interpolated once; whole pixels are copied, and pixels without
        an image are 0.
    """
    shape = images.shape[1:]
    moves = checked_shifts(shifts, len(images))
    frame = Frame.identity(len(images), shape).registered(moves).tilted(angle, shift)
    return resample(images, np.linalg.inv(frame.transforms), shape)


def voxel_projections(
    phantom: Phantom, tilts_deg: Sequence[float] | np.ndarray, ny: int, nx: int
) -> np.ndarray:
    """Return projections of the phantom's voxels by the projector of the reconstructions.

    Parameters
    ----------
    phantom, tilts_deg, ny, nx
        As for :meth:`tomojupyter.numerics.simulation.phantoms.Phantom.project`.

    Returns
    -------
    numpy.ndarray
        float32 (n, ny, nx). Nothing outside the volume of (nx, ny, ny) voxels takes part.
    """
    sinograms = make_projector(np.atleast_1d(np.asarray(tilts_deg, float)), ny, ny).forward(
        phantom.volume(nx, ny, ny)
    )
    return np.ascontiguousarray(sinograms.transpose(1, 2, 0))
