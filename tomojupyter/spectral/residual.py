"""What maps of lines or of components leave of the spectra that they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tomojupyter.errors import DataError, ParameterError
from tomojupyter.monitor import progress
from tomojupyter.numerics.spectral.factors import channel_groups
from tomojupyter.numerics.spectral.passes import total_spectrum
from tomojupyter.numerics.spectral.residuals import left_over
from tomojupyter.spectral.maps import component_spectra
from tomojupyter.steps import history, make_step
from tomojupyter.steps.decompose import NonNegativeFactors
from tomojupyter.steps.line_maps import LineFit
from tomojupyter.steps.spectra import Spectra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomojupyter.monitor import Monitor
    from tomojupyter.signals.stack import TomoStack
    from tomojupyter.steps.base import Step

MAKERS = ("line_maps", "decompose")


class Residual(NamedTuple):
    """What maps leave of the spectra.

    Parameters
    ----------
    maps
        TomoStack: by how many standard deviations of counting noise the residual of a spectrum
        is larger than noise alone makes it. About 0 +- 1 where the maps explain the spectra.
    energies
        (c,) middles of groups of channels, in units of the energy axis.
    spectrum
        (c,) counts of the series less those explained, in each group.
    noise
        (c,) standard deviation of counting noise in `spectrum`.
    """

    maps: TomoStack
    energies: np.ndarray
    spectrum: np.ndarray
    noise: np.ndarray


def residual(
    edx: Any,
    found: Mapping[str, TomoStack],
    *,
    show_progressbar: bool = False,
    monitor: Monitor | None = None,
) -> Residual:
    """Return what maps do not explain: in which pixels, and at which energies.

    A peak in the spectrum is the line of an element that was not thought of; a pixel that stands
    out is one whose spectrum is not made of these components or lines.

    Parameters
    ----------
    edx
        The spectra.
    found
        Maps of them as :func:`decompose` returned them, or :func:`line_maps` with its fit. What
        is left out of the components counts as not explained.
    show_progressbar
        Show a line of progress.
    monitor
        Follows and stops the work, in place of the line.

    Returns
    -------
    Residual

    Raises
    ------
    DataError
        If these are no maps of these spectra, or changed since.
    ParameterError
        If they count in windows, which explain nothing outside of them.
    """
    spectra, step = Spectra(edx), _maker(found)
    spectra._check()
    tilts = step.tilts  # type: ignore[attr-defined]
    first = next(iter(found.values()))
    if any(stack.data.shape != spectra.data.shape[:3] for stack in found.values()):
        sizes = [" x ".join(map(str, s)) for s in (first.data.shape, spectra.data.shape[:3])]
        raise DataError(
            f"the maps have {sizes[0]} pixels and the spectra {sizes[1]}: "
            "give the spectra that they were made of"
        )
    monitor = monitor or progress(show_progressbar, "Residual")
    if isinstance(step, NonNegativeFactors):
        edges = channel_groups(total_spectrum(spectra.data, monitor))
        shapes = np.stack(list(component_spectra(found)[1].values()))
        if shapes.shape[1] != len(edges) - 1:
            raise DataError("the components were found in other spectra: give those")
        amounts = np.stack([stack.data for stack in found.values()], axis=-1)
    elif isinstance(step, LineFit):
        fitted = step.fitted(spectra, monitor)
        edges = channel_groups(fitted.shapes.total)
        shapes = np.add.reduceat(fitted.shapes.shapes[:, : edges[-1]], edges[:-1], axis=1)
        amounts = fitted.amounts
    else:
        raise ParameterError(
            "windows say nothing of the counts outside of them: take the residual of components, "
            'or of line_maps(..., method="fit")'
        )
    left = left_over(spectra.data, edges, shapes, amounts, monitor)
    return Residual(
        spectra.stack(left.deviations, tilts, "residual"),
        spectra.middles(edges),
        left.spectrum,
        np.sqrt(np.maximum(left.model, 1)),
    )


def _maker(found: Mapping[str, TomoStack]) -> Step:
    """Return the Step that made maps, with all that it decided."""
    for stack in found.values():
        records = history.read(stack)
        if records and records[-1]["operation"] in MAKERS:
            record = records[-1]
            continue
        made = [r for r in records if r["operation"] in MAKERS]
        raise DataError(
            f"the maps were changed by {records[-1]['operation']} since they were made: "
            "give them as they were"
            if made
            else "these are no maps of spectra: line_maps and decompose return such"
        )
    if not found:
        raise DataError("these are no maps of spectra: line_maps and decompose return such")
    return make_step(record["operation"], record["method"], **record["resolved"])
