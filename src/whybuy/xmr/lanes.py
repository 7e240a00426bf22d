"""Sixteen float32 numbers at once: the compiler unrolls so short a loop before it would see a vector in it.

The two functions write a few vector instructions into the kernel that calls them, on any processor.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

LANES = 16  # float32 numbers in a cache line

Code = Any  # types and values of the compiler, which has no types of its own to import
Line = NDArray[np.float32]  # shape (LANES,)
Lines = NDArray[np.float32]  # shape (lines, LANES), contiguous
Place = int | np.int64

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FAST = ("contract", "reassoc", "nsz")


def _sum_lines(
    _: Code,
    lines: Code,
    numbers: Code,
    factors: Code,
    start: Code,
    end: Code,
    total: Code,
) -> Code:
    def write(context: Code, builder: Code, signature: Code, arguments: Code) -> Code:
        weights, places, values, sums_at = _data(context, builder, signature, arguments)
        first, last = arguments[3], arguments[4]
        place = _line(builder, sums_at, ir.Constant(last.type, 0))
        sums = cgutils.alloca_once_value(builder, builder.load(place, align=4))  # type: ignore[no-untyped-call]
        with cgutils.for_range_slice(builder, first, last, ir.Constant(last.type, 1), last.type) as (entry, _):
            line = builder.load(_line(builder, weights, _item(builder, places, entry)), align=4)
            product = builder.fmul(_spread(builder, _item(builder, values, entry)), line, flags=_FAST)
            builder.store(builder.fadd(builder.load(sums), product, flags=_FAST), sums)
        builder.store(builder.load(sums), place, align=4)
        return context.get_dummy_value()

    return types.void(lines, numbers, factors, start, end, total), write


def _add_to_lines(
    _: Code,
    lines: Code,
    numbers: Code,
    factors: Code,
    start: Code,
    end: Code,
    step: Code,
) -> Code:
    def write(context: Code, builder: Code, signature: Code, arguments: Code) -> Code:
        weights, places, values, steps = _data(context, builder, signature, arguments)
        first, last = arguments[3], arguments[4]
        by = builder.load(_line(builder, steps, ir.Constant(last.type, 0)), align=4)
        with cgutils.for_range_slice(builder, first, last, ir.Constant(last.type, 1), last.type) as (entry, _):
            place = _line(builder, weights, _item(builder, places, entry))
            product = builder.fmul(_spread(builder, _item(builder, values, entry)), by, flags=_FAST)
            builder.store(builder.fadd(builder.load(place, align=4), product, flags=_FAST), place, align=4)
        return context.get_dummy_value()

    return types.void(lines, numbers, factors, start, end, step), write


def _data(context: Code, builder: Code, signature: Code, arguments: Code) -> list[Code]:
    """Where the data of the arrays among the arguments begin."""
    return [
        context.make_array(kind)(context, builder, value).data
        for kind, value in zip(signature.args, arguments, strict=True)
        if isinstance(kind, types.Array)
    ]


def _item(builder: Code, array: Code, place: Code) -> Code:
    return builder.load(builder.gep(array, [place]))


def _line(builder: Code, lines: Code, number: Code) -> Code:
    """Where a line begins."""
    wide = number if number.type.width == 64 else builder.zext(number, ir.IntType(64))
    first = builder.gep(lines, [builder.shl(wide, ir.Constant(wide.type, LANES.bit_length() - 1))])
    return builder.bitcast(first, _VECTOR.as_pointer())


def _spread(builder: Code, number: Code) -> Code:
    """The same number in all lanes."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), first)


LinesFunction = Callable[[Lines, NDArray[np.uint32], NDArray[np.float32], Place, Place, Line], None]

sum_lines = cast("LinesFunction", intrinsic(_sum_lines))
"""Add to the last argument: for the entries from start up to end, factor times the line of that number.

Arguments: lines, numbers, factors, start, end, total.
"""

add_to_lines = cast("LinesFunction", intrinsic(_add_to_lines))
"""Add to lines: for the entries from start up to end, factor times the last argument to the line of that number.

Arguments: lines, numbers, factors, start, end, step.
"""
