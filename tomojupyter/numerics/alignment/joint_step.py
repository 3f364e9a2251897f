"""One Gauss-Newton step for all shifts and the angle together, and how steps are mixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    """

    moves: np.ndarray
    turn_rad: float
    gains: np.ndarray
    misfit: np.ndarray


def compare(
    images: np.ndarray,
    again: np.ndarray,
    weights: np.ndarray,
    use: np.ndarray,
    trust: np.ndarray,
    columns: np.ndarray | None = None,
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
    """
    n, ny, nx = images.shape
    v = (np.arange(ny) - (ny - 1) / 2)[:, None]
    u = (np.arange(nx) - (nx - 1) / 2 if columns is None else columns)[None]
    blocks, right = np.zeros((n, 3, 3)), np.zeros((n, 3))
    cross = np.zeros((n, 3))
    turn, turned = 0.0, 0.0
    gains, misfit = np.ones(n), np.full(n, np.nan)
    for i in np.flatnonzero(use):
        q, w = again[i], weights[i]
        left = images[i] - q
        gy, gx = np.gradient(q)
        around = u * gy - v * gx
        columns = np.stack([gy, gx, q]).reshape(3, -1)
        weighted = (columns * w.ravel()).astype(np.float64)
        blocks[i] = weighted @ columns.T
        blocks[i] += RIDGE * np.diag(np.diag(blocks[i])) + 1e-30 * np.eye(3)
        right[i] = weighted @ left.ravel()
        cross[i] = weighted @ around.ravel()
        turn += trust[i] * float((w * around * around).sum(dtype=np.float64))
        turned += trust[i] * float((w * around * left).sum(dtype=np.float64))
        power = float((w * images[i] ** 2).sum(dtype=np.float64))
        misfit[i] = np.sqrt(float((w * left**2).sum(dtype=np.float64)) / max(power, 1e-30))
    inverse = np.zeros_like(blocks)
    inverse[use] = np.linalg.inv(blocks[use])
    solved = np.einsum("nij,nj->ni", inverse, right)
    coupling = np.einsum("nij,nj->ni", inverse, cross)
    whole = turn - float((trust * (cross * coupling).sum(axis=1)).sum())
    angle = (turned - float((trust * (coupling * right).sum(axis=1)).sum())) / max(whole, 1e-30)
    solved -= angle * coupling
    gains[use] = 1 + solved[use, 2]
    return Found(solved[:, :2], float(angle), gains, misfit)


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
