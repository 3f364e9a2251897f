"""Figures of pixels: projections, sinograms, slices, and slices side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.figures.style import grey_levels, outline, panels, picture, pixel_of, scale_bar
from tomojupyter.steps.checks import warn

if TYPE_CHECKING:
    from collections.abc import Mapping

AXES = ("x", "z", "y")
"""Axes of a volume's data."""
ACROSS = {"x": ("z", "y"), "z": ("y", "x"), "y": ("z", "x")}
"""Of each axis that is cut: the axes down and across."""
MOST = 5
"""Pictures in a row."""


def slices(volume: Any) -> Any:
    """Draw the three slices through the middle of a volume, with scale bars.

    Parameters
    ----------
    volume
        RecStack.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = panels(1, 3, 2.9)
    cuts = middle_slices(volume)
    limits = grey_levels([image for _, image, _ in cuts])
    for place, (cut, image, title) in zip(places[0], cuts, strict=True):
        down, across = ACROSS[cut]
        size, units = pixel_of(volume, AXES.index(across))
        tall = pixel_of(volume, AXES.index(down))[0]
        picture(place, image, title, limits, abs(tall / size))
        scale_bar(place, image.shape[1], image.shape[0], abs(size), units)
    return figure


def middle_slices(volume: Any) -> list[tuple[str, np.ndarray, str]]:
    """Return the three slices through the middle of a volume.

    Parameters
    ----------
    volume
        RecStack.

    Returns
    -------
    list of (str, numpy.ndarray, str)
        The axis that is cut, the slice, and a title that names its axes.
    """
    data = np.asarray(volume.data)
    found = []
    for cut, (down, across) in ACROSS.items():
        middle = data.shape[AXES.index(cut)] // 2
        image = data.take(middle, axis=AXES.index(cut))
        left = [name for name in AXES if name != cut]
        title = f"{cut} = {middle} px  ({across} →, {down} ↓)"
        found.append((cut, image if left == [down, across] else image.T, title))
    return found


def projections(stack: Any, count: int = 3) -> Any:
    """Draw some projections, evenly spaced in tilt, and the sinogram of the middle column.

    Parameters
    ----------
    stack
        TomoStack.
    count
        How many projections.

    Returns
    -------
    matplotlib.figure.Figure
    """
    tilts = stack.tilts.data.ravel()
    order = np.argsort(tilts, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, count).round().astype(int)]
    images = [np.asarray(stack.data[int(i)]) for i in chosen]
    figure, places = panels(1, count + 1, 2.4)
    limits = grey_levels(images)
    size, units = pixel_of(stack, 2)
    for place, image, i in zip(places[0], images, chosen, strict=False):
        picture(place, image, f"{tilts[i]:.1f}°", limits)
        scale_bar(place, image.shape[1], image.shape[0], abs(size), units)
    _sinogram(places[0, -1], stack, "sinogram, middle column")
    return figure


def sinograms(stacks: Mapping[str, Any], column: int | None = None) -> Any:
    """Draw a column's sinogram of several series, such as before and after an alignment.

    Parameters
    ----------
    stacks
        TomoStacks by name.
    column
        Which; None: the middle.

    Returns
    -------
    matplotlib.figure.Figure
        What turns about the middle follows a sine that the tilt axis, dashed, halves.
    """
    figure, places = grid(len(stacks), 1.7)
    for place, (name, stack) in zip(places, stacks.items(), strict=False):
        _sinogram(place, stack, name, column)
    return figure


def gallery(volumes: Mapping[str, Any], index: int | None = None) -> Any:
    """Draw the same slice of several volumes with the same grey levels.

    Parameters
    ----------
    volumes
        RecStacks by name.
    index
        Slice along x; None: the middle.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, places = grid(len(volumes), 1.7)
    images = {
        name: np.asarray(v.data[v.data.shape[0] // 2 if index is None else index])
        for name, v in volumes.items()
    }
    limits = grey_levels(list(images.values()))
    for place, (name, image) in zip(places, images.items(), strict=False):
        size, units = pixel_of(volumes[name], 2)
        picture(place, image, name, limits)
        scale_bar(place, image.shape[1], image.shape[0], abs(size), units)
    return figure


def grid(count: int, height: float) -> tuple[Any, list[Any]]:
    """Return a figure with room for `count` pictures; what is left over stays empty."""
    if not count:
        raise DataError("there is nothing to draw: give at least one signal by name")
    rows = -(-count // MOST)
    columns = -(-count // rows)
    figure, places = panels(rows, columns, (height if columns > 2 else 1.5 * height) * rows)
    for place in places.ravel()[count:]:
        place.set_axis_off()
    return figure, list(places.ravel())


def _sinogram(place: Any, stack: Any, title: str, column: int | None = None) -> None:
    nx = stack.data.shape[2]
    order = np.argsort(stack.tilts.data.ravel(), kind="stable")
    image = np.asarray(stack.data[:, :, nx // 2 if column is None else column])[order]
    tilts = stack.tilts.data.ravel()[order]
    if np.ptp(tilts) == 0:
        warn("the tilts are all the same, so the sinogram has no axis of tilts")
    picture(place, image, title, grey_levels([image]), image.shape[1] / len(image))
    place.axvline((image.shape[1] - 1) / 2, color="#e69f00", linestyle="--", linewidth=0.8)
    for tilt, y, side in ((tilts[0], 0.98, "top"), (tilts[-1], 0.02, "bottom")):
        label = place.text(0.02, y, f"{tilt:.0f}°", color="white", fontsize=7, va=side,
                           transform=place.transAxes)  # fmt: skip
        outline(label)
