"""Labels added to a trained tree: kept beside it, each under the leaf that it was routed to."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from whybuy.kernels import kernel

SWEEPS = 10  # over the positives of a new label and its siblings
CAUTION = 0.15  # taken from the bias: what only its text is known of should not outdo what shoppers have confirmed
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
    codes: NDArray[np.uint32]
    weights: NDArray[np.float32]
    bias: np.float32


class Positives(NamedTuple):
    """What a new label is right for."""

    starts: NDArray[np.int64]  # shape (instances + 1,)
    codes: NDArray[np.uint32]  # of the features of each instance
    values: NDArray[np.float32]
    costs: NDArray[np.float32]  # shape (instances,), > 0


class Siblings(NamedTuple):
    """The rankers of a leaf's labels, a row for each feature."""

    codes: NDArray[np.uint32]  # shape (rows,), ascending
    lengths: NDArray[np.int64]  # shape (rows,): entries of each
    children: NDArray[np.uint16]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]  # shape (children,)


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


class _Examples(NamedTuple):
    """What a new ranker learns from; features are numbered as in the leaf, then those that only its positives have."""

    starts: NDArray[np.int64]
    features: NDArray[np.int64]
    values: NDArray[np.float32]
    sides: NDArray[np.float32]  # 1, or -1
    slack: NDArray[np.float32]  # 1 / (2 cost)


@kernel
def first_ranker(leaf: int, siblings: Siblings, positives: Positives) -> NewLabel:
    """A ranker for a label of which only the positives are known.

    It begins as most of its siblings are: with what they all learned from the negatives of the leaf. Then it learns, as
    in training, to tell its positives from its siblings, each of which stands for its own positives by the weights that
    it has above 0.
    """
    extra = np.unique(positives.codes[_places(siblings.codes, positives.codes) < 0])
    codes = np.concatenate((siblings.codes, extra))
    weights = np.zeros(len(codes), np.float32)
    _begin(siblings, weights)
    bias = np.float32(np.median(siblings.bias))
    bias += _descend(_examples(siblings, positives, extra), weights, bias) - np.float32(CAUTION)
    kept = weights != 0
    return NewLabel(leaf, codes[kept], weights[kept], np.float32(bias))


@kernel
def _places(codes: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Where codes stand in an ascending list, or -1."""
    places = np.searchsorted(codes, wanted)
    for number in range(len(wanted)):
        if places[number] == len(codes) or codes[places[number]] != wanted[number]:
            places[number] = -1
    return places


@kernel
def _begin(siblings: Siblings, weights: NDArray[np.float32]) -> None:
    """Set each feature's weight to the median over the siblings."""
    of_feature = np.empty(len(siblings.bias), np.float32)
    entry = 0
    for row in range(len(siblings.codes)):
        length = siblings.lengths[row]
        if 2 * length > len(of_feature):
            of_feature[:length] = siblings.weights[entry : entry + length]
            of_feature[length:] = 0
            weights[row] = np.median(of_feature)
        entry += length


@kernel
def _examples(siblings: Siblings, positives: Positives, extra: NDArray[np.uint32]) -> _Examples:
    """The positives, then each sibling as a negative of length 1."""
    count, rivals = len(positives.costs), len(siblings.bias)
    starts = np.zeros(count + rivals + 1, np.int64)
    squares = np.zeros(rivals, np.float32)
    for entry in range(len(siblings.weights)):
        if siblings.weights[entry] > 0:
            starts[count + siblings.children[entry] + 1] += 1
            squares[siblings.children[entry]] += siblings.weights[entry] ** 2
    starts[1 : count + 1] = positives.starts[1:] - positives.starts[:-1]
    starts = np.cumsum(starts)
    features, values = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.float32)
    places = _places(siblings.codes, positives.codes)
    unseen = np.searchsorted(extra, positives.codes) + len(siblings.codes)
    features[: len(places)] = np.where(places < 0, unseen, places)
    values[: len(places)] = positives.values
    at = starts[count:-1].copy()
    entry = 0
    for row in range(len(siblings.codes)):
        for _ in range(siblings.lengths[row]):
            child = siblings.children[entry]
            if siblings.weights[entry] > 0:
                features[at[child]], values[at[child]] = row, siblings.weights[entry] / np.sqrt(squares[child])
                at[child] += 1
            entry += 1
    sides, slack = np.ones(count + rivals, np.float32), np.full(count + rivals, np.float32(0.5))
    sides[count:] = -1
    slack[:count] /= positives.costs
    return _Examples(starts, features, values, sides, slack)


@kernel
def _descend(examples: _Examples, weights: NDArray[np.float32], start: np.float32) -> np.float32:
    """Dual coordinate descent (squared hinge) from given weights, which are changed; returns what the bias gains."""
    dual = np.zeros(len(examples.sides), np.float32)
    gain = np.float32(0)
    for _ in range(SWEEPS):
        for row in range(len(dual)):
            margin, square = start + gain, np.float32(1)
            for entry in range(examples.starts[row], examples.starts[row + 1]):
                value = examples.values[entry]
                margin += value * weights[examples.features[entry]]
                square += value * value
            slope = examples.sides[row] * margin - np.float32(1) + examples.slack[row] * dual[row]
            change = max(-dual[row], -slope / (square + examples.slack[row]))
            dual[row] += change
            gain += change * examples.sides[row]
            for entry in range(examples.starts[row], examples.starts[row + 1]):
                weights[examples.features[entry]] += change * examples.sides[row] * examples.values[entry]
    return gain


def _with_room(array: NDArray[Numbers], size: int) -> NDArray[Numbers]:
    """The same memory when it has room and may be written, else a copy with twice as much."""
    if len(array) >= size and array.flags.writeable:
        return array
    copy = np.zeros(max(2 * size, 64), array.dtype)
    copy[: len(array)] = array
    return copy
