"""Apply one series' alignment to another of the same tilts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tomojupyter.errors import DataError
from tomojupyter.numerics.geometry import Frame, diagonal
from tomojupyter.steps.base import Outcome, Step, param, step

if TYPE_CHECKING:
    from tomojupyter.monitor import Monitor


@step("align_other", "numbers")
class AlignOther(Step):
    """Set the alignment of a stack to the numbers found on another, in its own pixels."""

    shifts: tuple[tuple[float, float], ...] = param(help="shifts (y, x)", unit="acquired px")
    tiltaxis: float = param(0.0, "angle of the tilt axis", unit="deg")
    xshift: float = param(0.0, "global move along x", unit="acquired px")
    yshift: float = param(0.0, "global move along -y", unit="acquired px")
    scale: tuple[float, float] = param((1.0, 1.0), "current per acquired pixel (x, y)")
    offset: tuple[float, float] = param((0.0, 0.0), "current position of the acquired origin")
    turns: int = param(0, "quarter turns of the acquired images before all else", ge=0, le=3)
    shape: tuple[int, int] = param(help="size (y, x) of the result", unit="px")
    shift_type: str = param(
        "interp", "how pixels are moved", choices=("interp", "fourier"), advanced=True
    )

    @classmethod
    def between(cls, ours: Any, other: Any, shift_type: str = "interp") -> Self:
        """Work out the numbers.

        Raises
        ------
        DataError
            If the nominal tilts differ or the fields of view have nothing in common.
        """
        _same_tilts(ours.nominal_tilts, other.nominal_tilts)
        frame = ours._frame
        if frame.turns != other._frame.turns:
            other = other._turned(frame.turns - other._frame.turns)
        theirs = other._frame
        pixel = (1 / theirs.scale[0], 1 / theirs.scale[1])
        new = frame.transferred(theirs.acquired, _pixel_map(ours, other), pixel)
        return cls(
            shifts=tuple((float(y), float(x)) for y, x in new.shifts),
            tiltaxis=new.tiltaxis,
            xshift=new.xshift,
            yshift=new.yshift,
            scale=new.scale,
            offset=new.offset,
            turns=new.turns,
            shape=new.shape,
            shift_type=shift_type,
        )

    def apply(self, signal: Any, monitor: Monitor, **options: Any) -> Outcome:
        """Return the stack with this alignment."""
        if len(self.shifts) != signal._n:
            raise DataError(
                f"the alignment is for {len(self.shifts)} projections, this stack has {signal._n}"
            )
        frame = Frame(
            acquired=signal._frame.acquired,
            shape=(int(self.shape[0]), int(self.shape[1])),
            shifts=np.asarray(self.shifts, float).reshape(-1, 2),
            tiltaxis=self.tiltaxis,
            xshift=self.xshift,
            yshift=self.yshift,
            scale=self.scale,
            offset=self.offset,
            turns=self.turns,
        )
        return Outcome(signal._moved(frame, shift_type=self.shift_type))


def _same_tilts(ours: np.ndarray, other: np.ndarray) -> None:
    if len(ours) != len(other):
        raise DataError(
            f"the aligned stack has {len(ours)} projections, the other {len(other)}: "
            "leave the same ones out of both"
        )
    wrong = np.flatnonzero(~(np.abs(ours - other) <= 0.01))
    if len(wrong):
        i = int(wrong[0])
        raise DataError(
            f"the tilts differ, first at projection #{i}: {ours[i]:.2f}° and {other[i]:.2f}°; "
            "both stacks must hold the same tilts in the same order"
        )


def _pixel_map(ours: Any, other: Any) -> np.ndarray:
    """Return the (3, 3) matrix from the other's acquired pixels to ours."""
    scale, offset = [], []
    for k, (axis, theirs) in enumerate(zip(_xy(ours), _xy(other), strict=True)):
        if axis.units != theirs.units and "<undefined>" not in (str(axis.units), str(theirs.units)):
            raise DataError(
                f"the pixels are in different units ({axis.units} and {theirs.units}): "
                "use set_scale on one of them"
            )
        mine, yours = _acquired_axis(ours, axis, k), _acquired_axis(other, theirs, k)
        n, m = ours._frame.upright[1 - k], other._frame.upright[1 - k]
        ratio = yours[0] / mine[0]
        coarse = max(mine[0], yours[0])
        if abs(n * mine[0] - m * yours[0]) <= coarse:
            scale.append(n / m)
            offset.append((0.5 * n / m) - 0.5)
            continue
        start = (yours[1] - mine[1]) / mine[0]
        low, high = start, start + (m - 1) * ratio
        if high < 0 or low > n - 1:
            raise DataError("the two series have no common field of view: check the axis offsets")
        scale.append(ratio)
        offset.append(start)
    if abs(scale[0] / scale[1] - 1) > 1e-2:
        raise DataError(
            f"the pixel sizes differ by {scale[0]:.4g} along x but {scale[1]:.4g} along y: "
            "check the pixel sizes of both"
        )
    if scale[0] != scale[1]:
        mean = (scale[0] + scale[1]) / 2
        middle = [(other._frame.upright[1 - k] - 1) / 2 for k in (0, 1)]
        offset = [offset[k] + (scale[k] - mean) * middle[k] for k in (0, 1)]
        scale = [mean, mean]
    return diagonal(scale, offset)


def _xy(signal: Any) -> tuple[Any, Any]:
    return tuple(signal.axes_manager.signal_axes)  # type: ignore[return-value]


def _acquired_axis(signal: Any, axis: Any, k: int) -> tuple[float, float]:
    """Return scale and offset of the acquired pixels along x (k = 0) or y (k = 1)."""
    frame = signal._frame
    size = axis.scale * frame.scale[k]
    return size, axis.offset + axis.scale * frame.offset[k]
