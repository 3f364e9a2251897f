"""Draw central slices of a catalyst, a needle, a film and a slab, after several alignments.

    python benchmarks/joint_pictures.py --cases-dir DIR --kept FOLDER -o docs/images/joint.jpg

Rows are specimens, columns alignments. The catalyst, the film and the slab are simulated, the
needle is the real one. Alignments are kept in FOLDER as transforms, and are not done again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.geometry import covered, resample
from tomojupyter.numerics.reconstruction.backends import make_projector
from tomojupyter.numerics.reconstruction.reconstruct import sirt

ITERATIONS = 100
SPECIMENS = (("catalyst", "B-med"), ("needle", ""), ("film", "D-med"), ("slab", "C-med"))
ALIGNMENTS = ("as acquired", "PC + CoM", "joint")


def series(case: str, seed: int, folder: Path) -> Any:
    """Return a simulated stack, or the real needle without its background."""
    if not case:
        return tomo.datasets.get_needle_data().background()
    sys.path.insert(0, str(folder))
    import cases

    images, tilts, _ = cases.load(case, seed, volume=False)
    return tomo.TomoStack(images, tilts)


def transforms(stack: Any, alignment: str, kept: Path) -> np.ndarray:
    """Return the transforms of an alignment, done now or kept."""
    if kept.exists():
        return np.load(kept)
    if alignment == "joint":
        stack = stack.stack_register("joint")
    elif alignment != "as acquired":
        stack = stack.stack_register("PC")
        try:
            stack = stack.tilt_align("CoM")
        except AlignmentRefused:
            stack = stack.tilt_align("MaxImage")
    np.save(kept, stack.transforms)
    return np.asarray(stack.transforms)


def central_slice(stack: Any, matrices: np.ndarray) -> np.ndarray:
    """Return the central slice (nz, ny), of the pixels as acquired, moved once."""
    pixels, shape = np.asarray(stack.data, np.float32), stack.data.shape[1:]
    middle = slice(shape[1] // 2, shape[1] // 2 + 1)
    images = resample(pixels, matrices, shape)[:, :, middle]
    known = covered(matrices, shape, shape)[:, :, middle].astype(np.float32)
    sinogram = np.ascontiguousarray((np.nan_to_num(images) * known).transpose(2, 0, 1))
    weights = np.ascontiguousarray(known.transpose(2, 0, 1))
    projector = make_projector(stack.tilts.data.ravel(), shape[0], shape[0])
    return sirt(projector, sinogram, iterations=ITERATIONS, weights=weights).volume[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    given.kept.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(6.3, 8.2), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(SPECIMENS), len(ALIGNMENTS))
    for row, (name, case) in zip(grid, SPECIMENS, strict=True):
        stack = series(case, given.seed, given.cases_dir)
        top = None
        for axes, alignment in zip(row[::-1], ALIGNMENTS[::-1], strict=True):
            file = given.kept / f"{name} {alignment}.npy"
            picture = central_slice(stack, transforms(stack, alignment, file))
            if top is None:
                top = float(np.percentile(picture, 99.7))
            axes.imshow(picture, cmap="gray", vmin=0, vmax=top)
            axes.set(xticks=[], yticks=[])
            if name == SPECIMENS[0][0]:
                axes.set_title(alignment)
        row[0].set_ylabel(name)
    figure.savefig(given.out, dpi=100)


if __name__ == "__main__":
    main()
