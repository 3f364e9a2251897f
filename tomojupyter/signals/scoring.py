"""How good the alignment of a series is, by any method, without knowing the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.monitor import progress
from tomojupyter.numerics.alignment.joint_score import score_alignment
from tomojupyter.steps.checks import usable

if TYPE_CHECKING:
    from tomojupyter.numerics.alignment.joint_score import Score


class AlignmentScoring:
    """Judges the alignment that a stack has now."""

    def alignment_score(
        self: Any,
        specimen: str = "auto",
        *,
        show_progressbar: bool = False,
        ncores: int | None = None,
    ) -> Score:
        """Estimate how well the series is aligned, whatever it was aligned by.

        Nothing is changed or recorded. ``str()`` of the result is one sentence.

        Parameters
        ----------
        specimen
            ``"compact"``: seen whole at every tilt; ``"slab"``: goes on beyond the edges;
            ``"auto"``: told from the images.
        show_progressbar
            Show how far it is.
        ncores
            Threads. None: one a core.

        Returns
        -------
        Score
            ``expected_px`` and ``interval_px``, ``residual`` and ``moves_px`` of each
            projection against what the other half of the series predicts, ``halves`` (the
            correlation of the volumes of the two halves), ``angle_deg`` and ``offset_px``
            (what is left of the axis, each with half of its interval).

        Raises
        ------
        AlignmentRefused
            If the images make no volume: too few tilts, too small, or nothing to see.
        ParameterError
            If `specimen` is none of those.

        Examples
        --------
        >>> from tomojupyter import datasets
        >>> stack = datasets.get_catalyst_data(size=48, tilts=range(-70, 71, 7))
        >>> stack.alignment_score().expected_px < 0.2
        True
        """
        self._check(needs_tilts=True)
        good, mask = usable(self)
        return score_alignment(
            self.data,
            self.tilts.data.ravel(),
            mask=mask,
            vacuum=self.vacuum(),
            use=good,
            specimen=specimen,
            monitor=progress(show_progressbar, "Score"),
            ncores=ncores,
        )
