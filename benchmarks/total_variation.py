"""Measure reconstruction with total variation: its quality, its weight, its cost.

    python benchmarks/total_variation.py --cases-dir DIR -o total_variation.json

DIR holds ``cases.py`` (series and the truth) and ``score.py`` (the metrics). All is run with the
defaults of ``reconstruct("TV")``; "best" is the least error among the chosen
weight, half of it and twice it, which only the truth can tell. The cost is CPU time per iteration
against SIRT's, interleaved, one thread each. ``--only cost`` and ``--only quality`` do one of
the two.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.sirt import sirt
from tomojupyter.numerics.reconstruction.tv import tv

AIMS = {"A": 0.10, "B": 0.14, "C": 0.75, "D": 0.54, "E": 0.11}
FACTORS = (0.5, 2.0)
HALF = 12  # slices on either side of the middle, as in the targets
SIZES = {"77 x 256 x 256": (77, 256), "73 x 512 x 512": (73, 512)}


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def quality(cases: Any, score: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Return errors of TV with its own weight and with others, and of SIRT."""
    stack, tilts, truth = cases.make_case(**job)
    middle = stack.shape[2] // 2
    part = slice(middle - HALF, middle + HALF)
    series = tomo.TomoStack(np.ascontiguousarray(stack[:, :, part]), tilts)

    def error(method: str, **given: Any) -> tuple[float, Any]:
        found = series.reconstruct(method, show_progressbar=False, **given)
        volume = truth["volume"][part]
        return score.reconstruction(found.data, volume, truth["roi"][part])["nrmse"], found

    automatic, found = error("TV")
    record = json.loads(found.metadata.Tomojupyter.history)[-1]
    weight = record["resolved"]["weight"]
    others = [error("TV", weight=weight * f)[0] for f in FACTORS]
    return {
        "nrmse": automatic,
        "best": min([automatic, *others]),
        "others": others,
        "weight": weight,
        "iterations": record["resolved"]["iterations"],
        "sirt_100": error("SIRT", iterations=100, constrain=True)[0],
    }


def cost(pairs: int) -> dict[str, Any]:
    """Return the CPU time of an iteration over that of SIRT, pair by pair."""
    found = {}
    for name, (n, ny) in SIZES.items():
        projector = make_projector(np.linspace(-76, 76, n), ny, ny)
        sinograms = np.random.default_rng(0).random((64, n, ny), np.float32)
        ratios = []
        for number in range(pairs + 1):
            times = []
            for solver, given in ((sirt, {}), (tv, {"weight": 0.1})):
                spent = []
                for iterations in (2, 8):  # the difference leaves out what comes once
                    start = time.process_time()
                    solver(projector, sinograms, iterations=iterations, constrain=True,
                           ncores=1, **given)  # fmt: skip
                    spent.append(time.process_time() - start)
                times.append(spent[1] - spent[0])
            if number:  # the first compiles
                ratios.append(times[1] / times[0])
        found[name] = ratios
        say(f"{name}: {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", required=True)
    parser.add_argument("--only", choices=("quality", "cost"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102])
    parser.add_argument("--doses", nargs="+", default=["low", "med", "high"])
    parser.add_argument("--phantoms", default="ABCDE")
    parser.add_argument("--tilts", default="pm70s2")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    sys.path.insert(0, given.cases_dir)
    results: dict[str, Any] = {}
    if given.only != "quality":
        results["cost"] = cost(given.pairs)
    if given.only != "cost":
        cases, score = importlib.import_module("cases"), importlib.import_module("score")
        say("| case, dose | TV | best | aim at medium dose | SIRT 100 | weight | iterations |")
        say("|---|---|---|---|---|---|---|")
        for dose in given.doses:
            for phantom in given.phantoms:
                found = [
                    quality(cases, score, {"phantom": phantom, "dose": dose, "seed": seed,
                                           "tilts": given.tilts})
                    for seed in given.seeds
                ]  # fmt: skip
                results[f"{phantom}, {dose}"] = found

                def listed(key: str, form: str, found: Any = found) -> str:
                    return ", ".join(format(one[key], form) for one in found)

                say(
                    f"| {phantom}, {dose} | {listed('nrmse', '.3f')} | {listed('best', '.3f')} | "
                    f"{AIMS[phantom] if dose == 'med' else ''} | {listed('sirt_100', '.3f')} | "
                    f"{listed('weight', '.3g')} | {listed('iterations', 'd')} |"
                )
                if given.out:
                    given.out.write_text(json.dumps(results, indent=1))
    if given.out:
        given.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
