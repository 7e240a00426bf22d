"""How numeric kernels are compiled: with Numba, once per machine, free of the interpreter lock.

Kernels take arrays, named tuples of arrays and plain numbers, check no bounds, and run without the interpreter lock:
threads of Python run them side by side. Numba's own threads are never used: its default pool is not safe under threads.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

Code = Any  # of Numba, which has no types of its own to import
P = ParamSpec("P")
R = TypeVar("R")
_ANY_ORDER = {"reassoc", "contract", "nsz", "arcp"}  # of LLVM's fast-math flags; NaN and infinity keep their meaning


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep the machine code on disk beside its module."""
    return _cached(function, njit(nogil=True, error_model="numpy")(function))


def fast_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, where floats may be added up in any order, so that vector instructions can do it."""
    return _cached(function, njit(nogil=True, error_model="numpy", fastmath=_ANY_ORDER)(function))


class _Cache(FunctionCache):
    """Machine code on disk; what an earlier version of this package left there is compiled anew.

    Numba reads the types of all kept signatures before it compares ages, and would fail at one that has moved.
    """

    def load_overload(self, sig: Code, target_context: Code) -> Code:
        """The machine code for a signature, or None where it has to be compiled."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except (ImportError, AttributeError):
            self.flush()  # type: ignore[no-untyped-call]
            return None


def _cached(function: Callable[P, R], compiled: Code) -> Callable[P, R]:
    """Keep machine code as `njit(cache=True)` does, in a `_Cache`."""
    compiled._cache = _Cache(function)  # type: ignore[no-untyped-call]
    return cast("Callable[P, R]", compiled)
