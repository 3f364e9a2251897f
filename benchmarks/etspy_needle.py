"""Align a series by ETSpy's pipelines; started by needle.py with ETSpy's own Python.

It imports nothing of tomojupyter. A crash is a result like any other and is written down.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

REGISTRATIONS = ("PC", "StackReg", "COM", "COM-CL")
AXES = ("CoM", "MaxImage", "none")
EVERY = 8  # of the aligned projections, one in this many is handed back for comparison


def attempt(function: Any) -> tuple[Any, dict[str, Any]]:
    """Return what `function` returns, and how long it took or how it failed."""
    start = time.process_time()
    try:
        result = function()
    except Exception as error:  # a crash of any kind is a result
        where = traceback.extract_tb(error.__traceback__)[-1].name
        return None, {"error": f"{type(error).__name__} in {where}: {error}"}
    return result, {"cpu_s": round(time.process_time() - start, 2)}


def alignment(stack: Any) -> dict[str, Any]:
    """Return the numbers that ETSpy keeps of an alignment."""
    kept = stack.metadata.Tomography
    numbers = {key: float(getattr(kept, key)) for key in ("tiltaxis", "xshift", "yshift")}
    return {"shifts": np.asarray(stack.shifts.data, float).reshape(-1, 2).tolist(), **numbers}


def main(series: str, folder: str) -> None:
    """Align the file `series` and write ``etspy.json`` and ``etspy.npz`` to `folder`."""
    import etspy.api as etspy
    from etspy import __version__

    warnings.simplefilter("ignore")
    raw = etspy.load(series)
    pipelines: dict[str, Any] = {}
    pixels: dict[str, np.ndarray] = {}
    for registration in REGISTRATIONS:
        registered, told = attempt(lambda r=registration: raw.stack_register(r))
        for axis in AXES:
            name = f"{registration} + {axis}"
            if registered is None:
                pipelines[name] = told
                continue
            aligned, more = (
                (registered, {"cpu_s": 0.0})
                if axis == "none"
                else attempt(lambda s=registered, a=axis: s.tilt_align(a))
            )
            if aligned is None:
                pipelines[name] = more
                continue
            cpu = told["cpu_s"] + more["cpu_s"]
            pipelines[name] = {**alignment(aligned), "cpu_s": round(cpu, 2)}
            pixels[name] = np.asarray(aligned.data[::EVERY], np.float32)
    Path(folder, "etspy.json").write_text(json.dumps({"etspy": __version__, "rows": pipelines}))
    np.savez(Path(folder, "etspy.npz"), **pixels)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
