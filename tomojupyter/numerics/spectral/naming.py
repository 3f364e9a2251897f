"""Names of components by the lines that their spectra carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from tomojupyter.numerics.spectral.fit import find_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomojupyter.numerics.spectral.fit import Lines

CARRIED = 0.2  # of the counts in lines, from which an element is part of the name
MOSTLY = 0.5  # of all counts: more of background than that is what the component is
COUNTS = 1e6  # that a component's spectrum is scaled to: its lines stand out of its noise


def within_groups(rows: np.ndarray, edges: np.ndarray, channels: int) -> np.ndarray:
    """Return rows (k, channels) whose product with spectra is that of `rows` with their groups."""
    out = np.zeros((len(rows), channels))
    out[:, : edges[-1]] = np.repeat(rows, np.diff(edges), axis=1)
    return out


def name_components(
    spectra: np.ndarray,
    edges: np.ndarray,
    axis_kev: np.ndarray,
    lines: Mapping[str, Lines],
    resolution_ev: float,
) -> list[str]:
    """Return a name for each component, such as "Ni", "Si+O" or "background".

    Parameters
    ----------
    spectra
        (k, c) spectra in groups of channels, sum 1.
    edges
        (c + 1,) first channels of the groups, and the end of the last.
    axis_kev
        (nc,) energies of the channels.
    lines
        Lines of the elements that may be named.
    resolution_ev
        Width of Mn K-alpha in eV.

    Returns
    -------
    list of str
        All different: a number tells apart those that carry the same lines.
    """
    names: list[str] = []
    middles = np.add.reduceat(axis_kev[: edges[-1]], edges[:-1]) / np.diff(edges)
    for spectrum in spectra:
        found = find_shapes(COUNTS * spectrum, middles, lines, resolution_ev)
        root = 1 / np.sqrt(found.fitted + 1)
        heights, _ = nnls((found.shapes * root).T, found.total * root)
        shares = heights / max(heights.sum(), 1e-12)
        in_lines = shares[:-1].sum()
        carried = [
            name
            for name, share in sorted(
                zip(found.names, shares[:-1], strict=False), key=lambda pair: -pair[1]
            )
            if in_lines > 0 and share > CARRIED * in_lines
        ]
        name = "background" if shares[-1] > MOSTLY or not carried else "+".join(carried)
        same = sum(known == name or known.startswith(f"{name} ") for known in names)
        names.append(f"{name} {same + 1}" if same else name)
    return names
