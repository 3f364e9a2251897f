"""Reconstruct for solvers.py, by the package named on the command line.

Reads one job a line from standard input (JSON), writes one answer a line. Runs with ETSpy's
Python as well, so nothing of tomojupyter is imported before it is known to be there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Solver = Callable[[dict[str, Any], np.ndarray, np.ndarray], float]


def by_us() -> Solver:
    """Return a solver by tomojupyter's operators; its answer is the preparation's CPU time."""
    from tomojupyter.numerics.reconstruction.backends import make_projector
    from tomojupyter.numerics.reconstruction.reconstruct import fbp, sirt

    projectors: dict[tuple[int, int], Any] = {}

    def solve(job: dict[str, Any], stack: np.ndarray, tilts: np.ndarray) -> float:
        # Series differ in size between jobs; one projector at a time is enough.
        key = (job["n"], job["ny"])
        if key not in projectors:
            projectors.clear()
            start = time.process_time()
            projectors[key] = make_projector(tilts, job["ny"], job["ny"])
            projectors[key].prepare()
            return time.process_time() - start
        sinograms = np.ascontiguousarray(stack.transpose(2, 0, 1))
        if job["method"] == "SIRT":
            sirt(projectors[key], sinograms, iterations=job["iterations"], ncores=1)
        else:
            fbp(projectors[key], sinograms, tilts, ncores=1)
        return 0.0

    return solve


def by_etspy() -> Solver:
    """Return a solver by ETSpy's CPU code."""
    from etspy.recon import run

    def solve(job: dict[str, Any], stack: np.ndarray, tilts: np.ndarray) -> float:
        run(
            stack, tilts, job["method"], niterations=job["iterations"], cuda=False, ncores=1,
            show_progressbar=False,
        )  # fmt: skip
        return 0.0

    return solve


def main(package: str) -> None:
    """Answer jobs until the input ends."""
    solve = by_us() if package == "ours" else by_etspy()
    for line in sys.stdin:
        job = json.loads(line)
        shape = (job["n"], job["ny"], job["slices"])
        stack = np.random.default_rng(0).random(shape, np.float32)
        tilts = np.linspace(-76, 76, job["n"])
        start = time.process_time()
        preparation = solve(job, stack, tilts)
        answer = {"cpu_s": time.process_time() - start, "preparation_s": preparation}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
