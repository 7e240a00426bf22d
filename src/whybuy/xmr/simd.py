"""Vector instructions and prefetches inside Numba kernels, written as LLVM code that works on any processor.

Numba unrolls loops as short as `LANES` before LLVM could turn them into vector instructions, so `sum_lines` and
`add_to_lines` write those themselves. A line is a row of `LANES` float32 numbers, one cache line of 64 bytes::

    lines        byte 0   4   8          60
    line 0           | w0 | w1 | w2 | ... | w15 |      lane = column
    line 1           | w0 | w1 | w2 | ... | w15 |
    ...

    sum_lines:      total    += factors[e] * lines[numbers[e]]      e = start .. end - 1
    add_to_lines:   lines[numbers[e]] += factors[e] * step

The training of rankers keeps the weights of `LANES` children in a line for each feature: see `training.dual`. The same
as plain loops, which Numba compiles to code without vectors::

    for entry in range(start, end):
        for lane in range(LANES):
            total[lane] += factors[entry] * lines[numbers[entry], lane]

    for entry in range(start, end):
        for lane in range(LANES):
            lines[numbers[entry], lane] += factors[entry] * step[lane]
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
Index = int | np.int64

_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_FAST = ("contract", "reassoc", "nsz")
_READ, _KEEP, _DATA = 0, 3, 1  # of `llvm.prefetch`: to be read, kept in all caches, data and not code


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
            product = builder.fmul(_broadcast(builder, _item(builder, values, entry)), line, flags=_FAST)
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
            product = builder.fmul(_broadcast(builder, _item(builder, values, entry)), by, flags=_FAST)
            builder.store(builder.fadd(builder.load(place, align=4), product, flags=_FAST), place, align=4)
        return context.get_dummy_value()

    return types.void(lines, numbers, factors, start, end, step), write


def _prefetch(_: Code, array: Code, offset: Code) -> Code:
    def write(context: Code, builder: Code, signature: Code, arguments: Code) -> Code:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [arguments[1]])
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module,
            ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()] + [ir.IntType(32)] * 3),
            "llvm.prefetch.p0i8",
        )
        builder.call(function, [place, *(ir.Constant(ir.IntType(32), number) for number in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.int64), write


def _data(context: Code, builder: Code, signature: Code, arguments: Code) -> list[Code]:
    """Pointers to the data of the arrays among the arguments."""
    return [
        context.make_array(kind)(context, builder, value).data
        for kind, value in zip(signature.args, arguments, strict=True)
        if isinstance(kind, types.Array)
    ]


def _item(builder: Code, array: Code, index: Code) -> Code:
    return builder.load(builder.gep(array, [index]))


def _line(builder: Code, lines: Code, number: Code) -> Code:
    """Pointer to a line."""
    wide = number if number.type.width == 64 else builder.zext(number, ir.IntType(64))
    first = builder.gep(lines, [builder.shl(wide, ir.Constant(wide.type, LANES.bit_length() - 1))])
    return builder.bitcast(first, _VECTOR.as_pointer())


def _broadcast(builder: Code, number: Code) -> Code:
    """The same number in all lanes."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), first)


LinesFunction = Callable[[Lines, NDArray[np.uint32], NDArray[np.float32], Index, Index, Line], None]

sum_lines = cast("LinesFunction", intrinsic(_sum_lines))
"""Add factor times line to `total`, for the entries from start up to end.

Arguments: lines, numbers (which line, by entry), factors (by entry), start, end, total.
"""

add_to_lines = cast("LinesFunction", intrinsic(_add_to_lines))
"""Add factor times `step` to the line of each entry, for the entries from start up to end.

Arguments: lines, numbers (which line, by entry), factors (by entry), start, end, step.
"""

prefetch = cast("Callable[[NDArray[Any], np.int64], None]", intrinsic(_prefetch))
"""Ask the processor to load memory into its caches ahead of use.

Arguments: array, offset in bytes from its start. Nothing happens, and nothing fails, where there is no such memory.
"""
