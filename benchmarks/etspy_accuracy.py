"""Run ETSpy's methods, one by one, on simulated series; started by accuracy.py.

It runs under ETSpy's own Python and imports nothing of tomojupyter. A crash is a result like
any other and is written down.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def attempt(function: Any) -> dict[str, Any]:
    """Return the numbers that `function` returns, or how it failed, and the CPU time."""
    start = time.process_time()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            found = function()
    except Exception as error:  # a crash of any kind is a result
        where = traceback.extract_tb(error.__traceback__)[-1].name
        found = {"error": f"{type(error).__name__} in {where}: {error}"}
    return {**found, "cpu_s": round(time.process_time() - start, 2)}


def registered(stack: Any, method: str) -> dict[str, Any]:
    """Return the shifts (y, x) of one registration."""
    return {"shifts": np.asarray(stack.stack_register(method).shifts.data, float).tolist()}


def tilted(stack: Any, method: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of one alignment of the tilt axis."""
    kept = stack.tilt_align(method, **options).metadata.Tomography
    return {key: float(getattr(kept, key)) for key in ("tiltaxis", "xshift", "yshift")}


def main(folder: str) -> None:
    """Read ``todo.json`` and the series beside it, and write ``etspy.json``."""
    import etspy.api as etspy
    from etspy import __version__

    warnings.simplefilter("ignore")
    here = Path(folder)
    todo = json.loads((here / "todo.json").read_text())
    rows: dict[str, Any] = {}
    for name, methods in todo["registrations"].items():
        stack = series(etspy, here / f"{name}.npz")
        rows[name] = {m: attempt(lambda s=stack, m=m: registered(s, m)) for m in methods}
    for name, methods in todo["axes"].items():
        stack = series(etspy, here / f"{name}.npz")
        rows[name] = {
            label: attempt(lambda s=stack, m=m, o=options: tilted(s, m, o))
            for label, (m, options) in methods.items()
        }
    (here / "etspy.json").write_text(json.dumps({"version": __version__, "rows": rows}))


def series(etspy: Any, path: Path) -> Any:
    """Return one series as ETSpy's TomoStack."""
    with np.load(path) as stored:
        return etspy.TomoStack(stored["stack"], stored["tilts"])


if __name__ == "__main__":
    main(sys.argv[1])
