"""Compiled kernels of projection: many slices at a time, one to each lane of a vector.

All slices of a block share one geometry, so a weight is computed once and used for all lanes.
The layout is ``[z][y][lane]`` for slices and ``[tilt][detector][lane]`` for sinograms, as flat
float32 arrays. Kernels, vector type and constants stay in this one file: numba's cache does not
notice a change of an imported module. Only :mod:`.projector_numba` imports it, at first use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, register_model

VECTOR = 16  # lanes of one vector: a register of AVX-512, two of AVX2, four of NEON
STRIP = 16  # samples along a ray between two visits of the sinogram
CHUNK = 32  # voxels across the rays that share a strip
TILE = 16  # edge of the square of voxels that is back-projected together
GROUP = 8  # projections between two visits of a voxel
TABLE = GROUP * TILE  # a power of 2: an index cut to it is known not to be negative


intrinsic: Any = extending.intrinsic  # its own type does not fit what it returns


def _compiled(function: Any) -> Any:
    """Compile at the first call, and keep the result on disk where a folder can be written."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no such folder: numba says so when it decorates
        return njit(nogil=True, error_model="numpy")(function)


class Lanes(types.Type):
    """A vector of float32, one value to each slice of the block."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, kind: Lanes) -> None:
        super().__init__(dmm, kind, ir.VectorType(ir.FloatType(), kind.count))


def _lanes(width: Any) -> Lanes:
    """Return the vector type of a `width`: a tuple with one entry for each 16 lanes.

    The length of a tuple is part of its type, so numba compiles each width of its own.
    """
    return Lanes(VECTOR * len(width))


def _address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [offset])


def _splat(builder: Any, vector: Any, value: Any) -> Any:
    """Return a vector all of whose lanes are one value."""
    nothing = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, nothing, mask)


@intrinsic
def _load(typingctx: Any, array: Any, offset: Any, width: Any) -> Any:
    """Return the lanes that begin at an offset of a flat array."""
    kind = _lanes(width)

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        vector = context.get_value_type(kind)
        return builder.load(builder.bitcast(place, vector.as_pointer()), align=4)

    return kind(array, types.int64, width), build


@intrinsic
def _store(typingctx: Any, array: Any, offset: Any, lanes: Any) -> Any:
    """Write lanes to an offset of a flat array."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, args[2].type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), build


@intrinsic
def _zeros(typingctx: Any, width: Any) -> Any:
    """Return lanes of zeros."""
    kind = _lanes(width)

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(context.get_value_type(kind), None)

    return kind(width), build


@intrinsic
def _add_product(typingctx: Any, factor: Any, lanes: Any, to: Any) -> Any:
    """Return ``to + factor * lanes``, rounded once where the processor can.

    The factor is one number, or lanes.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = args[1].type
        factors = args[0] if isinstance(factor, Lanes) else _splat(builder, vector, args[0])
        kind = ir.FunctionType(vector, [vector] * 3)
        name = f"llvm.fmuladd.v{vector.count}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [factors, args[1], args[2]])

    kind = factor if isinstance(factor, Lanes) else types.float32
    return lanes(kind, lanes, lanes), build


@intrinsic
def _within(typingctx: Any, lanes: Any, lowest: Any, highest: Any) -> Any:
    """Return lanes brought within limits; NaN stays NaN."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        low, high = (_splat(builder, args[0].type, limit) for limit in args[1:])
        below = builder.fcmp_ordered("<", args[0], low)
        raised = builder.select(below, low, args[0])
        above = builder.fcmp_ordered(">", raised, high)
        return builder.select(above, high, raised)

    return lanes(lanes, types.float32, types.float32), build


@_compiled
def _cut(place, count):
    """Return a place, rounded up, as an index from 0 to count."""
    return np.int64(min(max(np.ceil(place), 0.0), float(count)))


