"""The geometry convention, the frame of a stack, and the one interpolator.

Convention (cited everywhere else). A stack is ``(tilt, y, x)`` and the tilt axis runs along x,
through row ``(ny - 1) / 2``. A point ``(x, y, z)``, measured from the rotation centre, appears
at tilt ``t`` on row ``y cos t + z sin t``. A volume is ``(x, z, y)`` with
``z = (nz - 1) / 2 - iz``. Matrices are homogeneous and act on pixel coordinates ``(x, y, 1)``,
pixel centres at whole numbers; the centre of an n-pixel axis is ``(n - 1) / 2``. A positive
angle turns +x towards +y.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomojupyter.errors import ParameterError
from tomojupyter.numerics.gaps import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WHOLE = 1e-6  # a translation closer than this to whole pixels copies pixels


def centre(n: int) -> float:
    """Return the rotation centre of an axis of `n` pixels."""
    return (n - 1) / 2


def translation(x: float, y: float) -> np.ndarray:
    """Return the (3, 3) matrix that moves content by `x` and `y` px."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def diagonal(scale: Sequence[float], offset: Sequence[float]) -> np.ndarray:
    """Return the (3, 3) matrix ``(x, y) -> scale * (x, y) + offset``."""
    return np.array([[scale[0], 0.0, offset[0]], [0.0, scale[1], offset[1]], [0.0, 0.0, 1.0]])


def quarter_turn(turns: int, shape: Sequence[int]) -> np.ndarray:
    """Return the (3, 3) matrix of `turns` quarter turns that fill the turned image exactly."""
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns % 4]
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    ny, nx = shape[::-1] if turns % 2 else shape
    middle = translation(-centre(shape[1]), -centre(shape[0]))
    return translation(centre(nx), centre(ny)) @ turn @ middle


def rotation(angle_deg: float, shape: Sequence[int]) -> np.ndarray:
    """Return the (3, 3) rotation about the pixel-grid centre of images of `shape` (ny, nx)."""
    a = math.radians(angle_deg)
    x, y = centre(shape[1]), centre(shape[0])
    turn = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1.0]])
    return translation(x, y) @ turn @ translation(-x, -y)


