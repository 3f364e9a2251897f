"""Filters for alignment only: what registration and tilt axis see in place of the pixels."""

from __future__ import annotations

from typing import Any

from tomojupyter.signals import state
from tomojupyter.steps import make_step, run


class AlignmentView:
    """A series that alignment sees through filters, while its own pixels stay as they are."""

    @property
    def alignment_filters(self: Any) -> tuple[Any, ...]:
        """The Steps of ``filter`` and ``normalise`` set for alignment only, the first one first."""
        scale = self._frame.scale
        found = []
        for entry in state.read_filters(self.metadata):
            step: Any = make_step(entry["operation"], entry["method"], **entry["values"])
            x, y = (old / new for old, new in zip(entry["scale"], scale, strict=True))
            found.append(step.binned((y, x)))
        return tuple(found)

    def for_alignment(self: Any) -> Any:
        """Return the series as registration and tilt axis see it.

        Returns
        -------
        TomoStack
            The filters that were set for alignment only, in their order, have worked on its
            pixels. The series itself if there are none.

        Examples
        --------
        >>> from tomojupyter import datasets
        >>> stack = datasets.get_catalyst_data(size=48, tilts=range(-70, 71, 7))
        >>> stack = stack.filter("sobel", alignment_only=True)
        >>> bool((stack.for_alignment().data == stack.filter("sobel").data).all())
        True
        """
        filters = self.alignment_filters
        if not filters:
            return self
        seen = self.copy()
        state.write_filters(seen.metadata, [])
        for step in filters:
            seen = run(seen, step.replace(alignment_only=False))
        return seen

    def _to_be_seen_through(self: Any, step: Any) -> Any:
        """Return the series with one more filter for alignment only."""
        result = self._twin()
        entry = {
            "operation": step.operation,
            "method": step.method,
            "values": step.as_dict(),
            "each": step.each,
            "scale": self._frame.scale,
        }
        state.write_filters(result.metadata, [*state.read_filters(result.metadata), entry])
        return result
