"""Say how far each method for the tilt axis is off, and how far it moves what is aligned.

    python benchmarks/axis.py --cases-dir DIR -o axis.json

DIR holds ``cases.py`` and ``score.py``. Cases named ``X-axis`` have a turned and shifted axis and
no other misalignment; those named ``X-rec`` are aligned, so all that a method does to them is
wrong. The row of the axis is off by what a fit with a constant finds; MaxImage does not look for
it. Prints a Markdown table: median over the seeds, and the worst in brackets. The file is written
after every series; ``--show axis.json`` prints the table of what it has.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused, TomojupyterWarning

METHODS = ("CoM", "MaxImage", "joint")
PHANTOMS = {"A": "needle", "B": "catalyst", "C": "slab", "D": "film", "E": "hollow"}
FIGURES = ("axis_angle_err", "rms", "axis_offset_err")

Found = dict[str, dict[str, dict[str, list[float] | None]]]
"""Angle in degrees, fiducials and row in px (None: refused), by case, method and seed."""


def errors(score: Any, series: tuple[Any, ...], method: str) -> list[float] | None:
    """Return the errors of angle (degrees), fiducials and row (px), or None where it refuses."""
    images, tilts, truth = series
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TomojupyterWarning)
        try:
            aligned = tomo.TomoStack(images.copy(), tilts).tilt_align(method)
        except AlignmentRefused:
            return None
    misfit = score.fiducial_error(aligned.transforms, truth)
    return [abs(float(misfit[name])) for name in FIGURES]


def cell(one: dict[str, list[float] | None], figure: str) -> str:
    """Return "median (worst)" of those that were not refused, and how many were."""
    kept = [values[FIGURES.index(figure)] for values in one.values() if values is not None]
    refused = len(one) - len(kept)
    if not kept:
        return "refused" if refused else ""
    text = f"{np.median(kept):.3f} ({max(kept):.3f})"
    return text + (f", {refused} refused" if refused else "")


def table(found: Found) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| specimen | method | angle, ° | row, px | moves what is aligned by, ° | by, px | seeds |",
        "|---|---|---|---|---|---|---|",
    ]
    for letter, specimen in PHANTOMS.items():
        for method in METHODS:
            turned, still = (
                found.get(f"{letter}-{k}", {}).get(method, {}) for k in ("axis", "rec")
            )
            if not turned and not still:
                continue
            row = "" if method == "MaxImage" else cell(turned, "axis_offset_err")
            cells = (cell(turned, "axis_angle_err"), row, cell(still, "axis_angle_err"),
                     cell(still, "rms"), f"{len(turned)}, {len(still)}")  # fmt: skip
            lines.append(f"| {letter} {specimen} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def merged(files: list[Path]) -> Found:
    """Return the results of several files."""
    whole: Found = {}
    for file in files:
        for case, methods in json.loads(file.read_text()).items():
            for method, seeds in methods.items():
                whole.setdefault(case, {}).setdefault(method, {}).update(seeds)
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, help="folder of cases.py and score.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(201, 211)))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--phantoms", default="".join(PHANTOMS), help="their letters, as ABCDE")
    parser.add_argument("--kinds", nargs="+", default=["axis", "rec"], help="of cases")
    parser.add_argument("--show", type=Path, nargs="+", help="print the table of such files only")
    parser.add_argument("-o", "--out", type=Path, help="write everything to this JSON file")
    given = parser.parse_args()
    if given.show:
        sys.stdout.write(table(merged(given.show)) + "\n")
        return
    if given.cases_dir is None:
        raise SystemExit("--cases-dir names the folder of cases.py and score.py: give it")
    sys.path.insert(0, str(given.cases_dir.resolve()))
    cases, score = (importlib.import_module(name) for name in ("cases", "score"))
    found: Found = {}
    for seed in given.seeds:
        for name in (f"{letter}-{kind}" for letter in given.phantoms for kind in given.kinds):
            series = cases.load(name, seed, volume=False)
            for method in given.methods:
                one = found.setdefault(name, {}).setdefault(method, {})
                one[str(seed)] = errors(score, series, method)
            if given.out:
                given.out.write_text(json.dumps(found, indent=1))
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
