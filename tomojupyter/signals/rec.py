"""RecStack: a reconstructed volume (x, z, y)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hyperspy.signals import LazySignal2D

from tomojupyter.errors import DataError
from tomojupyter.numerics.geometry import centre
from tomojupyter.signals.common import RESAMPLED, TomoSignal
from tomojupyter.signals.export import export
from tomojupyter.signals.masks import Masked
from tomojupyter.signals.measuring import Measuring
from tomojupyter.signals.rec_operations import VolumeOperations

if TYPE_CHECKING:
    from pathlib import Path

PLANES = (("x", "y", "z"), ("z", "y", "x"), ("y", "x", "z"))
"""Of each slice that `plot_slices` draws: the axis it cuts, the one across, the one down."""
ORDER = ("x", "z", "y")


class RecStack(VolumeOperations, Measuring, Masked, TomoSignal):
    """A reconstruction with the axes (x, z, y); the tilt axis of its series lies along x.

    Parameters
    ----------
    data
        Array (nx, nz, ny).
    **keywords
        As for HyperSpy's Signal2D.

    Raises
    ------
    DataError
        If the array does not have three axes.

    Notes
    -----
    ``volume[mask]`` returns the values under a boolean mask (a signal or array of the same
    shape, such as ``volume > 0``), and ``volume[mask] = value`` writes them.
    """

    _signal_type = "RecStack"

    def __init__(self, data: Any, **keywords: Any) -> None:
        ours = "axes" not in keywords and keywords.get("full_initialisation", True)
        if ours:
            shape = getattr(data, "shape", ())
            if len(shape) != 3:
                raise DataError(f"a volume has the axes (x, z, y); got an array of shape {shape}")
            keywords["axes"] = [
                {"name": name, "size": size, "scale": 1.0, "offset": 0.0, "navigate": name == "x"}
                for name, size in zip(ORDER, shape, strict=True)
            ]
        super().__init__(data, **keywords)

    def forward_project(self, tilts: Any, cuda: bool | None = None) -> Any:
        """Project the volume.

        Parameters
        ----------
        tilts
            TomoTilts, array or list of tilt angles, in degrees.
        cuda
            Use a GPU. None: if there is one.

        Returns
        -------
        TomoStack
            Shape (n, ny, nx), float32: line integrals in units of the volume times px.

        Raises
        ------
        TiltsError
            If the tilts are no finite numbers.
        ParameterError
            If a GPU is asked for and there is none.
        """
        from tomojupyter.signals.projecting import forward_project

        return forward_project(self, tilts, cuda)

    def plot_slices(
        self,
        xslice: int | None = None,
        yslice: int | None = None,
        zslice: int | None = None,
        return_fig: bool = False,
        **keywords: Any,
    ) -> Any:
        """Draw the Z-Y, Y-X and Z-X slices through a point.

        Parameters
        ----------
        xslice, yslice, zslice
            Indices of the slices along the axis of that name; None: the middle.
        return_fig
            Return the figure; a notebook cell that shows figures by itself would draw a
            returned one twice.
        **keywords
            For matplotlib's ``imshow``.

        Returns
        -------
        matplotlib.figure.Figure or None

        Raises
        ------
        DataError
            If an index lies outside of the volume.
        """
        from matplotlib import pyplot as plt

        at = dict(zip(("x", "y", "z"), (xslice, yslice, zslice), strict=True))
        axes = dict(zip(ORDER, self.axes_manager._axes, strict=True))
        images = {}
        for cut, _, _ in PLANES:
            size = axes[cut].size
            index = at[cut] if at[cut] is not None else int(centre(size))
            if not -size <= index < size:
                raise DataError(f"{cut}slice must be from 0 to {size - 1}, got {index}")
            where = tuple(index if name == cut else slice(None) for name in ORDER)
            images[cut] = index % size, np.asarray(self.data[where])
        figure, places = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
        for place, (cut, across, down) in zip(places, PLANES, strict=True):
            index, image = images[cut]
            left = [name for name in ORDER if name != cut]
            picture = image if left == [down, across] else image.T
            shape = {"aspect": abs(axes[down].scale / axes[across].scale)}
            place.imshow(picture, **{"cmap": "gray", **shape, **keywords})
            place.set(title=f"{cut} = {index}", xlabel=f"{across} (px)", ylabel=f"{down} (px)")
        return figure if return_fig else None

    def _replaced(self, voxels: np.ndarray, resampled: bool = False) -> Any:
        """Return a volume of other voxels with the same axes and metadata."""
        result = self._shell(voxels)
        result.metadata.set_item(RESAMPLED, self._resampled + int(resampled))
        return result

    def export(self, filename: str | Path, overwrite: bool = False) -> Path:
        """Write the voxels and their size for other programs, without the history.

        Parameters
        ----------
        filename
            Path that ends in ``.mrc .rec .tif .raw .vti .ome.zarr``. A ``.raw`` gets a NRRD
            header ``.nhdr`` beside it. Voxel [x, z, y] becomes voxel (z, y, x) of the file;
            values and type are kept where the format has the type.
        overwrite
            Replace a file that is there.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        ParameterError
            If the ending is unknown, or the file is there and `overwrite` is false.
        DataError
            If the format cannot hold the values.
        FormatError, MissingFileError
            If the file cannot be written.
        """
        return export(self, filename, overwrite)


class LazyRecStack(RecStack, LazySignal2D):
    """A RecStack whose pixels are a dask array."""

    _lazy = True


for _class in (RecStack, LazyRecStack):
    _class._eager_class, _class._lazy_class = RecStack, LazyRecStack