@dataclass(frozen=True)
class Frame:
    """How acquired pixels became the current ones: ``transforms[i] = B . G . T(shifts[i]) . Q``.

    ``Q`` is a whole number of quarter turns, which puts the tilt axis nearest to x; what comes
    after it counts in turned pixels. ``T`` shifts them, ``G`` is one rigid motion about the
    pixel-grid centre, ``B`` is crop and binning.

    Parameters
    ----------
    acquired
        Shape (ny, nx) of the acquired images.
    shape
        Shape (ny, nx) of the current images.
    shifts
        (n, 2) shifts (y, x) in acquired px, applied to the acquired and turned images.
    tiltaxis
        Angle of ``G`` in degrees.
    xshift, yshift
        Translation of ``G`` in acquired px, with ETSpy's signs: content moves by
        ``(xshift, -yshift)`` after the rotation.
    scale, offset
        ``B`` maps (x, y) to ``scale * (x, y) + offset``.
    turns
        Quarter turns of ``Q``, 0 to 3.
    """

    acquired: tuple[int, int]
    shape: tuple[int, int]
    shifts: np.ndarray
    tiltaxis: float = 0.0
    xshift: float = 0.0
    yshift: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    turns: int = 0

    @classmethod
    def identity(cls, n: int, shape: tuple[int, int]) -> Frame:
        """Return the frame of `n` images just acquired."""
        return cls(acquired=shape, shape=shape, shifts=np.zeros((n, 2)))

    @property
    def upright(self) -> tuple[int, int]:
        """Shape (ny, nx) of the acquired images after the quarter turns."""
        ny, nx = self.acquired
        return (nx, ny) if self.turns % 2 else (ny, nx)

    @property
    def rigid(self) -> np.ndarray:
        """The (3, 3) matrix G."""
        return translation(self.xshift, -self.yshift) @ rotation(self.tiltaxis, self.upright)

    @property
    def box(self) -> np.ndarray:
        """The (3, 3) matrix B."""
        return diagonal(self.scale, self.offset)

    @property
    def transforms(self) -> np.ndarray:
        """The (n, 3, 3) matrices, acquired to current pixels."""
        moves = np.tile(np.eye(3), (len(self.shifts), 1, 1))
        moves[:, 0, 2] = self.shifts[:, 1]
        moves[:, 1, 2] = self.shifts[:, 0]
        return (self.box @ self.rigid) @ moves @ quarter_turn(self.turns, self.acquired)

    def _with_rigid(self, matrix: np.ndarray) -> Frame:
        """Return this frame with the rigid motion `matrix` as G."""
        angle = math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))
        rest = matrix @ np.linalg.inv(rotation(angle, self.upright))
        return replace(self, tiltaxis=angle, xshift=float(rest[0, 2]), yshift=-float(rest[1, 2]))

    def cropped(self, left: int, right: int, top: int, bottom: int) -> Frame:
        """Keep columns `left` to `right` and rows `top` to `bottom` (ends exclusive)."""
        return replace(
            self,
            shape=(bottom - top, right - left),
            offset=(self.offset[0] - left, self.offset[1] - top),
        )

    def binned(self, factor_y: int, factor_x: int) -> Frame:
        """Replace blocks of pixels by one; an incomplete rest at the far ends is cut off."""
        sx, sy = self.scale
        ox, oy = self.offset
        return replace(
            self,
            shape=(self.shape[0] // factor_y, self.shape[1] // factor_x),
            scale=(sx / factor_x, sy / factor_y),
            offset=(
                (ox - (factor_x - 1) / 2) / factor_x,
                (oy - (factor_y - 1) / 2) / factor_y,
            ),
        )

    def registered(self, shifts: np.ndarray) -> Frame:
        """Apply (n, 2) shifts (y, x), measured in current px, folded back into ``T`` (exact)."""
        inverse = np.linalg.inv((self.box @ self.rigid)[:2, :2])
        moved = np.asarray(shifts, float)[:, ::-1] @ inverse.T
        return replace(self, shifts=self.shifts + moved[:, ::-1])

    def tilted(self, angle: float, shift: float) -> Frame:
        """Rotate the current images by `angle` degrees, then move them by `shift` px in y."""
        if angle and not math.isclose(*self.scale, rel_tol=1e-9):
            raise ParameterError(
                f"x and y are binned differently ({1 / self.scale[0]:g} and "
                f"{1 / self.scale[1]:g} times), so a rotation would shear the images; "
                "bin both alike before aligning the tilt axis"
            )
        motion = translation(0, shift) @ rotation(angle, self.shape)
        return self._with_rigid(np.linalg.inv(self.box) @ motion @ self.box @ self.rigid)

    def turned(self, turns: int) -> Frame:
        """Turn the current images by quarter turns, folded back into ``Q`` (exact)."""
        before, current = quarter_turn(turns, self.upright), quarter_turn(turns, self.shape)
        box = current @ self.box @ np.linalg.inv(before)
        odd = turns % 2 == 1
        frame = replace(
            self,
            shape=self.shape[::-1] if odd else self.shape,
            shifts=(self.shifts[:, ::-1] @ before[:2, :2].T)[:, ::-1],
            scale=(float(box[0, 0]), float(box[1, 1])),
            offset=(float(box[0, 2]), float(box[1, 2])),
            turns=(self.turns + turns) % 4,
        )
        return frame._with_rigid(before @ self.rigid @ np.linalg.inv(before))

    def selected(self, index: Sequence[int]) -> Frame:
        """Keep the projections in `index`."""
        return replace(self, shifts=self.shifts[np.asarray(index, int)])

    def transferred(
        self, acquired: tuple[int, int], to_ours: np.ndarray, pixel: tuple[float, float]
    ) -> Frame:
        """Return the same alignment for another stack of the same series.

        Parameters
        ----------
        acquired
            Acquired shape (ny, nx) of the other stack.
        to_ours
            (3, 3) diagonal matrix from the other's acquired pixels to ours, both turned.
        pixel
            Size (x, y) of the other's current pixels in acquired pixels of its own.
        """
        back = np.linalg.inv(to_ours)
        # Edges of our current field, as positions in the other's acquired pixels.
        corners = np.array([[-0.5, self.shape[1] - 0.5], [-0.5, self.shape[0] - 0.5], [1, 1]])
        low, high = (back @ np.linalg.inv(self.box) @ corners)[:2].T
        nx, ny = (max(1, round((high[k] - low[k]) / pixel[k])) for k in (0, 1))
        scale = (1 / pixel[0], 1 / pixel[1])
        offset = (-0.5 - low[0] * scale[0], -0.5 - low[1] * scale[1])
        frame = Frame(
            acquired=acquired,
            shape=(ny, nx),
            shifts=self.shifts / (to_ours[1, 1], to_ours[0, 0]),
            scale=scale,
            offset=offset,
            turns=self.turns,
        )
        return frame._with_rigid(back @ self.rigid @ to_ours)


def _inverse_in_rows(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and offset that take an output (y, x) to a source (y, x)."""
    inverse = np.linalg.inv(matrix)
    return inverse[:2, :2][::-1, ::-1], inverse[:2, 2][::-1]


def covered(
    matrices: np.ndarray, source_shape: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Return which pixels have a measured pixel under them.

    Parameters
    ----------
    matrices
        (n, 3, 3), source to output pixels.
    source_shape, shape
        (ny, nx) of the source and of the output.

    Returns
    -------
    numpy.ndarray
        bool, (n, ny, nx).
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    mask = np.empty((len(matrices), *shape), bool)
    low, last = -0.5 - WHOLE, np.array(source_shape) - 0.5 + WHOLE
    for i, matrix in enumerate(matrices):
        linear, offset = _inverse_in_rows(matrix)
        y = linear[0, 0] * rows + linear[0, 1] * columns + offset[0]
        x = linear[1, 0] * rows + linear[1, 1] * columns + offset[1]
        mask[i] = (y >= low) & (x >= low)
        mask[i] &= (y <= last[0]) & (x <= last[1])
    return mask


def is_copy(matrix: np.ndarray) -> bool:
    """Tell whether `matrix` moves by whole pixels only."""
    linear = np.abs(matrix[:2, :2] - np.eye(2)).max()
    move = matrix[:2, 2]
    return bool(linear < WHOLE and np.abs(move - np.round(move)).max() < WHOLE)


def _copy(image: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> None:
    """Copy pixels moved by whole numbers into `out`, leaving the rest of it."""
    dx, dy = (round(float(v)) for v in matrix[:2, 2])
    top, bottom = max(0, dy), min(out.shape[0], image.shape[0] + dy)
    left, right = max(0, dx), min(out.shape[1], image.shape[1] + dx)
    if bottom > top and right > left:
        out[top:bottom, left:right] = image[top - dy : bottom - dy, left - dx : right - dx]


def _fourier(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Shift by a phase ramp, on an image mirrored at its edges (order `reflect`)."""
    pad = 16
    padded = np.pad(image.astype(float), pad, mode="symmetric")
    moved = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(padded), matrix[:2, 2][::-1])).real
    whole = moved[pad:-pad, pad:-pad]
    out = np.zeros(shape)
    _copy(whole, np.eye(3), out)
    return out


