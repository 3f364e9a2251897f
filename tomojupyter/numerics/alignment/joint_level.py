"""One binning of a series: its images moved to the current alignment, and what they weigh."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from tomojupyter.numerics.aligned import zeros
from tomojupyter.numerics.images.filters import bin_mean

HALF = np.dtype(np.float16)  # is fine enough for weights
EDGE = 2.0  # px over which pixels at the edge of an image gain weight


@dataclass(frozen=True)
class Pose:
    """How the images lie: (n, 2) shifts (y, x) in px, then a turn by degrees about the centre."""

    shifts: np.ndarray
    angle_deg: float

    def moved(self, moves: np.ndarray, turn_deg: float) -> Pose:
        """Return the pose after a turn of the aligned images, then moves (n, 2) of them."""
        before, after = _turn(self.angle_deg), _turn(self.angle_deg + turn_deg)
        placed = self.shifts[:, ::-1] @ (_turn(turn_deg) @ before).T + moves[:, ::-1]
        return replace(self, shifts=(placed @ after)[:, ::-1], angle_deg=self.angle_deg + turn_deg)


def _turn(angle_deg: float) -> np.ndarray:
    a = math.radians(angle_deg)
    return np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])


class Level:
    """The images binned by a factor.

    Parameters
    ----------
    images
        float32 (n, ny, nx), finite, vacuum at 0.
    known
        bool (n, ny, nx).
    factor
        Binning.
    height
        Rows of the aligned images, in full px.
    pieces
        First and last (exclusive) columns of the aligned images to work on, in px of the level.
        None: all.
    """

    def __init__(
        self,
        images: np.ndarray,
        known: np.ndarray,
        factor: int,
        height: int,
        pieces: list[tuple[int, int]] | None = None,
    ) -> None:
        self.factor = factor
        self.full = images.shape[1:]
        self.whole = (-(-height // factor), -(-self.full[1] // factor))
        self.pieces = [(0, self.whole[1])] if pieces is None else pieces
        self.columns = np.concatenate([np.arange(*p) for p in self.pieces])
        self.shape = (self.whole[0], len(self.columns))
        # Where two pieces meet there is no gradient along x.
        inner = np.ones(len(self.columns), np.float32)
        ends = np.cumsum([b - a for a, b in self.pieces])[:-1]
        inner[ends] = inner[ends - 1] = 0
        self.inner = inner
        self.size = (self.full[0] // factor, self.full[1] // factor)
        self._splines = zeros((len(images), *self.size))
        for spline, image in zip(self._splines, images, strict=True):
            ndimage.spline_filter(_binned(image, factor), 3, output=spline, mode="mirror")
        self._known = None
        if not known.all():
            self._known = [_binned(k.astype(np.float32), factor) > 0.999 for k in known]

    def _source(self, pose: Pose, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return matrix and offset from an aligned (y, x) to a binned acquired one."""
        b = self.factor
        back = _turn(-pose.angle_deg)[::-1, ::-1]  # acts on (y, x)
        middle = (np.array(self.whole) - 1) / 2
        centre = (np.array(self.full) - 1) / 2 - (b - 1) / 2
        offset = (centre - pose.shifts[i]) / b - back @ middle
        return back, offset

    def moved(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """Return the images in their pose, float32 (n, ny, nx), and weights, float16, 0 to 1."""
        n = len(self._splines)
        images, weights = zeros((n, *self.shape)), zeros((n, *self.shape), HALF)
        for i in range(n):
            matrix, offset = self._source(pose, i)
            first = 0
            for start, stop in self.pieces:
                part = np.s_[i, :, first : first + stop - start]
                at = offset + matrix[:, 1] * start
                images[part], weights[part] = self._piece(i, matrix, at, stop - start)
                first += stop - start
        images[weights == 0] = 0
        return images, weights

    def _piece(
        self, i: int, matrix: np.ndarray, offset: np.ndarray, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return some columns of one image, and their weights."""
        shape = (self.shape[0], width)
        image = ndimage.affine_transform(
            self._splines[i], matrix, offset, output_shape=shape, output=np.float32,
            order=3, mode="mirror", prefilter=False,
        )  # fmt: skip
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        y = matrix[0, 0] * rows + matrix[0, 1] * columns + offset[0]
        x = matrix[1, 0] * rows + matrix[1, 1] * columns + offset[1]
        inside = np.minimum(y, self.size[0] - 1 - y)
        np.minimum(inside, np.minimum(x, self.size[1] - 1 - x), out=inside)
        weight = np.clip(inside / EDGE + 0.25, 0, 1)
        if self._known is not None and not self._known[i].all():
            seen = ndimage.affine_transform(
                self._known[i].astype(np.float32), matrix, offset, output_shape=shape,
                order=1, mode="nearest",
            )  # fmt: skip
            weight *= seen > 0.99
        return image, weight


def _binned(image: np.ndarray, factor: int) -> np.ndarray:
    return image if factor == 1 else bin_mean(image, factor)
