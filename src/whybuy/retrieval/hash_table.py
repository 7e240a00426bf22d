"""Numbers by row or term within a kernel: an open-addressing table, made anew for each query and at most half full."""

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

FREE = -1  # where no key is; keys are >= 0


@kernel
def empty_table(entries: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Room for so many keys. Returns: the keys, all free, and their values, all 0."""
    size = 2
    while size < 2 * entries + 2:
        size *= 2
    return np.full(size, FREE, np.int32), np.zeros(size, np.float32)


@kernel
def slot(keys: NDArray[np.int32], key: int) -> int:
    """Where a key stands, or the free place where it would."""
    at = (key * 2654435761) & (len(keys) - 1)
    while keys[at] != FREE and keys[at] != key:
        at = (at + 1) & (len(keys) - 1)
    return at


@kernel
def add(keys: NDArray[np.int32], values: NDArray[np.float32], key: int, value: float) -> None:
    """Add to the value of a key, 0 until now when it is new."""
    at = slot(keys, key)
    keys[at] = key
    values[at] += value
