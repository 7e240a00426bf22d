"""In how many texts each n-gram stands, counted by sorting: memory grows with distinct n-grams, not with texts."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

MIN_MERGED = 1 << 22  # n-grams that wait before they are counted


def count_ngrams(blocks: Iterable[NDArray[np.uint64]]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Distinct n-grams of all blocks, ascending, and how often each came."""
    known, counts = np.empty(0, np.uint64), np.empty(0, np.int32)
    waiting: list[NDArray[np.uint64]] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= max(MIN_MERGED, len(known)):
            known, counts = _merged(known, counts, _sorted(waiting))
            waiting = []
    return _merged(known, counts, _sorted(waiting)) if waiting else (known, counts)


def _sorted(blocks: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    together = np.concatenate(blocks)
    together.sort()
    return together


@kernel
def _merged(
    known: NDArray[np.uint64], counts: NDArray[np.int32], more: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Add sorted n-grams, one by one, to sorted ones that were counted."""
    merged = np.empty(len(known) + len(more), np.uint64)
    merged_counts = np.empty(len(merged), np.int32)
    size = at = other = 0
    while at < len(known) or other < len(more):
        if other == len(more) or (at < len(known) and known[at] <= more[other]):
            ngram = known[at]
            count = counts[at]
            at += 1
        else:
            ngram = more[other]
            count = np.int32(0)
        while other < len(more) and more[other] == ngram:
            count += 1
            other += 1
        merged[size] = ngram
        merged_counts[size] = count
        size += 1
    return merged[:size].copy(), merged_counts[:size].copy()
