"""How numeric kernels are compiled: with Numba, once per machine, free of the interpreter lock.

Kernels take arrays, named tuples of arrays and plain numbers, check no bounds, and run without the interpreter lock:
threads of Python run them side by side. Numba's own threads are never used: its default pool is not safe under threads.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from functools import cached_property
from hashlib import sha256
from types import CodeType, FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic

Code = Any  # of Numba, which has no types of its own to import
P = ParamSpec("P")
R = TypeVar("R")
_ANY_ORDER = {"reassoc", "contract", "nsz", "arcp"}  # of LLVM's fast-math flags; NaN and infinity keep their meaning


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep the machine code on disk beside its module."""
    return _cached(njit(nogil=True, error_model="numpy")(function))


def fast_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, where floats may be added up in any order, so that vector instructions can do it."""
    return _cached(njit(nogil=True, error_model="numpy", fastmath=_ANY_ORDER)(function))


class _Cache(FunctionCache):
    """Machine code on disk; what was made of other sources is compiled anew.

    Numba looks at the file of a kernel alone, which says nothing of the kernels it calls; and it reads the types of all
    kept signatures before it compares sources, and would fail at one that has moved.
    """

    def __init__(self, compiled: Code) -> None:
        super().__init__(compiled.py_func)  # type: ignore[no-untyped-call]
        self._compiled = compiled

    def load_overload(self, sig: Code, target_context: Code) -> Code:
        """The machine code for a signature, or None where it has to be compiled."""
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, self._made_of)  # type: ignore[no-untyped-call]
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except (ImportError, AttributeError):
            self.flush()  # type: ignore[no-untyped-call]
            return None

    @cached_property
    def _made_of(self) -> tuple[object, str]:
        """The stamp of the kernel's file, and a digest of all code and constants that its machine code is made of."""
        digest, waiting, seen = sha256(), [self._compiled], set[int]()
        while waiting:
            value = waiting.pop()
            digest.update(_content(value) + b"\n")
            if id(value) not in seen:
                seen.add(id(value))
                waiting.extend(_named(value))
        return self._impl.locator.get_source_stamp(), digest.hexdigest()


def _named(value: Code) -> Iterator[Code]:
    """What the machine code of a value is made of beside its content: functions, constants, types of arguments."""
    if isinstance(value, Dispatcher):
        yield value.py_func
    elif isinstance(value, _Intrinsic):
        yield value._defn
    elif isinstance(value, FunctionType):
        names = [name for code in _codes(value.__code__) for name in code.co_names]
        yield from (value.__globals__[name] for name in names if name in value.__globals__)
    if isinstance(value, FunctionType) or hasattr(value, "_fields"):
        yield from value.__annotations__.values()


def _content(value: Code) -> bytes:
    """The content of a value that machine code is made of, the same in each process; empty where it has none."""
    if isinstance(value, Dispatcher):
        return _content(tuple(value.targetoptions.items()))
    if isinstance(value, FunctionType):
        codes = _codes(value.__code__)
        return b"".join(code.co_code + _content((code.co_names, code.co_consts)) for code in codes)
    if isinstance(value, set | frozenset):
        value = tuple(sorted(value, key=repr))
    if isinstance(value, tuple):
        return b"(%s)" % b",".join(map(_content, value))
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, type):
        members = list(value) if issubclass(value, Enum) else getattr(value, "_fields", value.__name__)
        return repr(members).encode()
    return repr(value).encode() if isinstance(value, int | float | str | bytes | np.generic) else b""


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and that of the functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _cached(compiled: Code) -> Callable[P, R]:
    """Keep machine code as `njit(cache=True)` does, in a `_Cache`."""
    compiled._cache = _Cache(compiled)
    return cast("Callable[P, R]", compiled)
