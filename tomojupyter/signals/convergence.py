"""How the iterations of one slice converge: a trial, which is not recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from hyperspy.signals import Signal1D, Signal2D

from tomojupyter.errors import ParameterError
from tomojupyter.monitor import Monitor, progress
from tomojupyter.steps import make_step
from tomojupyter.steps.base import find, parameters
from tomojupyter.steps.reconstruct import UnlimitedStep


class Convergence:
    """The convergence of one slice as a method of a TomoStack."""

    def recon_error(
        self: Any,
        nslice: int | None = None,
        algorithm: str = "SIRT",
        iterations: int = 50,
        constrain: bool = True,
        cuda: bool | None = None,
        thresh: float = 0,
        *,
        show_progressbar: bool = False,
    ) -> tuple[Signal2D, Signal1D]:
        """Reconstruct one slice and keep every iterate, to choose how many iterations to do.

        Parameters
        ----------
        nslice
            Column (x) of the slice, from 0; negative ones count from the end. None: the middle.
        algorithm
            An iterative method of :meth:`reconstruct`, in any case.
        iterations
            Full sweeps over all tilts.
        constrain
            Keep voxels at `thresh` or above; CGLS cannot.
        cuda
            Use a GPU. None: if there is one.
        thresh
            Lowest value allowed with `constrain`.
        show_progressbar
            Write the progress to standard error.

        Returns
        -------
        iterates : hyperspy.signals.Signal2D
            Shape (iterations, nz, ny).
        error : hyperspy.signals.Signal1D
            Shape (iterations,): L2 norm of the difference of the projected slice and the
            sinogram, over the pixels that count, in units of the sinogram.

        Raises
        ------
        ParameterError
            If the method has no iterations, or the column is not there.
        """
        values = {"iterations": iterations, "cuda": cuda, "constrain": constrain, "thresh": thresh}
        known = {f.name for f in parameters(find("reconstruct", algorithm))}
        if "iterations" in known:  # else the sentence says that there are none
            values = {k: v for k, v in values.items() if k in known}
        step = make_step("reconstruct", algorithm, **values).resolve(self)
        assert isinstance(step, UnlimitedStep)
        nx = self._frame.shape[1]
        column = nx // 2 if nslice is None else nslice
        if not -nx <= column < nx:
            raise ParameterError(f"nslice must be a column from 0 to {nx - 1}, got {column}")
        column %= nx
        watch = _Iterates(progress(show_progressbar, step.method))
        self._check(needs_tilts=True)
        _, scalars, _ = step.on_columns(self, slice(column, column + 1), watch, ncores=1)
        return self._iterates(np.concatenate(watch.volumes), scalars["residuals"], step.method)

    def _iterates(
        self: Any, images: np.ndarray, residuals: list[float], method: str
    ) -> tuple[Signal2D, Signal1D]:
        """Return iterates and errors as signals whose axes say what they are."""
        count = {"name": f"{method} iteration", "scale": 1, "offset": 1}
        y = self.axes_manager._get_axes_dicts()[1]
        z = {**y, "name": "z", "size": images.shape[1], "offset": 0.0}
        axes = [{**count, "size": len(images)}, {**z, "navigate": False}, {**y, "navigate": False}]
        iterates = Signal2D(images, axes=[{"navigate": True, **axis} for axis in axes])
        iterates.metadata.General.title = f"{method} iterates"
        error = Signal1D(np.array(residuals), axes=[{**count, "size": len(residuals)}])
        error.metadata.General.title = f"{method} residual"
        error.metadata.Signal.quantity = "L2 norm of the residual"
        return iterates, error


class _Iterates:
    """A monitor that keeps every iterate and passes on what it hears."""

    finish_early = False

    def __init__(self, monitor: Monitor) -> None:
        self.volumes: list[np.ndarray] = []
        self._monitor = monitor

    def __call__(self, done: int, total: int, **values: Any) -> None:
        """Keep a copy of the iterate, in which the solver goes on."""
        if "volume" in values:
            self.volumes.append(np.array(values["volume"]))
        self._monitor(done, total, **values)
