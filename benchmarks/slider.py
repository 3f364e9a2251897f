"""Time from a move of the tilt-axis slider to three new slices, without the browser's part.

python benchmarks/slider.py
"""

from __future__ import annotations

import sys
import time

import numpy as np

import tomojupyter.api as tomo
from tomojupyter.ui import TiltAxisPanel

MOVES = 15


def main() -> None:
    """Move the slider and print the median."""
    series = tomo.datasets.get_catalyst_data(tiltshift=6, tiltrotate=1.5)
    panel = TiltAxisPanel(series)
    times = []
    for k in range(MOVES):
        started = time.perf_counter()
        panel.controls["shift"].value = 0.3 * (k + 1)
        times.append(time.perf_counter() - started)
    shape = "x".join(map(str, series.data.shape))
    sys.stdout.write(f"{shape}: median {1000 * np.median(times):.0f} ms of {MOVES} moves\n")


if __name__ == "__main__":
    main()
