"""Primal-dual descent in volumes that are coupled by their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.reconstruction.iterative import inverse_of
from tomojupyter.numerics.spectral.noise import precision as precision_of

if TYPE_CHECKING:
    from tomojupyter.numerics.spectral.operators import Operators

BALANCE = 0.1  # of steps in residuals and in volumes: changes the speed, not the result
COUPLED = 4.0  # of steps in gradients and in residuals: likewise
MATTER = 0.2  # of the brightest voxel: above it the noise of a channel is looked at
TRUSTED = 3.0  # standard deviations of a guide's noise that count as one


class Descent:
    """The iterate of one coupled reconstruction.

    Volumes are kept in units in which the noise that the data leave in a gradient is 1 in every
    channel, so that one weight serves all, and matter counts alike in units of any size.

    Parameters
    ----------
    both
        Projections.
    data
        (c, nx, n, ny) measured values, in the projector's pixels.
    precision
        (c, nx, n, ny) 1 / variance; 0 where nothing was measured. A pixel that stands there
        several times has its share each time.
    volumes
        (c, nx, nz, ny) to start from.
    guide
        Channel that is there for its edges, which cost what they cost a channel whose noise is
        `TRUSTED` times less; its noise is that in the matter of any channel. None: no channel.

    Notes
    -----
    A guide is not wanted for itself. Smoothed by as much of its noise as the others, it loses
    what it could show of weak edges, and leaves the contrast of thin layers to the smoothness.
    The noise of images such as HAADF differs between materials, and what is brightest, where it
    is largest, may be a small part of the specimen.
    """

    def __init__(
        self,
        both: Operators,
        data: np.ndarray,
        precision: np.ndarray,
        volumes: np.ndarray,
        guide: int | None = None,
    ) -> None:
        self.both = both
        c, nx, nz, ny = volumes.shape
        self.edge = 1 / both.factor  # of a voxel, in px
        self.noise, trust = self._noise(precision, volumes, guide)
        unit = 1 / (self.noise * np.sqrt(trust))
        self.unit, self.trust = (v.astype(np.float32)[:, None, None, None] for v in (unit, trust))
        self.target = data / self.unit
        self.omega = precision * self.trust * self.unit**2
        rows, columns = both.bounds()
        repeats = np.array([1 if k in both.fine else both.factor for k in range(c)])
        once = (1 / repeats).astype(np.float32)[:, None, None, None]
        self.sigma = np.float32(BALANCE) * once * inverse_of(rows)
        slopes = np.float32(COUPLED * self.edge * (4 + 2 * self.edge))
        self.tau = np.reciprocal(np.float32(BALANCE) * (once * columns + slopes))
        self.z = volumes / self.unit
        self.ahead = self.z.copy()
        self.p = np.zeros_like(self.target)
        self.q = np.zeros((nx, nz, ny, c, 3), np.float32)
        self.given_back = np.zeros_like(self.z)
        measured = np.array([np.count_nonzero(channel) for channel in self.omega])
        self.pixels = int((measured // repeats).sum())

    def _noise(
        self, precision: np.ndarray, volumes: np.ndarray, guide: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (c,) noise of a gradient of each channel, and factors of its precision."""
        spread = self.both.spread(precision)
        matter = [volume > MATTER * volume.max() for volume in volumes]
        levels = np.array([_mean(own, where) for own, where in zip(spread, matter, strict=True)])
        trust = np.ones(len(levels))
        if guide is not None:
            everywhere = _mean(spread[guide], np.any(matter, axis=0))
            trust[guide] = TRUSTED**2 * levels[guide] / max(everywhere, 1e-30)
        return np.sqrt(np.maximum(levels, 1e-30)), trust

    def step(self, weight: float) -> float:
        """Take one step; return the root mean square of the residual in standard deviations."""
        from tomojupyter.numerics.spectral import coupling

        nx = self.z.shape[1]
        residual = self.both.forward(self.ahead)
        residual -= self.target
        squares = float(np.vdot(self.omega / self.trust * residual, residual))
        residual *= self.sigma
        self.p += residual
        # In place of p / (1 + sigma / omega): omega may be 0.
        self.p *= self.omega / (self.omega + self.sigma + 1e-30)
        # A gradient per px in an edge^2 of a px^3, as differences times the edge: along x, where
        # voxels are one px wide, once more.
        edge = self.edge
        rate, limit = BALANCE * COUPLED * edge / 2, weight * edge
        self.both.slabs(
            lambda a, b: coupling.ascend(self.ahead, self.q, edge, rate, limit, a, b), nx
        )
        slope = self.both.back(self.p)
        slope -= self.given_back
        self._add_divergence(self.q, slope)
        slope *= self.tau
        new = np.maximum(self.z - slope, 0)
        self.ahead = 2 * new - self.z
        self.z = new
        return float(np.sqrt(squares / max(1, self.pixels)))

    def look_again(self, channel: int) -> None:
        """Look at the noise of a channel anew: at what the volumes by now leave of it."""
        here = slice(channel, channel + 1)
        unit = self.unit[here]
        seen = self.both.forward(self.z)[here] * unit
        certain = precision_of(self.target[here] * unit, seen, self.omega[here] > 0)
        self.omega[here] = certain * self.trust[here] * unit**2

    def give_back(self) -> None:
        """Make the gradients that were found free, from now on."""
        self.given_back = np.zeros_like(self.z)
        self._add_divergence(self.q, self.given_back)

    def _add_divergence(self, dual: np.ndarray, out: np.ndarray) -> None:
        from tomojupyter.numerics.spectral import coupling

        self.both.slabs(lambda a, b: coupling.add_divergence(dual, out, self.edge, a, b), len(dual))

    def volumes(self) -> np.ndarray:
        """Return the volumes in units of the data per px."""
        return np.asarray(self.z * self.unit)


def _mean(values: np.ndarray, where: np.ndarray) -> float:
    """Return the mean where it says, or of all if that is nowhere."""
    return float(values[where].mean() if where.any() else values.mean())
