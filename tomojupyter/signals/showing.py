"""Pictures of a series: nothing here is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.correlation import cross_correlation, peak

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLES = ("Reference image", "Offset image", "Cross-correlation")


class StackPictures:
    """Pictures as methods of a TomoStack."""

    def plot_sinos(self: Any, *args: Any, **keywords: Any) -> None:
        """Plot the sinograms, one a column, with a slider; arguments as for ``plot``."""
        keywords.setdefault("navigator", "slider")
        self._plain().transpose(signal_axes=[2, 0]).plot(*args, **keywords)

    def test_correlation(self: Any, images: Sequence[int] | None = None) -> Any:
        """Draw two projections and their cross-correlation, before a registration.

        Parameters
        ----------
        images
            Indices of the two. None: the first two.

        Returns
        -------
        matplotlib.figure.Figure
            Its third picture has no shift in the middle; its title is the shift (y, x) in px
            that brings the second image onto the first.

        Raises
        ------
        ParameterError
            Unless `images` are two projections of the series.
        """
        from matplotlib import pyplot as plt

        chosen = [0, 1] if images is None else list(images)
        if len(chosen) != 2 or not all(-self._n <= i < self._n for i in chosen):
            raise ParameterError(
                f"images must be two projections from 0 to {self._n - 1}, got {images}"
            )
        first, second = (np.asarray(self.data[i]) for i in chosen)
        surface = cross_correlation(first, second)
        figure, places = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
        for place, image, title in zip(places, (first, second, surface), TITLES, strict=True):
            place.imshow(image, cmap="inferno" if image is surface else "gray")
            place.set(title=title, xticks=[], yticks=[])
        places[2].set_title("{}: {}, {} px".format(TITLES[2], *peak(surface)))
        return figure
