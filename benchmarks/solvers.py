"""Compare the CPU time of SIRT and FBP with ETSpy's, per iteration and slice.

    python benchmarks/solvers.py --etspy /path/to/the/python/of/etspy -o solvers.json

Both work on the same random sinograms in processes of their own, in turn (ours, ETSpy's, ours,
...), one thread each; the ratio is the median over these pairs. What is made before the first
reconstruction (loading the kernels) is timed apart. FBP has no iterations: its time is for a
slice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from alignments import etspy_versions

SIZES = {"77 x 256 x 256": (77, 256), "73 x 512 x 512": (73, 512)}
OURS = ("tomojupyter", "astra-toolbox", "numba", "numpy", "scipy")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Worker:
    """A process that reconstructs on request and says how much CPU time it took.

    Parameters
    ----------
    python
        The interpreter.
    package
        ``ours`` or ``etspy``.
    """

    def __init__(self, python: str, package: str) -> None:
        script = Path(__file__).with_name("solvers_worker.py")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [python, str(script), package],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def ask(self, **job: Any) -> dict[str, float]:
        """Return the answer to a job."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended with code {self.process.wait()}")
        return dict(json.loads(line))

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)


def compare(ours: Worker, theirs: Worker, job: dict[str, Any], pairs: int) -> dict[str, Any]:
    """Return medians and the ratio of interleaved pairs."""
    their_job = {**job, "slices": job["their_slices"]}
    first = ours.ask(**job)  # loads the kernels; not counted
    mine, other = [], []
    for _ in range(pairs):
        mine.append(ours.ask(**job)["cpu_s"] / (job["slices"] * job["iterations"]))
        spent = theirs.ask(**their_job)["cpu_s"]
        other.append(spent / (their_job["slices"] * job["iterations"]))
    ratios = np.array(other) / np.array(mine)
    return {
        "ours_ms": 1e3 * float(np.median(mine)),
        "etspy_ms": 1e3 * float(np.median(other)),
        "ratio": float(np.median(ratios)),
        "ratios": np.round(ratios, 2).tolist(),
        "preparation_s": first["preparation_s"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--etspy", metavar="PYTHON", required=True)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("-o", "--out", type=Path, help="write everything to this JSON file")
    given = parser.parse_args()
    ours, theirs = Worker(sys.executable, "ours"), Worker(given.etspy, "etspy")
    results: dict[str, Any] = {}
    lines = ["| what | size | ours, ms | ETSpy, ms | ratio |", "|---|---|---|---|---|"]
    for size, (n, ny) in SIZES.items():
        for method, iterations in (("SIRT", 10), ("FBP", 1)):
            job = {"method": method, "n": n, "ny": ny, "slices": 128, "iterations": iterations}
            # Two blocks of ours; ETSpy takes slices one by one, so a few are enough.
            job["their_slices"] = 1 if method == "SIRT" else 2
            found = compare(ours, theirs, job, given.pairs)
            results[f"{method}, {size}"] = found
            lines.append(
                f"| {method} | {size} | {found['ours_ms']:.2f} | {found['etspy_ms']:.1f} | "
                f"{found['ratio']:.1f} |"
            )
            say(f"{method}, {size}: {found}")
    for worker in (ours, theirs):
        worker.end()
    say("\n" + "\n".join(lines))
    if given.out:
        content = {
            "when": time.strftime("%Y-%m-%d"),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "versions": {name: version(name) for name in OURS},
            "etspy_environment": etspy_versions(given.etspy),
            "results": results,
        }
        given.out.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