@_compiled
def forward(volume, sino, rays, sizes, detector, width):
    """Add the projections of some tilts to their sinograms.

    Parameters
    ----------
    volume, sino
        Flat float32 arrays.
    rays
        (tilts, 5) float64: number of the projection; start, slope and pitch of the place across
        the rays, ``start + along * slope + detector * pitch``; length of a ray per sample.
    sizes
        Samples along the rays, voxels across them, and the steps of both in `volume`.
    detector
        Its pixels, and the steps between projections and between pixels in `sino`.
    width
        A tuple with one entry for each 16 lanes.
    """
    n_along, n_across, step_along, step_across = sizes
    n_det, step_tilt, step_det = detector
    at0, at1 = np.empty(STRIP, np.int64), np.empty(STRIP, np.int64)
    w0, w1 = np.empty(STRIP, np.float32), np.empty(STRIP, np.float32)
    last = float(n_across - 1)
    chunks = (n_across + CHUNK - 1) // CHUNK
    for low in range(0, n_along, STRIP):
        samples = min(STRIP, n_along - low)
        for chunk in range(chunks):
            left = -1e9 if chunk == 0 else float(chunk * CHUNK)
            right = 1e9 if chunk == chunks - 1 else float((chunk + 1) * CHUNK)
            for ray in range(rays.shape[0]):
                slope, pitch, length = rays[ray, 2], rays[ray, 3], np.float32(rays[ray, 4])
                start = rays[ray, 1] + low * slope
                centre = start + 0.5 * samples * slope
                one = _cut((left - centre) / pitch, n_det)
                other = _cut((right - centre) / pitch, n_det)
                for det in range(min(one, other), max(one, other)):
                    c0 = start + det * pitch
                    # Samples outside by a pixel or more see nothing.
                    begin, end = 0, samples
                    if abs(slope) > 1e-9:
                        a, b = (-1.0 - c0) / slope, (n_across - c0) / slope
                        begin, end = _cut(min(a, b), samples), _cut(max(a, b), samples)
                    elif c0 <= -1.0 or c0 >= n_across:
                        continue
                    if begin >= end:
                        continue
                    for i in range(STRIP):
                        c = c0 + i * slope
                        below = np.floor(c)
                        part = c - below
                        inside0 = (below >= 0.0) & (below <= last)
                        inside1 = (below >= -1.0) & (below < last)
                        w0[i] = np.float32(1.0 - part if inside0 else 0.0)
                        w1[i] = np.float32(part if inside1 else 0.0)
                        base = (low + i) * step_along
                        near = np.int64(min(max(below, 0.0), last))
                        far = np.int64(min(max(below + 1.0, 0.0), last))
                        at0[i] = base + near * step_across
                        at1[i] = base + far * step_across
                    sum0, sum1 = _zeros(width), _zeros(width)
                    for i in range(begin, end):
                        sum0 = _add_product(w0[i], _load(volume, at0[i], width), sum0)
                        sum1 = _add_product(w1[i], _load(volume, at1[i], width), sum1)
                    place = np.int64(rays[ray, 0]) * step_tilt + det * step_det
                    total = _add_product(length, sum0, _load(sino, place, width))
                    _store(sino, place, _add_product(length, sum1, total))


@_compiled
def _seeing(rays, corner, n_det, seeing):
    """List the tilts that have detector pixels where a tile is seen; return how many."""
    low, left = corner
    count = 0
    for ray in range(rays.shape[0]):
        start, slope, pitch = rays[ray, 1], rays[ray, 2], rays[ray, 3]
        one = left - start - low * slope
        other = one - (TILE - 1) * slope
        least, most = min(one, other) / pitch, (max(one, other) + TILE - 1) / pitch
        if min(least, most) < n_det and max(least, most) > -1.0:
            seeing[count] = ray
            count += 1
    return count


