"""The best candidates of a search: a binary heap of 64-bit keys, each a float32 score and a number of 31 bits.

Keys compare as their scores do, so that a heap of plain whole numbers keeps both.
"""

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

_SIGN = 0x80000000
_LOW = 0xFFFFFFFF


@kernel
def key_of(score: np.float32, number: int) -> np.uint64:
    """A word that is larger for a higher score and, of equal scores, for a lower number. number: 0 to 2**31 - 1."""
    bits = np.uint64(np.float32(score + np.float32(0)).view(np.uint32))  # adding 0 makes one of the two zeros
    high = bits ^ np.uint64(_LOW) if bits & np.uint64(_SIGN) else bits | np.uint64(_SIGN)
    return np.uint64((high << np.uint64(32)) | (np.uint64(_LOW) - np.uint64(number)))


@kernel
def score_of(key: np.uint64) -> np.float32:
    """The score of a key."""
    high = key >> np.uint64(32)
    bits = high ^ np.uint64(_SIGN) if high & np.uint64(_SIGN) else high ^ np.uint64(_LOW)
    return np.uint32(bits).view(np.float32)


@kernel
def number_of(key: np.uint64) -> np.int64:
    """The number of a key."""
    return np.int64(np.uint64(_LOW) - (key & np.uint64(_LOW)))


@kernel
def offer(heap: NDArray[np.uint64], size: int, capacity: int, key: np.uint64) -> int:
    """Keep a key when it is among the best `capacity`, at least 1; the worst stands on top. Returns: the new size."""
    if size == capacity:
        if key > heap[0]:
            _sink(heap, size, key)
        return size
    at = size
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key
    return size + 1


@kernel
def sort(heap: NDArray[np.uint64], size: int) -> None:
    """Turn a heap into a list, best first."""
    for last in range(size - 1, 0, -1):
        worst, key = heap[0], heap[last]
        _sink(heap, last, key)
        heap[last] = worst


@kernel
def _sink(heap: NDArray[np.uint64], size: int, key: np.uint64) -> None:
    """Put a key in the place of the top, and what is worse than it above it."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
