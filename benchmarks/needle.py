"""Compare alignments of the real needle: tomojupyter's, ETSpy's, and the one provided.

    python benchmarks/needle.py --etspy /path/to/the/python/of/etspy -o needle.json

Prints a Markdown table. The data are those of ``datasets.get_needle_data``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from alignments import Alignment, etspy, etspy_versions, mixed, ours, provided
from quality import (
    Box,
    Series,
    astra_sirt,
    chosen_columns,
    judge,
    residual_percent,
    shared_box,
    sinograms,
)

import tomojupyter.api as tomo
from tomojupyter import datasets
from tomojupyter.numerics.reconstruction.backends import make_projector

# The box is what these cover in common; the other rows lose what they do not cover.
BOX_FROM = ("PC + CoM", "StackReg + CoM", "HAADF_Aligned.hspy")
OURS = ("tomojupyter", "astra-toolbox", "hyperspy", "numpy", "pystackreg", "scipy")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def collect(python: str | None, with_mixed: bool) -> tuple[Series, list[Alignment]]:
    """Return the pixels without vacuum, and all alignments."""
    raw = tomo.datasets.get_needle_data()
    stack = raw.background()
    series = Series(np.asarray(stack.data, np.float32), stack.tilts.data.ravel())
    rows = ours(stack)
    rows.append(provided(tomo.datasets.get_needle_data(aligned=True), series))
    if python:
        theirs = etspy(python, datasets._fetch("HAADF.mrc"), series)
        rows += theirs
        if with_mixed:
            rows += mixed(stack, theirs)
    return series, rows


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table, the lowest residual first."""
    lines = [
        "| package | pipeline | residual, % | halves: correlation | halves: FRC 0.5, 1/px "
        "| covered, % | axis, ° | CPU, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(results, key=lambda r: r.get("residual_percent", np.inf)):
        start = f"| {row['package']} | {row['pipeline']} |"
        if "residual_percent" not in row:
            lines.append(f"{start} none: {row['note']} | | | | | |")
            continue
        seconds = f"{row['cpu_s']:.1f}" if "cpu_s" in row else ""
        lines.append(
            f"{start} {row['residual_percent']:.3f} | {row['halves_correlation']:.4f} | "
            f"{row['frc_half']:.3f} | {row['covered_percent']:.1f} | {row['tiltaxis']:.2f} | "
            f"{seconds} |"
        )
    return "\n".join(lines)


def confirm(
    series: Series, rows: list[Alignment], box: Box, columns: np.ndarray, iterations: int
) -> list[dict[str, Any]]:
    """Return the residuals of some rows by ASTRA's own SIRT."""
    projector = make_projector(series.tilts_deg, box.shape[0], box.shape[0])
    found = []
    for row in rows:
        assert row.transforms is not None
        measured, weights = sinograms(series, row.transforms, box, columns)
        volume = astra_sirt(series.tilts_deg, measured, weights, iterations)
        percent = residual_percent(projector, volume, measured, weights)
        found.append({"package": row.package, "pipeline": row.pipeline, "astra_percent": percent})
        say(f"ASTRA's SIRT on {len(columns)} slices: {row.name}: {percent:.3f} %")
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--etspy", metavar="PYTHON", help="Python of an environment with ETSpy")
    parser.add_argument(
        "--slices", type=int, default=64, help="slices to reconstruct, in blocks of 8; 0: all"
    )
    parser.add_argument("--iterations", type=int, default=100, help="of SIRT")
    parser.add_argument("--mixed", action="store_true", help="add ETSpy's shifts with our axis")
    parser.add_argument(
        "--confirm", type=int, default=8, help="slices for ASTRA's own SIRT on the best; 0: none"
    )
    parser.add_argument("--only", nargs="+", default=[""], help="rows named like one of these")
    parser.add_argument("-o", "--out", type=Path, help="write everything to this JSON file")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    series, rows = collect(given.etspy, given.mixed)
    good = [row for row in rows if row.transforms is not None]
    basis = [row.transforms for row in good if row.pipeline in BOX_FROM]
    box = shared_box([t for t in basis if t is not None], series.shape)
    columns = chosen_columns(box.shape[1], given.slices)
    say(f"box {box}, {len(columns)} of {box.shape[1]} slices, {given.iterations} iterations")
    results: list[dict[str, Any]] = []
    rows = [row for row in rows if any(part in row.name for part in given.only)]
    for row in rows:
        entry = {"package": row.package, "pipeline": row.pipeline, **(row.numbers or {})}
        if row.transforms is None:
            entry["note"] = row.note
        else:
            start = time.perf_counter()
            entry |= judge(series, row.transforms, box, columns, given.iterations)
            say(f"{row.name}: {entry['residual_percent']:.3f} % "
                f"({time.perf_counter() - start:.0f} s)")  # fmt: skip
        results.append(entry)
    say("\n" + table(results) + "\n")
    confirmed = []
    if given.confirm:
        good = [row for row in rows if row.transforms is not None]
        packages = list(dict.fromkeys(row.package for row in good))
        best = [_best(good, results, package) for package in packages]
        few = columns[np.linspace(0, len(columns) - 1, given.confirm).round().astype(int)]
        confirmed = confirm(series, best, box, few, given.iterations)
    if given.out:
        content = {
            "when": time.strftime("%Y-%m-%d"),
            "cores": os.cpu_count(),
            "versions": {name: version(name) for name in OURS},
            "etspy_environment": etspy_versions(given.etspy) if given.etspy else None,
            "box": [box.left, box.right, box.top, box.bottom],
            "slices": len(columns),
            "iterations": given.iterations,
            "rows": results,
            "astra": confirmed,
        }
        given.out.write_text(json.dumps(content, indent=1))


def _best(rows: list[Alignment], results: list[dict[str, Any]], package: str) -> Alignment:
    """Return the package's alignment with the lowest residual."""
    figures = {
        (r["package"], r["pipeline"]): r["residual_percent"]
        for r in results
        if "residual_percent" in r
    }
    mine = [row for row in rows if row.package == package]
    return min(mine, key=lambda row: figures[row.package, row.pipeline])


if __name__ == "__main__":
    main()
