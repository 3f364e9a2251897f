"""Compare each method of alignment with ETSpy's, one by one, on series of known truth.

    python benchmarks/accuracy.py --cases-dir DIR --etspy PYTHON -o accuracy.json

DIR holds ``cases.py`` (series, and the truth) and ``score.py`` (the metrics). A registration is
judged by what is left of the true shifts. A method for the tilt axis gets the same series
without shifts, as a perfect registration would leave it: CoM is judged by the misfit of
virtual fiducials, MaxImage, which finds the angle only, by the error of the angle. Prints a
Markdown table; ``--show accuracy.json`` prints it again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from accuracy_table import table

import tomojupyter.api as tomo
from tomojupyter.errors import AlignmentRefused, TomojupyterWarning

REGISTRATIONS = ("PC", "StackReg", "COM", "COM-CL")
AXES: dict[str, tuple[str, dict[str, Any]]] = {
    "CoM": ("CoM", {}),
    "MaxImage": ("MaxImage", {}),
    "MaxImage + shift": ("MaxImage", {"also_shift": True}),
}
STILL = {"shift_sigma": 0.0, "drift": 0.0}
OURS = ("tomojupyter", "numpy", "scipy", "scikit-image", "pystackreg", "astra-toolbox")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def misfit(score: Any, label: str, maps: np.ndarray, truth: dict[str, Any]) -> float:
    """Return how far transforms (n, 3, 3) are from the truth, in what the method can find."""
    found = score.fiducial_error(maps, truth)
    return abs(found["axis_angle_err"]) if label == "MaxImage" else float(found["rms"])


def attempt(function: Any) -> dict[str, Any]:
    """Return what our method gives, or the sentence of its refusal, and the CPU time."""
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TomojupyterWarning)
            found = {"error_px": function()}
    except AlignmentRefused as refusal:
        found = {"refused": str(refusal)}
    return {**found, "cpu_s": round(time.process_time() - start, 2)}


def ours(score: Any, moving: Any, still: Any, wanted: list[str]) -> dict[str, Any]:
    """Return the errors of our methods on one series."""
    rows = {}
    images, tilts, truth = moving
    for method in (m for m in REGISTRATIONS if m in wanted):
        stack = tomo.TomoStack(images.copy(), tilts)

        def registered(stack: Any = stack, method: str = method) -> float:
            found = np.asarray(stack.stack_register(method).shifts.data, float)
            return float(score.registration(found, truth)["rms"])

        rows[method] = attempt(registered)
    images, tilts, truth_still = still
    for label, (method, options) in AXES.items():
        if label in wanted:
            stack = tomo.TomoStack(images.copy(), tilts)

            def tilted(
                s: Any = stack, m: str = method, o: Any = options, label: str = label
            ) -> float:
                return misfit(score, label, s.tilt_align(m, **o).transforms, truth_still)

            rows[label] = attempt(tilted)
    return rows


def nothing(score: Any, moving: Any, still: Any, wanted: list[str]) -> dict[str, float]:
    """Return the errors that doing nothing has, of each method that is wanted."""
    n = len(moving[1])
    left = float(score.registration(np.zeros((n, 2)), moving[2])["rms"])
    maps = np.tile(np.eye(3), (n, 1, 1))
    errors = {
        **dict.fromkeys(REGISTRATIONS, left),
        **{label: misfit(score, label, maps, still[2]) for label in AXES},
    }
    return {label: error for label, error in errors.items() if label in wanted}


def theirs(
    score: Any, python: str, made: dict[str, tuple[Any, Any]], wanted: list[str]
) -> dict[str, Any]:
    """Return the errors of ETSpy's methods on all series of one case, by seed."""
    script = Path(__file__).with_name("etspy_accuracy.py")
    with tempfile.TemporaryDirectory() as folder:
        registrations = [m for m in REGISTRATIONS if m in wanted]
        axes = {label: how for label, how in AXES.items() if label in wanted}
        todo = {
            "registrations": {f"{seed}-moving": registrations for seed in made},
            "axes": {f"{seed}-still": axes for seed in made},
        }
        Path(folder, "todo.json").write_text(json.dumps(todo))
        for seed, (moving, still) in made.items():
            for name, (images, tilts, _) in (("moving", moving), ("still", still)):
                np.savez(Path(folder, f"{seed}-{name}.npz"), stack=images, tilts=tilts)
        subprocess.run([python, script, folder], check=True, capture_output=True, cwd=folder)
        told = json.loads(Path(folder, "etspy.json").read_text())
    rows: dict[str, Any] = {}
    for seed, (moving, still) in made.items():
        found = {**told["rows"][f"{seed}-moving"], **told["rows"][f"{seed}-still"]}
        rows[seed] = {
            label: judged(score, label, one, moving if "shifts" in one else still)
            for label, one in found.items()
        }
    return {"version": told["version"], "rows": rows}


