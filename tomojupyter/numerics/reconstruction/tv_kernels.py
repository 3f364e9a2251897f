"""Compiled kernels of total variation, on the layout of the projector's kernels.

A block of slices lies as ``[z][y][lane]``, so a difference along x is one between lanes; what
lies beyond the first and the last slice of a block comes as the faces of its neighbours. The
dual field lies as ``[z][y][component x, y, z][lane]``. Vector type, constants and kernels stay in
this one file, as in :mod:`.kernels`: numba's cache does not notice a change of an imported module.
Only :mod:`.tv_fields` imports it, at first use.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, register_model

VECTOR = 16  # lanes that are worked on together; blocks have a multiple of it
STEP = np.float32(1 / 12)  # of the dual ascent: 1 / |gradient|^2 in three dimensions

intrinsic: Any = extending.intrinsic  # its own type does not fit what it returns


def _compiled(function: Any) -> Any:
    """Compile at the first call, and keep the result on disk where a folder can be written."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no such folder: numba says so when it decorates
        return njit(nogil=True, error_model="numpy")(function)


class Vector(types.Type):
    """Sixteen float32, one to each slice."""

    def __init__(self) -> None:
        super().__init__(name="TotalVariationVector")


VECTOR_TYPE = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, kind: Vector) -> None:
        super().__init__(dmm, kind, ir.VectorType(ir.FloatType(), VECTOR))


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
def _load(typingctx: Any, array: Any, offset: Any) -> Any:
    """Return the lanes that begin at an offset of a flat array."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        vector = context.get_value_type(VECTOR_TYPE)
        return builder.load(builder.bitcast(place, vector.as_pointer()), align=4)

    return VECTOR_TYPE(array, types.int64), build


@intrinsic
def _store(typingctx: Any, array: Any, offset: Any, lanes: Any) -> Any:
    """Write lanes to an offset of a flat array."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _address(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, args[2].type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), build


@intrinsic
def _minus(typingctx: Any, one: Any, other: Any) -> Any:
    """Return ``one - other``."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fsub(args[0], args[1])

    return one(one, other), build


@intrinsic
def _add_product(typingctx: Any, factor: Any, lanes: Any, to: Any) -> Any:
    """Return ``to + factor * lanes``; the factor is one number, or lanes."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = args[1].type
        factors = args[0] if isinstance(factor, Vector) else _splat(builder, vector, args[0])
        kind = ir.FunctionType(vector, [vector] * 3)
        name = f"llvm.fmuladd.v{vector.count}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [factors, args[1], args[2]])

    kind = factor if isinstance(factor, Vector) else types.float32
    return lanes(kind, lanes, lanes), build


@intrinsic
def _times(typingctx: Any, one: Any, other: Any) -> Any:
    """Return the product of lanes."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fmul(args[0], args[1])

    return one(one, other), build


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


@intrinsic
def _shrinking(typingctx: Any, squares: Any, bound: Any) -> Any:
    """Return the factors that bring vectors of these squared lengths to at most `bound`."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = args[0].type
        kind = ir.FunctionType(vector, [vector])
        name = f"llvm.sqrt.v{vector.count}f32"
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        length = builder.call(function, [args[0]])
        most = _splat(builder, vector, args[1])
        longer = builder.fcmp_ordered(">", length, most)
        ratio = builder.fdiv(most, length)
        return builder.select(
            longer, ratio, _splat(builder, vector, ir.Constant(ir.FloatType(), 1))
        )

    return squares(squares, types.float32), build


@intrinsic
def _with_lane(typingctx: Any, lanes: Any, place: Any, value: Any) -> Any:
    """Return lanes of which one is replaced."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.insert_element(args[0], args[2], args[1])

    return lanes(lanes, types.int32, types.float32), build


@intrinsic
def _total(typingctx: Any, lanes: Any) -> Any:
    """Return the sum of lanes, in their order."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        total = ir.Constant(ir.FloatType(), 0)
        for lane in range(VECTOR):
            value = builder.extract_element(args[0], ir.Constant(ir.IntType(32), lane))
            total = builder.fadd(total, value)
        return total

    return types.float32(lanes), build


@_compiled
def _primal(volume, inside, place, dual, at, group, edge, steps, limits):
    """Return the primal point of a voxel: volume plus divergence of the dual field, in limits.

    It is 0 where `inside` is, unless that is empty. `place` and `at` are where the voxel begins in
    both, `group` the first of its lanes, `edge` what the field has along x before the first
    slice; `steps` lead back to the neighbours along y and z, and are 0 where there is none.
    """
    lanes, back_y, back_z = steps
    value = _add_product(np.float32(1), _load(dual, at + group), _load(volume, place + group))
    behind = _load(dual, at + group - 1)
    if group == 0:
        behind = _with_lane(behind, np.int32(0), edge)
    value = _minus(value, behind)
    value = _add_product(np.float32(1), _load(dual, at + lanes + group), value)
    if back_y:
        value = _minus(value, _load(dual, at + lanes + group - back_y))
    value = _add_product(np.float32(1), _load(dual, at + 2 * lanes + group), value)
    if back_z:
        value = _minus(value, _load(dual, at + 2 * lanes + group - back_z))
    value = _within(value, limits[0], limits[1])
    if inside.size:
        value = _times(_load(inside, place + group), value)
    return value


