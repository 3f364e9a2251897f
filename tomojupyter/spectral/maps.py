"""Maps of lines and of components, from a series of spectrum images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.monitor import progress
from tomojupyter.steps import make_step, run
from tomojupyter.steps.decompose import COMPONENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomojupyter.signals.stack import TomoStack
    from tomojupyter.steps.base import Step


def line_maps(
    edx: Any,
    tilts: Sequence[float] | np.ndarray | None = None,
    lines: Sequence[str] | str | None = None,
    method: str = "fit",
    *,
    show_progressbar: bool = False,
    **parameters: Any,
) -> dict[str, TomoStack]:
    """Return a map of each line at every tilt.

    Parameters
    ----------
    edx
        exSpy's (or any HyperSpy) signal of spectra with the axes (x, y, tilt|energy); lazy or
        not, of any type of counts. It is not changed.
    tilts
        Tilt angle of each spectrum image in degrees. None: those that the signal brings along.
    lines
        Names such as ``["Ni_Ka", "Cr_Ka"]``. None: the main line of each element that the
        signal names (``edx.set_elements``).
    method
        ``"fit"``: shapes of all lines and a smooth background, found in the sum spectrum, are
        fitted to every spectrum; overlapping lines are told apart, and all lines of an element
        count. ``"windows"``: counts in a window about the line, less the background beside it.
    show_progressbar
        Show a line of progress.
    **parameters
        Of the method: see ``line_maps`` in the table of methods.

    Returns
    -------
    dict
        Name of each line to a TomoStack of its net counts, float32. Negative ones are noise
        about 0, and belong there: without them the mean is too high.

    Raises
    ------
    DataError, TiltsError, ParameterError
        If axes, tilts or lines do not fit the spectra.

    Examples
    --------
    >>> import tomojupyter.api as tomo
    >>> made = tomo.datasets.get_simulated_edx_data(size=16, tilts=[-40, 0, 40])
    >>> maps = tomo.spectral.line_maps(made.edx, made.tilts, ["Ni_Ka", "Cr_Ka"])
    >>> maps["Ni_Ka"]
    <TomoStack, title: Ni_Ka, dimensions: (3|16, 16)>
    """
    given = {} if lines is None else {"lines": lines}
    step = _step("line_maps", method, tilts, {**given, **parameters})
    return run(edx, step, progress(show_progressbar, "Line maps"))


def decompose(
    edx: Any,
    tilts: Sequence[float] | np.ndarray | None = None,
    components: int | None = None,
    method: str = "NMF",
    *,
    show_progressbar: bool = False,
    **parameters: Any,
) -> dict[str, TomoStack]:
    """Return maps of the components that all spectra together are made of.

    Parameters
    ----------
    edx, tilts, show_progressbar
        As for :func:`line_maps`.
    components
        Their number. None: as many as stand out of the noise; :func:`scree` shows them.
    method
        ``"NMF"``: non-negative components by their Poisson likelihood.
    **parameters
        Of the method: see ``decompose`` in the table of methods.

    Returns
    -------
    dict
        Name of each component, made of the elements whose lines it carries, to a TomoStack of
        its counts. :func:`component_spectra` returns the spectra.

    Raises
    ------
    DataError, TiltsError, ParameterError
        If axes, tilts or values do not fit the spectra.

    Warns
    -----
    TomojupyterWarning
        If other starts lead to other components: they may be mixtures.
    """
    given = {} if components is None else {"components": components}
    step = _step("decompose", method, tilts, {**given, **parameters})
    return run(edx, step, progress(show_progressbar, "Decompose"))


def scree(components: Mapping[str, TomoStack]) -> tuple[np.ndarray, float, int]:
    """Return what tells how many components there are.

    Parameters
    ----------
    components
        As :func:`decompose` returns them.

    Returns
    -------
    eigenvalues
        Of the data weighted for counts, largest first, at most 40.
    edge
        What noise alone gives at most.
    proposed
        How many lie above it.

    Raises
    ------
    DataError
        If these are no components.
    """
    about = _about(next(iter(components.values()), None))
    return np.array(about["scree"]), about["edge"], about["proposed"]


def component_spectra(
    components: Mapping[str, TomoStack],
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the spectra of components.

    Parameters
    ----------
    components
        As :func:`decompose` returns them.

    Returns
    -------
    energies
        (c,) middles of the groups of channels, in units of the energy axis.
    spectra
        Name of each component to its spectrum (c,), sum 1.

    Raises
    ------
    DataError
        If these are no components.
    """
    about = {name: _about(stack) for name, stack in components.items()}
    first = _about(next(iter(components.values()), None))
    return np.array(first["energies"]), {k: np.array(v["spectrum"]) for k, v in about.items()}


def _step(operation: str, method: str, tilts: Any, values: dict[str, Any]) -> Step:
    if tilts is not None:
        values["tilts"] = np.ravel(getattr(tilts, "data", tilts))
    return make_step(operation, method, **values)


def _about(stack: Any) -> dict[str, Any]:
    text = "" if stack is None else stack.metadata.get_item(COMPONENT, default="")
    if not text:
        raise DataError("these are no components: spectral.decompose returns such")
    return json.loads(text)
