"""Move single images by hand, on top of whatever registration went before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.trim import indices

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("stack_register", "manual")
class ManualRegistration(Step):
    """Move single projections by amounts that a person set; the others stay where they are."""

    projections: tuple[int, ...] = param(help="indices of the projections to move")
    x: tuple[float, ...] = param(help="how far to move each along x", unit="px")
    y: tuple[float, ...] = param(help="how far to move each along y", unit="px")

    def check(self) -> None:
        """Refuse lists of different lengths, and a projection named twice."""
        counts = (len(self.projections), len(self.x), len(self.y))
        if len(set(counts)) > 1:
            raise ParameterError(
                f"projections, x and y must be equally many, got {counts[0]}, {counts[1]} and "
                f"{counts[2]}"
            )
        if len(set(self.projections)) < len(self.projections):
            raise ParameterError(
                "a projection is named twice; name each once, with the sum of its moves"
            )
        if not np.isfinite([*self.x, *self.y]).all():
            raise ParameterError("x and y must be finite numbers of px")

    def resolve(self, signal: Any) -> Self:
        """Count negative indices from the end."""
        return self.replace(projections=indices(self.projections, signal._n))

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with these images moved."""
        shifts = np.zeros((signal._n, 2))
        shifts[list(self.projections)] = np.column_stack([self.y, self.x])
        result = signal._moved(signal._frame.registered(shifts))
        return Outcome(result, {"shifts": shifts.tolist()})