@_compiled
def _primal_row(volume, inside, dual, before, limits, z, sizes, out, start):
    """Write the primal points of a row of voxels to `out`."""
    ny, step_row, lanes = sizes
    for y in range(ny):
        at = VECTOR + (z * ny + y) * 3 * lanes
        steps = (lanes, 3 * lanes if y else 0, 3 * lanes * ny if z else 0)
        for group in range(0, lanes, VECTOR):
            place = z * step_row + y * lanes
            edge = before[z * ny + y]
            value = _primal(volume, inside, place, dual, at, group, edge, steps, limits)
            _store(out, start + y * lanes + group, value)


@_compiled
def ascend(volume, inside, dual, faces, bound, limits, rows, sizes, buffer):
    """Take a step of projected gradient ascent on the dual field, some rows of a block.

    Parameters
    ----------
    volume
        Flat float32: the point whose proximal point is sought.
    inside
        Flat float32 in the layout of `volume`: 1, or 0 where the primal point must be; or empty.
    dual
        Flat float32, 16 numbers of padding and then the field. Changed in place.
    faces
        Three (nz * ny,) float32: the field along x of the last slice before the block, zeros if
        there is none; the primal point of the first slice after it, empty if there is none; and
        room for the new field along x of its own last slice.
    bound
        Greatest length of a vector of the field.
    limits
        Lowest and highest value of the primal point.
    rows
        The first row, and the one after the last; calls go through the rows in order.
    sizes
        Rows nz, columns ny, step between rows in `volume`, lanes, and number of the last lane
        that is a slice.
    buffer
        Flat float32 of two rows of primal points and 16 more, kept between the calls.
    """
    nz, ny, step_row, lanes, last = sizes
    before, after, out = faces
    row = (ny, step_row, lanes)
    if rows[0] == 0:
        _primal_row(volume, inside, dual, before, limits, 0, row, buffer, 0)
    for z in range(rows[0], rows[1]):
        here = (z % 2) * ny * lanes
        below = here
        if z + 1 < nz:  # before the field of row z changes
            below = ((z + 1) % 2) * ny * lanes
            _primal_row(volume, inside, dual, before, limits, z + 1, row, buffer, below)
        for y in range(ny):
            at = VECTOR + (z * ny + y) * 3 * lanes
            right = y + 1 if y + 1 < ny else y
            for group in range(0, lanes, VECTOR):
                value = _load(buffer, here + y * lanes + group)
                along_x = _load(buffer, here + y * lanes + group + 1)
                if group <= last < group + VECTOR:
                    beyond = buffer[here + y * lanes + last]
                    if after.size:
                        beyond = after[z * ny + y]
                    along_x = _with_lane(along_x, np.int32(last - group), beyond)
                along_x = _minus(along_x, value)
                along_y = _minus(_load(buffer, here + right * lanes + group), value)
                along_z = _minus(_load(buffer, below + y * lanes + group), value)
                x = _add_product(STEP, along_x, _load(dual, at + group))
                y_ = _add_product(STEP, along_y, _load(dual, at + lanes + group))
                z_ = _add_product(STEP, along_z, _load(dual, at + 2 * lanes + group))
                squares = _add_product(z_, z_, _add_product(y_, y_, _times(x, x)))
                factor = _shrinking(squares, bound)
                _store(dual, at + group, _times(factor, x))
                _store(dual, at + lanes + group, _times(factor, y_))
                _store(dual, at + 2 * lanes + group, _times(factor, z_))
            out[z * ny + y] = dual[at + last]


@_compiled
def descend(volume, inside, found, dual, before, limits, momentum, rows, sizes):
    """Set `found` to the primal point and `volume` to the point beyond it, for some rows.

    Parameters
    ----------
    volume, inside
        As for `ascend`; the volume becomes ``new + momentum (new - old)``.
    found
        The old proximal point, in the layout of `volume`; becomes the new one.
    dual, before, limits, rows, sizes
        As for `ascend`; `before` after its step.

    Returns
    -------
    tuple[float, float]
        Sums of squares of the change and of the new point, over slices that are no padding.
    """
    _, ny, step_row, lanes, last = sizes
    change, size = 0.0, 0.0
    nothing = _load(np.zeros(VECTOR, np.float32), 0)
    for z in range(rows[0], rows[1]):
        moved, length = nothing, nothing
        for y in range(ny):
            at = VECTOR + (z * ny + y) * 3 * lanes
            steps = (lanes, 3 * lanes if y else 0, 3 * lanes * ny if z else 0)
            edge = before[z * ny + y]
            for group in range(0, last + 1, VECTOR):
                place = z * step_row + y * lanes + group
                new = _primal(volume, inside, place - group, dual, at, group, edge, steps, limits)
                step = _minus(new, _load(found, place))
                _store(found, place, new)
                _store(volume, place, _add_product(momentum, step, new))
                moved = _add_product(step, step, moved)
                length = _add_product(new, new, length)
        change += _total(moved)
        size += _total(length)
    return change, size


@_compiled
def first(volume, inside, dual, before, limits, sizes, out):
    """Write the primal point of the first slice of a block."""
    nz, ny, step_row, lanes = sizes
    for z in range(nz):
        for y in range(ny):
            at = VECTOR + (z * ny + y) * 3 * lanes
            value = volume[z * step_row + y * lanes] + (dual[at] - before[z * ny + y])
            value += dual[at + lanes]
            if y:
                value -= dual[at - 2 * lanes]
            value += dual[at + 2 * lanes]
            if z:
                value -= dual[at + 2 * lanes - 3 * lanes * ny]
            value = min(max(value, limits[0]), limits[1])
            if inside.size:
                value *= inside[z * step_row + y * lanes]
            out[z * ny + y] = value
