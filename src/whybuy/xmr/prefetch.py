"""Asks the processor for a place in memory ahead of its use, so that it need not wait when it gets there."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Code = Any  # types and values of the compiler, which has no types of its own to import
_READ, _KEEP, _DATA = 0, 3, 1  # that it is read, kept near, and no code


def _prefetch(_: Code, array: Code, at: Code) -> Code:
    def write(context: Code, builder: Code, signature: Code, arguments: Code) -> Code:
        struct = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(builder.bitcast(struct.data, ir.IntType(8).as_pointer()), [arguments[1]])
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module,
            ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()] + [ir.IntType(32)] * 3),
            "llvm.prefetch.p0i8",
        )
        builder.call(function, [place, *(ir.Constant(ir.IntType(32), number) for number in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.int64), write


prefetch = cast("Callable[[NDArray[Any], np.int64], None]", intrinsic(_prefetch))
"""Ask for the memory of an array at so many bytes from its start; nothing happens where there is none."""
