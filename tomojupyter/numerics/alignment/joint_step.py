"""One Gauss-Newton step for all shifts and the angle together, and how steps are mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

RIDGE = 1e-9


@dataclass(frozen=True)
class Found:
    """What a comparison of images with the reprojection says.

    Parameters
    ----------
    moves
        (n, 2) in px of the level, (y, x), to apply to the aligned images.
    turn_rad
        To turn them by before.
    gains
        (n,) brightness of each image relative to the reprojection.
    misfit
        (n,) rms of what is left, relative to the rms of the image.
    sigma
        (n, 2) standard errors of the moves, taking what is left for noise.
    """

    moves: np.ndarray
    turn_rad: float
    gains: np.ndarray
    misfit: np.ndarray
    sigma: np.ndarray


def compare(
    images: np.ndarray,
    again: np.ndarray,
    weights: np.ndarray,
    use: np.ndarray,
    trust: np.ndarray,
    columns: np.ndarray | None = None,
    window: np.ndarray | float = 1.0,
    turning: Callable[[int], np.ndarray] | None = None,
) -> Found:
    """Return the step that brings images onto their reprojection.

    Parameters
    ----------
    images, again, weights
        (n, ny, nx).
    use
        bool (n,), images that are placed.
    trust
        (n,) what images weigh in the turn; all 0: they are not turned.
    columns
        (nx,) distance of the columns from the centre. None: they are the whole images.
    window
        (ny, nx) factors of all weights.
    turning
        Called with the index of an image, returns such factors (ny, nx) for the turn. None: the
        window does for the turn too.
    """
    n, ny, nx = images.shape
    v = (np.arange(ny) - (ny - 1) / 2)[:, None]
    u = (np.arange(nx) - (nx - 1) / 2 if columns is None else columns)[None]
    gains, misfit, sigma = np.ones(n), np.full(n, np.nan), np.full((n, 2), np.nan)
    moves, couplings = np.zeros((n, 2)), np.zeros((n, 2))
    turn, turned = 0.0, 0.0
    for i in np.flatnonzero(use):
        q, left = again[i], images[i] - again[i]
        gy, gx = np.gradient(q)
        parts = np.stack([gy, gx, q, u * gy - v * gx, left]).reshape(5, -1)
        counts = weights[i] * window
        products = _products(parts, counts)
        solved, coupling = _solved(products)
        moves[i], gains[i], couplings[i] = solved[:2], 1 + solved[2], coupling[:2]
        misfit[i] = np.sqrt(products[4, 4] / max(float(np.vdot(counts, images[i] ** 2)), 1e-30))
        noise = products[4, 4] / max(float(counts.sum(dtype=np.float64)), 1.0)
        sigma[i] = np.sqrt(noise / np.maximum(np.diag(products)[:2], 1e-30))
        if trust[i] > 0:
            if turning is not None:
                products = _products(parts, weights[i] * turning(int(i)))
                solved, coupling = _solved(products)
            turn += trust[i] * (products[3, 3] - products[3, :3] @ coupling)
            turned += trust[i] * (products[3, 4] - products[3, :3] @ solved)
    angle = turned / turn if turn > 0 else 0.0
    return Found(moves - angle * couplings, angle, gains, misfit, sigma)


def _products(parts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted inner products (5, 5) of gradients, image, turn and residual."""
    return ((parts * weights.ravel()) @ parts.T).astype(np.float64)


def _solved(products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return move and gain (3,) for the residual, and for a turn of 1."""
    block = products[:3, :3] + RIDGE * np.diag(np.diag(products)[:3]) + 1e-30 * np.eye(3)
    both = np.linalg.solve(block, products[:3, 3:])
    return both[:, 1], both[:, 0]


class Mixer:
    """Anderson's mixing of the steps of a fixed-point iteration.

    References
    ----------
    H. F. Walker and P. Ni, SIAM J. Numer. Anal. 49 (2011) 1715, doi:10.1137/10078356X.
    """

    def __init__(self, depth: int = 5) -> None:
        self.depth = depth
        self._points: list[np.ndarray] = []
        self._steps: list[np.ndarray] = []

    def next(self, point: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return the next point, given this one and the plain step from it."""
        self._points = [*self._points, point][-self.depth - 1 :]
        self._steps = [*self._steps, step][-self.depth - 1 :]
        if len(self._steps) < 2:
            return point + step
        of_steps = np.diff(np.array(self._steps), axis=0).T
        of_points = np.diff(np.array(self._points), axis=0).T
        norm = np.linalg.norm(of_steps, axis=0).max()
        gram = of_steps.T @ of_steps + (1e-4 * norm) ** 2 * np.eye(of_steps.shape[1])
        gamma = np.linalg.solve(gram, of_steps.T @ step)
        return point + step - (of_points + of_steps) @ gamma
