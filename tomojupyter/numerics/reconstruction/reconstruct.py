"""Reconstruction from sinograms: back-projection, filtered or not; and projection.

The iterative solvers have files of their own, and are offered here as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.reconstruction.cgls import cgls
from tomojupyter.numerics.reconstruction.fbp_filters import FBP_FILTERS, ramp_response
from tomojupyter.numerics.reconstruction.iterative import Iterated
from tomojupyter.numerics.reconstruction.os_sirt import os_sirt
from tomojupyter.numerics.reconstruction.problem import check_counts, check_sinograms
from tomojupyter.numerics.reconstruction.sart import sart
from tomojupyter.numerics.reconstruction.sinograms import angular_weights, fill_gaps
from tomojupyter.numerics.reconstruction.sirt import sirt

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.reconstruction.projector import Projector

__all__ = ["FBP_FILTERS", "Iterated", "bp", "cgls", "fbp", "os_sirt", "project", "sart", "sirt"]

SILENT = Silent()


def fbp(
    projector: Projector,
    sinograms: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    sino_filter: str = "shepp-logan",
    weights: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> np.ndarray:
    """Reconstruct by filtered back-projection.

    Parameters
    ----------
    projector
        Of the geometry.
    sinograms
        (nx, n, ny) line integrals, any real dtype. Not modified.
    tilts_deg
        (n,) degrees, as in `projector`.
    sino_filter
        One of `FBP_FILTERS`, any case.
    weights
        (nx, n, ny) or None (all 1). A pixel with weight 0, and a NaN, is replaced by linear
        interpolation between its neighbours in y (the nearest at the ends), a row without any
        by its neighbours in tilt. Other values count as 1.
    monitor
        Called as ``monitor(slices, nx)``.
    ncores
        Threads. None: one per core.

    Returns
    -------
    numpy.ndarray
        float32, (nx, nz, ny), in units of the sinograms per px.

    Raises
    ------
    ParameterError
        If the filter is unknown or shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    ``f = sum_i w_i B_i(p_i * h)`` with the weights of `angular_weights` and the ramp filter of
    Kak and Slaney times a window. Memory beyond input and output: the projector's and, per
    thread, about ``32 (4 n + 2 nz) ny 4`` bytes.

    References
    ----------
    A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, IEEE Press 1988,
    chapter 3.
    """
    size = 1 << max(6, (2 * projector.ny - 1).bit_length())
    response = ramp_response(sino_filter, size).astype(np.float32)

    def filtered(sinogram: np.ndarray) -> np.ndarray:
        spectrum = fft.rfft(sinogram, size)  # in single precision, unlike numpy's
        spectrum *= response
        return np.asarray(fft.irfft(spectrum, size, overwrite_x=True)[..., : projector.ny])

    share = angular_weights(_tilts(projector, tilts_deg))
    return _back(projector, sinograms, filtered, share, weights, monitor, ncores)


def bp(
    projector: Projector,
    sinograms: np.ndarray,
    tilts_deg: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> np.ndarray:
    """Reconstruct by back-projection without a filter.

    Parameters
    ----------
    projector, sinograms, tilts_deg, weights, monitor, ncores
        As for :func:`fbp`.

    Returns
    -------
    numpy.ndarray
        float32, (nx, nz, ny): for each voxel the sum over the projections of what they show
        there, in units of the sinograms; blurred by ``1 / r``.

    Raises
    ------
    ParameterError
        If shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    ``f = sum_i w_i B_i p_i`` with weights by the spacing of the tilts whose mean is 1: for even
    spacing, the adjoint of projection.
    """
    share = angular_weights(_tilts(projector, tilts_deg))
    share *= len(share) / np.pi
    return _back(projector, sinograms, lambda one: one, share, weights, monitor, ncores)


def _tilts(projector: Projector, tilts_deg: np.ndarray) -> np.ndarray:
    tilts = np.asarray(tilts_deg, dtype=float).ravel()
    if tilts.shape != projector.tilts_deg.shape or not np.allclose(tilts, projector.tilts_deg):
        raise ParameterError("the tilts are not those of the projector: make it for these tilts")
    return tilts


def _back(
    projector: Projector,
    sinograms: np.ndarray,
    filtered: Callable[[np.ndarray], np.ndarray],
    share: np.ndarray,
    weights: np.ndarray | None,
    monitor: Monitor,
    ncores: int | None,
) -> np.ndarray:
    """Fill gaps, filter, weight and back-project, in blocks of slices."""
    check_sinograms(projector, sinograms, weights)
    check_counts(1, ncores)
    nx = len(sinograms)
    factors = share.astype(np.float32)[:, None]
    volume = np.empty((nx, *projector.slice_shape), np.float32)
    blocks = projector.blocks(nx)

    def one(block: slice) -> None:
        known = None if weights is None else weights[block]
        filled = fill_gaps(sinograms[block], known, projector.tilts_deg)
        projector.back(filtered(filled) * factors, out=volume[block])

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(lambda: monitor(0, nx))
        workers.run(one, blocks, lambda done: monitor(min(nx, done * blocks[0].stop), nx))
    return volume


def project(
    projector: Projector,
    volume: np.ndarray,
    *,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> np.ndarray:
    """Project a volume.

    Parameters
    ----------
    projector
        Of the geometry.
    volume
        (nx, nz, ny), any real dtype. Not modified.
    monitor
        Called as ``monitor(slices, nx)``.
    ncores
        Threads. None: one per core.

    Returns
    -------
    numpy.ndarray
        float32, (n, ny, nx): a tilt series of line integrals, in units of the volume times px.
    """
    nx = len(volume)
    images = np.empty((*projector.sinogram_shape, nx), np.float32)
    blocks = projector.blocks(nx)

    def one(block: slice) -> None:
        images[..., block] = projector.forward(volume[block]).transpose(1, 2, 0)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(lambda: monitor(0, nx))
        workers.run(one, blocks, lambda done: monitor(min(nx, done * blocks[0].stop), nx))
    return images
