"""Say how far each method for the tilt axis is off, and how far it moves what is aligned.

    python benchmarks/axis.py --cases-dir DIR

DIR holds ``cases.py`` and ``score.py``. Cases named ``X-axis`` have a turned and shifted axis and
no other misalignment; those named ``X-rec`` are aligned, so all that a method does to them is
wrong. The row of the axis is off by what a fit with a constant finds; MaxImage does not look for
it. Prints a Markdown table: median over the seeds, and the worst in brackets.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused, TomojupyterWarning

METHODS = ("CoM", "MaxImage", "joint")
PHANTOMS = {"A": "needle", "B": "catalyst", "C": "slab", "D": "film", "E": "hollow"}


def errors(cases: Any, score: Any, name: str, method: str, seeds: list[int]) -> np.ndarray:
    """Return errors of the angle (degrees), fiducials (px), row (px); NaN where it refuses."""
    found = np.full((len(seeds), 3), np.nan)
    for row, seed in zip(found, seeds, strict=True):
        images, tilts, truth = cases.load(name, seed, volume=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TomojupyterWarning)
            try:
                aligned = tomo.TomoStack(images, tilts).tilt_align(method)
            except AlignmentRefused:
                continue
        misfit = score.fiducial_error(aligned.transforms, truth)
        row[:] = abs(misfit["axis_angle_err"]), misfit["rms"], abs(misfit["axis_offset_err"])
    return found


def cell(values: np.ndarray) -> str:
    """Return "median (worst)" of those that were not refused, and how many were."""
    kept = values[np.isfinite(values)]
    refused = len(values) - len(kept)
    if not len(kept):
        return "refused"
    text = f"{np.median(kept):.3f} ({kept.max():.3f})"
    return text + (f", {refused} refused" if refused else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(201, 211)))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--phantoms", default="".join(PHANTOMS), help="their letters, as ABCDE")
    given = parser.parse_args()
    sys.path.insert(0, str(given.cases_dir.resolve()))
    cases, score = (importlib.import_module(name) for name in ("cases", "score"))
    say = sys.stdout.write
    say("| specimen | method | angle, ° | row, px | moves an aligned series by, ° | by, px |\n")
    say("|---|---|---|---|---|---|\n")
    for letter in given.phantoms:
        specimen = PHANTOMS[letter]
        for method in given.methods:
            turned = errors(cases, score, f"{letter}-axis", method, given.seeds)
            still = errors(cases, score, f"{letter}-rec", method, given.seeds)
            row = "" if method == "MaxImage" else cell(turned[:, 2])
            cells = (cell(turned[:, 0]), row, cell(still[:, 0]), cell(still[:, 1]))
            say(f"| {letter} {specimen} | {method} | {' | '.join(cells)} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
