"""Spectra to volumes on simulated series of known composition, beside the paper's plain route.

``python spectral.py --cases-dir DIR --seeds 1 2 -o spectral.json`` needs the folder that holds the
generator and the metrics (``sim_edx.py`` and ``score_edx.py``).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

CELLS = [
    ("needle", 5, "180s5"),
    ("needle", 20, "180s5"),
    ("needle", 100, "180s5"),
    ("coreshell", 5, "180s5"),
    ("coreshell", 20, "180s5"),
    ("coreshell", 100, "180s5"),
    ("needle", 20, "pm70s5"),
]
LINES = {"Si": "Si_Ka", "Cr": "Cr_Ka", "Ni": "Ni_Ka", "Pt": "Pt_Ma"}
ALL = ["C", "O", "Si", "Cr", "Ni", "Pt", "Cu"]


def signal_of(case):
    """Return the case as exSpy's signal and its images as a TomoStack."""
    from exspy.signals import EDSTEMSpectrum

    import tomojupyter.api as tomo

    edx = EDSTEMSpectrum(case["data"])
    axis = edx.axes_manager[-1]
    axis.scale, axis.units = case["ev"] / 1000, "keV"
    edx.set_microscope_parameters(beam_energy=200.0, energy_resolution_MnKa=case["mn"])
    edx.metadata.set_item("Sample.elements", ALL)
    haadf = tomo.TomoStack(case["haadf"], case["tilts"])
    for k in haadf.axes_manager.signal_axes:
        k.scale = 1 / case["truth"]["haadf_ratio"]
    return edx, haadf


def volumes_of(stacks, **how):
    import tomojupyter.api as tomo

    clock = time.process_time()
    found = tomo.spectral.reconstruct_all(stacks, **how, ncores=1)
    return {e: v.data for e, v in found.items()}, time.process_time() - clock


def plain_maps(edx, tilts):
    """Return exSpy's counts in windows about the lines, less the background beside them."""
    import tomojupyter.api as tomo

    names = list(LINES.values())
    windows = edx.estimate_background_windows(xray_lines=names)
    maps = edx.get_lines_intensity(names, background_windows=windows)
    return {e: tomo.TomoStack(m, tilts) for e, m in zip(LINES, maps, strict=True)}


def one(phantom, dose, tilts, seed, weights, quick, sim, score):
    import tomojupyter.api as tomo

    case = sim.make_edx(phantom, dose=dose, seed=seed, tilts=tilts)
    truth = case["truth"]
    edx, haadf = signal_of(case)
    clock = time.process_time()
    fitted = tomo.spectral.line_maps(edx, case["tilts"], list(LINES.values()))
    fitted = dict(zip(LINES, fitted.values(), strict=True))
    rows = [("maps, CPU s", time.process_time() - clock)]
    results = {}
    for weight in weights:
        for guide, name in ((haadf, "guided"), (None, "alone"))[: 1 if quick else 2]:
            volumes, seconds = volumes_of(fitted, guide=guide, weight=weight)
            results[f"{name} {weight:g}"] = (volumes, truth["k"], seconds)
    counted = {e: truth["kmain"][e] for e in LINES}
    plain = plain_maps(edx, case["tilts"])
    routes = ((plain, "windows", counted), (fitted, "fit", truth["k"]))
    for stacks, name, k in routes[: 1 if quick else 2]:
        for iterations in (20, 100):
            volumes, seconds = volumes_of(
                stacks, method="SIRT", iterations=iterations, constrain=True
            )
            results[f"{name} SIRT {iterations}"] = (volumes, k, seconds)
    found = {"cell": [phantom, dose, tilts], "seed": seed, **dict(rows)}
    for name, (volumes, k, seconds) in results.items():
        scaled = {e: volumes[e] / k[e] for e in LINES}
        scores = score.score_volumes(scaled, truth, calibrated=True)
        mean = score.summary(scores)
        kept = {key: round(float(mean[key]), 4) for key in ("nrmse", "vf", "amount")}
        kept["amounts"] = {e: round(float(scores[e]["amount"]), 3) for e in LINES}
        found[name] = {**kept, "cpu_s": round(seconds, 1)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases-dir", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cells", type=int, nargs="+", default=list(range(len(CELLS))))
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0])
    parser.add_argument("--quick", action="store_true", help="neither unguided nor SIRT of the fit")
    parser.add_argument("-o", "--out", type=Path, default=Path("spectral.json"))
    given = parser.parse_args()
    sys.path.insert(0, str(given.cases_dir))
    import score_edx
    import sim_edx

    warnings.simplefilter("ignore")
    found = []
    for seed in given.seeds:
        for index in given.cells:
            cell = CELLS[index]
            found.append(one(*cell, seed, given.weights, given.quick, sim_edx, score_edx))
            print(json.dumps(found[-1]), flush=True)
            given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    np.set_printoptions(precision=4)
    main()
