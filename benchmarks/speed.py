"""Compare the speed of SIRT and FBP with ETSpy's and ASTRA's, and with what the machine can do.

    python benchmarks/speed.py --etspy /path/to/the/python/of/etspy -o speed.json

All work on the same random sinograms in processes of their own, in turn (ours, ETSpy's, ASTRA's,
ours, ...), one thread each; a ratio is the median over these rounds. Times are CPU times of the
process, since others may be at work on the machine: they do not tell how long anybody waits. What
is made before the first reconstruction (loading the kernels) is timed apart. FBP has no iterations:
its time is for a slice. Memory is the peak beyond the series and the volume, in fresh processes.
At the end stands how much CPU time the faster solvers take to be as good as SIRT 100.
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
from machine import peak_gflops
from speed_quality import HEAD as QUALITY
from speed_quality import SIZE, SLOW, rows_of, to_equal_quality

SIZES = {"77 x 256 x 256": (77, 256), "73 x 512 x 512": (73, 512)}
OURS = ("tomojupyter", "astra-toolbox", "numba", "numpy", "scipy")
PACKAGES = ("ours", "etspy", "astra")
HEAD = ("what", "size", "ours, ms", "ETSpy, ms", "ASTRA, ms", "ETSpy / ours", "ASTRA / ours",
        "GFLOP/s (of peak)", "memory: ours, ETSpy, ASTRA")  # fmt: skip


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
        ``ours``, ``etspy`` or ``astra``.
    """

    def __init__(self, python: str, package: str) -> None:
        script = Path(__file__).with_name("speed_worker.py")
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


def slices_of(package: str, job: dict[str, Any]) -> int:
    """Return how many slices are enough: ours go in blocks of 64, those of others one by one."""
    if package == "ours":
        return 128
    return 1 if job["method"] == "SIRT" else 2


def compare(workers: dict[str, Worker], job: dict[str, Any], pairs: int) -> dict[str, Any]:
    """Return medians and ratios of interleaved rounds, in ms of a slice (and iteration)."""
    first = workers["ours"].ask(**job, slices=128)  # loads the kernels; not counted
    times: dict[str, list[float]] = {package: [] for package in workers}
    for _ in range(pairs):
        for package, worker in workers.items():
            slices = slices_of(package, job)
            spent = worker.ask(**job, slices=slices)["cpu_s"]
            times[package].append(1e3 * spent / (slices * job["iterations"]))
    found: dict[str, Any] = {f"{k}_ms": float(np.median(v)) for k, v in times.items()}
    for package in PACKAGES[1:]:
        ratios = np.array(times[package]) / np.array(times["ours"])
        found[f"{package}_ratio"] = float(np.median(ratios))
        found[f"{package}_ratios"] = np.round(ratios, 2).tolist()
    found["preparation_s"] = first["preparation_s"]
    if job["method"] == "SIRT":
        # Forward and back, each an interpolation between two voxels: four multiply-adds.
        found["gflops"] = 8 * job["n"] * job["ny"] ** 2 / found["ours_ms"] / 1e6
    return found


def memory(pythons: dict[str, str], job: dict[str, Any], slices: int) -> dict[str, float]:
    """Return the peak beyond series and volume, in bytes, of fresh processes."""
    found = {}
    for package, python in pythons.items():
        worker = Worker(python, package)
        worker.ask(**{**job, "ny": 32, "iterations": 1}, slices=128)  # libraries, kernels
        found[package] = worker.ask(**{**job, "iterations": 1}, slices=slices)["beyond_bytes"]
        worker.end()
    return found


def row(name: str, size: str, found: dict[str, Any], peak: float) -> list[str]:
    """Return the cells of the table."""
    gflops = f"{found['gflops']:.1f} ({100 * found['gflops'] / peak:.0f} %)" \
        if "gflops" in found else ""  # fmt: skip
    used = ", ".join(f"{found['memory'][p] / 1e6:.0f}" for p in PACKAGES) + " MB"
    return [
        name, size, *(f"{found[f'{p}_ms']:.2f}" for p in PACKAGES),
        f"{found['etspy_ratio']:.0f}", f"{found['astra_ratio']:.0f}", gflops, used,
    ]  # fmt: skip


def draw(rows: list[list[str]], note: str, path: Path) -> None:
    """Draw the table."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 0.5 + 0.42 * (len(rows) + 1)), layout="constrained")
    place = figure.subplots()
    place.set_axis_off()
    table = place.table(rows, colLabels=HEAD, loc="center", cellLoc="center", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.auto_set_column_width(list(range(len(HEAD))))
    table.scale(1, 1.5)
    place.set_title(note, fontsize=9, loc="left")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--etspy", metavar="PYTHON", required=True)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--slices", type=int, default=64, help="for the memory; default 64")
    parser.add_argument("-o", "--out", type=Path, help="write everything to this JSON file")
    parser.add_argument("--picture", type=Path, help="draw the table into this file")
    given = parser.parse_args()
    pythons = {"ours": sys.executable, "etspy": given.etspy, "astra": sys.executable}
    peak = peak_gflops()
    say(f"peak of a core: {peak:.1f} GFLOP/s")
    workers = {package: Worker(python, package) for package, python in pythons.items()}
    results: dict[str, Any] = {}
    rows = []
    for size, (n, ny) in SIZES.items():
        for method, iterations in (("SIRT", 10), ("FBP", 1)):
            job = {"method": method, "n": n, "ny": ny, "iterations": iterations}
            found = compare(workers, job, given.pairs)
            found["memory"] = memory(pythons, job, given.slices)
            results[f"{method}, {size}"] = found
            rows.append(row(method, size, found, peak))
            say(f"{method}, {size}: {found}")
    job = {"method": "SIRT", "n": 71, "ny": SIZE, "iterations": SLOW}
    slow_ms = 1e3 * workers["etspy"].ask(**job, slices=1)["cpu_s"]
    for worker in workers.values():
        worker.end()
    quality = to_equal_quality()
    for cells in (QUALITY, ["---"] * len(QUALITY), *rows_of(quality, slow_ms)):
        say(f"| {' | '.join(cells)} |")
    for cells in (HEAD, ["---"] * len(HEAD), *rows):
        say(f"| {' | '.join(cells)} |")
    when = time.strftime("%Y-%m-%d")
    load = os.getloadavg()
    if given.picture:
        note = (
            f"CPU time of a slice (SIRT: and iteration), one thread each, medians of {given.pairs} "
            f"interleaved rounds; peak of a core {peak:.0f} GFLOP/s; memory beyond series and "
            f"volume, {given.slices} slices. {when}, {os.cpu_count()} cores, load {load[0]:.0f}."
        )
        draw(rows, note, given.picture)
    if given.out:
        content = {
            "when": when,
            "cores": os.cpu_count(),
            "load": load,
            "peak_gflops": peak,
            "versions": {name: version(name) for name in OURS},
            "etspy_environment": etspy_versions(given.etspy),
            "results": results,
            "to_equal_quality": quality,
        }
        given.out.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