def _spline(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Interpolate by a cubic spline."""
    linear, offset = _inverse_in_rows(matrix)
    return ndimage.affine_transform(
        image, linear, offset, output_shape=shape, order=3, mode="nearest", output=np.float32
    )


def resample(
    images: np.ndarray,
    matrices: np.ndarray,
    shape: tuple[int, int],
    *,
    fill: float = 0.0,
    shift_type: str = "interp",
) -> np.ndarray:
    """Move every image by its own matrix, with one interpolation at most.

    Parameters
    ----------
    images
        (n, ny, nx), any real type; NaN marks dead pixels.
    matrices
        (n, 3, 3), source to output pixels.
    shape
        (ny, nx) of the output.
    fill
        Value of pixels that no source pixel covers.
    shift_type
        ``"interp"``: cubic spline. ``"fourier"``: phase ramp where the matrix is a pure
        translation of at most 16 px beyond the output's edge, the spline elsewhere.

    Returns
    -------
    numpy.ndarray
        float32, (n, *shape). A move by whole pixels copies them exactly. A NaN spreads over
        the pixels next to it at most.
    """
    out = np.full((len(images), *shape), fill, np.float32)

    def one(i: int) -> None:
        image, matrix = images[i], matrices[i]
        if is_copy(matrix):
            _copy(image, matrix, out[i])
            return
        image = np.asarray(image, np.float32)
        dead = ~np.isfinite(image)
        if dead.any():
            image = filled(image, dead)
        pure = np.abs(matrix[:2, :2] - np.eye(2)).max() < WHOLE
        near = np.abs(matrix[:2, 2]).max() <= 16 and tuple(shape) == image.shape
        method: Callable[..., np.ndarray] = (
            _fourier if shift_type == "fourier" and pure and near else _spline
        )
        moved = method(image, matrix, shape)
        inside = covered(matrix[None], image.shape, shape)[0]
        out[i][inside] = moved[inside]
        if dead.any():
            linear, offset = _inverse_in_rows(matrix)
            touched = ndimage.affine_transform(
                dead.astype(np.float32), linear, offset, output_shape=shape, order=1, mode="nearest"
            )
            out[i][inside & (touched > 1e-3)] = np.nan

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, range(len(images))))
    return out


def common_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box covered in all images as (left, right, top, bottom), ends exclusive.

    Rows and columns are taken off the side where most is missing until nothing is.

    Raises
    ------
    ParameterError
        If no pixel is covered in all images.
    """
    both: np.ndarray = np.all(mask, axis=0)
    top, bottom, left, right = 0, both.shape[0], 0, both.shape[1]
    while top < bottom and left < right and not both[top:bottom, left:right].all():
        part = ~both[top:bottom, left:right]
        missing = [part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()]
        worst = int(np.argmax(missing))
        if missing[worst] == 0:  # a hole inside: give up the side next to it
            rows = np.flatnonzero(part.any(axis=1))
            worst = 0 if rows[0] < part.shape[0] - 1 - rows[-1] else 1
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    if top >= bottom or left >= right:
        raise ParameterError("no pixel is covered in every projection: do not crop")
    return left, right, top, bottom
