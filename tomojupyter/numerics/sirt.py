"""SIRT: the simultaneous iterative reconstruction technique."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.monitor import Monitor, Silent
from tomojupyter.numerics.iterative import Iterated, Limits, State, blocks_of, inverse_of, iterate

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomojupyter.numerics.projector import Projector

SILENT = Silent()


def sirt(
    projector: Projector,
    sinograms: np.ndarray,
    *,
    iterations: int,
    constrain: bool = False,
    thresh: float = 0.0,
    upper: float | None = None,
    relaxation: float = 1.0,
    weights: np.ndarray | None = None,
    monitor: Monitor = SILENT,
    ncores: int | None = None,
) -> Iterated:
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
        Keep voxels at `thresh` or above after each iteration.
    thresh
        Lowest value allowed with `constrain`, in units of the sinograms per px.
    upper
        Highest value allowed, in the same units. None: no limit.
    relaxation
        Factor of every step, above 0 and below 2.
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
    Iterated
        The last iterate, the residual after each iteration, the iterations done.

    Raises
    ------
    ParameterError
        If a parameter is out of range or shapes do not match.
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
    limits = Limits.of(constrain, thresh, upper, relaxation)
    return iterate(_Sirt, projector, sinograms, weights, limits, iterations, monitor, ncores)


class _Sirt(State):
    """All projections at a time."""

    def start(self, beat: Callable[[int], None]) -> None:
        """Compute C for every distinct pattern of weights."""
        if self.weights is None:
            self.pattern = np.zeros(len(self.sinograms), int)
            examples = np.ones((1, *self.projector.sinogram_shape), np.float32)
        else:
            self.pattern, first = _patterns(self.weights)
            examples = self.weights[first]
        self.columns = np.empty((len(examples), *self.projector.slice_shape), np.float32)

        def one(block: slice) -> None:
            self.columns[block] = inverse_of(self.projector.back(examples[block]))

        self.workers.run(one, blocks_of(len(examples)), beat)
        self.columns *= np.float32(self.limits.relaxation)

    def change(self, block: slice) -> None:
        """Take one step along the whole residual."""
        weighted = self.residual[block] * self.rows
        if self.weights is not None:
            weighted *= self.weights[block]
        step = self.projector.back(weighted)
        step *= self.columns[self.pattern[block]]
        volume = self.volume[block]
        volume += step
        self.limits.apply(volume)


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
