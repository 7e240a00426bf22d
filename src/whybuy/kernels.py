"""How numeric kernels are compiled: with Numba, once per machine, free of the interpreter lock."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function on its first call and keep the machine code on disk beside its module.

    Kernels take arrays and plain numbers only, check no bounds, and run without the interpreter lock: threads of Python
    run them side by side. Numba's own threads are never used (its default pool is not safe under threads).
    """
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy")(function))


def fast_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, where sums may be taken in any order, so that they use the whole width of the processor."""
    relaxed = {"reassoc", "contract", "nsz", "arcp"}
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy", fastmath=relaxed)(function))
