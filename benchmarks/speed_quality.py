"""How much CPU time it takes to be as good as 100 iterations of SIRT, for speed.py.

The series is simulated with counts (``simulation.phantom_series``), so its truth is known. Equal
quality is the residual of SIRT 100 on one count, and its error against the truth on the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from solver_quality import RUN, Watch

import tomojupyter.api as tomo
from tomojupyter.numerics.reconstruction.backends import make_projector

SIZE, SLICES, SLOW, MOST = 128, 64, 100, 30
HEAD = ("against", "iterations: residual, error", "times less CPU: residual, error")


def problem_of(seed: int) -> tuple[tuple[Any, np.ndarray], np.ndarray]:
    """Return projector and sinograms of a catalyst at its true geometry, and its volume."""
    stack = tomo.simulation.phantom_series(
        "catalyst", size=SIZE, tilts=np.arange(-70, 71, 2.0), counts=200, seed=seed
    )
    truth = tomo.simulation.volume_of(stack).data
    x = slice((SIZE - SLICES) // 2, (SIZE + SLICES) // 2)
    sinograms = np.ascontiguousarray(stack.data[:, :, x].transpose(2, 0, 1), np.float32)
    return (make_projector(stack.tilts.data.ravel(), SIZE, truth.shape[1]), sinograms), truth[x]


def to_equal_quality(seed: int = 1) -> dict[str, dict[str, Any]]:
    """Return, for each faster solver, its iterations and how much less CPU time they take."""
    problem, truth = problem_of(seed)
    roi = np.ones(truth.shape, bool)
    found: dict[str, dict[str, Any]] = {}
    for name, limits in (("OS-SIRT", {"constrain": True}), ("CGLS", {})):
        for run in (RUN["SIRT"], RUN[name]):
            run(*problem, iterations=1, ncores=1, **limits)  # loads the kernels
        slow = Watch()  # from here on its time counts
        reference = RUN["SIRT"](*problem, iterations=SLOW, monitor=slow, ncores=1, **limits)
        fast = Watch()
        quick = RUN[name](*problem, iterations=MOST, monitor=fast, ncores=1, **limits)
        errors, wanted = Watch(truth, roi), Watch(truth, roi)
        RUN[name](*problem, iterations=MOST, monitor=errors, ncores=1, **limits)
        RUN["SIRT"](*problem, iterations=SLOW, monitor=wanted, ncores=1, **limits)
        reached = (
            np.flatnonzero(quick.residuals <= reference.residuals[-1]),
            np.flatnonzero(np.array(errors.errors) <= wanted.errors[-1]),
        )
        counts = [int(at[0]) + 1 if len(at) else None for at in reached]
        found[name] = {
            "iterations": counts,
            "ratios": [None if k is None else round(slow.times[-1] / fast.times[k - 1], 1)
                       for k in counts],
            "slow_ms": 1e3 * slow.times[-1] / SLICES,
        }  # fmt: skip
    return found


def rows_of(found: dict[str, dict[str, Any]], etspy_ms: float) -> list[list[str]]:
    """Return the lines of the table; `etspy_ms` is what ETSpy takes for a slice of SIRT 100."""
    rows = []
    for name, one in found.items():
        counts, ratios = one["iterations"], one["ratios"]
        rows.append([f"{name}: our SIRT {SLOW}", _pair(counts, ""), _pair(ratios, "x")])
        against = [None if r is None else r * etspy_ms / one["slow_ms"] for r in ratios]
        rows.append([f"{name}: ETSpy's SIRT {SLOW}", _pair(counts, ""), _pair(against, "x")])
    return rows


def _pair(values: list[Any], unit: str) -> str:
    return ", ".join("not reached" if v is None else f"{v:.3g}{unit}" for v in values)
