"""Measure CPU time and memory of `stack_register("joint")`, each size in a fresh process.

    python benchmarks/joint_cost.py --cases-dir DIR

DIR holds ``cases.py``. The needle is measured as acquired, and its 73 middle projections
magnified to 512 x 512; the slab C-med, seed 101, magnified to 256 x 256 and 512 x 512. Memory is
the most that is resident beyond the series, the program and its kernels; Linux only.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from speed_worker import forget_peak, peak_bytes

import tomojupyter.api as tomo
from tomojupyter.numerics.alignment.joint import joint

SIZES = ("needle 256", "needle 512", "slab 256", "slab 512")
MIDDLE = 73


def magnified(images: np.ndarray, side: int) -> np.ndarray:
    """Return images of `side` px."""
    factor = side / images.shape[1]
    return np.asarray(ndimage.zoom(images.astype(np.float32), (1, factor, factor), order=1))


def series(what: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, ny, nx) and tilts."""
    kind, side = what.split()
    if kind == "slab":
        sys.path.insert(0, str(folder.resolve()))
        images, tilts = importlib.import_module("cases").load("C-med", 101, volume=False)[:2]
        return magnified(images, int(side)), np.asarray(tilts, float)
    needle = tomo.datasets.get_needle_data()
    images, tilts = needle.data.astype(np.float32), needle.tilts.data.ravel().astype(float)
    if int(side) == images.shape[1]:
        return images, tilts
    first = (len(images) - MIDDLE) // 2
    return magnified(images[first : first + MIDDLE], int(side)), tilts[first : first + MIDDLE]


def measure(what: str, folder: Path) -> str:
    """Return a row of the table."""
    small: Any = tomo.simulation.phantom_series("needle", 64, np.arange(-60, 61, 5.0), seed=1)
    joint(small.data, small.tilts.data.ravel())  # loads programs and kernels
    images, tilts = series(what, folder)
    forget_peak()
    before, cpu, clock = peak_bytes(), time.process_time(), time.monotonic()
    found = joint(images, tilts)
    cpu, clock = time.process_time() - cpu, time.monotonic() - clock
    beyond = (peak_bytes() - before) / 1e6
    size, name = " x ".join(map(str, images.shape)), what.partition(" ")[0]
    return f"| {name} ({found.specimen}) | {size} | {cpu:.0f} | {clock:.0f} | {beyond:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, required=True, help="folder of cases.py")
    parser.add_argument("--one", choices=SIZES, help="measure this one here")
    given = parser.parse_args()
    if given.one:
        sys.stdout.write(measure(given.one, given.cases_dir) + "\n")
        return
    sys.stdout.write(
        "| specimen | size | CPU, s | clock, s | memory, MB |\n|---|---|---|---|---|\n"
    )
    sys.stdout.flush()
    for what in SIZES:
        own = [sys.executable, __file__, "--cases-dir", str(given.cases_dir), "--one", what]
        subprocess.run(own, check=True)


if __name__ == "__main__":
    main()
