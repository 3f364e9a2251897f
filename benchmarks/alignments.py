"""The alignments that needle.py compares, each as transforms (n, 3, 3)."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from quality import Series, discrepancy

from tomojupyter.errors import AlignmentRefused
from tomojupyter.numerics.geometry import translation

REGISTRATIONS = ("PC", "StackReg")
SAME = 0.98  # correlation with a package's own pixels; its interpolation is another than ours
NEAR = 0.1  # px, distance from a package's own pixels


@dataclass(frozen=True)
class Alignment:
    """One row of the table.

    Parameters
    ----------
    package, pipeline
        Who made it, and how.
    transforms
        (n, 3, 3), acquired to aligned pixels; None if there is none.
    note
        Why there is none.
    numbers
        Angle, seconds and so on.
    """

    package: str
    pipeline: str
    transforms: np.ndarray | None
    note: str = ""
    numbers: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """Return package and pipeline."""
        return f"{self.package}: {self.pipeline}"


def etspy_transforms(
    shifts: np.ndarray, tiltaxis: float, xshift: float, yshift: float, shape: tuple[int, int]
) -> np.ndarray:
    """Return what ETSpy 1.3.0 does to the pixels.

    It shifts each image by (y, x), turns it by `tiltaxis` degrees about the point
    (nx / 2, ny / 2) - half a pixel from the centre of the pixel grid - and moves it by
    (xshift, -yshift).
    """
    ny, nx = shape
    angle = math.radians(tiltaxis)
    turn = np.eye(3)
    turn[:2, :2] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    about = translation(nx / 2, ny / 2) @ turn @ translation(-nx / 2, -ny / 2)
    moves = np.stack([translation(x, y) for y, x in shifts])
    return translation(xshift, -yshift) @ about @ moves


def ours(stack: Any, methods: tuple[str, ...] = REGISTRATIONS) -> list[Alignment]:
    """Return our pipelines on a stack without background."""
    rows = []
    for method in methods:
        start = time.process_time()
        registered = stack.stack_register(method)
        rows.append(_with_axis("tomojupyter", f"{method} + CoM", registered, start))
    start = time.process_time()
    aligned = stack.stack_register("joint")
    cpu = round(time.process_time() - start, 2)
    frame = aligned._frame
    numbers = {"tiltaxis": frame.tiltaxis, "yshift": frame.yshift, "cpu_s": cpu}
    return [*rows, Alignment("tomojupyter", "joint", aligned.transforms, numbers=numbers)]


def _with_axis(package: str, pipeline: str, registered: Any, start: float) -> Alignment:
    try:
        aligned = registered.tilt_align("CoM")
    except AlignmentRefused as refusal:
        return Alignment(package, pipeline, None, str(refusal))
    cpu = round(time.process_time() - start, 2)
    frame = aligned._frame
    numbers = {"tiltaxis": frame.tiltaxis, "yshift": frame.yshift, "cpu_s": cpu}
    return Alignment(package, pipeline, aligned.transforms, numbers=numbers)


def etspy(python: str, file: Path, series: Series) -> list[Alignment]:
    """Return ETSpy's pipelines, run by its own Python.

    Raises
    ------
    AssertionError
        If our transforms do not reproduce ETSpy's pixels.
    """
    script = Path(__file__).with_name("etspy_needle.py")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [python, str(script), str(file), folder], check=True, capture_output=True, cwd=folder
        )
        told = json.loads(Path(folder, "etspy.json").read_text())
        with np.load(Path(folder, "etspy.npz")) as stored:
            pixels = dict(stored)
    rows = []
    for name, found in told["rows"].items():
        if "error" in found:
            rows.append(Alignment(f"ETSpy {told['etspy']}", name, None, found["error"]))
            continue
        keys = ("tiltaxis", "xshift", "yshift")
        shifts = np.array(found.pop("shifts"))
        transforms = etspy_transforms(shifts, *(found[key] for key in keys), series.shape)
        every = math.ceil(len(shifts) / len(pixels[name]))
        check = _checked(name, series, transforms, pixels[name], every)
        numbers = {**found, **check}
        rows.append(Alignment(f"ETSpy {told['etspy']}", name, transforms, numbers=numbers))
    return rows


def _checked(
    name: str, series: Series, transforms: np.ndarray, theirs: np.ndarray, every: int
) -> dict[str, Any]:
    """Assert that `transforms` give a package's own pixels."""
    check = discrepancy(series, transforms, theirs, np.arange(0, len(transforms), every))
    assert check["correlation"] > SAME, f"{name}: {check}"
    assert check["displacement_px"] < NEAR, f"{name}: {check}"
    return check


def provided(aligned: Any, series: Series) -> Alignment:
    """Return the alignment of the file that comes with the data.

    Its metadata has xshift = yshift; its pixels show that x was not shifted at all, which
    `_checked` asserts.
    """
    kept = aligned.metadata.Tomography
    shifts = np.asarray(kept.shifts.data, float).reshape(-1, 2)
    transforms = etspy_transforms(
        shifts, float(kept.tiltaxis), 0.0, float(kept.yshift), series.shape
    )
    check = _checked("HAADF_Aligned.hspy", series, transforms, np.asarray(aligned.data)[::8], 8)
    numbers = {"tiltaxis": float(kept.tiltaxis), "yshift": float(kept.yshift), **check}
    return Alignment("provided", "HAADF_Aligned.hspy", transforms, numbers=numbers)


def mixed(stack: Any, rows: list[Alignment]) -> list[Alignment]:
    """Return ETSpy's registrations with our axis, to tell which half makes a difference."""
    result = []
    for row in rows:
        method, _, axis = row.pipeline.partition(" + ")
        if axis != "none" or row.transforms is None:
            continue
        shifts = row.transforms[:, :2, 2][:, ::-1]
        start = time.process_time()
        registered = stack._moved(stack._frame.registered(shifts))
        result.append(_with_axis("mixed", f"ETSpy's {method} + our CoM", registered, start))
    return result


def etspy_versions(python: str) -> str:
    """Return the versions of that environment that matter, as one sentence."""
    code = (
        "from importlib.metadata import version as v;"
        "print(', '.join(f'{n} {v(n)}' for n in "
        "('etspy', 'scikit-image', 'scipy', 'numpy', 'astra-toolbox')))"
    )
    done = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return f"Python {sys.version_info.major}.{sys.version_info.minor}; {done.stdout.strip()}"