def judged(score: Any, label: str, found: dict[str, Any], series: Any) -> dict[str, Any]:
    """Return the error of one answer of ETSpy's, infinite where it crashed or is no number."""
    kept = {"cpu_s": found["cpu_s"]}
    if "error" in found:
        return {**kept, "error_px": float("inf"), "crashed": found["error"]}
    truth = series[2]
    if "shifts" in found:
        shifts = np.array(found["shifts"], float)
        if not np.isfinite(shifts).all():
            return {**kept, "error_px": float("inf"), "crashed": "shifts are NaN"}
        return {**kept, "error_px": float(score.registration(shifts, truth)["rms"])}
    none = np.zeros((len(truth["shifts"]), 2))
    maps = score.etspy_map(none, found["tiltaxis"], found["yshift"], 0.0, truth["shape"])
    value = misfit(score, label, maps, truth)
    return {**kept, "error_px": value if np.isfinite(value) else float("inf")}


def run_case(given: argparse.Namespace, cases: Any, score: Any, name: str) -> dict[str, Any]:
    """Return all errors on one case."""
    made = {}
    registers = any(m in given.methods for m in REGISTRATIONS)
    for seed in given.seeds:
        moving = cases.load(name, seed, volume=False, **({} if registers else STILL))
        same = not moving[2]["shifts"].any()
        still = moving if same else cases.load(name, seed, volume=False, **STILL)
        made[str(seed)] = (moving, still)
    entry: dict[str, Any] = {
        "nothing": {seed: nothing(score, *both, given.methods) for seed, both in made.items()},
        "ours": {seed: ours(score, *both, given.methods) for seed, both in made.items()},
    }
    if given.etspy:
        answer = theirs(score, given.etspy, made, given.methods)
        entry |= {"etspy": answer["rows"], "etspy_version": answer["version"]}
    return entry


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, help="folder of cases.py and score.py")
    parser.add_argument("--etspy", metavar="PYTHON", help="Python of an environment with ETSpy")
    parser.add_argument("--cases", nargs="+", help="names of cases; else all that have a truth")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--methods", nargs="+", default=[*REGISTRATIONS, *AXES])
    parser.add_argument("--show", type=Path, nargs="+", help="print the table of such files only")
    parser.add_argument("-o", "--out", type=Path, help="write everything to this JSON file")
    return parser.parse_args()


def merged(files: list[Path]) -> dict[str, Any]:
    """Return the cases of several result files; a later file's methods replace an earlier's."""
    whole: dict[str, Any] = {}
    for file in files:
        for name, entry in json.loads(file.read_text())["cases"].items():
            known = whole.setdefault(name, {})
            for package in ("nothing", "ours", "etspy"):
                for seed, methods in entry.get(package, {}).items():
                    known.setdefault(package, {}).setdefault(seed, {}).update(methods)
    return whole


def main() -> None:
    given = arguments()
    if given.show:
        say(table(merged(given.show)))
        return
    if given.cases_dir is None:
        raise SystemExit("--cases-dir names the folder of cases.py and score.py: give it")
    sys.path.insert(0, str(given.cases_dir.resolve()))
    cases, score = (importlib.import_module(name) for name in ("cases", "score"))
    content: dict[str, Any] = {
        "when": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in OURS},
        "seeds": given.seeds,
        "cases": {},
    }
    for name in given.cases or list(cases.CASES):
        start = time.perf_counter()
        content["cases"][name] = run_case(given, cases, score, name)
        say(f"{name}: {time.perf_counter() - start:.0f} s")
        if given.out:
            given.out.write_text(json.dumps(content, indent=1))
    say("\n" + table(content["cases"]))


if __name__ == "__main__":
    main()
