"""State of a reconstruction with total variation: iterate, extrapolated point, dual field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomojupyter.numerics.reconstruction.iterative import State
from tomojupyter.numerics.reconstruction.tv_fields import Field, make_field

if TYPE_CHECKING:
    from collections.abc import Callable

FASTER = 40  # iterations in which the momentum grows; then it decays, or it would go on swinging
SLOWER = 30.0  # iterations in which it decays by e, down to that of the third iteration
LEAST = 3.0


class TotalVariation(State):
    """Iterate, extrapolated point and dual field of each block.

    The residuals of the blocks are those of the extrapolated points.
    """

    def begin(self, weight: float, beat: Callable[[int], None]) -> None:
        """Load all blocks and compute what all iterations need."""
        blocks = range(len(self.blocks))
        self.points, self.images = self._parts(), self._parts()
        self.fields: list[Field] = [None] * len(blocks)  # type: ignore[list-item]  # load fills it
        self.firsts, self.lasts = self._parts(), self._parts()
        self.sums = [(0.0, 0.0)] * len(blocks)
        self.workers.run(self.load, blocks, beat)
        self.start(beat)
        self.use(weight)

    def load(self, i: int) -> None:
        """Load a block, and make its point and its field."""
        super().load(i)
        k = self.blocks[i].stop - self.blocks[i].start
        self.points[i] = self.projector.slices(k)
        self.points[i][...] = self.volumes[i]
        mask = self.masks[i]
        if mask is not None and len(mask) != len(self.volumes[i]):
            inside = self.projector.slices(k)
            inside[...] = mask
            mask = self.masks[i] = inside
        lowest, highest = self.problem.lowest, self.problem.highest
        limits = (-np.inf if lowest is None else lowest, np.inf if highest is None else highest)
        self.fields[i] = make_field(self.volumes[i], k, limits, mask)
        self.images[i] = self.projector.sinograms(k)
        self.images[i][...] = self.residuals[i]

    def start(self, beat: Callable[[int], None]) -> None:
        """Compute the step: one for all voxels, that no data can make too long."""
        ones = np.ones((1, *self.projector.slice_shape), np.float32)
        most = np.zeros(self.projector.sinogram_shape, np.float32)
        for block, weights in zip(self.blocks, self.weights, strict=True):
            part = 1 if weights is None else weights[: block.stop - block.start].max(axis=0)
            np.maximum(most, part, out=most)

        def steepest(one: np.ndarray) -> float:
            return float(self.projector.back(self.projector.forward(one) * most).max())

        steep = self.workers.run(steepest, [ones], beat)[0]
        self.step = self.problem.relaxation / steep if steep > 0 else 0.0
        self.factors = np.full(self.projector.slice_shape, self.step, np.float32)

    def use(self, weight: float) -> None:
        """Use a weight from here on, and forget the speed."""
        self.bound = self.projector.sinogram_shape[0] * weight * self.step
        self.pace, self.momentum, self.since = 1.0, 0.0, 0

    def hasten(self) -> float:
        """Return the momentum of the next iteration; it depends on nothing but their number."""
        self.since += 1
        if self.since > FASTER:
            self.pace = max(LEAST, self.pace * np.exp(-1 / SLOWER))
            return float((self.pace - 1) / (self.pace + 0.5))
        faster = (1 + np.sqrt(1 + 4 * self.pace**2)) / 2
        momentum, self.pace = (self.pace - 1) / faster, faster
        return float(momentum)

    def advance(self, beat: Callable[[int], None]) -> tuple[float, float]:
        """Take one iteration; return the residual, and the relative change of the volume."""
        blocks = range(len(self.blocks))
        self.momentum = self.hasten()
        self.workers.run(self.correct_point, blocks, beat)
        self.workers.run(self.ascend, blocks, beat)
        for field, last in zip(self.fields, self.lasts, strict=True):
            field.last = last
        squares = self.workers.run(self.sweep, blocks, beat)
        change, size = np.sum(self.sums, axis=0)
        moved = float(np.sqrt(change / size)) if size else 0.0
        return float(np.sqrt(np.sum(squares))), moved

    def _before(self, i: int) -> np.ndarray:
        return self.fields[i - 1].last if i else self.fields[i].none

    def correct_point(self, i: int) -> None:
        """Take the step along the residual."""
        weighted, weights = self.residuals[i], self.weights[i]
        if weights is not None:
            weighted *= weights  # in place: the sweep computes the residual again
        self.projector.correct(self.points[i], weighted, self.factors)
        self.firsts[i] = self.fields[i].first(self.points[i], self._before(i))

    def ascend(self, i: int) -> None:
        """Change the field; what neighbours see of it stays until all have changed theirs."""
        after = self.firsts[i + 1] if i + 1 < len(self.blocks) else None
        self.lasts[i] = self.fields[i].ascend(self.points[i], self._before(i), after, self.bound)

    def change(self, i: int) -> None:
        """Set the iterate to the proximal point, and the point to one beyond it."""
        self.sums[i] = self.fields[i].descend(
            self.points[i], self.volumes[i], self._before(i), self.momentum
        )

    def sweep(self, i: int) -> float:
        """Finish an iteration of a block; return its squared residual."""
        self.change(i)
        residual, image, weights = self.residuals[i], self.images[i], self.weights[i]
        self.projector.residual(self.points[i], self.sinograms[i], residual)
        if weights is not None:
            residual[weights == 0] = 0
        # Projection is linear: the residual of the iterate, `image`, follows from two points.
        image *= np.float32(self.momentum)
        image += residual
        image *= np.float32(1 / (1 + self.momentum))
        k = self.blocks[i].stop - self.blocks[i].start
        squares = 0.0
        for tilt in range(image.shape[1]):
            seen = image[:k, tilt].astype(np.float64)
            if weights is not None:
                seen *= weights[:k, tilt]
            squares += float(np.vdot(seen, seen))
        return squares

    def result(self) -> np.ndarray:
        """Return the iterate as one array."""
        for part in (self.points, self.images, self.fields):
            part.clear()
        return super().result()
