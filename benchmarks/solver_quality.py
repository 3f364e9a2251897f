"""Measure the fast solvers against SIRT, the choice of iterations, and DART, on accuracy cases.

    python benchmarks/solver_quality.py CASES E-rec A-rec

CASES is a folder with a module ``cases.py`` that has ``load(name, seed, **parameters)``. Of each
case, the slices in the middle are reconstructed at the true geometry. Printed are the CPU time
(one thread) to reach the residual of 100 iterations of SIRT as a ratio, for each solver the error
at the number that ``iterations="auto"`` chooses over the error at the best number, and, of
phantom E, the voxels that DART puts into the wrong class.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from typing import Any

import numpy as np

from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.problem import Problem
from tomojupyter.numerics.reconstruction.stopping import choose_iterations

HALF = 12  # half of the slices
MOST = {"SIRT": 200, "OS-SIRT": 30, "SART": 30, "CGLS": 30}
RUN = {
    "SIRT": solvers.sirt,
    "OS-SIRT": solvers.os_sirt,
    "SART": solvers.sart,
    "CGLS": solvers.cgls,
}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Watch:
    """A monitor that notes the CPU time and the error of each iterate."""

    finish_early = False

    def __init__(self, truth: np.ndarray | None = None, roi: np.ndarray | None = None) -> None:
        self.truth, self.roi = truth, roi
        self.begun, self.times, self.errors = time.process_time(), [], []

    def __call__(self, *_: Any, **values: Any) -> None:
        """Note them."""
        if "volume" not in values:
            return
        self.times.append(time.process_time() - self.begun)
        if self.truth is not None and self.roi is not None:
            made = np.array(values["volume"])[self.roi].astype(float)
            known = self.truth[self.roi].astype(float)
            columns = np.stack([made, np.ones_like(made)], axis=1)
            fit = columns @ np.linalg.lstsq(columns, known, rcond=None)[0]
            self.errors.append(np.sqrt(np.mean((fit - known) ** 2)) / known.std())


def fast(problem: tuple[Any, np.ndarray], constrain: bool) -> None:
    """Print the CPU time to the residual of SIRT 100."""
    watch = Watch()
    limits = {"constrain": True} if constrain else {}
    slow = solvers.sirt(*problem, iterations=100, monitor=watch, ncores=1, **limits)
    spent = watch.times[-1]
    for name in ("OS-SIRT",) if constrain else ("OS-SIRT", "CGLS"):
        watch = Watch()
        found = RUN[name](*problem, iterations=20, monitor=watch, ncores=1, **limits)
        reached = int(np.argmax(found.residuals <= slow.residuals[-1]))
        say(f"  {name}, constrain={constrain}: {reached + 1} iterations, "
            f"{spent / watch.times[reached]:.1f} times less CPU")  # fmt: skip


def chosen(problem: tuple[Any, np.ndarray], truth: np.ndarray, roi: np.ndarray) -> None:
    """Print the error at the chosen number over that at the best."""
    for name, solver in RUN.items():
        limits: dict[str, Any] = {} if name == "CGLS" else {"constrain": True}
        choice = choose_iterations(solver, Problem(*problem, **limits), most=MOST[name])
        watch = Watch(truth, roi)
        solver(*problem, iterations=MOST[name], monitor=watch, **limits)
        best = int(np.argmin(watch.errors))
        ratio = watch.errors[choice.iterations - 1] / watch.errors[best]
        say(f"  auto {name}: {choice.iterations}, best {best + 1}, error x {ratio:.3f}")


def discrete(
    problem: tuple[Any, np.ndarray], truth: np.ndarray, roi: np.ndarray, levels: list[float]
) -> None:
    """Print how much of the volume DART gets wrong, with the smoothing that it chooses."""
    middles = (np.array(levels)[1:] + np.array(levels)[:-1]) / 2
    begun = time.process_time()
    smoothing, _ = solvers.choose_smoothing(Problem(*problem), gray_levels=levels)
    found = solvers.dart(*problem, gray_levels=levels, iterations=20, smoothing=smoothing)
    spent = time.process_time() - begun
    wrong = np.digitize(found.volume[roi], middles) != np.digitize(truth[roi], middles)
    clear = np.min(np.abs(truth[roi][:, None] - np.array(levels)), axis=1) < 0.05
    say(f"  DART, smoothing {smoothing:g}: wrong {wrong.mean():.5f}, outside of mixed voxels "
        f"{wrong[clear].mean():.6f}, {spent:.1f} s CPU")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", help="of cases.py")
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--dose", help="of cases.py, such as low")
    given = parser.parse_args()
    sys.path.insert(0, given.folder)
    load = importlib.import_module("cases").load
    for name in given.cases:
        over = {"dose": given.dose} if given.dose else {}
        stack, tilts, truth = load(name, given.seed, volume=True, **over)
        middle = stack.shape[2] // 2
        x = slice(middle - HALF, middle + HALF)
        pixels = (stack[:, :, x] - truth["background"]).transpose(2, 0, 1)
        volume, roi = truth["volume"][x], truth["roi"][x]
        projector = make_projector(tilts, pixels.shape[2], volume.shape[1])
        problem = (projector, np.ascontiguousarray(pixels))
        solvers.sirt(*problem, iterations=1)  # loads the kernels
        say(name)
        fast(problem, True)
        fast(problem, False)
        chosen(problem, volume, roi)
        if truth["phantom"] == "E":
            discrete(problem, volume, roi, truth["gray_levels"])


if __name__ == "__main__":
    main()
