"""Reconstruction from sinograms: filtered back-projection and SIRT.

The solvers are written against a :class:`~tomojupyter.numerics.projector.Projector`. They work
on blocks of slices in threads; the monitor is called on the calling thread only. Blocks do not
depend on the number of threads and sums are taken in their order, so neither do the results.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.blocks import Workers
from tomojupyter.numerics.fbp_filters import FBP_FILTERS, ramp_response
from tomojupyter.numerics.projector import LANES, Projector
from tomojupyter.numerics.sinograms import angular_weights, fill_gaps

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

__all__ = ["FBP_FILTERS", "SirtResult", "fbp", "sirt"]

SILENT = Silent()
TINY = 1e-6  # a ray or a voxel crossed by less than this many px is not crossed


@dataclass(frozen=True)
class SirtResult:
    """What SIRT found.

    Parameters
    ----------
    volume
        float32, (nx, nz, ny).
    residuals
        L2 norm of the weighted residual after each iteration, over the whole volume.
    iterations
        Iterations that were really done.
    """

    volume: np.ndarray
    residuals: np.ndarray
    iterations: int


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
    _check(projector, sinograms, weights, ncores)
    tilts = np.asarray(tilts_deg, dtype=float).ravel()
    if tilts.shape != projector.tilts_deg.shape or not np.allclose(tilts, projector.tilts_deg):
        raise ParameterError("the tilts are not those of the projector: make it for these tilts")
    nx, _, ny = sinograms.shape
    size = 1 << max(6, (2 * ny - 1).bit_length())
    response = ramp_response(sino_filter, size).astype(np.float32)
    share = angular_weights(tilts).astype(np.float32)[:, None]
    volume = np.empty((nx, *projector.slice_shape), np.float32)

    def one(block: slice) -> None:
        known = None if weights is None else weights[block]
        filled = fill_gaps(sinograms[block], known, tilts)
        spectrum = np.fft.rfft(filled, size).astype(np.complex64) * response
        filtered = np.fft.irfft(spectrum, size)[..., :ny].astype(np.float32)
        volume[block] = projector.back(filtered * share)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(lambda: monitor(0, nx))
        workers.run(one, _blocks(nx), lambda blocks: monitor(min(nx, blocks * LANES), nx))
    return volume


def sirt(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    constrain: bool = False,
    thresh: float = 0.0,
    weights: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> SirtResult:
    """Reconstruct by the simultaneous iterative reconstruction technique.

    Parameters
    ----------
    projector
        Of the geometry.
    sinograms
        (nx, n, ny) line integrals, any real dtype. Not modified.
    iterations
        Full sweeps over all tilts, at least 1.
    constrain
        Raise values below `thresh` to it, after every iteration.
    thresh
        Lowest value allowed with `constrain`.
    weights
        (nx, n, ny), 0 or more, or None (all 1). A pixel with weight 0, and a NaN, has no
        influence at all.
    monitor
        Called after each iteration as ``monitor(i, iterations, residual=r, volume=array)``
        with the current iterate, which it must not change, and about every 0.1 s as
        ``monitor(i, iterations)``. ``finish_early`` ends after the current iteration.
    ncores
        Threads. None: one per core.

    Returns
    -------
    SirtResult
        The last iterate, the residual after each iteration, the iterations done.

    Raises
    ------
    ParameterError
        If `iterations` is below 1 or shapes do not match.
    Cancelled
        From the monitor; no thread is left running.

    Notes
    -----
    From ``x = 0``: ``x <- x + C A' W R (b - A x)`` with ``R = 1 / A 1`` and
    ``C = 1 / A' W 1``. Memory beyond input and output: the projector's, the residuals and,
    where not all are 1, the weights (each as large as the sinograms in float32), one slice for
    each distinct pattern of weights (at most the volume once more; one slice where the weights
    are 1), and per thread about ``32 (3 n + 3 nz) ny 4`` bytes.

    References
    ----------
    J. Gregor and T. Benson, IEEE Trans. Med. Imaging 27 (2008) 918,
    doi:10.1109/TMI.2008.923696.
    """
    _check(projector, sinograms, weights, ncores)
    if iterations < 1:
        raise ParameterError(f"iterations must be at least 1, got {iterations}")
    blocks = _blocks(len(sinograms))
    residuals: list[float] = []

    def beat(_: int = 0) -> None:
        monitor(len(residuals), iterations)

    with Workers(ncores if projector.concurrent else 1) as workers:
        projector.prepare(beat)
        state = _Sirt(projector, sinograms, weights, thresh if constrain else None)
        state.start(workers, beat)
        while len(residuals) < iterations:
            squares = workers.run(lambda b: state.sweep(b, workers.stop), blocks, beat)
            residuals.append(float(np.sqrt(np.sum(squares))))
            monitor(len(residuals), iterations, residual=residuals[-1], volume=state.volume)
            if monitor.finish_early:
                break
    return SirtResult(state.volume, np.array(residuals), len(residuals))


class _Sirt:
    """The iterate of SIRT, its residual, and the factors R and C."""

    def __init__(
        self,
        projector: Projector,
        sinograms: np.ndarray,
        weights: np.ndarray | None,
        lowest: float | None,
    ) -> None:
        self.projector = projector
        self.lowest = lowest
        self.volume = np.zeros((len(sinograms), *projector.slice_shape), np.float32)
        self.sinograms = sinograms
        self.residual = np.array(sinograms, dtype=np.float32)  # b - A x, and x = 0
        known = np.isfinite(self.residual)
        if weights is not None:
            known &= weights > 0
        self.gaps = not known.all()
        if self.gaps:
            self.residual[~known] = 0
        ones = np.ones((1, *projector.slice_shape), np.float32)
        self.rows = _inverse(projector.forward(ones)[0])
        self.pattern = np.zeros(len(sinograms), int)
        if not self.gaps and (weights is None or bool((weights == 1).all())):
            self.weights = None
            self.examples = np.ones((1, *projector.sinogram_shape), np.float32)
        else:
            given = known if weights is None else np.where(known, weights, 0)
            self.weights = given.astype(np.float32)
            self.pattern, first = _patterns(self.weights)
            self.examples = self.weights[first]
        self.columns = np.empty((len(self.examples), *projector.slice_shape), np.float32)

    def start(self, workers: Workers, beat: Callable[[int], None]) -> None:
        """Compute C for every distinct pattern of weights."""

        def one(block: slice) -> None:
            self.columns[block] = _inverse(self.projector.back(self.examples[block]))

        workers.run(one, _blocks(len(self.examples)), beat)

    def sweep(self, block: slice, stop: threading.Event) -> float:
        """Take one iteration for a block of slices; return its squared residual."""
        residual = self.residual[block]
        weighted = residual * self.rows
        if self.weights is not None:
            weighted *= self.weights[block]
        volume = self.volume[block]
        change = self.projector.back(weighted)
        change *= self.columns[self.pattern[block]]
        volume += change
        if self.lowest is not None:
            np.maximum(volume, np.float32(self.lowest), out=volume)
        if stop.is_set():
            return 0.0
        projected = self.projector.forward(volume)
        np.subtract(self.sinograms[block], projected, out=residual, casting="unsafe")
        seen = residual
        if self.weights is not None:
            if self.gaps:
                residual[self.weights[block] == 0] = 0  # a NaN times 0 is no 0
            seen = residual * self.weights[block]
        return float(np.sum(np.square(seen, dtype=np.float64)))


def _patterns(weights: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return for each slice the number of its pattern of weights, and a slice of each."""
    seen: dict[bytes, int] = {}
    first: list[int] = []
    pattern = np.empty(len(weights), int)
    for i, one in enumerate(weights):
        key = hashlib.blake2b(one.tobytes()).digest()
        if key not in seen:
            seen[key] = len(first)
            first.append(i)
        pattern[i] = seen[key]
    return pattern, first


def _inverse(sums: np.ndarray) -> np.ndarray:
    """Return 1 / sums, and 0 where nothing is crossed."""
    crossed = sums > TINY
    return np.where(crossed, 1 / np.where(crossed, sums, 1), 0).astype(np.float32)


def _blocks(nx: int) -> list[slice]:
    return [slice(first, min(nx, first + LANES)) for first in range(0, nx, LANES)]


def _check(
    projector: Projector, sinograms: np.ndarray, weights: np.ndarray | None, ncores: int | None
) -> None:
    """Raise a sentence where shapes do not match."""
    n, ny = projector.sinogram_shape
    if sinograms.ndim != 3 or sinograms.shape[1:] != (n, ny) or not len(sinograms):
        raise ParameterError(
            f"sinograms have the shape (slices, {n}, {ny}) here, got {sinograms.shape}"
        )
    if weights is not None and weights.shape != sinograms.shape:
        raise ParameterError(
            f"weights need the shape of the sinograms, {sinograms.shape}, got {weights.shape}"
        )
    if ncores is not None and ncores < 1:
        raise ParameterError(f"ncores must be at least 1, got {ncores}")
