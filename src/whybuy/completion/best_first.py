"""The heaviest rows of any span without looking at all of it: range maximum queries, best first.

The row of a maximum splits its span in two, and any maximum takes the same time, however long the span; so the k best
rows cost 2k maxima (Hsu and Ottaviano 2013, "Space-efficient data structures for top-k completion").
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.heap import key_of, number_of, offer, score_of, sort

BLOCK = 32  # rows
SCANNED = 4096  # rows of spans up to which a scan is faster


class Weights(NamedTuple):
    """Weights of rows, and where the greatest of every run of 1, 2, 4, … blocks stands."""

    weights: NDArray[np.float32]  # shape (rows,)
    best: NDArray[np.int32]  # shape (levels, blocks): row of the greatest of blocks b up to b + 2**level


def index_weights(weights: NDArray[np.float32]) -> Weights:
    """Index weights for range maximum queries, in O(rows / 32 x log rows) more memory."""
    blocks = -(-len(weights) // BLOCK)
    padded = np.full(blocks * BLOCK, -np.inf, np.float32)
    padded[: len(weights)] = weights
    rows = padded.reshape(blocks, BLOCK).argmax(axis=1) + np.arange(blocks) * BLOCK
    levels = [rows.astype(np.int32)]
    while 2 ** len(levels) <= blocks:
        step = 2 ** (len(levels) - 1)
        left, right = levels[-1], np.append(levels[-1][step:], levels[-1][-step:])
        levels.append(np.where(padded[right] > padded[left], right, left).astype(np.int32))
    return Weights(weights.astype(np.float32), np.array(levels, np.int32).reshape(len(levels), blocks))


@kernel
def _scan(weights: NDArray[np.float32], low: int, high: int, best: int) -> int:
    """The row of the greatest weight from low up to high, or one that is known and not smaller."""
    for row in range(low, high):
        if best < 0 or weights[row] > weights[best]:
            best = row
    return best


@kernel
def heaviest(index: Weights, low: int, high: int) -> int:
    """The row of the greatest weight from low up to high, the first of equal ones; low < high."""
    first, last = (low + BLOCK - 1) // BLOCK, high // BLOCK
    if first >= last:
        return _scan(index.weights, low, high, -1)
    best = _scan(index.weights, low, first * BLOCK, -1)
    level = 0
    while 2 ** (level + 1) <= last - first:
        level += 1
    for row in (index.best[level, first], index.best[level, last - 2**level]):
        if best < 0 or index.weights[row] > index.weights[best]:
            best = int(row)
    return _scan(index.weights, last * BLOCK, high, best)


@kernel
def best_first(index: Weights, spans: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """The heaviest rows of some spans, heaviest first, equal ones by row, each once; at most `count`.

    Rows of weight -inf are left out.
    spans: shape (spans, 2), low and high of each; they may overlap.
    """
    room = len(spans) + count + 1  # a row that is taken leaves two spans of one
    lows, highs = np.empty(room, np.int64), np.empty(room, np.int64)
    waiting = _disjoint(spans, lows, highs)
    if (highs[:waiting] - lows[:waiting]).sum() <= SCANNED:
        return _best_scanned(index.weights, lows[:waiting], highs[:waiting], count)
    tops, weights = np.empty(room, np.int64), np.empty(room, np.float32)
    for at in range(waiting):
        tops[at] = heaviest(index, lows[at], highs[at])
        weights[at] = index.weights[tops[at]]
    taken, rows = 0, np.empty(count, np.int32)
    while waiting and taken < count:
        at = 0
        for other in range(1, waiting):
            if weights[other] > weights[at] or (weights[other] == weights[at] and tops[other] < tops[at]):
                at = other
        low, high, top = lows[at], highs[at], tops[at]
        if weights[at] == -np.inf:
            break
        waiting -= 1
        lows[at], highs[at], tops[at], weights[at] = lows[waiting], highs[waiting], tops[waiting], weights[waiting]
        rows[taken] = top
        taken += 1
        for half in ((low, top), (top + 1, high)):
            if half[0] < half[1]:
                lows[waiting], highs[waiting] = half
                tops[waiting] = heaviest(index, half[0], half[1])
                weights[waiting] = index.weights[tops[waiting]]
                waiting += 1
    return rows[:taken]


@kernel
def _best_scanned(
    weights: NDArray[np.float32], lows: NDArray[np.int64], highs: NDArray[np.int64], count: int
) -> NDArray[np.int32]:
    """`best_first` by a scan of all rows: for few rows, reading them in order is faster than jumping."""
    kept, size, least = np.empty(max(count, 1), np.uint64), 0, np.float32(-np.inf)  # of what may still be kept
    for at in range(len(lows) if count else 0):
        for row in range(lows[at], highs[at]):
            if weights[row] > least or (size < count and weights[row] > -np.inf):
                size = offer(kept, size, count, key_of(weights[row], row))
                least = score_of(kept[0]) if size == count else least
    sort(kept, size)
    rows = np.empty(size, np.int32)
    for place in range(size):
        rows[place] = number_of(kept[place])
    return rows


@kernel
def _disjoint(spans: NDArray[np.int64], lows: NDArray[np.int64], highs: NDArray[np.int64]) -> int:
    """Write the union of some spans as spans that do not overlap. Returns: how many."""
    written = 0
    for span in np.argsort(spans[:, 0]):
        low, high = spans[span, 0], spans[span, 1]
        if low >= high:
            continue
        if written and low <= highs[written - 1]:
            highs[written - 1] = max(highs[written - 1], high)
        else:
            lows[written], highs[written] = low, high
            written += 1
    return written
