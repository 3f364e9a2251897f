"""A few reconstructed slices for any tilt axis, in a fraction of a second.

Only the columns that are looked at are interpolated, straight from the source pixels, and only
their slices are reconstructed. At binning 1 they are what `tilt_align manual` and `reconstruct`
make of the whole series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.geometry import WHOLE
from tomojupyter.numerics.images.filters import bin_mean
from tomojupyter.numerics.images.vacuum import blank_frames
from tomojupyter.numerics.reconstruction import reconstruct as solvers
from tomojupyter.numerics.reconstruction.backends import make_projector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.numerics.reconstruction.projector import Projector

PAD = 12  # px beyond the edge that a spline knows of, as in scipy's "nearest"
DEAD = 1e-3
NEAR_ZERO = 0.1
"""A vacuum level below this part of the contrast is left as it is, as `reconstruct` does."""


def vacuum_to_lift(signal: Any) -> float:
    """Return the level of the vacuum where it would be reconstructed as matter, else 0."""
    level = signal.vacuum()
    data = np.asarray(signal.data[:: max(1, len(signal.data) // 8)])
    sample = data[np.isfinite(data)]
    spread = float(np.percentile(sample, 99.5) - level) if sample.size else 0.0
    return float(level) if spread > 0 and abs(level) > NEAR_ZERO * spread else 0.0


def mean_of(images: Any, use: np.ndarray) -> np.ndarray:
    """Return the mean of some images, NaN aside, float32 (ny, nx); one is read at a time."""
    total = np.zeros(images.shape[1:])
    count = np.zeros(images.shape[1:])
    for i in np.flatnonzero(use):
        image = np.asarray(images[int(i)], np.float32)
        seen = np.isfinite(image)
        total += np.where(seen, image, 0)
        count += seen
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count).astype(np.float32)


def columns_of_mass(image: np.ndarray, parts: Sequence[float] = (0.1, 0.5, 0.9)) -> list[int]:
    """Return columns within the specimen.

    Parameters
    ----------
    image
        (ny, nx), the mean of a series.
    parts
        Which parts of the mass lie to the left of each.

    Returns
    -------
    list of int
        Columns x in px; evenly spread where there is no mass.
    """
    filled = np.nan_to_num(image - np.nanmedian(image), nan=0.0)
    noise = np.percentile(np.abs(filled), 50)
    mass = np.cumsum(np.where(filled > 3 * noise, filled, 0).sum(axis=0))
    if not mass[-1] > 0:
        mass = np.arange(1.0, image.shape[1] + 1)
    return [int(np.searchsorted(mass, part * mass[-1])) for part in parts]


class Projectors:
    """The operators made so far, by geometry; the two used last are kept."""

    def __init__(self) -> None:
        self._made: dict[tuple[bytes, int], Projector] = {}

    def get(self, tilts_deg: np.ndarray, ny: int) -> Projector:
        """Return the operator for slices of ny x ny px."""
        key = (np.asarray(tilts_deg, float).tobytes(), ny)
        found = self._made.pop(key, None) or make_projector(tilts_deg, ny, ny)
        self._made[key] = found
        while len(self._made) > 2:
            del self._made[next(iter(self._made))]
        return found


class AxisPreview:
    """Slices of a series as it would be after turning by an angle and moving by a shift.

    Parameters
    ----------
    signal
        A TomoStack with tilts.
    factor
        Binning of the preview; the axis stays in the middle whatever the size. A factor larger
        than the image is 1.
    projectors
        Where operators are kept from one preview to the next.

    Notes
    -----
    A vacuum level that is far from zero is taken off, so that the slices can be judged.
    """

    def __init__(self, signal: Any, factor: int = 1, projectors: Projectors | None = None) -> None:
        origin, self._frame = signal._origin(), signal._frame
        self.good = ~signal.excluded & ~blank_frames(np.asarray(signal.data))
        self._source = origin.select(np.flatnonzero(self.good))
        self.tilts_deg = signal.tilts.data.ravel()[self.good].astype(float)
        self.vacuum = vacuum_to_lift(signal)
        self.wanted = factor
        self.factor = factor if factor <= min(*self._source.shape, *self._frame.shape) else 1
        self.size = self._frame.shape[0] // self.factor
        self._dead: dict[int, np.ndarray] = {}
        self._splines = [self._spline(i, row) for i, row in enumerate(self._source.rows)]
        self._projectors = projectors or Projectors()

    def _spline(self, i: int, row: int) -> np.ndarray:
        """Return the coefficients of an image's cubic spline; NaN is patched and remembered."""
        image = np.asarray(self._source.pixels[row], np.float32) - np.float32(self.vacuum)
        if self.factor > 1:
            image = bin_mean(image[None], self.factor)[0]
        dead = ~np.isfinite(image)
        if dead.any():
            self._dead[i] = dead.astype(np.float32)
            if dead.all():
                image = np.zeros_like(image)
            else:
                near = ndimage.distance_transform_edt(
                    dead, return_distances=False, return_indices=True
                )
                image = image[tuple(near)]
        padded = np.pad(image, PAD, mode="edge")
        return ndimage.spline_filter(padded, order=3, output=np.float32, mode="nearest")

    @property
    def projector(self) -> Projector:
        """The operator of these slices."""
        return self._projectors.get(self.tilts_deg, self.size)

    def sinograms(
        self, columns: Sequence[float] | np.ndarray, shift: float, angle: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return sinograms and weights of some columns of the turned and moved images.

        Parameters
        ----------
        columns
            Positions x in px of the current images.
        shift
            Movement along y in px, after the rotation.
        angle
            Rotation in degrees.

        Returns
        -------
        tuple of numpy.ndarray
            float32 (columns, n, size) each; weight 0 and value 0 where nothing was measured.
        """
        frame = self._frame.tilted(angle, shift)
        transforms = frame.transforms[self.good]
        back = np.linalg.inv(self._source.matrices(transforms))
        acquired = np.linalg.inv(transforms)
        rows = (self._frame.shape[0] - 1) / 2 + self.factor * (
            np.arange(self.size) - (self.size - 1) / 2
        )
        x, y = np.meshgrid(np.asarray(columns, float), rows, indexing="ij")
        points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        shape = (len(self._splines), len(columns), self.size)
        values, known = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for i, spline in enumerate(self._splines):
            place = (back[i] @ points)[1::-1]
            inside = _within(place, self._source.shape) & _within(
                (acquired[i] @ points)[1::-1], self._frame.acquired
            )
            # The middle of the first block of k pixels lies at (k - 1) / 2.
            place = (place - (self.factor - 1) / 2) / self.factor
            if i in self._dead:
                touched = ndimage.map_coordinates(self._dead[i], place, order=1, mode="nearest")
                inside &= touched <= DEAD
            found = ndimage.map_coordinates(
                spline, place + PAD, order=3, mode="nearest", prefilter=False, output=np.float32
            )
            values[i] = np.where(inside, found, 0).reshape(shape[1:])
            known[i] = inside.reshape(shape[1:])
        sinograms, weights = (np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (values, known))
        return sinograms, weights

    def slices(
        self, columns: Sequence[float] | np.ndarray, shift: float, angle: float, sirt: int = 0
    ) -> np.ndarray:
        """Return the reconstructed slices.

        Parameters
        ----------
        columns, shift, angle
            As for `sinograms`.
        sirt
            Iterations of SIRT; 0 takes filtered back-projection.

        Returns
        -------
        numpy.ndarray
            float32, (columns, size, size): slice, z, y.
        """
        values, weights = self.sinograms(columns, shift, angle)
        if sirt:
            found = solvers.sirt(self.projector, values, iterations=sirt, weights=weights)
            return found.volume
        return solvers.fbp(self.projector, values, self.tilts_deg, weights=weights)


def _within(place: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    low, high = -0.5 - WHOLE, np.array(shape)[:, None] - 0.5 + WHOLE
    return np.asarray(((place >= low) & (place <= high)).all(axis=0))
