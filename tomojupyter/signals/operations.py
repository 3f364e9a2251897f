"""The methods of a TomoStack: each makes a Step and runs it."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.monitor import progress
from tomojupyter.numerics.images.bad_frames import bad_frames
from tomojupyter.numerics.images.glances import Glances
from tomojupyter.steps import Step, make_step, run
from tomojupyter.steps.align_other import AlignOther
from tomojupyter.steps.estimate import Estimate, estimated
from tomojupyter.steps.operation import operation
from tomojupyter.steps.stack_register import check_cuda

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tomojupyter.numerics.images.bad_frames import BadFrame


class StackOperations:
    """Operations as methods; their parameters come from the Steps."""

    @operation("trim", ("left", "right", "top", "bottom"))
    def trim(self, step: Step, method: str = "crop") -> Any:
        """Crop, leave projections out, or bin; return a new TomoStack."""
        return run(self, step)

    @operation("exclude", ("projections",))
    def exclude(self, step: Step, method: str = "projections") -> Any:
        """Leave projections out of estimates and volumes, or take them in; return a new TomoStack.

        They stay in the series and are moved with the others; :meth:`trim` removes projections.
        """
        return run(self, step)

    @operation("filter", ("size", "taper"))
    def filter(self, step: Step, method: str = "median", show_progressbar: bool = False) -> Any:
        """Filter every image by itself; return a new TomoStack."""
        return run(self, step, progress(show_progressbar, "Filter"))

    @operation("background", ("level",))
    def background(self, step: Step, method: str = "constant") -> Any:
        """Take the level of the vacuum off; return a new TomoStack."""
        return run(self, step)

    @operation("normalise", ("level",))
    def normalise(self, step: Step, method: str = "smooth") -> Any:
        """Make the brightness of the images follow a rule; return a new TomoStack."""
        return run(self, step)

    def normalize(self, width: float = 3) -> Any:
        """Do ``normalise("contrast")``, by ETSpy's name and with ETSpy's numbers."""
        return self.normalise("contrast", width=width)

    def invert(self) -> Any:
        """Do ``normalise("invert")``, by ETSpy's name; one level for the whole series."""
        return self.normalise("invert")

    @operation("stack_register", ("start", "show_progressbar", "cuda", "crop", "shift_type"))
    def stack_register(self, step: Step, method: str = "PC", show_progressbar: bool = False) -> Any:
        """Register the images to each other; return a new TomoStack."""
        return run(self, step, progress(show_progressbar, "Register"))

    def register_stack(self, *args: Any, **keywords: Any) -> Any:
        """Do :meth:`stack_register`, by the name that the paper's text uses."""
        return self.stack_register(*args, **keywords)

    @operation("tilt_align")
    def tilt_align(self, step: Step, method: str = "CoM", show_progressbar: bool = False) -> Any:
        """Put the tilt axis along x through the middle; return a new TomoStack."""
        return run(self, step, progress(show_progressbar, "Tilt axis"))

    @operation(
        "reconstruct",
        (
            "iterations",
            "constrain",
            "thresh",
            "cuda",
            "thickness",
            "show_progressbar",
            "p",
            "ncores",
            "sino_filter",
            "dart_iterations",
            "gray_levels",
        ),
    )
    def reconstruct(
        self,
        step: Step,
        method: str = "FBP",
        show_progressbar: bool = True,
        ncores: int | None = None,
        max_memory: int | str | None = None,
        output: str | Path | None = None,
    ) -> Any:
        """Reconstruct the volume; return a RecStack.

        It may take `max_memory`, bytes or text such as ``"256 MB"``, beyond the series and the
        volume (default: half of what is free); what takes more is done slab by slab. `output`
        names a ``.hspy`` or ``.zspy`` that the volume is written to as it forms; the result is
        then lazy. A lazy series without `output` gives a lazy volume, computed by dask.
        """
        return run(
            self, step, progress(show_progressbar, "Reconstruct"), ncores=ncores,
            max_memory=max_memory, output=output,
        )  # fmt: skip

    def estimate(
        self: Any,
        method: str = "FBP",
        *,
        ncores: int | None = None,
        max_memory: int | str | None = None,
        output: str | Path | None = None,
        **parameters: Any,
    ) -> Estimate:
        """Estimate what a reconstruction takes, before it is begun.

        Parameters
        ----------
        method, parameters
            As for :meth:`reconstruct`.
        ncores, max_memory, output
            As for :meth:`reconstruct`; nothing is written.

        Returns
        -------
        Estimate
            Bytes of input, output and beyond, the slices that are worked on together, and the
            seconds, extrapolated from an iteration of a few slices on this machine. Printed, it
            is a sentence.

        Raises
        ------
        UnknownMethodError, UnknownParameterError, ParameterError
            As :meth:`reconstruct` would raise.
        """
        step = make_step("reconstruct", method, **parameters)
        return estimated(self, step, ncores, max_memory, output=output is not None)

    @operation("set_tilts", ("start", "increment"))
    def set_tilts(self, step: Step, method: str = "range") -> Any:
        """Enter the tilt angles; return a new TomoStack."""
        return run(self, step)

    @operation("set_scale", ("size", "units"))
    def set_scale(self, step: Step, method: str = "pixel") -> Any:
        """Enter the size of a pixel; return a new TomoStack."""
        return run(self, step)

    @operation("set_axis", ("angle",))
    def set_axis(self, step: Step, method: str = "angle") -> Any:
        """Enter how the tilt axis lay as acquired; return a new TomoStack with it along x."""
        return run(self, step)

    def align_other(self, other: Any, shift_type: str = "interp", cuda: bool | None = False) -> Any:
        """Set the alignment of another stack of the same series to ours, in its own pixels.

        Parameters
        ----------
        other
            TomoStack with the same nominal tilts in the same order; any binning or crop.
        shift_type
            ``"interp"`` (cubic spline) or ``"fourier"`` (phase ramp for translations).
        cuda
            False or None; there is no GPU version.

        Returns
        -------
        TomoStack
            It covers our field of view at the other's pixel size, in one resampling from the
            other's source; its history records the numbers and replays alone.

        Raises
        ------
        DataError
            If `other` is no TomoStack, tilts differ, or nothing is in common.
        """
        check_cuda(cuda)
        if not isinstance(other, StackOperations):
            raise DataError(
                f"align_other works on a TomoStack, got a {type(other).__name__}: "
                "make one with TomoStack(signal, tilts)"
            )
        return run(other, AlignOther.between(self, other, shift_type))

    def remove_projections(self, projections: Sequence[int] | None = None) -> Any:
        """Leave projections out.

        Parameters
        ----------
        projections
            Their indices; negative ones count from the end.

        Returns
        -------
        TomoStack
        """
        chosen = () if projections is None else projections
        return self.trim("remove_projections", projections=chosen)

    def bin(self, factor: int = 2) -> Any:
        """Replace blocks of `factor` x `factor` pixels by their mean; return a new TomoStack."""
        return self.trim("bin", factor=factor)

    def bad_frames(self: Any) -> list[BadFrame]:
        """Propose projections to leave out, each with the reason.

        Returns
        -------
        list of BadFrame
            Pairs (index, reason) in the order of the projections. The reason begins with
            blank, empty, hot, dim, bright, blurred or jumped. Projections that are excluded
            already are not judged. Nothing is changed:
            ``stack.remove_projections([i for i, _ in stack.bad_frames()])`` leaves them out.
        """
        self._check()
        tilts = self.tilts.data.ravel()
        known = np.isfinite(tilts).all() and tilts.any()
        used = tuple(np.flatnonzero(~self.excluded))

        def judge() -> list[BadFrame]:
            look = Glances.of(self.data)
            return bad_frames(look, tilts if known else None, use=~self.excluded)

        return list(self._once(f"bad frames of {used} at {tilts.tolist()}", judge))

    def extract_sinogram(self: Any, column: float) -> Any:
        """Return the sinogram of one column.

        Parameters
        ----------
        column
            Its index (int), or its calibrated position (float).

        Returns
        -------
        hyperspy.signals.Signal2D
            Shape (n, ny).
        """
        size = self._frame.shape[1]
        if not isinstance(column, numbers.Real) or not math.isfinite(column):
            raise DataError(f"column must be an index or a position, got {column!r}")
        if not isinstance(column, numbers.Integral):
            axis = self.axes_manager.signal_axes[0]
            place = (float(column) - axis.offset) / axis.scale
            if not -0.5 <= place < size - 0.5:
                raise DataError(
                    f"column must be from {axis.low_value:g} to {axis.high_value:g} "
                    f"{axis.units}, got {column:g}"
                )
            column = round(place)
        if not -size <= column < size:
            raise DataError(f"column must be from 0 to {size - 1}, got {column}")
        sinogram = self._plain().isig[int(column), :].as_signal2D((1, 0))
        sinogram.metadata.General.title = f"Sinogram at column {int(column) % size}"
        return sinogram
