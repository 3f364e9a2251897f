"""Trim: crop, leave projections out, bin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.images.filters import bin_mean
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("trim", "crop")
class Crop(Step):
    """Keep a box of every image; negative ends count from the far side, as in Python."""

    left: int | None = param(None, "first column kept", unit="px", auto="the left edge")
    right: int | None = param(None, "column after the last kept", unit="px", auto="the right edge")
    top: int | None = param(None, "first row kept", unit="px", auto="the top edge")
    bottom: int | None = param(None, "row after the last kept", unit="px", auto="the bottom edge")

    def resolve(self, signal: Any) -> Self:
        """Turn missing and negative ends into columns and rows."""
        ny, nx = signal._frame.shape
        left, right = ends("column", self.left, self.right, nx)
        top, bottom = ends("row", self.top, self.bottom, ny)
        return self.replace(left=left, right=right, top=top, bottom=bottom)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the cropped stack."""
        frame = signal._frame.cropped(self.left, self.right, self.top, self.bottom)
        return Outcome(signal._moved(frame))


def ends(what: str, low: int | None, high: int | None, n: int) -> tuple[int, int]:
    """Return the ends of a range within `n`; None is an edge, negative counts from the far one."""
    first = 0 if low is None else low + n if low < 0 else low
    last = n if high is None else high + n if high < 0 else high
    if not (0 <= first < n and 0 < last <= n):
        given = f"from {low}" if high is None else f"{low} to {high}"
        given = f"up to {high}" if low is None else given
        raise ParameterError(
            f"{what}s {given} do not lie in the image: it has {what}s 0 to {n - 1}"
        )
    if last <= first:
        raise ParameterError(
            f"{what}s {first} to {last} leave nothing: the end must be larger than the start"
        )
    return first, last


@step("trim", "select_projections")
class SelectProjections(Step):
    """Keep some projections, in the order of the file."""

    projections: tuple[int, ...] = param(help="indices of the projections to keep")

    def resolve(self, signal: Any) -> Self:
        """Turn negative indices into positive ones."""
        return self.replace(projections=indices(self.projections, signal._n))

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack of these projections."""
        return Outcome(signal._moved(signal._frame.selected(self.projections), self.projections))


@step("trim", "remove_projections")
class RemoveProjections(Step):
    """Leave some projections out."""

    projections: tuple[int, ...] = param(help="indices of the projections to leave out")

    def resolve(self, signal: Any) -> Self:
        """Turn negative indices into positive ones."""
        return self.replace(projections=indices(self.projections, signal._n))

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack without these projections."""
        keep = np.setdiff1d(np.arange(signal._n), self.projections)
        if not len(keep):
            raise ParameterError(f"all {signal._n} projections would be left out: keep some")
        return Outcome(signal._moved(signal._frame.selected(keep), keep))


def indices(given: tuple[int, ...], n: int) -> tuple[int, ...]:
    """Return indices of some of `n` projections, negative ones counted from the end."""
    if not given:
        raise ParameterError("projections must name at least one projection, got an empty list")
    whole = []
    for index in given:
        if index != int(index) or not -n <= index < n:
            raise ParameterError(f"there is no projection {index}: they count from 0 to {n - 1}")
        whole.append(int(index) % n)
    twice = sorted({i for i in whole if whole.count(i) > 1})
    if twice:
        raise ParameterError(f"projection {twice[0]} was named more than once")
    return tuple(whole)


@step("trim", "bin")
class Bin(Step):
    """Replace blocks of pixels by their mean; an incomplete rest at the far ends is cut off."""

    factor: int = param(2, "pixels of a block along x and along y", unit="px", ge=1)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the binned stack."""
        ny, nx = signal._frame.shape
        if self.factor > min(ny, nx):
            raise ParameterError(
                f"factor {self.factor} px is larger than the image ({nx} x {ny} px)"
            )
        frame = signal._frame.binned(self.factor, self.factor)
        images = bin_mean(signal.data, self.factor)
        return Outcome(signal._replaced(images, frame))


@step("trim", "rebin")
class Rebin(Step):
    """Replace blocks of pixels by their sum, as HyperSpy's rebin does."""

    factor_y: int = param(2, "rows of a block", unit="px", ge=1)
    factor_x: int = param(2, "columns of a block", unit="px", ge=1)

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the rebinned stack."""
        ny, nx = signal._frame.shape
        if self.factor_y > ny or self.factor_x > nx:
            raise ParameterError(
                f"blocks of {self.factor_x} x {self.factor_y} px are larger than the image "
                f"({nx} x {ny} px)"
            )
        frame = signal._frame.binned(self.factor_y, self.factor_x)
        rows, columns = frame.shape
        blocks = signal.data[:, : rows * self.factor_y, : columns * self.factor_x]
        blocks = blocks.reshape(len(blocks), rows, self.factor_y, columns, self.factor_x)
        images = blocks.sum(axis=(2, 4), dtype=np.float64).astype(np.float32)
        return Outcome(signal._replaced(images, frame))
