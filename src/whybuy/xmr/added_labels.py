"""Labels added to a trained tree: kept beside it, each under the leaf that it was routed to."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Numbers = TypeVar("Numbers", bound=np.generic)


class AddedLabels(NamedTuple):
    """Added labels as linked lists, one per leaf, the newest first.

    An instance keeps the labels that were there when it was made: an addition only fills places that no
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
    codes: NDArray[np.uint32]
    weights: NDArray[np.float32]
    bias: np.float32


def no_labels() -> AddedLabels:
    """What a tree has to which none was added."""
    places, entries = np.empty(0, np.int32), np.empty(0, np.float32)
    return AddedLabels(places, places, places, np.zeros(1, np.int64), np.empty(0, np.uint32), entries, entries)


def with_label(added: AddedLabels, place: int, label: NewLabel, nodes: int) -> AddedLabels:
    """Added labels with one more, at the first place that is free. Searches under way go on with the old ones."""
    start = added.starts[place]
    end = start + len(label.weights)
    newest = added.newest.copy() if len(added.newest) else np.full(nodes, -1, np.int32)
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
    grown.starts[place + 1], grown.codes[start:end], grown.weights[start:end] = end, label.codes, label.weights
    newest[label.leaf] = place
    return grown


def trimmed(added: AddedLabels, places: int) -> AddedLabels:
    """Without the room for more."""
    entries = int(added.starts[places])
    return AddedLabels(
        added.leaf[:places],
        added.newest,
        added.older[:places],
        added.starts[: places + 1],
        added.codes[:entries],
        added.weights[:entries],
        added.bias[:places],
    )


def _with_room(array: NDArray[Numbers], size: int) -> NDArray[Numbers]:
    """The same memory when it has room and may be written, else a copy with twice as much."""
    if len(array) >= size and array.flags.writeable:
        return array
    copy = np.zeros(max(2 * size, 64), array.dtype)
    copy[: len(array)] = array
    return copy
