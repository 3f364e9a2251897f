"""Reconstruct for speed.py, by the package named on the command line.

Reads one job a line from standard input (JSON), writes one answer a line. Runs with ETSpy's
Python as well, so nothing of tomojupyter is imported before it is known to be there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
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
        key, preparation = (job["n"], job["ny"]), 0.0
        if key not in projectors:
            projectors.clear()
            start = time.process_time()
            projectors[key] = make_projector(tilts, job["ny"], job["ny"])
            projectors[key].prepare()
            preparation = time.process_time() - start
        sinograms = stack.transpose(2, 0, 1)
        if job["method"] == "SIRT":
            sirt(projectors[key], sinograms, iterations=job["iterations"], ncores=1)
        else:
            fbp(projectors[key], sinograms, tilts, ncores=1)
        return preparation

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


def by_astra() -> Solver:
    """Return a solver by ASTRA's CPU algorithms, slice by slice, with its "linear" projector."""
    import astra

    def solve(job: dict[str, Any], stack: np.ndarray, tilts: np.ndarray) -> float:
        ny = job["ny"]
        detector = astra.create_proj_geom("parallel", 1.0, ny, np.deg2rad(tilts))
        grid = astra.create_vol_geom(ny, ny)
        projector = astra.create_projector("linear", detector, grid)
        data, volume = astra.data2d.create("-sino", detector), astra.data2d.create("-vol", grid)
        config = astra.astra_dict(job["method"])
        config["ProjectorId"] = projector
        config["ProjectionDataId"], config["ReconstructionDataId"] = data, volume
        result = np.empty((stack.shape[2], ny, ny), np.float32)
        for x in range(stack.shape[2]):
            astra.data2d.store(data, np.ascontiguousarray(stack[:, :, x]))
            astra.data2d.store(volume, 0)
            algorithm = astra.algorithm.create(config)
            astra.algorithm.run(algorithm, job["iterations"])
            result[x] = astra.data2d.get(volume)
            astra.algorithm.delete(algorithm)
        astra.data2d.delete([data, volume])
        astra.projector.delete(projector)
        return 0.0

    return solve


PACKAGES = {"ours": by_us, "etspy": by_etspy, "astra": by_astra}


def forget_peak() -> None:
    """Let the peak begin anew at what this process has now; Linux only."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes() -> int:
    """Return the most memory that this process has had since then."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("this system does not tell the memory of a process")


def main(package: str) -> None:
    """Answer jobs until the input ends."""
    solve = PACKAGES[package]()
    for line in sys.stdin:
        job = json.loads(line)
        shape = (job["n"], job["ny"], job["slices"])
        stack = np.random.default_rng(0).random(shape, np.float32)
        tilts = np.linspace(-76, 76, job["n"])
        forget_peak()
        before = peak_bytes()
        start = time.process_time()
        preparation = solve(job, stack, tilts)
        spent = time.process_time() - start - preparation
        volume = 4 * job["slices"] * job["ny"] ** 2
        beyond = peak_bytes() - before - volume
        answer = {"cpu_s": spent, "preparation_s": preparation, "beyond_bytes": beyond}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
