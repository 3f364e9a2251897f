"""Reconstruct a few slices to see whether a series is aligned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.monitor import Silent
from tomojupyter.steps.base import find, make_step, parameters
from tomojupyter.steps.reconstruct import ReconstructionStep

if TYPE_CHECKING:
    from collections.abc import Sequence


class TrialSlices:
    """The method `test_align` of a TomoStack."""

    def test_align(
        self: Any,
        tilt_shift: float = 0.0,
        tilt_rotation: float = 0.0,
        slices: Sequence[int] | np.ndarray | None = None,
        thickness: int | None = None,
        method: str = "FBP",
        iterations: int = 50,
        constrain: bool = True,
        cuda: bool | None = None,
        thresh: float = 0,
        vmin_std: float = 0.1,
        vmax_std: float = 10,
    ) -> Any:
        """Reconstruct a few slices, as they would be after a rotation and a shift.

        Parameters
        ----------
        tilt_shift, tilt_rotation
            Shift in px and angle in degrees to try, as ``tilt_align("manual", shift=...,
            angle=...)`` takes them.
        slices
            Columns (x) to reconstruct, any number of them; negative ones count from the end.
            None: those at 1/4, 1/2 and 3/4.
        thickness
            Height of the slices along z in px. None: the height of the images.
        method
            Of `reconstruct`.
        iterations
            Where the method has iterations.
        constrain, thresh
            No value below `thresh`; of a method without constraint (FBP), such values are cut
            off afterwards.
        cuda
            Use a GPU. None: if there is one.
        vmin_std, vmax_std
            The grey levels go from the mean of a slice less `vmin_std` standard deviations
            (not below 0) to the mean plus `vmax_std`.

        Returns
        -------
        matplotlib.figure.Figure
            The slices side by side. Nothing is recorded, and the series stays as it is.

        Raises
        ------
        DataError, TiltsError, ParameterError
            If a column is not there, the tilts are unusable, or a parameter is out of range.
        """
        self._check(needs_tilts=True)
        columns = chosen_columns(self._frame.shape[1], slices)
        moved = self
        if tilt_shift or tilt_rotation:
            moved = self.tilt_align("manual", shift=tilt_shift, angle=tilt_rotation)
        values: dict[str, Any] = {"iterations": iterations, "constrain": constrain}
        values |= {"thresh": thresh, "thickness": thickness, "cuda": cuda}
        known = {f.name for f in parameters(find("reconstruct", method))}
        step = make_step("reconstruct", method, **{k: v for k, v in values.items() if k in known})
        resolved = step.resolve(moved)
        assert isinstance(resolved, ReconstructionStep)
        volume, _, _ = resolved.on_columns(moved, columns, Silent(), ncores=None)
        if constrain and "constrain" not in known:
            volume = np.maximum(volume, np.float32(thresh))
        return draw(volume, columns, (vmin_std, vmax_std))


def chosen_columns(nx: int, slices: Sequence[int] | np.ndarray | None) -> np.ndarray:
    """Return the columns to reconstruct, counted from 0.

    Raises
    ------
    DataError
        If one of them is not there or is no index.
    """
    if slices is None:
        return np.array([nx // 4, nx // 2, 3 * nx // 4])
    columns = np.atleast_1d(np.asarray(slices, float)).ravel()
    good = (columns == np.floor(columns)) & (columns >= -nx) & (columns < nx)
    if not columns.size or not good.all():
        wrong = "none" if not columns.size else f"{columns[~good][0]:g}"
        raise DataError(f"slices are columns from 0 to {nx - 1}, got {wrong}")
    return columns.astype(int) % nx


def draw(volume: np.ndarray, columns: np.ndarray, spread: tuple[float, float]) -> Any:
    """Draw slices side by side and return the figure."""
    from matplotlib import pyplot as plt

    size = (min(4 * len(columns), 16), 4)
    figure, places = plt.subplots(
        1, len(columns), figsize=size, squeeze=False, layout="constrained"
    )
    for place, image, column in zip(places[0], volume, columns, strict=True):
        mean, std = float(image.mean()), float(image.std())
        low = max(0.0, mean - spread[0] * std)
        high = max(mean + spread[1] * std, low + 1e-6 * max(1.0, abs(low)))
        place.imshow(image, cmap="afmhot", vmin=low, vmax=high)
        place.set_title(f"Slice {column}")
        place.set_axis_off()
    return figure