@_compiled
def _gather(sino, sums, rays, corner, steps, detector, tables, width):
    """Add the back-projections of some tilts to the sums of a tile.

    `corner` is its first sample along the rays and its first voxel across them, `steps` are
    those of both in `sums`.
    """
    low, left = corner
    step_along, step_across = steps
    n_det, step_tilt, step_det = detector
    at0, at1, w0, w1, seeing = tables
    last = float(n_det - 1)
    count = _seeing(rays, corner, n_det, seeing)
    for first in range(0, count, GROUP):
        group = min(GROUP, count - first)
        for i in range(TILE):
            for g in range(group):
                ray = seeing[first + g]
                row = np.int64(rays[ray, 0]) * step_tilt
                pitch, length = rays[ray, 3], rays[ray, 4]
                inverse = 1.0 / pitch
                start = rays[ray, 1] + (low + i) * rays[ray, 2]
                entry = (g * TILE) & (TABLE - 1)
                for j in range(TILE):
                    place = left + j - start
                    det = np.floor(place * inverse)
                    t0 = 1.0 - abs(place - det * pitch)
                    t1 = 1.0 - abs(place - (det + 1.0) * pitch)
                    inside0 = (t0 > 0.0) & (det >= 0.0) & (det <= last)
                    inside1 = (t1 > 0.0) & (det >= -1.0) & (det < last)
                    w0[entry + j] = np.float32(t0 * length if inside0 else 0.0)
                    w1[entry + j] = np.float32(t1 * length if inside1 else 0.0)
                    near = np.int64(min(max(det, 0.0), last))
                    far = np.int64(min(max(det + 1.0, 0.0), last))
                    at0[entry + j] = row + near * step_det
                    at1[entry + j] = row + far * step_det
            for j in range(TILE):
                place = i * step_along + j * step_across
                sum0, sum1 = _load(sums, place, width), _zeros(width)
                for g in range(group):
                    entry = (g * TILE + j) & (TABLE - 1)
                    sum0 = _add_product(w0[entry], _load(sino, at0[entry], width), sum0)
                    sum1 = _add_product(w1[entry], _load(sino, at1[entry], width), sum1)
                _store(sums, place, _add_product(np.float32(1), sum1, sum0))


@_compiled
def back(sino, volume, factors, limits, rays, rows, sizes, detector, width):
    """Replace rows of a volume by a back-projection, or correct them by one.

    Parameters
    ----------
    sino, volume, detector, width
        As for `forward`.
    factors
        Flat float32: the factor of what is added to the volume, for each voxel of a slice, or
        of all slices in the layout of the volume. Empty: the volume is replaced.
    limits
        Lowest and highest value of a corrected volume.
    rays
        Two arrays as for `forward`: rays along z, and rays along y.
    rows
        The first row, and the one after the last.
    sizes
        Width of a slice, and the steps between rows in `volume` and `factors`.
    """
    ny, step_row, step_factors = sizes
    lanes = VECTOR * len(width)
    shared = step_factors < lanes * ny
    spare = np.empty(TILE * TILE * lanes + VECTOR, np.float32)
    # Vectors that cross a line of the cache take twice the time.
    sums = spare[(-(spare.ctypes.data // 4)) % VECTOR :]
    tables = (
        np.empty(TABLE, np.int64), np.empty(TABLE, np.int64),
        np.empty(TABLE, np.float32), np.empty(TABLE, np.float32),
        np.empty(max(rays[0].shape[0], rays[1].shape[0]), np.int64),
    )  # fmt: skip
    for top in range(rows[0], rows[1], TILE):
        for left in range(0, ny, TILE):
            sums[:] = 0
            steps = (TILE * lanes, lanes)
            _gather(sino, sums, rays[0], (top, left), steps, detector, tables, width)
            steps = (lanes, TILE * lanes)
            _gather(sino, sums, rays[1], (left, top), steps, detector, tables, width)
            for z in range(top, min(top + TILE, rows[1])):
                for y in range(left, min(left + TILE, ny)):
                    found = _load(sums, ((z - top) * TILE + y - left) * lanes, width)
                    place = z * step_row + y * lanes
                    if factors.size:
                        old = _load(volume, place, width)
                        if shared:
                            found = _add_product(factors[z * step_factors + y], found, old)
                        else:
                            factor = _load(factors, z * step_factors + y * lanes, width)
                            found = _add_product(factor, found, old)
                        found = _within(found, limits[0], limits[1])
                    _store(volume, place, found)


@_compiled
def copy(source, target):
    """Copy between arrays that look the same, (lanes, rows, columns), but lie otherwise.

    The inner loops move 16 columns of all lanes, which both layouts keep in few lines of cache.
    """
    lanes, rows, columns = source.shape
    for row in range(rows):
        for left in range(0, columns, VECTOR):
            right = min(left + VECTOR, columns)
            for lane in range(lanes):
                for column in range(left, right):
                    target[lane, row, column] = source[lane, row, column]
