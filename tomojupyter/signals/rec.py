"""RecStack: a reconstructed volume (x, z, y)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperspy.signals import LazySignal2D

from tomojupyter.errors import DataError
from tomojupyter.numerics.geometry import centre
from tomojupyter.signals.common import TomoSignal
from tomojupyter.signals.export import export

if TYPE_CHECKING:
    from pathlib import Path

PLANES = (("x", "y", "z"), ("z", "y", "x"), ("y", "x", "z"))
"""Of each slice that `plot_slices` draws: the axis it cuts, the one across, the one down."""
ORDER = ("x", "z", "y")


class RecStack(TomoSignal):
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

    def plot_slices(
        self,
        xslice: int | None = None,
        yslice: int | None = None,
        zslice: int | None = None,
        **keywords: Any,
    ) -> Any:
        """Draw the Z-Y, Y-X and Z-X slices through a point.

        Parameters
        ----------
        xslice, yslice, zslice
            Indices of the slices; None: the middle.
        **keywords
            For matplotlib's ``imshow``.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib import pyplot as plt

        at = dict(zip(("x", "y", "z"), (xslice, yslice, zslice), strict=True))
        data = self.data.compute() if self._lazy else self.data
        sizes = dict(zip(ORDER, data.shape, strict=True))
        figure, places = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
        for place, (cut, across, down) in zip(places, PLANES, strict=True):
            index = at[cut] if at[cut] is not None else int(centre(sizes[cut]))
            if not -sizes[cut] <= index < sizes[cut]:
                raise DataError(f"{cut}slice must be from 0 to {sizes[cut] - 1}, got {index}")
            image = data.take(index, axis=ORDER.index(cut))
            left = [name for name in ORDER if name != cut]
            picture = image if left == [down, across] else image.T
            place.imshow(picture, **{"cmap": "gray", **keywords})
            place.set(title=f"{cut} = {index}", xlabel=f"{across} (px)", ylabel=f"{down} (px)")
        return figure

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
