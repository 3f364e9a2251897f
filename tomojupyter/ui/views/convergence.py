"""How the residual of an iterative reconstruction falls."""

from __future__ import annotations

import math
from typing import Any

from tomojupyter.errors import DataError
from tomojupyter.ui.views.curves import Curve

OK_COLOUR = "var(--tj-ok, #0f7355)"


class ConvergenceView(Curve):
    """Residual of each iteration in % of the start, on a logarithmic scale."""

    def __init__(self, title: str = "Convergence", height: str = "232px") -> None:
        super().__init__(
            title, "iteration", "residual (% of start)", subtitle="log scale", log_y=True,
            height=height,
        )  # fmt: skip
        self._start: dict[str, float] = {}
        self._points: dict[str, list[tuple[int, float]]] = {}
        self._name = "whole volume"
        self.reset(10)

    def reset(
        self,
        total: int,
        *,
        name: str = "whole volume",
        start: float | None = None,
        keep: bool = False,
    ) -> None:
        """Begin another curve.

        Parameters
        ----------
        total
            Iterations that are asked for: the right end of the axis.
        name
            Of the curve that `add` writes to.
        start
            Residual that counts as 100 %, for instance the norm of the data; None takes the
            first one that is added.
        keep
            Keep the other curves, for comparison, in grey.
        """
        if total < 1:
            raise DataError(f"total must be at least 1 iteration, got {total}")
        if not keep:
            self.series, self._points, self._start = {}, {}, {}
            self.marks = {k: m for k, m in self.marks.items() if k == "floor"}
        self.marks.pop("now", None)
        self._name = name
        self._points[name] = []
        self._start.pop(name, None)
        if start is not None:
            self._start[name] = start
        self.series.pop(name, None)
        for other in list(self.series):
            xs, ys = self.series[other].x, self.series[other].y
            self.set(other, xs, ys, color="#aab2bb", width=1.8)
        self.x_limits = (0.0, float(total))
        self.redraw()

    def add(self, iteration: int, residual: float) -> None:
        """Add a point; residuals in any unit, counted from iteration 1 (or 0 for the start)."""
        value = float(residual)
        start = self._start.setdefault(self._name, value)
        percent = 100 * value / start if start > 0 and math.isfinite(value) else math.nan
        points = self._points[self._name]
        points.append((int(iteration), percent))
        xs, ys = zip(*points, strict=True)
        if self.x_limits and iteration > self.x_limits[1]:
            self.x_limits = (0.0, float(iteration))
        style = "both" if len(points) <= 60 else "line"
        self.set(self._name, xs, ys, style=style, color="#0072B2", width=2.4)
        self.mark("now", "dot", iteration, percent, color="#0072B2")

    @property
    def percent(self) -> float:
        """Last residual in % of the start; NaN before the first."""
        points: list[Any] = self._points.get(self._name, [])
        return points[-1][1] if points else math.nan

    def noise_floor(self, percent: float | None) -> None:
        """Draw the level, in % of the start, under which only noise is fitted; None: no line."""
        if percent is None:
            self.unmark("floor")
            return
        text = "noise floor of these data"
        self.mark("floor", "y", y=percent, text=text, color=OK_COLOUR, dash=True)
