"""What one core of this machine can do at most: fused multiply-adds in single precision."""

from __future__ import annotations

import time

import numpy as np
from numba import njit

from tomojupyter.numerics.reconstruction import kernels

ROUNDS = 2_000_000
CHAINS = 12  # sums that do not wait for each other: more than a processor has under way


@njit
def multiply_add(numbers, rounds, width):  # the registers hold all there is
    a = kernels._load(numbers, 0, width)
    b = kernels._load(numbers, 16, width)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = s10 = s11 = b
    for _ in range(rounds):
        s0 = kernels._add_product(a, s0, b)
        s1 = kernels._add_product(a, s1, b)
        s2 = kernels._add_product(a, s2, b)
        s3 = kernels._add_product(a, s3, b)
        s4 = kernels._add_product(a, s4, b)
        s5 = kernels._add_product(a, s5, b)
        s6 = kernels._add_product(a, s6, b)
        s7 = kernels._add_product(a, s7, b)
        s8 = kernels._add_product(a, s8, b)
        s9 = kernels._add_product(a, s9, b)
        s10 = kernels._add_product(a, s10, b)
        s11 = kernels._add_product(a, s11, b)
    for k, s in enumerate((s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11)):
        kernels._store(numbers, 32 + 16 * k, s)


def peak_gflops(tries: int = 5) -> float:
    """Return the most GFLOP in a second of CPU time that one core does, of some tries."""
    numbers = np.full(32 + 16 * CHAINS, 0.5, np.float32)
    multiply_add(numbers, 10, (0,))
    best = 0.0
    for _ in range(tries):
        start = time.process_time()
        multiply_add(numbers, ROUNDS, (0,))
        best = max(best, 2 * 16 * CHAINS * ROUNDS / (time.process_time() - start) / 1e9)
    return best


if __name__ == "__main__":
    print(f"{peak_gflops():.1f} GFLOP/s")
