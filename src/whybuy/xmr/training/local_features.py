"""The features of some rows, numbered from 0, so that the weights of one node fit the cache of the processor."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel
from whybuy.xmr.weights import HASH_MULTIPLIER


class Rows(NamedTuple):
    """A sparse matrix, row by row."""

    starts: NDArray[np.int64]  # shape (rows + 1,)
    features: NDArray[np.int32]
    values: NDArray[np.float32]


class LocalRows(NamedTuple):
    """Some rows of a matrix over the features that they share.

    A feature that only one row has gets no number: its weight follows from the dual of that row. `alone_*` hold those.
    """

    starts: NDArray[np.int64]  # shape (rows + 1,)
    features: NDArray[np.uint32]  # local numbers, in the order in which features are first seen
    values: NDArray[np.float32]
    names: NDArray[np.int32]  # shape (local features,): the feature of each number
    alone_starts: NDArray[np.int64]  # shape (rows + 1,)
    alone_names: NDArray[np.int32]
    alone_values: NDArray[np.float32]
    alone_squares: NDArray[np.float32]  # shape (rows,): sum of squares of the row's features that no other row has
    squares: NDArray[np.float32]  # shape (rows,): sum of all squares of the row


@kernel
def localize(rows: Rows, chosen: NDArray[np.int32], space: int, least: int) -> LocalRows:
    """Renumber the features of the chosen rows.

    space: number of features of the whole matrix. least: a feature of fewer rows is left alone (1: none is).
    """
    entries = 0
    for row in chosen:
        entries += rows.starts[row + 1] - rows.starts[row]
    numbers, counts, names = _number(rows, chosen, entries, space)
    kept = np.empty(len(names), np.int32)
    shared = shared_entries = 0
    for number in range(len(names)):
        kept[number] = shared if counts[number] >= least else -1
        if counts[number] >= least:
            names[shared] = names[number]
            shared += 1
            shared_entries += counts[number]
    return _split(rows, chosen, numbers, kept, names[:shared].copy(), shared_entries)


@kernel
def _number(
    rows: Rows, chosen: NDArray[np.int32], entries: int, space: int
) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.int32]]:
    """Number of each entry, how often each number occurs, which feature it is."""
    size = 1
    while size < 2 * entries and size < space:
        size *= 2
    slots = np.full(size, -1, np.int32)
    names = np.empty(min(entries, space), np.int32)
    counts = np.zeros(min(entries, space), np.int32)
    numbers = np.empty(entries, np.uint32)
    seen = 0
    entry = 0
    for row in chosen:
        for place in range(rows.starts[row], rows.starts[row + 1]):
            feature = rows.features[place]
            slot = (feature * HASH_MULTIPLIER) & (size - 1)
            while slots[slot] >= 0 and names[slots[slot]] != feature:
                slot = (slot + 1) & (size - 1)
            if slots[slot] < 0:
                slots[slot] = seen
                names[seen] = feature
                seen += 1
            numbers[entry] = slots[slot]
            counts[slots[slot]] += 1
            entry += 1
    return numbers, counts[:seen], names[:seen]


@kernel
def _split(
    rows: Rows,
    chosen: NDArray[np.int32],
    numbers: NDArray[np.uint32],
    kept: NDArray[np.int32],
    names: NDArray[np.int32],
    shared: int,
) -> LocalRows:
    """Entries whose number is kept, renumbered in the memory of the numbers, and entries that stand alone.

    kept: by number, the new one or -1. names: by new number, the feature. shared: entries whose number is kept.
    """
    starts = np.zeros(len(chosen) + 1, np.int64)
    values = np.empty(shared, np.float32)
    alone_starts = np.zeros(len(chosen) + 1, np.int64)
    alone_names = np.empty(len(numbers) - shared, np.int32)
    alone_values = np.empty(len(numbers) - shared, np.float32)
    alone_squares = np.zeros(len(chosen), np.float32)
    squares = np.zeros(len(chosen), np.float32)
    entry = entry_shared = entry_alone = 0
    for position in range(len(chosen)):
        row = chosen[position]
        for place in range(rows.starts[row], rows.starts[row + 1]):
            value = rows.values[place]
            squares[position] += value * value
            number = kept[numbers[entry]]
            if number >= 0:
                numbers[entry_shared] = number
                values[entry_shared] = value
                entry_shared += 1
            else:
                alone_names[entry_alone] = rows.features[place]
                alone_values[entry_alone] = value
                alone_squares[position] += value * value
                entry_alone += 1
            entry += 1
        starts[position + 1] = entry_shared
        alone_starts[position + 1] = entry_alone
    features = numbers[:shared]
    return LocalRows(starts, features, values, names, alone_starts, alone_names, alone_values, alone_squares, squares)
