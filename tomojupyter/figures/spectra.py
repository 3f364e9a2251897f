"""Figures of spectra: sum spectrum, components, maps of elements, and elements in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.figures.curves import finish
from tomojupyter.figures.images import grid, middle_slices
from tomojupyter.figures.style import (
    COLOURS,
    RC,
    grey_levels,
    panels,
    picture,
    pixel_of,
    scale_bar,
)
from tomojupyter.steps.xray_lines import line, line_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIGHTS = ("#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2", "#999999")
"""Okabe's and Ito's colours that are told apart on black."""
CLEAR = 3.0
"""Standard deviations from which a residual is called one."""


def sum_spectrum(energies: np.ndarray, counts: np.ndarray, lines: Sequence[str] = ()) -> Any:
    """Draw a sum spectrum on a logarithmic axis, with lines named.

    Parameters
    ----------
    energies
        (c,) keV.
    counts
        (c,) of the whole series.
    lines
        Names such as ``"Ni_Ka"``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = panels(1, 1, 2.4)
    place = places[0, 0]
    place.step(energies, np.maximum(counts, 0.5), where="mid", color="black", linewidth=0.8)
    place.set_yscale("log")
    used = np.flatnonzero(counts)
    end = float(energies[used[-1]]) if len(used) else float(energies[-1])
    place.set_xlim(energies[0], end)
    low, high = place.get_ylim()
    place.set_ylim(low, high * 4)
    for k, name in enumerate(lines):
        at = line(name)[2]
        place.axvline(at, color=COLOURS[k % len(COLOURS)], linewidth=0.8, linestyle="--")
        place.annotate(
            line_text(name), (at, 0.97), xycoords=("data", "axes fraction"), xytext=(2, 0),
            textcoords="offset points", fontsize=7, va="top", color=COLOURS[k % len(COLOURS)],
            rotation=90,
        )  # fmt: skip
    finish(place, "energy (keV)", "counts", legend=False)
    return figure


def scree(eigenvalues: np.ndarray, edge: float, proposed: int) -> Any:
    """Draw how far components stand out of the noise.

    Parameters
    ----------
    eigenvalues, edge, proposed
        As :func:`tomojupyter.spectral.scree` returns them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = panels(1, 1, 2.2)
    place = places[0, 0]
    shown = np.asarray(eigenvalues)[: max(12, proposed + 4)]
    numbers = np.arange(1, len(shown) + 1)
    taken = numbers <= proposed
    place.plot(numbers, shown, "-", color="#999999", linewidth=0.8)
    place.plot(numbers[taken], shown[taken], "o", color=COLOURS[0], label="stand out of the noise")
    place.plot(numbers[~taken], shown[~taken], "o", color="#999999", markerfacecolor="none")
    place.axhline(edge, color=COLOURS[1], linestyle="--", linewidth=0.8, label="noise alone")
    place.set_yscale("log")  # those of noise that are negative have no place
    place.margins(y=0.12)
    place.set_xticks(numbers)
    finish(place, "component", "eigenvalue", legend=True)
    return figure


def component_spectra(energies: np.ndarray, spectra: Mapping[str, np.ndarray]) -> Any:
    """Draw the spectra of components below each other, each to its own height.

    Parameters
    ----------
    energies, spectra
        As :func:`tomojupyter.spectral.component_spectra` returns them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not spectra:
        raise DataError("there is nothing to draw: give at least one spectrum by name")
    figure, places = panels(len(spectra), 1, 0.5 + 0.65 * len(spectra))
    for k, (place, (name, spectrum)) in enumerate(zip(places[:, 0], spectra.items(), strict=True)):
        place.fill_between(energies, spectrum, step="mid", color=COLOURS[k % len(COLOURS)])
        place.set_xlim(energies[0], energies[-1])
        place.set_yticks([])
        last = k == len(spectra) - 1
        finish(place, "energy (keV)" if last else "", "", legend=False)
        place.tick_params(labelbottom=last)
        place.text(0.99, 0.9, name, transform=place.transAxes, ha="right", va="top", fontsize=8)
    return figure


def residual_spectrum(energies: np.ndarray, counts: np.ndarray, noise: np.ndarray) -> Any:
    """Draw the counts that maps do not explain, and how far counting noise reaches.

    Parameters
    ----------
    energies, counts, noise
        (c,) as :func:`tomojupyter.spectral.residual` returns them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = panels(1, 1, 1.8)
    place = places[0, 0]
    place.fill_between(
        energies, -CLEAR * noise, CLEAR * noise, step="mid", color="#dddddd",
        label=f"{CLEAR:g} standard deviations of counting noise",
    )  # fmt: skip
    place.step(energies, counts, where="mid", color="black", linewidth=0.8)
    place.set_xlim(energies[0], energies[-1])
    finish(place, "energy (keV)", "counts left", legend=True)
    return figure


def maps(stacks: Mapping[str, Any], index: int | None = None) -> Any:
    """Draw one projection of several series side by side, each to its own grey levels.

    Parameters
    ----------
    stacks
        TomoStacks by name.
    index
        Of the projection; None: the one nearest to a tilt of 0.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = grid(len(stacks), 1.7)
    first = next(iter(stacks.values()))
    tilts = first.tilts.data.ravel()
    i = int(np.argmin(np.abs(tilts))) if index is None else index
    for place, (name, stack) in zip(places, stacks.items(), strict=False):
        image = np.asarray(stack.data[i])
        picture(place, image, f"{line_text(name)}, {tilts[i]:.0f}°", grey_levels([image]))
        size, units = pixel_of(stack, 2)
        scale_bar(place, image.shape[1], image.shape[0], abs(size), units)
    return figure


def coloured(volumes: Mapping[str, Any]) -> Any:
    """Draw the three slices through the middle with every volume in a colour, added as light is.

    Parameters
    ----------
    volumes
        RecStacks by name, of one shape.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if not volumes:
        raise DataError("there is nothing to draw: give at least one volume by name")
    first = next(iter(volumes.values()))
    if any(v.data.shape != first.data.shape for v in volumes.values()):
        raise DataError("the volumes have different shapes: draw those of one field together")
    figure, places = panels(1, 3, 3.1)
    mixed: dict[str, np.ndarray] = {}
    titles = {}
    for k, volume in enumerate(volumes.values()):
        light = np.array([int(LIGHTS[k % len(LIGHTS)][i : i + 2], 16) / 255 for i in (1, 3, 5)])
        high = max(float(np.percentile(volume.data, 99.8)), 1e-30)
        for cut, image, title in middle_slices(volume):
            shade = np.clip(image / high, 0, 1)[..., None] * light
            mixed[cut] = mixed.get(cut, 0) + shade
            titles[cut] = title
    for place, (cut, image) in zip(places[0], mixed.items(), strict=True):
        place.imshow(np.clip(image, 0, 1))
        place.set_title(titles[cut], fontsize=RC["axes.titlesize"])
        place.set_axis_off()
        size, units = pixel_of(first, 2)
        scale_bar(place, image.shape[1], image.shape[0], abs(size), units)
    handles = [_swatch(LIGHTS[k % len(LIGHTS)], name) for k, name in enumerate(volumes)]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False
    )
    return figure


def _swatch(colour: str, name: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour, label=line_text(name))
