"""The methods of a RecStack: each makes a Step and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import progress
from tomojupyter.steps import Step, run
from tomojupyter.steps.operation import operation
from tomojupyter.steps.stack_register import check_cuda

if TYPE_CHECKING:
    from collections.abc import Sequence


class VolumeOperations:
    """Operations as methods; their parameters come from the Steps."""

    @operation("segment", ("threshold",))
    def segment(self, step: Step, method: str = "otsu") -> Any:
        """Tell apart what the volume is made of; return a RecStack of 0 and 1, or of numbers."""
        return run(self, step)

    @operation("rotate", ("rotation_angles",))
    def rotate(self, step: Step, method: str = "angles", show_progressbar: bool = False) -> Any:
        """Turn the volume about its centre; return a new RecStack."""
        return run(self, step, progress(show_progressbar, "Rotate"))

    def rotate_volume(
        self, rotation_angles: Sequence[float] | None = None, cuda: bool | None = False
    ) -> Any:
        """Turn the volume about its centre, by the name and the angles that ETSpy uses.

        Parameters
        ----------
        rotation_angles
            Angles in degrees about the x, z and y axis, applied in this order.
        cuda
            False or None; there is no GPU version.

        Returns
        -------
        RecStack
        """
        check_cuda(cuda)
        if rotation_angles is None:
            raise ParameterError(
                "rotate_volume needs rotation_angles, three angles in degrees about x, z and y"
            )
        return self.rotate("angles", rotation_angles)  # type: ignore[arg-type]
