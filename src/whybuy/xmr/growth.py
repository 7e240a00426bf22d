"""Labels added to a trained tree: kept beside it, each under the leaf that it was routed to."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from whybuy.kernels import kernel
from whybuy.xmr.chunk import Chunk
from whybuy.xmr.weights import PackedWeights, code_bits, codes_of

SWEEPS = 20  # over the positives of a new label; there are few
Numbers = TypeVar("Numbers", bound=np.generic)


class AddedLabels(NamedTuple):
    """Added labels as linked lists, one per leaf, the newest first.

    Whoever holds one of these sees the labels that were there when it was made: an addition only fills places that no
    list has reached yet, and puts a new `newest` in place of the old one.
    """

    leaf: NDArray[np.int32]  # shape (places,): the node that each stands under
    newest: NDArray[np.int32]  # shape (nodes,): the label last added to the leaf, or -1; empty when none was added
    older: NDArray[np.int32]  # shape (places,): the label added to the same leaf before, or -1
    starts: NDArray[np.int64]  # shape (places + 1,): weights of label i are starts[i] up to starts[i + 1]
    codes: NDArray[np.uint32]  # of the features, as in `weights`
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # shape (places,)


class NewLabel(NamedTuple):
    """The ranker of a label to be added."""

    leaf: int
    features: NDArray[np.int32]
    weights: NDArray[np.float32]
    bias: np.float32


def no_labels() -> AddedLabels:
    """What a tree has to which none was added."""
    places, entries = np.empty(0, np.int32), np.empty(0, np.float32)
    return AddedLabels(places, places, places, np.zeros(1, np.int64), np.empty(0, np.uint32), entries, entries)


def with_label(added: AddedLabels, place: int, label: NewLabel, packed: PackedWeights) -> AddedLabels:
    """Added labels with one more, at the first place that is free. Searches under way go on with the old ones."""
    codes = codes_of(label.features, code_bits(packed.features))
    start = added.starts[place]
    end = start + len(label.weights)
    newest = added.newest.copy() if len(added.newest) else np.full(len(packed.chunks), -1, np.int32)
    grown = AddedLabels(
        _with_room(added.leaf, place + 1),
        newest,
        _with_room(added.older, place + 1),
        _with_room(added.starts, place + 2),
        _with_room(added.codes, end),
        _with_room(added.weights, end),
        _with_room(added.bias, place + 1),
    )
    grown.leaf[place], grown.older[place], grown.bias[place] = label.leaf, newest[label.leaf], label.bias
    grown.starts[place + 1], grown.codes[start:end], grown.weights[start:end] = end, codes, label.weights
    newest[label.leaf] = place
    return grown


def first_ranker(positives: csr_matrix, costs: NDArray[np.float32], leaf: int, siblings: Chunk) -> NewLabel:
    """A ranker for a label of which only the positives are known.

    It begins as most of its siblings are, with what all of them learned from the negatives of the leaf, and is then
    raised at its positives as in training (squared hinge, dual coordinate descent).

    positives: instances x features. costs: shape (instances,), > 0. siblings: the chunk of its leaf.
    """
    known, weights, bias = _usual(siblings)
    features = np.union1d(known, positives.indices).astype(np.int32)
    ranker = np.zeros(len(features), np.float32)
    ranker[np.searchsorted(features, known)] = weights
    local = np.zeros((positives.shape[0], len(features)), np.float32)
    rows = np.repeat(np.arange(positives.shape[0]), np.diff(positives.indptr))
    np.add.at(local, (rows, np.searchsorted(features, positives.indices)), positives.data)
    dual = _raised(local @ local.T + np.float32(1), local @ ranker + bias, costs)
    ranker += dual @ local
    kept = ranker != 0
    return NewLabel(leaf, features[kept], ranker[kept], np.float32(bias + dual.sum()))


def _usual(siblings: Chunk) -> tuple[NDArray[np.int32], NDArray[np.float32], np.float32]:
    """The median weight of each feature over the children of a leaf, where it is not 0, and the median bias."""
    children = len(siblings.bias)
    rows = np.flatnonzero(2 * np.diff(siblings.starts) > children)
    dense = np.zeros((len(rows), children), np.float32)
    for place, row in enumerate(rows):
        entries = slice(siblings.starts[row], siblings.starts[row + 1])
        dense[place, siblings.children[entries]] = siblings.weights[entries]
    return siblings.features[rows], np.median(dense, axis=1).astype(np.float32), np.float32(np.median(siblings.bias))


@kernel
def _raised(
    inner: NDArray[np.float32], margins: NDArray[np.float32], costs: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Dual coordinate descent over positives alone. inner: their inner products; margins: without any of them."""
    dual = np.zeros(len(costs), np.float32)
    for _ in range(SWEEPS):
        for row in range(len(costs)):
            slack = np.float32(0.5) / costs[row]
            gradient = margins[row] + slack * dual[row] - np.float32(1)
            change = max(-dual[row], -gradient / (inner[row, row] + slack))
            dual[row] += change
            margins += change * inner[row]
    return dual


def _with_room(array: NDArray[Numbers], size: int) -> NDArray[Numbers]:
    """The same memory when it has room and may be written, else a copy with twice as much."""
    if len(array) >= size and array.flags.writeable:
        return array
    copy = np.zeros(max(2 * size, 64), array.dtype)
    copy[: len(array)] = array
    return copy
