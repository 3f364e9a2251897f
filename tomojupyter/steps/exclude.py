"""Exclude: projections that stay in the series but have no part in estimates and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tomojupyter.errors import ParameterError
from tomojupyter.steps.base import Outcome, Step, param, step
from tomojupyter.steps.trim import indices

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("exclude", "projections")
class ExcludeProjections(Step):
    """Give projections the weight 0; they stay in the series and are moved with the others."""

    projections: tuple[int, ...] = param(help="indices of the projections to exclude")
    reason: str = param("by hand", "why, in a few words")

    def check(self) -> None:
        """Refuse an empty reason."""
        if not self.reason.strip():
            raise ParameterError("reason must be a few words, such as 'blurred'")

    def resolve(self, signal: Any) -> Self:
        """Count negative indices from the end."""
        return self.replace(projections=indices(self.projections, signal._n))

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with these projections excluded too."""
        result = signal._twin()
        for index in self.projections:
            result._exclude(index, self.reason)
        return Outcome(result, {"excluded": int(result.excluded.sum())})


@step("exclude", "none")
class ExcludeNone(Step):
    """Take excluded projections in again."""

    projections: tuple[int, ...] | None = param(
        None, "indices of the projections to take in", auto="all that are excluded"
    )

    def resolve(self, signal: Any) -> Self:
        """Name the projections."""
        if not self.projections:
            every = signal.excluded.nonzero()[0] if self.projections is None else ()
            return self.replace(projections=tuple(map(int, every)))
        return self.replace(projections=indices(self.projections, signal._n))

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with these projections in use."""
        result = signal._twin()
        for index in self.projections or ():
            result._include(index)
        return Outcome(result, {"excluded": int(result.excluded.sum())})
