"""Figures of numbers: residuals, shifts, brightness, and what a parameter does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.figures.style import COLOURS, RC, panels
from tomojupyter.steps import history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def convergence(signals: Mapping[str, Any]) -> Any:
    """Draw the residual of every iteration, from the histories of volumes.

    Parameters
    ----------
    signals
        RecStacks by name.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if none was made by iterations. The residual is the L2 norm of the difference of
        the projected volume and the series, in per cent of the series' own.
    """
    found = {name: _residuals(signal) for name, signal in signals.items()}
    curves = {name: curve for name, curve in found.items() if curve is not None}
    if not curves:
        return None
    figure, places = panels(1, 1, 2.4)
    for look, (name, curve) in zip(_looks(len(curves)), curves.items(), strict=True):
        places[0, 0].semilogy(np.arange(1, len(curve) + 1), curve, label=name, **look)
    _plain(places[0, 0].yaxis)
    finish(places[0, 0], "iteration", "residual (%)", legend=len(curves) > 1)
    return figure


def _residuals(signal: Any) -> np.ndarray | None:
    for record in reversed(history.read(signal)):
        scalars = record.get("scalars", {})
        if "residuals" in scalars:
            curve = np.asarray(scalars["residuals"], float)
            last = scalars.get("residual_percent", 0)
            return curve * (last / curve[-1]) if curve[-1] and last else curve
    return None


def shifts(stacks: Mapping[str, Any]) -> Any:
    """Draw the shifts of several alignments over the tilts.

    Parameters
    ----------
    stacks
        TomoStacks by name.

    Returns
    -------
    matplotlib.figure.Figure
        Shifts across (y) and along (x) the tilt axis, in acquired px, about their means.
    """
    figure, places = panels(1, 2, 2.4)
    looks = _looks(len(stacks))
    for k, (place, along) in enumerate(zip(places[0], ("y", "x"), strict=True)):
        for look, (name, stack) in zip(looks, stacks.items(), strict=True):
            tilts = stack.tilts.data.ravel()
            order = np.argsort(tilts, kind="stable")
            values = stack.shifts.data[order, k]
            place.plot(tilts[order], values - values.mean(), label=name, **look)
        finish(place, "tilt (°)", f"shift along {along} (px)", legend=k == 0 and len(stacks) > 1)
    return figure


def levels(stack: Any) -> Any:
    """Draw the mean brightness of every projection over the tilts.

    Parameters
    ----------
    stack
        TomoStack.

    Returns
    -------
    matplotlib.figure.Figure
        Projections that `bad_frames` proposes to leave out are marked.
    """
    tilts = stack.tilts.data.ravel()
    order = np.argsort(tilts, kind="stable")
    means = np.array([np.nanmean(np.asarray(image, float)) for image in stack.data])
    figure, places = panels(1, 1, 2.0)
    place = places[0, 0]
    place.plot(tilts[order], means[order], "o-", color=COLOURS[0])
    bad = [index for index, _ in stack.bad_frames()]
    if bad:
        place.plot(tilts[bad], means[bad], "x", color=COLOURS[1], markersize=7, label="look at it")
    finish(place, "tilt (°)", "mean of the pixels", legend=bool(bad))
    return figure


def sweep(rows: Sequence[Mapping[str, Any]], parameter: str, value: str = "residual (%)") -> Any:
    """Draw what a parameter does, a line for each method.

    Parameters
    ----------
    rows
        Each with ``"method"``, `parameter` and `value`; those without a value are left out.
    parameter
        The name across.
    value
        The name upwards.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no method has two values of the parameter.
    """
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if isinstance(row.get(parameter), int | float) and row.get(value) is not None:
            lines.setdefault(row["method"], []).append((row[parameter], row[value]))
    lines = {name: sorted(points) for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    figure, places = panels(1, 1, 2.4)
    for look, (name, points) in zip(_looks(len(lines)), lines.items(), strict=True):
        places[0, 0].loglog(*np.transpose(points), label=name, **look)
    _plain(places[0, 0].xaxis)
    _plain(places[0, 0].yaxis)
    finish(places[0, 0], parameter, value, legend=True)
    return figure


def _looks(count: int) -> list[dict[str, Any]]:
    """Return a colour and a hollow marker for each curve: curves that agree are seen through."""
    markers = "os^vD<>"
    return [
        {
            "color": COLOURS[i % len(COLOURS)],
            "marker": markers[i % len(markers)],
            "markersize": 4 + 1.5 * (count - 1 - i) * (count < 5),
            "markerfacecolor": "none",
            "linewidth": 1.0,
        }
        for i in range(count)
    ]


def _plain(axis: Any) -> None:
    """Write 20 instead of 2 x 10^1, on few ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def finish(place: Any, across: str, upwards: str, legend: bool) -> None:
    """Label axes in the style, which the figure's context has left by now."""
    place.set_xlabel(across, fontsize=RC["font.size"])
    place.set_ylabel(upwards, fontsize=RC["font.size"])
    place.tick_params(labelsize=7, which="both")
    place.grid(alpha=0.3, linewidth=0.5)
    if legend:
        place.legend(fontsize=7, frameon=False)
