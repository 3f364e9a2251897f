"""Compare the true error of alignments with the one that `alignment_score` expects.

    python benchmarks/joint_score.py --cases-dir DIR -o score.json --picture docs/images/score.png

DIR holds ``cases.py`` and ``score.py``. ``--show score.json`` prints the numbers again.
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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import spearmanr

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused

CASES = ("A-med", "B-med", "C-med", "D-med", "E-med", "C-60s3", "B-60s3")
METHODS = ("joint", "PC", "COM", "StackReg")


def aligned(stack: Any, method: str) -> Any:
    """Return the stack registered, and its axis by CoM, or by MaxImage where CoM refuses."""
    stack = stack.stack_register(method)
    if method == "joint":
        return stack
    try:
        return stack.tilt_align("CoM")
    except AlignmentRefused:
        return stack.tilt_align("MaxImage")


def measure(folder: Path, names: list[str], seeds: list[int], methods: list[str]) -> list[Any]:
    """Return a row for each case, seed and method."""
    sys.path.insert(0, str(folder.resolve()))
    cases, score = (importlib.import_module(name) for name in ("cases", "score"))
    rows = []
    for seed in seeds:
        for name in names:
            images, tilts, truth = cases.load(name, seed, volume=False)
            for method in methods:
                begun = time.process_time()
                stack = aligned(tomo.TomoStack(images.copy(), tilts), method)
                spent = time.process_time() - begun
                found = stack.alignment_score()
                true = score.fiducial_error(np.asarray(stack.transforms), truth)["rms"]
                low, high = found.interval_px
                rows.append({"case": name, "seed": seed, "method": method, "true": true,
                             "expected": found.expected_px, "low": low, "high": high,
                             "cpu_s": round(spent, 1)})  # fmt: skip
                sys.stdout.write(f"{name} {seed} {method}: {true:.3f} px; {found}\n")
    return rows


def summary(rows: list[dict[str, Any]]) -> str:
    """Return rank correlation and coverage, for all rows and for kinds of specimen."""
    lines = ["| cases | alignments | rank correlation | within the interval |", "|---|---|---|---|"]
    for label, kinds in (
        ("all", "ABCDE"),
        ("A, B, E compact", "ABE"),
        ("C, D slab and film", "CD"),
    ):
        some = [row for row in rows if row["case"][0] in kinds]
        if len(some) < 3:
            continue
        rank = spearmanr([r["true"] for r in some], [r["expected"] for r in some]).statistic
        inside = sum(r["low"] <= r["true"] <= r["high"] for r in some)
        lines.append(f"| {label} | {len(some)} | {rank:.2f} | {inside} of {len(some)} |")
    for r in rows:
        if not r["low"] <= r["true"] <= r["high"]:
            limits = f"expected {r['expected']:.3f} ({r['low']:.3f} to {r['high']:.3f})"
            what = f"{r['case']} {r['seed']} {r['method']}"
            lines.append(f"\noutside: {what}: {r['true']:.3f} px, {limits}")
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Draw expected error and interval over the true error."""
    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for method in dict.fromkeys(row["method"] for row in rows):
        some = [row for row in rows if row["method"] == method]
        true, expected, low, high = (
            np.array([row[key] for row in some]) for key in ("true", "expected", "low", "high")
        )
        axes.errorbar(true, expected, [expected - low, high - expected], fmt="o", ms=4, lw=0.8,
                      alpha=0.8, label=method)  # fmt: skip
    ends = [0.008, 12]
    axes.plot(ends, ends, "k:", lw=1)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="true error, px",
             ylabel="expected error and its interval, px")  # fmt: skip
    axes.legend()
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, help="folder of cases.py and score.py")
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--show", type=Path, help="print such a file only")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    given = parser.parse_args()
    if given.show:
        rows = json.loads(given.show.read_text())
    elif given.cases_dir:
        rows = measure(given.cases_dir, given.cases, given.seeds, given.methods)
    else:
        raise SystemExit("--cases-dir names the folder of cases.py and score.py: give it")
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1))
    sys.stdout.write(summary(rows) + "\n")
    if given.picture:
        draw(rows, given.picture)


if __name__ == "__main__":
    main()
