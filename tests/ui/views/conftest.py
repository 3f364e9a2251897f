from __future__ import annotations

import numpy as np
import pytest

BALLS = ((0, 0, 0, 24, 1.0), (0, 0, 0, 18, -0.7), (6, -8, 4, 5, 2.0))
"""x, y, z (upwards), radius in voxels, value: a shell with a ball in it."""


@pytest.fixture
def ball_and_shell() -> np.ndarray:
    """Volume of shape (x, z, y) = (64, 60, 56); the ball is right, up and to small y."""
    shape = (64, 60, 56)
    x, z, y = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    volume = np.zeros(shape, np.float32)
    for bx, by, bz, radius, value in BALLS:
        volume += value * ((x - bx) ** 2 + (y - by) ** 2 + (z + bz) ** 2 < radius**2)
    return volume


@pytest.fixture
def series() -> tuple[np.ndarray, np.ndarray]:
    """Projections (37, 24, 32) whose pixels say their index, and dose-symmetric tilts."""
    tilts = np.array([0.0] + [s * 4.0 * k for k in range(1, 19) for s in (1, -1)])
    stack = np.arange(37, dtype=np.int16)[:, None, None] * 10 + np.zeros((37, 24, 32), np.int16)
    stack[:, 3, 5] += 7
    return stack, tilts
