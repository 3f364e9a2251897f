"""What iterative solvers are given: the data, what is known of the volume, and where to begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from tomojupyter.errors import ParameterError

if TYPE_CHECKING:
    import numpy as np

    from tomojupyter.numerics.reconstruction.projector import Projector


class Given(TypedDict, total=False):
    """The keywords that all iterative solvers share, as :class:`Problem` explains them."""

    weights: np.ndarray | None
    start: np.ndarray | None
    mask: np.ndarray | None
    constrain: bool
    thresh: float
    upper: float | None
    relaxation: float


@dataclass(frozen=True, eq=False)
class Problem:
    """What an iterative solver works on.

    Parameters
    ----------
    projector
        Of the geometry.
    sinograms
        (nx, n, ny) line integrals, any real dtype. Not modified.
    weights
        (nx, n, ny), 0 or more, or None (all 1). A pixel with weight 0, and a NaN, has no
        influence at all.
    start
        (nx, nz, ny), any real dtype: the volume to begin with, in units of the sinograms per
        px. Not modified. None: zeros.
    mask
        (nx, nz, ny): voxels where it is 0 or False stay at 0, whatever the limits. None: all
        voxels count.
    constrain
        Keep voxels at `thresh` or above after each iteration.
    thresh
        Lowest value allowed with `constrain`, in units of the sinograms per px.
    upper
        Highest value allowed, in the same units. None: no limit.
    relaxation
        Factor of every step, above 0 and below 2.

    Raises
    ------
    ParameterError
        If a parameter is out of range or shapes do not match.
    """

    projector: Projector
    sinograms: np.ndarray
    weights: np.ndarray | None = None
    start: np.ndarray | None = None
    mask: np.ndarray | None = None
    constrain: bool = False
    thresh: float = 0.0
    upper: float | None = None
    relaxation: float = 1.0

    def __post_init__(self) -> None:
        check_sinograms(self.projector, self.sinograms, self.weights)
        volume = (len(self.sinograms), *self.projector.slice_shape)
        for name, given in (("start", self.start), ("mask", self.mask)):
            if given is not None and tuple(given.shape) != volume:
                raise ParameterError(
                    f"{name} needs the shape of the volume, {volume}, got {tuple(given.shape)}"
                )
        if not 0 < self.relaxation < 2:
            raise ParameterError(f"relaxation must be above 0 and below 2, got {self.relaxation}")
        if self.upper is not None and self.constrain and not self.upper > self.thresh:
            raise ParameterError(f"upper must be above thresh, {self.thresh}, got {self.upper}")

    @property
    def lowest(self) -> float | None:
        """The lowest value allowed, or None."""
        return self.thresh if self.constrain else None

    @property
    def highest(self) -> float | None:
        """The highest value allowed, or None."""
        return self.upper

    def of_slices(self, x: slice | np.ndarray) -> Problem:
        """Return the problem of some of the slices."""

        def part(given: np.ndarray | None) -> np.ndarray | None:
            return None if given is None else given[x]

        return replace(
            self,
            sinograms=self.sinograms[x],
            weights=part(self.weights),
            start=part(self.start),
            mask=part(self.mask),
        )


def check_sinograms(
    projector: Projector, sinograms: np.ndarray, weights: np.ndarray | None
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


def check_counts(iterations: int, ncores: int | None) -> None:
    """Raise a sentence where a number is below 1."""
    if iterations < 1:
        raise ParameterError(f"iterations must be at least 1, got {iterations}")
    if ncores is not None and ncores < 1:
        raise ParameterError(f"ncores must be at least 1, got {ncores}")
